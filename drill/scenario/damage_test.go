package scenario

import (
	"slices"
	"testing"

	"github.com/opensearch-dr/osdr/internal/point"
)

func TestOnlyTheNewestPointIsDamaged(t *testing.T) {
	object := func(keys ...string) (all []point.Object) {
		for _, k := range keys {
			all = append(all, point.Object{Key: k})
		}
		return all
	}
	got := onlyNewest("u/indices/a/",
		object("u/index-3", "u/indices/a/0/__1", "u/indices/a/0/__2", "u/indices/a/0/snap-3.dat", "u/indices/b/0/__9"),
		object("u/indices/a/0/__1", "u/indices/a/0/snap-2.dat"), object("u/indices/a/0/__0"))
	if want := []string{"u/indices/a/0/__2", "u/indices/a/0/snap-3.dat"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
