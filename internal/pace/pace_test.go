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

type keeper struct{ heard []string }

func (k *keeper) WithDeadline(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	k.heard = append(k.heard, end.Format(time.TimeOnly))
	return ctx, func() {}
}

func (k *keeper) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	k.heard = append(k.heard, d.String())
	return ctx, func() {}
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
	if n != 2 || !slices.Equal(k.heard, []string{"1s", "00:00:00", "both"}) {
		t.Errorf("%d done, the keeper heard %v", n, k.heard)
	}
}
