package snapshot

import (
	"context"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// blocks that are ours: the fence's, and those of a restore that is not handed
// over yet. They are no part of a point (H24).
type blocks struct {
	fence   *fence.Record
	restore restore.Journal
}

// list the indexes as they stand, and the blocks in it that are ours. The
// controller notes a block before it sets it and forgets it after it is gone, so
// one of the looks before and after the listing knows of each.
func (r *run) list(ctx context.Context, uuid string) ([]opensearch.Index, blocks, error) {
	earlier, err := r.blocks(ctx, uuid)
	if err != nil {
		return nil, blocks{}, err
	}
	all, err := r.dom.Indices(ctx)
	if err != nil {
		return nil, blocks{}, fmt.Errorf("list the indexes: %w", err)
	}
	ours, err := r.blocks(ctx, uuid)
	if err != nil {
		return nil, blocks{}, err
	}
	if ours.fence == nil {
		ours.fence = earlier.fence
	}
	if len(ours.restore.Items) == 0 {
		ours.restore = earlier.restore
	}
	return all, ours, nil
}

func (r *run) blocks(ctx context.Context, uuid string) (b blocks, err error) {
	if b.fence, err = fence.Load(ctx, r.Own, uuid); err != nil {
		return b, err
	}
	b.restore, _, err = restore.LoadJournal(ctx, r.Own, uuid)
	return b, err
}

// without them: each index as its user sees it.
func (b blocks) without(list []opensearch.Index) []opensearch.Index {
	out := make([]opensearch.Index, len(list))
	for n, i := range list {
		out[n] = b.restore.Before(b.fence.Before(i))
	}
	return out
}

func byName(list []opensearch.Index) map[string]opensearch.Index {
	m := make(map[string]opensearch.Index, len(list))
	for _, i := range list {
		m[i.Name] = i
	}
	return m
}
