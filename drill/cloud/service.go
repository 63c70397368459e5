package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/node"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// AutomatedRepository is the service's own; the gateway hides its settings.
const AutomatedRepository = "cs-automated-enc"

// dashboardsIndex and its alias are what OpenSearch Dashboards makes when it
// starts.
const (
	dashboardsIndex = ".kibana_1"
	dashboardsAlias = ".kibana"
)

// ErrNoNode says that no node of the domain runs.
var ErrNoNode = errors.New("its node does not run")

// Service asks a domain's node as the service's own user, past the gateway and its
// list of operations: what only the service's staff may do. An answer
// of 300 and above is an error that carries it.
func (c *Cloud) Service(ctx context.Context, region, name, method, path string, body, answer any) error {
	domain := c.domains.find(key{region, name})
	if domain == nil {
		return fmt.Errorf("no domain %s in %s", name, region)
	}
	c.domains.mu.Lock()
	n := domain.node
	c.domains.mu.Unlock()
	if n == nil {
		return fmt.Errorf("domain %s in %s: %w", name, region, ErrNoNode)
	}
	return ask(ctx, n, method, path, body, answer)
}

// SetFlood puts the disks of a domain's node past the flood stage, or back: the
// engine blocks each index with index.blocks.read_only_allow_delete within half a
// minute; the way back lifts the block. No disk is filled: the marks move.
func (c *Cloud) SetFlood(ctx context.Context, region, name string, on bool) error {
	marks := map[string]any{"cluster.info.update.interval": nil}
	for _, mark := range []string{"threshold_enabled", "watermark.low", "watermark.high", "watermark.flood_stage"} {
		marks["cluster.routing.allocation.disk."+mark] = nil
	}
	if on {
		marks["cluster.info.update.interval"] = "10s" // the shortest
		marks["cluster.routing.allocation.disk.threshold_enabled"] = true
		for _, mark := range []string{"low", "high", "flood_stage"} {
			marks["cluster.routing.allocation.disk.watermark."+mark] = "1000pb" // that much must be free
		}
	}
	if err := c.Service(ctx, region, name, http.MethodPut, "/_cluster/settings", map[string]any{"transient": marks}, nil); err != nil {
		return fmt.Errorf("set the flood stage: %w", err)
	}
	if on {
		return nil
	}
	// With the threshold off again the engine lifts nothing by itself.
	err := c.Service(ctx, region, name, http.MethodPut, "/*,-.opendistro_security/_settings?expand_wildcards=all", map[string]any{"index.blocks.read_only_allow_delete": nil}, nil)
	if err != nil {
		return fmt.Errorf("end the flood stage: %w", err)
	}
	return nil
}

// Refusal of a node.
type Refusal struct {
	Status int
	Body   string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %.400s", r.Status, r.Body) }

func ask(ctx context.Context, n *node.Node, method, path string, body, answer any) error {
	status, got, err := n.Service(ctx, method, path, body)
	if err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &Refusal{status, string(got)})
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}

// is a refusal of the engine's type.
func is(err error, kind string) bool {
	var r *Refusal
	return errors.As(err, &r) && strings.Contains(r.Body, `"`+kind+`"`)
}

// furnish a new domain before anyone sees it, as the service does: Dashboards'
// index, and the repository of the automated snapshots.
func (d *domains) furnish(ctx context.Context, n *node.Node) error {
	if d.cloud.options.unkind(Dashboards) {
		if err := makeDashboards(ctx, n); err != nil {
			return fmt.Errorf("make %s: %w", dashboardsIndex, err)
		}
	}
	if d.cloud.options.unkind(Automated) {
		if err := ask(ctx, n, http.MethodPut, "/_snapshot/"+AutomatedRepository, map[string]any{
			// Slow, or no caller would ever meet a snapshot of so little data.
			"type": "fs", "settings": map[string]any{"location": n.Automated(), "max_snapshot_bytes_per_sec": "2mb"},
		}, nil); err != nil {
			return fmt.Errorf("register %s: %w", AutomatedRepository, err)
		}
	}
	return nil
}

