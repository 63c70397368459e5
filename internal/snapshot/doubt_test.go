package snapshot_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// A registration that is gone says nothing about the snapshot behind it: it is
// registered again and the good snapshot makes its point.
func TestF17_AMissingRegistrationIsNoMissingSnapshot(t *testing.T) {
	for _, spoil := range []struct {
		name string
		f    func(*world)
	}{
		{"removed", func(w *world) {
			w.cluster.ForgetRepository(contract.Repository)
		}},
		{"points elsewhere", func(w *world) {
			r, err := w.cluster.Repository(w.t.Context(), contract.Repository)
			w.check(err)
			r.BasePath = "elsewhere"
			w.check(w.cluster.PutRepository(w.t.Context(), contract.Repository, r))
		}},
	} {
		for _, settle := range []bool{true, false} {
			w := newWorld(t)
			w.promote()
			w.point()
			w.pass(time.Hour)
			name := w.mustRun().Started
			w.pass(10 * time.Minute)
			spoil.f(w)
			run := w.run
			if settle {
				run = w.settle
			}
			if _, err := run(); err != nil {
				t.Errorf("%s: %v", spoil.name, err)
			}
			if w.newest().Snapshot != name || !slices.Contains(w.snapshots(), name) {
				t.Errorf("%s: the good snapshot %s made no point, or is gone: %v", spoil.name, name, w.snapshots())
			}
		}
	}
}

func (w *world) journals() (keys []string) {
	for _, k := range w.own.Keys() {
		if strings.HasPrefix(k, snapshot.JournalPrefix) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Which answer to a create may drop the journal.
func TestF17_F34_TheJournalGoesOnlyWhenThereIsNoSnapshot(t *testing.T) {
	answer := func(status int, kind, reason string) error {
		return &opensearch.Error{Step: "create", Status: status, Type: kind, Reason: reason}
	}
	taken := answer(400, "invalid_snapshot_name_exception", "[r:s] Invalid snapshot name [s], snapshot with the same name already exists")
	for _, c := range []struct {
		name    string
		verdict opensearchtest.Verdict
		there   bool // the snapshot
		journal bool
	}{
		{"our own name is taken, by our own snapshot", opensearchtest.Verdict{After: taken}, true, true},
		{"our own name is taken, and it cannot be seen yet", opensearchtest.Verdict{Before: taken}, false, true},
		{"a proxy's 404", opensearchtest.Verdict{After: answer(404, "not_found", "the answer is not the engine's")}, true, true},
		{"no registration", opensearchtest.Verdict{Before: answer(404, "repository_missing_exception", "[r] missing")}, false, false},
		{"refused", opensearchtest.Verdict{Before: answer(400, "illegal_argument_exception", "no")}, false, false},
	} {
		w := newWorld(t)
		w.promote()
		w.cluster.Intercept(func(call string) opensearchtest.Verdict {
			if call == "CreateSnapshot" {
				return c.verdict
			}
			return opensearchtest.Verdict{}
		})
		r, err := w.run()
		w.cluster.Intercept(nil)
		if (err == nil) != c.there || (r.Started != "") != c.there || (len(w.journals()) == 1) != c.journal {
			t.Errorf("%s: %+v %v, journals %v", c.name, r, err, w.journals())
		}
		if c.there {
			w.pass(time.Minute)
			_, err := w.settle()
			w.check(err)
			w.newest()
		}
	}
}

func TestX5_AScheduleWaitsForTheLeaseOrSaysThatItMissed(t *testing.T) {
	for _, c := range []struct {
		frees int // sleeps until the other lets go
		taken bool
	}{{3, true}, {1000, false}} {
		w := newWorld(t)
		w.promote()
		l, err := lease.Acquire(t.Context(), w.own, snapshot.LeaseName, "the controller", 5*time.Minute)
		w.check(err)
		var slept time.Duration
		sleeps := 0
		d := w.deps()
		d.Sleep = func(_ context.Context, p time.Duration) error {
			slept += p
			if sleeps++; sleeps == c.frees {
				return l.Release(t.Context())
			}
			return nil
		}
		r, err := snapshot.Run(t.Context(), d, contract.SnapshotRequest{Reason: snapshot.ReasonSchedule})
		if err != nil || (r.Started != "") != c.taken || slept == 0 || slept > 30*time.Second {
			t.Errorf("%+v %v after %s", r, err, slept)
		}
		if missed := w.metrics[contract.MetricSnapshotSkipped] == 1; missed == c.taken {
			t.Errorf("metrics %v", w.metrics)
		}
		before := sleeps
		if _, err := snapshot.Run(t.Context(), d, contract.SnapshotRequest{Reason: snapshot.ReasonDemand}); err != nil || sleeps != before {
			t.Errorf("a demand waits: %v", err)
		}
	}
}

// The listings alone say that nothing is left over: however many points there are,
// a run reads a handful.
func TestH17_OrphansAreSoughtWithoutReadingEachPoint(t *testing.T) {
	w := newWorld(t)
	w.promote()
	var loads []int
	for range 40 {
		n := 0
		w.other.OnCall(func(op storetest.Op, key string) {
			if op == storetest.Get && strings.HasPrefix(key, point.Prefix) {
				n++
			}
		})
		d := w.deps()
		d.Settings.Retention.Count = 100
		if r, err := snapshot.Run(t.Context(), d, contract.SnapshotRequest{Reason: snapshot.ReasonDemand}); err != nil || r.Started == "" {
			t.Fatalf("%+v %v", r, err)
		}
		w.other.OnCall(nil)
		w.pass(time.Hour)
		loads = append(loads, n)
	}
	if loads[39] > loads[15]+1 {
		t.Errorf("points read a run: %v", loads)
	}
}

func TestH17_ASnapshotWithoutAPointIsFoundAndAGoodOneKept(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.pass(time.Hour)
	w.check(w.cluster.CreateSnapshot(t.Context(), contract.Repository, "g1-20261123t090000z-0000dead", opensearch.SnapshotRequest{Indices: []string{"movies"}}))
	w.check(w.cluster.CreateSnapshot(t.Context(), contract.Repository, "theirs", opensearch.SnapshotRequest{Indices: []string{"movies"}}))
	w.pass(time.Hour)
	w.point()
	if got := w.snapshots(); slices.Contains(got, "g1-20261123t090000z-0000dead") || !slices.Contains(got, "theirs") || len(got) != 3 {
		t.Errorf("snapshots %v", got)
	}
	for _, id := range w.points() {
		p, err := point.Load(t.Context(), w.other, id)
		w.check(err)
		if !slices.Contains(w.snapshots(), p.Snapshot) {
			t.Errorf("the snapshot of %s is gone", id)
		}
	}
}

func TestPruningThatFailsLosesNoMetric(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.pass(time.Hour)
	w.mustRun()
	w.pass(time.Minute)
	clear(w.metrics)
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "Snapshots" && w.metrics[contract.MetricSnapshotDocs] == 0 {
			t.Error("the pruning began before the metrics were out")
		}
		return opensearchtest.Verdict{}
	})
	w.mustRun()
}

