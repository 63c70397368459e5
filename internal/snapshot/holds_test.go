package snapshot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

func TestF9_SystemIndexesStayOut(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.index(".kibana_1", "config")
	p := w.point()
	for _, i := range p.Indices {
		if strings.HasPrefix(i.Name, ".opendistro") {
			t.Errorf("%s is in the snapshot", i.Name)
		}
	}
	if len(p.Indices) != 2 {
		t.Errorf("indexes %+v", p.Indices)
	}
	if len(p.LeftOut) == 0 || p.LeftOut[0].Name != ".opendistro_security" || p.LeftOut[0].Reason == "" {
		t.Errorf("left out %+v", p.LeftOut)
	}
}

func TestPartialMakesNoPoint(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.NextSnapshotEnds(opensearch.Partial)
	w.mustRun()
	w.pass(10 * time.Minute)
	w.wantError("PARTIAL")
	if ids := w.points(); len(ids) != 0 {
		t.Errorf("points %v", ids)
	}
	w.cluster.NextSnapshotEnds("")
	partial := w.snapshots()[0]
	w.point()
	if got := w.snapshots(); len(got) != 2 {
		t.Errorf("the controller's minute deleted: %v", got)
	}
	w.pass(time.Minute)
	w.mustRun()
	if got := w.snapshots(); slices.Contains(got, partial) || len(got) != 2 {
		t.Errorf("the PARTIAL one stays: %v", got)
	}
}

func TestH43_IndexDeletedBetweenListAndCreate(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.index("short", "1")
	deleted := false
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" && !deleted {
			deleted = true
			w.check(w.cluster.DeleteIndex(t.Context(), "short"))
		}
		return opensearchtest.Verdict{}
	})
	p := w.point()
	if len(p.Indices) != 1 || p.Indices[0].Name != "movies" {
		t.Errorf("indexes %+v", p.Indices)
	}
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" {
			return opensearchtest.Verdict{Before: &opensearch.Error{Step: "create", Status: 404, Type: "index_not_found_exception", Reason: "no such index [x]"}}
		}
		return opensearchtest.Verdict{}
	})
	w.wantError("H43")
	for _, k := range w.own.Keys() {
		if strings.HasPrefix(k, snapshot.JournalPrefix) {
			t.Errorf("journal %s stays", k)
		}
	}
}

func TestWritesDuringTheSnapshotWidenTheBounds(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.SnapshotsTake(time.Minute)
	w.mustRun()
	w.index("movies", "4", "5", "6", "7", "8")
	w.pass(2 * time.Minute)
	_, err := w.settle()
	w.check(err)
	grown := false
	for _, sh := range w.newest().Indices[0].Shards {
		grown = grown || sh.After > sh.Before
		if sh.After < sh.Before {
			t.Errorf("shard %+v", sh)
		}
	}
	if !grown {
		t.Errorf("the bounds do not show the writes: %+v", w.newest().Indices[0].Shards)
	}
}

func TestEmptyDomainHasAPointOfNothing(t *testing.T) {
	w := newWorld(t)
	w.check(w.cluster.DeleteIndex(t.Context(), "movies"))
	w.promote()
	if p := w.point(); len(p.Indices) != 0 || p.Documents != 0 {
		t.Errorf("%+v", p)
	}
}

func TestH12_DataStreamsComeWhole(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.check(w.cluster.CreateDataStream(t.Context(), "logs"))
	w.index("logs", "1")
	w.check(w.cluster.Rollover(t.Context(), "logs"))
	w.index("logs", "2")
	p := w.point()
	if len(p.DataStreams) != 1 || len(p.DataStreams[0].Indices) != 2 || len(p.Indices) != 3 || p.Documents != 5 {
		t.Errorf("streams %+v, indexes %+v, %d documents", p.DataStreams, p.Indices, p.Documents)
	}
}

// An index that is made between the listing and the snapshot is not in it, so the
// loss window must not begin after the listing.
func TestH33_ThePointBeginsWithItsListing(t *testing.T) {
	w := newWorld(t)
	w.promote()
	var made time.Time
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" && made.IsZero() {
			w.pass(time.Minute)
			made = w.clock()
			w.index("late", "1")
			w.pass(time.Minute)
		}
		return opensearchtest.Verdict{}
	})
	p := w.point()
	if len(p.Indices) != 1 || p.Indices[0].Name != "movies" {
		t.Fatalf("indexes %+v", p.Indices)
	}
	if !p.Start.Before(made) {
		t.Errorf("the point begins at %s, and index late, which it does not have, was written at %s", p.Start, made)
	}
}

// The controller may end a fence between the listing and the look at its record.
func TestH24_AFenceThatIsLiftedWhileAPointIsMade(t *testing.T) {
	w := newWorld(t)
	w.promote()
	f := fence.Fence{Bucket: w.own, Domain: w.cluster, Guarded: func(all []opensearch.Index) []opensearch.Index {
		return slices.DeleteFunc(all, func(i opensearch.Index) bool { return i.Name != "movies" })
	}}
	w.mustRun()
	rec, waiting, err := f.Raise(t.Context(), nil, w.cluster.UUID(), "token", w.clock())
	if err != nil || waiting != "" {
		t.Fatal(waiting, err)
	}
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "DataStreams" { // the listing of indexes is done
			w.cluster.Intercept(nil)
			w.check(f.Lift(t.Context(), rec))
		}
		return opensearchtest.Verdict{}
	})
	w.pass(time.Minute)
	_, err = w.settle()
	w.check(err)
	if b := w.newest().Indices[0].Blocks; len(b) > 0 {
		t.Errorf("the fence's block is taken for the user's: %v", b)
	}
}

// An index that its user deletes behind a fence is in the point as its user had it.
func TestH24_AnIndexThatIsDroppedBehindAFence(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.index("short", "1")
	f := fence.Fence{Bucket: w.own, Domain: w.cluster, Guarded: func(all []opensearch.Index) []opensearch.Index {
		return slices.DeleteFunc(all, func(i opensearch.Index) bool { return strings.HasPrefix(i.Name, ".") })
	}}
	raise := func(rec *fence.Record) *fence.Record {
		rec, waiting, err := f.Raise(t.Context(), rec, w.cluster.UUID(), "token", w.clock())
		if err != nil || waiting != "" {
			t.Fatal(waiting, err)
		}
		return rec
	}
	rec := raise(nil)
	w.mustRun()
	w.check(w.cluster.DeleteIndex(t.Context(), "short"))
	raise(rec) // and the record forgets it
	w.pass(time.Minute)
	_, err := w.settle()
	w.check(err)
	seen := false
	for _, i := range w.newest().Indices {
		seen = seen || i.Name == "short"
		if len(i.Blocks) > 0 {
			t.Errorf("%s: the fence's block is taken for the user's: %v", i.Name, i.Blocks)
		}
	}
	if !seen {
		t.Error("short is not in the point: nothing was shown")
	}
}
