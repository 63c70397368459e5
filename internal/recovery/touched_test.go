package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
)

// slip: somebody lifts the block on a copy, writes, and sets it again.
func (w *world) slip(region, index, id string) {
	w.t.Helper()
	w.check(w.clusters[region].SetWriteBlock(w.t.Context(), []string{index}, false))
	w.put(region, index, id)
	w.check(w.clusters[region].SetWriteBlock(w.t.Context(), []string{index}, true))
}

// What was written to a copy before it was noted whole has numbers that the source
// may have for other documents: it is no copy, and is saved before it goes (G3, G6).
func TestH7_ACopyThatOthersWroteToBeforeItWasWhole(t *testing.T) {
	begin := map[string]func(*world){
		"by the standby": func(w *world) { w.warmly(west) },
		"by a switch":    func(w *world) { wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore") },
	}
	for name, begin := range begin {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			uuid := w.clusters[west].UUID()
			w.clusters[west].RestoresTake(90 * time.Second)
			begin(w)
			w.pass(2 * time.Minute)
			w.slip(west, "movies", "mine")
			w.put(east, "movies", "3") // the same number, another document
			w.clusters[west].RestoresTake(0)
			w.done(w.until(explicit(west), "one"))
			w.holds(west, "movies", "1", "2", "3")
			w.salvage(east, uuid) // what was written to the copy
		})
	}
	w := pair(t)
	w.clusters[west].RestoresTake(90 * time.Second)
	w.warmly(west)
	w.pass(2 * time.Minute)
	w.slip(west, "movies", "mine")
	w.put(east, "movies", "3", "4", "5")
	w.pointOf(east)
	w.clusters[west].RestoresTake(0)
	w.copied(west)
	w.holds(west, "movies", "1", "2", "3", "4", "5")
	w.salvage(east, w.clusters[west].UUID())
	if left := w.pins(west); len(left) > 0 {
		t.Errorf("the point is pinned for ever: %v", left)
	}
}

// Not only documents: a copy that was closed, or has other settings, is brought anew.
func TestACopyThatWasChangedIsBroughtAnew(t *testing.T) {
	for name, change := range map[string]func(*world) error{
		"closed":   func(w *world) error { return w.clusters[west].Close(t.Context(), "movies") },
		"unlocked": func(w *world) error { return w.clusters[west].SetWriteBlock(t.Context(), []string{"movies"}, false) },
	} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.copied(west)
			before := w.find(west, "movies").UUID
			w.check(change(w))
			w.done(w.until(explicit(west), "one"))
			if w.find(west, "movies").UUID == before || !w.writes(west, "movies", "3") {
				t.Errorf("%+v", w.find(west, "movies"))
			}
		})
	}
}

// Our own copy is red while it is restored: nobody is told to delete it because
// something else stands beside it.
func TestARestoreUnderWayIsNoHindrance(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(6 * time.Minute)
	w.warmly(west)
	w.put(west, ".stranger", "x")
	w.pass(time.Minute)
	if s := w.warmly(west).Standby; s.Hindrance != "" || !strings.Contains(s.WaitingFor, "the restore of movies to end") {
		t.Errorf("%+v", s)
	}
	w.copied(west)
	w.salvage(east, w.clusters[west].UUID()) // the stranger
	made := w.watched(west, "CreateSnapshot")
	w.done(w.letGo(wish(west)))
	if len(*made) > 0 {
		t.Error("a copy is saved because it once had a stranger beside it")
	}
}

// F17: a snapshot of the service's own holds up a removal, which is no error.
func TestF17_ASnapshotHoldsUpTheCopyAndIsWaitedFor(t *testing.T) {
	w := pair(t)
	w.copied(west)
	w.put(east, "movies", "3")
	w.pointOf(east)
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "RemoveIndex" {
			return opensearchtest.Verdict{Before: &opensearch.Error{Step: "delete", Status: 400, Type: "snapshot_in_progress_exception", Reason: "Cannot delete indices that are being snapshotted"}}
		}
		return opensearchtest.Verdict{}
	})
	if s := w.warmly(west).Standby; !strings.Contains(s.WaitingFor, "a snapshot that holds movies") {
		t.Errorf("%+v", s)
	}
	w.clusters[west].Intercept(nil)
	w.copied(west)
}

// The point that a copy is of may be damaged: the next one is taken all the same.
func TestACopyOfAPointThatCannotBeReadGoesOn(t *testing.T) {
	w := pair(t)
	id := w.copied(west).Copy
	w.put(east, "movies", "3")
	w.pointOf(east)
	key := slices.DeleteFunc(w.buckets[west].Keys(), func(k string) bool { return !strings.HasSuffix(k, id+".json") })[0]
	_, err := w.buckets[west].Put(t.Context(), key, []byte(`{"version":99}`), store.Condition{})
	w.check(err)
	w.copied(west)
	w.holds(west, "movies", "1", "2", "3")
}
