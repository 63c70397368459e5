package fence_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// users' indexes, without the engine's own.
func users(all []opensearch.Index) []opensearch.Index {
	return slices.DeleteFunc(all, func(i opensearch.Index) bool { return i.Name == ".opendistro_security" })
}

func setUp(t *testing.T) (*opensearchtest.Cluster, fence.Fence) {
	c := opensearchtest.New(opensearchtest.Options{Seed: 1, Clock: clock})
	for _, i := range []string{"movies", "archive"} {
		if err := c.Index(t.Context(), i, "1", "{}"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetBlocks(t.Context(), "archive", []string{"write"}); err != nil {
		t.Fatal(err)
	}
	return c, fence.Fence{Bucket: storetest.NewMemory("b", "us-east-1", clock), Domain: c, Guarded: users}
}

func (s *suite) blocks(name string) []string {
	s.t.Helper()
	all, err := s.c.Indices(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(i opensearch.Index) bool { return i.Name == name })
	return all[at].Blocks
}

type suite struct {
	t *testing.T
	c *opensearchtest.Cluster
}

func TestH24_RaisedTwiceAndLiftedGivesBackWhatWasThere(t *testing.T) {
	c, f := setUp(t)
	s := &suite{t, c}
	if err := c.SetAutoCreate(t.Context(), "-app*,+*", true); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time reads what the first wrote
		rec, err := fence.Load(t.Context(), f.Bucket, c.UUID())
		if err != nil {
			t.Fatal(err)
		}
		if _, waiting, err := f.Raise(t.Context(), rec, c.UUID(), "token", now); err != nil || waiting != "" {
			t.Fatal(waiting, err)
		}
	}
	if !slices.Contains(s.blocks("movies"), "write") {
		t.Error("movies takes writes")
	}
	if v, _, _ := c.AutoCreate(t.Context()); v != fence.NoAutoCreate {
		t.Errorf("automatic creation is %q", v)
	}
	rec, err := fence.Load(t.Context(), f.Bucket, c.UUID())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Lift(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	if len(s.blocks("movies")) > 0 || !slices.Equal(s.blocks("archive"), []string{"write"}) {
		t.Errorf("movies %v, archive %v", s.blocks("movies"), s.blocks("archive"))
	}
	if v, _, _ := c.AutoCreate(t.Context()); v != "-app*,+*" {
		t.Errorf("automatic creation is %q", v)
	}
	if rec, err := fence.Load(t.Context(), f.Bucket, c.UUID()); rec != nil || err != nil {
		t.Errorf("left: %+v %v", rec, err)
	}
}

func TestH8_H9_AFenceThatSomethingPassesIsNotComplete(t *testing.T) {
	c, f := setUp(t)
	if err := c.CreateDataStream(t.Context(), "logs"); err != nil {
		t.Fatal(err)
	}
	n, err := c.BeginWrite(t.Context(), "logs", "late", "{}")
	if err != nil {
		t.Fatal(err)
	}
	rec, waiting, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
	if err != nil || waiting == "" {
		t.Fatalf("%q %v", waiting, err)
	}
	if err := c.FinishWrite(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if rec, waiting, err = f.Raise(t.Context(), rec, c.UUID(), "token", now); err != nil || waiting != "" {
		t.Fatalf("%q %v", waiting, err)
	}
	hold := func() string {
		all, err := c.Indices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return rec.Holds(users(all))
	}
	if hold() == "" {
		t.Error("complete before its final point")
	}
	all, err := c.Indices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Freeze(t.Context(), rec, users(all)); err != nil {
		t.Fatal(err)
	}
	if moved := hold(); moved != "" {
		t.Error(moved)
	}
	for name, breaks := range map[string]func() error{
		"lifted by hand": func() error { return c.SetWriteBlock(t.Context(), []string{"movies"}, false) },
		"a new index":    func() error { return c.CreateIndex(t.Context(), "new", opensearchtest.IndexOptions{}) },
		"a rollover":     func() error { return c.Rollover(t.Context(), "logs") },
	} {
		if err := breaks(); err != nil {
			t.Fatal(name, err)
		}
		if hold() == "" {
			t.Errorf("%s is not seen", name)
		}
	}
}

// A run that dies right after a block has noted the index and not that it is
// blocked: the block is ours all the same.
func TestH24_ABlockWhoseRunDiedIsOurs(t *testing.T) {
	c, f := setUp(t)
	died := errors.New("dies")
	mays := 0
	f.May = func(context.Context) error {
		if mays++; mays > 2 { // automatic creation, the first block, no more
			return died
		}
		return nil
	}
	before, err := c.Indices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Index(t.Context(), "other", "1", "{}"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Raise(t.Context(), nil, c.UUID(), "token", now); !errors.Is(err, died) {
		t.Fatal(err)
	}
	rec, err := fence.Load(t.Context(), f.Bucket, c.UUID())
	if err != nil {
		t.Fatal(err)
	}
	after, err := c.Indices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	blocked := false
	for _, i := range users(after) {
		blocked = blocked || i.Name == "movies" && slices.Contains(i.Blocks, "write")
		as := rec.Before(i)
		at := slices.IndexFunc(before, func(o opensearch.Index) bool { return o.Name == i.Name })
		if at >= 0 && (!slices.Equal(as.Blocks, before[at].Blocks) || as.SettingsVersion != before[at].SettingsVersion) {
			t.Errorf("%s: blocks %v, settings %d; its user had %v, %d", i.Name, as.Blocks, as.SettingsVersion, before[at].Blocks, before[at].SettingsVersion)
		}
	}
	if !blocked {
		t.Error("movies was not blocked: nothing was shown")
	}
}

// A fence over a copy notes the restore's own block as the one that was there. When
// the copy was handed over and the fence is still being lifted, no recovery point may
// say that its user wants that block: the next failover would set it again.
func TestF30_ABlockThatWasHandedOverIsNotTheUsers(t *testing.T) {
	rec := &fence.Record{State: fence.Lifting, Indices: map[string]fence.Index{"movies": {UUID: "u", Blocked: true, Blocks: []string{"write"}, Setting: 3, After: 3}}}
	handed := opensearch.Index{Name: "movies", UUID: "u", SettingsVersion: 4}
	if as := rec.Before(handed); len(as.Blocks) > 0 || as.SettingsVersion != 4 {
		t.Errorf("handed over, and noted with blocks %v, settings %d", as.Blocks, as.SettingsVersion)
	}
	rec.State = fence.Fenced
	if as := rec.Before(handed); !slices.Equal(as.Blocks, []string{"write"}) {
		t.Errorf("somebody lifted it behind the fence: %v", as.Blocks)
	}
}
