package recovery

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
)

// tick is the minute run: what is wrong and can safely be put right is, and the
// age of the newest recovery point is published. One part that fails stops none
// of the others.
func (r *run) tick(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	var failed []error
	for _, part := range []step{
		{"measure", (*run).measure},
		{"look at the leases", (*run).leases},
		{"mend the ledger", (*run).mend},
		{"copy the ledger", (*run).heal},
		// Before all that may take a run's whole time: readers wait for it (H59).
		{"keep the record right", (*run).keepRecord},
		{"name the active Region", (*run).told},
		{"map access", (*run).keepAccess},
		{"guard the domain", (*run).guard},
		{"go on with the switch", (*run).drive},
		{"keep the standby a copy", (*run).follow},
		{"settle snapshots", (*run).settle},
		{"forget removed domains", (*run).forget},
	} {
		if err := part.do(r, ctx); err != nil {
			failed = append(failed, r.because(part.phase, err))
		}
	}
	failed = append(failed, r.later...)
	switch {
	case r.ledErr != nil:
		r.status.Phase = "who is active is not known"
		failed = append(failed, r.ledErr)
	case !r.claimed:
		r.status.Phase = "not set up"
	case r.active():
		r.status.Phase = "active"
	default:
		r.status.Phase = "standby"
	}
	r.status.Done = len(failed) == 0
	return errors.Join(failed...)
}

// measure the age of the newest point of the generation in force, as seen from
// this Region (D1). Nothing to be seen is no metric: missing data breaches.
func (r *run) measure(ctx context.Context) error {
	if !r.claimed {
		return nil
	}
	defer r.publish(ctx)
	r.unprotected()
	r.values[contract.MetricActive] = 0
	if r.active() {
		r.values[contract.MetricActive] = 1
	}
	for _, p := range r.newest {
		if p.ID.Generation != r.led.Generation || p.ClusterUUID != r.led.ClusterUUID {
			continue
		}
		age := max(r.now.Sub(p.Start).Seconds(), 0)
		if old, ok := r.values[contract.MetricPointAge]; !ok || age < old {
			r.values[contract.MetricPointAge] = age
		}
	}
	return nil
}

// heal copies a higher generation down before anything acts by it (H15).
func (r *run) heal(ctx context.Context) error {
	if !r.claimed {
		return nil
	}
	var err error
	if r.view.Own.Answer != ledger.Malformed { // told by mend
		err = r.copyTo(ctx, r.Own)
	}
	if r.view.Other.Answer == ledger.Malformed {
		return err
	}
	if r.view.Other.Answer == ledger.Unreachable { // said by the alarms; the next run copies
		r.notice("the ledger of %s cannot be read: %v", r.other(), r.view.Other.Err)
		return err
	}
	if cerr := r.copyTo(ctx, r.Other); cerr != nil && !errors.Is(cerr, store.ErrAbsent) {
		err = errors.Join(err, cerr)
	}
	return err
}

// keepAccess maps the roles as soon as there is a domain, promoted or not.
func (r *run) keepAccess(ctx context.Context) error {
	if err := r.describe(ctx); err != nil {
		return err
	}
	if !r.desc.Exists || r.desc.Deleted || r.desc.Endpoint == "" || !r.desc.Created {
		return nil
	}
	return r.access(ctx)
}

// settle what the snapshot function started, and start that function when a recovery
// point is due (H76). Not active: it does nothing itself.
func (r *run) settle(ctx context.Context) error {
	if !r.active() {
		return nil
	}
	res, err := snapshot.Settle(ctx, r.Snapshot)
	if res.Settled != "" {
		r.notice("recovery point %s", res.Settled)
		r.settled(ctx)
	}
	if res.Skipped != "" {
		r.notice("snapshots: %s", res.Skipped)
	}
	r.status.Notices = append(r.status.Notices, res.Notices...)
	if res.Due {
		if aerr := r.Peer.Snapshot(ctx, r.Region, contract.SnapshotRequest{Reason: snapshot.ReasonDue}); aerr != nil {
			err = errors.Join(err, fmt.Errorf("ask for the recovery point that is due: %w", aerr))
		}
	}
	return errors.Join(err, r.spoilers(ctx))
}

// keepRecord is the active Region's alone (G2). Where the other ledger cannot be
// read the record's own mark guards it: one of a higher generation is left alone.
func (r *run) keepRecord(ctx context.Context) error {
	if !r.active() {
		return nil
	}
	was, err := route.Ensure(ctx, r.Zone, r.Settings.DNS.Record, r.recordWish(r.led), r.Settings.DNS.Adopt)
	if err != nil {
		return fmt.Errorf("record of generation %d: %w", r.led.Generation, err)
	}
	if was != route.Right {
		r.notice("record %s was %s and points at %s now", r.Settings.DNS.Record, was, r.led.Endpoint)
	}
	return nil
}
