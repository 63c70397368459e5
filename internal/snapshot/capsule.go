package snapshot

import (
	"context"
	"maps"
	"reflect"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// beforehand is the capsule at the moment of the asking: the snapshot holds the
// indexes of then, and an alias may have moved by the time it is settled (H63). A
// snapshot is worth more than this, so what cannot be read is done without.
func (r *run) beforehand(ctx context.Context) *opensearch.Capsule {
	c, err := r.dom.Capsule(ctx)
	if err != nil {
		r.notice("aliases and templates from before the snapshot are not known: %v", err)
		return nil
	}
	return &c
}

// completed is the capsule of the settling with what only the one of the asking
// knows.
func completed(after opensearch.Capsule, before *opensearch.Capsule) opensearch.Capsule {
	if before == nil {
		return after
	}
	if len(before.Aliases)+len(after.Aliases) > 0 && !reflect.DeepEqual(before.Aliases, after.Aliases) {
		after.Earlier = maps.Clone(before.Aliases)
	}
	if len(after.Unavailable) == 0 {
		return after
	}
	for _, part := range []struct {
		now     *map[string]map[string]any
		earlier map[string]map[string]any
	}{
		{&after.IndexTemplates, before.IndexTemplates}, {&after.LegacyTemplates, before.LegacyTemplates}, {&after.ComponentTemplates, before.ComponentTemplates},
		{&after.IngestPipelines, before.IngestPipelines}, {&after.StoredScripts, before.StoredScripts}, {&after.ISMPolicies, before.ISMPolicies},
	} {
		if len(*part.now) == 0 {
			*part.now = part.earlier
		}
	}
	return after
}
