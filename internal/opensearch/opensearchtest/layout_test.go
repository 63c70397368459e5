package opensearchtest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// point of a snapshot of movies, as far as Essentials asks for it.
func (f *fixture) point(t *testing.T, name string) point.Point {
	t.Helper()
	s, err := f.Snapshot(ctx, "r", name)
	must(t, err)
	return point.Point{BasePath: f.UUID(), Snapshot: name, SnapshotUUID: s.UUID,
		Indices: []point.Index{{Name: "movies", Shards: make([]point.Shard, 2)}}}
}

func (f *fixture) needs(t *testing.T, p point.Point) []point.Object {
	t.Helper()
	objects, opaque, err := point.Essentials(ctx, f.bucket, p)
	if err != nil || opaque != 0 {
		t.Fatalf("%s: %d lists cannot be read, %v", p.Snapshot, opaque, err)
	}
	return objects
}

// point.Essentials, which is tested on what the real engine wrote, reads this
// repository too, and finds in it all that is there.
func TestTheLayoutIsTheEngines(t *testing.T) {
	f := newFixture()
	must(t, f.PutRepository(ctx, "r", opensearch.Repository{Bucket: "snapshots", BasePath: f.UUID(), ShardPathType: "FIXED"}))
	must(t, f.CreateIndex(ctx, "movies", opensearchtest.IndexOptions{Shards: 2}))
	for _, id := range []string{"1", "2", "3", "4"} {
		must(t, f.Index(ctx, "movies", id, `{"title":"x"}`))
		must(t, f.create("s"+id))
	}
	must(t, f.DeleteSnapshot(ctx, "r", "s2"))
	left := map[string]bool{}
	for _, k := range f.bucket.Keys() {
		left[k] = true
	}
	data := 0
	for _, name := range []string{"s1", "s3", "s4"} {
		for _, o := range f.needs(t, f.point(t, name)) {
			if strings.Contains(o.Key, "/__") {
				data++
			}
			delete(left, o.Key)
		}
	}
	if data != 1+3+4 {
		t.Errorf("%d files, want 1, 3 and 4", data)
	}
	for k := range left {
		if !strings.HasPrefix(k[strings.LastIndexByte(k, '/')+1:], "index") {
			t.Errorf("%s is nobody's", k)
		}
	}
	p := f.point(t, "s4")
	for _, o := range f.needs(t, p) {
		was, err := f.bucket.Get(ctx, o.Key)
		must(t, err)
		must(t, f.bucket.Delete(ctx, o.Key))
		if _, _, err := point.Essentials(ctx, f.bucket, p); !errors.Is(err, point.ErrIncomplete) {
			t.Errorf("%s is gone: %v", o.Key, err)
		}
		_, err = f.bucket.Put(ctx, o.Key, was.Body, store.Condition{})
		must(t, err)
	}
}
