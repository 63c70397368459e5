package point_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// capture is a repository as OpenSearch 3.4.0 with repository-s3 wrote it: three
// shards, four snapshots, the first and the third then deleted. Of Lucene files
// only the size is kept.
type capture struct {
	Engine, BasePath string
	UUIDs            map[string]string `json:"uuids"`
	Shards           map[string]int
	Stages           []struct {
		Name    string
		Objects map[string]int64
	}
	Blobs map[string][]byte
}

func load(t *testing.T, file string) capture {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var c capture
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// become makes the bucket hold exactly a stage.
func (c capture) become(t *testing.T, b *storetest.Memory, stage int) {
	t.Helper()
	ctx := context.Background()
	want := c.Stages[stage].Objects
	for _, k := range b.Keys() {
		if _, ok := want[k]; !ok && strings.HasPrefix(k, c.BasePath) {
			if err := b.Delete(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
	}
	for k, size := range want {
		body, ok := c.Blobs[k]
		if !ok {
			body = make([]byte, size)
		}
		if _, err := b.Put(ctx, k, body, store.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
}

func (c capture) point(snapshot string) point.Point {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(snapshot[1]-'0') * time.Hour)
	p := point.Point{
		ID: point.ID{Generation: 1}, ClusterUUID: c.BasePath, BasePath: c.BasePath, Region: "us-east-1",
		Snapshot: snapshot, SnapshotUUID: c.UUIDs[snapshot], Token: c.UUIDs[snapshot], Start: at, End: at.Add(time.Minute),
		Ledger: ledger.Ledger{Version: 1, Generation: 1, ActiveRegion: "us-east-1", ClusterUUID: c.BasePath, Since: at, Token: "first"},
	}
	for name, n := range c.Shards {
		i := point.Index{Name: name}
		for s := range n {
			i.Shards = append(i.Shards, point.Shard{ID: s, Before: 1, After: 2})
		}
		p.Indices = append(p.Indices, i)
	}
	return p
}

func bucket() *storetest.Memory { return storetest.NewMemory("b", "us-west-2", time.Now) }

// A point stays whole while the real engine replaces generations, merges
// segments, and deletes other snapshots; it is not whole once its own went.
func TestWholeFollowsTheRealEngine(t *testing.T) {
	for _, file := range []string{"repository.json", "repository-compressed.json"} {
		t.Run(file, func(t *testing.T) {
			ctx := context.Background()
			c, b := load(t, file), bucket()
			points := map[string]point.Point{}
			for stage := range c.Stages {
				c.become(t, b, stage)
				if name, ok := strings.CutPrefix(c.Stages[stage].Name, "after s"); ok {
					p := c.point("s" + name)
					objects, opaque, err := point.Essentials(ctx, b, p)
					if err != nil || opaque != 0 {
						t.Fatalf("%s: opaque %d, %v", p.Snapshot, opaque, err)
					}
					if p, err = point.Write(ctx, b, p, objects, capsule()); err != nil {
						t.Fatal(err)
					}
					points[p.Snapshot] = p
				}
				for name, p := range points {
					deleted := strings.Contains(c.Stages[stage].Name, "s1") && name == "s1" && stage > 3 ||
						stage == 5 && (name == "s1" || name == "s3")
					ok, missing, err := point.Whole(ctx, b, p)
					if err != nil || ok == deleted {
						t.Fatalf("%s, point of %s: whole %t, missing %q, %v", c.Stages[stage].Name, name, ok, missing, err)
					}
				}
			}
			got, ok, skipped, err := point.NewestWhole(ctx, b, func(p point.Point) bool { return p.Snapshot != "s4" })
			if err != nil || !ok || got.Snapshot != "s2" || len(skipped) != 1 {
				t.Fatalf("newest whole before s4: %s %t %q %v", got.Snapshot, ok, skipped, err)
			}
		})
	}
}

// Every object of the last stage is either mutable, or some living snapshot's:
// nothing that matters is forgotten.
func TestEssentialsCoverTheRepository(t *testing.T) {
	ctx := context.Background()
	c, b := load(t, "repository.json"), bucket()
	last := len(c.Stages) - 1
	c.become(t, b, last)
	left := maps.Clone(c.Stages[last].Objects)
	for _, s := range []string{"s2", "s4"} {
		objects, _, err := point.Essentials(ctx, b, c.point(s))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if c.Stages[last].Objects[o.Key] != o.Size {
				t.Fatalf("%+v", o)
			}
			delete(left, o.Key)
		}
	}
	for k := range left {
		if name := k[strings.LastIndex(k, "/")+1:]; !strings.HasPrefix(name, "index") {
			t.Errorf("%s belongs to no snapshot", k)
		}
	}
}

// Whatever single object of a point goes, or changes its size, shows.
func TestF5_AnyLossShows(t *testing.T) {
	ctx := context.Background()
	c, b := load(t, "repository.json"), bucket()
	c.become(t, b, 3)
	p := c.point("s2")
	objects, _, err := point.Essentials(ctx, b, p)
	if err != nil {
		t.Fatal(err)
	}
	p, err = point.Write(ctx, b, p, objects, capsule())
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range objects {
		c.become(t, b, 3)
		if i%2 == 0 {
			err = b.Delete(ctx, o.Key)
		} else {
			_, err = b.Put(ctx, o.Key, make([]byte, o.Size+1), store.Condition{})
		}
		if err != nil {
			t.Fatal(err)
		}
		ok, missing, err := point.Whole(ctx, b, p)
		if err != nil || ok || !slices.Equal(missing, []string{o.Key}) {
			t.Fatalf("%s: whole %t, missing %q, %v", o.Key, ok, missing, err)
		}
		if i%2 == 0 {
			if _, _, err := point.Essentials(ctx, b, p); err == nil {
				t.Fatalf("%s is gone, and a point could be made", o.Key)
			}
		}
	}
}

func TestEssentialsRefuse(t *testing.T) {
	ctx := context.Background()
	c := load(t, "repository.json")
	for what, change := range map[string]func(*storetest.Memory, *point.Point){
		"a snapshot that the index does not name": func(_ *storetest.Memory, p *point.Point) { p.SnapshotUUID = "0000000000000000000000" },
		"an index that the snapshot lacks": func(_ *storetest.Memory, p *point.Point) {
			p.Indices = append(p.Indices, point.Index{Name: "c", Shards: make([]point.Shard, 1)})
		},
		"a shard that the snapshot lacks": func(_ *storetest.Memory, p *point.Point) {
			for i := range p.Indices {
				p.Indices[i].Shards = append(p.Indices[i].Shards, point.Shard{ID: 9})
			}
		},
		"a repository without an index": func(b *storetest.Memory, p *point.Point) {
			for _, k := range b.Keys() {
				if strings.HasPrefix(k, p.BasePath+"/index-") {
					_ = b.Delete(ctx, k)
				}
			}
		},
	} {
		b := bucket()
		c.become(t, b, 3)
		p := c.point("s2")
		change(b, &p)
		if _, _, err := point.Essentials(ctx, b, p); !errors.Is(err, point.ErrIncomplete) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A file list in a form that is not known is counted, not guessed at.
func TestOpaqueShards(t *testing.T) {
	ctx := context.Background()
	c, b := load(t, "repository.json"), bucket()
	c.become(t, b, 3)
	n := 0
	for k := range c.Stages[3].Objects {
		if strings.Contains(k, "/indices/") && strings.HasSuffix(k, "/snap-"+c.UUIDs["s2"]+".dat") {
			if _, err := b.Put(ctx, k, []byte("?\xd7l\x17\x08snapshotZSTD..."), store.Condition{}); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	objects, opaque, err := point.Essentials(ctx, b, c.point("s2"))
	if err != nil || opaque != n || n != 3 {
		t.Fatalf("opaque %d of %d, %v", opaque, n, err)
	}
	for _, o := range objects {
		if strings.Contains(o.Key, "/__") {
			t.Fatalf("%s was guessed", o.Key)
		}
	}
}
