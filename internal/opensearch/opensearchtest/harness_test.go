package opensearchtest_test

// HARNESS FILE: which real node the contract runs on. The main session wires it
// to drill/node and drill/emulator; until then the addresses come from the
// environment.

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

func TestNode(t *testing.T) {
	endpoint, s3Endpoint := os.Getenv("OSDR_TEST_OPENSEARCH"), os.Getenv("OSDR_TEST_S3_ENDPOINT")
	if endpoint == "" || s3Endpoint == "" {
		return
	}
	t.Setenv("AWS_ENDPOINT_URL", s3Endpoint)
	n := nodeUnderTest{endpoint: endpoint, master: os.Getenv("OSDR_TEST_OPENSEARCH_MASTER")}
	bucket := func(region string) store.Bucket {
		cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(region))
		if err != nil {
			t.Fatal(err)
		}
		client, name := store.NewClient(cfg, region), "contract-"+strings.ToLower(rand.Text())
		in := &s3.CreateBucketInput{Bucket: &name}
		if region != "us-east-1" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
		}
		if _, err := client.CreateBucket(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		return store.New(client, name, region)
	}
	n.bucket = bucket("us-west-2")
	n.repository = opensearch.Repository{Bucket: n.bucket.Name(), Region: "us-west-2", RoleARN: "arn:aws:iam::000000000000:role/TheSnapshotRole"}
	n.otherRegion = opensearch.Repository{Bucket: bucket("us-east-1").Name(), Region: "us-west-2"}
	nodeContract(t, n)
}