func TestH15_AMalformedPointOfANewerGenerationStopsSnapshots(t *testing.T) {
	for _, body := range []string{"{", `{"version":2}`, `{"version":1}`} {
		w := newWorld(t)
		w.promote()
		id := w.point().ID
		id.Generation++
		_, err := w.other.Put(t.Context(), id.Key(), []byte(body), store.Condition{})
		w.check(err)
		for _, part := range []string{"s3://" + w.other.Name() + "/" + id.Key(), "deploy the release that wrote it", "move it"} {
			w.wantError(part)
		}
	}
}

func TestH12_ACapsulePartThatIsRefusedCostsNoPoint(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.mustRun()
	w.pass(time.Minute)
	agent := opensearch.AgentPermissions()
	agent.ClusterPermissions = slices.DeleteFunc(slices.Clone(agent.ClusterPermissions), func(p string) bool { return strings.Contains(p, "pipeline") })
	w.check(w.cluster.PutRole(t.Context(), contract.AgentRole, agent))
	r, err := w.settle()
	if err != nil || r.Settled == "" || !strings.Contains(strings.Join(r.Notices, " "), "ingest pipelines") {
		t.Errorf("%+v %v", r, err)
	}
	c, err := point.LoadCapsule(t.Context(), w.other, w.newest().ID)
	if err != nil || len(c.Unavailable) == 0 {
		t.Errorf("%+v %v", c, err)
	}
}
