package reader

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/opensearch-dr/osdr/internal/store"
)

// notConfigured are S3's ways to say so.
var notConfigured = []string{
	"NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration",
	"ServerSideEncryptionConfigurationNotFoundError", "OwnershipControlsNotFoundError", "ReplicationConfigurationNotFoundError",
}

// Bucket implements Buckets.
func (a *AWS) Bucket(ctx context.Context, region, name string, part BucketPart) (*Resource, error) {
	value, err := bucketPart(ctx, store.NewClient(a.cfg, region), name, part)
	switch {
	case absent(err, "NoSuchBucket", "NotFound"):
		return nil, nil
	case absent(err, notConfigured...):
		return &Resource{Name: name, Properties: map[string]any{}}, nil
	case err != nil:
		return nil, fmt.Errorf("read %s of bucket %s: %w", part, name, err)
	}
	return &Resource{Name: name, ARN: "arn:aws:s3:::" + name, Properties: map[string]any{string(part): value}}, nil
}

func bucketPart(ctx context.Context, client *s3.Client, name string, part BucketPart) (any, error) {
	switch part {
	case Versioning:
		out, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		return map[string]any{"Status": string(out.Status)}, nil
	case Lifecycle:
		out, err := client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		rules := []any{}
		for _, r := range out.Rules {
			rules = append(rules, lifecycleRule(r))
		}
		return map[string]any{"Rules": rules}, nil
	case Encryption:
		out, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		rules := []any{}
		if c := out.ServerSideEncryptionConfiguration; c != nil {
			for _, r := range c.Rules {
				rule := map[string]any{"BucketKeyEnabled": aws.ToBool(r.BucketKeyEnabled)}
				if d := r.ApplyServerSideEncryptionByDefault; d != nil {
					rule["ServerSideEncryptionByDefault"] = prune(shape(d))
				}
				rules = append(rules, rule)
			}
		}
		return map[string]any{"ServerSideEncryptionConfiguration": rules}, nil
	case PublicAccess:
		out, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		return shape(out.PublicAccessBlockConfiguration), nil
	case Ownership:
		out, err := client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		return shape(out.OwnershipControls), nil
	case Policy:
		out, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		return document(aws.ToString(out.Policy))
	case Replication:
		out, err := client.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		return shape(out.ReplicationConfiguration), nil
	}
	return nil, fmt.Errorf("%s is no part of a bucket", part)
}

// lifecycleRule under CloudFormation's names, which are not S3's.
func lifecycleRule(r types.LifecycleRule) map[string]any {
	out := map[string]any{"Id": aws.ToString(r.ID), "Status": string(r.Status)}
	if e := r.Expiration; e != nil {
		if e.Days != nil && *e.Days > 0 {
			out["ExpirationInDays"] = float64(*e.Days)
		}
		if e.Date != nil {
			out["ExpirationDate"] = e.Date.UTC().Format("2006-01-02")
		}
		if aws.ToBool(e.ExpiredObjectDeleteMarker) {
			out["ExpiredObjectDeleteMarker"] = true
		}
	}
	if x := r.AbortIncompleteMultipartUpload; x != nil {
		out["AbortIncompleteMultipartUpload"] = shape(x)
	}
	if x := r.NoncurrentVersionExpiration; x != nil {
		out["NoncurrentVersionExpiration"] = shape(x)
	}
	if len(r.Transitions) > 0 {
		out["Transitions"] = shape(struct{ T []types.Transition }{r.Transitions})["T"]
	}
	if len(r.NoncurrentVersionTransitions) > 0 {
		out["NoncurrentVersionTransitions"] = shape(struct {
			T []types.NoncurrentVersionTransition
		}{r.NoncurrentVersionTransitions})["T"]
	}
	prefix := aws.ToString(r.Prefix) //nolint:staticcheck // rules of old have it still
	if f := r.Filter; f != nil {
		if f.Prefix != nil {
			prefix = *f.Prefix
		}
		if f.And != nil || f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil {
			out["Filter"] = shape(f)
		}
	}
	if prefix != "" {
		out["Prefix"] = prefix
	}
	return out
}

// Top implements Buckets.
func (a *AWS) Top(ctx context.Context, region, name string) ([]string, error) {
	var out []string
	for pages := s3.NewListObjectsV2Paginator(store.NewClient(a.cfg, region), &s3.ListObjectsV2Input{Bucket: &name, Delimiter: new("/")}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if absent(err, "NoSuchBucket", "NotFound") {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the top of bucket %s: %w", name, err)
		}
		for _, p := range page.CommonPrefixes {
			out = append(out, aws.ToString(p.Prefix))
		}
		for _, o := range page.Contents {
			out = append(out, aws.ToString(o.Key))
		}
	}
	return out, nil
}
