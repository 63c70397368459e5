package lease_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type clock struct{ now time.Time }

func (c *clock) bucket() *storetest.Memory {
	c.now = day0
	return storetest.NewMemory("b", "us-west-2", func() time.Time { return c.now })
}

func TestLease(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	l, err := lease.Acquire(ctx, b, "snapshot", "one", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var held *lease.Held
	if _, err := lease.Acquire(ctx, b, "snapshot", "one", time.Minute); !errors.As(err, &held) || held.Holder != "one" || !held.Until.Equal(day0.Add(time.Minute)) {
		t.Fatal(err)
	}
	if _, err := lease.Acquire(ctx, b, "recovery", "two", time.Minute); err != nil {
		t.Fatalf("another thing: %v", err)
	}
	c.now = c.now.Add(30 * time.Second)
	if err := l.Renew(ctx, time.Minute); err != nil || !l.Until().Equal(day0.Add(90*time.Second)) {
		t.Fatal(l.Until(), err)
	}
	if err := l.Release(ctx); err != nil {
		t.Fatal(err)
	}
	l2, err := lease.Acquire(ctx, b, "snapshot", "two", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l2.Renew(ctx, time.Minute); err != nil {
		t.Fatalf("an old holder's release took the new one's: %v", err)
	}
}

func TestX5_ACrashLeavesItToExpire(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	dead, err := lease.Acquire(ctx, b, "snapshot", "dead", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Minute)
	if err := dead.Renew(ctx, time.Minute); !errors.Is(err, lease.ErrLost) {
		t.Fatalf("an expired lease cannot be renewed: %v", err)
	}
	if _, err := lease.Acquire(ctx, b, "snapshot", "next", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := dead.Renew(ctx, time.Minute); !errors.Is(err, lease.ErrLost) {
		t.Fatal(err)
	}
}

func TestH25_ALostAnswerIsReadBack(t *testing.T) {
	ctx := context.Background()
	for what, fault := range map[string]func(*storetest.Memory){
		"answer lost":          func(b *storetest.Memory) { b.LoseAnswer(storetest.Put, 1) },
		"conflict after apply": func(b *storetest.Memory) { b.ConflictAfterApply(1) },
	} {
		var c clock
		b := c.bucket()
		fault(b)
		l, err := lease.Acquire(ctx, b, "snapshot", "one", time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		fault(b)
		c.now = c.now.Add(time.Second)
		if err := l.Renew(ctx, time.Minute); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := l.Renew(ctx, time.Minute); err != nil {
			t.Fatalf("%s, next: %v", what, err)
		}
	}
}

func TestAcquireSaysWhy(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	b.SetAbsent(true)
	if _, err := lease.Acquire(ctx, b, "snapshot", "one", time.Minute); !errors.Is(err, store.ErrBucketAbsent) {
		t.Fatal(err)
	}
	b.SetAbsent(false)
	b.SetUnreachable(true)
	var held *lease.Held
	if _, err := lease.Acquire(ctx, b, "snapshot", "one", time.Minute); !errors.Is(err, storetest.ErrUnreachable) || errors.As(err, &held) {
		t.Fatal(err)
	}
	b.SetUnreachable(false)
	if _, err := lease.Acquire(ctx, b, "snapshot", "one", time.Millisecond); err == nil {
		t.Fatal("too short")
	}
}

// Several acquirers at once, over nothing, a released or an expired lease, with
// lost answers: exactly one wins.
func TestX5_ExactlyOneWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		var c clock
		b := c.bucket()
		switch rapid.IntRange(0, 2).Draw(t, "before") {
		case 1:
			l, err := lease.Acquire(ctx, b, "w", "before", time.Minute)
			if err != nil || l.Release(ctx) != nil {
				t.Fatal(err)
			}
		case 2:
			if _, err := lease.Acquire(ctx, b, "w", "before", time.Second); err != nil {
				t.Fatal(err)
			}
			c.now = c.now.Add(time.Second)
		}
		switch rapid.IntRange(0, 2).Draw(t, "fault") {
		case 1:
			b.LoseAnswer(storetest.Put, rapid.IntRange(1, 2).Draw(t, "times"))
		case 2:
			b.ConflictAfterApply(rapid.IntRange(1, 2).Draw(t, "times"))
		}
		n := rapid.IntRange(2, 4).Draw(t, "acquirers")
		won := make([]*lease.Lease, n)
		var tasks []func(store.Bucket) error
		for i := range n {
			tasks = append(tasks, func(b store.Bucket) (err error) {
				won[i], err = lease.Acquire(ctx, b, "w", fmt.Sprint(i), time.Minute)
				return err
			})
		}
		errs := storetest.Interleave(b, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") }, tasks...)
		winners := 0
		for i, err := range errs {
			var held *lease.Held
			switch {
			case err == nil:
				winners++
				if rerr := won[i].Renew(ctx, time.Minute); rerr != nil {
					t.Fatalf("the winner cannot renew: %v", rerr)
				}
			case !errors.As(err, &held):
				t.Fatalf("neither won nor held: %v", err)
			}
		}
		if winners != 1 {
			t.Fatalf("%d winners: %v", winners, errs)
		}
	})
}

// A lease is kept while its run lives, and is over soon after a run that was killed.
func TestH85_ALeaseIsKeptWhileItsRunLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := storetest.NewMemory("b", "us-west-2", time.Now)
		l, err := lease.Acquire(t.Context(), b, "recovery", "one", lease.TTL)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := l.Keep(t.Context(), lease.TTL)
		time.Sleep(10*time.Minute + time.Second)
		if _, err := lease.Acquire(t.Context(), b, "recovery", "two", lease.TTL); !errors.As(err, new(*lease.Held)) || ctx.Err() != nil {
			t.Fatalf("it lives: %v, %v", err, ctx.Err())
		}
		stop()
		if ctx.Err() == nil {
			t.Error("its context outlives it")
		}
		time.Sleep(lease.TTL + time.Second)
		two, err := lease.Acquire(t.Context(), b, "recovery", "two", lease.TTL)
		if err != nil {
			t.Fatalf("nobody renews it any more: %v", err)
		}
		if err := l.Renew(t.Context(), lease.TTL); !errors.Is(err, lease.ErrLost) {
			t.Error(err)
		}
		if err := two.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A run whose bucket is silent ends before its lease does.
func TestH85_ARunEndsWithItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := storetest.NewMemory("b", "us-west-2", time.Now)
		l, err := lease.Acquire(t.Context(), b, "recovery", "one", lease.TTL)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := l.Keep(t.Context(), lease.TTL)
		defer stop()
		b.SetUnreachable(true)
		time.Sleep(lease.TTL)
		if ctx.Err() == nil {
			t.Error("it goes on under a lease that is over")
		}
	})
}

