package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Bounds of one run's deletions: each rewrites the repository's index and holds
// up the next snapshot (F19).
const (
	maxPoints  = 2
	maxTried   = 8 // points of which maxPoints are removed: some may not go
	maxOrphans = 2
	// pruneFor all of it: the next snapshot, and the function's own limit, come after.
	pruneFor = 2 * time.Minute
)

// prune removes what retention no longer wants, after a snapshot was settled.
// It deletes only in the path of this cluster's own UUID, and only while both
// ledgers agree that this cluster is the active one (H13, H17).
func (r *run) prune(ctx context.Context) error {
	if r.keeps || r.newest.ID == (point.ID{}) {
		return nil
	}
	r.publish(ctx)
	within, cancel := pace.WithTimeout(ctx, pruneFor)
	defer cancel()
	err := r.pruneNow(within)
	switch {
	case opensearch.IsRepositoryMissing(err):
		return nil // this run registers it; the next one prunes
	case errors.Is(err, errElsewhere):
		r.notice("%v", err) // the same
		return nil
	case err != nil && within.Err() != nil && ctx.Err() == nil:
		r.notice("pruning takes longer than %s; the next run goes on: %v", pruneFor, err)
		return nil
	}
	return err
}

func (r *run) pruneNow(ctx context.Context) error {
	if err := r.mayPrune(ctx); err != nil {
		return err
	}
	verified, ok, skipped, err := point.NewestWhole(ctx, r.Other, func(p point.Point) bool { return p.ClusterUUID == r.info.ClusterUUID })
	if err != nil {
		return err
	}
	r.result.Notices = append(r.result.Notices, skipped...)
	if !ok {
		r.notice("nothing is pruned: no recovery point of this domain is whole")
		return nil
	}
	unfinished, err := r.unfinished(ctx)
	if err != nil {
		return err
	}
	plan, err := point.Prunable(ctx, r.Other, point.Rules{
		Keep: r.Settings.Retention.Count, Days: r.Settings.Retention.Days, Now: r.now,
		OwnUUID: r.info.ClusterUUID, OwnGen: r.led.Generation, Verified: &verified.ID, Limit: maxTried,
	})
	if err != nil {
		return err
	}
	// One that cannot be removed stops none of the others: the plan names more of them
	// than one run removes.
	var failed []error
	removed := 0
	for _, id := range append(unfinished, plan...) {
		if removed == maxPoints+len(unfinished) || ctx.Err() != nil {
			break
		}
		if err := r.mayPrune(ctx); err != nil {
			return errors.Join(append(failed, err)...)
		}
		if last, err := r.lastOf(ctx, id); err != nil || last != "" {
			failed = append(failed, err)
			if last != "" {
				r.notice("recovery point %s is kept: it is the last one that holds index %s, which newer ones leave out", id, last)
			}
			continue
		}
		done, err := r.remove(ctx, id)
		switch {
		case err != nil:
			failed = append(failed, err)
		case !done: // the domain is busy: so it is for the next one
			return errors.Join(failed...)
		default:
			removed++
		}
	}
	return errors.Join(append(failed, r.orphans(ctx))...)
}

// lastOf names an index that the newest point had to leave out and that this point is
// the last one to hold: it is all that a failover could bring of it (H60).
func (r *run) lastOf(ctx context.Context, id point.ID) (string, error) {
	var out []string
	for _, l := range r.newest.LeftOut {
		if l.InOlder() {
			out = append(out, l.Name)
		}
	}
	if len(out) == 0 {
		return "", nil
	}
	ids, err := point.List(ctx, r.Other)
	if err != nil {
		return "", err
	}
	holds := func(p point.Point, name string) bool {
		return slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == name || i.DataStream == name })
	}
	p, err := point.Load(ctx, r.Other, id)
	if errors.Is(err, store.ErrAbsent) {
		return "", nil // its removal was cut off
	}
	if err != nil {
		return "", err
	}
	for _, name := range out {
		if !holds(p, name) {
			continue
		}
		newer := false
		for _, x := range slices.Backward(ids) {
			if !id.Less(x) || newer {
				break
			}
			n, err := point.Load(ctx, r.Other, x)
			if err != nil && !errors.Is(err, store.ErrAbsent) && !errors.Is(err, point.ErrMalformed) {
				return "", err
			}
			newer = err == nil && n.Kind != point.KindSalvage && holds(n, name)
		}
		if !newer {
			return name, nil
		}
	}
	return "", nil
}

