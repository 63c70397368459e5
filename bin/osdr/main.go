// Command osdr shows an operator both Regions, plans or aborts a switch and judges
// a change before it is deployed. It needs no Node and works while a Region is away. See internal/operator.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := operator.Main(ctx, os.Args[1:], operator.Streams{Out: os.Stdout, Err: os.Stderr}, cloud{})
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
		Buckets: map[string]store.Bucket{}, Domains: awsclients.NewPlane(cfg, names), Controllers: awsclients.NewFunctions(cfg, names),
		Zone: route.New(route53.NewFromConfig(cfg), app.DNS.ZoneID), Knock: awsclients.Knock,
		Stacks: awsclients.NewTemplates(cfg, app.Account),
		Features: func(ctx context.Context) (operator.ZoneFeatures, error) {
			private, accelerated, err := awsclients.ZoneFeatures(ctx, cfg, app.DNS.ZoneID)
			return operator.ZoneFeatures{Private: private, Accelerated: accelerated}, err
		},
	}
	for _, region := range app.Regions() {
		w.Buckets[region] = store.New(store.NewClient(cfg, region), names.Bucket(region), region)
	}
	return w, nil
}
