package snapshot_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
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

func TestF23_ProcessingOrRedIsSkipped(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.desc.Processing = true
	w.wantSkipped("Processing")
	w.desc.Processing, w.desc.Upgrading = false, true
	w.wantSkipped("upgraded")
	w.desc.Upgrading = false
	w.cluster.SetHealth("movies", opensearch.Red)
	w.wantSkipped("red")
	w.cluster.SetHealth("movies", opensearch.Green)
	w.point()
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

func TestF14_UnmappedRoleIsNamed(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.check(w.cluster.PutRoleMapping(t.Context(), contract.ManageSnapshots, opensearch.RoleMapping{}))
	w.wantError("no permissions for")
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
