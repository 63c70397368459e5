// Command osdr shows an operator both Regions, plans or aborts a switch, and tells
// a pipeline what has drifted and what a change would take away. It needs no Node,
// but where drift lets cdk make a synth, and works while a Region is away. See internal/operator, internal/drift and
// internal/change.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/opensearch-dr/osdr/internal/awsclients"
	gate "github.com/opensearch-dr/osdr/internal/change/command"
	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift/command"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := operator.Main(ctx, os.Args[1:], operator.Streams{Out: os.Stdout, Err: os.Stderr}, cloud{},
		append(command.Extras(sources), gate.Extra(stacks))...)
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
		return "", fmt.Errorf("find the account: %w; or give -c dr.account=<12 digits>", err)
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
		Features: func(ctx context.Context) (operator.ZoneFeatures, error) {
			z, err := reader.New(cfg).Zone(ctx, app.DNS.ZoneID)
			if err == nil && z == nil {
				err = fmt.Errorf("read hosted zone %s: there is none", app.DNS.ZoneID)
			}
			if err != nil {
				return operator.ZoneFeatures{}, err
			}
			return operator.ZoneFeatures{Private: z.Private, Accelerated: z.Accelerated}, nil
		},
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

// stacks that osdr change compares with.
func stacks(ctx context.Context, app *config.App) (reader.Stacks, error) {
	cfg, err := awsclients.OperatorConfig(ctx, app.SecondaryRegion)
	if err != nil {
		return nil, err
	}
	return reader.New(cfg), nil
}
