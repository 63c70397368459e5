package snapshot_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

func TestNeverPromoted(t *testing.T) {
	w := newWorld(t)
	w.wantSkipped("no Region was ever promoted")
	if keys := append(w.own.Keys(), w.other.Keys()...); len(keys) > 0 {
		t.Errorf("it wrote %v", keys)
	}
	if len(w.metrics) > 0 {
		t.Errorf("it published %v", w.metrics)
	}
}

func TestX5_TwoAtOnceMakeOneSnapshot(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.HoldSnapshots()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := w.run(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.snapshots(); len(got) != 1 {
		t.Errorf("snapshots %v", got)
	}
}

func TestX5_SecondRunInTheMidstOfTheFirst(t *testing.T) {
	w := newWorld(t)
	w.promote()
	var second contract.SnapshotResult
	inside := false
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" && !inside {
			inside = true
			second = w.mustRun()
		}
		return opensearchtest.Verdict{}
	})
	first := w.mustRun()
	if first.Started == "" || !strings.Contains(second.Skipped, "held by test") || len(w.snapshots()) != 1 {
		t.Errorf("first %+v, second %+v, snapshots %v", first, second, w.snapshots())
	}
}

func TestX5_ScheduleDeliveredTwice(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	r, err := snapshot.Run(t.Context(), w.deps(), contract.SnapshotRequest{Reason: snapshot.ReasonSchedule})
	if err != nil || r.Started != "" || !strings.Contains(r.Skipped, "began") {
		t.Errorf("%+v %v", r, err)
	}
	w.pass(30 * time.Minute)
	r, err = snapshot.Run(t.Context(), w.deps(), contract.SnapshotRequest{Reason: snapshot.ReasonSchedule})
	if err != nil || r.Started == "" {
		t.Errorf("the next one: %+v %v", r, err)
	}
}

func TestF17_SnapshotOfSomebodyRuns(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.RunAutomatedSnapshot("cs-automated/today")
	w.wantSkipped("cs-automated/today")
	if w.metrics[contract.MetricSnapshotSkipped] != 1 {
		t.Errorf("metrics %v", w.metrics)
	}
	w.cluster.RunAutomatedSnapshot("")
	w.point()
	if w.metrics[contract.MetricSnapshotSkipped] != 0 {
		t.Errorf("metrics %v", w.metrics)
	}
}

func TestF23_ProcessingIsSkipped(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.desc.Processing = true
	w.wantSkipped("Processing")
	w.desc.Processing, w.desc.Upgrading = false, true
	w.wantSkipped("upgraded")
	w.desc.Upgrading = false
	w.point()
}

func TestD5_BucketNotThereYet(t *testing.T) {
	w := newWorld(t)
	w.other.SetAbsent(true)
	if _, err := ledger.ClaimFirst(t.Context(), w.own, ledger.Claim{Region: east, ClusterUUID: w.cluster.UUID(), Endpoint: w.desc.Endpoint, Token: "t"}); err != nil {
		t.Fatal(err)
	}
	w.wantSkipped("waiting for bucket")
	w.other.SetAbsent(false)
	w.point()
	w.other.SetAbsent(true)
	w.wantError("is gone")
}

func TestH13_RecreatedDomainNeitherSnapshotsNorPrunes(t *testing.T) {
	w := newWorld(t)
	led := w.promote()
	for range settings.Retention.Count + 3 { // more than retention wants, were it the same domain
		w.point()
		w.check(w.other.Delete(t.Context(), ledger.Key)) // until both ledgers agree again nothing is pruned
		w.pass(26 * time.Hour)
	}
	_, err := ledger.CopyDown(t.Context(), w.other, led)
	w.check(err)
	if n := len(w.points()); n != settings.Retention.Count+3 {
		t.Fatalf("%d points", n)
	}
	before := strings.Join(w.other.Keys(), " ")
	stood := w.cluster
	w.cluster = w.newCluster(2)
	w.wantSkipped("identity changed")
	if w.metrics[contract.MetricIdentityChanged] != 1 {
		t.Errorf("metrics %v", w.metrics)
	}
	if after := strings.Join(w.other.Keys(), " "); after != before {
		t.Errorf("keys were\n%s\nand are\n%s", before, after)
	}
	if r, err := w.settle(); err != nil || len(r.Pruned) > 0 || strings.Join(w.other.Keys(), " ") != before {
		t.Errorf("the controller's minute: %+v %v", r, err)
	}
	w.cluster = stood
	uuid := w.cluster.UUID()
	w.cluster.ReplaceUUID() // on the same data and registration
	w.wantSkipped("identity changed")
	if after := strings.Join(w.other.Keys(), " "); after != before || uuid == w.cluster.UUID() {
		t.Errorf("keys were\n%s\nand are\n%s", before, after)
	}
	// The same bucket and the domain of the ledger: so there was something to prune.
	same := newWorld(t)
	l := same.promote()
	for range settings.Retention.Count + 3 {
		same.point()
		same.check(same.other.Delete(t.Context(), ledger.Key))
		same.pass(26 * time.Hour)
	}
	_, err = ledger.CopyDown(t.Context(), same.other, l)
	same.check(err)
	if r := same.mustRun(); len(r.Pruned) == 0 {
		t.Errorf("the promoted domain prunes nothing: %+v", r)
	}
}

func TestH15_HigherGenerationElsewhereStopsEverything(t *testing.T) {
	w := newWorld(t)
	l := w.promote()
	w.point()
	_, err := ledger.PutIntent(t.Context(), w.other, l, ledger.Intent{Token: "two", To: west, RequestID: "r", Phase: ledger.PhaseFence}, time.Hour)
	w.check(err)
	w.wantSkipped("a switch to us-west-2")
	_, err = ledger.ClaimSwitch(t.Context(), w.other, ledger.Claim{Region: west, ClusterUUID: "abcdefghijklmnopqrstuv", Endpoint: "e", Token: "two"})
	w.check(err)
	w.wantSkipped("us-west-2 is the active Region (generation 2)")
	if n := len(w.snapshots()); n != 1 {
		t.Errorf("%d snapshots", n)
	}
}

func TestH21_LiveIntentStopsNewSnapshots(t *testing.T) {
	w := newWorld(t)
	l := w.promote()
	w.mustRun()
	_, err := ledger.PutIntent(t.Context(), w.own, l, ledger.Intent{Token: "two", To: west, RequestID: "r", Phase: ledger.PhaseFence}, 10*time.Minute)
	w.check(err)
	r := w.wantSkipped("H21")
	if r.Settled == "" {
		t.Errorf("what was under way is still settled: %+v", r)
	}
	w.pass(11 * time.Minute)
	w.point()
}

func TestH31_NoManagerNoPath(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.cluster.LoseManager(true)
	w.wantSkipped("H31")
	w.cluster.LoseManager(false)
	if p := w.point(); p.BasePath != w.cluster.UUID() {
		t.Errorf("path %q", p.BasePath)
	}
}

func TestF14_UnmappedRoleIsNamed(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.check(w.cluster.PutRoleMapping(t.Context(), contract.ManageSnapshots, opensearch.RoleMapping{}))
	w.wantError("no permissions for")
}
