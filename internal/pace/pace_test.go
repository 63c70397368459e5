package pace_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opensearch-dr/osdr/internal/pace"
)

func TestBothAreBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		hour := func() { time.Sleep(time.Hour) }
		pace.Both(t.Context(), hour, hour)
		if d := time.Since(began); d != time.Hour {
			t.Errorf("two hours beside each other took %s", d)
		}
	})
}

func TestTimeoutIsTheMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := pace.WithTimeout(t.Context(), time.Minute)
		defer stop()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("got %v", ctx.Err())
		}
	})
}

func TestEveryEndsWithItsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		stop := pace.Every(t.Context(), time.Minute, func() {
			time.Sleep(time.Second)
			n++
		})
		time.Sleep(2*time.Minute + time.Millisecond)
		stop() // the second one is under way
		if n != 2 {
			t.Errorf("%d done, want 2", n)
		}
		time.Sleep(time.Hour)
		if stop(); n != 2 {
			t.Errorf("%d done after the stop", n)
		}
	})
}

type keeper struct{ heard []string }

func (k *keeper) WithDeadline(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	k.heard = append(k.heard, end.Format(time.TimeOnly))
	return ctx, func() {}
}

func (k *keeper) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	k.heard = append(k.heard, d.String())
	return ctx, func() {}
}

func (k *keeper) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	k.heard = append(k.heard, "cancel")
	return ctx, func() {}
}

func (k *keeper) Every(d time.Duration, f func()) func() {
	k.heard = append(k.heard, "every "+d.String())
	f()
	return func() {}
}

func (k *keeper) Both(a, b func()) {
	k.heard = append(k.heard, "both")
	a()
	b()
}

func TestAnotherKeeperIsAsked(t *testing.T) {
	k := &keeper{}
	// A context within the one that brings the keeper brings it, too.
	ctx, cancel := context.WithCancel(pace.With(t.Context(), k))
	defer cancel()
	_, stop := pace.WithTimeout(ctx, time.Second)
	stop()
	_, stop = pace.WithDeadline(ctx, time.Unix(0, 0).UTC())
	stop()
	n := 0
	pace.Both(ctx, func() { n++ }, func() { n++ })
	_, stop = pace.WithCancel(ctx)
	stop()
	pace.Every(ctx, time.Minute, func() { n++ })()
	if n != 3 || !slices.Equal(k.heard, []string{"1s", "00:00:00", "both", "cancel", "every 1m0s"}) {
		t.Errorf("%d done, the keeper heard %v", n, k.heard)
	}
}
