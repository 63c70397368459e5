// Command osdr shows an operator both Regions, plans or aborts a switch, and tells
// a pipeline what has drifted. It needs no Node and works while a Region is away.
// See internal/operator and internal/drift.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift/command"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := operator.Main(ctx, os.Args[1:], operator.Streams{Out: os.Stdout, Err: os.Stderr}, cloud{}, command.Extras(sources)...)
	stop()
	os.Exit(code)
}

// cloud is AWS, by the shell's own credentials.
type cloud struct{}

func (cloud) Account(ctx context.Context, regions []string) (string, error) {
	fallback := ""
	if len(regions) > 0 {
		fallback = regions[0]
	}
	cfg, err := awsclients.OperatorConfig(ctx, fallback)
	if err != nil {
		return "", err
	}
	return awsclients.Account(ctx, cfg, regions)
}

func (cloud) World(ctx context.Context, app *config.App) (operator.World, error) {
	cfg, err := awsclients.OperatorConfig(ctx, app.SecondaryRegion)
	if err != nil {
		return operator.World{}, err
	}
	names := app.Names()
	w := operator.World{
		Domains: awsclients.NewPlane(cfg, names), Controllers: awsclients.NewFunctions(cfg, names),
		Zone: route.New(route53.NewFromConfig(cfg), app.DNS.ZoneID), Knock: awsclients.Knock,
	}
	w.Buckets = buckets(cfg, app)
	return w, nil
}

func buckets(cfg aws.Config, app *config.App) map[string]store.Bucket {
	out := map[string]store.Bucket{}
	for _, region := range app.Regions() {
		out[region] = store.New(store.NewClient(cfg, region), app.Names().Bucket(region), region)
	}
	return out
}

// sources of osdr drift.
func sources(ctx context.Context, app *config.App) (command.Sources, error) {
	cfg, err := awsclients.OperatorConfig(ctx, app.SecondaryRegion)
	if err != nil {
		return command.Sources{}, err
	}
	return command.Sources{
		Cloud: reader.New(cfg), Buckets: buckets(cfg, app), Zone: route.New(route53.NewFromConfig(cfg), app.DNS.ZoneID),
	}, nil
}
