package checks

import (
	"context"
	"errors"
	"slices"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// readAtOnce bounds the points that are read side by side: there may be hundreds.
const readAtOnce = 16

// pointReadable reads all of them, the old ones, too: people go back to one, and
// pruning must read it.
func (f *Facts) pointReadable(ctx context.Context, region string) ([]drift.Finding, error) {
	return drift.GetWithin(ctx, f.Memo, "points readable\x00"+region, f.Slow, func(ctx context.Context) ([]drift.Finding, error) {
		ids, err := f.pointIDs(ctx, region)
		if err != nil {
			return nil, err
		}
		var out []drift.Finding
		for some := range slices.Chunk(ids, readAtOnce) {
			found, err := all(some, func(id point.ID) ([]drift.Finding, error) { return f.unreadable(ctx, region, id) })
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
		strays, err := f.strays(ctx, region)
		return append(out, strays...), err
	})
}

func (f *Facts) unreadable(ctx context.Context, region string, id point.ID) ([]drift.Finding, error) {
	_, err := point.Load(ctx, f.Buckets[region], id)
	if err == nil || errors.Is(err, store.ErrAbsent) { // pruned meanwhile
		return nil, nil
	}
	if !errors.Is(err, point.ErrMalformed) {
		return nil, err
	}
	bucket := f.names().Bucket(region)
	return []drift.Finding{{
		Resource: "recovery point " + id.String(), Expected: "a recovery point", Found: err.Error(),
		Mend: "take the earlier version of s3://" + bucket + "/" + id.Key() + ": " + aws(region, "s3api list-object-versions", "bucket", bucket, "prefix", id.Key()),
	}}, nil
}

// strays stand among the points under a name that no point has: every list of
// points passes over them.
func (f *Facts) strays(ctx context.Context, region string) ([]drift.Finding, error) {
	entries, err := f.pointEntries(ctx, region)
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	for _, e := range entries {
		if point.IsKey(e.Key) {
			continue
		}
		at := "s3://" + f.names().Bucket(region) + "/" + e.Key
		out = append(out, drift.Finding{
			Resource: at, Expected: "nothing but recovery points, their object lists, capsules and marks", Found: "an object under another name",
			Mend: "if it was a recovery point, copy it back to its name, <generation>-<sequence>.json of ten digits each; then " + aws(region, "s3 rm") + " " + quote(at),
		})
	}
	return out, nil
}
