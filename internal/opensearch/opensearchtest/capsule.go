package opensearchtest

import (
	"context"
	"maps"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Capsule without its security parts. A part that the caller may not read is
// named and left out, as each is a call of its own.
func (v *Caller) Capsule(ctx context.Context) (out opensearch.Capsule, err error) {
	err = v.do(ctx, "Capsule", "read capsule", nil, func(c *Cluster) error {
		for _, part := range []struct {
			what, action string
			read         func()
		}{
			{"index templates", "indices:admin/index_template/get", func() { out.IndexTemplates = maps.Clone(c.capsule.IndexTemplates) }},
			{"legacy templates", "indices:admin/template/get", func() { out.LegacyTemplates = maps.Clone(c.capsule.LegacyTemplates) }},
			{"component templates", "cluster:admin/component_template/get", func() { out.ComponentTemplates = maps.Clone(c.capsule.ComponentTemplates) }},
			{"ingest pipelines", "cluster:admin/ingest/pipeline/get", func() { out.IngestPipelines = maps.Clone(c.capsule.IngestPipelines) }},
			{"stored scripts", "cluster:monitor/state", func() { out.StoredScripts = maps.Clone(c.capsule.StoredScripts) }},
			{"aliases", "indices:admin/aliases/get", func() { out.Aliases = c.aliases() }},
			{"action.auto_create_index", "cluster:monitor/state", func() {
				out.AutoCreate = &opensearch.AutoCreate{}
				if p := c.recovery.autoCreate; p != nil {
					*out.AutoCreate = opensearch.AutoCreate{Value: *p, Set: true}
				}
				if c.capsule.ISMPolicies != nil {
					out.ISM = new(!c.recovery.ismOff)
				}
			}},
		} {
			if err := v.authorize("read "+part.what, "", []string{part.action}); err != nil {
				out.Unavailable = append(out.Unavailable, part.what+": "+err.Error())
				continue
			}
			part.read()
		}
		if out.ISMPolicies = maps.Clone(c.capsule.ISMPolicies); out.ISMPolicies == nil {
			out.Unavailable = append(out.Unavailable, "ISM policies: this domain has no index state management")
		}
		return nil
	})
	return out, err
}

// MissingPipelines of all indexes.
func (v *Caller) MissingPipelines(ctx context.Context) (list []opensearch.MissingPipeline, err error) {
	err = v.do(ctx, "MissingPipelines", "look for missing pipelines", []string{"cluster:monitor/state"}, func(c *Cluster) error {
		for _, name := range sortedKeys(c.indices) {
			for _, setting := range sortedKeys(c.indices[name].pipelines) {
				id := c.indices[name].pipelines[setting]
				if id != "_none" && c.capsule.IngestPipelines[id] == nil { // it has no search pipelines
					list = append(list, opensearch.MissingPipeline{Index: name, Setting: setting, Pipeline: id})
				}
			}
		}
		return nil
	})
	return list, err
}

func (c *Cluster) aliases() map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, name := range sortedKeys(c.indices) {
		if a := c.indices[name].aliases; len(a) > 0 {
			out[name] = copyMap(a)
		}
	}
	return out
}
