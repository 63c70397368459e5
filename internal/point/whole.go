package point

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Whole tells whether all objects that the point needs are still there with
// their sizes, from the bucket alone. missing names those that are not, ordered.
// The error says that it could not be told.
func Whole(ctx context.Context, b store.Bucket, p Point) (ok bool, missing []string, err error) {
	listing, err := ListRepository(ctx, b, p.BasePath)
	if err != nil {
		return false, nil, fmt.Errorf("check recovery point %s: %w", p.ID, err)
	}
	return whole(ctx, b, p, listing)
}

func whole(ctx context.Context, b store.Bucket, p Point, listing Listing) (bool, []string, error) {
	objects, err := Objects(ctx, b, p)
	switch {
	case errors.Is(err, store.ErrAbsent):
		return false, []string{p.ID.ObjectsKey()}, nil
	case err != nil:
		return false, nil, err
	}
	missing := Missing(listing, p.BasePath, objects)
	return len(missing) == 0, missing, nil
}

// Missing decides: what of objects is not in the listing with its size. A
// repository without any index-N cannot be read at all.
func Missing(listing Listing, basePath string, objects []Object) []string {
	var out []string
	if _, ok := newestIndex(listing, basePath); !ok {
		out = append(out, basePath+"/index-N")
	}
	for _, o := range objects {
		if size, ok := listing[o.Key]; !ok || size != o.Size {
			out = append(out, o.Key)
		}
	}
	slices.Sort(out)
	return out
}

// NewestWhole point that accept takes (nil: any); ok is false when there is
// none. skipped says which newer ones were passed over and why: an operator must
// hear it, the loss window grows by it.
func NewestWhole(ctx context.Context, b store.Bucket, accept func(Point) bool) (p Point, ok bool, skipped []string, err error) {
	return newest(ctx, b, accept, func(_ Point, _ Listing, missing []string) (bool, error) { return len(missing) == 0, nil })
}

// newest point that accept and good take; good receives what is missing of it.
func newest(ctx context.Context, b store.Bucket, accept func(Point) bool, good func(Point, Listing, []string) (bool, error)) (p Point, ok bool, skipped []string, err error) {
	ids, err := List(ctx, b)
	if err != nil {
		return Point{}, false, nil, err
	}
	listings := map[string]Listing{}
	for _, id := range slices.Backward(ids) {
		p, err := Load(ctx, b, id)
		if errors.Is(err, ErrMalformed) || errors.Is(err, store.ErrAbsent) {
			skipped = append(skipped, err.Error())
			continue
		}
		if err != nil {
			return Point{}, false, skipped, err
		}
		if accept != nil && !accept(p) {
			continue
		}
		listing, known := listings[p.BasePath]
		if !known {
			if listing, err = ListRepository(ctx, b, p.BasePath); err != nil {
				return Point{}, false, skipped, err
			}
			listings[p.BasePath] = listing
		}
		_, missing, err := whole(ctx, b, p, listing)
		ok := false
		if err == nil {
			ok, err = good(p, listing, missing)
		}
		switch {
		case errors.Is(err, ErrMalformed):
			skipped = append(skipped, err.Error())
		case err != nil:
			return Point{}, false, skipped, err
		case ok:
			return p, true, skipped, nil
		default:
			skipped = append(skipped, fmt.Sprintf("recovery point %s is not whole: %d objects are missing or changed, such as %s", id, len(missing), missing[0]))
		}
	}
	return Point{}, false, skipped, nil
}

// WholeOnes that accept takes: the newest one of them, and older salvage, newest
// first, up to most. The repository is listed once. What is malformed or not whole is
// passed over: it covers nothing.
func WholeOnes(ctx context.Context, b store.Bucket, most int, accept func(Point) bool) ([]Point, error) {
	ids, err := List(ctx, b)
	if err != nil {
		return nil, err
	}
	var out []Point
	listings := map[string]Listing{}
	for _, id := range slices.Backward(ids) {
		if len(out) == most {
			break
		}
		p, err := Load(ctx, b, id)
		switch {
		case errors.Is(err, ErrMalformed), errors.Is(err, store.ErrAbsent):
			continue
		case err != nil:
			return nil, err
		case !accept(p), len(out) > 0 && p.Kind != KindSalvage:
			continue
		}
		listing, known := listings[p.BasePath]
		if !known {
			if listing, err = ListRepository(ctx, b, p.BasePath); err != nil {
				return nil, err
			}
			listings[p.BasePath] = listing
		}
		ok, _, err := whole(ctx, b, p, listing)
		if err != nil && !errors.Is(err, ErrMalformed) {
			return nil, err
		}
		if ok && err == nil {
			out = append(out, p)
		}
	}
	return out, nil
}
