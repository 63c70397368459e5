package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

const (
	east, west   = "us-east-1", "us-west-2"
	account      = "111122223333"
	customName   = "search.example.com"
	snapshotRole = "arn:aws:iam::111122223333:role/osdr-TheSnapshotRole-us-east-1"
	westBucket   = "osdr-snapshots-111122223333-us-west-2"
)

func domainIn(region string) gateway.Domain {
	return gateway.Domain{Name: "osdr", Region: region, Account: account, ARN: "arn:aws:es:" + region + ":" + account + ":domain/osdr",
		Endpoint: "search-osdr-abc." + region + ".es.amazonaws.com", CustomEndpoint: customName}
}

// iam is a fake authority: who has which key, and what each role may not do.
type iam struct {
	mu      sync.Mutex
	keys    map[string]gateway.Identity
	denied  map[string]bool // "role action"
	asked   []gateway.Question
	assumed []string // "role service sourceARN sourceAccount"
	trust   error
}

func (i *iam) Identify(_ context.Context, key string) (gateway.Identity, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if id, ok := i.keys[key]; ok {
		return id, nil
	}
	return gateway.Identity{}, gateway.ErrUnknownKey
}

func (i *iam) Assume(context.Context, string, string) (gateway.Identity, error) {
	panic("the service assumes with its source")
}

func (i *iam) AssumeForService(_ context.Context, role, _, service, sourceARN, sourceAccount string) (gateway.Identity, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.assumed = append(i.assumed, role+" "+service+" "+sourceARN+" "+sourceAccount)
	return gateway.Identity{AccessKeyID: "ASIASNAPSHOT", Secret: "role secret", Token: "role token", RoleARN: role}, i.trust
}

func (i *iam) Allowed(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = append(i.asked, q)
	return gateway.Decision{Allowed: !i.denied[q.Action]}, nil
}

func (i *iam) deny(action string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.denied[action] = true
}

// directory of domains that a test can change.
type directory struct {
	mu      sync.Mutex
	domains []gateway.Domain
}

func (d *directory) List() []gateway.Domain {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]gateway.Domain(nil), d.domains...)
}

func (d *directory) Lookup(host string) (gateway.Domain, bool) {
	for _, x := range d.List() {
		if x.Endpoint == host || x.CustomEndpoint == host {
			return x, true
		}
	}
	return gateway.Domain{}, false
}

func (d *directory) set(domains ...gateway.Domain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.domains = domains
}

// got is a request as a fake backend received it.
type got struct {
	*http.Request
	body []byte
}

// backend is a fake node or emulator that keeps what it got.
type backend struct {
	*httptest.Server
	mu     sync.Mutex
	got    []got
	answer func(http.ResponseWriter, got)
}

func newBackend(t *testing.T, secure *tls.Certificate) *backend {
	t.Helper()
	b := &backend{}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.got = append(b.got, got{r, body})
		answer := b.answer
		b.mu.Unlock()
		if answer != nil {
			answer(w, got{r, body})
		}
	}))
	if secure != nil {
		b.TLS = &tls.Config{Certificates: []tls.Certificate{*secure}}
		b.StartTLS()
	} else {
		b.Start()
	}
	t.Cleanup(b.Close)
	return b
}

func (b *backend) requests() []got {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]got(nil), b.got...)
}

func (b *backend) last(t *testing.T) got {
	t.Helper()
	all := b.requests()
	if len(all) == 0 {
		t.Fatal("nothing reached the backend")
	}
	return all[len(all)-1]
}

// cloud is one gateway with its fakes, serving.
type cloud struct {
	*gateway.Gateway
	iam      *iam
	dir      *directory
	nodes    map[string]*backend // by Region
	emulator *backend
	roots    *x509.CertPool
	log      *lockedBuffer
	cfg      gateway.Config

	mu      sync.Mutex
	records []gateway.Record
}

func (c *cloud) setRecords(records ...gateway.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = records
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func person(key, role, region, function string) gateway.Identity {
	return gateway.Identity{AccessKeyID: key, Secret: "secret of " + key, Token: "token of " + key, Account: account, Region: region, Function: function,
		RoleARN: "arn:aws:iam::" + account + ":role/" + role, PrincipalARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/session"}
}

var client = person("ASIACLIENT", "client", "", "")

func start(t *testing.T, change ...func(*gateway.Config)) *cloud {
	t.Helper()
	cert, roots := certificate(t)
	c := &cloud{roots: roots, dir: &directory{}, nodes: map[string]*backend{}, emulator: newBackend(t, &cert), log: &lockedBuffer{},
		iam: &iam{denied: map[string]bool{}, keys: map[string]gateway.Identity{client.AccessKeyID: client}}}
	for _, region := range []string{east, west} {
		id := person("ASIA"+region, "snapshot-"+region, region, "osdr-snapshot")
		c.iam.keys[id.AccessKeyID] = id
		c.nodes[region] = newBackend(t, nil)
	}
	a, b := domainIn(east), domainIn(west)
	a.Address, b.Address = c.nodes[east].Listener.Addr().String(), c.nodes[west].Listener.Addr().String()
	c.dir.set(a, b)
	c.setRecords(gateway.Record{Zone: "example.com", Name: "example.com", Type: "NS", TTL: 172800, Values: []string{"ns-1.awsdns-01.org."}},
		gateway.Record{Zone: "example.com", Name: customName, Type: "CNAME", TTL: 60, Values: []string{a.Endpoint}})
	c.cfg = gateway.Config{Authority: c.iam, Directory: c.dir, Certificate: cert, CA: roots, Log: c.log, StateFile: t.TempDir() + "/state.json",
		NodeKey: func(key string) (gateway.Domain, bool) {
			for _, d := range c.dir.List() {
				if key == "NODE"+d.Region {
					return d, true
				}
			}
			return gateway.Domain{}, false
		},
		Zones: func(context.Context) ([]gateway.Record, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.records, nil
		}}
	for _, f := range change {
		f(&c.cfg)
	}
	c.Gateway = c.open(t)
	return c
}

func (c *cloud) open(t *testing.T) *gateway.Gateway {
	t.Helper()
	g, err := gateway.New(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetEmulator(c.emulator.URL); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(context.Background()) }()
	t.Cleanup(func() {
		_ = g.Close()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return g
}
