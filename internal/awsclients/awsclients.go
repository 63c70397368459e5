// Package awsclients makes the functions' AWS clients, once a process: bounded
// in time, so that a Region that does not answer costs seconds (G5), and with
// the service's answers put into the product's own three: there, absent, nobody
// knows (H14).
package awsclients

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	search "github.com/opensearch-dr/osdr/internal/opensearch"
)

// Deadlines of one call to a control plane.
const (
	attemptTimeout = 10 * time.Second
	attempts       = 3
)

// Config of this function: its own Region and its role's credentials.
func Config(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
		}))
	if err != nil {
		return cfg, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("load the AWS configuration: AWS_REGION is empty")
	}
	return cfg, nil
}

// Plane is domain.Plane on AWS.
type Plane struct {
	cfg   aws.Config
	names contract.Names
}

var _ domain.Plane = (*Plane)(nil)

// NewPlane of an installation.
func NewPlane(cfg aws.Config, names contract.Names) *Plane { return &Plane{cfg, names} }

// Describe the domain of a Region.
func (p *Plane) Describe(ctx context.Context, region string) (domain.Description, error) {
	client := opensearch.NewFromConfig(p.cfg, func(o *opensearch.Options) { o.Region = region })
	out, err := client.DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: new(p.names.Domain())})
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		return domain.Description{Region: region}, nil
	}
	if err != nil {
		return domain.Description{}, fmt.Errorf("describe domain %s in %s: %w", p.names.Domain(), region, err)
	}
	return describe(region, out.DomainStatus), nil
}

func describe(region string, s *types.DomainStatus) domain.Description {
	var volumes int64
	if c, e := s.ClusterConfig, s.EBSOptions; c != nil && e != nil && aws.ToBool(e.EBSEnabled) {
		volumes = int64(aws.ToInt32(c.InstanceCount)) * int64(aws.ToInt32(e.VolumeSize)) << 30
	}
	return domain.Description{
		Volumes: volumes,
		Region:  region, Exists: true,
		Created: aws.ToBool(s.Created), Deleted: aws.ToBool(s.Deleted), Endpoint: aws.ToString(s.Endpoint),
		Processing: aws.ToBool(s.Processing), Upgrading: aws.ToBool(s.UpgradeProcessing), Version: aws.ToString(s.EngineVersion),
	}
}

// Open signs as the function itself, for the domain's Region (F16).
func (p *Plane) Open(_ context.Context, region, endpoint string) (search.Domain, error) {
	return search.New(search.Config{Endpoint: "https://" + endpoint, Region: region, Credentials: p.cfg.Credentials})
}

// OpenSecurity signs as the Region's master role.
func (p *Plane) OpenSecurity(_ context.Context, region, endpoint string) (search.Security, error) {
	return p.master(region, endpoint)
}
