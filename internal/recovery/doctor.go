package recovery

import (
	"context"
	"errors"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/doctor"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// Doctor is what only ActionDoctor needs.
type Doctor struct {
	Trials      domain.Trials
	Name        func() string // contract.TrialRandom characters of a-z and 0-9
	Certificate func(ctx context.Context, endpoint, name string) (time.Time, error)
	Wait        func(ctx context.Context, d time.Duration) error
}

// examine is ActionDoctor, on the domain in force and never while a switch is under
// way or its fence is up: what it makes and takes away must be in nobody's way. It
// holds the snapshot function's lease, too, so that no recovery point has its index.
func (r *run) examine(ctx context.Context) error {
	r.status.Phase = "examining"
	if err := r.look(ctx); err != nil {
		return err
	}
	switch i := r.live(); {
	case r.ledErr != nil:
		return refuse("%v", r.ledErr)
	case !r.claimed:
		return refuse("nothing is in force yet; run it when the first deployment has ended")
	case !r.active():
		return refuse("%s is active and has the domain to try it on, not %s", r.led.ActiveRegion, r.Region)
	case i != nil:
		return refuse("a switch to %s is under way by request %s until %s; let it end", i.To, i.RequestID, i.Expires.UTC().Format(time.RFC3339))
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	if busy := r.desc.Busy(); busy != "" {
		return wait("%s", busy)
	}
	uuid, err := r.uuid(ctx)
	if err != nil {
		return err
	}
	if uuid != r.led.ClusterUUID {
		return refuse("the domain is %s and the ledger names %s (H13); see what made it first", uuid, r.led.ClusterUUID)
	}
	rec, err := fence.Load(ctx, r.Own, uuid)
	if err != nil {
		return err
	}
	if rec != nil {
		return refuse("a fence of the domain is %s; let the controller lift it", rec.State)
	}
	return r.withoutSnapshots(ctx, func(ctx context.Context) error { return r.trial(ctx, uuid) })
}

// withoutSnapshots runs f while no snapshot starts here.
func (r *run) withoutSnapshots(ctx context.Context, f func(context.Context) error) error {
	l, err := lease.Acquire(ctx, r.Own, snapshot.LeaseName, r.Holder, lease.TTL)
	var held *lease.Held
	if errors.As(err, &held) {
		return wait("a run of the snapshot function, %s, until %s at most", held.Holder, held.Until.Format(time.RFC3339))
	}
	if err != nil {
		return err
	}
	r.replaced(l)
	kept, stop := l.Keep(ctx, lease.TTL)
	defer func() { // an unreleased lease only delays the next run
		stop()
		if err := l.Release(context.WithoutCancel(ctx)); err != nil {
			r.Log.WarnContext(ctx, "release lease", "error", err.Error())
		}
	}()
	return f(kept)
}

func (r *run) trial(ctx context.Context, uuid string) error {
	dom, err := r.Doctor.Trials.OpenTrial(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	running, err := dom.RunningSnapshots(ctx)
	if err != nil {
		return err
	}
	if len(running) > 0 {
		return wait("the end of snapshot %s", running[0])
	}
	sec, err := r.Plane.OpenSecurity(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	n := r.Settings.Names()
	found := doctor.Examine(ctx, doctor.Deps{
		Domain: dom, Security: sec, Bucket: r.Other, Signer: n.FunctionRoleARN(contract.Recovery, r.Region),
		Trial: contract.TrialPrefix + r.Doctor.Name(), Endpoint: r.desc.Endpoint, Record: r.Settings.DNS.Record,
		Wish: repository.Wish{
			Bucket: r.Other.Name(), BucketRegion: r.other(), DomainRegion: r.Region, RoleARN: n.SnapshotRoleARN(r.Region),
		},
		Certificate: r.Doctor.Certificate, Budget: r.Snapshot.Budget, Wait: r.Doctor.Wait, Clock: time.Now,
		Stop: func(ctx context.Context) string {
			if err := r.look(ctx); err != nil {
				return err.Error()
			}
			if i := r.live(); i != nil {
				return "a switch to " + i.To + " has begun"
			}
			return ""
		},
	})
	found.Region, found.ClusterUUID = r.Region, uuid
	r.status.Examination, r.status.Done, r.status.Percent = &found, true, 100
	return nil
}
