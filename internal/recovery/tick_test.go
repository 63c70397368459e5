package recovery_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func snapshotRun(w *world, own, other store.Bucket) (contract.SnapshotResult, error) {
	return snapshot.Run(w.t.Context(), snapshot.Deps{
		Settings: w.settings, Region: own.Region(), Own: own, Other: other, Plane: w, Metrics: w.metrics[own.Region()],
		Log: slog.New(slog.DiscardHandler), Holder: "snapshot", Random: func() uint32 { return 7 },
	}, contract.SnapshotRequest{Reason: snapshot.ReasonDemand})
}

func last(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	return values[len(values)-1], true
}

func TestD1_AgeAsSeenFromEachRegion(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.tick(east)
	w.tick(west)
	for _, r := range []string{east, west} {
		if _, ok := last(w.metrics[r].Values(contract.MetricPointAge)); ok {
			t.Errorf("%s publishes an age without a point", r)
		}
	}
	w.snapshot()
	w.pass(10 * time.Minute)
	w.tick(east)
	w.tick(west)
	for r, active := range map[string]float64{east: 1, west: 0} {
		if age, ok := last(w.metrics[r].Values(contract.MetricPointAge)); !ok || age < 600 || age > 700 {
			t.Errorf("age in %s: %v %v", r, age, ok)
		}
		if a, _ := last(w.metrics[r].Values(contract.MetricActive)); a != active {
			t.Errorf("%s says Active %v", r, a)
		}
	}
	// The link between the two is cut: the east sees nothing, and says nothing.
	n := len(w.metrics[east].Values(contract.MetricPointAge))
	w.buckets[west].SetUnreachable(true)
	if _, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick}); err == nil {
		t.Error("the cut is no error")
	}
	if len(w.metrics[east].Values(contract.MetricPointAge)) != n {
		t.Error("an age was published that nobody can see")
	}
}

func TestD1_NoPointOfTheNewGeneration(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.snapshot()
	w.tick(west)
	n := len(w.metrics[west].Values(contract.MetricPointAge))
	w.switchTo(west, strange, west)
	w.tick(west)
	if len(w.metrics[west].Values(contract.MetricPointAge)) != n {
		t.Error("a point of the former generation counts for the new one")
	}
}

func TestTickSettlesWhatTheSnapshotFunctionStarted(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.check(w.clusters[east].Index(t.Context(), "movies", "1", "{}"))
	w.snapshot()
	if v, ok := last(w.metrics[east].Values(contract.MetricSnapshotDocs)); !ok || v != 1 {
		t.Errorf("documents %v", v)
	}
}

func TestH14_TickBringsTheLedgerToANewBucket(t *testing.T) {
	w := newWorld(t)
	w.buckets[west].SetAbsent(true)
	w.active()
	w.tick(east)
	w.buckets[west].SetAbsent(false)
	s := w.tick(west)
	if s.OwnGeneration != 1 || w.ledger(west).Answer != ledger.Present {
		t.Errorf("%+v", s)
	}
}

func TestH15_HigherGenerationIsCopiedDownAndTheRecordLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.switchTo(west, strange, west)
	w.zone.Set(w.settings.DNS.Record, route.Record{
		Type: "CNAME", Target: "search-two", TTL: 60, Mark: route.Mark{Name: "films", Region: west, Generation: 2}.String(), MarkTTL: 60,
	})
	w.buckets[west].SetUnreachable(true)
	if _, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick}); err == nil {
		t.Error("a record of a newer generation is no error")
	}
	if w.record().Target != "search-two" {
		t.Fatalf("a stale ledger moved the record: %+v", w.record())
	}
	w.buckets[west].SetUnreachable(false)
	w.tick(east)
	if w.ledger(east).Ledger.Generation != 2 {
		t.Error("generation 2 was not copied down")
	}
	if w.record().Target != "search-two" {
		t.Errorf("record %+v", w.record())
	}
}

func TestTickPutsTheRecordRight(t *testing.T) {
	w := newWorld(t)
	w.active()
	r := w.record()
	r.Target = "elsewhere.example.org"
	w.zone.Set(w.settings.DNS.Record, r)
	w.tick(west)
	if w.record().Target != "elsewhere.example.org" {
		t.Error("the other Region's controller touched the record")
	}
	w.tick(east)
	if w.record().Target != w.descs[east].Endpoint {
		t.Errorf("record %+v", w.record())
	}
}

