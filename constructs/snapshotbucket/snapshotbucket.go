// Package snapshotbucket makes the bucket that recovery points of the other
// Region's domain lie in. It outlives its stack, keeps earlier versions of what
// was overwritten or deleted, is reached over TLS only, and nothing but the
// owner of a repository ever removes an object of it.
package snapshotbucket

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/nag"
)

// Config of a bucket.
type Config struct {
	Name     string
	KeyAlias string // of a customer managed key; empty for S3's own (SSE-S3)
}

// noncurrentDays is how long an overwritten or deleted object can be brought
// back. Only noncurrent versions ever expire: an expiry or a move to Glacier of
// live objects breaks every snapshot that shares them (F3); the days are more
// than the longest wait between two restore proofs (F26).
const noncurrentDays = 90

// New bucket. Its policy names no role (X6: a role of the other Region's stack
// may not exist yet; identity policies give the rights within the account) and
// asks for no encryption header (F8: an engine update stopped sending it, and
// every snapshot failed); the default encryption does the same without asking.
func New(scope constructs.Construct, id string, cfg Config) {
	parent := constructs.NewConstruct(scope, &id)
	props := &awss3.BucketProps{
		BucketName:        &cfg.Name,
		Versioned:         new(true),
		EnforceSSL:        new(true),
		MinimumTLSVersion: new(1.2),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:                                  new("leftovers-only"),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(new(7.0)),
			NoncurrentVersionExpiration:         awscdk.Duration_Days(new(float64(noncurrentDays))),
			ExpiredObjectDeleteMarker:           new(true),
		}},
	}
	if cfg.KeyAlias != "" {
		// The key's policy is the account root's alone (X6); who may use it is said
		// by identity policies, by its alias (X7).
		props.EncryptionKey = awskms.NewKey(parent, new("Key"), &awskms.KeyProps{
			Alias: &cfg.KeyAlias, Description: new("Default encryption of " + cfg.Name),
			EnableKeyRotation: new(true), RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		})
		props.Encryption, props.BucketKeyEnabled = awss3.BucketEncryption_KMS, new(true)
	}
	bucket := awss3.NewBucket(parent, new("Bucket"), props)
	nag.Suppress(bucket, nag.Suppression{Rule: "AwsSolutions-S1",
		Reason: "an access log bucket would be one more to keep in each Region; CloudTrail data events tell the same, and who wants them switches them on for the account"})
}
