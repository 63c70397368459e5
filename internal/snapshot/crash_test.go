package snapshot_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// TestG4_CutOffAtEveryCall crashes a run before each call it makes in turn, and
// lets later runs go on: a whole point comes out, never two of one snapshot,
// pruning stays in its bounds, and nothing is left over.
func TestG4_CutOffAtEveryCall(t *testing.T) {
	crashed := true
	n := 0
	for ; crashed; n++ {
		w := newWorld(t)
		w.promote()
		for range 3 { // so that the run under test has something to prune
			w.point()
			w.pass(time.Hour)
		}
		w.index("movies", "4")
		w.mustRun()
		w.pass(time.Minute)
		crashed = w.crash(n)
		for range 4 {
			w.pass(10 * time.Minute)
			_, _ = w.run() // an error of what the crash left is its right; the end counts
		}
		w.pass(10 * time.Minute)
		if _, err := w.settle(); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		w.invariants(n)
	}
	if n < 30 {
		t.Errorf("only %d calls were cut off", n)
	}
	t.Logf("%d calls cut off", n-1)
}

// crash the run at its n-th call; false when it made fewer.
func (w *world) crash(n int) bool {
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	var calls atomic.Int64 // the ledgers are read at the same time
	at := func() {
		if calls.Add(1) == int64(n)+1 {
			stop()
		}
	}
	hook := func(storetest.Op, string) { at() }
	w.own.OnCall(hook)
	w.other.OnCall(hook)
	w.cluster.Intercept(func(string) opensearchtest.Verdict {
		at()
		if ctx.Err() != nil {
			return opensearchtest.Verdict{Before: ctx.Err()}
		}
		return opensearchtest.Verdict{}
	})
	_, _ = snapshot.Run(ctx, w.deps(), contract.SnapshotRequest{Reason: snapshot.ReasonDemand})
	w.own.OnCall(nil)
	w.other.OnCall(nil)
	w.cluster.Intercept(nil)
	return calls.Load() > int64(n)
}

func (w *world) invariants(n int) {
	w.t.Helper()
	bySnapshot := map[string]point.ID{}
	ids := w.points()
	for _, id := range ids {
		p, err := point.Load(w.t.Context(), w.other, id)
		w.check(err)
		if first, twice := bySnapshot[p.Snapshot]; twice {
			w.t.Errorf("call %d: points %s and %s are of one snapshot", n, first, id)
		}
		bySnapshot[p.Snapshot] = id
		if ok, missing, err := point.Whole(w.t.Context(), w.other, p); err != nil || !ok {
			w.t.Errorf("call %d: %s is not whole: %v %v", n, id, missing, err)
		}
	}
	if len(ids) < settings.Retention.Count || len(ids) > settings.Retention.Count+1 {
		w.t.Errorf("call %d: %d points", n, len(ids))
	}
	if got := w.snapshots(); len(got) != len(ids) {
		w.t.Errorf("call %d: %d snapshots, %d points", n, len(got), len(ids))
	}
	if p := w.newest(); p.Documents != 4 {
		w.t.Errorf("call %d: the newest point has %d documents", n, p.Documents)
	}
	for _, k := range w.own.Keys() {
		if strings.HasPrefix(k, snapshot.JournalPrefix) {
			w.t.Errorf("call %d: %s is left over", n, k)
		}
	}
}
