// Package nag writes a cdk-nag suppression at the resource it is about, with
// its reason. It writes the metadata that cdk-nag reads, so that a synth need
// not load cdk-nag itself; the tests do
// (github.com/cdklabs/cdk-nag#suppressing-a-rule).
package nag

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// Suppression of one rule. AppliesTo limits it to these findings, as
// "Resource::<arn>"; empty means the rule as a whole.
type Suppression struct {
	Rule      string
	Reason    string
	AppliesTo []string
}

const key = "cdk_nag"

// Suppress the rules at the CloudFormation resource that scope is or holds as
// its default child.
func Suppress(scope constructs.IConstruct, suppressions ...Suppression) {
	if len(suppressions) == 0 {
		return
	}
	resource, ok := scope.(awscdk.CfnResource)
	if !ok {
		resource = scope.Node().DefaultChild().(awscdk.CfnResource)
	}
	add(resource, suppressions)
}

// SuppressBelow does so at every resource of the type below scope.
func SuppressBelow(scope constructs.IConstruct, resourceType string, suppressions ...Suppression) {
	for _, child := range *scope.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		if !*awscdk.CfnResource_IsCfnResource(child) {
			continue
		}
		if resource := child.(awscdk.CfnResource); *resource.CfnResourceType() == resourceType {
			add(resource, suppressions)
		}
	}
}

func add(resource awscdk.CfnResource, suppressions []Suppression) {
	var rules []any
	if meta, ok := resource.GetMetadata(new(key)).(map[string]any); ok {
		rules, _ = meta["rules_to_suppress"].([]any)
	}
	for _, s := range suppressions {
		rule := map[string]any{"id": s.Rule, "reason": s.Reason}
		if len(s.AppliesTo) > 0 {
			rule["applies_to"] = s.AppliesTo
		}
		rules = append(rules, rule)
	}
	resource.AddMetadata(new(key), map[string]any{"rules_to_suppress": rules})
}
