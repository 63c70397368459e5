package opensearch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// serve answers each request with handle and gives a client that signs.
func serve(t *testing.T, handle http.HandlerFunc) *opensearch.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	c, err := opensearch.New(opensearch.Config{
		Endpoint: server.URL, Region: "us-west-2",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "token"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestH31_AClusterWithoutManagerHasNoUUID(t *testing.T) {
	for _, uuid := range []string{"_na_", "", "../../0123456789abcdef", "short"} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"cluster_uuid":"`+uuid+`","version":{"distribution":"opensearch","number":"3.4.0"}}`)
		})
		i, err := c.Info(t.Context())
		if err != nil || i.ClusterUUID != "" || i.Version != "3.4.0" {
			t.Errorf("%q: %+v, %v", uuid, i, err)
		}
	}
}

func TestF16_SignsForTheGivenRegion(t *testing.T) {
	var header http.Header
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_, _ = io.WriteString(w, `{}`)
	})
	if err := c.DeleteSnapshot(t.Context(), "r", "s"); err != nil {
		t.Fatal(err)
	}
	if a := header.Get("Authorization"); !strings.Contains(a, "/us-west-2/es/aws4_request") {
		t.Errorf("Authorization %q", a)
	}
	if header.Get("X-Amz-Security-Token") != "token" || header.Get("X-Amz-Content-Sha256") == "" {
		t.Errorf("%v", header)
	}
	_, err := opensearch.New(opensearch.Config{Endpoint: "https://x", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	if err == nil {
		t.Error("a client without a Region")
	}
	if _, err := opensearch.New(opensearch.Config{Endpoint: "search-x.es.amazonaws.com"}); err == nil {
		t.Error("an endpoint without a scheme")
	}
}

func TestF17_F34_ChangesAreNeverSentTwice(t *testing.T) {
	for _, status := range []int{502, 503, 504, 429} {
		var requests atomic.Int32
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			_, _ = io.ReadAll(r.Body)
			w.WriteHeader(status)
		})
		err := c.CreateSnapshot(t.Context(), "r", "s", opensearch.SnapshotRequest{Indices: []string{"a"}})
		if err == nil || requests.Load() != 1 {
			t.Errorf("%d: %d requests, %v", status, requests.Load(), err)
		}
		if opensearch.IsGatewayTimeout(err) != (status == 504) {
			t.Errorf("%d: %v", status, err)
		}
	}
	var requests atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		panic(http.ErrAbortHandler) // the connection breaks after the request
	})
	err := c.CreateSnapshot(t.Context(), "r", "s", opensearch.SnapshotRequest{Indices: []string{"a"}})
	if err == nil || requests.Load() != 1 {
		t.Errorf("a broken connection: %d requests, %v", requests.Load(), err)
	}
}

func TestReadsAreTriedAgain(t *testing.T) {
	requests := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"status":"yellow"}`)
	})
	if h, err := c.Health(t.Context()); err != nil || h != opensearch.Yellow || requests != 3 {
		t.Errorf("%s, %v after %d requests", h, err, requests)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Health(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestF9_H12_SnapshotNeverMeansEverything(t *testing.T) {
	var path, body string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, body = r.URL.String(), string(b)
		_, _ = io.WriteString(w, `{"accepted":true}`)
	})
	if err := c.CreateSnapshot(t.Context(), "r", "s", opensearch.SnapshotRequest{}); err != nil {
		t.Fatal(err)
	}
	if path != "/_snapshot/r/s?wait_for_completion=false" {
		t.Error(path)
	}
	if body != `{"ignore_unavailable":false,"include_global_state":false,"indices":["-*"],"partial":false}` {
		t.Error(body)
	}
}

func TestIndicesOfTheService(t *testing.T) {
	answers := map[string]string{
		"/_cluster/state/metadata": `{"metadata":{"indices":{
			"warm":{"state":"open","version":3,"mapping_version":1,"settings_version":2,"aliases_version":1,"settings":{"index":{"uuid":"u1","number_of_shards":"2",
				"blocks":{"write":"true","read_only":"false","read_only_allow_delete":"true"},"routing":{"allocation":{"require":{"box_type":"warm"}}},
				"sort":{"field":["ts","id"]},"analysis":{"filter":{"s":{"synonyms_path":"analyzers/F2"}},"tokenizer":{"n":{"user_dictionary":"analyzers/F1"},"m":{"user_dictionary":"analyzers/F2"}}}}}},
			"made-anew":{"state":"open","version":1,"mapping_version":1,"settings_version":1,"aliases_version":1,"settings":{"index":{"uuid":"u2","number_of_shards":"1"}}}}}}`,
		"/_cluster/health": `{"indices":{"warm":{"status":"red"}}}`,
		"/_all/_stats/docs,store": `{"indices":{"warm":{"uuid":"u1","shards":{"1":[
			{"routing":{"primary":false},"docs":{"count":7},"store":{"size_in_bytes":70},"seq_no":{"max_seq_no":6}},
			{"routing":{"primary":true},"docs":{"count":8},"store":{"size_in_bytes":80},"seq_no":{"max_seq_no":9}}]}},
			"made-anew":{"uuid":"of the one before","shards":{"0":[{"routing":{"primary":true},"seq_no":{"max_seq_no":5}}]}}}}`,
	}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answers[r.URL.Path]) })
	list, err := c.Indices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []opensearch.Index{
		{Name: "made-anew", UUID: "u2", Open: true, Primaries: 1, MetadataVersion: 1, MappingVersion: 1, SettingsVersion: 1, AliasesVersion: 1},
		{
			Name: "warm", UUID: "u1", Open: true, Health: opensearch.Red, Tier: "warm", Primaries: 2,
			MetadataVersion: 3, MappingVersion: 1, SettingsVersion: 2, AliasesVersion: 1,
			Shards: []opensearch.Shard{{ID: 1, MaxSeqNo: 9}}, Documents: 8, Bytes: 80, Blocks: []string{"read_only_allow_delete", "write"}, Sorted: true, Files: []string{"analyzers/F1", "analyzers/F2"},
		},
	}
	if d := cmp.Diff(want, list); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRefreshThatFailsOnSomeShardsIsAnError(t *testing.T) {
	requests := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		_, _ = io.WriteString(w, `{"_shards":{"total":2,"successful":1,"failed":1,"failures":[{"reason":{"type":"x","reason":"why"}}]}}`)
	})
	if err := c.Refresh(t.Context(), nil); err != nil || requests != 0 {
		t.Errorf("nothing asked: %d requests, %v", requests, err)
	}
	if err := c.Refresh(t.Context(), []string{"a"}); err == nil || !strings.Contains(err.Error(), "1 of 2 shards failed: why") {
		t.Errorf("%v", err)
	}
}

