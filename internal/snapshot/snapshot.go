// Package snapshot makes recovery points: one run at a time, and no run ever
// writes to a path that is not its own. A point is made only for a snapshot that
// ended in SUCCESS; a run either does its next step, or says why it may not, or
// fails with the step and what to do (G7).
//
// A run is level-triggered: it looks at the ledgers, the domain, its journal and
// the repository, and does what is missing. It never waits for a snapshot: the
// journal, written before the snapshot is asked for, lets this run, the
// controller's next minute or any later run settle it.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

// Reasons of a request.
const (
	ReasonSchedule = "schedule"
	ReasonDemand   = "demand"
	ReasonGate     = "gate"
	ReasonDue      = "due" // asked for by the controller's minute
)

// LeaseName of the one run at a time (X5). A run renews it while it lives (H85).
const LeaseName = "snapshot"

// grace is how long a snapshot whose create was not answered may be invisible
// before it counts as vanished: longer than any such call lives on its way.
const grace = 3 * time.Minute

// Deps of a run, all of one Region.
type Deps struct {
	Settings contract.Settings
	Region   string
	Own      store.Bucket // ledger, lease and journal
	Other    store.Bucket // repository and points
	Plane    domain.Plane
	Metrics  telemetry.Publisher
	Log      *slog.Logger
	Holder   string        // of the lease, for people: the invocation's id
	Leases   *lease.Memory // of this process; nil remembers nothing
	Random   func() uint32 // for names
	Budget   repository.Budget
	Sleep    func(context.Context, time.Duration) error // nil: by the clock of this machine
	// Essentials answers what a restore of a snapshot reads; nil is
	// point.Essentials, which knows the engine's own files.
	Essentials func(context.Context, store.Bucket, point.Point) ([]point.Object, int, error)
}

func (d Deps) essentials() func(context.Context, store.Bucket, point.Point) ([]point.Object, int, error) {
	if d.Essentials != nil {
		return d.Essentials
	}
	return point.Essentials
}

// run is the state of one.
type run struct {
	Deps
	reason string // of the request
	keeps  bool   // deletes nothing
	result contract.SnapshotResult
	values telemetry.Values
	now    time.Time // S3's, at the start
	view   ledger.View
	led    ledger.Ledger // in force, names this Region
	newest point.Point   // in the other Region's bucket; zero when there is none
	desc   domain.Description
	dom    opensearch.Domain
	info   opensearch.Info
	later  []error // what failed and stopped nothing

	special *Special // nil: a regular run
}

// skip is the way out of a run that may not go on, and that is no failure.
type skip struct {
	reason string
	missed bool // a snapshot is due and could not be started: published
}

func (s skip) Error() string { return s.reason }

func missed(format string, a ...any) error { return skip{fmt.Sprintf(format, a...), true} }
func idle(format string, a ...any) error   { return skip{fmt.Sprintf(format, a...), false} }

// Run settles what is under way, prunes, and starts the next snapshot.
func Run(ctx context.Context, d Deps, req contract.SnapshotRequest) (contract.SnapshotResult, error) {
	return d.do(ctx, req.Reason, nil, func(ctx context.Context, r *run) error {
		return r.underLease(ctx, func(ctx context.Context) error {
			if err := r.settle(ctx); err != nil {
				return err
			}
			return r.start(ctx, req.Reason)
		})
	})
}

// Settle only looks after what is under way, and reports whether the next recovery
// point is due: the controller's part each minute.
func Settle(ctx context.Context, d Deps) (contract.SnapshotResult, error) {
	return d.do(ctx, "settle", nil, func(ctx context.Context, r *run) error {
		all, err := journals(ctx, r.Own)
		if err == nil && len(all) > 0 { // most minutes there is none: no lease, nothing written
			r.keeps = true // deletions take their time; a controller's minute has other work
			err = r.underLease(ctx, func(ctx context.Context) error { return r.settle(ctx) })
		}
		if errors.As(err, new(skip)) {
			return err
		}
		return errors.Join(err, r.due(ctx))
	})
}

// due marks the result when the next point should begin now: the schedule is only a
// reminder, since each of its runs may fall into a snapshot of the service or into an
// update (H76). A snapshot that came to nothing is made up for in the same way.
func (r *run) due(ctx context.Context) error {
	all, err := journals(ctx, r.Own)
	if err != nil || len(all) > 0 {
		return err
	}
	if r.newest.ClusterUUID != r.info.ClusterUUID { // the first one is the schedule's, or the gate's
		return nil
	}
	r.reason = ReasonDue
	if r.spaced(ReasonDue) != nil {
		return nil //nolint:nilerr // not due yet
	}
	var wait skip
	switch err := r.calm(ctx); {
	case errors.As(err, &wait):
		r.notice("a recovery point is due and waits: %s", wait.reason)
		return nil
	case err != nil:
		return err
	}
	r.result.Due = true
	return nil
}

