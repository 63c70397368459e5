package opensearchtest

import (
	"context"
	"encoding/json"
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
			switch {
			case err != nil:
				return err
			case i.stream != "":
				return fail(step, 400, "illegal_argument_exception", "The provided expressions [%s] match a backing index belonging to data stream [%s]. Data streams and their backing indices don't support aliases.", i.name, i.stream)
			case i.blocks[floodStage]:
				return flooded(step, i)
			case c.indices[a.Alias] != nil:
				return fail(step, 400, "invalid_alias_name_exception", "Invalid alias name [%s], an index exists with the same name as the alias", a.Alias)
			case c.streams[a.Alias] != nil:
				return fail(step, 500, "illegal_state_exception", "index, alias, and data stream names need to be unique, but the following duplicates were found [%s (alias of [%s/%s]) conflicts with data stream]", a.Alias, i.name, i.uuid)
			}
			if err := c.refused("alias", a.Alias); err != nil {
				return err
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

// PutCapsule puts scripts, templates, pipelines and policies.
func (v *Caller) PutCapsule(ctx context.Context, in opensearch.Capsule) (refused []opensearch.Refused, err error) {
	var actions []string
	need := func(part map[string]map[string]any, list ...string) {
		if len(part) > 0 {
			actions = append(actions, list...)
		}
	}
	need(in.StoredScripts, "cluster:admin/script/put")
	need(in.IngestPipelines, "cluster:admin/ingest/pipeline/put")
	need(in.ComponentTemplates, "cluster:admin/component_template/put")
	need(in.IndexTemplates, "indices:admin/index_template/put")
	need(in.LegacyTemplates, "indices:admin/template/put")
	need(in.ISMPolicies, "cluster:admin/opendistro/ism/policy/write", "cluster:admin/opendistro/ism/policy/get")
	if len(actions) == 0 {
		return nil, ctx.Err()
	}
	err = v.do(ctx, "PutCapsule", "put capsule", nil, func(c *Cluster) error {
		for _, p := range []struct {
			what    string
			actions []string
			from    map[string]map[string]any
			into    *map[string]map[string]any
			fits    func(step string, content map[string]any) error
		}{
			{"stored script", []string{"cluster:admin/script/put"}, in.StoredScripts, &c.capsule.StoredScripts, nil},
			{"ingest pipeline", []string{"cluster:admin/ingest/pipeline/put"}, in.IngestPipelines, &c.capsule.IngestPipelines, c.knows},
			{"component template", []string{"cluster:admin/component_template/put"}, in.ComponentTemplates, &c.capsule.ComponentTemplates, nil},
			{"index template", []string{"indices:admin/index_template/put"}, in.IndexTemplates, &c.capsule.IndexTemplates, c.composes},
			{"legacy template", []string{"indices:admin/template/put"}, in.LegacyTemplates, &c.capsule.LegacyTemplates, nil},
			{"ISM policy", []string{"cluster:admin/opendistro/ism/policy/write", "cluster:admin/opendistro/ism/policy/get"}, in.ISMPolicies, &c.capsule.ISMPolicies, c.manages},
		} {
			if len(p.from) == 0 {
				continue
			}
			next := maps.Clone(*p.into)
			if next == nil {
				next = map[string]map[string]any{}
			}
			for _, name := range sortedKeys(p.from) {
				step := "put " + p.what + " " + name
				err := v.authorize(step, "", p.actions)
				if err == nil {
					err = c.refused(p.what, name)
				}
				if err == nil && p.fits != nil {
					err = p.fits(step, p.from[name])
				}
				if err != nil {
					refused = append(refused, opensearch.Refused{Part: p.what, Name: name, Reason: err.Error(), Unknown: !opensearch.IsRefusal(err)})
					continue
				}
				next[name] = p.from[name]
				*p.into = next
			}
		}
		return nil
	})
	return refused, err
}

// knows the processors of a pipeline: each is a plugin's or a module's, and this
// node has none but those of Processors.
func (c *Cluster) knows(step string, pipeline map[string]any) error {
	list, _ := pipeline["processors"].([]any)
	for _, p := range list {
		processor, _ := p.(map[string]any)
		for name, content := range processor {
			if !slices.Contains(c.faults.processors, name) {
				return fail(step, 400, "parse_exception", "No processor type exists with name [%s]", name)
			}
			what, _ := content.(map[string]any)
			if id, ok := what["id"].(string); ok && name == "script" && c.capsule.StoredScripts[id] == nil {
				return fail(step, 400, "resource_not_found_exception", "unable to find script [%s] in cluster state", id)
			}
		}
	}
	return nil
}

func (c *Cluster) composes(step string, template map[string]any) error {
	if missing := c.missing(template); missing != "" {
		return fail(step, 400, "invalid_index_template_exception", "component template [%s] does not exist", missing)
	}
	return nil
}

func (c *Cluster) manages(step string, _ map[string]any) error {
	if c.capsule.ISMPolicies == nil {
		return fail(step, 400, "bad_request", "no handler found")
	}
	return nil
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

// PutSecurityCapsule puts action groups, roles, then mappings.
func (v *Caller) PutSecurityCapsule(ctx context.Context, in opensearch.Capsule) (refused []opensearch.Refused, err error) {
	no := func(part, name string, err error) {
		refused = append(refused, opensearch.Refused{Part: part, Name: name, Reason: err.Error(), Unknown: !opensearch.IsRefusal(err)})
	}
	err = v.do(ctx, "PutSecurityCapsule", "put roles and role mappings", nil, func(c *Cluster) error {
		for _, name := range sortedKeys(in.ActionGroups) {
			step := "put action group " + name
			err := v.authorize(step, "", restAPI)
			if err == nil {
				err = c.refused("action group", name)
			}
			if _, own := groups[name]; own && err == nil {
				err = fail(step, 400, "FORBIDDEN", "Resource '%s' is static.", name)
			}
			if err != nil {
				no("action group", name, err)
				continue
			}
			if c.groups == nil {
				c.groups = map[string]map[string]any{}
			}
			c.groups[name] = maps.Clone(in.ActionGroups[name])
			c.forgetRights()
		}
		for _, name := range sortedKeys(in.Roles) {
			if slices.Contains(opensearch.OwnRoles, name) {
				continue
			}
			step := "put role " + name
			err := v.authorize(step, "", restAPI)
			if err == nil {
				err = c.refused("role", name)
			}
			if _, own := builtinRoles()[name]; own && err == nil {
				err = fail(step, 400, "FORBIDDEN", "Resource '%s' is static.", name)
			}
			if err != nil {
				no("role", name, err)
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
			step := "put role mapping " + name
			err := v.authorize(step, "", restAPI)
			if err == nil {
				err = c.refused("role mapping", name)
			}
			if _, ok := c.roles[name]; !ok && err == nil {
				err = fail(step, 404, "NOT_FOUND", "role '%s' not found.", name)
			}
			if err != nil {
				no("role mapping", name, err)
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
	return refused, err
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
