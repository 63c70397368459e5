package checks

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// readAtOnce bounds the points that are read side by side: there may be hundreds.
const readAtOnce = 16

// read is one point as far as all of them are read: whose it is, or why not.
type read struct {
	id       point.ID
	clusters []string
	err      error // it is malformed
}

// everyPoint of a bucket. One that was pruned meanwhile is not among them.
func (f *Facts) everyPoint(ctx context.Context, region string) ([]read, error) {
	return drift.GetWithin(ctx, f.Memo, "every point\x00"+region, f.Slow, func(ctx context.Context) ([]read, error) {
		ids, err := f.pointIDs(ctx, region)
		if err != nil {
			return nil, err
		}
		var out []read
		for some := range slices.Chunk(ids, readAtOnce) {
			got, errs := make([]*read, len(some)), make([]error, len(some))
			var wait sync.WaitGroup
			for i, id := range some {
				wait.Go(func() { got[i], errs[i] = readOne(ctx, f.Buckets[region], id) })
			}
			wait.Wait()
			if err := first(errs); err != nil {
				return nil, err
			}
			for _, r := range got {
				if r != nil {
					out = append(out, *r)
				}
			}
		}
		return out, nil
	})
}

func readOne(ctx context.Context, b store.Bucket, id point.ID) (*read, error) {
	p, err := point.Load(ctx, b, id)
	switch {
	case errors.Is(err, store.ErrAbsent):
		return nil, nil
	case errors.Is(err, point.ErrMalformed):
		return &read{id: id, err: err}, nil
	case err != nil:
		return nil, err
	}
	return &read{id: id, clusters: []string{p.ClusterUUID, p.Ledger.ClusterUUID, p.Ledger.PromotedFrom}}, nil
}

// pointReadable looks at the old ones, too: people go back to one, and pruning must
// read it.
func (f *Facts) pointReadable(ctx context.Context, region string) ([]drift.Finding, error) {
	points, err := f.everyPoint(ctx, region)
	if err != nil {
		return nil, err
	}
	bucket := f.names().Bucket(region)
	var out []drift.Finding
	for _, p := range points {
		if p.err != nil {
			out = append(out, drift.Finding{
				Resource: "recovery point " + p.id.String(), Expected: "a recovery point; it is passed over and snapshots go on", Found: p.err.Error(),
				Mend: "take the earlier version of s3://" + bucket + "/" + p.id.Key() + ": " + aws(region, "s3api list-object-versions", "bucket", bucket, "prefix", p.id.Key()),
			})
		}
	}
	strays, err := f.strays(ctx, region)
	return append(out, strays...), err
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

// pointEntries are the objects of a Region's points; none where there is no bucket.
func (f *Facts) pointEntries(ctx context.Context, region string) ([]store.Entry, error) {
	return get(ctx, f, func(ctx context.Context) ([]store.Entry, error) {
		entries, err := f.Buckets[region].List(ctx, point.Prefix)
		if errors.Is(err, store.ErrAbsent) {
			return nil, nil
		}
		return entries, err
	}, "point keys", region)
}
