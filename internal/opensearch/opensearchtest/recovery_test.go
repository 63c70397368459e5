package opensearchtest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
)

// other is a second cluster that reads the fixture's bucket, as the other Region's
// domain does.
func (f *fixture) other(t *testing.T, version string) *opensearchtest.Cluster {
	t.Helper()
	c := opensearchtest.New(opensearchtest.Options{
		Seed: 2, Version: version, Clock: func() time.Time { return f.now }, Bucket: func(string) store.Bucket { return f.bucket },
	})
	must(t, c.PutRepository(ctx, "in", opensearch.Repository{Bucket: "snapshots", BasePath: f.UUID(), ReadOnly: true}))
	return c
}

// all of a snapshot, blocked.
func all(t *testing.T, d opensearch.Domain, repository, name string) opensearch.RestoreRequest {
	t.Helper()
	s, err := d.Snapshot(ctx, repository, name)
	must(t, err)
	return opensearch.RestoreRequest{Indices: s.Indices, All: s, WriteBlock: true}
}

func TestF6_NewerSnapshotIsRefused(t *testing.T) {
	f := loaded(t) // 3.4.0
	must(t, f.create("s1"))
	for version, refused := range map[string]bool{"3.3.9": true, "2.19.0": true, "3.4.0": false, "3.10.0": false} {
		c := f.other(t, version)
		err := c.Restore(ctx, "in", "s1", all(t, c, "in", "s1"))
		if opensearch.IsTooNew(err) != refused || !refused && err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestRestoreOnAnotherClusterBringsTheDocuments(t *testing.T) {
	f := loaded(t)
	must(t, f.Index(ctx, "movies", "1", `{"title":"y"}`))
	must(t, f.create("s0"))
	must(t, f.Delete(ctx, "movies", "2"))
	must(t, f.create("s1"))
	c := f.other(t, "3.4.0")
	must(t, c.Restore(ctx, "in", "s1", all(t, c, "in", "s1")))
	want, err := f.Documents(ctx, "movies")
	must(t, err)
	got, err := c.Documents(ctx, "movies")
	must(t, err)
	if !slices.Equal(got, want) || len(got) != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// A later write goes on from the number that came with it.
	must(t, c.SetWriteBlock(ctx, []string{"movies"}, false))
	must(t, c.Index(ctx, "movies", "9", "{}"))
	if list, _ := c.Indices(ctx); list[1].Name != "movies" || list[1].Shards[0].MaxSeqNo != 5 {
		t.Errorf("%+v", list)
	}
}

func TestRestoreTakesItsTime(t *testing.T) {
	f := newFixture()
	must(t, f.PutRepository(ctx, "r", opensearch.Repository{Bucket: "snapshots", BasePath: f.UUID()}))
	must(t, f.CreateIndex(ctx, "movies", opensearchtest.IndexOptions{Shards: 4}))
	must(t, f.Index(ctx, "movies", "1", "{}"))
	must(t, f.create("s1"))
	c := f.other(t, "3.4.0")
	c.RestoresTake(4 * time.Minute)
	must(t, c.Restore(ctx, "in", "s1", all(t, c, "in", "s1")))
	for done := range 5 {
		p, err := c.Progress(ctx, []string{"movies"})
		must(t, err)
		if p[0].ShardsDone != done || p[0].Done != (done == 4) || p[0].Failed != "" {
			t.Errorf("after %d min: %+v", done, p)
		}
		if h, _ := c.Health(ctx); (h == opensearch.Red) != (done < 4) {
			t.Errorf("after %d min: %s", done, h)
		}
		f.now = f.now.Add(time.Minute)
	}
}

func TestKilledNodeForgetsItsRestore(t *testing.T) {
	f := loaded(t)
	must(t, f.create("s1"))
	c := f.other(t, "3.4.0")
	c.RestoresTake(time.Minute)
	request := all(t, c, "in", "s1")
	must(t, c.Restore(ctx, "in", "s1", request))
	c.Kill()
	c.Start()
	f.now = f.now.Add(time.Hour)
	p, err := c.Progress(ctx, []string{"movies"})
	must(t, err)
	if p[0].Done || p[0].Failed == "" {
		t.Errorf("%+v", p)
	}
	must(t, c.RemoveIndex(ctx, "movies"))
	c.RestoresTake(0)
	must(t, c.Restore(ctx, "in", "s1", request))
	if p, _ := c.Progress(ctx, []string{"movies"}); !p[0].Done {
		t.Errorf("again: %+v", p)
	}
}

func TestH8_ASettingLetsWritesThroughThatHadPassedIt(t *testing.T) {
	f := loaded(t)
	for _, drained := range []bool{false, true} {
		must(t, f.SetWriteBlock(ctx, []string{"movies"}, false))
		number, err := f.BeginWrite(ctx, "movies", "late", "{}")
		must(t, err)
		if running, _ := f.Writing(ctx); len(running) != 1 {
			t.Errorf("running: %v", running)
		}
		before := f.seqNo(t)
		if drained {
			must(t, f.Block(ctx, "movies"))
		} else {
			must(t, f.SetWriteBlock(ctx, []string{"movies"}, true))
		}
		if moved := f.seqNo(t) > before; moved != drained {
			t.Errorf("drained %v: moved at once %v", drained, moved)
		}
		if running, _ := f.Writing(ctx); (len(running) == 0) != drained {
			t.Errorf("drained %v: %v", drained, running)
		}
		if _, err := f.BeginWrite(ctx, "movies", "later", "{}"); !opensearch.IsBlocked(err) {
			t.Errorf("a write after the block: %v", err)
		}
		must(t, f.FinishWrite(ctx, number)) // acknowledged either way
		if got := f.seqNo(t); got != before+1 {
			t.Errorf("drained %v: sequence number %d after %d", drained, got, before)
		}
	}
	must(t, f.SetWriteBlock(ctx, []string{"movies"}, false))
	number, err := f.BeginWrite(ctx, "movies", "lost", "{}")
	must(t, err)
	must(t, f.RemoveIndex(ctx, "movies"))
	if err := f.FinishWrite(ctx, number); !errors.Is(err, opensearch.ErrNotFound) {
		t.Errorf("into a removed index: %v", err)
	}
}

func (f *fixture) seqNo(t *testing.T) int64 {
	t.Helper()
	list, err := f.Indices(ctx)
	must(t, err)
	return list[slices.IndexFunc(list, func(i opensearch.Index) bool { return i.Name == "movies" })].Shards[0].MaxSeqNo
}

func TestISMWherePoliciesAre(t *testing.T) {
	f := newFixture()
	f.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{}})
	for _, want := range []bool{true, false, true} {
		must(t, f.SetISM(ctx, want))
		if on, err := f.ISM(ctx); err != nil || on != want {
			t.Errorf("%v, %v", on, err)
		}
	}
	notices, err := f.PutCapsule(ctx, opensearch.Capsule{ISMPolicies: map[string]map[string]any{"keep": {"states": []any{}}}})
	if c, _ := f.Capsule(ctx); err != nil || len(notices) != 0 || c.ISMPolicies["keep"] == nil {
		t.Errorf("%v, %v, %v", notices, err, c.ISMPolicies)
	}
}

func TestRestoreOverAClosedIndexKeepsItsUUID(t *testing.T) {
	f := loaded(t)
	must(t, f.create("s1"))
	before, _ := f.Indices(ctx)
	must(t, f.CloseIndex(ctx, "movies"))
	must(t, f.Restore(ctx, "r", "s1", all(t, f, "r", "s1")))
	after, _ := f.Indices(ctx)
	if before[1].Name != "movies" || after[1].UUID != before[1].UUID || !after[1].Open {
		t.Errorf("%+v, then %+v", before, after)
	}
}
