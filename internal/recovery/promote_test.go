package recovery_test

import (
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
)

const strange = "abcdefghijklmnopqrstuv" // a cluster UUID of nobody here

func TestFirstSetUp(t *testing.T) {
	w := newWorld(t)
	w.buckets[west].SetAbsent(true)
	s := w.promote(wish(east))
	wantWaiting(t, s, "no domain exists")
	c := w.domain(east, 1)
	d := w.descs[east]
	d.Processing = true
	w.descs[east] = d
	wantWaiting(t, w.promote(wish(east)), "Processing")
	d.Processing = false
	w.descs[east] = d
	c.LoseManager(true)
	wantWaiting(t, w.promote(wish(east)), "H31")
	c.LoseManager(false)
	if w.ledger(east).Answer != ledger.Absent || w.record().Type != "" {
		t.Fatal("something was claimed while it waited")
	}
	s = w.promote(wish(east))
	if !s.Done || s.Generation != 1 || s.Endpoint != d.Endpoint || s.ClusterUUID != c.UUID() || s.OwnGeneration != 1 {
		t.Fatalf("%+v", s)
	}
	if r := w.record(); r.Target != d.Endpoint {
		t.Errorf("record %+v", r)
	}
	again := w.promote(wish(east))
	if !again.Done || again.Generation != 1 || w.zone.Changes() != 1 {
		t.Errorf("asked again: %+v, %d changes of the record", again, w.zone.Changes())
	}
}

func TestH14_AbsentIsNotUnreachable(t *testing.T) {
	w := newWorld(t)
	w.domain(west, 2)
	w.buckets[east].SetUnreachable(true)
	w.away[east] = true
	wantWaiting(t, w.promote(wish(west)), "ledger of us-east-1")
	p := wish(west)
	p.UnreachableRegion = east
	wantRefusal(t, w.promote(p), "H14")
	if w.ledger(west).Answer != ledger.Absent || w.record().Type != "" {
		t.Error("an empty domain was promoted in a disaster")
	}
}

func TestH14_TheOtherDomainHoldsDocuments(t *testing.T) {
	w := newWorld(t)
	w.domain(west, 2)
	c := w.domain(east, 1)
	w.check(c.Index(t.Context(), "movies", "1", "{}"))
	w.away[east] = true
	wantWaiting(t, w.promote(wish(west)), "us-east-1")
	w.away[east] = false
	wantWaiting(t, w.promote(wish(west)), "controller of us-east-1") // its roles are not mapped yet
	w.tick(east)
	wantRefusal(t, w.promote(wish(west)), "holds documents")
	w.check(c.DeleteIndex(t.Context(), "movies"))
	if s := w.promote(wish(west)); !s.Done {
		t.Errorf("%+v", s)
	}
}

func TestH14_PointsWithoutALedger(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.snapshot()
	for _, b := range w.buckets {
		w.check(b.Delete(t.Context(), ledger.Key))
	}
	w.domain(west, 2)
	wantRefusal(t, w.promote(wish(west)), "us-east-1", "gen 1") // the point's copy is in force
	if w.ledger(west).Answer == ledger.Present && w.ledger(west).Ledger.ActiveRegion == west {
		t.Error("a point's generation was ignored")
	}
}

func TestU4_ForeignRecordBeforeTheClaim(t *testing.T) {
	w := newWorld(t)
	w.domain(east, 1)
	w.zone.Set(w.settings.DNS.Record, route.Record{Type: "CNAME", Target: "somebody.example.org", TTL: 300})
	wantRefusal(t, w.promote(wish(east)), "somebody.example.org", "adopt")
	if w.ledger(east).Answer != ledger.Absent {
		t.Error("claimed before the record was looked at")
	}
	w.settings.DNS.Adopt = true
	if s := w.promote(wish(east)); !s.Done || w.record().Target != w.descs[east].Endpoint {
		t.Errorf("%+v", s)
	}
}

