// Package sysindex knows which indexes are the engine's own and its plugins', by the
// names that they register, and not by what a name looks like (H51).
package sysindex

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// kind of an index of the engine's own.
type kind int

// What no row of the table names is a user's document, dot or no dot: .kibana and the
// audit log are, too (H12, decision 0013).
const (
	// configured through a plugin's API, in an index that no mapped role restores. What
	// the capsule does not carry of it is named wherever a domain is trusted (H51).
	configured kind = iota
	// carried by the capsule.
	carried
	// rebuilt by the engine or by its plugin without anybody's help.
	rebuilt
)

// owned is one row: what an engine or a plugin registers as a system index.
type owned struct {
	pattern string // an exact name, or the plugin's own registered pattern
	kind    kind
	what    string // for people
	source  string // who registers or makes it
}

// standard is the list of registered descriptors of the standard distribution 3.8:
// opensearch-project/documentation-website, _security/configuration/system-indices.md,
// "System index patterns in the standard distribution".
const standard = "standard distribution 3.8, registered descriptors"

// table of the engine's own indexes. A name is here only if the engine or a plugin
// registers it (SystemIndexPlugin.getSystemIndexDescriptors), or makes it at its own
// start. A plugin refuses writes of everybody else to a registered name, so that no
// role can restore it; a prefix that merely looks like the engine's is no reason to
// leave users' documents out (H51).
//
// The engine registers .tasks*, and makes .tasks alone. Learning to Rank registers
// .ltrstore* and Dashboards .opensearch_dashboards*, .reporting-*: these hold what
// people made, and recovery points take them.
var table = []owned{
	{".tasks", rebuilt, "results of finished tasks", "OpenSearch TaskResultsService.TASK_INDEX, 3.4"},
	{".opendistro_security", carried, "roles and mappings, see the capsule", standard + ": security"},
	{".opensearch_security_api_tokens", configured, "API tokens of the security plugin", standard + ": security"},
	{".opendistro-anomaly-detectors-sharing", configured, "who shares anomaly detectors", standard + ": security"},
	{".opensearch-forecasters-sharing", configured, "who shares forecasters", standard + ": security"},
	{".plugins-ml-model-group-sharing", configured, "who shares model groups", standard + ": security"},
	{".plugins-flow-framework-templates-sharing", configured, "who shares workflow templates", standard + ": security"},
	{".plugins-flow-framework-state-sharing", configured, "who shares workflows", standard + ": security"},
	{".opendistro-reports-definitions-sharing", configured, "who shares report definitions", standard + ": security"},
	{".opendistro-reports-instances-sharing", configured, "who shares reports", standard + ": security"},
	{".opendistro-alerting-config", configured, "alerting monitors and destinations", standard + ": alerting"},
	{".opendistro-alerting-alert*", configured, "alerts and their history", standard + ": alerting, AlertingConstants.ALL_ALERT_INDEX_PATTERN"},
	{".opensearch-alerting-comments*", configured, "comments on alerts", standard + ": alerting, AlertingConstants.ALL_COMMENTS_INDEX_PATTERN"},
	{".opendistro-anomaly-detectors", configured, "anomaly detectors", standard + ": anomaly detection"},
	{".opendistro-anomaly-detector-jobs", configured, "jobs of anomaly detectors", standard + ": anomaly detection"},
	{".opendistro-anomaly-results*", configured, "results of anomaly detectors", standard + ": anomaly detection"},
	{".opendistro-anomaly-checkpoints", rebuilt, "models of anomaly detectors, trained again", standard + ": anomaly detection"},
	{".opendistro-anomaly-detection-state", rebuilt, "state of anomaly detectors", standard + ": anomaly detection"},
	{".opensearch-forecasters", configured, "forecasters", standard + ": anomaly detection"},
	{".opensearch-forecast-checkpoints", rebuilt, "models of forecasters, trained again", standard + ": anomaly detection"},
	{".opensearch-forecast-state", rebuilt, "state of forecasters", standard + ": anomaly detection"},
	{".opendistro-asynchronous-search-response", rebuilt, "results of asynchronous searches, which expire", standard + ": asynchronous search"},
	{".replication-metadata-store", configured, "cross-cluster replication", standard + ": replication, ReplicationMetadataStore"},
	{".plugins-flow-framework-config", configured, "configuration of workflows", standard + ": flow framework, CommonValue"},
	{".plugins-flow-framework-templates", configured, "workflow templates", standard + ": flow framework, CommonValue"},
	{".plugins-flow-framework-state", configured, "workflows", standard + ": flow framework, CommonValue"},
	{".geospatial-ip2geo-data*", rebuilt, "ip2geo data, downloaded again", standard + ": geospatial"},
	{".scheduler-geospatial-ip2geo-datasource", configured, "ip2geo data sources", standard + ": geospatial"},
	{".opendistro-ism-config", configured, "index state management, rollups, transforms and snapshot policies: the capsule carries the ISM policies", standard + ": index management"},
	{".opendistro-ism-managed-index-history*", rebuilt, "history of index state management", standard + ": index management"},
	{".opensearch-control-center", configured, "notifications of long-running operations", standard + ": index management"},
	{".opendistro-job-scheduler-lock", rebuilt, "locks of scheduled jobs", standard + ": job scheduler"},
	{".job-scheduler-history", rebuilt, "history of scheduled jobs", standard + ": job scheduler"},
	{".opensearch-knn-models", configured, "trained k-NN models: an index that names one can be neither written nor searched without it", standard + ": k-NN"},
	{".plugins-ml-model", configured, "ML models", standard + ": ML Commons"},
	{".plugins-ml-model-group", configured, "ML model groups", standard + ": ML Commons"},
	{".plugins-ml-task", rebuilt, "ML tasks", standard + ": ML Commons"},
	{".plugins-ml-agent", configured, "ML agents", standard + ": ML Commons"},
	{".plugins-ml-connector", configured, "ML connectors", standard + ": ML Commons"},
	{".plugins-ml-config", rebuilt, "keys of the ML plugin, made at its start", standard + ": ML Commons"},
	{".plugins-ml-controller", configured, "ML model controllers", standard + ": ML Commons"},
	{".plugins-ml-jobs", rebuilt, "ML jobs", standard + ": ML Commons"},
	{".plugins-ml-am*", configured, "agentic memory", standard + ": ML Commons"},
	{".plugins-ml-memory-meta", configured, "conversations with ML agents", standard + ": ML Commons"},
	{".plugins-ml-memory-message", configured, "messages of conversations with ML agents", standard + ": ML Commons"},
	{".plugins-ml-mcp-tools", configured, "MCP tools", standard + ": ML Commons"},
	{".plugins-ml-mcp-session-management", rebuilt, "MCP sessions", standard + ": ML Commons"},
	{".plugins-ml-context-management-templates", configured, "context management templates", standard + ": ML Commons"},
	{".plugins-ml-stop-words", rebuilt, "stop words of ML guardrails", standard + ": ML Commons"},
	{".plugins-ml-conversation-meta", configured, "conversations with ML agents, 2.x", "security SecuritySettingsConfigurer.SYSTEM_INDICES, 2.19: ML Commons"},
	{".plugins-ml-conversation-interactions", configured, "conversations with ML agents, 2.x", "security SecuritySettingsConfigurer.SYSTEM_INDICES, 2.19: ML Commons"},
	{".opensearch-notifications-config", configured, "notification channels", standard + ": notifications"},
	{".opensearch-observability", configured, "observability objects", standard + ": observability"},
	{".opensearch-notebooks", configured, "notebooks", standard + ": observability"},
	{".opendistro-notebooks", configured, "notebooks, 1.x", "security demo configuration 1.0: notebooks"},
	{".opendistro-reports-definitions", configured, "report definitions", standard + ": reporting"},
	{".opendistro-reports-instances", configured, "reports", standard + ": reporting"},
	{".plugins-search-relevance-experiment", configured, "search relevance experiments", standard + ": search relevance"},
	{".plugins-search-relevance-judgment-cache", rebuilt, "cached judgments", standard + ": search relevance"},
	{".opensearch-sap-correlation-alerts", configured, "correlation alerts of security analytics", standard + ": security analytics"},
	{".opensearch-sap-threat-intel", configured, "threat intelligence of security analytics", standard + ": security analytics"},
	// These two are not registered, but every domain with the plugin gets them at its start.
	{".opensearch-sap-log-types-config", rebuilt, "log types of security analytics", "security analytics LogTypeService, made at the plugin's start"},
	{".opensearch-sap-pre-packaged-rules-config", rebuilt, "rules that come with security analytics", "security analytics RuleIndices, made at the plugin's start"},
	{".ql-datasources", configured, "data sources of SQL and their credentials", standard + ": SQL, DATASOURCE_INDEX_NAME"},
	{".query_execution_request*", rebuilt, "requests of asynchronous SQL queries", standard + ": SQL, SPARK_REQUEST_BUFFER_INDEX_NAME"},
	{".async-query-scheduler", configured, "scheduled SQL queries", "SQL OpenSearchAsyncQueryScheduler.SCHEDULER_INDEX_NAME, 2.17"},
}

