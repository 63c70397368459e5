package point_test

import (
	"testing"

	"github.com/opensearch-dr/osdr/internal/point"
)

func TestIsKey(t *testing.T) {
	id := point.ID{Generation: 2, Sequence: 14}
	for key, want := range map[string]bool{
		id.Key(): true, id.ObjectsKey(): true, id.CapsuleKey(): true, point.Prefix + id.String() + ".removing.json": true,
		id.Key() + ".bak": false, point.Prefix + "2-14.json": false, point.Prefix + id.String(): false, point.Prefix: false, "elsewhere/" + id.String() + ".json": false,
	} {
		if point.IsKey(key) != want {
			t.Errorf("%s: want %v", key, want)
		}
	}
}
