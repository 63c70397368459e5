// Package scenario plays the product's promises on the local cloud: through the
// real cdk command, the DNS name that a client knows, the schedules, and faults
// that the gateway makes. A scenario looks at what is in the buckets, the
// metrics and the domain, never at what the product says of itself alone.
package scenario

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/opensearch-dr/osdr/drill/cdk"
	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// What every scenario uses.
const (
	Primary   = "us-east-1"
	Secondary = "us-west-2"
	zoneName  = "example.com"
	record    = "search.example.com"
	appRole   = "drill-application" // mapped in the domain
	stranger  = "drill-stranger"    // allowed by IAM, mapped nowhere
	account   = cloud.DefaultAccount
	rpo       = 2 // minutes: the schedule runs each minute
)

// World is one running local cloud with the app's parameters.
type World struct {
	Cloud  *cloud.Cloud
	Report *report.Report
	CDK    cdk.CLI
	Names  contract.Names

	admin  aws.Config
	app    *client.Client
	other  *client.Client // the stranger
	dialer *gateway.Dialer
	loaded time.Time // when the client began to write
	suite  string    // of the report, that is being played

	films map[string]int // before a switch, and flights and visits

	appKey aws.CredentialsProvider // the application's
	work   *workload.Load          // the client that a switch is watched by
	watch  *watch
}

// NewWorld around a started cloud. Log receives all that cdk prints.
func NewWorld(c *cloud.Cloud, r *report.Report, root string, log io.Writer) *World {
	w := &World{Cloud: c, Report: r}
	w.Names = contract.Names{App: "movies", Account: account}
	w.dialer = c.Gateway.Dialer()
	w.admin = aws.Config{
		Region:       Primary,
		BaseEndpoint: new(c.Gateway.AWSURL()),
		Credentials:  credentials.NewStaticCredentialsProvider(c.Admin.AccessKeyID, c.Admin.Secret, ""),
		HTTPClient:   &http.Client{Transport: client.Buffered{RoundTripper: w.transport()}},
	}
	var env []string
	for name, value := range c.Env() {
		env = append(env, name+"="+value)
	}
	w.CDK = cdk.CLI{
		Command: []string{c.Tools.Node, c.Tools.CDK}, Dir: root, Env: env, Log: log,
		Output: filepath.Join(c.Folder(), "cdk.out"),
		Context: map[string]string{
			"dr.name":                 w.Names.App,
			"dr.account":              account,
			"dr.primaryRegion":        Primary,
			"dr.secondaryRegion":      Secondary,
			"dr.rpoMinutes":           fmt.Sprint(rpo),
			"dr.lostAfter":            "10s",
			"dr.dns.zoneName":         zoneName,
			"dr.dns.record":           record,
			"dr.functionArchitecture": map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH],
		},
	}
	return w
}

func (w *World) in(region string) aws.Config {
	cfg := w.admin.Copy()
	cfg.Region = region
	return cfg
}

// transport trusts the local cloud's CA.
func (w *World) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.Cloud.Certs.Pool(), MinVersion: tls.VersionTLS12}}
}

// domain of a Region, while it exists.
func (w *World) domain(region string) (gateway.Domain, bool) {
	for _, d := range w.Cloud.Domains() {
		if d.Region == region && d.Name == w.Names.Domain() {
			return d, true
		}
	}
	return gateway.Domain{}, false
}

// bucket of a Region, read as the drill's administrator.
func (w *World) bucket(region string) store.Bucket {
	return store.New(store.NewClient(w.in(region), region), w.Names.Bucket(region), region)
}

