package opensearchtest

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// builtinRoles that the product's world needs; the engine has more.
func builtinRoles() map[string]opensearch.Role {
	all := opensearch.IndexPermission{IndexPatterns: []string{"*"}, AllowedActions: []string{"*"}}
	return map[string]opensearch.Role{
		"all_access": {ClusterPermissions: []string{"*"}, IndexPermissions: []opensearch.IndexPermission{all}},
		"manage_snapshots": {
			ClusterPermissions: []string{opensearch.PermissionManageSnapshots},
			IndexPermissions: []opensearch.IndexPermission{{
				IndexPatterns:  []string{"*"},
				AllowedActions: []string{"indices:data/write/index", "indices:admin/create"},
			}},
		},
	}
}

// groups are the action groups that the product names.
var groups = map[string][]string{
	opensearch.PermissionManageSnapshots: {"cluster:admin/snapshot/*", "cluster:admin/repository/*"},
}

func allowed(permissions []string, action string) bool {
	for _, p := range permissions {
		if g, ok := groups[p]; ok && allowed(g, action) {
			return true
		}
		// In the plugin * crosses slashes, in path.Match it does not.
		if ok, _ := path.Match(flat(p), flat(action)); ok {
			return true
		}
	}
	return false
}

func flat(s string) string { return strings.ReplaceAll(s, "/", ":") }

// authorize answers the plugin's 403 unless a mapped role allows each action, on
// that index where one is named.
func (v *Caller) authorize(step, index string, actions []string) error {
	if v.admin {
		return nil
	}
	var permissions []string
	for _, name := range sortedKeys(v.cluster.mappings) {
		m := v.cluster.mappings[name]
		if !slices.Contains(m.BackendRoles, v.arn) && !slices.Contains(m.Users, v.arn) {
			continue
		}
		role := v.cluster.roles[name]
		permissions = append(permissions, role.ClusterPermissions...)
		for _, i := range role.IndexPermissions {
			if slices.ContainsFunc(i.IndexPatterns, func(p string) bool { ok, _ := path.Match(p, index); return p == "*" || ok }) {
				permissions = append(permissions, i.AllowedActions...)
			}
		}
	}
	for _, a := range actions {
		if !allowed(permissions, a) {
			return fail(step, 403, "security_exception", "no permissions for [%s] and User [name=%s, backend_roles=[%s], requestedTenant=null]", a, v.arn, v.arn)
		}
	}
	return nil
}

// restAPI is what only an administrator may do.
var restAPI = []string{"restapi:admin/roles"}

// Role of that name.
func (v *Caller) Role(ctx context.Context, name string) (out opensearch.Role, err error) {
	step := "read role " + name
	err = v.do(ctx, "Role", step, restAPI, func(c *Cluster) error {
		r, ok := c.roles[name]
		if !ok {
			return fail(step, 404, "NOT_FOUND", "role '%s' not found.", name)
		}
		out = r
		return nil
	})
	return out, err
}

// PutRole makes or replaces a role. The engine's own ones are reserved.
func (v *Caller) PutRole(ctx context.Context, name string, r opensearch.Role) error {
	step := "put role " + name
	return v.do(ctx, "PutRole", step, restAPI, func(c *Cluster) error {
		if _, own := builtinRoles()[name]; own {
			return fail(step, 403, "FORBIDDEN", "Resource '%s' is reserved.", name)
		}
		c.roles[name] = r
		return nil
	})
}

// RoleMapping of a role.
func (v *Caller) RoleMapping(ctx context.Context, name string) (out opensearch.RoleMapping, err error) {
	step := "read role mapping " + name
	err = v.do(ctx, "RoleMapping", step, restAPI, func(c *Cluster) error {
		m, ok := c.mappings[name]
		if !ok {
			return fail(step, 404, "NOT_FOUND", "rolesmapping '%s' not found.", name)
		}
		out = m
		return nil
	})
	return out, err
}

// PutRoleMapping replaces who has a role. An unknown role is a 404.
func (v *Caller) PutRoleMapping(ctx context.Context, name string, m opensearch.RoleMapping) error {
	step := "put role mapping " + name
	return v.do(ctx, "PutRoleMapping", step, restAPI, func(c *Cluster) error {
		if _, ok := c.roles[name]; !ok {
			return fail(step, 404, "NOT_FOUND", "role '%s' not found.", name)
		}
		c.mappings[name] = m
		return nil
	})
}

// SecurityCapsule of what somebody made here.
func (v *Caller) SecurityCapsule(ctx context.Context) (out opensearch.Capsule, err error) {
	err = v.do(ctx, "SecurityCapsule", "read roles and role mappings", restAPI, func(c *Cluster) error {
		out.Roles, out.RoleMappings = map[string]map[string]any{}, map[string]map[string]any{}
		for _, name := range sortedKeys(c.roles) {
			if _, own := builtinRoles()[name]; !own {
				out.Roles[name] = asMap(c.roles[name])
			}
		}
		for _, name := range sortedKeys(c.mappings) {
			out.RoleMappings[name] = asMap(c.mappings[name])
		}
		return nil
	})
	return out, err
}

func asMap(v any) map[string]any {
	out := map[string]any{}
	b, _ := json.Marshal(v) // strings and lists cannot fail
	_ = json.Unmarshal(b, &out)
	return out
}

// EnableAudit switches the audit log on.
func (v *Caller) EnableAudit(ctx context.Context) error {
	return v.do(ctx, "EnableAudit", "enable audit log", restAPI, func(c *Cluster) error {
		if c.faults.noAudit {
			return fmt.Errorf("enable audit log: %w", opensearch.ErrNotOffered)
		}
		c.audit = true
		return nil
	})
}

// AuditEnabled says whether somebody did.
func (c *Cluster) AuditEnabled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.audit
}
