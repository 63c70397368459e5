package checks

import (
	"context"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// pointRestorable finds each index that the domain of the other Region, or the one that
// a failover makes there, is known not to hold (H53).
func (f *Facts) pointRestorable(ctx context.Context, region string) ([]drift.Finding, error) {
	own, _, err := f.own(ctx, region)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	target, err := f.domain(ctx, region)
	if err != nil {
		return nil, err
	}
	engine, what := f.App.EngineVersion, "a domain made with dr.engineVersion "+f.App.EngineVersion
	if target != nil {
		engine = fmt.Sprint(target.Properties["EngineVersion"])
		what = "the domain in " + region + ", " + engine
	}
	wanted := restore.Choose(own[0], f.App.Settings().Restore).Indices
	var out []drift.Finding
	for _, x := range point.Foresee(point.Point{Indices: wanted}, strings.TrimPrefix(engine, "OpenSearch_")) {
		out = append(out, drift.Finding{
			Resource: x.Unit + " in recovery point " + own[0].ID.String(), Expected: what + " can hold it", Found: x.Cause,
			Mend: x.Hint + "; or leave it out by dr.restore.exclude",
		})
	}
	return out, nil
}