func makeDashboards(ctx context.Context, n *node.Node) error {
	if err := ask(ctx, n, http.MethodPut, "/"+dashboardsIndex, map[string]any{
		"settings": map[string]any{"number_of_shards": 1, "auto_expand_replicas": "0-1"},
		"mappings": map[string]any{"dynamic": "strict", "properties": map[string]any{
			"type":       map[string]any{"type": "keyword"},
			"updated_at": map[string]any{"type": "date"},
			"config":     map[string]any{"dynamic": "true", "properties": map[string]any{"buildNum": map[string]any{"type": "keyword"}}},
		}},
		"aliases": map[string]any{dashboardsAlias: map[string]any{}},
	}, nil); err != nil {
		return err
	}
	return ask(ctx, n, http.MethodPut, "/"+dashboardsIndex+"/_doc/"+url.PathEscape("config:3.4.0")+"?refresh=true", map[string]any{
		"type": "config", "config": map[string]any{"buildNum": "8898"}, "updated_at": time.Now().UTC().Format(time.RFC3339),
	}, nil)
}

// attend to a domain as the service does, until it is gone.
func (d *domains) attend(ctx context.Context, domain *domain) {
	insights, automated := time.NewTicker(d.pace.insights), time.NewTicker(d.pace.automated)
	defer insights.Stop()
	defer automated.Stop()
	for {
		var do func(context.Context, *node.Node) error
		select {
		case <-ctx.Done():
			return
		case <-insights.C:
			do = func(ctx context.Context, n *node.Node) error { return d.insight(ctx, domain, n) }
		case <-automated.C:
			do = d.snapshot
		}
		d.mu.Lock()
		n := domain.node
		d.mu.Unlock()
		if n == nil {
			continue
		}
		if err := do(ctx, n); err != nil && ctx.Err() == nil {
			_, _ = fmt.Fprintf(d.cloud.serviceLog, "%s %s %s: %v\n", time.Now().UTC().Format(time.RFC3339), domain.Region, domain.Name, err)
		}
	}
}

// insight is Dashboards' look at its index, which is a search, and the export of
// the searches since the last one. A write block stops the document, not the
// index: it is created explicitly.
func (d *domains) insight(ctx context.Context, domain *domain, n *node.Node) error {
	if d.cloud.options.unkind(Dashboards) {
		var ignored json.RawMessage
		err := ask(ctx, n, http.MethodGet, "/"+dashboardsAlias+"/_search?ignore_unavailable=true", nil, &ignored)
		if err != nil {
			return err
		}
		d.searched(domain.Domain)
	}
	if !d.cloud.options.unkind(QueryInsights) {
		return nil
	}
	d.mu.Lock()
	searched := domain.searched
	domain.searched = false
	d.mu.Unlock()
	if !searched {
		return nil
	}
	index := sysindex.TopQueries(time.Now())
	if err := ask(ctx, n, http.MethodPut, "/"+index, map[string]any{
		"settings": map[string]any{"number_of_shards": 1, "auto_expand_replicas": "0-2"},
		"mappings": map[string]any{"_meta": map[string]any{"query_insights_feature_space": "top_n_queries"}, "dynamic": true},
	}, nil); err != nil && !is(err, "resource_already_exists_exception") {
		return err
	}
	return ask(ctx, n, http.MethodPost, "/"+index+"/_doc", map[string]any{
		"timestamp": time.Now().UnixMilli(), "search_type": "query_then_fetch", "total_shards": 1,
		"measurements": map[string]any{"latency": map[string]any{"number": 1, "count": 1, "aggregationType": "NONE"}},
	}, nil)
}

// searched is the gateway's word that a domain was.
func (d *domains) searched(found gateway.Domain) {
	domain := d.find(key{found.Region, found.Name})
	if domain == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	domain.searched = true
}

// snapshot is one automated snapshot. The one before goes first, so that each is a
// whole one and takes its time.
func (d *domains) snapshot(ctx context.Context, n *node.Node) error {
	if !d.cloud.options.unkind(Automated) {
		return nil
	}
	repository := "/_snapshot/" + AutomatedRepository
	var have struct {
		Snapshots []struct {
			Snapshot string `json:"snapshot"`
			State    string `json:"state"`
		} `json:"snapshots"`
	}
	if err := ask(ctx, n, http.MethodGet, repository+"/_all", nil, &have); err != nil {
		return err
	}
	for _, s := range have.Snapshots {
		if s.State == "IN_PROGRESS" {
			return nil
		}
		if err := ask(ctx, n, http.MethodDelete, repository+"/"+s.Snapshot, nil, nil); err != nil {
			return err
		}
	}
	name := strings.ToLower(time.Now().UTC().Format("2006-01-02T15-04-05")) + ".osdr-drill"
	return ask(ctx, n, http.MethodPut, repository+"/"+name, map[string]any{
		"indices": "*", "ignore_unavailable": true, "include_global_state": false, "partial": true,
	}, nil)
}
