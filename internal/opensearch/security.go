package opensearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

const securityAPI = "/_plugins/_security/api/"

// Role of that name.
func (c *Client) Role(ctx context.Context, name string) (Role, error) {
	var answer map[string]Role
	if err := c.get(ctx, "read role "+name, securityAPI+"roles/"+url.PathEscape(name), &answer); err != nil {
		return Role{}, err
	}
	return answer[name], nil
}

// PutRole makes or replaces a role.
func (c *Client) PutRole(ctx context.Context, name string, r Role) error {
	r.ClusterPermissions = notNil(r.ClusterPermissions)
	if r.IndexPermissions == nil {
		r.IndexPermissions = []IndexPermission{}
	}
	return c.change(ctx, "put role "+name, http.MethodPut, securityAPI+"roles/"+url.PathEscape(name), r)
}

// RoleMapping of a role.
func (c *Client) RoleMapping(ctx context.Context, name string) (RoleMapping, error) {
	var answer map[string]RoleMapping
	if err := c.get(ctx, "read role mapping "+name, securityAPI+"rolesmapping/"+url.PathEscape(name), &answer); err != nil {
		return RoleMapping{}, err
	}
	return answer[name], nil
}

// PutRoleMapping replaces who has a role.
func (c *Client) PutRoleMapping(ctx context.Context, name string, m RoleMapping) error {
	m = RoleMapping{notNil(m.BackendRoles), notNil(m.Users), notNil(m.Hosts)}
	return c.change(ctx, "put role mapping "+name, http.MethodPut, securityAPI+"rolesmapping/"+url.PathEscape(name), m)
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// SecurityCapsule reads action groups, roles and mappings, in the form in which they are put
// again. Internal users, which have hashes, are never asked for.
func (c *Client) SecurityCapsule(ctx context.Context) (Capsule, error) {
	var out Capsule
	if err := c.get(ctx, "read action groups", securityAPI+"actiongroups", &out.ActionGroups); err != nil {
		return Capsule{}, err
	}
	if err := c.get(ctx, "read roles", securityAPI+"roles", &out.Roles); err != nil {
		return Capsule{}, err
	}
	if err := c.get(ctx, "read role mappings", securityAPI+"rolesmapping", &out.RoleMappings); err != nil {
		return Capsule{}, err
	}
	custom(out.ActionGroups)
	custom(out.Roles)
	custom(out.RoleMappings)
	return out, nil
}

// custom drops what is the engine's own, and the marks that a PUT refuses.
func custom(parts rawMap) {
	for name, part := range parts {
		if part["reserved"] == true || part["hidden"] == true || part["static"] == true {
			delete(parts, name)
			continue
		}
		for _, mark := range []string{"reserved", "hidden", "static"} {
			delete(part, mark)
		}
	}
}

// EnableAudit reads the audit configuration and puts it back switched on, so
// what somebody chose there stays. The log publishing of the domain alone leaves
// the log group empty (D6;
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/audit-logs.html).
func (c *Client) EnableAudit(ctx context.Context) error {
	var answer struct {
		Config map[string]any `json:"config"`
	}
	err := c.get(ctx, "read audit configuration", securityAPI+"audit", &answer)
	if notOffered(err) {
		return fmt.Errorf("enable audit log: %w", ErrNotOffered)
	}
	if err != nil || answer.Config["enabled"] == true {
		return err
	}
	if answer.Config == nil { // a PUT of less than all would take back what somebody chose
		return errors.New("enable audit log: the domain answers no audit configuration; read GET " + securityAPI + "audit as the master role, and send its config with \"enabled\": true by PUT " + securityAPI + "audit/config (D6)")
	}
	answer.Config["enabled"] = true
	return c.change(ctx, "enable audit log", http.MethodPut, securityAPI+"audit/config", answer.Config)
}
