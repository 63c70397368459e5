package checks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/checks"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/route/routetest"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	account = "123456789012"
	east    = "us-east-1"
	west    = "us-west-2"
	cluster = "AAAAAAAAAAAAAAAAAAAAAA"
)

// now is S3's clock in every test.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world in which all stands as the goldens of a variant say.
type world struct {
	*cloud
	t       *testing.T
	app     *config.App
	facts   *checks.Facts
	buckets map[string]*storetest.Memory
	zone    *routetest.Zone
	shift   time.Duration // of S3's clock
	limit   time.Duration // of a look-up, slow or not
}

// later moves S3's clock.
func (w *world) later(d time.Duration) { w.shift = d }

// variant of the goldens: which file a stack has, and what cdk.json says.
type variant struct {
	foundation, domain, other string
	flags                     map[string]any
}

var (
	cold = variant{"cold", "active-primary.cold", "active-primary", nil}
	warm = variant{"warm", "active-primary.warm", "active-primary", map[string]any{"dr.standby": "warm"}}
	// reverse: the secondary is active.
	reverse = variant{"cold", "active-secondary.cold", "active-secondary", map[string]any{"activeRegion": west}}
	third   = variant{"options", "options", "options", map[string]any{
		"dr.encryption": "kms", "dr.controlRegion": "eu-west-1", "dr.functionArchitecture": "x86_64", "dr.rpoMinutes": "2",
		"dr.alarmTarget": "on-call@example.com", "dr.admins": "arn:aws:iam::" + account + ":role/admin",
		"dr.domain.masters.count": "0", "dr.domain.zones": "1", "dr.domain.dataNodes": "1", "dr.domain.volume.type": "gp2", "dr.domain.volume.throughput": "0",
		"dr.dns.certificates.us-east-1": "arn:aws:acm:us-east-1:" + account + ":certificate/one",
		"dr.dns.certificates.us-west-2": "arn:aws:acm:us-west-2:" + account + ":certificate/two",
	}}
)

func open(t *testing.T, v variant) *world {
	t.Helper()
	w := &world{t: t, app: load(t, v.flags), buckets: map[string]*storetest.Memory{}, zone: routetest.New(), limit: 10 * time.Second}
	assembly := &template.Assembly{Dir: t.TempDir()}
	add := func(name, region, variant string, protected bool) {
		body, err := os.ReadFile(filepath.Join("..", "..", "..", "stacks", "testdata", "golden", name+"."+variant+".json"))
		w.check(err)
		s, err := template.Parse(name, account, region, body)
		w.check(err)
		s.Protected, s.BootstrapParameter, s.BootstrapVersion = protected, "/cdk-bootstrap/hnb659fds/version", 6
		assembly.Stacks = append(assembly.Stacks, s)
	}
	for _, region := range []string{east, west} {
		add("osdr-foundation-"+region, region, v.foundation, true)
		add("osdr-domain-"+region, region, v.domain, true)
		add("osdr-recovery-"+region, region, v.other, false)
	}
	add("osdr-traffic", w.app.ControlRegion, v.other, false)
	w.cloud = deployed(t, assembly, w.app)
	w.data()
	w.facts = &checks.Facts{
		App: w.app, Cloud: w.cloud, Zone: w.zone, Expected: assembly, Built: filepath.Join("..", "..", "..", "stacks", "testdata", "lambda"),
		Buckets: map[string]store.Bucket{east: w.buckets[east], west: w.buckets[west]},
	}
	return w
}

func load(t *testing.T, flags map[string]any) *config.App {
	t.Helper()
	raw, err := os.ReadFile("../../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	maps.Copy(file.Context, flags)
	app, err := config.Load(config.Source{Context: file.Context, CDKJSON: raw, DefaultAccount: account, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// data: ledgers, record and recovery points of a system at rest.
func (w *world) data() {
	for _, region := range []string{east, west} {
		w.buckets[region] = storetest.NewMemory("osdr-snapshots-"+account+"-"+region, region, func() time.Time { return now.Add(w.shift) })
		w.put(region, ledger.Key, w.ledger())
	}
	l := w.ledger()
	w.zone.Set(w.app.DNS.Record, route.Record{
		Type: "CNAME", Target: l.Endpoint, TTL: 60, MarkTTL: 60,
		Mark: route.Mark{Name: "osdr", Region: l.ActiveRegion, Generation: l.Generation}.String(),
	})
	for n, age := range []time.Duration{3, 2, 1} {
		w.point(n+1, age*time.Duration(w.app.RPOMinutes)*time.Minute/4, point.KindRegular, 100)
	}
}

func (w *world) ledger() ledger.Ledger {
	return ledger.Ledger{
		Version: 1, Generation: 2, ActiveRegion: w.app.ActiveRegion, ClusterUUID: cluster, Endpoint: "search-osdr." + w.app.ActiveRegion + ".es.amazonaws.com",
		Since: now.Add(-48 * time.Hour), Token: "token", PromotedFrom: "before",
	}
}

func (w *world) put(region, key string, v any) {
	w.t.Helper()
	body, err := json.Marshal(v)
	w.check(err)
	_, err = w.buckets[region].Put(context.Background(), key, body, store.Condition{})
	w.check(err)
}

func (w *world) standby() string { return w.app.Other(w.app.ActiveRegion) }

func (w *world) point(n int, age time.Duration, kind string, documents int64) point.ID {
	w.t.Helper()
	ctx := context.Background()
	b := w.buckets[w.standby()]
	object := point.Object{Key: fmt.Sprintf("%s/snap-%d.dat", cluster, n), Size: 3}
	for _, key := range []string{cluster + "/index-7", object.Key} {
		_, err := b.Put(ctx, key, []byte("abc"), store.Condition{})
		w.check(err)
	}
	p, err := point.Write(ctx, b, point.Point{
		ID: point.ID{Generation: 2}, ClusterUUID: cluster, BasePath: cluster, Region: w.app.ActiveRegion, Bucket: b.Name(),
		Snapshot: fmt.Sprint("snapshot-", n), SnapshotUUID: fmt.Sprint("uuid-", n), Token: fmt.Sprint("uuid-", n), EngineVersion: "3.3.0",
		Start: now.Add(-age), End: now.Add(-age + time.Second), Documents: documents, BytesTotal: 27_100_000, Kind: kind,
		Indices: []point.Index{{Name: "movies", UUID: "u"}}, Ledger: w.ledger().Copy(),
	}, []point.Object{object}, opensearch.Capsule{})
	w.check(err)
	return p.ID
}

// run the checks.
func (w *world) run(o drift.Options) drift.Report {
	w.t.Helper()
	ctx := w.t.Context()
	w.facts.Memo, w.facts.Slow = drift.NewMemo(ctx, w.limit), w.limit
	at := drift.Regions{Pair: []string{east, west}, Control: w.app.ControlRegion, Find: w.facts.Active}
	o.Limit, o.Clock = 5*time.Second, func() time.Time { return now }
	r, err := drift.Run(ctx, checks.All(w.facts), at, o)
	w.check(err)
	return r
}

// ids of the findings, <id> <Region>, without notes.
func ids(r drift.Report, kinds ...drift.Kind) []string {
	if len(kinds) == 0 {
		kinds = []drift.Kind{drift.Drift, drift.Unknown}
	}
	out := []string{}
	for _, f := range r.Findings {
		line := f.Check + " " + f.Where
		if slices.Contains(kinds, f.Kind) && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

func dump(r drift.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s %s\n  expected %s\n  found    %s\n  mend     %s\n", f.Check, f.Where, f.Resource, f.Expected, f.Found, f.Mend)
	}
	return b.String()
}
