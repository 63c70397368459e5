package telemetry

import (
	"context"
	"maps"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Values of a run by contract.Metric... name; the last one of a name counts.
type Values map[string]float64

// units of what is not a count.
var units = map[string]Unit{
	contract.MetricPointAge:         Seconds,
	contract.MetricSnapshotDuration: Seconds,
	contract.MetricSnapshotBytes:    Bytes,
}

// Publish them, ordered by name. None is no call.
func (v Values) Publish(ctx context.Context, p Publisher) error {
	if len(v) == 0 {
		return nil
	}
	var all []Metric
	for _, name := range slices.Sorted(maps.Keys(v)) {
		unit, ok := units[name]
		if !ok {
			unit = Count
		}
		all = append(all, Metric{Name: name, Unit: unit, Value: v[name]})
	}
	return p.Publish(ctx, all...)
}
