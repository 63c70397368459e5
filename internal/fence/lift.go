package fence

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// together are lifted by one call.
const together = 15

// Lift gives every index its user's blocks back, then index management and
// automatic creation, and ends the record. The caller has made sure that no switch
// can claim by this fence any more (H3). An index that is refused stops no other: the
// record stays, and the next run goes on with it.
func (f Fence) Lift(ctx context.Context, rec *Record) error {
	if rec.State != Lifting {
		rec.State = Lifting
		if err := rec.Save(ctx, f.Bucket); err != nil {
			return err
		}
	}
	all, err := f.Domain.Indices(ctx)
	if err != nil {
		return err
	}
	var plain []string
	var failed []error
	for _, i := range all {
		r, ok := rec.Indices[i.Name]
		if !ok || r.UUID != i.UUID || !slices.Contains(i.Blocks, "write") || slices.Contains(r.Blocks, "write") {
			continue
		}
		if len(settable(i.Blocks)) == 0 && !slices.Contains(i.Blocks, opensearch.DiskBlock) {
			plain = append(plain, i.Name)
			continue
		}
		if err := f.may(ctx); err != nil {
			return err
		}
		if err := f.liftOne(ctx, i); err != nil {
			failed = append(failed, err)
		}
	}
	for some := range slices.Chunk(plain, together) {
		if err := f.may(ctx); err != nil {
			return err
		}
		if f.Domain.SetWriteBlock(ctx, some, false) == nil {
			continue
		}
		for _, name := range some { // one of them is gone, or refused; the others are not
			if err := f.liftOne(ctx, opensearch.Index{Name: name}); err != nil {
				failed = append(failed, err)
			}
		}
	}
	if err := f.completed(ctx, rec); err != nil {
		failed = append(failed, err)
	}
	if len(failed) > 0 {
		return errors.Join(append(failed, f.settingsBack(ctx, rec))...)
	}
	return f.Unquieten(ctx, rec)
}

// liftOne index. What else its user has set by now stays; the disk's block must go
// first, and comes back by itself while the disk is full.
func (f Fence) liftOne(ctx context.Context, i opensearch.Index) error {
	var err error
	if slices.Contains(i.Blocks, opensearch.DiskBlock) {
		err = f.Domain.LiftDiskBlock(ctx, []string{i.Name})
	}
	if err == nil {
		err = f.Domain.SetBlocks(ctx, i.Name, settable(i.Blocks))
	}
	if err != nil && !errors.Is(err, opensearch.ErrNotFound) {
		return fmt.Errorf("lift the block of index %s: %w", i.Name, err)
	}
	return nil
}

// completed ends the blocks that a call of ours has begun and not completed: the
// settings look clean, and writes are refused (H78). A complete block and its lift
// are the only way out but a restart of the cluster.
func (f Fence) completed(ctx context.Context, rec *Record) error {
	half, err := f.Domain.HalfBlocked(ctx)
	if errors.Is(err, opensearch.ErrNotOffered) || opensearch.IsForbidden(err) {
		return nil //nolint:nilerr // who may not look at the blocks cannot verify them, and lifts all the same
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range half {
		r, ours := rec.Indices[name]
		if !ours || slices.Contains(r.Blocks, "write") {
			continue
		}
		if err := f.may(ctx); err != nil {
			return errors.Join(append(failed, err)...)
		}
		err := f.Domain.SetWriteBlock(ctx, []string{name}, false)
		if err == nil {
			err = f.Domain.Block(ctx, name)
		}
		if err == nil {
			err = f.Domain.SetWriteBlock(ctx, []string{name}, false)
		}
		if err != nil && !errors.Is(err, opensearch.ErrNotFound) {
			failed = append(failed, fmt.Errorf("lift the block of index %s, which was begun and not completed: %w; a complete PUT /%s/_block/write and then index.blocks.write: null lifts it", name, err, name))
		}
	}
	return errors.Join(failed...)
}
