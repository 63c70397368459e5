package fence_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// odd is a domain that refuses to block one index, or cuts a run off.
type odd struct {
	fence.Domain
	refuse string // index
	calls  func(call, index string) error
	mu     sync.Mutex
}

func (o *odd) asked(call, index string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.calls != nil {
		if err := o.calls(call, index); err != nil {
			return err
		}
	}
	if index == o.refuse {
		return &opensearch.Error{Step: call, Status: 403, Type: "security_exception", Reason: "no permissions for [indices:admin/block/add]"}
	}
	return nil
}

func (o *odd) Block(ctx context.Context, index string) error {
	if err := o.asked("Block", index); err != nil {
		return err
	}
	return o.Domain.Block(ctx, index)
}

func (o *odd) SetWriteBlock(ctx context.Context, indices []string, on bool) error {
	for _, i := range indices {
		if err := o.asked("SetWriteBlock", i); err != nil {
			return err
		}
	}
	return o.Domain.SetWriteBlock(ctx, indices, on)
}

func (s *suite) writes(index string) bool {
	return s.c.Index(s.t.Context(), index, "w", "{}") == nil
}

func TestH72_OneIndexThatCannotBeBlockedStopsNoOther(t *testing.T) {
	for _, parallel := range []int{0, 8} {
		c, f := setUp(t)
		s := &suite{t, c}
		for _, i := range []string{"a", "m", "z"} {
			if err := c.Index(t.Context(), i, "1", "{}"); err != nil {
				t.Fatal(err)
			}
		}
		o := &odd{Domain: c, refuse: "m"}
		f.Domain, f.Parallel = o, parallel
		rec, waiting, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
		if err != nil || !strings.Contains(waiting, "m (block writes to index m") {
			t.Fatalf("%q %v", waiting, err)
		}
		if s.writes("a") || s.writes("z") || s.writes("movies") || !s.writes("m") {
			t.Error("an index beside m takes writes")
		}
		if odd := rec.Odd(); !slices.Equal(odd, []string{"m"}) || rec.Blocked() != 4 {
			t.Errorf("refused: %v, %d blocked", odd, rec.Blocked())
		}
		o.refuse = "" // it is tried again by each run
		rec, waiting, err = f.Raise(t.Context(), rec, c.UUID(), "token", now)
		if err != nil || waiting != "" || len(rec.Odd()) > 0 || s.writes("m") {
			t.Errorf("%q %v, refused: %v", waiting, err, rec.Odd())
		}
		if err := f.Lift(t.Context(), rec); err != nil || !s.writes("m") || !s.writes("a") {
			t.Error("not lifted", err)
		}
	}
}

