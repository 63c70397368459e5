package fence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Limits of one run.
const (
	// lot of indexes after which the record is saved: a run that is cut has noted all
	// but the last of them (H56).
	lot = 100
	// unanswered calls in a run until it ends: the domain does not answer, and each
	// further call would only cost its timeout.
	unanswered = 3
	// disk is how often one index is tried while the disk's block comes back.
	disk = 2
)

// see settles the record by a listing: an index that refuses writes is blocked, by
// us or by its user, and its settings version is the one to compare with.
func (r *Record) see(guarded []opensearch.Index) (changed bool) {
	for _, i := range guarded {
		n := r.Indices[i.Name]
		if !Stopped(i) || slices.Contains(i.Blocks, "read_only") {
			continue
		}
		if n.Blocked && n.After != 0 && n.Refused == "" {
			continue
		}
		n.Blocked, n.After, n.Refused = true, i.SettingsVersion, ""
		r.Indices[i.Name] = n
		changed = true
	}
	if changed {
		r.reopen()
	}
	return changed
}

// block those that take writes, in lots, each noted when it is set. An index that its
// user made read-only has all it needs. One that is refused is noted, and the others
// go on (H72); the error is of what concerns all of them.
func (f Fence) block(ctx context.Context, rec *Record, guarded []opensearch.Index) (did bool, err error) {
	var open []opensearch.Index
	for _, i := range guarded {
		if !Stopped(i) {
			open = append(open, i)
		}
	}
	silent := &atomic.Int32{}
	for some := range slices.Chunk(open, lot) {
		results, err := f.several(ctx, some, silent)
		changed := false
		for n, i := range some {
			r := rec.Indices[i.Name]
			switch e := results[n]; {
			case errors.Is(e, errNotAsked):
				continue
			case e == nil:
				// After is read from the next listing.
				r.Blocked, r.After, r.Refused = true, 0, ""
				did, changed = true, true
			case r.Refused != e.Error():
				r.Refused, changed = e.Error(), true
			}
			rec.Indices[i.Name] = r
		}
		if changed {
			rec.reopen()
			// The time of this run may be over, and what it did is noted all the same.
			if serr := rec.Save(context.WithoutCancel(ctx), f.Bucket); serr != nil {
				return did, errors.Join(err, serr)
			}
		}
		if err != nil {
			return did, err
		}
	}
	return did, nil
}

// errNotAsked: the run ended before this index was tried.
var errNotAsked = errors.New("not asked")

// several indexes at once. The error is one that concerns all of them: the time is
// over, the change is not wanted any more, or the domain does not answer.
func (f Fence) several(ctx context.Context, some []opensearch.Index, silent *atomic.Int32) ([]error, error) {
	results := make([]error, len(some))
	var mu sync.Mutex
	var over error
	ended := func() bool { mu.Lock(); defer mu.Unlock(); return over != nil }
	end := func(err error) { mu.Lock(); defer mu.Unlock(); over = errors.Join(over, err) }
	do := func(n int) {
		results[n] = errNotAsked
		if ended() {
			return
		}
		if err := f.may(ctx); err != nil {
			end(err)
			return
		}
		err := f.one(ctx, some[n])
		if err == nil || refusal(err) {
			results[n] = err
			return
		}
		if cerr := ctx.Err(); cerr != nil {
			end(err)
			return
		}
		results[n] = err
		if silent.Add(1) >= unanswered {
			end(err)
		}
	}
	if f.Parallel <= 1 {
		for n := range some {
			do(n)
		}
		return results, over
	}
	var group sync.WaitGroup
	next := &atomic.Int64{}
	for range min(f.Parallel, len(some)) {
		group.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(some); n = int(next.Add(1)) - 1 {
				do(n)
			}
		})
	}
	group.Wait()
	return results, over
}

// refusal is an answer of the engine, about this one index.
func refusal(err error) bool {
	return errors.As(err, new(*opensearch.Error)) || errors.Is(err, opensearch.ErrNotAcknowledged) || errors.Is(err, opensearch.ErrNotOffered)
}

// one index. While the disk is full the engine takes no block beside its own, so
// that one is lifted first and ours follows at once: the disk's goes away by itself,
// also after a claim, and what is written then would be only here (H72).
func (f Fence) one(ctx context.Context, i opensearch.Index) error {
	flooded := slices.Contains(i.Blocks, opensearch.DiskBlock)
	var err error
	for range disk {
		if flooded {
			if err = f.Domain.LiftDiskBlock(ctx, []string{i.Name}); errors.Is(err, opensearch.ErrNotFound) {
				return nil
			} else if err != nil {
				return fmt.Errorf("lift the disk's block of index %s: %w", i.Name, err)
			}
		}
		if err = f.set(ctx, i); err == nil || !opensearch.IsDiskBlocked(err) {
			break
		}
		flooded = true
	}
	if err != nil {
		return fmt.Errorf("block writes to index %s: %w", i.Name, err)
	}
	return nil
}

// set our block. The engine's own call drains; where it cannot be had the setting
// stops new writes, and drain waits for the ones that had passed (H8).
func (f Fence) set(ctx context.Context, i opensearch.Index) error {
	var err error
	switch {
	case slices.Contains(i.Blocks, "metadata"):
		// Under this block the engine takes no other; SetBlocks lifts it and sets both.
		err = f.Domain.SetBlocks(ctx, i.Name, append(settable(i.Blocks), "write"))
	case i.Open && !i.WriteIndex:
		err = f.Domain.Block(ctx, i.Name)
	default:
		err = opensearch.ErrWriteIndex
	}
	if errors.Is(err, opensearch.ErrWriteIndex) || errors.Is(err, opensearch.ErrNotOffered) || errors.Is(err, opensearch.ErrNotDrained) {
		err = f.Domain.SetWriteBlock(ctx, []string{i.Name}, true)
	}
	if errors.Is(err, opensearch.ErrAlreadyBlocked) || errors.Is(err, opensearch.ErrNotFound) {
		return nil
	}
	return err
}

// settable are those of the blocks that SetBlocks takes, without ours.
func settable(blocks []string) []string {
	var out []string
	for _, b := range blocks {
		if b == "metadata" || b == "read" || b == "read_only" {
			out = append(out, b)
		}
	}
	return out
}
