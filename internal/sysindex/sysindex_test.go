package sysindex

import (
	"path"
	"strings"
	"testing"
	"time"
)

func TestH51_OnlyWhatIsRegisteredIsTheEnginesOwn(t *testing.T) {
	for _, name := range []string{
		".opendistro_security", ".tasks", ".opendistro-ism-config", ".opendistro-ism-managed-index-history-2026.11.29-000001",
		".opendistro-alerting-config", ".opendistro-alerting-alert-history-2026.11.29-1", ".opendistro-anomaly-results-history-2026.11.29-1",
		".plugins-ml-config", ".opensearch-observability", ".ql-datasources", ".geospatial-ip2geo-data.x.1", ".opensearch-knn-models",
		".opensearch-sap-log-types-config", "top_queries-2025.09.15-00412", "top_queries-2025.09.16-00413",
	} {
		if !Is(name) || Reason(name) == "" {
			t.Errorf("%s is the engine's own", name)
		}
	}
	for _, name := range []string{
		"movies", ".opensearch-inventory", ".plugins-ours", ".ql-ours", ".opendistro-mine", ".opendistro_mine", ".geospatial-ours", ".tasks-of-ours",
		".kibana", ".kibana_1", ".kibana_92668751_admin_1", "security-auditlog-2026.11.29", ".ltrstore", ".opensearch-sap-custom-rules-config",
		"top_queries", "top_queries-", "top_queries-2025.09.15", "top_queries-2025.09.15-00413", "top_queries-2025.09.15-00412-x",
		"top_queries-2025.13.15-00412", "top_queries-ours", "top_queries-2024.09.15-00412",
	} {
		if Is(name) || Reason(name) != "" {
			t.Errorf("%s is somebody's", name)
		}
	}
}

// Each row names who registers it, and matches nothing that a shorter name would.
func TestH51_TheTableIsOfExactNamesAndRegisteredPatterns(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range table {
		if _, err := path.Match(o.pattern, "x"); err != nil {
			t.Errorf("%s: %v", o.pattern, err)
		}
		if seen[o.pattern] || o.source == "" || o.what == "" || !strings.HasPrefix(o.pattern, ".") || strings.Contains(strings.TrimSuffix(o.pattern, "*"), "*") {
			t.Errorf("%+v", o)
		}
		seen[o.pattern] = true
	}
	if what, is := Configured(".opendistro-alerting-config"); !is || what == "" {
		t.Error("monitors are configured by people")
	}
	for _, name := range []string{".tasks", ".opendistro_security", "movies", "top_queries-2025.09.15-00412"} {
		if _, is := Configured(name); is {
			t.Errorf("%s holds nothing that people configured and nobody carries", name)
		}
	}
}

func TestH82_TheNameOfADay(t *testing.T) {
	for day, want := range map[string]string{"2025-09-15T23:59:59Z": "top_queries-2025.09.15-00412", "2025-09-15T23:30:00-01:00": "top_queries-2025.09.16-00413"} {
		at, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := TopQueries(at); got != want || !Is(got) {
			t.Errorf("%s: %s, want %s", day, got, want)
		}
	}
	// The year of the week: 2024-12-31 belongs to the first week of 2025.
	if name := "top_queries-2025.12.31-" + dayHash(time.Date(2024, 12, 31, 0, 0, 0, 0, time.UTC)); !Is(name) {
		t.Errorf("%s is of an exporter that prints the year of the week", name)
	}
}
