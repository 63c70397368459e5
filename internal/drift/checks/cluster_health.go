package checks

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// health of all shards together. A domain that is restored into is red meanwhile,
// as it must be: a warm standby, and the target of a switch. One whose restore never
// ends is standby.copy's, and the switch's own.
func (f *Facts) health(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	out := drift.Finding{
		Resource: "domain " + f.names().Domain(), Expected: string(opensearch.Green), Found: i.Health,
		Mend: "docs/runbooks/domain-" + i.Health + ".md; GET _cluster/allocation/explain on the domain of " + i.Region + " says why a shard is nowhere",
	}
	switch opensearch.Health(i.Health) {
	case opensearch.Green:
		return nil, nil
	case opensearch.Yellow:
		out.Kind, out.Found = drift.Note, "yellow: a replica is not there"
		return []drift.Finding{out}, nil
	case opensearch.Red:
		out.Found = "red: a primary shard is not there"
	default:
		return nil, fmt.Errorf("read the health of the domain in %s: its controller answers %q; deploy this checkout's functions", i.Region, i.Health)
	}
	restores, err := f.restores(ctx, i)
	if err != nil {
		return nil, err
	}
	if restores {
		out.Kind, out.Found, out.Mend = drift.Note, out.Found+", while a restore is under way", "wait for the end of the restore; osdr status tells how far it is"
	}
	return []drift.Finding{out}, nil
}

// restores says whether the domain is one that the product restores into now.
func (f *Facts) restores(ctx context.Context, i *contract.Inspection) (bool, error) {
	led, err := f.inForce(ctx)
	if err != nil || i.Region == led.ActiveRegion {
		return false, err
	}
	if led.Intent != nil && led.Intent.To == i.Region {
		now, err := f.now(ctx, i.Region)
		if err != nil || led.Intent.Live(now) {
			return err == nil, err
		}
	}
	if why := i.Failed[contract.PartStandby]; why != "" {
		return false, errors.New(why)
	}
	return i.Standby != nil && i.Standby.Restoring != "", nil
}
