package opensearchtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

// allowed by permissions of which some are groups that a user made.
func (c *Cluster) allowed(permissions []string, action string) bool {
	for _, p := range permissions {
		if g, ok := c.groups[p]; ok {
			list, _ := g["allowed_actions"].([]any)
			for _, a := range list {
				if name, is := a.(string); is && name != p && c.allowed([]string{name}, action) {
					return true
				}
			}
			continue
		}
		if allowed([]string{p}, action) {
			return true
		}
	}
	return false
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

// grant is one right of one principal, on one index where one is named.
type grant struct{ arn, action, index string }

// granted tells whether a mapped role of the principal allows the action. It is
// worked out once, until a role or a mapping changes.
func (c *Cluster) granted(arn, action, index string) bool {
	g := grant{arn, action, index}
	yes, known := c.grants[g]
	if known {
		return yes
	}
	for name, m := range c.mappings {
		if yes || !slices.Contains(m.BackendRoles, arn) && !slices.Contains(m.Users, arn) {
			continue
		}
		role := c.roles[name]
		yes = c.allowed(role.ClusterPermissions, action) || slices.ContainsFunc(role.IndexPermissions, func(i opensearch.IndexPermission) bool {
			return slices.ContainsFunc(i.IndexPatterns, func(p string) bool { ok, _ := path.Match(p, index); return p == "*" || ok }) && c.allowed(i.AllowedActions, action)
		})
	}
	c.grants[g] = yes
	return yes
}

// setRole and setMapping are the only ways to change who may what.
func (c *Cluster) setRole(name string, r opensearch.Role) {
	c.roles[name] = r
	c.forgetRights()
}

func (c *Cluster) setMapping(name string, m opensearch.RoleMapping) {
	c.mappings[name] = m
	c.forgetRights()
}

func (c *Cluster) forgetRights() {
	clear(c.grants)
	c.secured = opensearch.Capsule{}
}

// authorize answers the plugin's 403 unless a mapped role allows each action, on
// that index where one is named.
func (v *Caller) authorize(step, index string, actions []string) error {
	if v.admin {
		return nil
	}
	for _, a := range actions {
		if !v.cluster.granted(v.arn, a, index) {
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
		c.setRole(name, r)
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
		c.setMapping(name, m)
		return nil
	})
}

// SecurityCapsule of what somebody made here.
func (v *Caller) SecurityCapsule(ctx context.Context) (out opensearch.Capsule, err error) {
	err = v.do(ctx, "SecurityCapsule", "read roles and role mappings", restAPI, func(c *Cluster) error {
		if c.secured.Roles == nil {
			c.secured.Roles, c.secured.RoleMappings = map[string]map[string]any{}, map[string]map[string]any{}
			own := builtinRoles()
			for name, r := range c.roles {
				if _, builtin := own[name]; !builtin {
					c.secured.Roles[name] = asMap(r)
				}
			}
			for name, m := range c.mappings {
				c.secured.RoleMappings[name] = asMap(m)
			}
		}
		out.ActionGroups = maps.Clone(c.groups)
		out.Roles, out.RoleMappings = maps.Clone(c.secured.Roles), maps.Clone(c.secured.RoleMappings)
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
