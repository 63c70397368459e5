package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
)

// TestH60_ASalvageWaitsForNoCopyOfOurs: a stranger's index appears in the target while
// our own copies are red, which a restore whose point is gone leaves for good. The
// salvage takes the stranger and spares the copies.
func TestH60_ASalvageWaitsForNoCopyOfOurs(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(10 * time.Hour)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	w.index(west, "stray", opensearchtest.IndexOptions{})
	var waits []string
	for range 8 {
		w.pass(time.Minute)
		s := w.askFor(explicit(west), "one", at)
		waits = append(waits, s.WaitingFor+s.Refusal)
	}
	if last := waits[len(waits)-1]; strings.Contains(last, "salvage") {
		t.Fatalf("the switch waits for a salvage of our own copies: %q", waits)
	}
	p, ok, _, err := point.NewestWhole(t.Context(), w.buckets[east], func(p point.Point) bool { return p.Kind == point.KindSalvage })
	w.check(err)
	if !ok || !slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == "stray" }) {
		t.Errorf("the stranger's index is not saved: %v, %+v", ok, p.Indices)
	}
	if slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == "movies" }) {
		t.Errorf("the salvage holds a copy of ours: %+v", p.Indices)
	}
}

// TestH17_ASwitchWhosePointIsGoneTakesAnother: a pin ends in a long outage, retention
// takes the point, and the switch that aimed at it goes on from the newest one.
func TestH17_ASwitchWhosePointIsGoneTakesAnother(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	ids, err := point.List(t.Context(), w.buckets[west])
	w.check(err)
	aimed := ids[len(ids)-1]
	w.check(w.buckets[west].Delete(t.Context(), aimed.Key()))
	w.put(east, "movies", "9")
	w.clusters[west].RestoresTake(0)
	w.pointOf(east)
	for range 90 {
		if s := w.askFor(explicit(west), "one", at); s.Done || s.Refusal != "" {
			w.done(s)
			break
		}
		w.pass(time.Minute)
		w.tick(east)
	}
	w.holds(west, "movies", w.ids(east, "movies")...)
}
