package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// rawMap is the engine's JSON by name.
type rawMap = map[string]map[string]any

// Capsule without Roles and RoleMappings, which SecurityCapsule reads.
func (c *Client) Capsule(ctx context.Context) (Capsule, error) {
	var out Capsule
	var index, component json.RawMessage
	for _, part := range []struct {
		what, path string
		into       any
	}{
		{"index templates", "/_index_template", &index},
		{"legacy templates", "/_template", &out.LegacyTemplates},
		{"component templates", "/_component_template", &component},
		{"ingest pipelines", "/_ingest/pipeline", &out.IngestPipelines},
	} {
		err := c.get(ctx, "read "+part.what, part.path, part.into)
		if errors.Is(err, ErrNotFound) && !notOffered(err) {
			continue // of pipelines the engine says so when there are none
		}
		if err := out.without(part.what, err); err != nil {
			return Capsule{}, err
		}
	}
	var err error
	if out.IndexTemplates, err = templates(index, "index_templates", "index_template"); err != nil {
		out.Unavailable = append(out.Unavailable, "index templates: "+err.Error())
	}
	if out.ComponentTemplates, err = templates(component, "component_templates", "component_template"); err != nil {
		out.Unavailable = append(out.Unavailable, "component templates: "+err.Error())
	}
	value, set, err := c.AutoCreate(ctx)
	if err == nil {
		out.AutoCreate = &AutoCreate{value, set}
	}
	if err := out.without(autoCreate, err); err != nil {
		return Capsule{}, err
	}
	switch on, err := c.ISM(ctx); {
	case err == nil:
		out.ISM = &on
	case !errors.Is(err, ErrNotOffered):
		if err := out.without(ismEnabled, err); err != nil {
			return Capsule{}, err
		}
	}
	out.StoredScripts, err = c.scripts(ctx)
	if err := out.without("stored scripts", err); err != nil {
		return Capsule{}, err
	}
	out.Aliases, err = c.aliases(ctx)
	if err := out.without("aliases", err); err != nil {
		return Capsule{}, err
	}
	switch out.ISMPolicies, err = c.policies(ctx); {
	case notOffered(err):
		out.Unavailable = append(out.Unavailable, "ISM policies: this domain has no index state management")
	case err != nil:
		if err := out.without("ISM policies", err); err != nil {
			return Capsule{}, err
		}
	}
	return out, nil
}

// without a part that the domain refuses to tell: that will be the same the next
// time, and a capsule that lacks one part, and says so, is worth more than no
// recovery point at all. Where nobody knows (a timeout, no answer) the error stays
// one and the next run asks again.
func (p *Capsule) without(part string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		p.Unavailable = append(p.Unavailable, part+": "+e.Error())
		return nil
	}
	return err
}

// templates turns the engine's list of {"name", <key>} into a map.
func templates(body json.RawMessage, list, key string) (rawMap, error) {
	var answer map[string][]map[string]any
	if body == nil {
		return rawMap{}, nil
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	out := make(rawMap, len(answer[list]))
	for _, entry := range answer[list] {
		name, ok := entry["name"].(string)
		content, is := entry[key].(map[string]any)
		if !ok || !is {
			return nil, fmt.Errorf("an entry of %s has no name or no %s", list, key)
		}
		out[name] = content
	}
	return out, nil
}

func (c *Client) aliases(ctx context.Context) (rawMap, error) {
	var answer map[string]struct {
		Aliases map[string]any `json:"aliases"`
	}
	const query = "/_alias?expand_wildcards=all"
	err := c.get(ctx, "read aliases", "/_all"+query, &answer)
	if IsBlocked(err) {
		var state metadata
		if err := c.get(ctx, "list indexes", metadataPath, &state); err != nil {
			return nil, err
		}
		for _, path := range state.allBut(state.hidden()) {
			if err = c.get(ctx, "read aliases", path+query, &answer); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	out := rawMap{}
	for index, a := range answer {
		if len(a.Aliases) > 0 {
			out[index] = a.Aliases
		}
	}
	return out, nil
}

// policiesAtOnce is one page; the plugin's own default is 20.
const policiesAtOnce = 200

func (c *Client) policies(ctx context.Context) (rawMap, error) {
	out := rawMap{}
	for from := 0; ; from += policiesAtOnce {
		var page struct {
			Policies []struct {
				ID     string         `json:"_id"`
				Policy map[string]any `json:"policy"`
			} `json:"policies"`
		}
		path := fmt.Sprintf("/_plugins/_ism/policies?from=%d&size=%d", from, policiesAtOnce)
		if err := c.get(ctx, "read ISM policies", path, &page); err != nil {
			return nil, err
		}
		for _, p := range page.Policies {
			out[p.ID] = p.Policy
		}
		if len(page.Policies) < policiesAtOnce {
			return out, nil
		}
	}
}

// notOffered: the engine has no handler for the path.
func notOffered(err error) bool {
	e, ok := asError(err)
	return ok && (e.Status == 400 || e.Status == 404 || e.Status == 405) && strings.Contains(e.Reason, "no handler found")
}
