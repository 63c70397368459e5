package awsclients

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/opensearch-dr/osdr/internal/domain"
	search "github.com/opensearch-dr/osdr/internal/opensearch"
)

var (
	_ domain.Controlled = (*Plane)(nil)
	_ domain.Trials     = (*Plane)(nil)
)

// OpenRecovery signs as the function itself.
func (p *Plane) OpenRecovery(_ context.Context, region, endpoint string) (domain.Recovery, error) {
	return search.New(search.Config{Endpoint: "https://" + endpoint, Region: region, Credentials: p.cfg.Credentials})
}

// OpenTrial signs as the function itself.
func (p *Plane) OpenTrial(_ context.Context, region, endpoint string) (domain.Trial, error) {
	return search.New(search.Config{Endpoint: "https://" + endpoint, Region: region, Credentials: p.cfg.Credentials})
}

// OpenMaster signs as the Region's master role.
func (p *Plane) OpenMaster(_ context.Context, region, endpoint string) (search.SecurityRecovery, error) {
	return p.master(region, endpoint)
}

func (p *Plane) master(region, endpoint string) (*search.Client, error) {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(p.cfg), p.names.MasterRoleARN(region), func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "osdr-access"
	})
	return search.New(search.Config{Endpoint: "https://" + endpoint, Region: region, Credentials: aws.NewCredentialsCache(provider)})
}

// Knock at a domain's endpoint, unsigned: it answers 403 to us, and any answer
// says that somebody is there. A redirect is not followed.
func Knock(ctx context.Context, endpoint string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+endpoint+"/", nil)
	if err != nil {
		return fmt.Errorf("knock at %s: %w", endpoint, err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("knock at %s: %w", endpoint, err)
	}
	return answer.Body.Close()
}

// Parameters of this Region.
type Parameters struct{ client *ssm.Client }

// NewParameters of the Region of cfg.
func NewParameters(cfg aws.Config) *Parameters { return &Parameters{ssm.NewFromConfig(cfg)} }

// Parameter answers "" for one that does not exist.
func (p *Parameters) Parameter(ctx context.Context, name string) (string, error) {
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if absent := (*types.ParameterNotFound)(nil); errors.As(err, &absent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Parameter.Value), nil
}

// PutParameter writes it as plain text.
func (p *Parameters) PutParameter(ctx context.Context, name, value string) error {
	_, err := p.client.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString, Overwrite: new(true)})
	return err
}
