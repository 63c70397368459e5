package opensearchtest

import (
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

func aliases(w *world) {
	w.mapRecovery()
	a, b := w.index("a", IndexOptions{}, 0), w.index("b", IndexOptions{}, 0)
	name := w.name + "-alias"
	writer := map[string]any{"is_write_index": true}
	put := func(actions ...opensearch.AliasAction) error { return w.Recovery.PutAliases(w.Context(), actions) }
	read := func() map[string]map[string]any {
		w.Helper()
		c, err := w.Domain.Capsule(w.Context())
		w.ok(err)
		return c.Aliases
	}
	w.ok(put())
	for range 2 {
		w.ok(put(opensearch.AliasAction{Index: a, Alias: name, Properties: writer}, opensearch.AliasAction{Index: b, Alias: name},
			opensearch.AliasAction{Index: b, Alias: name + "-absent", Remove: true}))
	}
	properties, _ := read()[a][name].(map[string]any)
	w.is(properties["is_write_index"] == true, "%v", read()[a])
	_, has := read()[b][name]
	w.is(has, "%v", read()[b])

	err := put(opensearch.AliasAction{Index: b, Alias: name + "-2"}, opensearch.AliasAction{Index: b, Alias: name, Properties: writer})
	w.is(err != nil && strings.Contains(err.Error(), "more than one write index"), "%v", err)
	_, has = read()[b][name+"-2"]
	w.is(!has, "a refused change left a part")
	err = put(opensearch.AliasAction{Index: b, Alias: name + "-2"}, opensearch.AliasAction{Index: b + "-absent", Alias: name})
	w.is(isNotFound(err), "%v", err)

	// The write alias moves with nobody without it in between.
	w.ok(put(opensearch.AliasAction{Index: a, Alias: name, Remove: true}, opensearch.AliasAction{Index: b, Alias: name, Properties: writer}))
	properties, _ = read()[b][name].(map[string]any)
	w.is(properties["is_write_index"] == true && len(read()[a]) == 0, "%v", read())
}

func replayCapsule(w *world) {
	w.mapRecovery()
	w.ok(w.Application.PutParts(w.Context(), w.name))
	c, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	as := w.name + "-again"
	under := func(part map[string]map[string]any) map[string]map[string]any {
		content := copyMap(part[w.name])
		if content["index_patterns"] != nil { // two templates of one priority may not meet
			content["index_patterns"] = []any{as + "-*"}
		}
		return map[string]map[string]any{as: content}
	}
	again := opensearch.Capsule{
		IndexTemplates: under(c.IndexTemplates), LegacyTemplates: under(c.LegacyTemplates),
		ComponentTemplates: under(c.ComponentTemplates), IngestPipelines: under(c.IngestPipelines),
	}
	for range 2 {
		notices, err := w.Recovery.PutCapsule(w.Context(), again)
		w.ok(err)
		w.is(len(notices) == 0, "%v", notices)
	}
	got, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	for what, part := range map[string]map[string]map[string]any{
		"index template": got.IndexTemplates, "legacy template": got.LegacyTemplates, "component": got.ComponentTemplates, "pipeline": got.IngestPipelines,
	} {
		w.is(part[as] != nil && part[w.name] != nil, "%s: %v", what, part)
	}
	composed, _ := got.IndexTemplates[as]["composed_of"].([]any)
	w.is(len(composed) == 1 && composed[0] == w.name, "%v", got.IndexTemplates[as])

	// One that cannot be is told, and the others go on.
	again.IndexTemplates[as+"-broken"] = map[string]any{"index_patterns": []any{as + "-broken-*"}, "composed_of": []any{w.name + "-absent"}, "priority": 300}
	again.ISMPolicies = map[string]map[string]any{as: {"states": []any{}}}
	again.LegacyTemplates[as+"-z"] = map[string]any{"index_patterns": []any{as + "-z-*"}}
	notices, err := w.Recovery.PutCapsule(w.Context(), again)
	w.ok(err)
	w.is(len(notices) == 2 && strings.Contains(notices[0], as+"-broken") && strings.Contains(notices[1], "ISM policy "+as), "%q", notices)
	got, err = w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(got.LegacyTemplates[as+"-z"] != nil && got.IndexTemplates[as+"-broken"] == nil, "%v", got.LegacyTemplates)
}

func replaySecurity(w *world) {
	role := w.name + "-reader"
	other := "arn:aws:iam::000000000000:role/other-region"
	in := opensearch.Capsule{
		Roles: map[string]map[string]any{
			role:               {"cluster_permissions": []any{"cluster:monitor/main"}, "index_permissions": []any{}},
			contract.AgentRole: {"cluster_permissions": []any{"*"}, "index_permissions": []any{}},
			"manage_snapshots": {"cluster_permissions": []any{"*"}, "index_permissions": []any{}},
		},
		RoleMappings: map[string]map[string]any{
			role:                     {"backend_roles": []any{"x"}, "users": []any{"u"}, "hosts": []any{}},
			contract.AgentRole:       {"backend_roles": []any{other}},
			contract.ManageSnapshots: {"backend_roles": []any{other}},
			w.name + "-absent":       {"backend_roles": []any{"x"}},
		},
	}
	for range 2 {
		notices, err := w.Replay.PutSecurityCapsule(w.Context(), in)
		w.ok(err)
		w.is(len(notices) == 2 && strings.Contains(notices[0], "manage_snapshots") && strings.Contains(notices[1], w.name+"-absent"), "%q", notices)
	}
	r, err := w.Security.Role(w.Context(), role)
	w.ok(err)
	w.is(slices.Equal(r.ClusterPermissions, []string{"cluster:monitor/main"}), "%+v", r)
	m, err := w.Security.RoleMapping(w.Context(), role)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{"x"}) && slices.Equal(m.Users, []string{"u"}), "%+v", m)
	m, err = w.Security.RoleMapping(w.Context(), contract.AgentRole)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{w.Agent}), "the own role's members: %+v", m)
	r, err = w.Security.Role(w.Context(), contract.AgentRole)
	w.ok(err)
	w.is(!slices.Contains(r.ClusterPermissions, "*"), "the own role: %+v", r)
	m, err = w.Security.RoleMapping(w.Context(), contract.ManageSnapshots)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{w.Agent, other}), "the product's own members: %+v", m)
	_, err = w.Security.Role(w.Context(), "manage_snapshots")
	w.ok(err)
	in = opensearch.Capsule{Roles: map[string]map[string]any{role: {"cluster_permissions": []any{"cluster:monitor/main"}, "index_permissions": []any{}}}}
	_, err = w.Stranger.(opensearch.SecurityRecovery).PutSecurityCapsule(w.Context(), in)
	w.is(opensearch.IsForbidden(err), "a stranger puts roles: %v", err)
}
