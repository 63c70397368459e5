package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The managed service lets through a list of operations, not the engine's API:
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-operations.html
// What is not on the list is a 401 of the service's front; the engine never sees
// it. The tables of that page differ little from version to version: the list here
// is that of 2.x and 3.x, and what no table names is refused.

// methods that IAM has an action for (es:ESHttp<Method>).
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch}

// operations by the first part of their path. Everything below it is let through
// where below is nil; else one of the patterns must match the rest of the path.
var operations = map[string][]*regexp.Regexp{
	"_alias": nil, "_aliases": nil, "_all": nil, "_analyze": nil, "_bulk": nil,
	"_cat":                nil,
	"_cluster":            below(`allocation/explain`, `health(?:/.*)?`, `pending_tasks`, `settings`, `state(?:/.*)?`, `stats(?:/.*)?`),
	"_component_template": nil, "_count": nil, "_dashboards": nil, "_data_stream": nil, "_delete_by_query": nil, "_explain": nil,
	"_field_caps": nil, "_flush": nil, "_index_template": nil,
	"_ingest": below(`pipeline(?:/.*)?`),
	"_list":   nil, "_ltr": nil, "_mapping": nil, "_mget": nil, "_msearch": nil, "_mtermvectors": nil,
	"_nodes": nil, "_percolate": nil, "_rank_eval": nil, "_refresh": nil, "_reindex": nil, "_render": nil,
	"_plugins":      below(`(?:_alerting|_anomaly_detection|_asynchronous_search|_flow_framework|_ism|_knn|_ml|_notifications|_ppl|_query|_replication|_rollup|_security|_security_analytics|_sm|_sql|_transform)(?:/.*)?`, `_insights(?:/.*)?`),
	"_opendistro":   nil,
	"_resolve":      below(`index/.*`),
	"_rollover":     nil,
	"_scripts":      nil,
	"_search":       nil,
	"_shard_stores": nil, "_shrink": nil,
	"_snapshot": nil, "_split": nil, "_stats": nil, "_status": nil, "_tasks": nil, "_template": nil, "_update_by_query": nil, "_validate": nil,
}

func below(patterns ...string) []*regexp.Regexp {
	var all []*regexp.Regexp
	for _, p := range patterns {
		all = append(all, regexp.MustCompile("^"+p+"$"))
	}
	return all
}

// ofTheService are below what is let through, and only the service's own staff
// may call them: they would change who gets in, or the nodes.
var ofTheService = below(`_plugins/_security/api/(?:securityconfig|nodesdn|certificates|ssl|allowlist|whitelist|tenancy/config)(?:/.*)?`,
	`_cat/nodeattrs`, `_nodes/reload_secure_settings`, `_nodes/[^/]+/reload_secure_settings`)

// clusterSettings that a PUT of _cluster/settings may name: the page's list, and
// those that the service's pages of its plugins name (ism.md).
var clusterSettings = below(`action\.auto_create_index`, `action\.search\.shard_count\.limit`,
	`indices\.breaker\.(?:fielddata|request|total)\.limit`, `cluster\.max_shards_per_node`,
	`cluster\.search\.request\.slowlog\.(?:level|threshold\.(?:warn|info|debug|trace))`, `search\.phase_took_enabled`,
	`(?:plugins|opendistro)\.index_state_management\.(?:enabled|history\..+)`)

// refusal of the service's front: nil where the request may go on.
type refusal struct {
	status  int
	effect  string // for the log
	message string
}

// refuse what the service's list does not let through.
func refuse(r *http.Request, body []byte) *refusal {
	if !slices.Contains(methods, r.Method) {
		return &refusal{http.StatusMethodNotAllowed, "refused: method", "Your request method: '" + r.Method + "' is not allowed."}
	}
	notAllowed := &refusal{http.StatusUnauthorized, "refused: operation", "Your request: '" + r.URL.Path + "' is not allowed."}
	path := strings.Trim(r.URL.Path, "/")
	first, rest, _ := strings.Cut(path, "/")
	if !strings.HasPrefix(first, "_") { // the root, and all operations in the index path
		return nil
	}
	patterns, known := operations[first]
	if !known || matches(ofTheService, path) || patterns != nil && !matches(patterns, rest) {
		return notAllowed
	}
	if first == "_cluster" && r.Method != http.MethodGet && r.Method != http.MethodHead {
		// Only the settings can be written, and only some.
		switch {
		case rest == "allocation/explain": // it has a body
		case rest != "settings" || r.Method != http.MethodPut:
			return notAllowed
		case !settingsAllowed(body):
			return &refusal{http.StatusUnauthorized, "refused: payload", "Your request: '" + r.URL.Path + "' payload is not allowed."}
		}
	}
	if first == "_nodes" && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return notAllowed
	}
	return nil
}

// settingsAllowed: the flat form alone, and listed keys alone. A null in
// `transient` is refused too: the page does not have it, and the service's own
// answer to it is not known.
func settingsAllowed(body []byte) bool {
	var sent map[string]map[string]json.RawMessage
	if json.Unmarshal(body, &sent) != nil || len(sent) == 0 {
		return false
	}
	for scope, settings := range sent {
		if scope != "persistent" && scope != "transient" {
			return false
		}
		for key, value := range settings {
			value = bytes.TrimSpace(value)
			if !matches(clusterSettings, key) || bytes.HasPrefix(value, []byte("{")) || scope == "transient" && string(value) == "null" {
				return false
			}
		}
	}
	return true
}

func matches(patterns []*regexp.Regexp, s string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(s) })
}

func (n *refusal) answer(w http.ResponseWriter) {
	answerJSON(w, n.status, map[string]string{"Message": n.message})
}
