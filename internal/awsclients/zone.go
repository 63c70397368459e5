package awsclients

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// ZoneFeatures of a hosted zone: whether it is private, and the state of its
// accelerated recovery, empty when it never had it.
func ZoneFeatures(ctx context.Context, cfg aws.Config, id string) (private bool, accelerated string, err error) {
	out, err := route53.NewFromConfig(cfg).GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &id})
	if err != nil {
		return false, "", fmt.Errorf("read hosted zone %s: %w", id, err)
	}
	if c := out.HostedZone.Config; c != nil {
		private = c.PrivateZone
	}
	if f := out.HostedZone.Features; f != nil {
		accelerated = string(f.AcceleratedRecoveryStatus)
	}
	return private, accelerated, nil
}
