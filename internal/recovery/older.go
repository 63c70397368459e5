package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/store"
)

// olderPoints are those that single units come from.
func (r *run) olderPoints(ctx context.Context) (map[string]point.Point, error) {
	out := map[string]point.Point{}
	for u, id := range r.state.Older {
		if id == (point.ID{}) {
			continue
		}
		p, err := point.Load(ctx, r.source(), id)
		if errors.Is(err, store.ErrAbsent) || errors.Is(err, point.ErrMalformed) {
			continue // carried looks for another one
		}
		if err != nil {
			return nil, err
		}
		out[u] = p
	}
	return out, nil
}

// deepest is how many older points are tried for one unit in a run.
const deepest = 8

// carried runs the pass. A unit whose objects are damaged in the point that it is to
// come from is taken from the newest older one that has it whole, and from no older
// one for any other reason: what this domain cannot hold it cannot hold from there
// either (H71).
func (r *run) carried(ctx context.Context, pass *restore.Pass) (out restore.Progress, err error) {
	for range deepest {
		if err := r.findOlder(ctx, pass); err != nil {
			return out, err
		}
		if out, err = pass.Run(ctx); err != nil {
			return out, err
		}
		found := false
		for u, x := range out.Unplaced {
			older, has := r.state.Older[u]
			switch {
			case !x.Damaged:
			case r.state.Damaged[u] == "":
				if r.state.Damaged == nil {
					r.state.Damaged = map[string]string{}
				}
				r.state.Damaged[u], found = x.Cause, true
			case has && older == x.Point: // that one is no better
				if err := r.olderThan(ctx, pass, u, pass.Older[u]); err != nil {
					return out, err
				}
				found = true
			}
		}
		if !found {
			return out, nil
		}
		pass.Damaged = r.state.Damaged
		if err := r.saveState(ctx); err != nil {
			return out, err
		}
	}
	return out, nil
}

// findOlder points for damaged units that have none yet, and keep those in use.
func (r *run) findOlder(ctx context.Context, pass *restore.Pass) error {
	changed := false
	for _, u := range slices.Sorted(maps.Keys(r.state.Damaged)) {
		id, looked := r.state.Older[u]
		if _, there := pass.Older[u]; looked && (there || id == point.ID{}) {
			continue
		}
		before := pass.Point
		if looked { // it is gone meanwhile
			before.ID = id
		}
		if err := r.olderThan(ctx, pass, u, before); err != nil {
			return err
		}
		changed = true
	}
	if changed {
		if err := r.saveState(ctx); err != nil {
			return err
		}
	}
	for u, p := range pass.Older {
		if err := r.pin(ctx, p.ID); errors.Is(err, point.ErrGone) {
			delete(pass.Older, u) // the next run looks for another one
		} else if err != nil {
			return err
		}
	}
	return nil
}

// olderThan a point: the newest one that has a unit undamaged and can be restored here.
func (r *run) olderThan(ctx context.Context, pass *restore.Pass, unit string, before point.Point) error {
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	info, err := dom.Info(ctx)
	if err != nil {
		return err
	}
	p, ok, err := point.NewestOf(ctx, r.source(), before,
		func(p point.Point) []string { return restore.Indexes(p, unit) },
		func(p point.Point) bool { return r.usable(p, info.Version) == "" })
	if err != nil {
		return fmt.Errorf("look for an older recovery point with %s: %w", unit, err)
	}
	if r.state.Older == nil {
		r.state.Older = map[string]point.ID{}
	}
	delete(pass.Older, unit)
	r.state.Older[unit] = point.ID{}
	if ok {
		pass.Older[unit], r.state.Older[unit] = p, p.ID
		if !slices.Contains(r.state.Pinned, p.ID) {
			r.state.Pinned = append(r.state.Pinned, p.ID)
		}
	}
	return nil
}

// seekLeftOut in older points when the source is lost: what the newest snapshot did
// not take, such as an index that had turned red, an older one may have.
func (r *run) seekLeftOut(pass *restore.Pass) {
	if r.state.Lost == "" {
		return
	}
	for _, l := range r.beyond(pass.Point) {
		if r.state.Damaged == nil {
			r.state.Damaged = map[string]string{}
		}
		if r.state.Damaged[l.Name] == "" {
			r.state.Damaged[l.Name] = l.Reason
		}
	}
	pass.Damaged = r.state.Damaged
}

// missing is what the point leaves out and no older one has, as far as that is known.
func (r *run) missing(p point.Point) []string {
	return reasons(slices.DeleteFunc(r.beyond(p), func(l point.LeftOut) bool { return r.state.Older[l.Name] != (point.ID{}) }))
}
