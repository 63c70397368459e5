package reader

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/opensearch-dr/osdr/internal/contract"
)

func (a *AWS) lambda(region string) *lambda.Client {
	return lambda.NewFromConfig(a.cfg, func(o *lambda.Options) { o.Region = region })
}

// Function implements Functions.
func (a *AWS) Function(ctx context.Context, region, name string) (*Function, error) {
	out, err := a.lambda(region).GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	if absent(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read function %s in %s: %w", name, region, err)
	}
	f := &Function{Resource: Resource{Name: name}}
	if c := out.Configuration; c != nil {
		f.ARN, f.State, f.Properties = aws.ToString(c.FunctionArn), string(c.State), shape(c)
	}
	if out.Code != nil {
		f.CodeURL = aws.ToString(out.Code.Location)
	}
	if c := out.Concurrency; c != nil && c.ReservedConcurrentExecutions != nil {
		f.Reserved = new(int(*c.ReservedConcurrentExecutions))
	}
	return f, nil
}

// Async implements Functions.
func (a *AWS) Async(ctx context.Context, region, name string) (*Resource, error) {
	out, err := a.lambda(region).GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name})
	if absent(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how function %s in %s is invoked: %w", name, region, err)
	}
	return &Resource{Name: name, ARN: aws.ToString(out.FunctionArn), Properties: shape(out)}, nil
}

// patient client, for what takes longer than a control plane's answer; the
// context bounds it.
func patient() *awshttp.BuildableClient { return awshttp.NewBuildableClient() }

// largestPackage that Lambda takes, unzipped
// (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const largestPackage = 250 << 20

// Code implements Functions.
func (a *AWS) Code(ctx context.Context, url string) (map[string]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch a function's package: %w", err)
	}
	answer, err := patient().Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch a function's package: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(io.LimitReader(answer.Body, largestPackage))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch a function's package: %s, %w", answer.Status, err)
	}
	return unzip(body)
}

func unzip(body []byte) (map[string]string, error) {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, fmt.Errorf("read a function's package: %w", err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("read %s of a function's package: %w", f.Name, err)
		}
		sum := sha256.New()
		_, err = io.Copy(sum, io.LimitReader(r, largestPackage))
		if cerr := r.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("read %s of a function's package: %w", f.Name, err)
		}
		out[path.Clean(f.Name)] = hex.EncodeToString(sum.Sum(nil))
	}
	return out, nil
}

// Concurrency implements Functions.
func (a *AWS) Concurrency(ctx context.Context, region string) (limit, unreserved int, err error) {
	out, err := a.lambda(region).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return 0, 0, fmt.Errorf("read Lambda's limits in %s: %w", region, err)
	}
	if l := out.AccountLimit; l != nil {
		limit, unreserved = int(l.ConcurrentExecutions), int(aws.ToInt32(l.UnreservedConcurrentExecutions))
	}
	return limit, unreserved, nil
}

// Inspect implements Inspector, by the alias through which nothing can be changed.
func (a *AWS) Inspect(ctx context.Context, region, arn string) (*contract.Inspection, error) {
	step := "ask the controller of " + region + " to inspect its domain"
	payload, err := json.Marshal(contract.RecoveryRequest{Action: contract.ActionInspect})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	client := lambda.NewFromConfig(a.cfg, func(o *lambda.Options) {
		o.Region, o.HTTPClient, o.Retryer = region, patient(), aws.NopRetryer{}
	})
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &arn, Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if out.FunctionError != nil {
		var e struct {
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(out.Payload, &e); err != nil || e.Message == "" {
			e.Message = "it ended with " + *out.FunctionError
		}
		return nil, fmt.Errorf("%s: %s", step, e.Message)
	}
	var status contract.RecoveryStatus
	if err := json.Unmarshal(out.Payload, &status); err != nil {
		return nil, fmt.Errorf("%s: read its answer: %w", step, err)
	}
	if status.Inspection == nil {
		return nil, fmt.Errorf("%s: it answered %q; its code is older than this command, deploy", step, status.Phase)
	}
	return status.Inspection, nil
}

// Schedule implements Schedules.
func (a *AWS) Schedule(ctx context.Context, region, group, name string) (*Resource, error) {
	client := scheduler.NewFromConfig(a.cfg, func(o *scheduler.Options) { o.Region = region })
	out, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &group, Name: &name})
	if absent(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read schedule %s/%s in %s: %w", group, name, region, err)
	}
	return &Resource{Name: name, ARN: aws.ToString(out.Arn), Properties: shape(out)}, nil
}
