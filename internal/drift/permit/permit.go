// Package permit says what `osdr drift` may do: the one list that is printed by
// `osdr iam-policy` and made as a role by the foundation. It holds no action that
// changes anything, none with a *, and no resource with a * where its name is
// known. It imports no SDK, since a synth needs it too.
package permit

import (
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Statement of the policy.
type Statement struct {
	Sid        string
	Actions    []string
	Resources  []string
	Conditions map[string]any
	Wildcard   string // why a resource holds a *
}

// Place of an installation.
type Place struct {
	Names   contract.Names
	Regions []string // the pair
	Control string
	ZoneID  string
	// Encrypted: the buckets have keys of their own.
	Encrypted bool
}

const bootstrap = "parameter/cdk-bootstrap/*/version"

// Statements of the least policy.
func Statements(p Place) []Statement {
	n := p.Names
	everywhere := slices.Clone(p.Regions)
	if !slices.Contains(everywhere, p.Control) {
		everywhere = append(everywhere, p.Control)
	}
	arns := func(service, rest string) []string {
		var out []string
		for _, region := range everywhere {
			out = append(out, "arn:aws:"+service+":"+region+":"+n.Account+":"+rest)
		}
		return out
	}
	var buckets, objects, domains, looks []string
	for _, region := range p.Regions {
		arn := "arn:aws:s3:::" + n.Bucket(region)
		buckets, objects = append(buckets, arn), append(objects, arn+"/"+contract.OwnPrefix+"*")
		domains, looks = append(domains, n.DomainARN(region)), append(looks, n.LookARN(region))
	}
	// In the order of the reader's files; the last ones know no resources.
	return append([]Statement{
		{
			Sid: "Stacks", Resources: arns("cloudformation", "stack/"+n.App+"-*/*"), Wildcard: "a stack's ARN ends with a random id",
			Actions: []string{
				"cloudformation:DescribeStacks", "cloudformation:GetTemplate", "cloudformation:ListStackResources",
				"cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift", "cloudformation:DescribeStackResourceDrifts",
			},
		},
		{Sid: "Domains", Resources: domains, Actions: []string{"es:DescribeDomain"}},
		{
			Sid: "Functions", Resources: arns("lambda", "function:"+n.App+"-*"), Wildcard: "the Provider framework's functions have no name of their own",
			Actions: []string{"lambda:GetFunction", "lambda:GetFunctionEventInvokeConfig"},
		},
		// By the alias alone, through which the controller only looks.
		{Sid: "Look", Resources: looks, Actions: []string{"lambda:InvokeFunction"}},
		{
			Sid: "Schedules", Resources: arns("scheduler", "schedule/"+n.ScheduleGroup()+"/"+n.App+"-*"), Wildcard: "the schedules of the product's own group",
			Actions: []string{"scheduler:GetSchedule"},
		},
		{
			Sid: "Buckets", Resources: buckets,
			Actions: []string{
				"s3:ListBucket", "s3:GetBucketVersioning", "s3:GetLifecycleConfiguration", "s3:GetEncryptionConfiguration", "s3:GetBucketPublicAccessBlock",
				"s3:GetBucketOwnershipControls", "s3:GetBucketPolicy", "s3:GetReplicationConfiguration",
			},
		},
		// No document: of a repository only names and sizes are listed.
		{Sid: "OwnObjects", Resources: objects, Actions: []string{"s3:GetObject"}, Wildcard: "the product's own objects below " + contract.OwnPrefix},
		{
			Sid: "Roles", Resources: []string{"arn:aws:iam::" + n.Account + ":role/" + n.App + "-*"}, Wildcard: "the framework's waiter has a role without a name of its own",
			Actions: []string{"iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:SimulatePrincipalPolicy"},
		},
		{
			Sid: "Keys", Resources: arns("kms", "key/*"), Wildcard: "a key's id is random; narrowed to the product's aliases (X7)",
			Actions:    []string{"kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:GetKeyPolicy"},
			Conditions: map[string]any{"ForAnyValue:StringEquals": map[string]any{"kms:ResourceAliases": []string{n.TopicKeyAlias(), n.BucketKeyAlias()}}},
		},
		{Sid: "Alarms", Resources: arns("cloudwatch", "alarm:"+n.App+"-*"), Actions: []string{"cloudwatch:DescribeAlarms"}, Wildcard: "the product's alarms, by their prefix"},
		{Sid: "Topics", Resources: arns("sns", n.AlarmTopic()), Actions: []string{"sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"}},
		{Sid: "Certificates", Resources: arns("acm", "certificate/*"), Actions: []string{"acm:DescribeCertificate"}, Wildcard: "a certificate's id is random"},
		{
			Sid: "Parameters", Resources: append(arns("ssm", "parameter/"+n.App+"/*"), arns("ssm", bootstrap)...), Actions: []string{"ssm:GetParameter"},
			Wildcard: "the product's parameters, and the versions of the bootstrap stacks",
		},
		{Sid: "Zone", Resources: []string{"arn:aws:route53:::hostedzone/" + p.ZoneID}, Actions: []string{"route53:ListResourceRecordSets", "route53:GetHostedZone"}},
		// CloudFormation's drift detection reads with its caller's rights
		// (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
		{Sid: "DetectionQueues", Resources: arns("sqs", n.App+"-*"), Actions: []string{"sqs:GetQueueAttributes", "sqs:ListQueueTags"}, Wildcard: "the product's queues, by their prefix"},
		{
			Sid: "DetectionWaiters", Resources: append(arns("states", "stateMachine:GateProvider*"), arns("states", "stateMachine:PromotionProvider*")...), Actions: []string{"states:DescribeStateMachine", "states:ListTagsForResource"},
			Wildcard: "the framework's waiters end with a random id",
		},
		{Sid: "DetectionLogs", Resources: arns("logs", "log-group:*"), Actions: []string{"logs:DescribeLogGroups"}, Wildcard: "the list of log groups is one resource"},
		{
			Sid: "NoResources", Resources: []string{"*"}, Wildcard: "these actions know no resources",
			Actions: []string{
				"cloudformation:BatchDescribeTypeConfigurations", "cloudformation:DescribeStackDriftDetectionStatus", "es:ListDomainNames", "lambda:GetAccountSettings",
				"logs:DescribeResourcePolicies", "servicequotas:ListServiceQuotas",
			},
		},
	}, p.decrypt()...)
}

// decrypt the product's own objects, where the buckets have keys of their own.
func (p Place) decrypt() []Statement {
	if !p.Encrypted {
		return nil
	}
	var out []Statement
	for i, region := range p.Regions {
		out = append(out, Statement{
			Sid: []string{"KeyPrimary", "KeySecondary"}[i], Resources: []string{"arn:aws:kms:" + region + ":" + p.Names.Account + ":key/*"}, Actions: []string{"kms:Decrypt"},
			Wildcard: "narrowed to the key with the bucket's alias, used through S3 of its Region (X7)",
			Conditions: map[string]any{
				"ForAnyValue:StringEquals": map[string]any{"kms:ResourceAliases": p.Names.BucketKeyAlias()},
				"StringEquals":             map[string]any{"kms:ViaService": "s3." + region + ".amazonaws.com"},
			},
		})
	}
	return out
}

// Document of the policy, as IAM takes it.
func Document(p Place) map[string]any {
	var statements []any
	for _, s := range Statements(p) {
		out := map[string]any{"Sid": s.Sid, "Effect": "Allow", "Action": s.Actions, "Resource": s.Resources}
		if len(s.Conditions) > 0 {
			out["Condition"] = s.Conditions
		}
		statements = append(statements, out)
	}
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}
