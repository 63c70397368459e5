// Package domainlogs makes the log groups of a domain and the one resource
// policy that lets the service write to them. CloudWatch Logs takes ten
// policies a Region (F20), and the policy must stand before the domain is made
// (D6): both are in the foundation.
package domainlogs

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
)

// Config of the logs.
type Config struct {
	PolicyName string
	Prefix     string            // of the log groups, without a final slash
	Groups     map[string]string // construct id: log group name
	Region     string
	Account    string
	DomainARN  string
}

// New log groups and policy.
func New(scope constructs.Construct, id string, cfg Config) error {
	parent := constructs.NewConstruct(scope, &id)
	for group, name := range cfg.Groups {
		awslogs.NewLogGroup(parent, new(group), &awslogs.LogGroupProps{
			LogGroupName: &name, Retention: awslogs.RetentionDays_THREE_MONTHS, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		})
	}
	doc, err := json.Marshal(map[string]any{ //nolint:staticcheck // SA4006 does not see that new(expr) uses it
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]string{"Service": "es.amazonaws.com"},
			"Action":    []string{"logs:PutLogEvents", "logs:PutLogEventsBatch", "logs:CreateLogStream"},
			"Resource":  fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s/*", cfg.Region, cfg.Account, cfg.Prefix),
			"Condition": map[string]any{
				"StringEquals": map[string]string{"aws:SourceAccount": cfg.Account},
				"ArnLike":      map[string]string{"aws:SourceArn": cfg.DomainARN},
			},
		}},
	})
	if err != nil {
		return fmt.Errorf("write the log policy: %w", err)
	}
	awslogs.NewCfnResourcePolicy(parent, new("Policy"), &awslogs.CfnResourcePolicyProps{
		PolicyName: &cfg.PolicyName, PolicyDocument: new(string(doc)),
	})
	return nil
}
