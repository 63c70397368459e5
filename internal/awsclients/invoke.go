package awsclients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// ErrBusy says that Lambda throttled the call (429); look again (X5).
var ErrBusy = errors.New("the function is throttled")

// answerTimeout of one invocation: more than the recovery function's own limit, less
// than that of those who ask it.
const answerTimeout = 330 * time.Second

// Functions invokes the product's functions, in any Region.
type Functions struct {
	cfg   aws.Config
	names contract.Names
}

// NewFunctions of an installation.
func NewFunctions(cfg aws.Config, names contract.Names) *Functions { return &Functions{cfg, names} }

func (f *Functions) client(region string) *lambda.Client {
	return lambda.NewFromConfig(f.cfg, func(o *lambda.Options) {
		o.Region = region
		// An answer takes as long as the function's own limit; and a repeat of a call
		// whose answer was lost would be a second run.
		o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(answerTimeout)
		o.Retryer = aws.NopRetryer{}
	})
}

// Recovery asks a Region's controller and waits for its answer.
func (f *Functions) Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	var status contract.RecoveryStatus
	err := f.call(ctx, region, contract.Recovery, req, &status)
	return status, err
}

// Snapshot asks a Region's snapshot function for a run, without waiting for it.
func (f *Functions) Snapshot(ctx context.Context, region string, req contract.SnapshotRequest) error {
	payload, err := json.Marshal(req)
	if err != nil {
		return err
	}
	_, err = f.client(region).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: new(f.names.FunctionARN(contract.Snapshot, region)), Payload: payload, InvocationType: types.InvocationTypeEvent,
	})
	return failed(f.names.Function(contract.Snapshot), region, err)
}

func (f *Functions) call(ctx context.Context, region, what string, req, answer any) error {
	payload, err := json.Marshal(req)
	if err != nil {
		return err
	}
	name := f.names.Function(what)
	out, err := f.client(region).Invoke(ctx, &lambda.InvokeInput{FunctionName: new(f.names.FunctionARN(what, region)), Payload: payload})
	if err != nil {
		return failed(name, region, err)
	}
	if out.FunctionError != nil {
		var e struct {
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(out.Payload, &e); err != nil || e.Message == "" {
			e.Message = "it ended with " + *out.FunctionError + "; see " + f.names.FunctionLogGroup(what)
		}
		return fmt.Errorf("%s in %s: %s", name, region, e.Message)
	}
	if err := json.Unmarshal(out.Payload, answer); err != nil {
		return fmt.Errorf("read the answer of %s in %s: %w", name, region, err)
	}
	return nil
}

func failed(name, region string, err error) error {
	var throttled *types.TooManyRequestsException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &throttled):
		return fmt.Errorf("invoke %s in %s: %w: %w", name, region, ErrBusy, err)
	}
	return fmt.Errorf("invoke %s in %s: %w", name, region, err)
}

// Stacks looks at CloudFormation.
type Stacks struct{ client *cloudformation.Client }

// NewStacks of this Region.
func NewStacks(cfg aws.Config) *Stacks { return &Stacks{cloudformation.NewFromConfig(cfg)} }

// RollingBack tells whether the stack of that id is in a rollback (U1).
func (s *Stacks) RollingBack(ctx context.Context, stackID string) (bool, error) {
	out, err := s.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackID})
	if err != nil {
		return false, fmt.Errorf("ask whether stack %s is rolling back: %w", stackID, err)
	}
	if len(out.Stacks) != 1 {
		return false, fmt.Errorf("ask whether stack %s is rolling back: %d stacks answer", stackID, len(out.Stacks))
	}
	return strings.Contains(string(out.Stacks[0].StackStatus), "ROLLBACK"), nil
}
