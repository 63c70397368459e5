package awsclients

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/opensearch-dr/osdr/internal/template"
)

// Templates reads deployed templates.
type Templates struct {
	cfg     aws.Config
	account string
}

// NewTemplates of an account.
func NewTemplates(cfg aws.Config, account string) *Templates { return &Templates{cfg, account} }

// DeployedStack of a Region; nil when there is none.
func (s *Templates) DeployedStack(ctx context.Context, region, name string) (*template.Stack, error) {
	client := cloudformation.NewFromConfig(s.cfg, func(o *cloudformation.Options) { o.Region = region })
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if noStack(err) || err == nil && len(out.Stacks) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe stack %s in %s: %w", name, region, err)
	}
	// A change set that was never executed leaves a stack without a template.
	if status := out.Stacks[0].StackStatus; status == types.StackStatusReviewInProgress || status == types.StackStatusDeleteComplete {
		return nil, nil
	}
	body, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("read the template of stack %s in %s: %w", name, region, err)
	}
	stack, err := template.Parse(name, s.account, region, []byte(aws.ToString(body.TemplateBody)))
	if err != nil {
		return nil, err
	}
	stack.Protected = aws.ToBool(out.Stacks[0].EnableTerminationProtection)
	return &stack, nil
}

// noStack: CloudFormation has no code of its own for it.
func noStack(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist")
}
