package point_test

import (
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// A point of which a switch left something behind is not pruned while its pin is
// there, however old it is.
func TestH53_AKeptPointIsNotPruned(t *testing.T) {
	now := day0
	b := storetest.NewMemory("snapshots", "us-west-2", func() time.Time { return now })
	var all []point.ID
	var known []point.Summary
	for n := range 5 {
		p := write(t, b, n+1)
		all, known = append(all, p.ID), append(known, point.Summary{ID: p.ID, ClusterUUID: own, Start: day0})
	}
	const holder = point.KeptBehind + "us-west-2, generation 2"
	if err := point.KeepFor(t.Context(), b, all[1], holder); err != nil {
		t.Fatal(err)
	}
	plan := func() []point.ID {
		now = now.AddDate(10, 0, 0)
		pins, err := point.Pinned(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pins {
			if !p.Kept() {
				t.Errorf("%+v is not one that stays", p)
			}
		}
		return point.Plan(all, known, pins, point.Rules{Keep: 1, Days: 1, Now: now, OwnUUID: own, OwnGen: 1, Verified: &all[4], Limit: 9})
	}
	if got := plan(); slices.Contains(got, all[1]) || len(got) != 3 {
		t.Errorf("%v", got)
	}
	if err := point.Unpin(t.Context(), b, all[1], holder); err != nil {
		t.Fatal(err)
	}
	if got := plan(); !slices.Contains(got, all[1]) {
		t.Errorf("%v: it stays without its pin", got)
	}
}