// A renewal whose answer was lost is this lease's own.
func TestH25_ALostRenewalTakesNothingAway(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	l, err := lease.Acquire(ctx, b, "recovery", "one", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b.LoseAnswer(storetest.Put, 1)
	gets := 0
	b.OnCall(func(op storetest.Op, _ string) {
		if op == storetest.Get {
			if gets++; gets == 1 {
				b.SetUnreachable(true) // nobody knows whether it arrived
			}
		}
	})
	c.now = c.now.Add(time.Second)
	if err := l.Renew(ctx, time.Minute); err == nil {
		t.Fatal("nobody can know")
	}
	b.OnCall(nil)
	b.SetUnreachable(false)
	c.now = c.now.Add(time.Second)
	if err := l.Renew(ctx, time.Minute); err != nil {
		t.Fatalf("its own renewal is in its way: %v", err)
	}
	if err := l.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Acquire(ctx, b, "recovery", "two", time.Minute); err != nil {
		t.Fatalf("it was released: %v", err)
	}
}

// A lease that outlasts any that the product gives is none.
func TestH86_AnOverlongLeaseIsTakenOver(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	if _, err := lease.Acquire(ctx, b, "recovery", "one", lease.Longest+time.Second); err == nil {
		t.Fatal("it gives one itself")
	}
	for name, body := range map[string]string{
		"overlong":  `{"version":1,"what":"recovery","holder":"somebody","token":"x","since":"2026-01-01T00:00:00Z","expires":"2026-01-08T00:00:00Z"}`,
		"malformed": `{"version":1,`,
	} {
		if _, err := b.Put(ctx, lease.Prefix+"recovery.json", []byte(body), store.Condition{}); err != nil {
			t.Fatal(err)
		}
		if s, err := lease.Look(ctx, b, "recovery"); err != nil || s.Foreign == "" || s.Held {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		l, err := lease.Acquire(ctx, b, "recovery", "two", lease.TTL)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if l.Replaced() == "" {
			t.Errorf("%s: nobody is told", name)
		}
	}
	// One of an earlier version is waited out.
	if _, err := b.Put(ctx, lease.Prefix+"recovery.json", []byte(`{"version":1,"what":"recovery","holder":"old","token":"x","since":"2026-01-01T00:00:00Z","expires":"2026-01-01T00:06:00Z"}`), store.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Acquire(ctx, b, "recovery", "two", lease.TTL); !errors.As(err, new(*lease.Held)) {
		t.Error(err)
	}
	c.now = c.now.Add(2 * time.Minute)
	if s, err := lease.Look(ctx, b, "recovery"); err != nil || !s.Held || s.Idle != 2*time.Minute {
		t.Errorf("%+v, %v", s, err)
	}
}
