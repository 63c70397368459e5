package opensearchtest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

var ctx = context.Background()

// loaded is a fixture with a repository and an index of three documents.
func loaded(t *testing.T) *fixture {
	t.Helper()
	f := newFixture()
	must(t, f.PutRepository(ctx, "r", opensearch.Repository{Bucket: "snapshots", BasePath: f.UUID(), ShardPathType: "FIXED"}))
	for _, id := range []string{"1", "2", "3"} {
		must(t, f.Index(ctx, "movies", id, `{"title":"x"}`))
	}
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) create(name string) error {
	return f.CreateSnapshot(ctx, "r", name, opensearch.SnapshotRequest{Indices: []string{"movies"}})
}

func TestF34_AnswerLostAfterTheEffect(t *testing.T) {
	f := loaded(t)
	f.Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" {
			return opensearchtest.Verdict{After: opensearchtest.GatewayTimeout("create snapshot")}
		}
		return opensearchtest.Verdict{}
	})
	if err := f.create("s1"); !opensearch.IsGatewayTimeout(err) {
		t.Fatal(err)
	}
	s, err := f.Snapshot(ctx, "r", "s1")
	if err != nil || s.State != opensearch.Success {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestKilledNodeForgetsItsSnapshot(t *testing.T) {
	f := loaded(t)
	f.SnapshotsTake(time.Minute)
	must(t, f.create("s1"))
	f.Kill()
	if _, err := f.Info(ctx); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v", err)
	}
	f.Start()
	if _, err := f.Snapshot(ctx, "r", "s1"); !errors.Is(err, opensearch.ErrNotFound) {
		t.Errorf("%v", err)
	}
	d, err := f.Documents(ctx, "movies")
	if err != nil || len(d) != 3 {
		t.Errorf("documents are lost: %v, %v", d, err)
	}
	f.SnapshotsTake(0)
	must(t, f.create("s1")) // the name is free
}

func TestSnapshotsEndAsTold(t *testing.T) {
	for _, state := range []opensearch.SnapshotState{opensearch.Partial, opensearch.Failed} {
		f := loaded(t)
		f.NextSnapshotEnds(state)
		must(t, f.create("s1"))
		s, err := f.Snapshot(ctx, "r", "s1")
		if err != nil || s.State != state || len(s.Failures) != 1 || s.ShardsFailed != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		must(t, f.create("s2"))
		if s, err = f.Snapshot(ctx, "r", "s2"); err != nil || s.State != opensearch.Success {
			t.Errorf("the next one: %+v, %v", s, err)
		}
	}
}

func TestSnapshotTakesItsTime(t *testing.T) {
	f := loaded(t)
	f.SnapshotsTake(10 * time.Second)
	f.HoldSnapshots()
	must(t, f.create("s1"))
	f.now = f.now.Add(time.Hour)
	if s, err := f.Snapshot(ctx, "r", "s1"); err != nil || s.State != opensearch.InProgress {
		t.Errorf("held: %+v, %v", s, err)
	}
	if err := f.create("s2"); !opensearch.IsConcurrentSnapshot(err) {
		t.Errorf("F17: %v", err)
	}
	f.ReleaseSnapshots()
	if s, err := f.Snapshot(ctx, "r", "s1"); err != nil || s.State != opensearch.Success {
		t.Errorf("released: %+v, %v", s, err)
	}
}

func TestF17_AutomatedSnapshot(t *testing.T) {
	f := loaded(t)
	f.RunAutomatedSnapshot("cs-automated-enc/2026-01-01")
	running, err := f.RunningSnapshots(ctx)
	if err != nil || !slices.Equal(running, []string{"cs-automated-enc/2026-01-01"}) {
		t.Errorf("%v, %v", running, err)
	}
	if err := f.create("s1"); !opensearch.IsConcurrentSnapshot(err) {
		t.Errorf("%v", err)
	}
}

