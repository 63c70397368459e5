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
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// sampled points of a bucket: the newest, whose objects are counted.
const sampled = 5

// newestPoints of a bucket. A malformed one is passed over here; point.readable
// names it.
func newestPoints(ctx context.Context, b store.Bucket) ([]point.Point, error) {
	ids, err := point.List(ctx, b)
	if err != nil {
		return nil, err
	}
	var out []point.Point
	for _, id := range slices.Backward(ids) {
		p, err := point.Load(ctx, b, id)
		if errors.Is(err, point.ErrMalformed) || errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if out = append(out, p); len(out) == sampled {
			break
		}
	}
	return out, nil
}

func (f *Facts) pointChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "point.age", Title: "the newest recovery point is within the objective, as seen from the other Region", Scope: drift.Standby,
			Why:  "a failover now loses what was written after it",
			Find: f.pointAge,
		},
		{
			ID: "point.whole", Title: "all objects of the newest recovery points are there", Scope: drift.Standby, Limit: f.limit(),
			Why:  "a failover passes over a point that is not whole, and loses more (F1, F3)",
			Find: f.pointWhole,
		},
		{
			ID: "point.readable", Title: "every recovery point can be read", Scope: drift.EachRegion,
			Why:  "it is passed over at a failover, and never pruned",
			Find: f.pointReadable,
		},
		{
			ID: "point.chain", Title: "no recovery point is missing between the others", Scope: drift.Standby,
			Why:  "somebody removed one, and not the pruning",
			Find: f.pointChain,
		},
		{
			ID: "point.counts", Title: "the newest recovery point holds about what the one before held", Scope: drift.Standby,
			Why:  "an index that was lost is lost from the recovery points too, one after the other",
			Find: f.pointCounts,
		},
		{
			ID: "point.retention", Title: "old recovery points are pruned", Scope: drift.Standby,
			Why:  "a repository of many hundred snapshots gets slow, and each is paid for (F19)",
			Find: f.pointRetention,
		},
		{
			ID: "point.removal", Title: "no removal of a recovery point is stuck", Scope: drift.EachRegion,
			Why:  "nothing more is pruned until it is finished",
			Find: f.pointRemoval,
		},
		{
			ID: "point.salvage", Title: "salvage points wait for somebody to look at them", Scope: drift.EachRegion,
			Why:  "they hold what an unplanned switch left behind, until people say that they are done with it",
			Find: f.pointSalvage,
		},
	}
}

// own points of the domain in force, of the newest ones in a bucket.
func (f *Facts) own(ctx context.Context, region string) (own []point.Point, led ledger.Ledger, err error) {
	if led, err = f.inForce(ctx); err != nil {
		return nil, led, err
	}
	points, err := f.newest(ctx, region)
	for _, p := range points {
		if p.ClusterUUID == led.ClusterUUID && p.ID.Generation == led.Generation && p.Kind != point.KindSalvage {
			own = append(own, p)
		}
	}
	return own, led, err
}

func (f *Facts) pointAge(ctx context.Context, region string) ([]drift.Finding, error) {
	own, led, err := f.own(ctx, region)
	if err != nil {
		return nil, err
	}
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	rpo := time.Duration(f.App.RPOMinutes) * time.Minute
	out := drift.Finding{
		Resource: "s3://" + f.names().Bucket(region) + "/" + point.Prefix, Expected: "the newest recovery point is at most " + rpo.String() + " old",
		Mend: "docs/runbooks/recovery-point-age.md; first: the log " + f.names().FunctionLogGroup(contract.Snapshot) + " in " + led.ActiveRegion,
	}
	switch since := now.Sub(led.Since); {
	case len(own) == 0 && since <= rpo:
		out.Kind, out.Found, out.Mend = drift.Note, fmt.Sprintf("none yet; %s is active for %s", led.ActiveRegion, since.Round(time.Second)), "wait for the first one"
	case len(own) == 0:
		out.Found = fmt.Sprintf("there is none of generation %d, which began %s ago", led.Generation, since.Round(time.Second))
	default:
		age := now.Sub(own[0].Start)
		if age <= rpo {
			return nil, nil
		}
		out.Found = fmt.Sprintf("%s is %s old", own[0].ID, age.Round(time.Second))
	}
	return []drift.Finding{out}, nil
}

