package scenario

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

// inRoles are changes of roles and keys.
func (d *drifts) inRoles() []change {
	n := d.Names
	role, topicKey := n.FunctionRole("snapshot", Primary), n.TopicKeyAlias()
	boundary := "arn:aws:iam::" + n.Account + ":policy/drill-everything"
	key := "--region {P} --key-id $(aws kms describe-key --region {P} --key-id " + topicKey + " --query KeyMetadata.Arn --output text)"
	return []change{
		{id: "role.trust", where: Primary, resource: role, does: "a trust for another service", by: d.filled(
			"aws iam update-assume-role-policy " + aRole + `--policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'`), also: []string{"stack.drift"}},
		{id: "role.policies", where: Primary, resource: role, does: "a right too many", by: d.filled(
			"aws iam put-role-policy " + aRole + `--policy-name more --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'`)},
		{id: "role.policies", where: Secondary, resource: n.SnapshotRole(Secondary), does: "a managed policy attached", by: d.filled(
			"aws iam attach-role-policy --role-name " + n.SnapshotRole(Secondary) + " --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess")},
		{id: "role.pass", where: Secondary, resource: n.FunctionRole("snapshot", Secondary), does: "rights taken away", do: d.withoutRights(n.FunctionRole("snapshot", Secondary)),
			also: []string{"role.policies"}, act: "aws iam put-role-policy, as role.policies names it", mend: d.mendAs("role.policies", Secondary)},
		{id: "role.boundary", where: Primary, resource: role, does: "a permissions boundary", by: append(
			d.filled(`aws iam create-policy --policy-name drill-everything --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'`),
			"aws iam put-role-permissions-boundary --role-name "+role+" --permissions-boundary "+boundary)},
		{id: "role.snapshot", where: Primary, resource: n.SnapshotRole(Primary), does: "TheSnapshotRole denied its bucket", by: d.filled("aws iam put-role-policy --role-name " + n.SnapshotRole(Primary) +
			` --policy-name deny --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::{bP}/*"}]}'`),
			also: []string{"role.policies"}, act: "aws iam delete-role-policy, as role.policies names it", mend: d.mendAs("role.policies", Primary)},
		{id: "role.exists", where: Secondary, resource: n.SchedulerRole(Secondary), does: "a role deleted", do: d.deleteRole(n.SchedulerRole(Secondary)), also: []string{"stack.drift"}},
		{id: "key.enabled", where: Primary, resource: topicKey, does: "a key disabled", by: d.filled("aws kms disable-key " + key)},
		{id: "key.deletion", where: Primary, resource: topicKey, does: "a key's deletion", by: d.filled("aws kms schedule-key-deletion --pending-window-in-days 7 " + key)},
		{id: "key.rotation", where: Primary, resource: topicKey, does: "no rotation", by: d.filled("aws kms disable-key-rotation " + key)},
		{id: "key.policy", where: Primary, resource: topicKey, does: "a narrower key policy", by: d.filled("aws kms put-key-policy " + key +
			` --policy-name default --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:root"},"Action":"kms:*","Resource":"*"}]}'`)},
		{id: "key.exists", where: Primary, resource: topicKey, does: "an alias deleted", by: d.filled("aws kms delete-alias --region {P} --alias-name " + topicKey)},
	}
}

