// Command traffic answers what the ledger says, for the record sets of the
// traffic stack. See internal/custom.
package main

import (
	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
)

func main() {
	f := awsclients.MustLoad(contract.Traffic)
	lambda.Start(cfn.LambdaWrap(custom.Traffic{
		Settings: f.Settings, Primary: f.Bucket(f.Settings.PrimaryRegion), Secondary: f.Bucket(f.Settings.SecondaryRegion),
		Zone: f.Zone(), Stacks: awsclients.NewStacks(f.Config), Log: f.Log,
	}.Handle))
}