func TestH2_StaleFlagIsRefusedWithTheLineToChange(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.switchTo(west, strange, west)
	const c6 = "cdk.json says us-east-1, the ledger says us-west-2 since 2026-11-23T09:00:00Z (gen 2). Set cdk.json to us-west-2, or to switch now add -c switchFrom=2"
	s := w.promote(wish(east))
	if s.Refusal != c6 {
		t.Errorf("got  %q\nwant %q", s.Refusal, c6)
	}
	meant, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus, Wish: wish(east)})
	if err != nil || meant.Refusal != c6 {
		t.Errorf("asked before a domain is made: %+v %v", meant, err)
	}
	p := wish(east)
	p.SwitchFrom = "1"
	wantRefusal(t, w.promote(p), "switchFrom=1 is not the generation in force")
	for _, set := range []func(*contract.WishProperties){
		func(p *contract.WishProperties) { p.SwitchFrom = "2" },
		func(p *contract.WishProperties) { p.Explicit = "true" },
	} {
		p := wish(east)
		set(&p)
		meant, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus, Wish: p})
		if err != nil || meant.Refusal != "" || !meant.Done {
			t.Errorf("a switch that is meant: %+v %v", meant, err)
		}
	}
	if w.record().Target != w.descs[east].Endpoint && w.record().Target != "" {
		t.Errorf("the record moved: %+v", w.record())
	}
}

func TestH15_AlreadyActiveByOneStaleLedger(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.buckets[west].SetUnreachable(true)
	wantWaiting(t, w.promote(wish(east)), "unreachableRegion=us-west-2")
	p := wish(east)
	p.UnreachableRegion = west
	if s := w.promote(p); !s.Done {
		t.Errorf("%+v", s)
	}
	w.buckets[west].SetUnreachable(false)
	w.switchTo(west, strange, west)
	if s := w.promote(wish(east)); s.Done || s.Refusal == "" {
		t.Errorf("%+v", s)
	}
}

func TestH15_Dispute(t *testing.T) {
	w := newWorld(t)
	for r, seed := range map[string]uint64{east: 1, west: 2} {
		c := w.domain(r, seed)
		_, err := ledger.ClaimFirst(t.Context(), w.buckets[r], ledger.Claim{Region: r, ClusterUUID: c.UUID(), Endpoint: "e" + r, Token: r})
		w.check(err)
	}
	for _, r := range []string{east, west} {
		wantRefusal(t, w.promote(wish(r)), "dispute")
		if _, err := w.ask(r, contract.RecoveryRequest{Action: contract.ActionTick}); err == nil || !strings.Contains(err.Error(), "dispute") {
			t.Errorf("tick in %s: %v", r, err)
		}
	}
	if w.record().Type != "" {
		t.Errorf("record %+v", w.record())
	}
}

func TestX4_Route53AwayAfterTheClaim(t *testing.T) {
	w := newWorld(t)
	w.domain(east, 1)
	w.zone.Refuse(false, true)
	s := w.promote(wish(east))
	wantWaiting(t, s, "Route 53")
	if s.Generation != 1 || !strings.Contains(s.WaitingFor, w.descs[east].Endpoint) {
		t.Errorf("%+v", s)
	}
	w.zone.Refuse(false, false)
	w.tick(east)
	if w.record().Target != w.descs[east].Endpoint {
		t.Errorf("the minute run did not heal it: %+v", w.record())
	}
}

func TestH13_PromotionOfARecreatedDomain(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.domain(east, 3)
	wantRefusal(t, w.promote(wish(east)), "identity changed")
}

func TestF14_AccessIsMappedBeforeAnythingElse(t *testing.T) {
	w := newWorld(t)
	w.active()
	n := w.settings.Names()
	m, err := w.clusters[east].RoleMapping(t.Context(), contract.ManageSnapshots)
	w.check(err)
	for _, arn := range []string{n.FunctionRoleARN(contract.Snapshot, east), n.FunctionRoleARN(contract.Recovery, east), n.SnapshotRoleARN(east)} {
		if !strings.Contains(strings.Join(m.BackendRoles, " "), arn) {
			t.Errorf("%s is not mapped", arn)
		}
	}
	if !w.clusters[east].AuditEnabled() {
		t.Error("the audit log is off (D6)")
	}
}

func (w *world) snapshot() {
	w.t.Helper()
	own, other := w.buckets[east], w.buckets[west]
	_, err := snapshotRun(w, own, other)
	w.check(err)
	w.pass(30_000_000_000)
	w.tick(east)
}
