package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/store"
)

// listings of the indexes before a create that meets a deleted one gives up (H43).
const listings = 3

// start asks for the next snapshot, if it may.
func (r *run) start(ctx context.Context, reason string) error {
	if r.result.Running != "" {
		return nil
	}
	if err := r.calm(ctx); err != nil {
		return err
	}
	if err := r.spaced(reason); err != nil {
		return err
	}
	err := r.register(ctx)
	if err != nil {
		return err
	}
	var gone error
	for range listings {
		if gone, err = r.ask(ctx, reason); gone == nil || err != nil {
			return err
		}
	}
	return fmt.Errorf("create a snapshot: an index of the list was gone %d times in a row (H43); the next run tries again: %w", listings, gone)
}

// calm: nothing is under way on this domain that a snapshot would meet.
func (r *run) calm(ctx context.Context) error {
	if i := r.led.Intent; i != nil && i.Expires.After(r.now) && i.Phase == ledger.PhaseFence && r.special == nil {
		return idle("a switch to %s is under way until %s; it takes its own snapshots (H21)", i.To, i.Expires.Format(time.RFC3339))
	}
	if busy := r.desc.Busy(); busy != "" {
		return missed("%s (F23)", busy)
	}
	health, err := r.dom.Health(ctx)
	if err != nil {
		return fmt.Errorf("read the domain's health: %w", err)
	}
	switch until := r.newest.Start.Add(r.interval() * 3 / 2); {
	case health != opensearch.Red:
	case r.special != nil:
		if err := r.red(ctx); err != nil {
			return err
		}
	case r.reason != ReasonDemand && r.newest.ClusterUUID == r.info.ClusterUUID && r.now.Before(until):
		// The restart of a node is over sooner, and the next point then lacks nothing.
		return missed("the domain is red: the next recovery point waits for the missing primary shards until %s, then it is taken without their indexes", until.UTC().Format(time.RFC3339))
	}
	running, err := r.dom.RunningSnapshots(ctx)
	if err != nil {
		return fmt.Errorf("look for running snapshots: %w", err)
	}
	if len(running) > 0 {
		return missed("a snapshot is running: %s (F17)", strings.Join(running, ", "))
	}
	return nil
}

// interval at which recovery points begin: half the objective.
func (r *run) interval() time.Duration {
	return max(time.Minute, time.Duration(r.Settings.RPOMinutes)*time.Minute/2)
}

// spaced drops the second delivery of one schedule: schedulers deliver at least
// once, and a duplicate that comes after the lease would make a second snapshot.
// What the controller's minute asks for is due, or was taken meanwhile.
func (r *run) spaced(reason string) error {
	interval := r.interval()
	least := interval / 2
	switch reason {
	case ReasonSchedule:
	case ReasonDue:
		least = interval
	default:
		return nil
	}
	age := r.now.Sub(r.newest.Start)
	if r.newest.ClusterUUID == r.info.ClusterUUID && age >= 0 && age < least {
		return idle("recovery point %s began %s ago; the schedule wants one each %s", r.newest.ID, age.Round(time.Second), interval)
	}
	return nil
}

// register makes os-snapshot-repo ours, and looks at the cluster's UUID again
// afterwards (H31).
func (r *run) register(ctx context.Context) error {
	switch _, err := r.Other.Now(ctx); {
	case errors.Is(err, store.ErrAbsent):
		return r.noBucket(ctx)
	case err != nil:
		return fmt.Errorf("reach bucket %s: %w; without it there are no recovery points, the next run tries again", r.Other.Name(), err)
	}
	res, err := repository.Ensure(ctx, r.dom, r.wish(), r.Budget)
	r.result.Notices = append(r.result.Notices, res.Notices...)
	if errors.Is(err, repository.ErrBucketMissing) {
		return r.noBucket(ctx)
	}
	if err != nil {
		return err
	}
	again, err := r.dom.Info(ctx)
	if err != nil {
		return fmt.Errorf("ask the domain again who it is: %w", err)
	}
	if again.ClusterUUID != r.info.ClusterUUID {
		return fmt.Errorf("the cluster changed its UUID from %s to %s while the repository was registered (H31); the next run looks again", r.info.ClusterUUID, again.ClusterUUID)
	}
	return nil
}

// noBucket is the first day, when the other foundation is not deployed yet (D5).
// The mark of the first point tells it from a bucket that somebody removed.
func (r *run) noBucket(ctx context.Context) error {
	seen, err := r.otherSeen(ctx)
	if err != nil {
		return err
	}
	if seen {
		return fmt.Errorf("bucket %s is gone: the recovery points in it are lost; deploy the foundation stack of %s again", r.Other.Name(), r.Other.Region())
	}
	return missed("waiting for bucket %s: the foundation stack of %s is not deployed yet (D5)", r.Other.Name(), r.Other.Region())
}

