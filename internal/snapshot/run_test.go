package snapshot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func (w *world) wantSkipped(part string) contract.SnapshotResult {
	w.t.Helper()
	r := w.mustRun()
	if !strings.Contains(r.Skipped, part) || r.Started != "" {
		w.t.Fatalf("want a skip for %q, got %+v", part, r)
	}
	return r
}

func (w *world) wantError(part string) {
	w.t.Helper()
	_, err := w.run()
	if err == nil || !strings.Contains(err.Error(), part) {
		w.t.Fatalf("want an error with %q, got %v", part, err)
	}
	if w.metrics[contract.MetricSnapshotFailed] != 1 {
		w.t.Errorf("SnapshotFailed is %v", w.metrics)
	}
}

func TestH17_Prune(t *testing.T) {
	w := newWorld(t)
	w.promote()
	for i := range 3 {
		w.index("movies", string(rune('a'+i)))
		w.point()
		w.pass(time.Hour)
	}
	pinned := w.points()[0]
	w.check(point.PinFor(t.Context(), w.other, pinned, "restore", 10*time.Hour))
	w.point()
	if ids := w.points(); len(ids) != 4 || ids[0] != pinned {
		t.Fatalf("a pinned point went: %v", ids)
	}
	w.pass(11 * time.Hour)
	for range 3 {
		w.point()
	}
	if ids := w.points(); len(ids) != 4 {
		t.Errorf("the controller's minute pruned: %v", ids)
	}
	started := w.mustRun().Started
	ids := w.points()
	if len(ids) != 3 || len(w.snapshots()) != 4 || started == "" {
		t.Errorf("points %v, snapshots %v", ids, w.snapshots())
	}
	for _, id := range ids {
		p, err := point.Load(t.Context(), w.other, id)
		w.check(err)
		if ok, missing, err := point.Whole(t.Context(), w.other, p); err != nil || !ok {
			t.Errorf("%s is not whole after the pruning: %v %v", id, missing, err)
		}
	}
}

func TestH17_NoPruningWithoutAgreement(t *testing.T) {
	w := newWorld(t)
	w.promote()
	for range 3 {
		w.point()
		w.pass(time.Hour)
	}
	w.check(w.other.Delete(t.Context(), ledger.Key))
	w.point()
	if n := len(w.points()); n != 4 {
		t.Errorf("%d points", n)
	}
}

func TestIdleMinutesWriteNothing(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	puts := w.own.Calls(storetest.Put) + w.other.Calls(storetest.Put)
	for range 3 {
		w.pass(time.Minute)
		if _, err := w.settle(); err != nil {
			t.Fatal(err)
		}
	}
	if now := w.own.Calls(storetest.Put) + w.other.Calls(storetest.Put); now != puts {
		t.Errorf("%d puts", now-puts)
	}
}

// A schedule that finds its Region idle asks nothing of the other one, which may be
// lost: in a failover the new domain's schedule runs before the claim.
func TestG5_AnIdleRegionAsksTheOtherForNothing(t *testing.T) {
	w := newWorld(t)
	l := w.promote()
	l.Generation, l.ActiveRegion, l.ClusterUUID, l.PromotedFrom, l.Token = 2, west, "west", l.ClusterUUID, "second"
	_, err := ledger.CopyDown(t.Context(), w.own, l)
	w.check(err)
	asked := 0
	d := w.deps()
	d.Other = counted{d.Other, &asked}
	r, err := snapshot.Run(t.Context(), d, contract.SnapshotRequest{Reason: snapshot.ReasonSchedule})
	w.check(err)
	if r.Skipped != "us-west-2 is the active Region (generation 2)" {
		t.Errorf("%+v", r)
	}
	if asked > 0 {
		t.Errorf("the other Region was asked %d times", asked)
	}
}

// counted calls of a bucket.
type counted struct {
	store.Bucket
	n *int
}

func (c counted) Get(ctx context.Context, key string) (store.Object, error) {
	*c.n++
	return c.Bucket.Get(ctx, key)
}

func (c counted) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	*c.n++
	return c.Bucket.List(ctx, prefix)
}

func (c counted) Now(ctx context.Context) (time.Time, error) {
	*c.n++
	return c.Bucket.Now(ctx)
}
