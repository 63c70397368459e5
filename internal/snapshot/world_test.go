package snapshot_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/access"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

const (
	east = "us-east-1"
	west = "us-west-2"
)

var settings = contract.Settings{
	Name: "films", Account: "111122223333", PrimaryRegion: east, SecondaryRegion: west, ControlRegion: west,
	RPOMinutes: 60, Retention: contract.Retention{Count: 3, Days: 0},
}

// world is one active domain in the east, with both buckets.
type world struct {
	t          *testing.T
	mu         sync.Mutex
	now        time.Time
	own, other *storetest.Memory
	cluster    *opensearchtest.Cluster
	desc       domain.Description
	metrics    map[string]float64
	random     uint32
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), metrics: map[string]float64{}}
	names := settings.Names()
	w.own = storetest.NewMemory(names.Bucket(east), east, w.clock)
	w.other = storetest.NewMemory(names.Bucket(west), west, w.clock)
	w.cluster = w.newCluster(1)
	w.desc = domain.Description{Region: east, Exists: true, Created: true, Endpoint: "search-films.us-east-1.es.amazonaws.com"}
	w.index("movies", "1", "2", "3")
	return w
}

func (w *world) newCluster(seed uint64) *opensearchtest.Cluster {
	c := opensearchtest.New(opensearchtest.Options{
		Seed: seed, Clock: w.clock, Master: settings.Names().MasterRoleARN(east),
		Bucket: func(name string) store.Bucket {
			if name == w.other.Name() {
				return w.other
			}
			return nil
		},
	})
	_, err := access.Map(w.t.Context(), c.As(settings.Names().MasterRoleARN(east)), access.For(settings, east, opensearch.AgentPermissions()))
	w.check(err)
	return c
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) index(name string, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		w.check(w.cluster.Index(w.t.Context(), name, id, `{"id":"`+id+`"}`))
	}
}

// promote claims the east's cluster, in both ledgers.
func (w *world) promote() ledger.Ledger {
	w.t.Helper()
	l, err := ledger.ClaimFirst(w.t.Context(), w.own, ledger.Claim{Region: east, ClusterUUID: w.cluster.UUID(), Endpoint: w.desc.Endpoint, Token: "first"})
	w.check(err)
	_, err = ledger.CopyDown(w.t.Context(), w.other, l)
	w.check(err)
	return l
}

func (w *world) deps() snapshot.Deps {
	return snapshot.Deps{
		Settings: settings, Region: east, Own: w.own, Other: w.other, Plane: w, Metrics: w,
		Log: slog.New(slog.DiscardHandler), Holder: "test",
		Random: func() uint32 { w.mu.Lock(); defer w.mu.Unlock(); w.random++; return w.random },
		Budget: repository.Budget{Propagation: time.Second, First: time.Millisecond},
	}
}

func (w *world) run() (contract.SnapshotResult, error) {
	return snapshot.Run(w.t.Context(), w.deps(), contract.SnapshotRequest{Reason: snapshot.ReasonDemand})
}

func (w *world) mustRun() contract.SnapshotResult {
	w.t.Helper()
	r, err := w.run()
	w.check(err)
	return r
}

func (w *world) settle() (contract.SnapshotResult, error) {
	return snapshot.Settle(w.t.Context(), w.deps())
}

// point makes one whole recovery point and answers it.
func (w *world) point() point.Point {
	w.t.Helper()
	if r := w.mustRun(); r.Started == "" {
		w.t.Fatalf("nothing started: %+v", r)
	}
	w.pass(time.Minute)
	_, err := w.settle()
	w.check(err)
	return w.newest()
}

func (w *world) newest() point.Point {
	w.t.Helper()
	p, ok, err := point.LoadNewest(w.t.Context(), w.other)
	w.check(err)
	if !ok {
		w.t.Fatal("no recovery point")
	}
	return p
}

func (w *world) points() []point.ID {
	w.t.Helper()
	ids, err := point.List(w.t.Context(), w.other)
	w.check(err)
	return ids
}

func (w *world) snapshots() []string {
	w.t.Helper()
	var names []string
	list, err := w.cluster.Snapshots(w.t.Context(), contract.Repository)
	w.check(err)
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names
}

// The world is the control plane and the metrics too.

func (w *world) Describe(_ context.Context, region string) (domain.Description, error) {
	if region != east {
		return domain.Description{Region: region}, nil
	}
	return w.desc, nil
}

func (w *world) Open(context.Context, string, string) (opensearch.Domain, error) {
	return w.cluster.As(settings.Names().FunctionRoleARN(contract.Snapshot, east)), nil
}

func (w *world) OpenSecurity(context.Context, string, string) (opensearch.Security, error) {
	return w.cluster.As(settings.Names().MasterRoleARN(east)), nil
}

func (w *world) Publish(_ context.Context, metrics ...telemetry.Metric) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range metrics {
		w.metrics[m.Name] = m.Value
	}
	return nil
}
