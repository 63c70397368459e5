package reader

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
)

func (a *AWS) domains(region string) *opensearch.Client {
	return opensearch.NewFromConfig(a.cfg, func(o *opensearch.Options) { o.Region = region })
}

// Domain implements Domains.
func (a *AWS) Domain(ctx context.Context, region, name string) (*Domain, error) {
	out, err := a.domains(region).DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: &name})
	if absent(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe domain %s in %s: %w", name, region, err)
	}
	s := out.DomainStatus
	d := &Domain{
		Resource: Resource{Name: name, ARN: aws.ToString(s.ARN), Properties: shape(s)},
		Endpoint: aws.ToString(s.Endpoint),
		Created:  aws.ToBool(s.Created), Deleted: aws.ToBool(s.Deleted), Processing: aws.ToBool(s.Processing), Upgrading: aws.ToBool(s.UpgradeProcessing),
	}
	if d.Properties["AccessPolicies"], err = document(aws.ToString(s.AccessPolicies)); err != nil {
		return nil, fmt.Errorf("describe domain %s in %s: %w", name, region, err)
	}
	return d, nil
}

// DomainNames implements Domains.
func (a *AWS) DomainNames(ctx context.Context, region string) ([]string, error) {
	out, err := a.domains(region).ListDomainNames(ctx, &opensearch.ListDomainNamesInput{})
	if err != nil {
		return nil, fmt.Errorf("list the domains in %s: %w", region, err)
	}
	var names []string
	for _, d := range out.DomainNames {
		names = append(names, aws.ToString(d.DomainName))
	}
	return names, nil
}