// The disk's block goes away by itself, so ours stands beside it, and no other domain
// is given the disk's.
func TestH72_AnIndexAtFloodStageIsBlockedAndLifted(t *testing.T) {
	c, f := setUp(t)
	s := &suite{t, c}
	flood := func(on bool) {
		t.Helper()
		if err := c.SetBlock(t.Context(), "movies", opensearch.DiskBlock, on); err != nil {
			t.Fatal(err)
		}
	}
	flood(true)
	rec, waiting, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
	if err != nil || waiting != "" {
		t.Fatalf("%q %v", waiting, err)
	}
	if len(rec.Indices["movies"].Blocks) > 0 {
		t.Errorf("noted as its user's: %v", rec.Indices["movies"].Blocks)
	}
	flood(true) // the disk is full still
	flood(false)
	if s.writes("movies") {
		t.Error("it takes writes when the disk has room again")
	}
	flood(true)
	if err := f.Lift(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	flood(false)
	if !s.writes("movies") {
		t.Error("our block stays behind the disk's")
	}
}

// The disk's block may come between the listing and our call.
func TestH72_TheFloodComesMeanwhile(t *testing.T) {
	c, f := setUp(t)
	came := false
	f.Domain = &odd{Domain: c, calls: func(call, index string) error {
		if call == "Block" && !came {
			came = true
			return c.SetBlock(t.Context(), index, opensearch.DiskBlock, true)
		}
		return nil
	}}
	if _, waiting, err := f.Raise(t.Context(), nil, c.UUID(), "token", now); err != nil || waiting != "" || !came {
		t.Fatalf("%q %v %v", waiting, err, came)
	}
	if (&suite{t, c}).writes("movies") {
		t.Error("it takes writes")
	}
}

func TestH72_AnIndexThatBlocksItsMetadataIsBlockedToo(t *testing.T) {
	c, f := setUp(t)
	s := &suite{t, c}
	if err := c.SetBlocks(t.Context(), "movies", []string{"metadata"}); err != nil {
		t.Fatal(err)
	}
	rec, waiting, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
	if err != nil || waiting != "" || s.writes("movies") {
		t.Fatalf("%q %v", waiting, err)
	}
	if err := f.Lift(t.Context(), rec); err != nil || !s.writes("movies") || !slices.Equal(s.blocks("movies"), []string{"metadata"}) {
		t.Errorf("%v: blocks %v", err, s.blocks("movies"))
	}
}

// What a run has blocked it notes, also one that is cut off (H56): the next one goes
// on from there.
func TestH56_ARunThatIsCutHasNotedItsBlocks(t *testing.T) {
	for _, parallel := range []int{0, 8} {
		c, f := setUp(t)
		const many, inARun = 450, 170
		for n := range many {
			if err := c.CreateIndex(t.Context(), fmt.Sprintf("tenant-%03d", n), opensearchtest.IndexOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cut := context.WithCancel(t.Context())
		blocks := 0
		f.Parallel = parallel
		f.Domain = &odd{Domain: c, calls: func(call, _ string) error {
			if call != "Block" {
				return nil
			}
			if blocks++; blocks%inARun == 0 {
				cut()
				return context.Canceled
			}
			return nil
		}}
		last := 0
		for run := 1; ; run++ {
			rec, err := fence.Load(t.Context(), f.Bucket, c.UUID())
			if err != nil {
				t.Fatal(err)
			}
			rec, waiting, err := f.Raise(ctx, rec, c.UUID(), "token", now)
			if err == nil && waiting == "" {
				break
			}
			if !errors.Is(err, context.Canceled) || rec.Blocked() < last+inARun/2 || run > 5 {
				t.Fatalf("run %d: %d blocked, %d before it; %q %v", run, rec.Blocked(), last, waiting, err)
			}
			last = rec.Blocked()
			ctx, cut = context.WithCancel(t.Context())
		}
		cut()
		if blocks > many+20 {
			t.Errorf("%d calls for %d indexes", blocks, many)
		}
	}
}

// A call that began and did not end leaves a block that no setting lifts. The lift
// looks at the cluster's blocks, and completes it.
func TestH78_ABlockThatWasNotCompletedIsLifted(t *testing.T) {
	c, f := setUp(t)
	s := &suite{t, c}
	const arn = "arn:aws:iam::111122223333:role/half"
	role := opensearch.RecoveryPermissions()
	role.ClusterPermissions = append(role.ClusterPermissions, opensearch.AgentPermissions().ClusterPermissions...)
	role.IndexPermissions = append(role.IndexPermissions, opensearch.AgentPermissions().IndexPermissions...)
	put := func(action string) {
		t.Helper()
		r := role
		r.IndexPermissions = slices.Clone(role.IndexPermissions)
		actions := slices.Clone(r.IndexPermissions[0].AllowedActions)
		for n, a := range actions {
			if a == "indices:admin/block/add*" {
				actions[n] = action
			}
		}
		r.IndexPermissions[0].AllowedActions = actions
		if err := c.PutRole(t.Context(), "half", r); err != nil {
			t.Fatal(err)
		}
	}
	put("indices:admin/block/add")
	if err := c.PutRoleMapping(t.Context(), "half", opensearch.RoleMapping{BackendRoles: []string{arn}}); err != nil {
		t.Fatal(err)
	}
	f.Domain = c.As(arn)
	rec, waiting, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
	if err != nil || waiting != "" || s.writes("movies") {
		t.Fatalf("%q %v", waiting, err)
	}
	if err := f.Lift(t.Context(), rec); err == nil || !strings.Contains(err.Error(), "movies") {
		t.Fatalf("lifted, although the block stays: %v", err)
	}
	if left, err := fence.Load(t.Context(), f.Bucket, c.UUID()); left == nil || err != nil {
		t.Fatal("the record is gone before the block is", err)
	}
	put("indices:admin/block/add*")
	if err := f.Lift(t.Context(), rec); err != nil || !s.writes("movies") || s.writes("archive") {
		t.Errorf("%v: movies takes writes: %v", err, s.writes("movies"))
	}
}

// An answer that some node has not applied a change is no success (H69).
func TestH69_ALiftThatIsNotAcknowledgedIsAskedAgain(t *testing.T) {
	c, f := setUp(t)
	s := &suite{t, c}
	rec, _, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
	if err != nil {
		t.Fatal(err)
	}
	lags := true
	c.Intercept(func(call string) opensearchtest.Verdict {
		if lags && (call == "SetWriteBlock" || call == "SetBlocks" || call == "SetAutoCreate") {
			return opensearchtest.Verdict{Before: opensearch.ErrNotAcknowledged}
		}
		return opensearchtest.Verdict{}
	})
	if err := f.Lift(t.Context(), rec); !errors.Is(err, opensearch.ErrNotAcknowledged) {
		t.Fatal(err)
	}
	lags = false
	if rec, err = fence.Load(t.Context(), f.Bucket, c.UUID()); rec == nil || err != nil {
		t.Fatal("the record is gone", err)
	}
	if err := f.Lift(t.Context(), rec); err != nil || !s.writes("movies") {
		t.Error("not lifted", err)
	}
}

// A write block forbids no change of mappings, settings and aliases.
func TestH68_WhatIsAdministeredBehindAFenceIsSeen(t *testing.T) {
	c, f := setUp(t)
	rec, _, err := f.Raise(t.Context(), nil, c.UUID(), "token", now)
	if err != nil {
		t.Fatal(err)
	}
	list := func() []opensearch.Index {
		t.Helper()
		all, err := c.Indices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return users(all)
	}
	if err := f.Freeze(t.Context(), rec, list()); err != nil {
		t.Fatal(err)
	}
	if moved := rec.Holds(list()); moved != "" {
		t.Fatal(moved)
	}
	if err := c.PutAlias(t.Context(), "movies", "films"); err != nil {
		t.Fatal(err)
	}
	if moved := rec.Holds(list()); !strings.Contains(moved, "movies") {
		t.Errorf("an alias that came behind the fence is not seen: %q", moved)
	}
	old := *rec
	old.Indices = map[string]fence.Index{}
	for name, i := range rec.Indices {
		i.Frozen = nil // as an earlier release wrote it
		old.Indices[name] = i
	}
	if moved := old.Holds(list()); moved != "" {
		t.Errorf("an old record: %q", moved)
	}
}
