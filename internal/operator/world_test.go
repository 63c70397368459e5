package operator_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/route/routetest"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// now is S3's clock in every test.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const (
	east    = "us-east-1"
	west    = "us-west-2"
	account = "123456789012"
)

// state of a made-up installation, as a script writes it: world.json.
type state struct {
	Ledgers     map[string]tenure                  `json:"ledgers"`
	Points      []pointSpec                        `json:"points"`
	Away        []string                           `json:"away"`    // Regions that do not answer at all
	Silent      []string                           `json:"silent"`  // "<what> <Region>": bucket, api, domain, controller
	Refused     []string                           `json:"refused"` // the same, by IAM
	Domains     map[string]string                  `json:"domains"` // "ready", "busy"; otherwise absent
	Controllers map[string]contract.RecoveryStatus `json:"controllers"`
	Record      *route.Record                      `json:"record"` // otherwise as it should be
	Fences      map[string]fence.Record            `json:"fences"`
	Pins        map[string]point.Pin               `json:"pins"`
	Leased      int                                `json:"leased"` // so often a controller is at work when asked to abort
	Claimed     bool                               `json:"claimed"`
	Another     bool                               `json:"another"` // switch is under way by the time of the abort
	Deaf        bool                               `json:"deaf"`    // a controller that says done and does nothing
	Doctor      contract.RecoveryStatus            `json:"doctor"`
	Zone        operator.ZoneFeatures              `json:"zone"`
}

// tenure is a ledger by what differs.
type tenure struct {
	Generation int64          `json:"generation"`
	Region     string         `json:"region"`
	Cluster    string         `json:"cluster"`
	Token      string         `json:"token,omitempty"`
	Intent     *ledger.Intent `json:"intent,omitempty"`
}

func (t tenure) ledger() ledger.Ledger {
	l := ledger.Ledger{
		Version: 1, Generation: t.Generation, ActiveRegion: t.Region, ClusterUUID: t.Cluster, Endpoint: "search-osdr." + t.Region + ".es.amazonaws.com",
		Since: now.Add(-48 * time.Hour), Token: fmt.Sprint("token-", t.Generation), Intent: t.Intent,
	}
	if t.Token != "" {
		l.Token = t.Token
	}
	if t.Generation > 1 {
		l.PromotedFrom = "cluster-before"
	}
	return l
}

type pointSpec struct {
	In         string `json:"in"`
	Generation int64  `json:"generation"`
	Cluster    string `json:"cluster"`
	Age        string `json:"age"`
	Kind       string `json:"kind"`
	Broken     bool   `json:"broken"` // an object of it is missing
	Documents  int64  `json:"documents"`
	Engine     string `json:"engine"` // otherwise 3.3.0
	Sorted     bool   `json:"sorted"` // its index movies is
	Bytes      int64  `json:"bytes"`  // otherwise 27.1 MB
}

// world of a state.
type world struct {
	state
	zone    *routetest.Zone
	buckets map[string]*storetest.Memory
}

func build(s state) (*world, error) {
	w := &world{state: s, zone: routetest.New(), buckets: map[string]*storetest.Memory{}}
	ctx := context.Background()
	var top ledger.Ledger
	for _, region := range []string{east, west} {
		b := storetest.NewMemory("osdr-snapshots-"+account+"-"+region, region, func() time.Time { return now })
		w.buckets[region] = b
		if t, ok := s.Ledgers[region]; ok {
			l := t.ledger()
			if err := put(ctx, b, ledger.Key, l); err != nil {
				return nil, err
			}
			if l.Generation > top.Generation {
				top = l
			}
		}
		if f, ok := s.Fences[region]; ok {
			if err := f.Save(ctx, b); err != nil {
				return nil, err
			}
		}
		if p, ok := s.Pins[region]; ok {
			if err := put(ctx, b, point.PinsPrefix+"one.json", p); err != nil {
				return nil, err
			}
		}
	}
	for n, p := range s.Points {
		if err := w.point(ctx, n, p); err != nil {
			return nil, err
		}
	}
	record := route.Record{Type: "CNAME", Target: top.Endpoint, TTL: 60, MarkTTL: 60, Mark: route.Mark{Name: "osdr", Region: top.ActiveRegion, Generation: top.Generation}.String()}
	if s.Record != nil {
		record = *s.Record
	}
	w.zone.Set("search.example.com", record)
	for _, region := range []string{east, west} {
		w.buckets[region].SetUnreachable(w.silent("bucket", region))
		if slices.Contains(s.Refused, "bucket "+region) {
			for _, op := range []storetest.Op{storetest.Get, storetest.List, storetest.Now} {
				w.buckets[region].FailNext(op, 1000, denied{})
			}
		}
	}
	return w, nil
}

type denied struct{}

func (denied) Error() string     { return "AccessDenied: not authorized" }
func (denied) ErrorCode() string { return "AccessDenied" }

func put(ctx context.Context, b store.Bucket, key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = b.Put(ctx, key, body, store.Condition{})
	return err
}

