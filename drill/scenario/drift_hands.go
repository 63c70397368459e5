package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/opensearch-dr/osdr/internal/drift"
)

// withoutRights takes a role's inline policies away.
func (d *drifts) withoutRights(role string) func(context.Context) error {
	return func(ctx context.Context) error {
		client := iam.NewFromConfig(d.in(Primary))
		all, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
		if err != nil {
			return err
		}
		for _, p := range all.PolicyNames {
			if _, err := client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &p}); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *drifts) deleteRole(role string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := d.withoutRights(role)(ctx); err != nil {
			return err
		}
		_, err := iam.NewFromConfig(d.in(Primary)).DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &role})
		return err
	}
}

// mendAs another finding of the same change names it.
func (d *drifts) mendAs(id, region string) func(context.Context, drift.Finding) error {
	return func(ctx context.Context, _ drift.Finding) error {
		seen, err := d.osdr.drift(ctx, "--only", id)
		if err != nil {
			return err
		}
		for _, f := range seen.Findings {
			if f.Kind != drift.Drift || f.Where != region {
				continue
			}
			if err := d.carryOut(ctx, d.admin, region, commands(f.Mend)...); err != nil {
				return err
			}
		}
		return nil
	}
}

// realarm puts an alarm as it is, with another threshold or without its actions.
func (d *drifts) realarm(region, name string, threshold bool) func(context.Context) error {
	return func(ctx context.Context) error {
		client := cloudwatch.NewFromConfig(d.in(region))
		out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
		if err != nil {
			return err
		}
		if len(out.MetricAlarms) != 1 {
			return fmt.Errorf("there are %d alarms %s", len(out.MetricAlarms), name)
		}
		is := out.MetricAlarms[0]
		in := &cloudwatch.PutMetricAlarmInput{
			AlarmName: &name, AlarmDescription: is.AlarmDescription, ActionsEnabled: is.ActionsEnabled, AlarmActions: is.AlarmActions, OKActions: is.OKActions,
			ComparisonOperator: is.ComparisonOperator, EvaluationPeriods: is.EvaluationPeriods, Threshold: is.Threshold, MetricName: is.MetricName,
			Namespace: is.Namespace, Period: is.Period, Statistic: is.Statistic, Dimensions: is.Dimensions, TreatMissingData: is.TreatMissingData,
		}
		if threshold {
			in.Threshold = new(86400.0)
		} else {
			in.AlarmActions = nil
		}
		_, err = client.PutMetricAlarm(ctx, in)
		return err
	}
}

// redescribe deploys a stack with one description changed, past the checkout.
func (d *drifts) redescribe(region, stack string) func(context.Context) error {
	return func(ctx context.Context) error {
		client := cloudformation.NewFromConfig(d.in(region))
		was, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack})
		if err != nil {
			return err
		}
		var template struct {
			Resources map[string]map[string]any
		}
		whole := map[string]any{}
		if err := errors.Join(json.Unmarshal([]byte(aws.ToString(was.TemplateBody)), &whole), json.Unmarshal([]byte(aws.ToString(was.TemplateBody)), &template)); err != nil {
			return err
		}
		for _, r := range template.Resources {
			if r["Type"] == "AWS::CloudWatch::Alarm" {
				r["Properties"].(map[string]any)["AlarmDescription"] = "changed by hand"
			}
		}
		whole["Resources"] = template.Resources
		body, err := json.Marshal(whole)
		if err != nil {
			return err
		}
		if _, err := client.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: &stack, TemplateBody: aws.String(string(body)), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam}}); err != nil {
			return err
		}
		return cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) { o.MinDelay = 1e9 }).
			Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &stack}, 1e11)
	}
}

func (d *drifts) deleteStack(region, stack string) func(context.Context) error {
	return func(ctx context.Context) error {
		client := cloudformation.NewFromConfig(d.in(region))
		if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack}); err != nil {
			return err
		}
		return cloudformation.NewStackDeleteCompleteWaiter(client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) { o.MinDelay = time.Second }).
			Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &stack}, 2*time.Minute)
	}
}
