// Package alarmtopic makes the topic that alarms of a Region go to. Its key may
// be used by CloudWatch: without that an encrypted topic takes alarms and
// delivers nothing (D3,
// docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
package alarmtopic

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Config of the topic.
type Config struct {
	Name     string
	KeyAlias string
	Account  string
	Target   string // e-mail or https:// address; empty for none
}

// New topic.
func New(scope constructs.Construct, id string, cfg Config) {
	parent := constructs.NewConstruct(scope, &id)
	cloudwatch := awsiam.NewServicePrincipal(new("cloudwatch.amazonaws.com"), nil)
	sameAccount := &map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": cfg.Account}}

	key := awskms.NewKey(parent, new("Key"), &awskms.KeyProps{
		Alias: &cfg.KeyAlias, Description: new("Alarm topic " + cfg.Name), EnableKeyRotation: new(true),
		// Nothing is stored under it for longer than a delivery takes.
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: new("AlarmsMayPublish"), Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions: jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"), Resources: jsii.Strings("*"), Conditions: sameAccount,
	}), nil)

	topic := awssns.NewTopic(parent, new("Topic"), &awssns.TopicProps{
		TopicName: &cfg.Name, MasterKey: key, EnforceSSL: new(true),
	})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: new("AlarmsMayPublish"), Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{topic.TopicArn()}, Conditions: sameAccount,
	}))
	if cfg.Target == "" {
		return
	}
	protocol := awssns.SubscriptionProtocol_EMAIL
	if strings.HasPrefix(cfg.Target, "https://") {
		protocol = awssns.SubscriptionProtocol_HTTPS
	}
	awssns.NewSubscription(parent, new("Target"), &awssns.SubscriptionProps{
		Topic: topic, Protocol: protocol, Endpoint: &cfg.Target,
	})
}
