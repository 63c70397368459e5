package point

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Without answers those of the snapshots that no point of their generation names,
// as far as maxLoads points can tell; all are the ids in the bucket. Half of the
// loads go from the newest point back, where a snapshot that made no point stands
// at the next run, and half from the oldest on, where retention brings each in
// the end. What the read points do not decide is not answered: snapshots of one
// domain do not overlap, so one has no point only if none names it and searchBack
// of them lie beyond it, or all were read. A malformed point may be of any snapshot
// that no other names, so while there is one nothing is answered.
func Without(ctx context.Context, b store.Bucket, all []ID, generation int64, snapshots []opensearch.Snapshot, maxLoads int) ([]opensearch.Snapshot, error) {
	var ids []ID
	for _, id := range all {
		if id.Generation == generation {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, Compare)
	whole := len(ids) <= maxLoads
	back, on := ids, []ID(nil)
	if !whole {
		back, on = ids[len(ids)-maxLoads/2:], ids[:maxLoads/2]
	}
	named := map[string]bool{}
	malformed := false
	read := func(ids []ID) ([]Point, error) {
		var out []Point
		for _, id := range ids {
			p, err := Load(ctx, b, id)
			if errors.Is(err, store.ErrAbsent) {
				continue // pruned meanwhile
			}
			if errors.Is(err, ErrMalformed) {
				malformed = true
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("look for snapshots without a point: %w; none is deleted", err)
			}
			named[p.Snapshot] = true
			out = append(out, p)
		}
		return out, nil
	}
	newest, err := read(back)
	if err != nil {
		return nil, err
	}
	oldest, err := read(on)
	if err != nil {
		return nil, err
	}
	if malformed {
		return nil, nil
	}
	var out []opensearch.Snapshot
	for _, s := range snapshots {
		before, after := 0, 0
		for _, p := range newest {
			if p.End.Before(s.Start) {
				before++
			}
		}
		for _, p := range oldest {
			if p.Start.After(s.End) {
				after++
			}
		}
		if !named[s.Name] && (whole || before >= searchBack || after >= searchBack) {
			out = append(out, s)
		}
	}
	return out, nil
}