func TestD6_AuditKeepsWhatIsThereAndSaysWhereThereIsNone(t *testing.T) {
	var put string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			b, _ := io.ReadAll(r.Body)
			put = r.URL.Path + " " + string(b)
			return
		}
		_, _ = io.WriteString(w, `{"config":{"enabled":false,"audit":{"ignore_users":["x"]}}}`)
	})
	if err := c.EnableAudit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := `/_plugins/_security/api/audit/config {"audit":{"ignore_users":["x"]},"enabled":true}`; put != want {
		t.Errorf("got %s, want %s", put, want)
	}
	c = serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"no handler found for uri [/_plugins/_security/api/audit] and method [GET]"}`)
	})
	if err := c.EnableAudit(t.Context()); !errors.Is(err, opensearch.ErrNotOffered) {
		t.Errorf("%v", err)
	}
}

func TestH38_PoliciesOfAllPages(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/_plugins/_ism/policies":
			_, _ = io.WriteString(w, `{}`)
		case r.URL.Query().Get("from") == "0":
			page := strings.Repeat(`{"_id":"first","policy":{"states":[]}},`, 200)
			_, _ = io.WriteString(w, `{"policies":[`+strings.TrimSuffix(page, ",")+`]}`)
		default:
			_, _ = io.WriteString(w, `{"policies":[{"_id":"last","policy":{"states":[]}}]}`)
		}
	})
	got, err := c.Capsule(t.Context())
	if err != nil || len(got.ISMPolicies) != 2 || got.ISMPolicies["last"] == nil || got.Unavailable != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestD6_AnAnswerWithoutAnAuditConfigurationIsAnErrorAndNoPanic(t *testing.T) {
	for _, body := range []string{`{}`, `{"config":null}`, `{"_readonly":[]}`} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				t.Errorf("%s: it changed something", body)
			}
			_, _ = io.WriteString(w, body)
		})
		if err := c.EnableAudit(t.Context()); err == nil || !strings.Contains(err.Error(), "audit/config") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// What the domain refuses to tell is named; only where nobody knows is it an error.
func TestH12_ACapsuleWithoutWhatTheDomainRefuses(t *testing.T) {
	paths := []string{"/_index_template", "/_template", "/_component_template", "/_ingest/pipeline", "/_all/_alias", "/_plugins/_ism/policies"}
	for _, refused := range paths {
		for _, status := range []int{400, 403, 404, 504} {
			if status == 504 && refused != "/_template" {
				continue // one will do: each is tried again, with pauses
			}
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == refused {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"error":"no handler found for uri [x] and method [GET]","status":400}`)
					return
				}
				_, _ = io.WriteString(w, `{}`)
			})
			got, err := c.Capsule(t.Context())
			if status >= 500 {
				if err == nil {
					t.Errorf("%s %d: nobody knows, and that is no error", refused, status)
				}
				continue
			}
			if err != nil || len(got.Unavailable) != 1 {
				t.Errorf("%s %d: %v, unavailable %q", refused, status, err, got.Unavailable)
			}
		}
	}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_ingest/pipeline" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, `{}`)
	})
	if got, err := c.Capsule(t.Context()); err != nil || len(got.Unavailable) != 0 {
		t.Errorf("a domain without pipelines: %v %q", err, got.Unavailable)
	}
}

// A cluster that could not publish a change within its 30 s says so, and a node that
// lags goes on taking writes.
func TestH69_NotAcknowledgedIsNoSuccess(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"acknowledged":false}`) })
	for what, err := range map[string]error{
		"SetWriteBlock":    c.SetWriteBlock(t.Context(), []string{".ds-logs-000001"}, true),
		"SetAutoCreate":    c.SetAutoCreate(t.Context(), "+.*,-*", true),
		"SetISM":           c.SetISM(t.Context(), false),
		"LiftDiskBlock":    c.LiftDiskBlock(t.Context(), []string{"a"}),
		"RemoveIndex":      c.RemoveIndex(t.Context(), "a"),
		"RemoveDataStream": c.RemoveDataStream(t.Context(), "a"),
		"PutAliases":       c.PutAliases(t.Context(), []opensearch.AliasAction{{Index: "a", Alias: "b"}}),
		"DeleteSnapshot":   c.DeleteSnapshot(t.Context(), "r", "s"),
	} {
		if !errors.Is(err, opensearch.ErrNotAcknowledged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