func (f *Facts) pointWhole(ctx context.Context, region string) ([]drift.Finding, error) {
	own, _, err := f.own(ctx, region)
	if err != nil {
		return nil, err
	}
	b := f.Buckets[region]
	return all(own, func(p point.Point) ([]drift.Finding, error) {
		listing, err := drift.GetWithin(ctx, f.Memo, "repository\x00"+region+"\x00"+p.BasePath, f.Slow, func(ctx context.Context) (point.Listing, error) {
			return point.ListRepository(ctx, b, p.BasePath)
		})
		if err != nil {
			return nil, err
		}
		objects, err := point.Objects(ctx, b, p)
		missing := []string{p.ID.ObjectsKey()}
		switch {
		case errors.Is(err, store.ErrAbsent), errors.Is(err, point.ErrMalformed):
		case err != nil:
			return nil, err
		default:
			missing = point.Missing(listing, p.BasePath, objects)
		}
		if len(missing) == 0 {
			return nil, nil
		}
		return []drift.Finding{{
			Resource: "recovery point " + p.ID.String(), Expected: fmt.Sprintf("%d objects", p.Objects),
			Found: fmt.Sprintf("%d are missing or changed, such as %s", len(missing), missing[0]),
			Mend: "bring back the deleted versions: " + aws(region, "s3api list-object-versions", "bucket", b.Name(), "prefix", missing[0]) +
				" shows them; else let the next snapshot make a new point, and find out who deleted them",
		}}, nil
	})
}

func (f *Facts) pointReadable(ctx context.Context, region string) ([]drift.Finding, error) {
	ids, err := f.pointIDs(ctx, region)
	if err != nil {
		return nil, err
	}
	// The newest ones: an old one is not read by a failover.
	ids = ids[max(0, len(ids)-sampled):]
	return all(ids, func(id point.ID) ([]drift.Finding, error) {
		_, err := point.Load(ctx, f.Buckets[region], id)
		if err == nil || errors.Is(err, store.ErrAbsent) {
			return nil, nil
		}
		if !errors.Is(err, point.ErrMalformed) {
			return nil, err
		}
		return []drift.Finding{{
			Resource: "recovery point " + id.String(), Expected: "a recovery point", Found: err.Error(),
			Mend: "take the earlier version of s3://" + f.names().Bucket(region) + "/" + id.Key() + ": " + aws(region, "s3api list-object-versions", "bucket", f.names().Bucket(region), "prefix", id.Key()),
		}}, nil
	})
}

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

func (f *Facts) pointCounts(ctx context.Context, region string) ([]drift.Finding, error) {
	own, _, err := f.own(ctx, region)
	if err != nil || len(own) < 2 {
		return nil, err
	}
	newest, before := own[0], own[1]
	if before.Documents == 0 || newest.Documents*2 >= before.Documents {
		return nil, nil
	}
	out := drift.Finding{
		Resource: "recovery point " + newest.ID.String(), Expected: fmt.Sprintf("about %d documents, as in %s", before.Documents, before.ID), Found: fmt.Sprintf("%d documents in %d indexes", newest.Documents, len(newest.Indices)),
		Mend: "if nobody deleted them on purpose: keep " + before.ID.String() + " by raising dr.retention.count, find out what happened, and restore from it",
	}
	if newest.Documents > 0 {
		out.Kind = drift.Note // people delete
	}
	return []drift.Finding{out}, nil
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
	entries, err := get(ctx, f, func(ctx context.Context) ([]store.Entry, error) { return b.List(ctx, point.Prefix) }, "point keys", region)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
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
