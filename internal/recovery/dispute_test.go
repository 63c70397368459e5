package recovery_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// claimed by a Region's own domain, in its own bucket alone: what each side of a
// partition can do without the other knowing.
func (w *world) claimed(region, token string) {
	w.t.Helper()
	b := w.buckets[region]
	_, err := ledger.PutIntent(w.t.Context(), b, w.ledger(region).Ledger, ledger.Intent{Token: token, To: region, RequestID: "r"}, time.Hour)
	w.check(err)
	_, err = ledger.ClaimSwitch(w.t.Context(), b, ledger.Claim{Region: region, ClusterUUID: w.clusters[region].UUID(), Endpoint: w.descs[region].Endpoint, Token: token})
	w.check(err)
}

// decide as docs/runbooks/ledger-dispute.md says: the ledger of the domain that is
// kept, as one generation more.
func (w *world) decide(region string) {
	w.t.Helper()
	l := w.ledger(region).Ledger.Copy()
	l.Generation, l.Token = l.Generation+1, "decided-by-hand"
	body, err := json.Marshal(l)
	w.check(err)
	_, err = w.buckets[region].Put(w.t.Context(), ledger.Key, body, store.Condition{})
	w.check(err)
}

func TestD12_TwoPartitionedClaimsFenceBothAndWaitForAPerson(t *testing.T) {
	w := pair(t)
	w.put(west, "movies", "w")
	w.claimed(east, "one")
	w.claimed(west, "two")
	for range 2 {
		for _, r := range []string{east, west} {
			_, err := w.ask(r, contract.RecoveryRequest{Action: contract.ActionTick})
			for _, part := range []string{"dispute over generation 2", w.clusters[east].UUID(), w.clusters[west].UUID(), "as generation 3", "ledger-dispute.md"} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s does not say %q: %v", r, part, err)
				}
			}
		}
	}
	fenced := func() {
		t.Helper()
		for _, r := range []string{east, west} {
			if w.writes(r, "movies", "late") {
				t.Errorf("the domain of %s takes writes", r)
			}
		}
	}
	fenced()
	for _, r := range []string{east, west} {
		p := explicit(r)
		p.SwitchFrom = "2"
		wantRefusal(t, w.promote(p), "dispute")
		wantRefusal(t, w.release(r), "kept", "dispute")
		for _, action := range []string{contract.ActionRecheck, contract.ActionAbort} {
			s, err := w.ask(r, contract.RecoveryRequest{Action: action, Token: "one"})
			w.check(err)
			wantRefusal(t, s, "dispute")
		}
		if s, err := w.run(r, "schedule"); err == nil || s.Started != "" || len(s.Pruned) > 0 {
			t.Errorf("snapshots in %s: %+v %v", r, s, err)
		}
	}
	if m, _ := route.ParseMark(w.record().Mark); m.Generation != 1 {
		t.Errorf("the record moved: %+v", w.record())
	}

	// Whoever sees one ledger only has not forgotten it, with the operator's word or
	// without.
	w.lose(west, true)
	w.pass(time.Minute)
	_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
	p := explicit(east)
	p.UnreachableRegion = west
	wantWaiting(t, w.promote(p), "generation 2 was disputed")
	fenced()
	w.lose(west, false)

	w.decide(west)
	for range 2 {
		w.pass(time.Minute)
		w.ticks()
	}
	if w.writes(east, "movies", "late") || !w.writes(west, "movies", "new") {
		t.Error("the decision is not carried out")
	}
	if w.ledger(east).Ledger.Generation != 3 || w.record().Target != w.descs[west].Endpoint {
		t.Errorf("ledger %+v, record %+v", w.ledger(east).Ledger, w.record())
	}
	uuid := w.clusters[east].UUID()
	w.done(w.letGo(wish(east)))
	if s := w.salvage(west, uuid); s.Documents != 2 {
		t.Errorf("what the other side took is not saved: %+v", s)
	}
}

// The record is the third witness: one that names the other Region in the same
// generation is left alone, whatever one ledger says.
func TestD12_TheRecordIsNotPulledToAndFro(t *testing.T) {
	w := pair(t)
	w.claimed(east, "one")
	theirs := route.Record{
		Type: "CNAME", Target: "search-west", TTL: 60, Mark: route.Mark{Name: "films", Region: west, Generation: 2}.String(), MarkTTL: 60,
	}
	w.zone.Set(w.settings.DNS.Record, theirs)
	w.lose(west, true)
	if _, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick}); err == nil {
		t.Error("a record of the other Region is no error")
	}
	if w.record() != theirs {
		t.Errorf("the record moved: %+v", w.record())
	}
}

func TestH15_DisputeOfTwoRegionsNeverSetUpFencesBoth(t *testing.T) {
	w := newWorld(t)
	for r, seed := range map[string]uint64{east: 1, west: 2} {
		c := w.domain(r, seed)
		w.put(r, "movies", "1")
		_, err := ledger.ClaimFirst(t.Context(), w.buckets[r], ledger.Claim{Region: r, ClusterUUID: c.UUID(), Endpoint: "e" + r, Token: r})
		w.check(err)
	}
	w.ticks()
	for _, r := range []string{east, west} {
		if w.writes(r, "movies", "2") {
			t.Errorf("the domain of %s takes writes", r)
		}
	}
	if w.record().Type != "" {
		t.Errorf("record %+v", w.record())
	}
}

// The claim was written in the active Region's bucket, its answer was lost, and
// that Region with it: the same switch is claimed in the own bucket then. When the
// Region is back the two ledgers name the same domain, and nobody is fenced for it.
func TestD12_AClaimWhoseAnswerIsLostWithItsRegionIsNoDispute(t *testing.T) {
	w := pair(t)
	wrote := false
	w.buckets[east].OnCall(func(op storetest.Op, key string) {
		switch {
		case key != ledger.Key || !slices.Contains(w.calls, contract.ActionRecheck+" "+east):
		case op == storetest.Put && !wrote:
			wrote = true
			w.buckets[east].LoseAnswer(storetest.Put, 1)
		case op == storetest.Get && wrote:
			w.lose(east, true)
		}
	})
	w.done(w.until(explicit(west), "one"))
	w.buckets[east].OnCall(nil)
	if !wrote {
		t.Fatal("the claim was not cut off")
	}
	w.put(west, "movies", "3")
	w.lose(east, false)
	for range 3 {
		w.pass(time.Minute)
		w.done(w.tick(east))
		w.done(w.tick(west))
	}
	if !w.writes(west, "movies", "4") || w.writes(east, "movies", "late") {
		t.Error("fenced for its own claim, or the old one is not")
	}
	w.holds(west, "movies", "1", "2", "3", "4")
}
