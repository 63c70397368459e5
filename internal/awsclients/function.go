package awsclients

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

// Function is what every function of the product starts with.
type Function struct {
	Settings contract.Settings
	Region   string
	Config   aws.Config
	Log      *slog.Logger
	Metrics  telemetry.Publisher
}

// Load it from the environment. what is the function's name in the contract.
func Load(ctx context.Context, what string) (Function, error) {
	s, err := contract.FromEnvironment()
	if err != nil {
		return Function{}, err
	}
	cfg, err := Config(ctx)
	if err != nil {
		return Function{}, err
	}
	return Function{
		Settings: s, Region: cfg.Region, Config: cfg,
		Log:     telemetry.Logger(os.Stderr, what, cfg.Region),
		Metrics: telemetry.CloudWatch(cloudwatch.NewFromConfig(cfg), s.Name),
	}, nil
}

// MustLoad is Load for a main: a function that cannot start says why and ends.
func MustLoad(what string) Function {
	f, err := Load(context.Background(), what)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR: start "+what+": "+err.Error())
		os.Exit(1)
	}
	return f
}

// Bucket of a Region.
func (f Function) Bucket(region string) store.Bucket {
	return store.New(store.NewClient(f.Config, region), f.Settings.Names().Bucket(region), region)
}

// Zone of the record.
func (f Function) Zone() route.Zone {
	return route.New(route53.NewFromConfig(f.Config), f.Settings.DNS.ZoneID)
}

// Holder of a lease, for people: function and invocation.
func Holder(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lambdacontext.FunctionName + " " + lc.AwsRequestID
	}
	return lambdacontext.FunctionName
}

// Token that nobody else makes.
func Token() string { return crand.Text() }

// Random for names.
func Random() uint32 { return rand.Uint32() }

// TrialName of a doctor's run: what stands behind contract.TrialPrefix.
func TrialName() string { return strings.ToLower(crand.Text()[:contract.TrialRandom]) }

// Wait for a while, or until ctx is over.
func Wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
