package opensearchtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
)

// nodeUnderTest is a real node with the security plugin's proxy authenticator,
// and buckets that it reaches.
type nodeUnderTest struct {
	endpoint    string // http://127.0.0.1:<port>
	master      string // proxy user and backend role with all_access
	repository  opensearch.Repository
	otherRegion opensearch.Repository
	bucket      store.Bucket
}

func (n nodeUnderTest) header(arn string) http.Header {
	return http.Header{"X-Proxy-User": {arn}, "X-Proxy-Roles": {arn}, "X-Forwarded-For": {"127.0.0.1"}}
}

func (n nodeUnderTest) client(t *testing.T, arn string) *opensearch.Client {
	t.Helper()
	c, err := opensearch.New(opensearch.Config{Endpoint: n.endpoint, Header: n.header(arn)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// nodeContract runs the contract on n. What an earlier case or run left under
// the contract's names goes first.
func nodeContract(t *testing.T, n nodeUnderTest) {
	app := application{n, n.master}
	opensearchtest.Contract(t, func(t *testing.T) opensearchtest.Subject {
		for _, path := range []string{"/_data_stream/c*-logs", "/c*?expand_wildcards=all", "/_snapshot/c*-repo*",
			"/_index_template/c*", "/_component_template/c*", "/_template/c*", "/_ingest/pipeline/c*"} {
			if err := app.do(t.Context(), http.MethodDelete, path, ""); err != nil && !isStatus(err, 404) {
				t.Fatal(err)
			}
		}
		template := `{"index_patterns":["c*-logs"],"data_stream":{},"template":{"settings":{"number_of_replicas":0}}}`
		if err := app.do(t.Context(), http.MethodPut, "/_index_template/contract", template); err != nil {
			t.Fatal(err)
		}
		return opensearchtest.Subject{
			Domain: n.client(t, agent), Security: n.client(t, n.master), Stranger: n.client(t, nobody), Application: app, Agent: agent,
			Search: func(ctx context.Context, index string) error {
				return application{n, agent}.do(ctx, http.MethodGet, "/"+index+"/_search", "")
			},
			Repository: n.repository, OtherRegion: n.otherRegion, Bucket: n.bucket, AuditOffered: true,
			Pass: func() { time.Sleep(100 * time.Millisecond) },
		}
	})
}

// application is a user of the node: plain HTTP, no product code.
type application struct {
	node nodeUnderTest
	arn  string
}

func isStatus(err error, status int) bool {
	e, ok := err.(*opensearch.Error)
	return ok && e.Status == status
}

func (a application) do(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, a.node.endpoint+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	request.Header = a.node.header(a.arn)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode < 300 {
		return err
	}
	return &opensearch.Error{Step: method + " " + path, Status: response.StatusCode, Reason: string(answer)}
}

func (a application) CreateIndex(ctx context.Context, name string, o opensearchtest.IndexOptions) error {
	settings := map[string]any{
		"index.number_of_shards": max(o.Shards, 1), "index.number_of_replicas": 0, "index.hidden": o.Hidden,
	}
	path := "/" + name
	if o.Red {
		settings["index.routing.allocation.require.box"] = "nowhere"
		path += "?wait_for_active_shards=0"
	}
	body, err := json.Marshal(map[string]any{"settings": settings})
	if err != nil {
		return err
	}
	return a.do(ctx, http.MethodPut, path, string(body))
}

func (a application) DeleteIndex(ctx context.Context, name string) error {
	return a.do(ctx, http.MethodDelete, "/"+name, "")
}

func (a application) CloseIndex(ctx context.Context, name string) error {
	return a.do(ctx, http.MethodPost, "/"+name+"/_close", "")
}

func (a application) SetBlock(ctx context.Context, name, block string, on bool) error {
	return a.do(ctx, http.MethodPut, "/"+name+"/_settings", fmt.Sprintf(`{"index.blocks.%s":%v}`, block, on))
}

func (a application) PutAlias(ctx context.Context, name, alias string) error {
	return a.do(ctx, http.MethodPut, "/"+name+"/_alias/"+alias, "")
}

func (a application) CreateDataStream(ctx context.Context, name string) error {
	return a.do(ctx, http.MethodPut, "/_data_stream/"+name, "")
}

func (a application) Rollover(ctx context.Context, name string) error {
	return a.do(ctx, http.MethodPost, "/"+name+"/_rollover", "")
}

func (a application) Index(ctx context.Context, name, id, source string) error {
	err := a.do(ctx, http.MethodPut, "/"+name+"/_create/"+id, source)
	if isStatus(err, 409) { // a data stream takes creations only, an index updates too
		return a.do(ctx, http.MethodPut, "/"+name+"/_doc/"+id, source)
	}
	return err
}

func (a application) Delete(ctx context.Context, name, id string) error {
	return a.do(ctx, http.MethodDelete, "/"+name+"/_doc/"+id, "")
}

func (a application) PutParts(ctx context.Context, name string) error {
	for _, part := range []struct{ path, body string }{
		{"/_component_template/" + name, `{"template":{"settings":{"number_of_replicas":0}}}`},
		{"/_index_template/" + name, `{"index_patterns":["` + name + `-parts-*"],"priority":200,"composed_of":["` + name + `"]}`},
		{"/_template/" + name, `{"index_patterns":["` + name + `-legacy-*"]}`},
		{"/_ingest/pipeline/" + name, `{"processors":[]}`},
	} {
		if err := a.do(ctx, http.MethodPut, part.path, part.body); err != nil {
			return err
		}
	}
	return nil
}
