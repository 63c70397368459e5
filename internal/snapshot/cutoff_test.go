package snapshot_test

import (
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func TestF18_TooLongIsSaidAndNeverDeleted(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.HoldSnapshots()
	name := w.mustRun().Started
	w.pass(5 * time.Hour)
	if r := w.mustRun(); r.Running != name {
		t.Errorf("%+v", r)
	}
	w.pass(2 * time.Hour)
	w.wantError("F18")
	if got := w.snapshots(); len(got) != 1 {
		t.Errorf("snapshots %v", got)
	}
	w.cluster.ReleaseSnapshots()
	w.mustRun()
	if w.newest().Snapshot != name {
		t.Errorf("the long one made no point")
	}
}

func TestF34_GatewayTimeoutMeansLookAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict opensearchtest.Verdict
		there   bool
	}{
		{"began", opensearchtest.Verdict{After: opensearchtest.GatewayTimeout("create")}, true},
		{"never arrived", opensearchtest.Verdict{Before: opensearchtest.GatewayTimeout("create")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.promote()
			w.cluster.Intercept(func(call string) opensearchtest.Verdict {
				if call == "CreateSnapshot" {
					return c.verdict
				}
				return opensearchtest.Verdict{}
			})
			r := w.mustRun()
			w.cluster.Intercept(nil)
			if (r.Started != "") != c.there {
				t.Fatalf("%+v", r)
			}
			if c.there {
				w.mustRun()
				w.newest()
				return
			}
			w.pass(time.Minute)
			if r := w.mustRun(); r.Running == "" {
				t.Errorf("it forgot a create that may be on its way: %+v", r)
			}
			w.pass(10 * time.Minute)
			w.wantError("is not in the repository")
			w.point()
		})
	}
}

func TestNodeKilledDuringSnapshot(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.cluster.HoldSnapshots()
	w.mustRun()
	w.cluster.Kill()
	w.wantError("ask the domain who it is")
	w.cluster.Start()
	w.cluster.ReleaseSnapshots()
	w.pass(time.Minute)
	w.wantError("a node was lost")
	if ids := w.points(); len(ids) != 1 {
		t.Errorf("points %v", ids)
	}
	if p := w.point(); p.ID.Sequence != 2 {
		t.Errorf("point %v", p.ID)
	}
}

func TestF7_OtherBucketCutForTwoRuns(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.index("movies", "4")
	w.other.SetUnreachable(true)
	for range 2 {
		w.wantError("us-west-2")
		w.pass(30 * time.Minute)
	}
	w.other.SetUnreachable(false)
	if ids := w.points(); len(ids) != 1 {
		t.Errorf("points %v", ids)
	}
	p := w.point()
	if p.Documents != 4 || p.ID.Sequence != 2 || w.metrics[contract.MetricSnapshotFailed] != 0 {
		t.Errorf("%d documents in %v, metrics %v", p.Documents, p.ID, w.metrics)
	}
}

func TestBucketCutWhileTheSnapshotRuns(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.mustRun()
	w.other.SetUnreachable(true)
	w.wantError("us-west-2")
	w.other.SetUnreachable(false)
	if _, err := w.settle(); err != nil {
		t.Fatal(err)
	}
	w.newest()
}

func TestCrashBetweenPointAndJournal(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.mustRun()
	w.own.FailNext(storetest.Delete, 1, errors.New("cut"))
	if _, err := w.settle(); err == nil {
		t.Fatal("the cut was hidden")
	}
	r, err := w.settle()
	if err != nil || r.Settled == "" {
		t.Fatalf("%+v %v", r, err)
	}
	if ids := w.points(); len(ids) != 1 {
		t.Errorf("points %v", ids)
	}
}

func TestCrashBeforeCreate(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" {
			return opensearchtest.Verdict{Before: errors.New("connection reset")}
		}
		return opensearchtest.Verdict{}
	})
	w.wantError("its state is unknown")
	w.cluster.Intercept(nil)
	w.pass(4 * time.Minute)
	w.wantError("is not in the repository")
	w.point()
}
