package store_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/opensearch-dr/osdr/drill/testcloud"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func TestMain(m *testing.M) { testcloud.Main(m) }

// us-east-1 differs: buckets there are made without a location.
func TestEmulator(t *testing.T) {
	c := testcloud.Get(t)
	for _, region := range []string{"us-east-1", "us-west-2"} {
		t.Run(region, func(t *testing.T) {
			client := store.NewClient(c.Config(c.Admin, region), region)
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
		})
	}
}
