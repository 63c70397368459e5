package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

func TestNoSecretReachesTheLog(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.Logger(&out, "snapshot", "us-west-2").With("session_token", "hush1")
	log.Info("step", "Authorization", "hush2", "secretAccessKey", "hush3", "document", "hush4", "snapshot", "g1-x")
	s := out.String()
	if strings.Contains(s, "hush") {
		t.Fatal(s)
	}
	for _, want := range []string{`"function":"snapshot"`, `"region":"us-west-2"`, `"snapshot":"g1-x"`} {
		if !strings.Contains(s, want) {
			t.Errorf("%s lacks %s", s, want)
		}
	}
}

func TestCloudWatchSendsNamespaceDimensionAndUnit(t *testing.T) {
	var body string
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body = string(b)
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(status)
		_, _ = w.Write([]byte{0xa0})
	}))
	defer srv.Close()
	c := cloudwatch.New(cloudwatch.Options{Region: "us-west-2", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		DisableRequestCompression: true, Credentials: aws.CredentialsProvider(credentials.NewStaticCredentialsProvider("a", "b", ""))})
	p := telemetry.CloudWatch(c, "search")
	m := telemetry.Metric{Name: contract.MetricPointAge, Unit: telemetry.Seconds, Value: 61}
	if err := p.Publish(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{contract.MetricNamespace, contract.MetricDimension, "search", contract.MetricPointAge, "Seconds"} {
		if !strings.Contains(body, want) {
			t.Errorf("the request lacks %s: %q", want, body)
		}
	}
	status = http.StatusBadRequest
	if err := p.Publish(context.Background(), m); err == nil || !strings.HasPrefix(err.Error(), "publish metrics: ") {
		t.Fatal(err)
	}
}

func TestRecorder(t *testing.T) {
	var r telemetry.Recorder
	ctx := context.Background()
	for _, v := range []float64{1, 2} {
		if err := r.Publish(ctx, telemetry.Metric{Name: "a", Value: v}, telemetry.Metric{Name: "b"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Values("a"); !slices.Equal(got, []float64{1, 2}) {
		t.Fatal(got)
	}
	r.Fail(errors.New("throttled"))
	if err := r.Publish(ctx, telemetry.Metric{}); err == nil || len(r.All()) != 4 {
		t.Fatal(err)
	}
}
