package opensearchtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

const (
	agent  = "arn:aws:iam::000000000000:role/osdr-snapshot-us-east-1"
	master = "arn:aws:iam::000000000000:role/osdr-master-us-east-1"
	nobody = "arn:aws:iam::000000000000:role/nobody"
)

// fixture is a cluster with a bucket and a clock that a test moves.
type fixture struct {
	*opensearchtest.Cluster
	bucket *storetest.Memory
	now    time.Time
}

func newFixture() *fixture {
	f := &fixture{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return f.now }
	f.bucket = storetest.NewMemory("snapshots", "us-west-2", clock)
	f.Cluster = opensearchtest.New(opensearchtest.Options{
		Seed: 1, Clock: clock, Master: master,
		Bucket: func(name string) store.Bucket {
			if name != f.bucket.Name() {
				return nil
			}
			return f.bucket
		},
	})
	return f
}

func TestCluster(t *testing.T) {
	opensearchtest.Contract(t, func(*testing.T) opensearchtest.Subject {
		f := newFixture()
		f.SnapshotsTake(3 * time.Second)
		f.RestoresTake(3 * time.Second)
		return opensearchtest.Subject{
			Domain: f.As(agent), Recovery: f.As(agent), Trial: f.As(agent), Security: f.As(master), Replay: f.As(master), Stranger: f.As(nobody), Application: f.Cluster, Agent: agent,
			Search: func(ctx context.Context, index string) error {
				_, err := f.As(agent).Documents(ctx, index)
				return err
			},
			Repository: opensearch.Repository{Bucket: "snapshots", Region: "us-west-2", RoleARN: "arn:aws:iam::000000000000:role/TheSnapshotRole"},
			Bucket:     f.bucket, AuditOffered: true,
			Pass: func() { f.now = f.now.Add(time.Second) },
		}
	})
}