// ask lists, writes the journal and asks for the snapshot. gone is the answer
// that an index of the list was deleted meanwhile.
func (r *run) ask(ctx context.Context, reason string) (gone, err error) {
	indices, ours, err := r.list(ctx, r.info.ClusterUUID)
	if err != nil {
		return nil, err
	}
	streams, err := r.dom.DataStreams(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the data streams: %w", err)
	}
	sel, apart := Select(indices, streams), []string(nil)
	if r.special == nil {
		losses, err := ReadLosses(ctx, r.Own, r.info.ClusterUUID)
		if err != nil {
			return nil, err
		}
		sel, apart = sel.spared(losses, r.now, r.interval())
	}
	r.result.LeftOut = nil
	for _, l := range sel.LeftOut {
		r.result.LeftOut = append(r.result.LeftOut, l.Name+": "+l.Reason)
	}
	led := r.led
	led.Intent = nil
	capsule := r.beforehand(ctx)
	j := Journal{
		Version: 1, Name: snapshotName(led.Generation, r.now, r.Random()), Reason: reason,
		ClusterUUID: r.info.ClusterUUID, EngineVersion: r.info.Version, Asked: r.now,
		Names: sel.Names, Before: ours.without(sel.Indices), Streams: sel.Streams, LeftOut: sel.LeftOut, Apart: apart, Ledger: led, Capsule: capsule,
	}
	if r.special != nil {
		j.Kind, j.Switch = r.special.Kind, r.special.Token
		j.Name += "-" + plain(j.Switch)
	}
	if err := putJSON(ctx, r.Own, j.key(), j, store.Condition{IfAbsent: true}); err != nil {
		return nil, fmt.Errorf("write the journal of %s: %w", j.Name, err)
	}
	return r.create(ctx, j)
}

// create sorts the answers: asked, refused, or unknown. Only a refusal may drop
// the journal.
func (r *run) create(ctx context.Context, j Journal) (gone, err error) {
	err = r.dom.CreateSnapshot(ctx, contract.Repository, j.Name, opensearch.SnapshotRequest{Indices: j.Names})
	var refusal *opensearch.Error
	switch {
	case err == nil:
		return nil, r.started(ctx, j)
	case opensearch.IsConcurrentSnapshot(err):
		if derr := r.dropJournal(ctx, j); derr != nil {
			return nil, derr
		}
		return nil, missed("a snapshot or a deletion is running (F17)")
	case opensearch.IsIndexMissing(err):
		return err, r.dropJournal(ctx, j)
	case opensearch.IsNameTaken(err), errors.Is(err, opensearch.ErrNotFound) && !opensearch.IsRepositoryMissing(err):
		return nil, r.lookAgain(ctx, j, err) // the name is nobody else's, and a 404 of a proxy says nothing
	case errors.As(err, &refusal) && (refusal.Status < 500 || refusal.Status == 500 && refusal.Type != ""):
		return nil, r.fail(ctx, j, fmt.Errorf("create snapshot %s: %w", j.Name, err))
	}
	return nil, r.lookAgain(ctx, j, err)
}

// lookAgain: a 504, or no answer, says nothing about the snapshot (F34). What is
// there counts; what cannot be seen is settled by a later run, from the journal.
func (r *run) lookAgain(ctx context.Context, j Journal, cause error) error {
	_, err := r.dom.Snapshot(ctx, contract.Repository, j.Name)
	switch {
	case err == nil:
		r.notice("the create was answered with %v; the snapshot is there (F34)", cause)
		return r.started(ctx, j)
	case opensearch.IsGatewayTimeout(cause):
		r.result.Running = j.Name
		r.notice("the create was answered with %v; the next run looks again (F34)", cause)
		return nil
	}
	return fmt.Errorf("create snapshot %s: its state is unknown, the next run looks again: %w", j.Name, cause)
}

// started marks that the engine took the order: from here on a snapshot that
// cannot be found is lost, not late.
func (r *run) started(ctx context.Context, j Journal) error {
	r.result.Started = j.Name
	r.values[contract.MetricSnapshotSkipped] = 0
	j.Taken = true
	if err := putJSON(ctx, r.Own, j.key(), j, store.Condition{}); err != nil {
		return fmt.Errorf("mark %s as under way: %w", j.Name, err)
	}
	return nil
}
