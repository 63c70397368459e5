// Package recovery is the controller of one Region: the only one that changes a
// domain, the ledger or the record for recovery's sake. It never claims a
// generation that somebody else may hold, never moves the record to a domain
// that is not the ledger's, and never lets a domain go that holds the only copy
// of a document.
//
// Each run looks at the ledgers, the points and the domain, takes the steps that
// are safe, and answers what it waits for; it never waits in-process. Whoever
// asked may die: the next run goes on from what is written.
package recovery

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
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

// LeaseName of the one run at a time in a Region (X5). A run renews it while it
// lives (H85).
const LeaseName = "recovery"

// partingFor is what a run leaves of the function's own limit, to release its
// leases and say what it saw even if nothing answers any more: a process that is
// killed at the limit takes the memory of its leases with it.
const partingFor = time.Minute

// Peer asks the functions of the other Region.
type Peer interface {
	Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error)
	// Snapshot asks for a run and does not wait for it.
	Snapshot(ctx context.Context, region string, req contract.SnapshotRequest) error
}

// Parameters of this Region (SSM).
type Parameters interface {
	// Parameter answers "" for one that does not exist.
	Parameter(ctx context.Context, name string) (string, error)
	PutParameter(ctx context.Context, name, value string) error
}

// Deps of a run, all of one Region.
type Deps struct {
	Settings   contract.Settings
	Region     string
	Own, Other store.Bucket
	Plane      domain.Controlled
	Peer       Peer
	// Knock at a domain's endpoint, unsigned; any answer of HTTP is nil.
	Knock      func(ctx context.Context, endpoint string) error
	Parameters Parameters
	Zone       route.Zone
	Agent      opensearch.Role // least role beside manage_snapshots
	Snapshot   snapshot.Deps   // to settle what is under way
	Metrics    telemetry.Publisher
	Log        *slog.Logger
	Holder     string        // of the lease, for people
	Leases     *lease.Memory // of this process; nil remembers nothing
	Token      func() string // unique, for a claim
	Doctor     Doctor
	// Parallel is how many indexes a fence blocks at the same time; 0: one.
	Parallel int
}

// run is the state of one.
type run struct {
	Deps
	req    contract.RecoveryRequest
	status contract.RecoveryStatus
	values telemetry.Values

	now       time.Time
	view      ledger.View
	led       ledger.Ledger // in force, when known
	claimed   bool          // somebody is in force
	ledErr    error         // why it is not known
	later     []error       // what failed and stopped nothing; said by the tick
	newest    []point.Point // of each bucket that has one
	unread    []error       // points that could not be read
	desc      domain.Description
	described bool

	lease   *lease.Lease
	uuidIs  string         // of this Region's cluster, once asked
	intent  *ledger.Intent // the live one of a switch to this Region
	state   *state         // of that switch
	stateAt store.Version  // its notes, as read or written last
	wrote   []byte         // their body
	spoilt  bool           // they are malformed
	nothing bool           // a release has nothing to save
	holds   string         // what it would give up, for people
	failed  error          // of a step of the switch, told as a wait
	copying bool           // the notes are a warm standby's, no switch's
	changed bool           // the notes, since they were saved
	ours    bool           // all that stands here is ours by the journal
	chosen  chosen         // by choose, last
}

// waiting and refusal are the two ways a step ends a run without an error.
type waiting struct{ reason string }
type refusal struct{ sentence string }

func (w waiting) Error() string { return w.reason }
func (r refusal) Error() string { return r.sentence }

func wait(format string, a ...any) error   { return waiting{fmt.Sprintf(format, a...)} }
func refuse(format string, a ...any) error { return refusal{fmt.Sprintf(format, a...)} }

// step of an action. A step that is done already does nothing.
type step struct {
	phase string
	do    func(*run, context.Context) error
}

// Handle one request. A refusal and a wait are answers; an error names the step.
func Handle(ctx context.Context, d Deps, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	r := &run{Deps: d, req: req, values: telemetry.Values{}}
	r.status.Region = d.Region
	if limit, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = pace.WithDeadline(ctx, limit.Add(-partingFor))
		defer stop()
	}
	var err error
	switch req.Action {
	case contract.ActionTick:
		err = r.leased(ctx, func(ctx context.Context) error { return r.tick(ctx) })
	case contract.ActionPromote:
		err = r.leased(ctx, func(ctx context.Context) error { return r.walk(ctx, promotion) })
	case contract.ActionRelease:
		err = r.leased(ctx, func(ctx context.Context) error { return r.walk(ctx, release) })
	case contract.ActionAbort:
		err = r.leased(ctx, func(ctx context.Context) error { return r.abort(ctx) })
	case contract.ActionDoctor:
		err = r.leased(ctx, func(ctx context.Context) error { return r.examine(ctx) })
	case contract.ActionRecheck:
		err = r.recheck(ctx)
	case contract.ActionStatus:
		err = r.report(ctx)
	case contract.ActionInspect:
		err = r.inspect(ctx)
	default:
		err = fmt.Errorf("action %q is not known; it is one of tick, promote, release, status, recheck, abort, doctor, inspect", req.Action)
	}
	return r.end(ctx, r.patiently(err))
}

