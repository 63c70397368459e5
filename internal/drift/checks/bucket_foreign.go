package checks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// repositoryPath is a cluster UUID: 22 characters of base64 for URLs.
var repositoryPath = regexp.MustCompile(`^[A-Za-z0-9_-]{22}/$`)

// stillWritten is how long after its last object a path counts as one that
// somebody writes: automated snapshots come each hour or each day.
const stillWritten = 36 * time.Hour

func (f *Facts) foreign(ctx context.Context, region string) ([]drift.Finding, error) {
	bucket := f.names().Bucket(region)
	top, err := get(ctx, f, func(ctx context.Context) ([]string, error) { return f.Cloud.Top(ctx, region, bucket) }, "top", region)
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	var paths []string
	for _, key := range top {
		switch {
		case key == contract.OwnPrefix:
		case repositoryPath.MatchString(key):
			paths = append(paths, key[:len(key)-1])
		default:
			out = append(out, f.strange(region, key, "an object of somebody else"))
		}
	}
	unknown, err := f.unknown(ctx, region, paths)
	if err != nil {
		return nil, err
	}
	more, err := all(unknown, func(uuid string) ([]drift.Finding, error) { return f.stranger(ctx, region, uuid) })
	return append(out, more...), err
}

func (f *Facts) strange(region, key, found string) drift.Finding {
	at := fmt.Sprintf("s3://%s/%s", f.names().Bucket(region), key)
	return drift.Finding{
		Resource: at, Expected: "repositories under the UUIDs of this installation's clusters, and " + contract.OwnPrefix, Found: found,
		Mend: "find out who writes it (CloudTrail data events tell) and stop that; then " + aws(region, "s3 rm", "recursive", "") + " " + quote(at),
	}
}

// stranger is the path of a cluster that nobody here knows. One that is written no
// more may be of a domain that was removed before its first recovery point, or whose
// salvage people have let go: the product forgets those.
func (f *Facts) stranger(ctx context.Context, region, uuid string) ([]drift.Finding, error) {
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	last, err := drift.GetWithin(ctx, f.Memo, "last written\x00"+region+"\x00"+uuid, f.Slow, func(ctx context.Context) (last time.Time, err error) {
		entries, err := f.Buckets[region].List(ctx, uuid+"/")
		for _, e := range entries {
			if e.Modified.After(last) {
				last = e.Modified
			}
		}
		return last, err
	})
	if err != nil || last.IsZero() { // it is gone again
		return nil, err
	}
	out := f.strange(region, uuid+"/", "a repository of a cluster that no ledger, recovery point, note or domain names, written last at "+last.UTC().Format(time.RFC3339))
	if now.Sub(last) > stillWritten {
		out.Kind = drift.Note
		out.Found += ": left behind"
	}
	return []drift.Finding{out}, nil
}

// unknown of the clusters that have a path in a Region's bucket. Each that ever had
// a recovery point is named by one still: pruning leaves the newest, and what each
// tenure ended with. One without, as a domain just made, is named by a ledger, by
// what its controller noted, or by itself: it stands in the other Region, which is
// asked only where it must be.
func (f *Facts) unknown(ctx context.Context, region string, paths []string) ([]string, error) {
	other := f.App.Other(region)
	var blind []error
	for _, names := range []func(context.Context) ([]string, error){
		func(ctx context.Context) ([]string, error) { return f.namedByLedger(ctx, region) },
		func(ctx context.Context) ([]string, error) { return f.namedByPoints(ctx, region) },
		func(ctx context.Context) ([]string, error) { return f.namedByLedger(ctx, other) },
		func(ctx context.Context) ([]string, error) { return f.namedByNotes(ctx, other) },
		func(ctx context.Context) ([]string, error) { return f.namedByItself(ctx, other) },
	} {
		if len(paths) == 0 {
			return nil, nil
		}
		known, err := names(ctx)
		if err != nil {
			blind = append(blind, err)
		}
		paths = slices.DeleteFunc(paths, func(uuid string) bool { return slices.Contains(known, uuid) })
	}
	if len(paths) > 0 && len(blind) > 0 {
		return nil, fmt.Errorf("find out whose repository %s in the bucket of %s is: %w", paths[0], region, first(blind))
	}
	return paths, nil
}

func (f *Facts) namedByLedger(ctx context.Context, region string) ([]string, error) {
	r, err := f.reading(ctx, region)
	if err != nil || r.Answer != ledger.Present {
		return nil, err
	}
	return []string{r.Ledger.ClusterUUID, r.Ledger.PromotedFrom}, nil
}

// namedByPoints of the bucket that the repositories lie in.
func (f *Facts) namedByPoints(ctx context.Context, region string) ([]string, error) {
	points, err := f.everyPoint(ctx, region)
	if err != nil {
		return nil, err
	}
	var out []string
	var errs []error
	for _, p := range points {
		out, errs = append(out, p.clusters...), append(errs, p.err)
	}
	return out, first(errs)
}

// namedByNotes: fences, snapshots and restores that a Region's controller goes by.
func (f *Facts) namedByNotes(ctx context.Context, region string) ([]string, error) {
	return get(ctx, f, func(ctx context.Context) ([]string, error) {
		b := f.Buckets[region]
		fenced, err1 := fence.Clusters(ctx, b)
		taken, err2 := snapshot.Clusters(ctx, b)
		restored, err3 := restore.Cluster(ctx, b)
		return slices.Concat(fenced, taken, []string{restored}), errors.Join(err1, err2, err3)
	}, "notes", region)
}

func (f *Facts) namedByItself(ctx context.Context, region string) ([]string, error) {
	i, err := f.look(ctx, region)
	if err != nil || i == nil {
		return nil, err
	}
	if why := i.Failed[contract.PartIdentity]; why != "" {
		return nil, errors.New(why)
	}
	return []string{i.ClusterUUID}, nil
}
