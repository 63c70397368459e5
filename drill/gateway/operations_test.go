package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

func TestH75_ServiceLetsThroughItsListOnly(t *testing.T) {
	c := start(t)
	const settings = "PUT /_cluster/settings "
	rows := []struct {
		request string // method, path, body
		status  int
		message string
	}{
		{"GET /", 200, ""},
		{"GET /films/_search", 200, ""},
		{"POST /films/_close", 200, ""},
		{"PUT /films/_block/write", 200, ""},
		{"GET /_all/_alias", 200, ""},
		{"POST /_aliases {}", 200, ""},
		{"GET /_cluster/state/metadata/films", 200, ""},
		{"GET /_cluster/health", 200, ""},
		{"GET /_cluster/allocation/explain", 200, ""},
		{"POST /_cluster/allocation/explain {}", 200, ""},
		{"GET /_cluster/settings", 200, ""},
		{"GET /_cat/nodes", 200, ""},
		{"GET /_nodes/stats", 200, ""},
		{"GET /_plugins/_security/api/roles", 200, ""},
		{"PUT /_plugins/_ism/policies/hot {}", 200, ""},
		{"GET /_snapshot/_status", 200, ""},
		{"DELETE /_data_stream/logs", 200, ""},

		{"POST /_cluster/reroute {}", 401, "Your request: '/_cluster/reroute' is not allowed."},
		{"GET /_cat/nodeattrs", 401, "Your request: '/_cat/nodeattrs' is not allowed."},
		{"PUT /_settings {}", 401, "Your request: '/_settings' is not allowed."},
		{"POST /_close", 401, "Your request: '/_close' is not allowed."},
		{"POST /_nodes/reload_secure_settings {}", 401, "Your request: '/_nodes/reload_secure_settings' is not allowed."},
		{"PUT /_plugins/_security/api/securityconfig/config {}", 401, "Your request: '/_plugins/_security/api/securityconfig/config' is not allowed."},
		{"POST /_remotestore/_restore {}", 401, "Your request: '/_remotestore/_restore' is not allowed."},
		{"TRACE /films", 405, "Your request method: 'TRACE' is not allowed."},

		{settings + `{"persistent":{"action.auto_create_index":"false"}}`, 200, ""},
		{settings + `{"persistent":{"action.auto_create_index":null}}`, 200, ""},
		{settings + `{"transient":{"cluster.max_shards_per_node":"2000"}}`, 200, ""},
		{settings + `{"persistent":{"plugins.index_state_management.enabled":false}}`, 200, ""},
		{settings + `{"persistent":{"action":{"auto_create_index":false}}}`, 401, "Your request: '/_cluster/settings' payload is not allowed."},
		{settings + `{"persistent":{"action.auto_create_index":"false"},"transient":{"action.auto_create_index":null}}`, 401, "Your request: '/_cluster/settings' payload is not allowed."},
		{settings + `{"persistent":{"indices.recovery.max_bytes_per_sec":"1gb"}}`, 401, "Your request: '/_cluster/settings' payload is not allowed."},
		{settings + `{"persistent":{"cluster.routing.allocation.disk.threshold_enabled":true}}`, 401, "Your request: '/_cluster/settings' payload is not allowed."},
		{settings + `no JSON`, 401, "Your request: '/_cluster/settings' payload is not allowed."},
	}
	for _, row := range rows {
		parts := strings.SplitN(row.request, " ", 3)
		body := ""
		if len(parts) == 3 {
			body = parts[2]
		}
		before := len(c.nodes[east].requests())
		status, got := do(t, c.viaProxy(), sign(t, request(t, parts[0], "https://"+domainIn(east).Endpoint+parts[1], body), client, "es", east, time.Now()))
		if status != row.status || !strings.Contains(got, row.message) {
			t.Errorf("%s: %d %s, want %d %s", row.request, status, got, row.status, row.message)
		}
		if reached := len(c.nodes[east].requests()) > before; reached != (row.status == 200) {
			t.Errorf("%s reaches the node: %v", row.request, reached)
		}
	}
}

func TestAllOperationsIsTheEngineItself(t *testing.T) {
	c := start(t, func(cfg *gateway.Config) { cfg.AllOperations = true })
	c.nodes[east].answer = func(w http.ResponseWriter, _ got) { _, _ = io.WriteString(w, `{"ip":"127.0.0.1"}`) }
	status, body := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(east).Endpoint+"/_nodes", ""), client, "es", east, time.Now()))
	if status != 200 || !strings.Contains(body, "127.0.0.1") {
		t.Errorf("%d %s", status, body)
	}
	if status, body = do(t, c.viaProxy(), sign(t, request(t, "POST", "https://"+domainIn(east).Endpoint+"/_cluster/reroute", "{}"), client, "es", east, time.Now())); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

