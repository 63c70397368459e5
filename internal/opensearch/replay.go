package opensearch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// PutAliases in one call.
func (c *Client) PutAliases(ctx context.Context, actions []AliasAction) error {
	if len(actions) == 0 {
		return nil
	}
	list := make([]map[string]any, 0, len(actions))
	for _, a := range actions {
		if a.Remove {
			list = append(list, map[string]any{"remove": map[string]any{"index": a.Index, "alias": a.Alias, "must_exist": false}})
			continue
		}
		add := maps.Clone(a.Properties)
		if add == nil {
			add = map[string]any{}
		}
		add["index"], add["alias"] = a.Index, a.Alias
		list = append(list, map[string]any{"add": add})
	}
	return c.change(ctx, "put aliases", http.MethodPost, "/_aliases", map[string]any{"actions": list})
}

// part of a capsule, put by name.
type part struct {
	what, path string
	content    rawMap
}

// PutCapsule in the order that parts refer to each other.
func (c *Client) PutCapsule(ctx context.Context, capsule Capsule) ([]string, error) {
	var notices []string
	for _, p := range []part{
		{"ingest pipeline", "/_ingest/pipeline/", capsule.IngestPipelines},
		{"component template", "/_component_template/", capsule.ComponentTemplates},
		{"index template", "/_index_template/", capsule.IndexTemplates},
		{"legacy template", "/_template/", capsule.LegacyTemplates},
	} {
		more, err := replay(p, func(step, path string, content map[string]any) error {
			return c.change(ctx, step, http.MethodPut, path, content)
		})
		notices = append(notices, more...)
		if err != nil {
			return notices, err
		}
	}
	more, err := replay(part{"ISM policy", "/_plugins/_ism/policies/", capsule.ISMPolicies}, func(step, path string, content map[string]any) error {
		return c.putPolicy(ctx, step, path, content)
	})
	return append(notices, more...), err
}

// replay puts each of a part; what the engine refuses for its content is noted.
func replay(p part, put func(step, path string, content map[string]any) error) ([]string, error) {
	var notices []string
	for _, name := range slices.Sorted(maps.Keys(p.content)) {
		step := "put " + p.what + " " + name
		err := put(step, p.path+url.PathEscape(name), p.content[name])
		if e, ok := asError(err); ok && (e.Status == 400 || e.Status == 404 || e.Status == 405 || e.Status == 409) {
			notices = append(notices, err.Error())
			continue
		}
		if err != nil {
			return notices, err
		}
	}
	return notices, nil
}

// stamps that the plugin adds to a policy when it is read.
var stamps = []string{"policy_id", "last_updated_time", "schema_version", "user"}

// putPolicy makes a policy, or replaces the one that is there: the plugin asks
// for its sequence number then
// (https://docs.opensearch.org/latest/im-plugin/ism/api/#update-policy).
func (c *Client) putPolicy(ctx context.Context, step, path string, policy map[string]any) error {
	policy = maps.Clone(policy)
	for _, s := range stamps {
		delete(policy, s)
	}
	body := map[string]any{"policy": policy}
	err := c.change(ctx, step, http.MethodPut, path, body)
	if e, ok := asError(err); !ok || e.Status != http.StatusConflict {
		return err
	}
	var there struct {
		SeqNo       int64 `json:"_seq_no"`
		PrimaryTerm int64 `json:"_primary_term"`
	}
	if err := c.get(ctx, step, path, &there); err != nil {
		return err
	}
	return c.change(ctx, step, http.MethodPut, fmt.Sprintf("%s?if_primary_term=%d&if_seq_no=%d", path, there.PrimaryTerm, there.SeqNo), body)
}

// OwnRoles are the product's own: each Region's access step puts them, with that
// Region's functions, so they never come from the other side.
var OwnRoles = []string{contract.AgentRole, contract.RecoveryRole}

// SharedMappings let the product in: what comes from the other side is added to
// them, and nobody is put out.
var SharedMappings = []string{"all_access", contract.ManageSnapshots, "security_manager"}

// PutSecurityCapsule puts roles first: a mapping of an unknown one is a 404.
func (c *Client) PutSecurityCapsule(ctx context.Context, capsule Capsule) ([]string, error) {
	roles, mappings := maps.Clone(capsule.Roles), maps.Clone(capsule.RoleMappings)
	for _, own := range OwnRoles {
		delete(roles, own)
		delete(mappings, own)
	}
	for _, name := range SharedMappings {
		incoming, ok := mappings[name]
		if !ok {
			continue
		}
		there, err := c.RoleMapping(ctx, name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		mappings[name] = there.joined(incoming)
	}
	var notices []string
	for _, p := range []part{{"role", securityAPI + "roles/", roles}, {"role mapping", securityAPI + "rolesmapping/", mappings}} {
		more, err := replay(p, func(step, path string, content map[string]any) error {
			err := c.change(ctx, step, http.MethodPut, path, content)
			if e, ok := asError(err); ok && builtIn.MatchString(e.Reason) {
				e.Status = http.StatusBadRequest // this one's fault, not the signer's
			}
			return err
		})
		notices = append(notices, more...)
		if err != nil {
			return notices, err
		}
	}
	return notices, nil
}

// builtIn is how the plugin refuses to change what is the engine's.
var builtIn = regexp.MustCompile(`Resource '.*' is (reserved|static|hidden)`)

// joined with another mapping in the security API's own form.
func (m RoleMapping) joined(other map[string]any) map[string]any {
	join := func(mine []string, key string) []string {
		all := slices.Clone(mine)
		theirs, _ := other[key].([]any)
		for _, t := range theirs {
			if name, ok := t.(string); ok && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		return notNil(all)
	}
	return map[string]any{"backend_roles": join(m.BackendRoles, "backend_roles"), "users": join(m.Users, "users"), "hosts": join(m.Hosts, "hosts")}
}
