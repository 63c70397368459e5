package recovery

import (
	"context"
	"errors"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

// seen is what a tick does while another run holds the lease: it reads and
// measures, and changes nothing. Else one long run of another would silence the
// age of the newest point, and silence is an alarm (D1).
func (r *run) seen(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	return r.measure(ctx)
}

// publish what is measured at once: a tick that is cut off in a slow part has
// said it all the same. Missing data breaches the alarms, so it is no error.
func (r *run) publish(ctx context.Context) {
	if err := r.values.Publish(context.WithoutCancel(ctx), r.Metrics); err != nil {
		r.notice("%v", err)
	}
	r.values = telemetry.Values{}
}

// settled: a point was made just now, which this minute's age counts already.
func (r *run) settled(ctx context.Context) {
	p, ok, err := point.LoadNewest(ctx, r.Other)
	if err != nil || !ok {
		return // the next minute reads it
	}
	r.newest = append(r.newest, p)
	if err := r.measure(ctx); err != nil {
		r.notice("%v", err)
	}
}

// tellLedger carries why nobody knows who is active to those who would else take
// "no generation" for "nobody was ever promoted".
func (r *run) tellLedger() {
	err := r.ledErr
	unknown := errors.Is(err, ledger.ErrUnknown)
	if err == nil && !r.claimed && len(r.unread) > 0 {
		err = errors.Join(r.unread...)
		unknown = !errors.Is(err, point.ErrMalformed)
	}
	if err != nil {
		r.status.LedgerError, r.status.LedgerUnknown = err.Error(), unknown
	}
}
