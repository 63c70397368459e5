package reader

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// most names that one DescribeAlarms takes.
const most = 100

// Alarms implements Alarms.
func (a *AWS) Alarms(ctx context.Context, region string, names []string) (map[string]Resource, error) {
	client := cloudwatch.NewFromConfig(a.cfg, func(o *cloudwatch.Options) { o.Region = region })
	found := map[string]Resource{}
	for len(names) > 0 {
		part := names[:min(most, len(names))]
		names = names[len(part):]
		out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: part, MaxRecords: new(int32(most))})
		if err != nil {
			return nil, fmt.Errorf("describe the alarms in %s: %w", region, err)
		}
		for _, m := range out.MetricAlarms {
			name := aws.ToString(m.AlarmName)
			found[name] = Resource{Name: name, ARN: aws.ToString(m.AlarmArn), Properties: shape(m)}
		}
	}
	return found, nil
}

// Topic implements Topics.
func (a *AWS) Topic(ctx context.Context, region, arn string) (*Resource, error) {
	out, err := a.sns(region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	if absent(err, "NotFound", "NotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", arn, err)
	}
	r := &Resource{Name: arn, ARN: arn, Properties: map[string]any{}}
	if key := out.Attributes["KmsMasterKeyId"]; key != "" {
		r.Properties["KmsMasterKeyId"] = key
	}
	if r.Properties["Policy"], err = document(out.Attributes["Policy"]); err != nil {
		return nil, fmt.Errorf("read topic %s: %w", arn, err)
	}
	return r, nil
}

func (a *AWS) sns(region string) *sns.Client {
	return sns.NewFromConfig(a.cfg, func(o *sns.Options) { o.Region = region })
}

// Subscriptions implements Topics.
func (a *AWS) Subscriptions(ctx context.Context, region, arn string) ([]Subscription, error) {
	var out []Subscription
	for pages := sns.NewListSubscriptionsByTopicPaginator(a.sns(region), &sns.ListSubscriptionsByTopicInput{TopicArn: &arn}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if absent(err, "NotFound", "NotFoundException") {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the subscriptions of %s: %w", arn, err)
		}
		for _, s := range page.Subscriptions {
			// One that waits for its owner has this instead of an ARN.
			confirmed := aws.ToString(s.SubscriptionArn) != "PendingConfirmation"
			out = append(out, Subscription{aws.ToString(s.Protocol), aws.ToString(s.Endpoint), confirmed})
		}
	}
	return out, nil
}

// LogPolicies implements Logs.
func (a *AWS) LogPolicies(ctx context.Context, region string) (map[string]any, error) {
	client := cloudwatchlogs.NewFromConfig(a.cfg, func(o *cloudwatchlogs.Options) { o.Region = region })
	found := map[string]any{}
	var token *string
	for {
		out, err := client.DescribeResourcePolicies(ctx, &cloudwatchlogs.DescribeResourcePoliciesInput{NextToken: token})
		if err != nil {
			return nil, fmt.Errorf("list the resource policies of the logs in %s: %w", region, err)
		}
		for _, p := range out.ResourcePolicies {
			doc, err := document(aws.ToString(p.PolicyDocument))
			if err != nil {
				return nil, fmt.Errorf("list the resource policies of the logs in %s: %w", region, err)
			}
			found[aws.ToString(p.PolicyName)] = doc
		}
		if token = out.NextToken; token == nil {
			return found, nil
		}
	}
}

// Parameter implements Parameters.
func (a *AWS) Parameter(ctx context.Context, region, name string) (string, bool, error) {
	client := ssm.NewFromConfig(a.cfg, func(o *ssm.Options) { o.Region = region })
	out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if absent(err, "ParameterNotFound") {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read parameter %s in %s: %w", name, region, err)
	}
	return aws.ToString(out.Parameter.Value), true, nil
}

// Zone implements Zones.
func (a *AWS) Zone(ctx context.Context, id string) (*Zone, error) {
	out, err := route53.NewFromConfig(a.cfg).GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &id})
	if absent(err, "NoSuchHostedZone") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read hosted zone %s: %w", id, err)
	}
	z := &Zone{}
	if c := out.HostedZone.Config; c != nil {
		z.Private = c.PrivateZone
	}
	if f := out.HostedZone.Features; f != nil {
		z.Accelerated = string(f.AcceleratedRecoveryStatus)
	}
	return z, nil
}

// Quotas implements Quotas.
func (a *AWS) Quotas(ctx context.Context, region, service string) (map[string]float64, error) {
	client := servicequotas.NewFromConfig(a.cfg, func(o *servicequotas.Options) { o.Region = region })
	found := map[string]float64{}
	for pages := servicequotas.NewListServiceQuotasPaginator(client, &servicequotas.ListServiceQuotasInput{ServiceCode: &service}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the quotas of %s in %s: %w", service, region, err)
		}
		for _, q := range page.Quotas {
			found[aws.ToString(q.QuotaName)] = aws.ToFloat64(q.Value)
		}
	}
	return found, nil
}
