package reader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

func (a *AWS) stacks(region string) *cloudformation.Client {
	return cloudformation.NewFromConfig(a.cfg, func(o *cloudformation.Options) { o.Region = region })
}

// noStack: CloudFormation has no code of its own for it.
func noStack(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist")
}

// Stack implements Stacks.
func (a *AWS) Stack(ctx context.Context, region, name string) (*Stack, error) {
	out, err := a.stacks(region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if noStack(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe stack %s in %s: %w", name, region, err)
	}
	if len(out.Stacks) == 0 {
		return nil, nil
	}
	s := out.Stacks[0]
	return &Stack{
		Name: aws.ToString(s.StackName), ID: aws.ToString(s.StackId), Status: string(s.StackStatus), Reason: aws.ToString(s.StackStatusReason),
		Protected: aws.ToBool(s.EnableTerminationProtection),
	}, nil
}

// StackTemplate implements Stacks.
func (a *AWS) StackTemplate(ctx context.Context, region, name string) ([]byte, error) {
	out, err := a.stacks(region).GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if noStack(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the template of stack %s in %s: %w", name, region, err)
	}
	return []byte(aws.ToString(out.TemplateBody)), nil
}

// StackResources implements Stacks.
func (a *AWS) StackResources(ctx context.Context, region, name string) ([]StackResource, error) {
	var out []StackResource
	for pages := cloudformation.NewListStackResourcesPaginator(a.stacks(region), &cloudformation.ListStackResourcesInput{StackName: &name}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if noStack(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the resources of stack %s in %s: %w", name, region, err)
		}
		for _, r := range page.StackResourceSummaries {
			out = append(out, StackResource{aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId), aws.ToString(r.ResourceType), string(r.ResourceStatus)})
		}
	}
	return out, nil
}

// detectionEvery is how often a running detection is looked at.
const detectionEvery = 2 * time.Second

// StackDrift implements Stacks. The detection is CloudFormation's own record of
// what it saw; it changes no resource
// (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
func (a *AWS) StackDrift(ctx context.Context, region, name string) ([]ResourceDrift, error) {
	step := "detect the drift of stack " + name + " in " + region
	client := a.stacks(region)
	begun, err := client.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{StackName: &name})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	for wait := 100 * time.Millisecond; ; wait = detectionEvery {
		s, err := client.DescribeStackDriftDetectionStatus(ctx, &cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: begun.StackDriftDetectionId})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step, err)
		}
		if s.DetectionStatus == types.StackDriftDetectionStatusDetectionFailed {
			return nil, fmt.Errorf("%s: CloudFormation could not: %s", step, aws.ToString(s.DetectionStatusReason))
		}
		if s.DetectionStatus == types.StackDriftDetectionStatusDetectionComplete {
			break
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", step, ctx.Err())
		case <-time.After(wait):
		}
	}
	var out []ResourceDrift
	in := &cloudformation.DescribeStackResourceDriftsInput{StackName: &name, StackResourceDriftStatusFilters: []types.StackResourceDriftStatus{
		types.StackResourceDriftStatusModified, types.StackResourceDriftStatusDeleted,
	}}
	for pages := cloudformation.NewDescribeStackResourceDriftsPaginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step, err)
		}
		for _, d := range page.StackResourceDrifts {
			r := ResourceDrift{ID: aws.ToString(d.LogicalResourceId), Physical: aws.ToString(d.PhysicalResourceId), Type: aws.ToString(d.ResourceType), Status: string(d.StackResourceDriftStatus)}
			for _, p := range d.PropertyDifferences {
				r.Differences = append(r.Differences, PropertyDrift{aws.ToString(p.PropertyPath), aws.ToString(p.ExpectedValue), aws.ToString(p.ActualValue)})
			}
			out = append(out, r)
		}
	}
	return out, nil
}