// ownOf is the row of a name; nil for users' documents.
func ownOf(name string) *owned {
	for n := range table {
		if fits, err := path.Match(table[n].pattern, name); err == nil && fits {
			return &table[n]
		}
	}
	if topQueries(name) {
		return &owned{pattern: name, kind: rebuilt, what: "the domain's own record of slow queries, a new one each day", source: "query insights TopQueriesService.isTopQueriesIndex"}
	}
	return nil
}

// Is the engine's own: recovery points leave it out, and nothing fences or saves it.
func Is(name string) bool { return ownOf(name) != nil }

// Configured reports whether a name is the engine's own and holds what people configured
// through a plugin: recovery points do not carry it, and nothing makes it again.
func Configured(name string) (what string, is bool) {
	if o := ownOf(name); o != nil && o.kind == configured {
		return o.what, true
	}
	return "", false
}

// Reason why recovery points leave a name out; empty for users' documents.
func Reason(name string) string {
	if o := ownOf(name); o != nil {
		return "system index: " + o.what
	}
	return ""
}

const topQueriesPrefix = "top_queries-"

// TopQueries is the name of the index that Query Insights makes on each day of UTC:
// the day, and a hash of it (ExporterReaderUtils.generateLocalIndexDateHash). Since
// 2.19 every domain that is searched gets one.
func TopQueries(day time.Time) string {
	day = day.UTC()
	return topQueriesPrefix + day.Format("2006.01.02") + "-" + dayHash(day)
}

// topQueries as the plugin itself decides it, so that no other index of that prefix is
// taken for one. The exporter of 2.x prints the year of the week, which is another one
// for some days around the new year; the hash is always of the day.
func topQueries(name string) bool {
	rest, ok := strings.CutPrefix(name, topQueriesPrefix)
	if !ok {
		return false
	}
	date, hash, ok := strings.Cut(rest, "-")
	if !ok {
		return false
	}
	day, err := time.Parse("2006.01.02", date)
	if err != nil {
		return false
	}
	days := []time.Time{day}
	switch {
	case day.Month() == time.December && day.Day() > 24:
		days = append(days, day.AddDate(-1, 0, 0))
	case day.Month() == time.January && day.Day() < 8:
		days = append(days, day.AddDate(1, 0, 0))
	}
	for _, d := range days {
		if hash == dayHash(d) {
			return true
		}
	}
	return false
}

// dayHash is Java's String.hashCode of the day, of which the plugin takes five digits.
func dayHash(day time.Time) string {
	var h int32
	for _, c := range []byte(day.Format(time.DateOnly)) {
		h = 31*h + int32(c)
	}
	return fmt.Sprintf("%05d", (h%100000+100000)%100000)
}
