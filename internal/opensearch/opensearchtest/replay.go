package opensearchtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// PutAliases does all or nothing.
func (v *Caller) PutAliases(ctx context.Context, actions []opensearch.AliasAction) error {
	const step = "put aliases"
	if len(actions) == 0 {
		return nil
	}
	return v.do(ctx, "PutAliases", step, []string{"indices:admin/aliases"}, func(c *Cluster) error {
		next := map[string]map[string]any{} // index -> aliases
		for _, a := range actions {
			i, err := c.index(step, a.Index)
			if err != nil {
				return err
			}
			if c.indices[a.Alias] != nil {
				return fail(step, 400, "invalid_alias_name_exception", "Invalid alias name [%s]: an index exists with the same name as the alias", a.Alias)
			}
			if next[a.Index] == nil {
				next[a.Index] = copyMap(i.aliases)
			}
			if a.Remove {
				delete(next[a.Index], a.Alias)
			} else {
				next[a.Index][a.Alias] = copyMap(a.Properties)
			}
		}
		writers := map[string]string{}
		for _, name := range sortedKeys(c.indices) {
			aliases, ok := next[name]
			if !ok {
				aliases = c.indices[name].aliases
			}
			for alias, p := range aliases {
				if m, ok := p.(map[string]any); ok && m["is_write_index"] == true {
					if first, taken := writers[alias]; taken {
						return fail(step, 500, "illegal_state_exception", "alias [%s] has more than one write index [%s,%s]", alias, first, name)
					}
					writers[alias] = name
				}
			}
		}
		for name, aliases := range next {
			i := c.indices[name]
			i.aliases = aliases
			i.versions.Metadata++
			i.versions.Aliases++
		}
		return nil
	})
}

// PutCapsule puts templates, pipelines and policies.
func (v *Caller) PutCapsule(ctx context.Context, in opensearch.Capsule) (notices []string, err error) {
	var actions []string
	need := func(part map[string]map[string]any, list ...string) {
		if len(part) > 0 {
			actions = append(actions, list...)
		}
	}
	need(in.IngestPipelines, "cluster:admin/ingest/pipeline/put")
	need(in.ComponentTemplates, "cluster:admin/component_template/put")
	need(in.IndexTemplates, "indices:admin/index_template/put")
	need(in.LegacyTemplates, "indices:admin/template/put")
	need(in.ISMPolicies, "cluster:admin/opendistro/ism/policy/write", "cluster:admin/opendistro/ism/policy/get")
	err = v.do(ctx, "PutCapsule", "put capsule", actions, func(c *Cluster) error {
		put := func(into *map[string]map[string]any, from map[string]map[string]any) {
			next := maps.Clone(*into)
			if next == nil {
				next = map[string]map[string]any{}
			}
			maps.Copy(next, from)
			*into = next
		}
		put(&c.capsule.IngestPipelines, in.IngestPipelines)
		put(&c.capsule.ComponentTemplates, in.ComponentTemplates)
		for _, name := range sortedKeys(in.IndexTemplates) {
			if missing := c.missing(in.IndexTemplates[name]); missing != "" {
				notices = append(notices, fmt.Sprintf("put index template %s: 400 invalid_index_template_exception: component template [%s] does not exist", name, missing))
				continue
			}
			put(&c.capsule.IndexTemplates, map[string]map[string]any{name: in.IndexTemplates[name]})
		}
		put(&c.capsule.LegacyTemplates, in.LegacyTemplates)
		for _, name := range sortedKeys(in.ISMPolicies) {
			if c.capsule.ISMPolicies == nil {
				notices = append(notices, fmt.Sprintf("put ISM policy %s: 400 bad_request: no handler found", name))
				continue
			}
			put(&c.capsule.ISMPolicies, map[string]map[string]any{name: in.ISMPolicies[name]})
		}
		return nil
	})
	return notices, err
}

// missing component of an index template.
func (c *Cluster) missing(template map[string]any) string {
	composed, _ := template["composed_of"].([]any)
	for _, part := range composed {
		name, _ := part.(string)
		if c.capsule.ComponentTemplates[name] == nil {
			return name
		}
	}
	return ""
}

// PutSecurityCapsule puts roles, then mappings.
func (v *Caller) PutSecurityCapsule(ctx context.Context, in opensearch.Capsule) (notices []string, err error) {
	err = v.do(ctx, "PutSecurityCapsule", "put roles and role mappings", restAPI, func(c *Cluster) error {
		for _, name := range sortedKeys(in.Roles) {
			if slices.Contains(opensearch.OwnRoles, name) {
				continue
			}
			if _, own := builtinRoles()[name]; own {
				notices = append(notices, fmt.Sprintf("put role %s: 400 FORBIDDEN: Resource '%s' is static.", name, name))
				continue
			}
			var role opensearch.Role
			fromMap(in.Roles[name], &role)
			c.setRole(name, role)
		}
		for _, name := range sortedKeys(in.RoleMappings) {
			if slices.Contains(opensearch.OwnRoles, name) {
				continue
			}
			if _, ok := c.roles[name]; !ok {
				notices = append(notices, fmt.Sprintf("put role mapping %s: 404 NOT_FOUND: role '%s' not found.", name, name))
				continue
			}
			var m opensearch.RoleMapping
			fromMap(in.RoleMappings[name], &m)
			if slices.Contains(opensearch.SharedMappings, name) {
				there := c.mappings[name]
				m = opensearch.RoleMapping{
					BackendRoles: union(there.BackendRoles, m.BackendRoles), Users: union(there.Users, m.Users), Hosts: union(there.Hosts, m.Hosts),
				}
			}
			c.setMapping(name, m)
		}
		return nil
	})
	return notices, err
}

func fromMap(m map[string]any, into any) {
	b, _ := json.Marshal(m) // strings and lists cannot fail
	_ = json.Unmarshal(b, into)
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
