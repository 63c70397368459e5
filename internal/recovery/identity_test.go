package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
)

// The service rebuilt the cluster of the active domain, with its data and another
// UUID: the minute's run adopts it, and it has snapshots again, at a new path.
func TestH13_ATickAdoptsTheSameDataUnderAnotherUUID(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "after the point")
	old, uuid := w.clusters[east].UUID(), w.clusters[east].ReplaceUUID()
	if s, err := w.run(east, "schedule"); err != nil || !strings.Contains(s.Skipped, "identity changed") {
		t.Fatalf("%+v %v", s, err)
	}
	s := w.tick(east)
	if s.Generation != 2 || s.ClusterUUID != uuid || !strings.Contains(strings.Join(s.Notices, "\n"), "adopted as generation 2") {
		t.Errorf("%+v", s)
	}
	for _, r := range []string{east, west} {
		if l := w.ledger(r).Ledger; l.Generation != 2 || l.ClusterUUID != uuid || l.PromotedFrom != old || l.ActiveRegion != east {
			t.Errorf("the ledger of %s: %+v", r, l)
		}
	}
	if w.record().Target != w.descs[east].Endpoint || !w.writes(east, "movies", "3") {
		t.Errorf("record %+v", w.record())
	}
	w.pass(time.Minute)
	w.pointOf(east)
	points, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if p := points.Points[0]; p.ClusterUUID != uuid || p.ID != "0000000002-0000000001" {
		t.Errorf("newest point %+v", p)
	}
	w.tick(east)
	if g := w.ledger(east).Ledger.Generation; g != 2 {
		t.Errorf("adopted again: generation %d", g)
	}
}

// A domain that was made again is nobody's heir: not empty, not with documents of
// its own, and not with an index of the same name.
func TestH13_ADomainMadeAgainIsNeverAdopted(t *testing.T) {
	for what, fill := range map[string]func(*world){
		"empty":                      func(*world) {},
		"with an index of that name": func(w *world) { w.put(east, "movies", "1", "2", "3") },
		"that lost a write":          nil,
	} {
		w := pair(t)
		if fill == nil {
			c := w.clusters[east]
			c.ReplaceUUID()
			w.check(c.DeleteIndex(t.Context(), "movies"))
		} else {
			w.domain(east, 9)
			w.tick(east)
			fill(w)
		}
		for range 3 {
			w.pass(time.Minute)
			w.ticks()
		}
		if l := w.ledger(east).Ledger; l.Generation != 1 {
			t.Errorf("%s: adopted: %+v", what, l)
		}
		wantRefusal(t, w.promote(wish(east)), "identity changed")
	}
}

// Nothing is adopted that somebody may be switching away from.
func TestH13_NothingIsAdoptedDuringASwitchOrAPartition(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	w.clusters[east].ReplaceUUID()
	w.tick(east)
	if g := w.ledger(east).Ledger.Generation; g != 1 {
		t.Errorf("during a switch: generation %d", g)
	}
	w = pair(t)
	w.clusters[east].ReplaceUUID()
	w.lose(west, true)
	_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
	if g := w.ledger(east).Ledger.Generation; g != 1 {
		t.Errorf("in a partition: generation %d", g)
	}
	w.lose(west, false)
	w.tick(east)
	if g := w.ledger(east).Ledger.Generation; g != 2 {
		t.Errorf("after it: generation %d", g)
	}
}

// A fence that stood when the cluster was rebuilt is lifted under the new name.
func TestH13_TheFenceGoesWithTheDomain(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	old, uuid := w.clusters[east].UUID(), w.clusters[east].ReplaceUUID()
	w.clusters[east].ReleaseSnapshots()
	w.lose(west, true)
	w.pass(11 * time.Minute) // nobody drives the switch any more
	w.lose(west, false)
	w.buckets[west].SetUnreachable(false)
	for range 3 {
		w.pass(time.Minute)
		_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
	}
	if l := w.ledger(east).Ledger; l.ClusterUUID != uuid {
		t.Fatalf("%+v", l)
	}
	if !w.writes(east, "movies", "3") {
		t.Error("the fence stays, under a name that nobody has")
	}
	for _, u := range []string{old, uuid} {
		if rec, err := fence.Load(t.Context(), w.buckets[east], u); rec != nil || err != nil {
			t.Errorf("record of %s: %+v %v", u, rec, err)
		}
	}
}

// Until the adopted domain has a point of its own, the points of before are its.
func TestH13_FailoverBeforeTheFirstPointUnderTheNewName(t *testing.T) {
	w := pair(t)
	w.clusters[east].ReplaceUUID()
	w.ticks()
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "one"))
	if s.Generation != 3 || s.Loss == nil || s.Loss.Point != "0000000001-0000000001" {
		t.Errorf("%+v", s)
	}
	w.holds(west, "movies", "1", "2")
}