// points of the domain in region, oldest first: they lie in the other's bucket.
func (w *World) points(ctx context.Context, region string) ([]point.Point, error) {
	b := w.bucket(otherRegion(region))
	ids, err := point.List(ctx, b)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []point.Point
	for _, id := range ids {
		p, err := point.Load(ctx, b, id)
		if errors.Is(err, store.ErrAbsent) {
			continue // pruned meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// awaitPoint waits for a point that began after since and fits.
func (w *World) awaitPoint(ctx context.Context, region string, since time.Time, fits func(point.Point) bool) (point.Point, error) { //nolint:unparam // every helper of World is told its Region; a failover makes it another
	var found point.Point
	err := w.await(ctx, 5*time.Minute, "a recovery point of "+region, func() (bool, error) {
		all, err := w.points(ctx, region)
		if err != nil {
			return false, err
		}
		for _, p := range all {
			if !p.Start.Before(since) && (fits == nil || fits(p)) {
				found = p
				return true, nil
			}
		}
		return false, nil
	})
	return found, err
}

// await polls until done, or tells what was waited for.
func (w *World) await(ctx context.Context, limit time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		ok, err := done()
		if ok {
			return nil
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: not within %s (last: %v)", what, limit, last) //nolint:errorlint // nil where nothing failed and nothing came
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// zone makes the hosted zone and answers its id.
func (w *World) zone(ctx context.Context) (string, error) {
	out, err := route53.NewFromConfig(w.in(Primary)).CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name: new(zoneName + "."), CallerReference: new(fmt.Sprint(time.Now().UnixNano())),
	})
	if err != nil {
		return "", fmt.Errorf("create the hosted zone: %w", err)
	}
	return filepath.Base(aws.ToString(out.HostedZone.Id)), nil
}

// clients makes the application's role and a stranger's: both may call the
// domain as far as IAM is concerned, one of them is mapped inside it.
func (w *World) clients(ctx context.Context) error {
	trust := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + w.Names.Account + ":root"}, "Action": "sts:AssumeRole"}}}
	policy := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect":   "Allow",
		"Action":   []string{"es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete"},
		"Resource": []string{w.Names.DomainARN(Primary) + "/*", w.Names.DomainARN(Secondary) + "/*"}},
		map[string]any{"Effect": "Allow", "Action": "iam:PassRole",
			"Resource": []string{w.Names.SnapshotRoleARN(Primary), w.Names.SnapshotRoleARN(Secondary)}}}}
	for _, made := range []struct {
		role string
		into **client.Client
	}{{appRole, &w.app}, {stranger, &w.other}} {
		arn, err := w.Cloud.Emulator.CreateRole(ctx, made.role, trust, policy)
		if err != nil {
			return fmt.Errorf("create the role %s: %w", made.role, err)
		}
		who, err := w.Cloud.Emulator.Assume(ctx, arn, "drill")
		if err != nil {
			return fmt.Errorf("assume %s: %w", arn, err)
		}
		key := credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.Secret, who.Token)
		*made.into = client.New(client.Config{
			Record:      record,
			Credentials: key,
			Region:      w.signingRegion,
			Transport:   client.Transport(w.dialer.DialContext, w.transport()),
		})
		if made.role == appRole {
			w.CDK.Context["dr.admins"], w.appKey = arn, key
		}
	}
	return nil
}

// signingRegion is what `_active.<record>` says.
func (w *World) signingRegion(ctx context.Context) (string, error) {
	values, err := w.dialer.TXT(ctx, "_active."+record)
	if err != nil {
		return "", err
	}
	for _, v := range values {
		for _, field := range strings.Fields(v) {
			if region, ok := strings.CutPrefix(field, "region="); ok {
				return region, nil
			}
		}
	}
	return "", fmt.Errorf("read the TXT record _active.%s: no region in %q", record, values)
}

// invoke a function of a Region and decode what it answers.
func (w *World) invoke(ctx context.Context, region, function string, in, out any) error {
	payload, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := lambda.NewFromConfig(w.in(region)).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: new(w.Names.Function(function)), Payload: payload,
	})
	if err != nil {
		return fmt.Errorf("invoke %s in %s: %w", function, region, err)
	}
	if answer.FunctionError != nil {
		return fmt.Errorf("invoke %s in %s: %w", function, region, &functionError{string(answer.Payload)})
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Payload, out); err != nil {
		return fmt.Errorf("invoke %s in %s: %w", function, region, err)
	}
	return nil
}

// functionError is what a function answered instead of a result.
type functionError struct{ text string }

func (e *functionError) Error() string { return e.text }

func (w *World) snapshot(ctx context.Context, region string) (contract.SnapshotResult, error) { //nolint:unparam // every helper of World is told its Region; a failover makes it another
	var got contract.SnapshotResult
	return got, w.invoke(ctx, region, contract.Snapshot, contract.SnapshotRequest{Reason: "demand"}, &got)
}

func (w *World) tick(ctx context.Context, region string) error {
	var got contract.RecoveryStatus
	return w.invoke(ctx, region, contract.Recovery, contract.RecoveryRequest{Action: contract.ActionTick}, &got)
}

// metric answers the highest value since a time, and whether there was any.
func (w *World) metric(ctx context.Context, region, name string, since time.Time) (highest float64, any bool, err error) {
	out, err := cloudwatch.NewFromConfig(w.in(region)).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: new(contract.MetricNamespace), MetricName: new(name),
		Dimensions: []cwtypes.Dimension{{Name: new(contract.MetricDimension), Value: new(w.Names.App)}},
		StartTime:  new(since.Truncate(time.Minute)), EndTime: new(time.Now().Add(time.Minute)),
		Period: new(int32(60)), Statistics: []cwtypes.Statistic{cwtypes.StatisticMaximum},
	})
	if err != nil {
		return 0, false, fmt.Errorf("read the metric %s in %s: %w", name, region, err)
	}
	for _, p := range out.Datapoints {
		any, highest = true, max(highest, aws.ToFloat64(p.Maximum))
	}
	return highest, any, nil
}

// documents of a vega data set, numbered from 0.
func (w *World) documents(file string, limit int) ([]client.Document, error) {
	raw, err := os.ReadFile(w.Cloud.Tools.Data(file))
	if err != nil {
		return nil, fmt.Errorf("read the data set: %w", err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read the data set %s: %w", file, err)
	}
	var docs []client.Document
	for i, body := range all {
		if limit > 0 && i == limit {
			break
		}
		compact, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		docs = append(docs, client.Document{ID: fmt.Sprint(i), Body: compact})
	}
	return docs, nil
}

func otherRegion(region string) string {
	if region == Primary {
		return Secondary
	}
	return Primary
}
