package point

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Damage of a point, by index: the objects that a restore of it would miss. What
// is no index's own, such as the snapshot's list, is under the empty name and
// spoils the point as a whole.
type Damage map[string][]string

// Whole says that nothing of the snapshot itself is missing, so that the indexes
// that are not named can be restored.
func (d Damage) Whole() bool { return len(d[""]) == 0 }

// damage sorts what is missing of a point by the index that it belongs to, as the
// repository's own account says.
func damage(ctx context.Context, b store.Bucket, p Point, listing Listing, missing []string) (Damage, error) {
	out := Damage{}
	if len(missing) == 0 {
		return out, nil
	}
	index, err := rootIndex(ctx, b, p.BasePath, listing)
	if err == nil && !slices.ContainsFunc(index.Snapshots, func(s repositorySnapshot) bool { return s.UUID == p.SnapshotUUID }) {
		err = fmt.Errorf("%w: the repository's index does not name it", ErrIncomplete)
	}
	if errors.Is(err, ErrIncomplete) || errors.Is(err, store.ErrAbsent) {
		out[""] = missing
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find which indexes of recovery point %s are damaged: %w", p.ID, err)
	}
	names := map[string]string{}
	for name, i := range index.Indices {
		names[i.ID] = name
	}
	for _, key := range missing {
		name := ""
		if rest, ok := strings.CutPrefix(key, p.BasePath+"/indices/"); ok {
			id, _, _ := strings.Cut(rest, "/")
			name = names[id]
		}
		out[name] = append(out[name], key)
	}
	return out, nil
}

// NewestUsable is NewestWhole, but takes a point of which only objects of single
// indexes are missing, and names those: the others are as good as ever (H71). One
// of which every index is damaged is not taken.
func NewestUsable(ctx context.Context, b store.Bucket, accept func(Point) bool) (p Point, d Damage, ok bool, skipped []string, err error) {
	p, ok, skipped, err = newest(ctx, b, accept, func(p Point, listing Listing, missing []string) (bool, error) {
		if d, err = damage(ctx, b, p, listing, missing); err != nil {
			return false, err
		}
		return d.Whole() && (len(d) == 0 || len(d) < len(p.Indices)), nil
	})
	if !ok {
		d = nil
	}
	return p, d, ok, skipped, err
}

// NewestOf is the newest point before another one, out of the same repository,
// that accept takes and that has some indexes undamaged.
func NewestOf(ctx context.Context, b store.Bucket, before Point, indices func(Point) []string, accept func(Point) bool) (Point, bool, error) {
	p, ok, _, err := newest(ctx, b, func(p Point) bool {
		return p.ID.Less(before.ID) && p.BasePath == before.BasePath && accept(p) && len(indices(p)) > 0
	}, func(p Point, listing Listing, missing []string) (bool, error) {
		d, err := damage(ctx, b, p, listing, missing)
		if err != nil || !d.Whole() {
			return false, err
		}
		return !slices.ContainsFunc(indices(p), func(name string) bool { return len(d[name]) > 0 }), nil
	})
	return p, ok, err
}
