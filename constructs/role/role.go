// Package role makes an IAM role that can do what its statements say and
// nothing more. Its name is fixed, its policy is inside it, so that the role
// is complete the moment it exists and another stack may name it before.
package role

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/opensearch-dr/osdr/constructs/nag"
)

// Statement of an identity policy.
type Statement struct {
	Sid        string
	Effect     Effect // Allow when it is left out
	Actions    []string
	Resources  []string
	Conditions map[string]any
	// Wildcard is the reason why a resource or an action holds a *. Without one a
	// * fails the cdk-nag test.
	Wildcard string
}

// Effect of a statement.
type Effect string

// Deny wins over every Allow, of this role's policies and of a resource's.
const Deny Effect = "Deny"

// Config of a role. Exactly one of Service and AccountRoot is meant.
type Config struct {
	Name        string
	Description string
	Service     string         // trusted service, as lambda.amazonaws.com
	Account     string         // or: trusted account, narrowed by Conditions
	Conditions  map[string]any // of the trust
	Statements  []Statement
}

// Output of New.
type Output struct {
	ARN  string
	Role awsiam.Role // for constructs that want it typed, as a function
}

// New role.
func New(scope constructs.Construct, id string, cfg Config) Output {
	var trusted awsiam.PrincipalBase = awsiam.NewAccountPrincipal(cfg.Account)
	if cfg.Service != "" {
		trusted = awsiam.NewServicePrincipal(&cfg.Service, nil)
	}
	if len(cfg.Conditions) > 0 {
		trusted = trusted.WithConditions(&cfg.Conditions)
	}
	props := &awsiam.RoleProps{RoleName: &cfg.Name, Description: &cfg.Description, AssumedBy: trusted}
	var reasons []nag.Suppression
	if len(cfg.Statements) > 0 {
		doc := awsiam.NewPolicyDocument(nil)
		for _, s := range cfg.Statements {
			statement := &awsiam.PolicyStatementProps{
				Sid: &s.Sid, Actions: jsii.Strings(s.Actions...), Resources: jsii.Strings(s.Resources...),
			}
			if s.Effect == Deny {
				statement.Effect = awsiam.Effect_DENY
			}
			if len(s.Conditions) > 0 {
				statement.Conditions = &s.Conditions
			}
			doc.AddStatements(awsiam.NewPolicyStatement(statement))
			reasons = append(reasons, s.reasons()...)
		}
		props.InlinePolicies = &map[string]awsiam.PolicyDocument{"least": doc}
	}
	role := awsiam.NewRole(scope, &id, props)
	nag.Suppress(role, reasons...)
	return Output{ARN: *role.RoleArn(), Role: role}
}

func (s Statement) reasons() []nag.Suppression {
	var findings []string
	for _, a := range s.Actions {
		if strings.Contains(a, "*") {
			findings = append(findings, "Action::"+a)
		}
	}
	for _, r := range s.Resources {
		if strings.Contains(r, "*") {
			findings = append(findings, "Resource::"+r)
		}
	}
	if len(findings) == 0 || s.Wildcard == "" {
		return nil
	}
	return []nag.Suppression{{Rule: "AwsSolutions-IAM5", Reason: s.Wildcard, AppliesTo: findings}}
}
