// Package telemetry is how a function speaks: structured logs, which never hold
// a secret or a document, and metrics by PutMetricData. Losing a metric never
// fails a run that did its work; the caller joins the error to its notices, and
// missing data is what the alarms treat as breaching (D1).
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// secret attributes are dropped by name, whoever logs them.
var secret = []string{"authorization", "password", "secret", "secretaccesskey", "sessiontoken", "credentials", "body", "document"}

// Logger writes JSON lines with the function's and the Region's name. The Lambda
// request id is the caller's to add, per request.
func Logger(w io.Writer, function, region string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if slices.Contains(secret, normal(a.Key)) {
			return slog.String(a.Key, "left out")
		}
		return a
	}})).With("function", function, "region", region)
}

func normal(key string) string {
	out := make([]rune, 0, len(key))
	for _, r := range key {
		switch {
		case r >= 'A' && r <= 'Z':
			out = append(out, r+'a'-'A')
		case r != '-' && r != '_':
			out = append(out, r)
		}
	}
	return string(out)
}

// Unit of a metric, as CloudWatch names it.
type Unit string

// Units that the product uses.
const (
	Count   Unit = "Count"
	Seconds Unit = "Seconds"
	Bytes   Unit = "Bytes"
)

// Metric is one value of a contract.Metric... name.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// Publisher of metrics.
type Publisher interface {
	Publish(ctx context.Context, metrics ...Metric) error
}

// callDeadline of one call, the SDK's repeats included.
const callDeadline = 5 * time.Second

// batch is the most that one PutMetricData takes (docs: API_PutMetricData).
const batch = 1000

type cloudWatch struct {
	client *cloudwatch.Client
	name   string
}

// CloudWatch publishes in contract.MetricNamespace with the installation's name
// as the one dimension.
func CloudWatch(client *cloudwatch.Client, name string) Publisher { return &cloudWatch{client, name} }

func (c *cloudWatch) Publish(ctx context.Context, metrics ...Metric) error {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	for some := range slices.Chunk(metrics, batch) {
		in := &cloudwatch.PutMetricDataInput{Namespace: new(contract.MetricNamespace)}
		for _, m := range some {
			in.MetricData = append(in.MetricData, types.MetricDatum{
				MetricName: &m.Name, Value: &m.Value, Unit: types.StandardUnit(m.Unit),
				Dimensions: []types.Dimension{{Name: new(contract.MetricDimension), Value: &c.name}},
			})
		}
		if _, err := c.client.PutMetricData(ctx, in); err != nil {
			return fmt.Errorf("publish metrics: %w", err)
		}
	}
	return nil
}

// Recorder is a Publisher that remembers.
type Recorder struct {
	mu      sync.Mutex
	metrics []Metric
	fail    error
}

// Publish implements Publisher.
func (r *Recorder) Publish(_ context.Context, metrics ...Metric) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.metrics = append(r.metrics, metrics...)
	return nil
}

// Fail all publishing from now on; nil ends it.
func (r *Recorder) Fail(err error) { r.mu.Lock(); defer r.mu.Unlock(); r.fail = err }

// All metrics in the order of publishing.
func (r *Recorder) All() []Metric { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.metrics) }

// Values of one metric in the order of publishing.
func (r *Recorder) Values(name string) []float64 {
	var out []float64
	for _, m := range r.All() {
		if m.Name == name {
			out = append(out, m.Value)
		}
	}
	return out
}
