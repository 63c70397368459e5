package opensearchtest

import (
	"errors"
	"fmt"
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
		refused, err := w.Recovery.PutCapsule(w.Context(), again)
		w.ok(err)
		w.is(len(refused) == 0, "%v", refused)
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
	again.IngestPipelines[as+"-strange"] = map[string]any{"processors": []any{map[string]any{"osdr-knows-none-of-this-name": map[string]any{}}}}
	refused, err := w.Recovery.PutCapsule(w.Context(), again)
	w.ok(err)
	w.is(slices.Equal(which(refused), []string{"ingest pipeline " + as + "-strange", "index template " + as + "-broken", "ISM policy " + as}), "%+v", refused)
	for _, r := range refused {
		w.is(!r.Unknown && r.Reason != "", "%+v", r)
	}
	got, err = w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(got.LegacyTemplates[as+"-z"] != nil && got.IndexTemplates[as+"-broken"] == nil, "%v", got.LegacyTemplates)
}

// missingPipelines: an index may name a pipeline that does not exist; then each
// write to it is refused. Stored scripts are in the capsule.
func missingPipelines(w *world) {
	w.mapRecovery()
	a, b := w.index("a", IndexOptions{}, 1), w.index("b", IndexOptions{}, 1)
	there, gone, search := w.name+"-there", w.name+"-gone", w.name+"-search"
	_, err := w.Recovery.PutCapsule(w.Context(), opensearch.Capsule{IngestPipelines: map[string]map[string]any{there: {"processors": []any{}}}})
	w.ok(err)
	w.ok(w.Application.SetPipeline(w.Context(), a, "index.default_pipeline", there))
	w.ok(w.Application.SetPipeline(w.Context(), a, "index.final_pipeline", "_none"))
	w.ok(w.Application.SetPipeline(w.Context(), b, "index.default_pipeline", there))
	w.ok(w.Application.SetPipeline(w.Context(), b, "index.final_pipeline", gone))
	w.ok(w.Application.SetPipeline(w.Context(), b, "index.search.default_pipeline", search))
	w.ok(w.Application.Index(w.Context(), a, "2", document(2)))
	err = w.Application.Index(w.Context(), b, "2", document(2))
	w.is(err != nil && strings.Contains(err.Error(), "pipeline with id ["+gone+"] does not exist"), "%v", err)
	got, err := w.Recovery.MissingPipelines(w.Context())
	w.ok(err)
	got = slices.DeleteFunc(got, func(m opensearch.MissingPipeline) bool { return m.Index != a && m.Index != b })
	want := []opensearch.MissingPipeline{{Index: b, Setting: "index.final_pipeline", Pipeline: gone}, {Index: b, Setting: "index.search.default_pipeline", Pipeline: search}}
	w.is(slices.Equal(got, want), "%+v", got)

	w.ok(w.Application.PutScript(w.Context(), w.name, "painless", "ctx.seen = true"))
	c, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(c.StoredScripts[w.name]["source"] == "ctx.seen = true", "%v", c.StoredScripts)
	refused, err := w.Recovery.PutCapsule(w.Context(), opensearch.Capsule{StoredScripts: map[string]map[string]any{w.name + "-again": c.StoredScripts[w.name]}})
	w.ok(err)
	w.is(len(refused) == 0, "%+v", refused)
	c, err = w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(c.StoredScripts[w.name+"-again"]["lang"] == "painless", "%v", c.StoredScripts)
}

// which parts were refused.
func which(refused []opensearch.Refused) (list []string) {
	for _, r := range refused {
		list = append(list, r.Part+" "+r.Name)
	}
	return list
}

// aliasesRefused are the actions that the engine never takes, each with the one
// beside it that it would take: the whole call is refused.
func aliasesRefused(w *world) {
	w.mapRecovery()
	good, taken, stream := w.index("a", IndexOptions{}, 0), w.index("taken", IndexOptions{}, 0), w.name+"-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	full := w.index("full", IndexOptions{}, 0)
	w.ok(w.Application.SetBlock(w.Context(), full, floodStage, true))
	for _, c := range []struct {
		bad    opensearch.AliasAction
		status int
		kind   string
	}{
		{opensearch.AliasAction{Index: w.stream(stream)[0], Alias: w.name + "-of-a-stream"}, 400, "illegal_argument_exception"},
		{opensearch.AliasAction{Index: w.name + "-gone", Alias: w.name + "-of-none"}, 404, "index_not_found_exception"},
		{opensearch.AliasAction{Index: good, Alias: taken}, 400, "invalid_alias_name_exception"},
		{opensearch.AliasAction{Index: good, Alias: stream}, 500, "illegal_state_exception"},
		{opensearch.AliasAction{Index: full, Alias: w.name + "-full"}, 429, "cluster_block_exception"},
	} {
		err := w.Recovery.PutAliases(w.Context(), []opensearch.AliasAction{{Index: good, Alias: w.name + "-good"}, c.bad})
		e, ok := errors.AsType[*opensearch.Error](err)
		w.is(ok && e.Status == c.status && e.Type == c.kind && opensearch.IsRefusal(err), "%+v: %v", c.bad, err)
	}
	got, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(len(got.Aliases[good]) == 0, "a refused call left a part: %v", got.Aliases[good])
	w.ok(w.Application.SetBlock(w.Context(), full, floodStage, false))
	w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
}

func replaySecurity(w *world) {
	role := w.name + "-reader"
	group := w.name + "-group"
	other := "arn:aws:iam::000000000000:role/other-region"
	in := opensearch.Capsule{
		Roles: map[string]map[string]any{
			role:               {"cluster_permissions": []any{"cluster:monitor/main"}, "index_permissions": []any{}},
			contract.AgentRole: {"cluster_permissions": []any{"*"}, "index_permissions": []any{}},
			"manage_snapshots": {"cluster_permissions": []any{"*"}, "index_permissions": []any{}},
		},
		ActionGroups: map[string]map[string]any{
			group:              {"allowed_actions": []any{"cluster:monitor/health"}},
			"manage_snapshots": {"allowed_actions": []any{"*"}},
		},
		RoleMappings: map[string]map[string]any{
			role:                     {"backend_roles": []any{"x"}, "users": []any{"u"}, "hosts": []any{}},
			contract.AgentRole:       {"backend_roles": []any{other}},
			contract.ManageSnapshots: {"backend_roles": []any{other}},
			w.name + "-absent":       {"backend_roles": []any{"x"}},
		},
	}
	for range 2 {
		refused, err := w.Replay.PutSecurityCapsule(w.Context(), in)
		w.ok(err)
		w.is(slices.Equal(which(refused), []string{"action group manage_snapshots", "role manage_snapshots", "role mapping " + w.name + "-absent"}) && !refused[0].Unknown && !refused[1].Unknown && !refused[2].Unknown, "%+v", refused)
	}
	c, err := w.Security.SecurityCapsule(w.Context())
	w.ok(err)
	w.is(fmt.Sprint(c.ActionGroups[group]["allowed_actions"]) == "[cluster:monitor/health]", "the action group: %+v", c.ActionGroups[group])
	w.is(c.ActionGroups["manage_snapshots"] == nil, "the engine's own action groups are in it")
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
	refused, err := w.Stranger.(opensearch.SecurityRecovery).PutSecurityCapsule(w.Context(), in)
	w.ok(err)
	w.is(len(refused) == 1 && !refused[0].Unknown && strings.Contains(refused[0].Reason, "403"), "a stranger puts roles: %+v", refused)
}
