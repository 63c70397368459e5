package point_test

import (
	"testing"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
)

func TestH11_H13_WhosePointsASwitchMayRestore(t *testing.T) {
	l := ledger.Ledger{Generation: 4, ActiveRegion: "east", ClusterUUID: "new", PromotedFrom: "old"}
	for _, c := range []struct {
		what       string
		uuid       string
		region     string
		generation int64
		want       bool
	}{
		{"its own", "new", "east", 4, true},
		{"its own of a tenure before", "new", "east", 2, false},
		{"under the name of one generation ago", "old", "east", 3, true},
		{"under that name, of a tenure before", "old", "east", 1, false},
		{"of the other Region's domain, from which it was switched", "old", "west", 3, false},
		{"somebody's", "x", "east", 3, false},
	} {
		p := point.Point{ClusterUUID: c.uuid, Region: c.region, ID: point.ID{Generation: c.generation, Sequence: 1}}
		if got := p.Serves(l); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