func (d Deps) do(ctx context.Context, reason string, special *Special, steps func(context.Context, *run) error) (contract.SnapshotResult, error) {
	r := &run{Deps: d, values: telemetry.Values{}, special: special}
	// One that an outage kept: this run may have nothing to do itself, while the
	// salvage needs the lease.
	if err := d.Leases.Retire(ctx); err != nil {
		r.notice("%v", err)
	}
	err := r.mayAct(ctx)
	if err == nil {
		err = r.open(ctx)
	}
	if err == nil {
		r.reason = reason
		err = steps(ctx, r)
	}
	var s skip
	switch {
	case errors.As(err, &s):
		r.result.Skipped, err = s.reason, nil
		if s.missed {
			r.values[contract.MetricSnapshotSkipped] = 1
		}
	case err != nil:
		r.values[contract.MetricSnapshotFailed] = 1
		err = fmt.Errorf("snapshot in %s: %w", d.Region, err)
	}
	if len(r.later) > 0 {
		err = errors.Join(err, fmt.Errorf("snapshot in %s: %w", d.Region, errors.Join(r.later...)))
	}
	if perr := r.values.Publish(context.WithoutCancel(ctx), d.Metrics); perr != nil {
		r.notice("%v", perr) // missing data breaches the alarms
	}
	d.Log.InfoContext(ctx, "snapshot run", "reason", reason, "result", r.result, "failed", err != nil)
	return r.result, err
}

// underLease takes the lease, and looks again under it.
func (r *run) underLease(ctx context.Context, steps func(context.Context) error) error {
	l, err := r.acquire(ctx)
	var held *lease.Held
	if errors.As(err, &held) {
		if r.reason == ReasonSchedule {
			return missed("held by %s until %s", held.Holder, held.Until.Format(time.RFC3339))
		}
		return idle("held by %s until %s", held.Holder, held.Until.Format(time.RFC3339))
	}
	if err != nil {
		return err
	}
	if what := l.Replaced(); what != "" {
		r.notice("%s. It counts as none and was taken over: find out what wrote it", what)
	}
	outer := ctx
	ctx, stop := l.Keep(ctx, lease.TTL)
	defer func() { // an unreleased lease only delays the next run of another process
		stop()
		if err := l.Release(context.WithoutCancel(outer)); err != nil {
			r.Log.WarnContext(ctx, "release lease", "error", err.Error())
		}
	}()
	if err := r.mayAct(ctx); err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	return steps(ctx)
}

// mayAct reads both ledgers: only the domain in force may write (H13), and only
// who can see that it is in force (H14, H15).
func (r *run) mayAct(ctx context.Context) error {
	now, err := r.Own.Now(ctx)
	if errors.Is(err, store.ErrAbsent) {
		return idle("bucket %s does not exist yet", r.Own.Name())
	}
	if err != nil {
		return fmt.Errorf("read the clock of %s: %w", r.Own.Name(), err)
	}
	r.now = now
	if r.special != nil {
		return r.specially(ctx)
	}
	led, err := r.inForce(ctx)
	if err != nil {
		return err
	}
	if led == nil {
		return idle("no Region was ever promoted; the recovery stack's deployment does it")
	}
	if led.ActiveRegion != r.Region {
		return idle("%s is the active Region (generation %d)", led.ActiveRegion, led.Generation)
	}
	r.led = *led
	return nil
}

// open finds the domain and holds it against the ledger.
func (r *run) open(ctx context.Context) error {
	desc, err := r.Plane.Describe(ctx, r.Region)
	if err != nil {
		return fmt.Errorf("describe the domain: %w", err)
	}
	r.desc = desc
	if !desc.Exists || desc.Deleted || !desc.Created || desc.Endpoint == "" {
		return missed("%s, while the ledger (generation %d) says it is active", desc.Busy(), r.led.Generation)
	}
	if r.dom, err = r.Plane.Open(ctx, r.Region, desc.Endpoint); err != nil {
		return fmt.Errorf("open the domain: %w", err)
	}
	if r.info, err = r.dom.Info(ctx); err != nil {
		return fmt.Errorf("ask the domain who it is: %w", err)
	}
	if !repository.ValidUUID(r.info.ClusterUUID) {
		return missed("the cluster has no manager yet: it answers no UUID (H31)")
	}
	if r.special != nil {
		return r.itself()
	}
	return r.sameIdentity()
}

// sameIdentity is H13: a domain of the right name and Region that is not the
// promoted one neither writes nor prunes, and somebody is told.
func (r *run) sameIdentity() error {
	if r.info.ClusterUUID == r.led.ClusterUUID {
		r.values[contract.MetricIdentityChanged] = 0
		return nil
	}
	r.values[contract.MetricIdentityChanged] = 1
	return missed("identity changed: the ledger (generation %d) names cluster %s, the domain here is %s; it neither snapshots nor prunes (H13). With the same data the controller adopts it within a minute; if it was made again, restore the recovery points into it: add -c activeRegion=%s -c switchFrom=%d, see docs/runbooks/domain-identity.md",
		r.led.Generation, r.led.ClusterUUID, r.info.ClusterUUID, r.Region, r.led.Generation)
}