// mayPrune looks again, directly before anything is deleted.
func (r *run) mayPrune(ctx context.Context) error {
	led, err := r.inForce(ctx)
	switch {
	case err != nil:
		return err
	case led == nil || led.ActiveRegion != r.Region || led.ClusterUUID != r.info.ClusterUUID:
		return errors.New("this domain is no longer the active one; nothing is pruned")
	case !r.view.Agreed():
		return errNotAgreed
	}
	repo, err := r.dom.Repository(ctx, contract.Repository)
	if err != nil {
		return err
	}
	if repo.BasePath != r.info.ClusterUUID || repo.Bucket != r.Other.Name() {
		return fmt.Errorf("%w: repository %s points at s3://%s/%s", errElsewhere, contract.Repository, repo.Bucket, repo.BasePath)
	}
	return nil
}

// errElsewhere: of a domain that was adopted under another cluster UUID the
// repository is still registered under the old one.
var errElsewhere = errors.New("nothing is pruned until the repository is at this cluster's own path")

// errNotAgreed is the first day's state, until the gate has copied the ledger.
var errNotAgreed = errors.New("the two ledgers do not agree yet; nothing is pruned")

// unfinished removals of this cluster's points.
func (r *run) unfinished(ctx context.Context) ([]point.ID, error) {
	ids, err := point.Unfinished(ctx, r.Other)
	if err != nil {
		return nil, err
	}
	var own []point.ID
	for _, id := range ids {
		p, err := point.Load(ctx, r.Other, id)
		if err == nil && p.ClusterUUID != r.info.ClusterUUID {
			continue
		}
		if errors.Is(err, point.ErrMalformed) {
			r.notice("the removal of recovery point %s was cut off, and whose it is cannot be read any more; it stays: %v", id, err)
			continue
		}
		if err != nil && !errors.Is(err, store.ErrAbsent) {
			return nil, err
		}
		own = append(own, id)
	}
	return own, nil
}

// remove one point: the point first, then its snapshot, then the rest. False
// when the domain is busy and the next run goes on.
func (r *run) remove(ctx context.Context, id point.ID) (bool, error) {
	rem, err := point.Withdraw(ctx, r.Other, id)
	if errors.Is(err, point.ErrPinned) {
		r.notice("%v", err)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if rem.ClusterUUID != r.info.ClusterUUID {
		return true, nil // its own domain finishes it
	}
	s, err := r.dom.Snapshot(ctx, contract.Repository, rem.Snapshot)
	if err != nil && !opensearch.IsSnapshotMissing(err) {
		return false, err
	}
	if err == nil && s.UUID == rem.SnapshotUUID {
		if done, err := r.deleteSnapshot(ctx, rem.Snapshot); err != nil || !done {
			return false, err
		}
	}
	if err := point.Finish(ctx, r.Other, rem); err != nil {
		return false, err
	}
	r.result.Pruned = append(r.result.Pruned, id.String())
	return true, nil
}

// deleteSnapshot: a 504 or another operation under way leaves it to a later run.
func (r *run) deleteSnapshot(ctx context.Context, name string) (bool, error) {
	err := r.dom.DeleteSnapshot(ctx, contract.Repository, name)
	switch {
	case err == nil, opensearch.IsSnapshotMissing(err):
		return true, nil
	case opensearch.IsGatewayTimeout(err), opensearch.IsConcurrentSnapshot(err):
		r.notice("deleting snapshot %s: %v; a later run goes on", name, err)
		return false, nil
	}
	return false, fmt.Errorf("delete snapshot %s: %w", name, err)
}
