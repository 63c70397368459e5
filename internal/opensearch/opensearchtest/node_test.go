package opensearchtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/opensearch-dr/osdr/drill/testcloud"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
)

const (
	east = "us-east-1" // the domain's Region
	west = "us-west-2" // the bucket's
)

func TestMain(m *testing.M) { testcloud.Main(m) }

// TestNode runs the contract on a real node behind the gateway: every call is
// signed by a role, and the node reaches S3 as TheSnapshotRole. What an earlier
// case left under the contract's names goes first.
func TestNode(t *testing.T) {
	d := makeDomain(t)
	app := application{d, d.session(t, master)}
	opensearchtest.Contract(t, func(t *testing.T) opensearchtest.Subject {
		for _, path := range []string{"/_data_stream/c*-logs*", "/c*?expand_wildcards=all", "/_snapshot/c*-repo*",
			"/_index_template/c*", "/_component_template/c*", "/_template/c*", "/_ingest/pipeline/c*"} {
			if err := app.do(t.Context(), http.MethodDelete, path, ""); err != nil && !isStatus(err, 404) {
				t.Fatal(err)
			}
		}
		template := `{"index_patterns":["c*-logs*"],"data_stream":{},"template":{"settings":{"number_of_replicas":0}}}`
		if err := app.do(t.Context(), http.MethodPut, "/_index_template/contract", template); err != nil {
			t.Fatal(err)
		}
		return opensearchtest.Subject{
			Domain: d.client(t, agent), Recovery: d.client(t, agent), Trial: d.client(t, agent), Security: d.client(t, master), Replay: d.client(t, master), Stranger: d.client(t, nobody), Application: app, Agent: agent,
			Search: func(ctx context.Context, index string) error {
				return application{d, d.session(t, agent)}.do(ctx, http.MethodGet, "/"+index+"/_search", "")
			},
			Repository: d.repository, OtherRegion: d.otherRegion, Bucket: d.bucket, AuditOffered: true,
			Pass: func() { time.Sleep(100 * time.Millisecond) },
		}
	})
}

// domain is a real one, and a bucket in the other Region that it reaches.
type domain struct {
	cloud       *testcloud.Cloud
	endpoint    string
	repository  opensearch.Repository
	otherRegion opensearch.Repository
	bucket      store.Bucket
}

func makeDomain(t *testing.T) domain {
	t.Helper()
	d := domain{cloud: testcloud.Get(t)}
	d.bucket = d.makeBucket(t)
	arn := "arn:aws:s3:::" + d.bucket.Name()
	role := d.cloud.Role(t, "TheSnapshotRole", "es.amazonaws.com",
		testcloud.Statement(arn, "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"),
		testcloud.Statement(arn+"/*", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"))
	d.repository = opensearch.Repository{Bucket: d.bucket.Name(), Region: west, Endpoint: "https://s3." + west + ".amazonaws.com", RoleARN: role}
	// Without the endpoint the engine asks its own Region's S3, which redirects (X8).
	d.otherRegion = opensearch.Repository{Bucket: d.bucket.Name(), Region: west, RoleARN: role}
	// IAM lets all of them do all of it: what is refused, the engine refuses.
	for _, arn := range []string{agent, master, nobody} {
		d.cloud.Role(t, arn[strings.LastIndexByte(arn, '/')+1:], "lambda.amazonaws.com",
			testcloud.Statement("arn:aws:es:"+east+":000000000000:domain/*", "es:ESHttp*"),
			testcloud.Statement("arn:aws:iam::000000000000:role/*", "iam:PassRole"))
	}
	d.endpoint = "https://" + d.cloud.Domain(t, east, "contract", master)
	return d
}

func (d domain) makeBucket(t *testing.T) store.Bucket {
	t.Helper()
	client, name := store.NewClient(d.cloud.Config(d.cloud.Admin, west), west), "contract-"+strings.ToLower(rand.Text())
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: west}})
	if err != nil {
		t.Fatal(err)
	}
	return store.New(client, name, west)
}

func (d domain) session(t *testing.T, arn string) aws.CredentialsProvider {
	t.Helper()
	return testcloud.Credentials(d.cloud.Session(t, arn))
}

func (d domain) client(t *testing.T, arn string) *opensearch.Client {
	t.Helper()
	c, err := opensearch.New(opensearch.Config{Endpoint: d.endpoint, Region: east, Credentials: d.session(t, arn), Transport: d.cloud.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// application is a user of the domain: signed HTTP, no product code.
type application struct {
	domain
	as aws.CredentialsProvider
}

func isStatus(err error, status int) bool {
	e, ok := errors.AsType[*opensearch.Error](err)
	return ok && e.Status == status
}

func (a application) do(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, a.endpoint+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	credentials, err := a.as.Retrieve(ctx)
	if err != nil {
		return err
	}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hash, "es", east, time.Now()); err != nil {
		return err
	}
	response, err := a.cloud.Transport().RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode < 300 {
		return err
	}
	return &opensearch.Error{Step: method + " " + path, Status: response.StatusCode, Reason: string(answer)}
}

func (a application) CreateIndex(ctx context.Context, name string, o opensearchtest.IndexOptions) error {
	settings := map[string]any{
		"index.number_of_shards": max(o.Shards, 1), "index.number_of_replicas": o.Replicas, "index.hidden": o.Hidden,
	}
	mappings := map[string]any{}
	if o.Sorted {
		settings["index.sort.field"], mappings["properties"] = "n", map[string]any{"n": map[string]any{"type": "long"}}
	}
	path := "/" + name
	if o.Red {
		settings["index.routing.allocation.require.box"] = "nowhere"
		path += "?wait_for_active_shards=0"
	}
	body, err := json.Marshal(map[string]any{"settings": settings, "mappings": mappings})
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

func (a application) OpenIndex(ctx context.Context, name string) error {
	return a.do(ctx, http.MethodPost, "/"+name+"/_open", "")
}

func (a application) SetBlock(ctx context.Context, name, block string, on bool) error {
	return a.do(ctx, http.MethodPut, "/"+name+"/_settings", fmt.Sprintf(`{"index.blocks.%s":%v}`, block, on))
}

func (a application) PutSetting(ctx context.Context, name, setting, value string) error {
	body, err := json.Marshal(map[string]any{setting: value})
	if err != nil {
		return err
	}
	return a.do(ctx, http.MethodPut, "/"+name+"/_settings", string(body))
}

func (a application) SetShardLimit(ctx context.Context, n int) error {
	value := "null"
	if n > 0 {
		value = fmt.Sprint(n)
	}
	return a.do(ctx, http.MethodPut, "/_cluster/settings", `{"persistent":{"cluster.max_shards_per_node":`+value+`}}`)
}

func (a application) PutAlias(ctx context.Context, name, alias string) error {
	return a.do(ctx, http.MethodPut, "/"+name+"/_alias/"+alias, "")
}

func (a application) SetPipeline(ctx context.Context, name, setting, pipeline string) error {
	return a.do(ctx, http.MethodPut, "/"+name+"/_settings", fmt.Sprintf(`{%q:%q}`, setting, pipeline))
}

func (a application) PutScript(ctx context.Context, id, lang, source string) error {
	return a.do(ctx, http.MethodPut, "/_scripts/"+id, fmt.Sprintf(`{"script":{"lang":%q,"source":%q}}`, lang, source))
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