func TestServiceRedactsItsInternals(t *testing.T) {
	c := start(t)
	rows := []struct{ path, node, want string }{
		{"/_nodes", `{"nodes":{"a":{"name":"a","host":"127.0.0.1","transport_address":"127.0.0.1:9300","os":{"name":"Linux","version":"6","available_processors":2}}}}`,
			`{"nodes":{"a":{"name":"a","os":{"available_processors":2}}}}`},
		{"/_nodes/stats/fs", `{"nodes":{"a":{"fs":{"total":{"total_in_bytes":12345678901234567},"data":[{"path":"/data","mount":"/","free_in_bytes":7}]}}}}`,
			`{"nodes":{"a":{"fs":{"data":[{"free_in_bytes":7}],"total":{"total_in_bytes":12345678901234567}}}}}`},
		{"/_cat/nodes", "127.0.0.1 23 99 a\n", "x.x.x.x 23 99 a\n"},
		{"/_cluster/state", `{"nodes":{"a":{"transport_address":"127.0.0.1:9300"}}}`, `{"nodes":{"a":{"transport_address":"x.x.x.x"}}}`},
		{"/_cluster/settings?include_defaults=true&flat_settings=true", `{"persistent":{},"defaults":{"path.data":"/data","node.name":"a","cluster.max_shards_per_node":"1000"}}`,
			`{"defaults":{"cluster.max_shards_per_node":"1000"},"persistent":{}}`},
		{"/_cluster/settings?include_defaults=true", `{"defaults":{"path":{"data":"/data"},"plugins":{"security":{"disabled":"false"},"x":"1"}}}`, `{"defaults":{"plugins":{"x":"1"}}}`},
		{"/_snapshot", `{"cs-automated-enc":{"type":"fs","settings":{"location":"/data"}},"own":{"type":"s3","settings":{"bucket":"b"}}}`,
			`{"cs-automated-enc":{"type":"s3"},"own":{"settings":{"bucket":"b"},"type":"s3"}}`},
		{"/films/_doc/1", `{"_source":{"ip":"127.0.0.1"}}`, `{"_source":{"ip":"127.0.0.1"}}`},
	}
	for _, row := range rows {
		c.nodes[east].answer = func(w http.ResponseWriter, _ got) { _, _ = io.WriteString(w, row.node) }
		status, body := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(east).Endpoint+row.path, ""), client, "es", east, time.Now()))
		if status != 200 || strings.TrimSpace(body) != strings.TrimSpace(row.want) {
			t.Errorf("%s: %d %s, want %s", row.path, status, body, row.want)
		}
	}
}

func TestH81_DomainShowsTheVersionItWasAskedFor(t *testing.T) {
	c := start(t)
	a, b := domainIn(east), domainIn(west)
	a.Address, a.Version, b.Address = c.nodes[east].Listener.Addr().String(), "3.3.0", c.nodes[west].Listener.Addr().String()
	c.dir.set(a, b)
	for region, want := range map[string]string{east: "3.3.0", west: "3.4.0"} {
		c.nodes[region].answer = func(w http.ResponseWriter, _ got) {
			_, _ = io.WriteString(w, `{"cluster_uuid":"u","version":{"distribution":"opensearch","number" : "3.4.0"}}`)
		}
		status, body := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(region).Endpoint+"/", ""), client, "es", region, time.Now()))
		if status != 200 || !strings.Contains(body, `"number" : "`+want+`"`) {
			t.Errorf("%s: %d %s, want %s", region, status, body, want)
		}
	}
}

func TestSearchesAreTold(t *testing.T) {
	var told []string
	c := start(t, func(cfg *gateway.Config) { cfg.Searched = func(d gateway.Domain) { told = append(told, d.Region) } })
	for _, path := range []string{"/films/_search", "/films/_doc/1", "/_msearch", "/films/_count"} {
		do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(west).Endpoint+path, ""), client, "es", west, time.Now()))
	}
	if len(told) != 3 || told[0] != west {
		t.Errorf("told of %v", told)
	}
}

func TestNodesReportTheDiskThatWasSet(t *testing.T) {
	c := start(t)
	for _, row := range []struct {
		path string
		set  int64
		want string
	}{
		{"/_nodes/stats/fs", 0, `{"nodes":{"a":{"fs":{"total":{"total_in_bytes":500}},"roles":["data"]}}}`},
		{"/_nodes/stats/fs", 7, `{"nodes":{"a":{"fs":{"total":{"total_in_bytes":7}},"roles":["data"]}}}`},
		{"/films/_stats", 7, `{"nodes":{"a":{"roles":["data"],"fs":{"total":{"total_in_bytes":500}}}}}`},
	} {
		c.SetDisk(east, row.set)
		c.nodes[east].answer = func(w http.ResponseWriter, _ got) {
			_, _ = io.WriteString(w, `{"nodes":{"a":{"roles":["data"],"fs":{"total":{"total_in_bytes":500}}}}}`)
		}
		status, body := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(east).Endpoint+row.path, ""), client, "es", east, time.Now()))
		if status != 200 || strings.TrimSpace(body) != row.want {
			t.Errorf("%s with %d: %d %s, want %s", row.path, row.set, status, body, row.want)
		}
	}
}
