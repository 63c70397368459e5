// Package question makes a custom resource that asks one of the product's
// functions during a deployment: Meant, Gate, Promotion and Traffic. It holds
// no function, no role and no reference, only the answerer's name.
package question

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// Config of a question.
type Config struct {
	Type       string // contract.TypeGate, ...
	Asked      string // ARN of the answering function, of this Region (X1)
	Properties any    // contract.WishProperties or contract.TrafficProperties
	TimeoutSec int    // a function that dies would block for an hour else
}

// Output of New.
type Output struct{ Resource awscdk.CustomResource }

// Attribute of the answer, as a token.
func (o Output) Attribute(name string) string { return *o.Resource.GetAttString(&name) }

// New question.
func New(scope constructs.Construct, id string, cfg Config) (Output, error) {
	raw, err := json.Marshal(cfg.Properties)
	if err != nil {
		return Output{}, fmt.Errorf("write the properties of %s: %w", cfg.Type, err)
	}
	var properties map[string]any
	if err := json.Unmarshal(raw, &properties); err != nil {
		return Output{}, fmt.Errorf("read back the properties of %s: %w", cfg.Type, err)
	}
	return Output{awscdk.NewCustomResource(scope, &id, &awscdk.CustomResourceProps{
		ResourceType: &cfg.Type, ServiceToken: &cfg.Asked, Properties: &properties,
		ServiceTimeout: awscdk.Duration_Seconds(new(float64(cfg.TimeoutSec))),
	})}, nil
}
