package snapshot

import (
	"context"
	"errors"
	"time"

	"github.com/opensearch-dr/osdr/internal/lease"
)

// A schedule that meets the lease waits a little: most often the controller's
// minute holds it for some seconds, and a snapshot that is dropped for that is a
// hole of a whole interval. A demand is told at once who holds it.
const (
	leaseTries = 8
	leasePause = 3 * time.Second
)

// acquire the lease, or answer *lease.Held.
func (r *run) acquire(ctx context.Context) (*lease.Lease, error) {
	tries := 1
	if r.reason == ReasonSchedule || r.reason == ReasonDue {
		tries = leaseTries
	}
	for {
		l, err := r.Leases.Acquire(ctx, r.Own, LeaseName, r.Holder, lease.TTL)
		if tries--; tries == 0 || !errors.As(err, new(*lease.Held)) {
			return l, err
		}
		if serr := r.sleep(ctx, leasePause); serr != nil {
			return nil, err
		}
	}
}

func (r *run) sleep(ctx context.Context, d time.Duration) error {
	if r.Sleep != nil {
		return r.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
