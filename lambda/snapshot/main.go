// Command snapshot makes recovery points: on schedule and on demand. See
// internal/snapshot.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

func main() {
	f := awsclients.MustLoad(contract.Snapshot)
	deps := snapshot.Deps{
		Settings: f.Settings, Region: f.Region,
		Own: f.Bucket(f.Region), Other: f.Bucket(f.Settings.Other(f.Region)),
		Plane: awsclients.NewPlane(f.Config, f.Settings.Names()), Metrics: f.Metrics, Log: f.Log,
		Random: awsclients.Random, Budget: repository.DefaultBudget,
		Leases: &lease.Memory{},
	}
	lambda.Start(func(ctx context.Context, req contract.SnapshotRequest) (contract.SnapshotResult, error) {
		d := deps
		d.Holder = awsclients.Holder(ctx)
		return snapshot.Run(ctx, d, req)
	})
}
