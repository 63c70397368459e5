package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/route/routetest"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

const (
	east = "us-east-1"
	west = "us-west-2"
)

var errAway = errors.New("the Region does not answer")

// world of two Regions.
type world struct {
	t        *testing.T
	mu       sync.Mutex
	now      time.Time
	settings contract.Settings
	buckets  map[string]*storetest.Memory
	clusters map[string]*opensearchtest.Cluster
	descs    map[string]domain.Description
	away     map[string]bool // control plane and functions
	zone     *routetest.Zone
	metrics  map[string]*telemetry.Recorder
	tokens   int
	random   uint32
	version  string          // of the domains to be made
	dead     map[string]bool // domain endpoints
	params   map[string]string
	ctx      context.Context          // of the functions
	leases   map[string]*lease.Memory // of the controllers' processes; none: each run is a new one
	asked    func()                   // before each question how far a restore is
	calls    []string                 // of APIs, domains and controllers
	late     time.Duration            // how long the next look at a fence takes to be answered
	before   func()                   // the next look at a fence
	odd      string                   // an index of the east that takes no block
}

// stubborn is a domain of which one index takes no block.
type stubborn struct {
	domain.Recovery
	index string
}

func (s stubborn) Block(ctx context.Context, index string) error {
	if index == s.index {
		return &opensearch.Error{Step: "block writes", Status: 403, Type: "security_exception", Reason: "no permissions for [indices:admin/block/add]"}
	}
	return s.Recovery.Block(ctx, index)
}

// hurried is a domain in which something happens just before it is asked.
type hurried struct {
	domain.Recovery
	asked func()
}

func (h hurried) Progress(ctx context.Context, indices []string) ([]opensearch.IndexProgress, error) {
	h.asked()
	return h.Recovery.Progress(ctx, indices)
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		settings: contract.Settings{
			Name: "films", Account: "111122223333", PrimaryRegion: east, SecondaryRegion: west, ControlRegion: west, RPOMinutes: 60, LostAfter: 180,
			Retention: contract.Retention{Count: 3}, DNS: contract.DNS{Record: "search.example.com", TTL: 60},
		},
		buckets: map[string]*storetest.Memory{}, clusters: map[string]*opensearchtest.Cluster{}, descs: map[string]domain.Description{},
		dead: map[string]bool{}, params: map[string]string{},
		ctx: t.Context(), away: map[string]bool{}, zone: routetest.New(), metrics: map[string]*telemetry.Recorder{},
	}
	for _, r := range []string{east, west} {
		w.buckets[r] = storetest.NewMemory(w.settings.Names().Bucket(r), r, w.clock)
		w.metrics[r] = &telemetry.Recorder{}
	}
	return w
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// domain made in a Region.
func (w *world) domain(region string, seed uint64) *opensearchtest.Cluster {
	w.clusters[region] = opensearchtest.New(opensearchtest.Options{
		Seed: seed, Clock: w.clock, Version: w.version, Master: w.settings.Names().MasterRoleARN(region),
		Bucket: func(name string) store.Bucket {
			for _, b := range w.buckets {
				if b.Name() == name {
					return b
				}
			}
			return nil
		},
	})
	w.descs[region] = domain.Description{Region: region, Exists: true, Created: true, Endpoint: fmt.Sprintf("search-films-%d.%s.es.amazonaws.com", seed, region)}
	return w.clusters[region]
}

func (w *world) Describe(_ context.Context, region string) (domain.Description, error) {
	w.calls = append(w.calls, "describe "+region)
	if w.away[region] {
		return domain.Description{}, errAway
	}
	d := w.descs[region]
	d.Region = region
	return d, nil
}

func (w *world) Open(_ context.Context, region, _ string) (opensearch.Domain, error) {
	return w.clusters[region].As(w.settings.Names().FunctionRoleARN(contract.Recovery, region)), nil
}

func (w *world) OpenSecurity(_ context.Context, region, _ string) (opensearch.Security, error) {
	return w.clusters[region].As(w.settings.Names().MasterRoleARN(region)), nil
}

func (w *world) OpenRecovery(_ context.Context, region, _ string) (domain.Recovery, error) {
	c := w.clusters[region].As(w.settings.Names().FunctionRoleARN(contract.Recovery, region))
	if w.odd != "" && region == east {
		return stubborn{c, w.odd}, nil
	}
	if w.asked != nil {
		return hurried{c, w.asked}, nil
	}
	return c, nil
}

func (w *world) OpenMaster(_ context.Context, region, _ string) (opensearch.SecurityRecovery, error) {
	return w.clusters[region].As(w.settings.Names().MasterRoleARN(region)), nil
}

