package stacks_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// wildcards are all resources with a pattern that a role may act on, each with
// the actions that may have it. Regions and the account are cut out of them.
var wildcards = []struct{ resource, actions string }{
	{`\*`, `cloudwatch:PutMetricData`}, // knows no resources; the namespace narrows it
	{`arn:aws:logs:R:A:log-group:/aws/lambda/osdr-[a-z-]+:\*`, `logs:(CreateLogStream|PutLogEvents)`},
	{`arn:aws:cloudformation:R:A:stack/osdr-(traffic|(domain|recovery)-R)/\*`, `cloudformation:DescribeStacks`},
	{`arn:aws:es:R:A:domain/osdr/\*`, `es:ESHttp(Delete|Get|Head|Patch|Post|Put)`},
	{`arn:aws:s3:::osdr-snapshots-A-R/\*`, `s3:(GetObject|PutObject|DeleteObject|AbortMultipartUpload|ListMultipartUploadParts)`},
	{`arn:aws:s3:::osdr-snapshots-A-R/_dr/(|lease/|journal/|fence/|points/|pins/)\*`, `s3:(GetObject|PutObject|DeleteObject)`},
	{`arn:aws:s3:::osdr-snapshots-A-R/osdr-doctor-\*`, `s3:DeleteObject`},
	{`arn:aws:kms:R:A:key/\*`, `kms:(Decrypt|GenerateDataKey)`}, // by alias and service, TestX7
	// The reader of osdr drift, none of which changes anything (internal/drift/permit).
	{`\*`, `cloudformation:(BatchDescribeTypeConfigurations|DescribeStackDriftDetectionStatus)|es:ListDomainNames|lambda:GetAccountSettings|logs:DescribeResourcePolicies|servicequotas:ListServiceQuotas`},
	{`arn:aws:cloudformation:R:A:stack/osdr-\*/\*`, `cloudformation:(DescribeStacks|GetTemplate|ListStackResources|DetectStack(Resource)?Drift|DescribeStackResourceDrifts)`},
	{`arn:aws:lambda:R:A:function:osdr-\*`, `lambda:(GetFunction|GetFunctionEventInvokeConfig)`},
	{`arn:aws:scheduler:R:A:schedule/osdr/osdr-\*`, `scheduler:GetSchedule`},
	{`arn:aws:iam::A:role/osdr-\*`, `iam:(GetRole|ListRolePolicies|GetRolePolicy|ListAttachedRolePolicies|SimulatePrincipalPolicy)`},
	{`arn:aws:kms:R:A:key/\*`, `kms:(DescribeKey|GetKeyRotationStatus|GetKeyPolicy)`},
	{`arn:aws:cloudwatch:R:A:alarm:osdr-\*`, `cloudwatch:DescribeAlarms`},
	{`arn:aws:acm:R:A:certificate/\*`, `acm:DescribeCertificate`},
	{`arn:aws:ssm:R:A:parameter/(osdr/\*|cdk-bootstrap/\*/version)`, `ssm:GetParameter`},
	{`arn:aws:sqs:R:A:osdr-\*`, `sqs:(GetQueueAttributes|ListQueueTags)`},
	{`arn:aws:states:R:A:stateMachine:(Gate|Promotion)Provider\*`, `states:(DescribeStateMachine|ListTagsForResource)`},
	{`arn:aws:logs:R:A:log-group:\*`, `logs:DescribeLogGroups`},
	// The CDK's framework: every version of the one function, of the same stack.
	{`\{"Fn::Join":\["",\[\{"Fn::GetAtt":\["\w+(Function|framework)\w*","Arn"\]\},":\*"\]\]\}`, `lambda:InvokeFunction`},
}

func mayBePattern(resource, action string) bool {
	resource = strings.NewReplacer(account, "A", primary, "R", secondary, "R", "eu-west-1", "R").Replace(resource)
	for _, w := range wildcards {
		if regexp.MustCompile(`^(?:`+w.resource+`)$`).MatchString(resource) && regexp.MustCompile(`^(?:`+w.actions+`)$`).MatchString(action) {
			return true
		}
	}
	return false
}

// Least privilege: no action is a pattern, and a resource is one only where it
// stands in the list above.
func TestNoRoleMayDoEverything(t *testing.T) {
	patterns := 0
	eachOf(t, []string{"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String()+" managed policies", r.property("ManagedPolicyArns"), nil)
		for _, s := range identityStatements(r) {
			if s["NotAction"] != nil || s["NotResource"] != nil {
				t.Errorf("%s may do all but something: %s", r, text(s))
			}
			if s["Effect"] == "Deny" {
				continue // the wider, the less
			}
			for _, action := range list(s["Action"]) {
				if strings.Contains(text(action), "*") {
					t.Errorf("%s may %s", r, text(action))
				}
				for _, on := range list(s["Resource"]) {
					resource, plain := on.(string)
					if !plain {
						resource = text(on)
					}
					if !strings.Contains(resource, "*") {
						continue
					}
					patterns++
					if !mayBePattern(resource, fmt.Sprint(action)) {
						t.Errorf("%s may %s on %s", r, action, resource)
					}
				}
			}
			if strings.Contains(text(s["Action"]), "PutMetricData") && !strings.Contains(text(s["Condition"]), `"cloudwatch:namespace":"OSDR"`) {
				t.Errorf("%s may publish into any namespace", r)
			}
		}
	})
	some(t, patterns, "a resource with a pattern")
}

// The list must bite.
func TestMayBePattern(t *testing.T) {
	for _, c := range []struct {
		resource, action string
		want             bool
	}{
		{"*", "cloudwatch:PutMetricData", true},
		{"*", "s3:GetObject", false},
		{"arn:aws:s3:::*", "s3:GetObject", false},
		{"arn:aws:s3:::osdr-snapshots-" + account + "-us-east-1/*", "s3:GetObject", true},
		{"arn:aws:s3:::osdr-snapshots-" + account + "-us-east-1/*", "s3:PutBucketPolicy", false},
		{"arn:aws:s3:::osdr-snapshots-" + account + "-us-east-1/_dr/ledger*", "s3:PutObject", false},
		{"arn:aws:es:us-east-1:" + account + ":domain/*", "es:ESHttpGet", false},
	} {
		if got := mayBePattern(c.resource, c.action); got != c.want {
			t.Errorf("%s on %s: %v", c.action, c.resource, got)
		}
	}
}
