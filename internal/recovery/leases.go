package recovery

import (
	"context"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// idleFor is how long a lease may be without a renewal before it is reported: its
// run is most likely dead, and the next one waits for the expiry.
const idleFor = lease.TTL / 2

const foundOut = "Find out what wrote it; the product goes on without it"

// leases that delay this Region, or are none (H86). A look that fails is reported by
// whoever needs the lease.
func (r *run) leases(ctx context.Context) error {
	names := []string{snapshot.LeaseName}
	if r.lease == nil {
		names = append(names, LeaseName)
	}
	for _, name := range names {
		s, err := lease.Look(ctx, r.Own, name)
		if err != nil {
			continue
		}
		subject := "s3://" + r.Own.Name() + "/" + lease.Prefix + name + ".json"
		switch {
		case s.Foreign != "":
			r.attend(contract.AttentionLease, subject, foundOut, "%s. It counts as none", s.Foreign)
			if r.lease != nil { // the snapshot function of a Region that is not active never would
				r.takeOver(ctx, name)
			}
		case s.Held && s.Idle > idleFor:
			r.attend(contract.AttentionLease, subject, "The next run goes on by itself when it is over", "%s holds it until %s and has not renewed it for %s: that run is most likely dead, and what waits for it is late",
				s.Holder, s.Until.UTC().Format(time.RFC3339), s.Idle.Round(time.Second))
		}
	}
	for _, v := range []ledger.Reading{r.view.Own, r.view.Other} {
		if i := v.Ledger.Intent; v.Answer == ledger.Present && i != nil && i.Overlong(r.now) {
			r.overlong(v.Region, *i)
		}
	}
	return nil
}

// takeOver what is no lease, so that it is reported once. Whoever needs the lease does
// the same; what fails is tried again.
func (r *run) takeOver(ctx context.Context, name string) {
	l, err := r.Leases.Acquire(ctx, r.Own, name, r.Holder, lease.TTL)
	if err != nil {
		return
	}
	if err := l.Release(ctx); err != nil {
		r.Log.WarnContext(ctx, "release lease", "error", err.Error())
	}
}

// overlong mark of a switch.
func (r *run) overlong(region string, i ledger.Intent) {
	r.attend(contract.AttentionLease, "the ledger of "+region, foundOut, "the mark of a switch to %s by request %s is given until %s, longer than any that the product gives (%s). It counts as expired",
		i.To, i.RequestID, i.Expires.UTC().Format(time.RFC3339), ledger.LongestIntent)
}

// pins in this Region's bucket that would keep a point forever. Pruning goes on over
// them.
func (r *run) pins(ctx context.Context) {
	pins, err := point.Pinned(ctx, r.Own)
	if err != nil {
		r.notice("%v", err)
		return
	}
	for _, p := range pins {
		if p.Overlong {
			r.attend(contract.AttentionLease, "recovery point "+p.Point.String(), foundOut, "pinned by %s until %s, longer than any pin that the product gives (%s). It keeps nothing from being pruned",
				p.Holder, p.Expires.UTC().Format(time.RFC3339), point.LongestPin)
		}
	}
}
