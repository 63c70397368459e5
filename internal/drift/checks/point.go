package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
			ID: "point.readable", Title: "every recovery point can be read", Scope: drift.EachRegion, Limit: f.limit(),
			Why:  "it is passed over at a failover, and never pruned; one under another name is no recovery point to anybody",
			Find: f.pointReadable,
		},
		{
			ID: "point.chain", Title: "no recovery point is missing between the others", Scope: drift.Standby,
			Why:  "somebody removed one, and not the pruning",
			Find: f.pointChain,
		},
		{
			ID: "point.counts", Title: "the newest recovery point holds every index of the one before that the domain still has, and documents", Scope: drift.Standby, Limit: f.limit(),
			Why:  "what it lacks is lost at a failover, and from the recovery points one after the other; below half the documents is a note",
			Find: f.pointCounts,
		},
		{
			ID: "point.restorable", Title: "the target can hold every index of the newest recovery point", Scope: drift.Standby, Limit: f.limit(),
			Why:  "a switch restores all others and asks a person about it, in the middle of the disaster",
			Find: f.pointRestorable,
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