func (w *world) point(ctx context.Context, n int, s pointSpec) error {
	age, err := time.ParseDuration(s.Age)
	if err != nil {
		return err
	}
	b := w.buckets[s.In]
	object := point.Object{Key: fmt.Sprintf("%s/snap-%d.dat", s.Cluster, n), Size: 3}
	for _, key := range []string{s.Cluster + "/index-7", object.Key} {
		if s.Broken && key == object.Key {
			continue
		}
		if _, err := b.Put(ctx, key, []byte("abc"), store.Condition{}); err != nil {
			return err
		}
	}
	led := tenure{Generation: s.Generation, Region: east, Cluster: s.Cluster}
	if s.In == east {
		led.Region = west
	}
	for _, t := range w.Ledgers { // the copy is exact
		if t.Generation == s.Generation {
			led = t
		}
	}
	_, err = point.Write(ctx, b, point.Point{
		ID: point.ID{Generation: s.Generation}, ClusterUUID: s.Cluster, BasePath: s.Cluster, Region: led.Region, Bucket: b.Name(),
		Snapshot: fmt.Sprint("snapshot-", n), SnapshotUUID: fmt.Sprint("uuid-", n), Token: fmt.Sprint("uuid-", n), EngineVersion: cmp.Or(s.Engine, "3.3.0"),
		Start: now.Add(-age), End: now.Add(-age + time.Second), Documents: s.Documents, BytesTotal: cmp.Or(s.Bytes, 27_100_000), BytesAdded: 66_000, Kind: s.Kind,
		Indices: []point.Index{{Name: "movies", UUID: "u", Sorted: s.Sorted}, {Name: "flights", UUID: "v"}}, Ledger: led.ledger().Copy(),
	}, []point.Object{object}, opensearch.Capsule{})
	return err
}

func (w *world) silent(what, region string) bool {
	return slices.Contains(w.Away, region) || slices.Contains(w.Silent, what+" "+region)
}

// fails as it is told. A silent one costs the caller's whole patience.
func (w *world) fails(ctx context.Context, what, region string) error {
	switch {
	case w.silent(what, region):
		<-ctx.Done()
		return fmt.Errorf("ask the %s of %s: %w", what, region, ctx.Err())
	case slices.Contains(w.Refused, what+" "+region):
		return denied{}
	}
	return nil
}

func (w *world) Describe(ctx context.Context, region string) (domain.Description, error) {
	if err := w.fails(ctx, "api", region); err != nil {
		return domain.Description{}, err
	}
	d := domain.Description{Region: region}
	if s, ok := w.Domains[region]; ok {
		d.Exists, d.Created, d.Version, d.Endpoint = true, true, "OpenSearch_3.3", "search-osdr."+region+".es.amazonaws.com"
		d.Processing = s == "busy"
	}
	return d, nil
}

func (w *world) Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	if err := w.fails(ctx, "controller", region); err != nil {
		return contract.RecoveryStatus{}, err
	}
	switch req.Action {
	case contract.ActionAbort:
		return w.abort(ctx, req)
	case contract.ActionDoctor:
		return w.Doctor, nil
	}
	s := w.Controllers[region]
	if s.Phase == "" {
		s.Phase = "status"
	}
	if !req.Health {
		s.Health = "" // as a controller that was not asked
	}
	return s, nil
}

// abort does what a controller does of it: the marks go from the ledgers that it
// reaches.
func (w *world) abort(ctx context.Context, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	if w.Leased > 0 {
		w.Leased--
		return contract.RecoveryStatus{WaitingFor: "another run of the controller"}, nil
	}
	for _, region := range []string{east, west} {
		r := ledger.ReadOne(ctx, w.buckets[region])
		t := w.Ledgers[region]
		if t.Intent != nil && w.Another {
			next := *t.Intent
			next.Token, next.RequestID = "MNOPQRSTUVWX", "r-2"
			t.Intent = &next
			w.Ledgers[region] = t
			if err := put(ctx, w.buckets[region], ledger.Key, t.ledger()); err != nil {
				return contract.RecoveryStatus{}, err
			}
		}
		if r.Answer != ledger.Present || t.Intent == nil || t.Intent.Token != req.Token || w.Deaf {
			continue
		}
		if w.Claimed {
			t.Generation, t.Region, t.Token = t.Generation+1, t.Intent.To, t.Intent.Token
		}
		t.Intent = nil
		w.Ledgers[region] = t
		if err := put(ctx, w.buckets[region], ledger.Key, t.ledger()); err != nil {
			return contract.RecoveryStatus{}, err
		}
	}
	return contract.RecoveryStatus{Done: true}, nil
}

func (w *world) knock(ctx context.Context, endpoint string) error {
	for _, region := range []string{east, west} {
		if strings.Contains(endpoint, region) {
			return w.fails(ctx, "domain", region)
		}
	}
	return fmt.Errorf("no such host: %s", endpoint)
}

func (w *world) features(ctx context.Context) (operator.ZoneFeatures, error) {
	return w.Zone, w.fails(ctx, "zone", east)
}

func (w *world) Account(context.Context, []string) (string, error) { return account, nil }

func (w *world) World(context.Context, *config.App) (operator.World, error) { return w.world(), nil }

func (w *world) world() operator.World {
	buckets := map[string]store.Bucket{}
	for region, b := range maps.All(w.buckets) {
		buckets[region] = b
	}
	return operator.World{Buckets: buckets, Domains: w, Controllers: w, Zone: w.zone, Knock: w.knock, Features: w.features}
}

// open the installation of a state as the repository's own cdk.json has it.
func open(t *testing.T, s state, flags map[string]any) (*operator.Operator, *world) {
	t.Helper()
	w, err := build(s)
	if err != nil {
		t.Fatal(err)
	}
	app, err := load(flags)
	if err != nil {
		t.Fatal(err)
	}
	return &operator.Operator{
		App: app, Committed: east, World: w.world(), Timeout: 50 * time.Millisecond, Clock: func() time.Time { return now },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}, w
}

func load(flags map[string]any) (*config.App, error) {
	raw, err := os.ReadFile("../../cdk.json")
	if err != nil {
		return nil, err
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	maps.Copy(file.Context, flags)
	return config.Load(config.Source{Context: file.Context, CDKJSON: raw, DefaultAccount: account, Now: now})
}
