package scenario

import (
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
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

func TestRepositoryIDComesFromTheNewestRoot(t *testing.T) {
	b := storetest.NewMemory("bucket", Secondary, time.Now)
	for key, body := range map[string]string{
		"u/index-9":   `{"indices":{"films":{"id":"old"}}}`,
		"u/index-10":  `{"indices":{"films":{"id":"new"}}}`,
		"u/index.lat": `x`,
	} {
		if _, err := b.Put(t.Context(), key, []byte(body), store.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if id, err := repositoryID(t.Context(), b, "u", "films"); id != "new" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	if id, err := repositoryID(t.Context(), b, "u", "flights"); err == nil {
		t.Errorf("an index that is not there is %q", id)
	}
}
