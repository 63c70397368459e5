// Command gate guards the domain: may this flag make one (Meant), may it be
// removed (Gate)? onEvent and isComplete of the Provider framework. See
// internal/custom.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
)

func main() {
	f := awsclients.MustLoad(contract.Gate)
	lambda.Start(custom.Handler{
		Settings: f.Settings, Region: f.Region, Functions: awsclients.NewFunctions(f.Config, f.Settings.Names()),
		Stacks: awsclients.NewStacks(f.Config), Log: f.Log, Now: time.Now,
	}.Handle)
}