func TestUnreachableBucket(t *testing.T) {
	f := loaded(t)
	f.bucket.SetUnreachable(true)
	for what, err := range map[string]error{"verify": f.VerifyRepository(ctx, "r"), "create": f.create("s1")} {
		if e := new(opensearch.Error); !errors.As(err, &e) || e.Status != 500 || opensearch.IsIAMPropagation(err) || opensearch.IsWrongForm(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Cut off in the middle: the shard fails, or the end is never written.
	f.bucket.SetUnreachable(false)
	f.SnapshotsTake(time.Second)
	must(t, f.create("s1"))
	f.bucket.SetUnreachable(true)
	f.now = f.now.Add(time.Second)
	if running, err := f.RunningSnapshots(ctx); err != nil || len(running) != 0 {
		t.Errorf("%v, %v", running, err)
	}
	f.bucket.SetUnreachable(false)
	if _, err := f.Snapshot(ctx, "r", "s1"); !errors.Is(err, opensearch.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestPartialWhenAShardCannotBeWritten(t *testing.T) {
	f := loaded(t)
	f.SnapshotsTake(time.Second)
	must(t, f.create("s1"))
	f.bucket.FailNext(storetest.Put, 1, storetest.ErrUnreachable)
	f.now = f.now.Add(time.Second)
	s, err := f.Snapshot(ctx, "r", "s1")
	if err != nil || s.State != opensearch.Partial || len(s.Failures) != 1 || !strings.HasPrefix(s.Failures[0], "movies[0]: ") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestF13_X8_Registration(t *testing.T) {
	f := loaded(t)
	f.FailVerifications(2)
	for range 2 {
		if err := f.VerifyRepository(ctx, "r"); !opensearch.IsIAMPropagation(err) {
			t.Errorf("%v", err)
		}
	}
	must(t, f.VerifyRepository(ctx, "r"))
	f.RefuseRepositories(func(action string, r opensearch.Repository) error {
		if action == "verify" && r.Region == "" {
			return &opensearch.Error{Status: 500, Type: "repository_verification_exception", Reason: "PermanentRedirect"}
		}
		return nil
	})
	if err := f.VerifyRepository(ctx, "r"); !opensearch.IsWrongForm(err) {
		t.Errorf("%v", err)
	}
}

func TestH13_H31_Identity(t *testing.T) {
	f := loaded(t)
	before := f.UUID()
	f.LoseManager(true)
	if i, err := f.Info(ctx); err != nil || i.ClusterUUID != "" {
		t.Errorf("%+v, %v", i, err)
	}
	f.LoseManager(false)
	after := f.ReplaceUUID()
	if i, err := f.Info(ctx); err != nil || i.ClusterUUID != after || after == before {
		t.Errorf("%+v, %v", i, err)
	}
}

// TestSnapshotIsNotOfOneMoment: a write before a shard's turn is in the snapshot,
// one after it is not, and the numbers say so.
func TestSnapshotIsNotOfOneMoment(t *testing.T) {
	f := loaded(t)
	must(t, f.CreateIndex(ctx, "two", opensearchtest.IndexOptions{Shards: 2}))
	f.SnapshotsTake(10 * time.Second)
	must(t, f.CreateSnapshot(ctx, "r", "s1", opensearch.SnapshotRequest{Indices: []string{"two"}}))
	f.now = f.now.Add(6 * time.Second) // the first shard is captured, the second is not
	for id := range 20 {
		must(t, f.Index(ctx, "two", string(rune('a'+id)), `{}`))
	}
	f.now = f.now.Add(6 * time.Second)
	if s, err := f.SnapshotStatus(ctx, "r", "s1"); err != nil || s.State != opensearch.Success || s.TotalBytes == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	var first, second int
	for _, key := range f.bucket.Keys() {
		if strings.Contains(key, "/0/__") {
			first++
		}
		if strings.Contains(key, "/1/__") {
			second++
		}
	}
	if first != 0 || second != 1 {
		t.Errorf("files of the first shard %d, of the second %d", first, second)
	}
}

func TestSameSeedSameWorld(t *testing.T) {
	run := func() []string {
		f := loaded(t)
		must(t, f.CreateDataStream(ctx, "logs"))
		must(t, f.create("s1"))
		must(t, f.DeleteSnapshot(ctx, "r", "s1"))
		must(t, f.create("s2"))
		return f.bucket.Keys()
	}
	if d := cmp.Diff(run(), run()); d != "" {
		t.Errorf("-first +second:\n%s", d)
	}
}

// TestManySnapshotsStayWhole: merges, updates, prunings; every file that a snapshot names
// is there.
func TestManySnapshotsStayWhole(t *testing.T) {
	f := loaded(t)
	var names []string
	for n := range 30 {
		must(t, f.Index(ctx, "movies", string(rune('a'+n%7)), strings.Repeat("x", n)))
		name := "s" + string(rune('a'+n))
		must(t, f.create(name))
		if names = append(names, name); len(names) > 3 {
			must(t, f.DeleteSnapshot(ctx, "r", names[n%3]))
			names = slices.Delete(names, n%3, n%3+1)
		}
		var sizes int64
		list, err := f.bucket.List(ctx, f.UUID()+"/")
		must(t, err)
		for _, e := range list {
			if strings.Contains(e.Key, "/__") {
				sizes += e.Size
			}
		}
		for _, name := range names {
			s, err := f.SnapshotStatus(ctx, "r", name)
			if err != nil || s.State != opensearch.Success || s.TotalBytes > sizes {
				t.Fatalf("%s of %v: %+v, %v; %d bytes are there", name, names, s, err, sizes)
			}
		}
	}
}
