package snapshot_test

import (
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

func TestPoint(t *testing.T) {
	w := newWorld(t)
	led := w.promote()
	p := w.point()
	if p.ID != (point.ID{Generation: 1, Sequence: 1}) || p.ClusterUUID != w.cluster.UUID() || !p.Ledger.Same(led) {
		t.Errorf("point %+v", p)
	}
	if len(p.Indices) != 1 || p.Indices[0].Name != "movies" || p.Documents != 3 {
		t.Errorf("holds %+v, %d documents", p.Indices, p.Documents)
	}
	for _, s := range p.Indices[0].Shards {
		if s.Before != s.After || s.Before < -1 {
			t.Errorf("idle shard %+v", s)
		}
	}
	if ok, missing, err := point.Whole(t.Context(), w.other, p); err != nil || !ok {
		t.Errorf("not whole: %v %v", missing, err)
	}
	if w.metrics[contract.MetricSnapshotFailed] != 0 || w.metrics[contract.MetricSnapshotDocs] != 3 || w.metrics[contract.MetricSnapshotBytes] == 0 {
		t.Errorf("metrics %v", w.metrics)
	}
	for _, k := range w.other.Keys() {
		if !strings.HasPrefix(k, p.ClusterUUID+"/") && !strings.HasPrefix(k, contract.OwnPrefix) {
			t.Errorf("stray key %s", k)
		}
	}
	w.index("movies", "4")
	if q := w.point(); q.ID.Sequence != 2 || q.BytesAdded >= q.BytesTotal {
		t.Errorf("second point adds %d of %d bytes, sequence %d", q.BytesAdded, q.BytesTotal, q.ID.Sequence)
	}
}
