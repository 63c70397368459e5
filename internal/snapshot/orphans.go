package snapshot

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

// maxLoads of points a run, to tell which snapshots have none: each is a call
// across Regions.
const maxLoads = 64

// orphans are our own snapshots that have no point: PARTIAL and FAILED ones, and
// what a crash left. One whose name is not ours is left alone; one that waits for
// its point cannot be here, as nothing is pruned while the journal holds any.
func (r *run) orphans(ctx context.Context) error {
	all, err := r.dom.Snapshots(ctx, contract.Repository)
	if err != nil {
		return err
	}
	ids, err := point.List(ctx, r.Other)
	if err != nil {
		return err
	}
	found, unsure := suspects(all, ids)
	for generation, list := range unsure {
		without, err := point.Without(ctx, r.Other, ids, generation, list, maxLoads)
		if err != nil {
			return err
		}
		found = append(found, without...)
	}
	deleted := 0
	var failed []error
	for _, s := range found {
		if r.now.Sub(s.Start) <= grace || deleted == maxOrphans {
			continue
		}
		if err := r.mayPrune(ctx); err != nil {
			return errors.Join(append(failed, err)...)
		}
		switch done, err := r.deleteSnapshot(ctx, s.Name); {
		case err != nil:
			failed = append(failed, err)
		case !done:
			return errors.Join(failed...)
		default:
			deleted++
			r.notice("deleted snapshot %s, which made no recovery point", s.Name)
		}
	}
	return errors.Join(failed...)
}

// suspects by the listings alone. found has no point for certain, as only a
// SUCCESS makes one. unsure, by generation, are the SUCCESS ones where there are
// more of them than points: as a snapshot has one point at most, of its own
// generation, equal numbers mean that nothing is left over, and in most runs no
// point has to be read.
func suspects(all []opensearch.Snapshot, ids []point.ID) (found []opensearch.Snapshot, unsure map[int64][]opensearch.Snapshot) {
	unsure = map[int64][]opensearch.Snapshot{}
	for _, s := range all {
		switch {
		case !ours.MatchString(s.Name) || s.State == opensearch.InProgress:
		case s.State != opensearch.Success:
			found = append(found, s)
		default:
			g := generationOf(s.Name)
			unsure[g] = append(unsure[g], s)
		}
	}
	points := map[int64]int{}
	for _, id := range ids {
		points[id.Generation]++
	}
	for g, list := range unsure {
		if len(list) <= points[g] {
			delete(unsure, g)
		}
	}
	return found, unsure
}

// generationOf a name that is ours: g<generation>-...
func generationOf(name string) int64 {
	text, _, _ := strings.Cut(strings.TrimPrefix(name, "g"), "-")
	g, _ := strconv.ParseInt(text, 10, 64) // ours matched digits; too many are no generation
	return g
}

// publish what is known so far: pruning may be slow, and a run that is cut off in
// it has said it all the same.
func (r *run) publish(ctx context.Context) {
	if err := r.values.Publish(context.WithoutCancel(ctx), r.Metrics); err != nil {
		r.notice("%v", err) // missing data breaches the alarms
	}
	clear(r.values)
}