// inSignals are changes of alarms, the topic, certificates and logs.
func (d *drifts) inSignals() []change {
	n := d.Names
	age := n.App + "-recovery-point-age"
	return []change{
		{id: "alarm.enabled", where: Secondary, resource: age, does: "an alarm's actions off", by: d.filled("aws cloudwatch disable-alarm-actions --region {S} --alarm-names " + age)},
		{id: "alarm.exists", where: Secondary, resource: age, does: "an alarm deleted", by: d.filled("aws cloudwatch delete-alarms --region {S} --alarm-names " + age)},
		{id: "alarm.threshold", where: Secondary, resource: age, does: "an alarm at another threshold", do: d.realarm(Secondary, age, true)},
		{id: "alarm.actions", where: Secondary, resource: age, does: "an alarm that tells nobody", do: d.realarm(Secondary, age, false)},
		{id: "topic.policy", where: Primary, resource: n.AlarmTopic(), does: "nobody may publish to the topic", by: d.filled("aws sns set-topic-attributes --region {P} --topic-arn {topic} --attribute-name Policy --attribute-value " +
			`'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:root"},"Action":"sns:Publish","Resource":"{topic}"}]}'`)},
		{id: "topic.key", where: Primary, resource: n.AlarmTopic(), does: "the topic under the service's key", by: d.filled("aws sns set-topic-attributes --region {P} --topic-arn {topic} --attribute-name KmsMasterKeyId --attribute-value alias/aws/sns")},
		{id: "topic.subscription", where: Primary, resource: n.AlarmTopic(), does: "nobody subscribed to the alarms", by: d.filled(
			"aws sns unsubscribe --region {P} --subscription-arn $(aws sns list-subscriptions-by-topic --region {P} --topic-arn {topic} --query 'Subscriptions[0].SubscriptionArn' --output text)"), also: []string{"stack.drift"}},
		{id: "topic.exists", where: Primary, resource: n.AlarmTopic(), does: "the topic deleted", by: d.filled("aws sns delete-topic --region {P} --topic-arn {topic}"), also: []string{"stack.drift"}},
		{id: "certificate.known", where: Secondary, resource: n.CertificateParameter(), does: "the certificate's parameter deleted", by: d.filled("aws ssm delete-parameter --region {S} --name " + n.CertificateParameter()), also: []string{"stack.drift"}},
		{id: "certificate.status", where: Secondary, resource: "certificate/", does: "the certificate of another name", by: d.filled(
			"aws ssm put-parameter --region {S} --overwrite --type String --name " + n.CertificateParameter() + " --value $(aws acm request-certificate --region {S} --domain-name other.example.com --query CertificateArn --output text)"),
			also: []string{"stack.drift"}, act: "cdk deploy --revert-drift, as stack.drift names it", mend: d.mendAs("stack.drift", Secondary)},
		{id: "log.policy", where: Primary, resource: n.App + "-domain-logs", does: "the logs' resource policy deleted", by: d.filled(
			"aws logs delete-resource-policy --region {P} --policy-name {name}-domain-logs")},
	}
}

// inStacks are changes of stacks themselves.
func (d *drifts) inStacks() []change {
	n := d.Names
	return []change{
		{id: "stack.status", where: Secondary, resource: n.RecoveryStack(Secondary), does: "a stack deleted", do: d.deleteStack(Secondary, n.RecoveryStack(Secondary)), also: []string{"alarm.exists"}},
		{id: "stack.protection", where: Secondary, resource: n.FoundationStack(Secondary), does: "no termination protection", by: d.filled(
			"aws cloudformation update-termination-protection --region {S} --no-enable-termination-protection --stack-name " + n.FoundationStack(Secondary))},
		{id: "stack.drift", where: Primary, resource: n.FunctionLogGroup(contract.Recovery), does: "the functions' logs kept for a day", by: d.filled(
			"aws logs put-retention-policy --region {P} --retention-in-days 1 --log-group-name " + n.FunctionLogGroup(contract.Recovery))},
		{id: "stack.template", where: Secondary, resource: n.RecoveryStack(Secondary), does: "a stack deployed from another template", do: d.redescribe(Secondary, n.RecoveryStack(Secondary)),
			act: "cdk deploy " + n.RecoveryStack(Secondary) + " --exclusively", mend: func(ctx context.Context, _ drift.Finding) error {
				return d.carryOut(ctx, d.admin, Secondary, "cdk deploy "+n.RecoveryStack(Secondary)+" --exclusively")
			}},
	}
}

// reschedule takes a schedule as it is and changes one thing, as the console does.
func (d *drifts) reschedule(region, what string, one func(*scheduler.UpdateScheduleInput)) func(context.Context) error {
	return func(ctx context.Context) error {
		client := scheduler.NewFromConfig(d.in(region))
		group, name := d.Names.ScheduleGroup(), d.Names.Schedule(what)
		is, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &group, Name: &name})
		if err != nil {
			return fmt.Errorf("read schedule %s: %w", name, err)
		}
		in := &scheduler.UpdateScheduleInput{
			GroupName: &group, Name: &name, ScheduleExpression: is.ScheduleExpression, ScheduleExpressionTimezone: is.ScheduleExpressionTimezone,
			FlexibleTimeWindow: is.FlexibleTimeWindow, State: is.State, Target: is.Target, Description: is.Description,
		}
		one(in)
		_, err = client.UpdateSchedule(ctx, in)
		return err
	}
}

func disabled(s *scheduler.UpdateScheduleInput)      { s.State = types.ScheduleStateDisabled }
func daily(s *scheduler.UpdateScheduleInput)         { s.ScheduleExpression = new("rate(1 day)") }
func otherInput(s *scheduler.UpdateScheduleInput)    { s.Target.Input = new(`{"action":"status"}`) }
func noDeadLetters(s *scheduler.UpdateScheduleInput) { s.Target.DeadLetterConfig = nil }
