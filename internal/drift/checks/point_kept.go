package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// pointChain: pruning never touches the newest dr.retention.count, whose sequence
// numbers are therefore without a gap.
func (f *Facts) pointChain(ctx context.Context, region string) ([]drift.Finding, error) {
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := f.pointIDs(ctx, region)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id point.ID) bool { return id.Generation != led.Generation })
	ids = ids[max(0, len(ids)-f.App.Retention.Count):]
	var out []drift.Finding
	for i := 1; i < len(ids); i++ {
		if a, b := ids[i-1], ids[i]; b.Sequence != a.Sequence+1 {
			out = append(out, drift.Finding{
				Resource: "recovery points of " + region, Expected: fmt.Sprintf("one after the other from %s", ids[0]), Found: fmt.Sprintf("%d missing between %s and %s", b.Sequence-a.Sequence-1, a, b),
				Mend: "find out who removed it; to have it back, remove the delete markers of the point, its object list and its capsule: " +
					aws(region, "s3api list-object-versions", "bucket", f.names().Bucket(region), "prefix", point.ID{Generation: a.Generation, Sequence: a.Sequence + 1}.Key()) + " shows them",
			})
		}
	}
	return out, nil
}

// pruned at most in a run are two; a run comes with each snapshot. Many more that
// should be gone are not only waiting.
const backlog = 10

func (f *Facts) pointRetention(ctx context.Context, region string) ([]drift.Finding, error) {
	own, led, err := f.own(ctx, region)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	over, err := drift.GetWithin(ctx, f.Memo, "prunable\x00"+region, f.Slow, func(ctx context.Context) ([]point.ID, error) {
		return point.Prunable(ctx, f.Buckets[region], point.Rules{
			Keep: f.App.Retention.Count, Days: f.App.Retention.Days, Now: now,
			OwnUUID: led.ClusterUUID, OwnGen: led.Generation, Verified: &own[0].ID, Limit: backlog + 1,
		})
	})
	if err != nil || len(over) <= backlog {
		return nil, err
	}
	return []drift.Finding{{
		Resource: "s3://" + f.names().Bucket(region) + "/" + point.Prefix, Expected: fmt.Sprintf("the newest %d, and those of the last %d days", f.App.Retention.Count, f.App.Retention.Days),
		Found: fmt.Sprintf("more than %d others, from %s on", backlog, over[0]),
		Mend:  "the log " + f.names().FunctionLogGroup(contract.Snapshot) + " in " + led.ActiveRegion + " says why nothing is pruned: mostly the ledgers do not agree, or no point is whole",
	}}, nil
}

func (f *Facts) pointRemoval(ctx context.Context, region string) ([]drift.Finding, error) {
	b := f.Buckets[region]
	entries, err := f.pointEntries(ctx, region)
	if err != nil {
		return nil, err
	}
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	for _, e := range entries {
		if strings.HasSuffix(e.Key, ".removing.json") && now.Sub(e.Modified) > time.Hour+time.Duration(f.App.RPOMinutes)*time.Minute {
			out = append(out, drift.Finding{
				Resource: "s3://" + b.Name() + "/" + e.Key, Expected: "the next run finishes it", Found: "it stands since " + e.Modified.UTC().Format(time.RFC3339),
				Mend: "the log " + f.names().FunctionLogGroup(contract.Snapshot) + " of the Region whose domain wrote it says why",
			})
		}
	}
	return out, nil
}

// pointSalvage: they are of a domain that was superseded, so that they end its
// generation.
func (f *Facts) pointSalvage(ctx context.Context, region string) ([]drift.Finding, error) {
	ids, err := f.pointIDs(ctx, region)
	if err != nil {
		return nil, err
	}
	var ends []point.ID
	for i, id := range ids {
		if i+1 == len(ids) || ids[i+1].Generation != id.Generation {
			ends = append(ends, id)
		}
	}
	return all(ends, func(id point.ID) ([]drift.Finding, error) {
		p, err := point.Load(ctx, f.Buckets[region], id)
		if errors.Is(err, store.ErrAbsent) || errors.Is(err, point.ErrMalformed) || err == nil && p.Kind != point.KindSalvage {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []drift.Finding{{
			Kind: drift.Note, Resource: "recovery point " + p.ID.String(), Expected: "somebody looks at it",
			Found: fmt.Sprintf("a salvage of cluster %s: %d documents, taken %s", p.ClusterUUID, p.Documents, p.Start.UTC().Format(time.RFC3339)),
			Mend:  "docs/runbooks/stand-down.md; restore from it what is missed, then let it go",
		}}, nil
	})
}
