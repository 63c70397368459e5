package snapshot

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// inForce answers who is active, nil when nobody ever was. An idle Region, and
// one that was never promoted, needs no answer of the other; the one that may be
// active needs both, since the other could know a higher generation (H15).
func (r *run) inForce(ctx context.Context) (*ledger.Ledger, error) {
	if own := ledger.ReadOne(ctx, r.Own); own.Answer == ledger.Present && own.Ledger.ActiveRegion != r.Region {
		return &own.Ledger, nil // the other Region, which may be lost, is not asked (G5)
	}
	var copies []ledger.Ledger
	var unread []error
	var malformed []point.Unreadable
	for _, b := range []store.Bucket{r.Own, r.Other} {
		p, ok, bad, err := point.NewestReadable(ctx, b)
		if err != nil {
			unread = append(unread, fmt.Errorf("newest recovery point in %s: %w", b.Region(), err))
		}
		if ok {
			copies = append(copies, p.Ledger)
		}
		malformed = append(malformed, bad...)
		if b == r.Other {
			r.newest = p
		}
	}
	r.view = ledger.Read(ctx, r.Own, r.Other, copies)
	led, ok, err := r.view.InForce()
	switch {
	case errors.Is(err, ledger.ErrUnknown) && r.view.Own.Answer == ledger.Absent:
		return nil, nil // nothing here says that this Region was ever promoted
	case err != nil:
		return nil, err
	case !ok:
		return nil, nil
	}
	if led.ActiveRegion != r.Region {
		return &led, nil
	}
	for _, bad := range malformed {
		if bad.ID.Generation > led.Generation {
			return nil, fmt.Errorf("%w; its name says a newer generation, so nothing is written while it cannot be read: deploy the release that wrote it, or, if that object is not needed, move it out of %s and run again", bad.Err, point.Prefix)
		}
		r.notice("%v; it is passed over, and recovery points go on with the next number: deploy the release that wrote it, or bring back the object's earlier version", bad.Err)
	}
	if !r.view.Complete() || len(unread) > 0 {
		return nil, fmt.Errorf("see what the other Region knows: %w; without its bucket there are no recovery points, the next run tries again",
			errors.Join(append(unread, r.view.Own.Err, r.view.Other.Err)...))
	}
	return &led, nil
}

// otherSeen tells whether the other Region's bucket ever held our ledger, as far
// as can be told while it is absent: the own journal of its first point.
func (r *run) otherSeen(ctx context.Context) (bool, error) {
	_, err := r.Own.Get(ctx, firstPointKey)
	if errors.Is(err, store.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// firstPointKey marks that the other Region's bucket has held a point once, so
// that a bucket that is gone is told from one that is not there yet (D5).
const firstPointKey = "_dr/journal/first-point.json"
