package opensearch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

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
func (c *Client) PutCapsule(ctx context.Context, capsule Capsule) ([]Refused, error) {
	var refused []Refused
	for _, p := range []part{
		{"stored script", "/_scripts/", capsule.StoredScripts},
		{"ingest pipeline", "/_ingest/pipeline/", capsule.IngestPipelines},
		{"component template", "/_component_template/", capsule.ComponentTemplates},
		{"index template", "/_index_template/", capsule.IndexTemplates},
		{"legacy template", "/_template/", capsule.LegacyTemplates},
		{"ISM policy", "/_plugins/_ism/policies/", capsule.ISMPolicies},
	} {
		more, err := replay(ctx, p, func(step, path string, content map[string]any) error {
			switch p.what {
			case "ISM policy":
				return c.putPolicy(ctx, step, path, content)
			case "stored script":
				content = map[string]any{"script": content}
			}
			return c.change(ctx, step, http.MethodPut, path, content)
		})
		refused = append(refused, more...)
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// silent calls in a row after which a replay ends: the next ones would have
// none either.
const silent = 3

// replay puts each of a part by itself. What is not taken is reported, and the others
// go on; an error is the end of the run's time, or a domain that does not answer.
func replay(ctx context.Context, p part, put func(step, path string, content map[string]any) error) ([]Refused, error) {
	var refused []Refused
	unanswered := 0
	for _, name := range slices.Sorted(maps.Keys(p.content)) {
		step := "put " + p.what + " " + name
		err := put(step, p.path+url.PathEscape(name), p.content[name])
		if err == nil {
			unanswered = 0
			continue
		}
		if ctx.Err() != nil {
			return refused, err
		}
		unknown := !IsRefusal(err)
		refused = append(refused, Refused{Part: p.what, Name: name, Reason: err.Error(), Unknown: unknown})
		if !unknown {
			unanswered = 0
		} else if unanswered++; unanswered == silent {
			return refused, fmt.Errorf("%d parts in a row have no answer, the last one: %w", silent, err)
		}
	}
	return refused, nil
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

// PutSecurityCapsule puts action groups, then the roles that name them: the plugin
// takes a role of an unknown group, and it grants nothing. A mapping of an unknown
// role is a 404.
func (c *Client) PutSecurityCapsule(ctx context.Context, capsule Capsule) ([]Refused, error) {
	roles, mappings := maps.Clone(capsule.Roles), maps.Clone(capsule.RoleMappings)
	for _, own := range OwnRoles {
		delete(roles, own)
		delete(mappings, own)
	}
	var refused []Refused
	for _, p := range []part{{"action group", securityAPI + "actiongroups/", capsule.ActionGroups}, {"role", securityAPI + "roles/", roles}, {"role mapping", securityAPI + "rolesmapping/", mappings}} {
		more, err := replay(ctx, p, func(step, path string, content map[string]any) error {
			if name := strings.TrimPrefix(path, securityAPI+"rolesmapping/"); p.what == "role mapping" && slices.Contains(SharedMappings, name) {
				there, err := c.RoleMapping(ctx, name)
				if err != nil && !errors.Is(err, ErrNotFound) {
					return err
				}
				content = there.joined(content)
			}
			return c.change(ctx, step, http.MethodPut, path, content)
		})
		refused = append(refused, more...)
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

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
