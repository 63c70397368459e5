// Command recovery is the controller of its Region: each minute, and whenever it
// is asked. See internal/recovery.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

func main() {
	f := awsclients.MustLoad(contract.Recovery)
	names := f.Settings.Names()
	own, other := f.Bucket(f.Region), f.Bucket(f.Settings.Other(f.Region))
	plane := awsclients.NewPlane(f.Config, names)
	leases := &lease.Memory{}
	deps := recovery.Deps{
		Parallel: 8, // a domain takes so many changes of blocks at a time
		Settings: f.Settings, Region: f.Region, Own: own, Other: other, Plane: plane,
		Peer: awsclients.NewFunctions(f.Config, names), Zone: f.Zone(), Knock: awsclients.Knock, Parameters: awsclients.NewParameters(f.Config), Agent: opensearch.AgentPermissions(),
		Snapshot: snapshot.Deps{
			Settings: f.Settings, Region: f.Region, Own: own, Other: other, Plane: plane, Metrics: f.Metrics, Log: f.Log,
			Random: awsclients.Random, Budget: repository.DefaultBudget, Leases: leases,
		},
		Leases: leases, Metrics: f.Metrics, Log: f.Log, Token: awsclients.Token,
		Doctor: recovery.Doctor{Trials: plane, Name: awsclients.TrialName, Certificate: awsclients.Certificate, Wait: awsclients.Wait},
	}
	lambda.Start(func(ctx context.Context, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
		if call, ok := lambdacontext.FromContext(ctx); ok {
			if err := recovery.MayLook(call.InvokedFunctionArn, req); err != nil {
				return contract.RecoveryStatus{}, err
			}
		}
		d := deps
		d.Holder = awsclients.Holder(ctx)
		d.Snapshot.Holder = d.Holder
		return recovery.Handle(ctx, d, req)
	})
}
