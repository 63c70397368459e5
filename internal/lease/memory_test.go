package lease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// cutOff holds the lease in a process whose bucket is silent when its run ends.
func cutOff(t *testing.T, b *storetest.Memory, m *lease.Memory) *lease.Lease {
	t.Helper()
	l, err := m.Acquire(t.Context(), b, "recovery", "run 1", 6*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b.SetUnreachable(true)
	if err := l.Release(t.Context()); !errors.Is(err, storetest.ErrUnreachable) {
		t.Fatalf("the release must say that it did not arrive: %v", err)
	}
	return l
}

func heldBy(t *testing.T, err error, who string) {
	t.Helper()
	var held *lease.Held
	if !errors.As(err, &held) || held.Holder != who {
		t.Fatalf("%v, not that %s holds it", err, who)
	}
}

func TestX5_ThisProcessTakesItsOwnDeadLeaseAtOnce(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	var mine, other lease.Memory
	old := cutOff(t, b, &mine)
	if _, err := mine.Acquire(ctx, b, "recovery", "run 2", time.Minute); !errors.Is(err, storetest.ErrUnreachable) {
		t.Fatal(err)
	}
	b.SetUnreachable(false)
	c.now = c.now.Add(time.Second)
	_, err := other.Acquire(ctx, b, "recovery", "another process", time.Minute)
	heldBy(t, err, "run 1")
	_, err = lease.Acquire(ctx, b, "recovery", "one without a memory", time.Minute)
	heldBy(t, err, "run 1")
	if _, err := mine.Acquire(ctx, b, "snapshot", "run 3", time.Minute); err != nil {
		t.Fatalf("another thing was never held: %v", err)
	}
	now, err := mine.Acquire(ctx, b, "recovery", "run 3", time.Minute)
	if err != nil {
		t.Fatalf("nobody goes on under it any more: %v", err)
	}
	if err := old.Renew(ctx, time.Minute); !errors.Is(err, lease.ErrLost) {
		t.Fatalf("the old run must not go on: %v", err)
	}
	// It is held again: not even this process takes it twice.
	_, err = mine.Acquire(ctx, b, "recovery", "run 4", time.Minute)
	heldBy(t, err, "run 3")
	if err := now.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Acquire(ctx, b, "recovery", "another process", time.Minute); err != nil {
		t.Fatal(err)
	}
}

// What another process took after the expiry is its own, whatever is remembered.
func TestX5_AMemoryTakesNobodyElsesLease(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	var mine lease.Memory
	cutOff(t, b, &mine)
	b.SetUnreachable(false)
	c.now = c.now.Add(6 * time.Minute)
	other, err := lease.Acquire(ctx, b, "recovery", "other", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	_, err = mine.Acquire(ctx, b, "recovery", "run 2", time.Minute)
	heldBy(t, err, "other")
	if err := mine.Retire(ctx); err != nil {
		t.Fatal(err)
	}
	if err := other.Renew(ctx, time.Minute); err != nil {
		t.Fatalf("it was taken away: %v", err)
	}
}

// An Acquire whose answer was lost, and that could not be read back, holds a lease
// under which nobody runs.
func TestH25_AnAcquireInDoubtIsRemembered(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	var mine lease.Memory
	b.LoseAnswer(storetest.Put, 1)
	gets := 0
	b.OnCall(func(op storetest.Op, _ string) {
		if op == storetest.Get {
			if gets++; gets == 2 { // the read back
				b.SetUnreachable(true)
			}
		}
	})
	if _, err := mine.Acquire(ctx, b, "recovery", "run 1", 6*time.Minute); err == nil {
		t.Fatal("nobody can know that it is held")
	}
	b.OnCall(nil)
	b.SetUnreachable(false)
	_, err := lease.Acquire(ctx, b, "recovery", "other", time.Minute)
	heldBy(t, err, "run 1")
	if _, err := mine.Acquire(ctx, b, "recovery", "run 2", time.Minute); err != nil {
		t.Fatal(err)
	}
}

// Whoever needs the lease no more gives it back for the others.
func TestRetireReleasesOnceMore(t *testing.T) {
	ctx := context.Background()
	var c clock
	b := c.bucket()
	var mine lease.Memory
	if err := mine.Retire(ctx); err != nil {
		t.Fatalf("nothing is remembered: %v", err)
	}
	cutOff(t, b, &mine)
	if err := mine.Retire(ctx); !errors.Is(err, storetest.ErrUnreachable) {
		t.Fatal(err)
	}
	b.SetUnreachable(false)
	if err := mine.Retire(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Acquire(ctx, b, "recovery", "other", time.Minute); err != nil {
		t.Fatal(err)
	}
	calls := b.Calls(storetest.Get)
	if err := mine.Retire(ctx); err != nil || b.Calls(storetest.Get) != calls {
		t.Fatalf("what arrived is forgotten: %v", err)
	}
}