func TestX5_OneRunAtATime(t *testing.T) {
	w := newWorld(t)
	w.active()
	l, err := lease.Acquire(t.Context(), w.buckets[east], recovery.LeaseName, "another", time.Minute)
	w.check(err)
	s := w.tick(east)
	wantWaiting(t, s, "another")
	w.check(l.Release(t.Context()))
	if s := w.tick(east); !s.Done || s.Phase != "active" {
		t.Errorf("%+v", s)
	}
}

func (w *world) release(region string) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionRelease, Wish: wish(region)})
	w.check(err)
	return s
}

// The run that the loss of the Region met could not release its lease. When the
// Region is back, its process goes on at once: the superseded domain must not take
// writes for the minutes of a dead lease.
func TestX5_ARegionThatComesBackWaitsForNoDeadLeaseOfItsOwn(t *testing.T) {
	w := pair(t)
	w.leases = map[string]*lease.Memory{east: {}}
	calls := 0
	w.buckets[east].OnCall(func(storetest.Op, string) {
		if calls++; calls == 8 { // in the middle of a run
			w.lose(east, true)
		}
	})
	if s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick}); err == nil {
		t.Fatalf("the loss met no run: %+v", s)
	}
	w.buckets[east].OnCall(nil)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "failover"))
	w.lose(east, false)
	memory := w.leases
	w.leases = nil
	if s := w.tick(east); !strings.Contains(s.WaitingFor, "another run") {
		t.Fatalf("the lease of the run that was cut off is over: nothing is shown: %+v", s)
	}
	w.leases = memory
	w.tick(east)
	if err := w.clusters[east].Index(t.Context(), "movies", "late", "{}"); !opensearch.IsBlocked(err) {
		t.Errorf("the superseded domain takes writes: %v", err)
	}
}

// A process that is killed at the function's limit forgets its leases, so the run
// ends before.
func TestX5_ARunEndsBeforeTheFunctionsLimit(t *testing.T) {
	w := pair(t)
	ctx, stop := context.WithDeadline(t.Context(), time.Now().Add(30*time.Second))
	defer stop()
	w.ctx = ctx
	w.clusters[east].Intercept(func(string) opensearchtest.Verdict {
		t.Error("the domain was asked something in the last minute of the function")
		return opensearchtest.Verdict{}
	})
	_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
}

func TestRelease(t *testing.T) {
	w := newWorld(t)
	if s := w.release(west); !s.Done {
		t.Errorf("no domain: %+v", s)
	}
	w.active()
	wantRefusal(t, w.release(east), "is the active one", "gen 1", "make us-west-2 the active Region first")
	// H2: the gate may be the first that a pipeline's old flag meets.
	stale := wish(west)
	stale.Region = east
	s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionRelease, Wish: stale})
	w.check(err)
	wantRefusal(t, s, "cdk.json says us-west-2, the ledger says us-east-1", "Set cdk.json to us-east-1", "switchFrom=1")
	c := w.domain(west, 2)
	wantRefusal(t, w.release(west), "does not answer") // not mapped: nobody knows
	w.tick(west)
	if s := w.release(west); !s.Done {
		t.Errorf("never active and empty: %+v", s)
	}
	w.put(west, "movies", "1")
	c.Kill()
	wantRefusal(t, w.release(west), "does not answer")
	c.Start()
	w.buckets[east].SetUnreachable(true)
	wantRefusal(t, w.release(west), "cannot be read")
	w.buckets[east].SetUnreachable(false)
	s = w.done(w.letGo(wish(west)))
	if p := w.salvage(east, c.UUID()); p.Documents != 1 {
		t.Errorf("%+v, salvage %+v", s, p)
	}
}

func TestH21_ReleaseDuringASwitch(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.domain(west, 2)
	w.tick(west)
	_, err := ledger.PutIntent(t.Context(), w.buckets[east], w.ledger(east).Ledger, ledger.Intent{Token: "x", To: west, RequestID: "r"}, time.Hour)
	w.check(err)
	wantRefusal(t, w.release(west), "H21")
}

func TestStatusChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.active()
	before := len(w.buckets[east].Keys()) + len(w.buckets[west].Keys())
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	if err != nil || s.ActiveRegion != east || s.Generation != 1 || s.Domain != contract.DomainAbsent {
		t.Errorf("%+v %v", s, err)
	}
	if after := len(w.buckets[east].Keys()) + len(w.buckets[west].Keys()); after != before {
		t.Errorf("%d keys, before %d", after, before)
	}
}
