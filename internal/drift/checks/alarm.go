package checks

import (
	"context"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	alarmType        = "AWS::CloudWatch::Alarm"
	topicType        = "AWS::SNS::Topic"
	topicPolicyType  = "AWS::SNS::TopicPolicy"
	subscriptionType = "AWS::SNS::Subscription"
)

func (f *Facts) alarmSubject() subject {
	return subject{alarmType, func(ctx context.Context, r template.Located, name string) (*reader.Resource, error) {
		all, err := f.alarms(ctx, r.Stack.Region)
		if err != nil {
			return nil, err
		}
		if have, ok := all[name]; ok {
			return &have, nil
		}
		return nil, nil
	}}
}

func (f *Facts) alarmChecks() []drift.Check {
	put := func(r template.Located, _ string, _ []string) string {
		return awsInput(r.Stack.Region, "cloudwatch put-metric-alarm", r.Properties, revert(r.Stack.Name))
	}
	return []drift.Check{
		{
			ID: "alarm.exists", Title: "each alarm is there", Scope: drift.Everywhere,
			Why:  "recovery points could stop and nobody would hear it (G7)",
			Find: f.missing(f.alarmSubject(), func(r template.Located) string { return put(r, "", nil) }),
		},
		{
			ID: "alarm.enabled", Title: "no alarm has its actions switched off", Scope: drift.Everywhere,
			Why:  "it rings where nobody looks",
			Find: f.alarmEnabled,
		},
		{
			ID: "alarm.actions", Title: "each alarm tells the Region's topic", Scope: drift.Everywhere,
			Why:  "it changes its colour and tells nobody",
			Find: f.differing(f.alarmSubject(), put, "AlarmActions", "OKActions"),
		},
		{
			ID: "alarm.threshold", Title: "each alarm watches its metric at its threshold", Scope: drift.Everywhere,
			Why: "it stays silent at the state it was made for",
			Find: f.differing(f.alarmSubject(), put, "Threshold", "ComparisonOperator", "Namespace", "MetricName", "Statistic",
				"Dimensions", "Period", "EvaluationPeriods", "TreatMissingData"),
		},
		{
			ID: "topic.exists", Title: "the alarm topic is there", Scope: drift.Everywhere,
			Why: "alarms have nobody to tell",
			Find: f.missing(subject{topicType, func(ctx context.Context, r template.Located, name string) (*reader.Resource, error) {
				return f.topic(ctx, r.Stack.Region, f.topicARN(r, name))
			}}, func(r template.Located) string { return revert(r.Stack.Name) }),
		},
		{
			ID: "topic.policy", Title: "alarms may publish to the topic", Scope: drift.Everywhere,
			Why:  "an alarm that may not publish fires into nothing (D3)",
			Find: f.topicPolicy,
		},
		{
			ID: "topic.key", Title: "the topic is encrypted with its own key", Scope: drift.Everywhere,
			Why:  "CloudWatch cannot publish under the service's own key (D3)",
			Find: f.topicKey,
		},
		{
			ID: "topic.subscription", Title: "somebody is subscribed to the alarms, and has confirmed", Scope: drift.Everywhere,
			Why:  "an alarm that nobody hears is none (G7)",
			Find: f.subscription,
		},
	}
}

func (f *Facts) topicARN(r template.Located, name string) string {
	return "arn:aws:sns:" + r.Stack.Region + ":" + r.Stack.Account + ":" + name
}

func (f *Facts) alarmEnabled(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, alarmType)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	have, err := f.alarms(ctx, region)
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	for _, r := range items {
		name := r.Text("AlarmName")
		if a, ok := have[name]; ok && a.Properties["ActionsEnabled"] == false && r.Properties["ActionsEnabled"] != false {
			out = append(out, drift.Finding{Resource: name, Expected: "actions enabled", Found: "disabled", Mend: aws(region, "cloudwatch enable-alarm-actions", "alarm-names", name)})
		}
	}
	return out, nil
}

func (f *Facts) topicPolicy(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, topicPolicyType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		var out []drift.Finding
		topics, _ := r.Properties["Topics"].([]any)
		for _, t := range topics {
			arn := show(t)
			have, err := f.topic(ctx, region, arn)
			if err != nil {
				return out, err
			}
			if have == nil {
				continue
			}
			want := r.Properties["PolicyDocument"]
			out = append(out, policyFinding(arn, want, have.Properties["Policy"],
				aws(region, "sns set-topic-attributes", "topic-arn", arn, "attribute-name", "Policy", "attribute-value", compact(want)))...)
		}
		return out, nil
	})
}

// topicKey: its id is AWS's own, so that it is asked whose alias it has.
func (f *Facts) topicKey(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, topicType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		if _, wanted := r.Properties["KmsMasterKeyId"]; !wanted {
			return nil, nil
		}
		arn := f.topicARN(r, r.Text("TopicName"))
		have, err := f.topic(ctx, region, arn)
		if err != nil || have == nil {
			return nil, err
		}
		alias := f.names().TopicKeyAlias()
		key, err := f.key(ctx, region, alias)
		if err != nil || key == nil {
			return nil, err
		}
		is, _ := have.Properties["KmsMasterKeyId"].(string)
		if is == key.ARN || is == alias || is != "" && is == lastOf(key.ARN) {
			return nil, nil
		}
		return []drift.Finding{{
			Resource: arn, Expected: "the key of " + alias, Found: or(is, "no key"),
			Mend: aws(region, "sns set-topic-attributes", "topic-arn", arn, "attribute-name", "KmsMasterKeyId", "attribute-value", key.ARN),
		}}, nil
	})
}

func lastOf(arn string) string {
	for i := len(arn) - 1; i >= 0; i-- {
		if arn[i] == '/' {
			return arn[i+1:]
		}
	}
	return arn
}

func (f *Facts) subscription(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, topicType)
	if err != nil {
		return nil, err
	}
	asked, err := f.expected(region, subscriptionType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		arn := f.topicARN(r, r.Text("TopicName"))
		topic, err := f.topic(ctx, region, arn)
		if err != nil || topic == nil {
			return nil, err // topic.exists says so
		}
		have, err := f.subscriptions(ctx, region, arn)
		if err != nil {
			return nil, err
		}
		var out []drift.Finding
		for _, s := range asked {
			protocol, endpoint := s.Text("Protocol"), s.Text("Endpoint")
			at := slices.IndexFunc(have, func(h reader.Subscription) bool { return h.Protocol == protocol && h.Endpoint == endpoint })
			switch {
			case at < 0:
				// One that is made by hand has another ARN than the stack's.
				out = append(out, drift.Finding{Resource: arn, Expected: endpoint + " is subscribed", Found: "it is not", Mend: revert(s.Stack.Name)})
			case !have[at].Confirmed:
				out = append(out, drift.Finding{Resource: arn, Expected: endpoint + " has confirmed", Found: "it has not", Mend: "open the link in the message that SNS sent to " + endpoint})
			}
		}
		if len(asked) == 0 && !slices.ContainsFunc(have, func(h reader.Subscription) bool { return h.Confirmed }) {
			// Without dr.alarmTarget it is the owner's choice, and said as such.
			out = append(out, drift.Finding{Kind: drift.Note, Resource: arn, Expected: "a subscriber", Found: fmt.Sprintf("%d subscriptions, none confirmed", len(have)),
				Mend: "set dr.alarmTarget and deploy, or " + aws(region, "sns subscribe", "topic-arn", arn, "protocol", "email", "notification-endpoint", "<address>")})
		}
		return out, nil
	})
}
