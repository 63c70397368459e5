package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
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

// removeBlob of the newest point's repository.
func (d *drifts) removeBlob(ctx context.Context) error {
	all, err := d.points(ctx, Primary)
	if err != nil {
		return err
	}
	newest := all[len(all)-1]
	objects, err := point.Objects(ctx, d.bucket(Secondary), newest)
	if err != nil {
		return err
	}
	for _, o := range objects {
		// One that later snapshots keep, so that the pruning of the engine itself does not
		// remove it meanwhile.
		if strings.Contains(o.Key, "/__") {
			return d.bucket(Secondary).Delete(ctx, o.Key)
		}
	}
	return errors.New("the newest point has no blob")
}

// spoilPoint writes something else over the newest point but one.
func (d *drifts) spoilPoint(ctx context.Context) error {
	id, err := d.lastButOne(ctx)
	if err == nil {
		_, err = d.bucket(Secondary).Put(ctx, id.Key(), []byte("{"), store.Condition{})
	}
	return err
}

// removePoint deletes the newest point but one.
func (d *drifts) removePoint(ctx context.Context) error {
	id, err := d.lastButOne(ctx)
	if err != nil {
		return err
	}
	return d.bucket(Secondary).Delete(ctx, id.Key())
}

func (d *drifts) lastButOne(ctx context.Context) (point.ID, error) {
	ids, err := point.List(ctx, d.bucket(Secondary))
	if err != nil {
		return point.ID{}, err
	}
	if len(ids) < 3 {
		return point.ID{}, fmt.Errorf("there are %d recovery points, want 3", len(ids))
	}
	return ids[len(ids)-2], nil
}

// bringBack what was deleted or overwritten last in the other Region's bucket: the
// version before it.
func (d *drifts) bringBack(ctx context.Context, f drift.Finding) error {
	client := s3.NewFromConfig(d.in(Secondary), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := d.Names.Bucket(Secondary)
	typed := commands(f.Mend)
	if len(typed) != 1 || !strings.HasPrefix(typed[0], "aws s3api list-object-versions") {
		return fmt.Errorf("the mend names no versions: %s", f.Mend)
	}
	prefix := typed[0][strings.LastIndex(typed[0], " ")+1:]
	out, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		return err
	}
	for _, m := range out.DeleteMarkers {
		if aws.ToBool(m.IsLatest) {
			_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: m.Key, VersionId: m.VersionId})
			return err
		}
	}
	for _, v := range out.Versions {
		if !aws.ToBool(v.IsLatest) {
			_, err := client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: v.Key, CopySource: new(bucket + "/" + aws.ToString(v.Key) + "?versionId=" + aws.ToString(v.VersionId))})
			return err
		}
	}
	return fmt.Errorf("no earlier version of %s is there", prefix)
}
