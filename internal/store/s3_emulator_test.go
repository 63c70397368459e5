package store_test

// HARNESS FILE: the S3 contract against a running emulator or account. The main
// session wires it to drill/emulator: set OSDR_TEST_S3_ENDPOINT to its URL, with
// credentials and, over TLS, AWS_CA_BUNDLE in the environment. Without it the
// test does not exist (no skip): see TestMain's list of suites.

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func s3Contract(t *testing.T, endpoint, region string) {
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(region))
	if err != nil {
		t.Fatal(err)
	}
	client := store.NewClient(cfg, region)
	name := func() string { return "contract-" + strings.ToLower(rand.Text()) }
	storetest.Contract(t, func(t *testing.T) store.Bucket {
		n := name()
		in := &s3.CreateBucketInput{Bucket: &n}
		if region != "us-east-1" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
		}
		if _, err := client.CreateBucket(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &n,
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
			t.Fatal(err)
		}
		return store.New(client, n, region)
	}, func(*testing.T) store.Bucket { return store.New(client, name(), region) })
}

func TestEmulator(t *testing.T) {
	endpoint := os.Getenv("OSDR_TEST_S3_ENDPOINT")
	if endpoint == "" {
		return
	}
	for _, region := range []string{"us-east-1", "us-west-2"} {
		t.Run(region, func(t *testing.T) { s3Contract(t, endpoint, region) })
	}
}
