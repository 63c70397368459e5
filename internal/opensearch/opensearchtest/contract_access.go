package opensearchtest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

func uuidShape(w *world) {
	a, err := w.Domain.Info(w.Context())
	w.ok(err)
	w.is(len(a.ClusterUUID) == 22 && !strings.ContainsAny(a.ClusterUUID, "/+="), "cluster UUID %q", a.ClusterUUID)
	w.is(strings.Count(a.Version, ".") == 2 && a.Distribution == "opensearch", "version %+v", a)
	b, err := w.Domain.Info(w.Context())
	w.ok(err)
	w.is(a == b, "it changed: %+v, %+v", a, b)
}

func agentRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	w.register()
	w.snapshot("s1", index)
	d := w.Domain
	calls := w.agentCalls(index)
	calls["RunningSnapshots"] = func(ctx context.Context) error { _, err := d.RunningSnapshots(ctx); return err }
	calls["SnapshotStatus"] = func(ctx context.Context) error { _, err := d.SnapshotStatus(ctx, w.repo, "s1"); return err }
	calls["Repositories"] = func(ctx context.Context) error { _, err := d.Repositories(ctx); return err }
	calls["Repository"] = func(ctx context.Context) error { _, err := d.Repository(ctx, w.repo); return err }
	for name, call := range calls {
		if err := call(w.Context()); err != nil {
			w.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Search(w.Context(), index); !opensearch.IsForbidden(err) {
		w.Errorf("the agent may search documents: %v", err)
	}
	w.ok(d.DeleteSnapshot(w.Context(), w.repo, "s1"))
	// manage_snapshots alone is enough for these and for nothing else.
	w.ok(w.Security.PutRoleMapping(w.Context(), contract.AgentRole, opensearch.RoleMapping{}))
	_, err := d.Snapshots(w.Context(), w.repo)
	w.ok(err)
	for name, call := range w.agentCalls(index) {
		if err := call(w.Context()); !opensearch.IsForbidden(err) {
			w.Errorf("%s with manage_snapshots only: %v", name, err)
		}
	}
}

// agentCalls are the ones that manage_snapshots does not cover.
func (w *world) agentCalls(index string) map[string]func(context.Context) error {
	d := w.Domain
	return map[string]func(context.Context) error{
		"Info":        func(ctx context.Context) error { _, err := d.Info(ctx); return err },
		"Health":      func(ctx context.Context) error { _, err := d.Health(ctx); return err },
		"Indices":     func(ctx context.Context) error { _, err := d.Indices(ctx); return err },
		"DataStreams": func(ctx context.Context) error { _, err := d.DataStreams(ctx); return err },
		"Refresh":     func(ctx context.Context) error { return d.Refresh(ctx, []string{index}) },
		"Capsule":     func(ctx context.Context) error { c, err := d.Capsule(ctx); return cmp.Or(err, refusedPart(c)) },
	}
}

// refusedPart of a capsule, which names what the caller may not read.
func refusedPart(c opensearch.Capsule) error {
	for _, u := range c.Unavailable {
		if strings.Contains(u, "security_exception") {
			return &opensearch.Error{Step: "read capsule", Status: 403, Type: "security_exception", Reason: u}
		}
	}
	return nil
}

// leastRights takes each permission away in turn: a call must miss it.
func leastRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	defer w.mapAgent()
	full := opensearch.AgentPermissions()
	refused := func(without string, r opensearch.Role) {
		w.Helper()
		w.ok(w.Security.PutRole(w.Context(), contract.AgentRole, r))
		for _, call := range w.agentCalls(index) {
			if opensearch.IsForbidden(call(w.Context())) {
				return
			}
		}
		w.Errorf("no call needs %s", without)
	}
	for n, p := range full.ClusterPermissions {
		if strings.Contains(p, "/ism/") {
			continue // a cluster without index state management never asks
		}
		refused(p, opensearch.Role{
			ClusterPermissions: slices.Delete(slices.Clone(full.ClusterPermissions), n, n+1), IndexPermissions: full.IndexPermissions,
		})
	}
	actions := full.IndexPermissions[0].AllowedActions
	for n, p := range actions {
		refused(p, opensearch.Role{ClusterPermissions: full.ClusterPermissions, IndexPermissions: []opensearch.IndexPermission{{
			IndexPatterns: []string{"*"}, AllowedActions: slices.Delete(slices.Clone(actions), n, n+1),
		}}})
	}
}

func unmapped(w *world) {
	w.register()
	_, err := w.Stranger.Snapshots(w.Context(), w.repo)
	w.is(opensearch.IsForbidden(err), "list: %v", err)
	err = w.Stranger.PutRepository(w.Context(), w.repo+"2", w.Repository)
	w.is(opensearch.IsForbidden(err), "register: %v", err)
	w.is(opensearch.Diagnose(err) == opensearch.UnmappedRole, "diagnosis of %v: %q", err, opensearch.Diagnose(err))
}

func mappingTwice(w *world) {
	w.mapAgent()
	w.mapAgent()
	m, err := w.Security.RoleMapping(w.Context(), contract.ManageSnapshots)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{w.Agent}), "%+v", m)
	r, err := w.Security.Role(w.Context(), contract.AgentRole)
	w.ok(err)
	want := opensearch.AgentPermissions()
	slices.Sort(want.ClusterPermissions)
	slices.Sort(r.ClusterPermissions)
	w.is(slices.Equal(r.ClusterPermissions, want.ClusterPermissions) && len(r.IndexPermissions) == 1, "%+v", r)
	_, err = w.Security.Role(w.Context(), w.name+"-absent")
	w.is(isNotFound(err), "absent role: %v", err)
	_, err = w.Security.RoleMapping(w.Context(), w.name+"-absent")
	w.is(isNotFound(err), "absent mapping: %v", err)
}

func securityCapsule(w *world) {
	c, err := w.Security.SecurityCapsule(w.Context())
	w.ok(err)
	w.is(c.Roles[contract.AgentRole] != nil && c.RoleMappings[contract.ManageSnapshots] != nil, "%+v", c)
	w.is(c.Roles["all_access"] == nil && c.Roles["manage_snapshots"] == nil, "the engine's own roles are in it")
	for _, mark := range []string{"reserved", "hidden", "static"} {
		_, has := c.Roles[contract.AgentRole][mark]
		w.is(!has, "a PUT refuses %q", mark)
	}
}

func audit(w *world) {
	for range 2 {
		err := w.Security.EnableAudit(w.Context())
		w.is(w.AuditOffered == (err == nil), "%v", err)
	}
}