func (w *world) knock(_ context.Context, endpoint string) error {
	for region, d := range w.descs {
		if d.Endpoint == endpoint {
			w.calls = append(w.calls, "knock "+region)
		}
		if d.Endpoint == endpoint && !w.away[region] && !w.dead[region] {
			return nil
		}
	}
	return errAway
}

type parameters struct {
	w      *world
	region string
}

func (p parameters) Parameter(_ context.Context, name string) (string, error) {
	return p.w.params[p.region+name], nil
}

func (p parameters) PutParameter(_ context.Context, name, value string) error {
	p.w.params[p.region+name] = value
	return nil
}

func (w *world) Snapshot(_ context.Context, region string, req contract.SnapshotRequest) error {
	if w.away[region] {
		return errAway
	}
	_, err := w.run(region, req.Reason)
	return err
}

// run of a Region's snapshot function.
func (w *world) run(region, reason string) (contract.SnapshotResult, error) {
	d := w.snapshots(region)
	d.Holder = "snapshot"
	return snapshot.Run(w.ctx, d, contract.SnapshotRequest{Reason: reason})
}

func (w *world) snapshots(region string) snapshot.Deps {
	return snapshot.Deps{
		Settings: w.settings, Region: region, Own: w.buckets[region], Other: w.buckets[w.settings.Other(region)], Plane: w, Metrics: w.metrics[region],
		Log: slog.New(slog.DiscardHandler), Holder: "recovery", Budget: repository.Budget{},
		Random: func() uint32 { w.mu.Lock(); defer w.mu.Unlock(); w.random++; return w.random },
	}
}

func (w *world) Recovery(_ context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	w.calls = append(w.calls, req.Action+" "+region)
	if w.away[region] {
		return contract.RecoveryStatus{}, errAway
	}
	if before := w.before; before != nil && req.Action == contract.ActionRecheck {
		w.before = nil
		before()
	}
	s, err := w.ask(region, req)
	if req.Action == contract.ActionRecheck {
		w.pass(w.late)
		w.late = 0
	}
	return s, err
}

func (w *world) ask(region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	own, other := w.buckets[region], w.buckets[w.settings.Other(region)]
	log := slog.New(slog.DiscardHandler)
	return recovery.Handle(w.ctx, recovery.Deps{
		Knock: w.knock, Parameters: parameters{w, region},
		Settings: w.settings, Region: region, Own: own, Other: other, Plane: w, Peer: w, Zone: w.zone, Agent: opensearch.AgentPermissions(),
		Snapshot: w.snapshots(region),
		Metrics:  w.metrics[region], Log: log, Holder: "test", Leases: w.leases[region],
		Token: func() string { w.mu.Lock(); defer w.mu.Unlock(); w.tokens++; return fmt.Sprint("token-", w.tokens) },
	}, req)
}

func wish(region string) contract.WishProperties {
	return contract.WishProperties{Region: region, ActiveRegion: region}
}

func (w *world) promote(p contract.WishProperties) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(p.Region, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p})
	w.check(err)
	return s
}

// active: the east is set up.
func (w *world) active() {
	w.t.Helper()
	w.domain(east, 1)
	if s := w.promote(wish(east)); !s.Done {
		w.t.Fatalf("not promoted: %+v", s)
	}
}

func (w *world) tick(region string) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionTick})
	w.check(err)
	return s
}

func (w *world) record() route.Record {
	w.t.Helper()
	r, err := w.zone.Read(w.t.Context(), w.settings.DNS.Record)
	w.check(err)
	return r
}

func (w *world) ledger(region string) ledger.Reading {
	return ledger.ReadOne(w.t.Context(), w.buckets[region])
}

// switchTo moves the ledger by hand, as the next release's switch does.
func (w *world) switchTo(region, uuid string, where string) {
	w.t.Helper()
	b := w.buckets[where]
	l := w.ledger(where).Ledger
	_, err := ledger.PutIntent(w.t.Context(), b, l, ledger.Intent{Token: "two", To: region, RequestID: "r"}, time.Hour)
	w.check(err)
	_, err = ledger.ClaimSwitch(w.t.Context(), b, ledger.Claim{Region: region, ClusterUUID: uuid, Endpoint: "search-two", Token: "two"})
	w.check(err)
}

func wantRefusal(t *testing.T, s contract.RecoveryStatus, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(s.Refusal, p) || s.Done {
			t.Errorf("want a refusal with %q, got %+v", p, s)
		}
	}
}

func wantWaiting(t *testing.T, s contract.RecoveryStatus, part string) {
	t.Helper()
	if !strings.Contains(s.WaitingFor, part) || s.Done || s.Refusal != "" {
		t.Errorf("want to wait for %q, got %+v", part, s)
	}
}