func (r *run) end(ctx context.Context, err error) (contract.RecoveryStatus, error) {
	var w waiting
	var no refusal
	switch {
	case errors.As(err, &no):
		r.status.Refusal, err = no.sentence, nil
	case errors.As(err, &w):
		r.status.WaitingFor, err = w.reason, nil
	case err != nil:
		err = fmt.Errorf("%s in %s: %w", r.req.Action, r.Region, err)
	}
	r.fill()
	if perr := r.values.Publish(context.WithoutCancel(ctx), r.Metrics); perr != nil {
		r.notice("%v", perr) // missing data breaches the alarms
	}
	r.Log.InfoContext(ctx, "recovery run", "action", r.req.Action, "status", r.status, "failed", err != nil)
	return r.status, err
}

// fill in what the ledger says.
func (r *run) fill() {
	r.tellLedger()
	if r.claimed {
		r.status.ActiveRegion, r.status.Generation = r.led.ActiveRegion, r.led.Generation
		r.status.ClusterUUID, r.status.Endpoint = r.led.ClusterUUID, r.led.Endpoint
	}
	if i := r.live(); r.claimed && i != nil {
		r.status.Switch = &contract.SwitchStatus{Token: i.Token, To: i.To, Phase: string(i.Phase), RequestID: i.RequestID, Expires: i.Expires}
		if s := r.state; s != nil && s.Token == i.Token {
			r.status.Switch.Progress = s.Progress
		}
	}
	r.status.OwnGeneration = 0
	if r.view.Own.Answer == ledger.Present {
		r.status.OwnGeneration = r.view.Own.Ledger.Generation
	}
	if r.described {
		switch busy := r.desc.Busy(); {
		case !r.desc.Exists:
			r.status.Domain = contract.DomainAbsent
		case busy == "":
			r.status.Domain = contract.DomainReady
		default:
			r.status.Domain = busy
		}
	}
}

// leased runs f alone in this Region.
func (r *run) leased(ctx context.Context, f func(context.Context) error) error {
	l, err := r.Leases.Acquire(ctx, r.Own, LeaseName, r.Holder, lease.TTL)
	var held *lease.Held
	if errors.As(err, &held) {
		r.status.Phase = "waiting for another run"
		if r.req.Action == contract.ActionTick {
			if err := r.seen(ctx); err != nil {
				return err
			}
		}
		return wait("another run of the controller, %s, until %s at most", held.Holder, held.Until.Format(time.RFC3339))
	}
	if err != nil {
		return err
	}
	r.lease = l
	r.replaced(l)
	kept, stop := l.Keep(ctx, lease.TTL)
	defer func() { // an unreleased lease only delays the next run of another process
		stop()
		if err := l.Release(context.WithoutCancel(ctx)); err != nil {
			r.Log.WarnContext(ctx, "release lease", "error", err.Error())
		}
	}()
	err = f(kept)
	r.tellSettings(ctx)
	r.noteAttention(context.WithoutCancel(ctx), err) // of a run that was cut off, too
	return err
}

// replaced reports what no longer counts as a lease (H86).
func (r *run) replaced(l *lease.Lease) {
	if what := l.Replaced(); what != "" {
		r.attend(contract.AttentionLease, lease.Prefix, "Find out what wrote it; the product goes on without it", "%s. It counts as none and was taken over", what)
	}
}

// walk takes the steps in order until one of them ends the run.
func (r *run) walk(ctx context.Context, steps []step) error {
	for n, s := range steps {
		r.status.Phase, r.status.Percent = s.phase, 100*n/len(steps)
		if err := s.do(r, ctx); err != nil {
			err = r.because(s.phase, err)
			if r.intent != nil && !errors.As(err, new(refusal)) && !errors.As(err, new(waiting)) {
				// One call that fails must not end the waiting for a switch: the next
				// run goes on where this one stopped.
				r.failed = err
				err = wait("the next try, after: %v", err)
			}
			if errors.As(err, new(waiting)) {
				r.progress(ctx, err)
			}
			return err
		}
	}
	r.status.Done, r.status.Percent, r.status.Phase = true, 100, "done"
	return nil
}

func (r *run) because(phase string, err error) error {
	var w waiting
	var no refusal
	if errors.As(err, &no) || errors.As(err, &w) {
		return err
	}
	return fmt.Errorf("%s: %w", phase, err)
}

func (r *run) notice(format string, a ...any) {
	r.status.Notices = append(r.status.Notices, fmt.Sprintf(format, a...))
}

func (r *run) other() string { return r.Settings.Other(r.Region) }

// givenUp: the operator's word that the other Region is lost. It is not asked.
func (r *run) givenUp() bool { return r.req.Wish.UnreachableRegion == r.other() }
