// Package workload is the application that a drill watches: it writes, updates,
// deletes and searches through the DNS name all the while, and remembers of each
// document what the domain acknowledged. Nothing it was promised is forgotten:
// an attempt without an answer is kept apart as unknown, and the document is not
// touched again, so that a late effect of it cannot be taken for a loss.
package workload

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/gateway"
)

// Config of a load.
type Config struct {
	Record      string
	Credentials aws.CredentialsProvider
	Dialer      *gateway.Dialer // of this load alone; its TTL stands for the record's
	TLS         *tls.Config     // trusts the drill's CA
	// Prefix of the indexes written: <prefix>-000001 and so on. A new one comes
	// each Roll, so that indexes appear in the middle of a switch, too (H8).
	Prefix string
	Roll   time.Duration
	// Pause between two writes and between two searches, Limit of one of them.
	// Zero: 40 ms, 2 s.
	Pause, Limit time.Duration
	// Stubborn never resolves the name again: it keeps to the address and to the
	// Region that it found first.
	Stubborn bool
}

// Kind of an operation.
type Kind string

// Kinds.
const (
	Write Kind = "write"
	Read  Kind = "read"
)

// Op that was tried.
type Op struct {
	Kind       Kind
	Start, End time.Time
	OK         bool
	Region     string // of the domain it was sent to; empty without a connection
	Reason     string // why not
}

// Load that runs or ran. Its methods may be called from several goroutines.
type Load struct {
	cfg    Config
	client *client.Client
	trips  *http.Transport
	cancel context.CancelFunc
	ended  sync.WaitGroup
	gate   sync.RWMutex // held for writing while paused

	mu      sync.Mutex
	ops     []Op
	docs    map[string]*document // by index/id
	live    []string             // keys the writer may touch again
	home    string               // the endpoint that holds the live ones
	next    int
	started time.Time
	renewed time.Time // when idle connections were closed last
	first   string    // endpoint of a stubborn load
	signed  string    // Region of a stubborn load
}

// Start a load; it ends with ctx or by Stop.
func Start(ctx context.Context, cfg Config) *Load {
	if cfg.Pause == 0 {
		cfg.Pause = 40 * time.Millisecond
	}
	if cfg.Limit == 0 {
		cfg.Limit = 2 * time.Second
	}
	l := &Load{cfg: cfg, docs: map[string]*document{}, started: time.Now()}
	l.trips = client.Transport(l.dial, &http.Transport{TLSClientConfig: cfg.TLS})
	l.client = client.New(client.Config{Record: cfg.Record, Credentials: cfg.Credentials, Region: l.signingRegion, Transport: l.trips})
	ctx, l.cancel = context.WithCancel(ctx)
	l.ended.Go(func() { l.run(ctx, Write, l.write) })
	l.ended.Go(func() { l.run(ctx, Read, l.search) })
	return l
}

// Stop for good.
func (l *Load) Stop() {
	l.cancel()
	l.ended.Wait()
	l.trips.CloseIdleConnections()
}

// Hold the load: no operation is under way when it returns, none begins before
// resume is called.
func (l *Load) Hold() (resume func()) {
	l.gate.Lock()
	return sync.OnceFunc(l.gate.Unlock)
}

func (l *Load) run(ctx context.Context, kind Kind, once func(context.Context) error) {
	for ctx.Err() == nil {
		l.gate.RLock()
		l.try(ctx, kind, once)
		l.gate.RUnlock()
		select {
		case <-ctx.Done():
		case <-time.After(l.cfg.Pause):
		}
	}
}

// try one operation and note it.
func (l *Load) try(ctx context.Context, kind Kind, once func(context.Context) error) {
	l.renew()
	var to string
	limited, cancel := context.WithTimeout(ctx, l.cfg.Limit)
	defer cancel()
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if t, ok := i.Conn.(*tls.Conn); ok {
			if c, ok := t.NetConn().(*routed); ok {
				to = c.host
			}
		}
	}})
	op := Op{Kind: kind, Start: time.Now()}
	err := once(context.WithValue(traced, destination{}, &to))
	op.End, op.OK, op.Region = time.Now(), err == nil, regionOf(to)
	if err != nil {
		if ctx.Err() != nil {
			return // the load ends; the attempt is kept as unknown by the writer
		}
		op.Reason = err.Error()
		l.trips.CloseIdleConnections() // the name may lead elsewhere now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops = append(l.ops, op)
}

// destination carries where an operation's connection led to its writer.
type destination struct{}

// renew lets no connection outlive the TTL of the name by much, as a well-behaved
// client does: a fenced domain goes on answering searches.
func (l *Load) renew() {
	if l.cfg.Stubborn {
		return
	}
	l.mu.Lock()
	due := time.Since(l.renewed) > max(l.cfg.Dialer.TTL, time.Second)
	if due {
		l.renewed = time.Now()
	}
	l.mu.Unlock()
	if due {
		l.trips.CloseIdleConnections()
	}
}

// routed connection knows the endpoint that the name led to.
type routed struct {
	net.Conn
	host string
}

func (l *Load) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	endpoint := l.kept(&l.first)
	if endpoint == "" {
		to, err := l.cfg.Dialer.Resolve(ctx, host)
		if err != nil {
			return nil, err
		}
		endpoint = l.keep(&l.first, to.Host)
	}
	conn, err := l.cfg.Dialer.DialContext(ctx, network, net.JoinHostPort(endpoint, port))
	if err != nil {
		return nil, err
	}
	return &routed{conn, endpoint}, nil
}

// kept is what a stubborn load found first.
func (l *Load) kept(where *string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *where
}

// keep what was found, where the load is a stubborn one and has nothing yet.
func (l *Load) keep(where *string, found string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cfg.Stubborn {
		return found
	}
	if *where == "" {
		*where = found
	}
	return *where
}

func (l *Load) signingRegion(ctx context.Context) (string, error) {
	if region := l.kept(&l.signed); region != "" {
		return region, nil
	}
	values, err := l.cfg.Dialer.TXT(ctx, "_active."+l.cfg.Record)
	if err != nil {
		return "", err
	}
	for _, field := range strings.Fields(strings.Join(values, " ")) {
		if region, ok := strings.CutPrefix(field, "region="); ok {
			return l.keep(&l.signed, region), nil
		}
	}
	return "", fmt.Errorf("read the TXT record _active.%s: no region in %q", l.cfg.Record, values)
}

// regionOf an endpoint such as search-x.us-east-1.es.amazonaws.com.
func regionOf(endpoint string) string {
	labels := strings.Split(endpoint, ".")
	if len(labels) < 2 {
		return ""
	}
	return labels[1]
}

func (l *Load) search(ctx context.Context) error {
	_, err := l.client.Do(ctx, http.MethodPost, "/"+l.cfg.Prefix+"-*/_search?size=1&ignore_unavailable=true", map[string]any{
		"query": map[string]any{"match_all": map[string]any{}}}, nil)
	return err
}
