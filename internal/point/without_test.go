package point_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// Without never answers a snapshot that a point names, however few it may read,
// and finds one that none names near either end.
func TestH17_WithoutAnswersOnlyWhatNoPointNames(t *testing.T) {
	begin := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	const uuid, many = "abcdefghijklmnopqrstuv", 60
	snapshotAt := func(n int, name string) opensearch.Snapshot {
		at := begin.Add(time.Duration(n) * time.Hour)
		return opensearch.Snapshot{Name: name, UUID: name + "-uuid", Start: at, End: at.Add(time.Minute)}
	}
	b := storetest.NewMemory("w", "us-west-2", func() time.Time { return begin })
	l := ledger.Ledger{Version: 1, Generation: 1, ActiveRegion: "us-east-1", ClusterUUID: uuid, Token: "t", Since: begin}
	var all []opensearch.Snapshot
	for n := range many {
		s := snapshotAt(n, fmt.Sprintf("s%02d", n))
		all = append(all, s)
		_, err := point.Write(t.Context(), b, point.Point{
			Version: 1, ID: point.ID{Generation: 1}, ClusterUUID: uuid, BasePath: uuid, Snapshot: s.Name, SnapshotUUID: s.UUID, Start: s.Start, End: s.End, Ledger: l, Token: s.UUID,
		}, nil, opensearch.Capsule{})
		if err != nil {
			t.Fatal(err)
		}
	}
	ids, err := point.List(t.Context(), b)
	if err != nil || len(ids) != many {
		t.Fatalf("%d points, %v", len(ids), err)
	}
	lost := map[int]bool{}
	for n := range many {
		one := snapshotAt(n, "orphan")
		one.Start, one.End = one.Start.Add(10*time.Minute), one.End.Add(10*time.Minute)
		for _, limit := range []int{2, 16, 40, 1000} {
			gets := b.Calls(storetest.Get)
			got, err := point.Without(t.Context(), b, ids, 1, append(slices.Clone(all), one), limit)
			if err != nil {
				t.Fatal(err)
			}
			if read := b.Calls(storetest.Get) - gets; read > limit {
				t.Errorf("%d points read, at most %d", read, limit)
			}
			for _, s := range got {
				if s.Name != "orphan" {
					t.Fatalf("limit %d: %s has a point and would be deleted", limit, s.Name)
				}
				lost[n] = lost[n] || limit == 40
			}
			if limit == 1000 && len(got) != 1 {
				t.Errorf("orphan %d is not found", n)
			}
		}
	}
	for _, n := range []int{0, 1, many - 2, many - 1} {
		if !lost[n] {
			t.Errorf("an orphan beside point %d is not found within the limit", n)
		}
	}
	if got, err := point.Without(t.Context(), b, ids, 2, []opensearch.Snapshot{snapshotAt(1, "of-two")}, 16); err != nil || len(got) != 1 {
		t.Errorf("a generation without points: %v %v", got, err)
	}
}
