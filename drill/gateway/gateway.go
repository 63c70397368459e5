// Package gateway stands between everything in the drill, so that the local
// cloud tells the truth: no call reaches a domain without a valid SigV4
// signature and IAM's consent, no node reaches S3 but as the role its repository
// names, nothing leaves this machine, and a Region that is taken away is away
// for its API, its domain and its bucket together.
//
// It has five fronts, all on free loopback ports: the AWS API (a reverse proxy
// to the emulator), the domains (TLS, SigV4, proxy authentication to the node),
// an HTTP CONNECT proxy that leads HTTPS clients to the domains, the nodes' S3
// proxy, and DNS as the hosted zones have it.
package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Config of a gateway.
type Config struct {
	Authority   Authority // may come later, by SetAuthority
	Directory   Directory
	Certificate tls.Certificate // for every endpoint, custom endpoint and 127.0.0.1
	CA          *x509.CertPool  // trusts the emulator's certificate
	// NodeKey tells which domain's node signs with this access key.
	NodeKey func(accessKeyID string) (Domain, bool)
	// Zones reads all public record sets; nil reads the emulator's Route 53.
	Zones func(context.Context) ([]Record, error)
	// StateFile keeps which role each node's repositories named, so that a node
	// that starts again on its data reaches S3; empty keeps it in memory.
	StateFile string
	Log       io.Writer        // JSON lines, one a call; nil for none
	Now       func() time.Time // nil is time.Now
	// NodeTimeout is how long a domain may take to answer before the gateway's
	// 504 (F34); 0 is the 60 s that AWS's front allows.
	NodeTimeout time.Duration
	// AllOperations lets everything through that the engine knows and redacts
	// nothing: for tests of the engine. The managed service is not so kind.
	AllOperations bool
	// Searched receives each search that a domain lets through; nil for none.
	Searched func(Domain)
}

// Gateway of one local cloud.
type Gateway struct {
	cfg     Config
	log     *callLog
	outages *outages
	repos   *repositories
	zones   *zoneCache
	regions *bucketRegions

	mu        sync.Mutex
	authority Authority
	emulator  *url.URL
	refused   map[string]bool  // registration forms
	disks     map[string]int64 // that the nodes of a Region report
	known     map[string]knownIdentity
	sessions  map[string]knownIdentity

	toEmulator, toNode *http.Transport
	aws, domain        net.Listener
	connect, s3        net.Listener
	dnsUDP             net.PacketConn
	dnsTCP             net.Listener
	tunnels            *joinedListener // domain, plus what CONNECT leads there
	servers            []*http.Server
	dnsServers         []*dns.Server

	done  chan struct{}
	close sync.Once
}

// New opens all listeners; calls are answered from Serve on.
func New(cfg Config) (*Gateway, error) {
	if cfg.Directory == nil || len(cfg.Certificate.Certificate) == 0 {
		return nil, errors.New("gateway: Directory and Certificate must be given")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NodeTimeout == 0 {
		cfg.NodeTimeout = time.Minute
	}
	if cfg.NodeKey == nil {
		cfg.NodeKey = func(string) (Domain, bool) { return Domain{}, false }
	}
	repos, err := openRepositories(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		cfg: cfg, authority: cfg.Authority, outages: newOutages(), repos: repos,
		log: &callLog{out: cfg.Log}, refused: map[string]bool{},
		known: map[string]knownIdentity{}, sessions: map[string]knownIdentity{},
		done: make(chan struct{}),
		// The emulator closes idle connections early, and a POST is not sent
		// twice: keep none long. Nothing is unzipped on the way.
		toEmulator: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: cfg.CA, MinVersion: tls.VersionTLS12}, DisableCompression: true,
			IdleConnTimeout: time.Second, MaxIdleConnsPerHost: 64, ExpectContinueTimeout: time.Second,
			TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
		},
		toNode: &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second,
			ResponseHeaderTimeout: cfg.NodeTimeout,
		},
	}
	zones := cfg.Zones
	if zones == nil {
		zones = g.emulatorZones
	}
	g.zones = &zoneCache{read: zones, now: cfg.Now}
	g.regions = newBucketRegions(g)
	if err := g.listen(); err != nil {
		_ = g.Close()
		return nil, err
	}
	return g, nil
}

func (g *Gateway) listen() error {
	var open net.ListenConfig
	ctx := context.Background() // an address of digits is bound at once: nothing to cancel
	for _, l := range []*net.Listener{&g.aws, &g.domain, &g.connect, &g.s3, &g.dnsTCP} {
		opened, err := open.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("open a gateway port on loopback: %w", err)
		}
		*l = opened
	}
	// DNS has the same port for UDP and TCP. The port is free for TCP; if UDP's is
	// taken, another TCP port is tried.
	for try := 0; ; try++ {
		var err error
		if g.dnsUDP, err = open.ListenPacket(ctx, "udp", g.dnsTCP.Addr().String()); err == nil {
			break
		}
		if try == 20 {
			return fmt.Errorf("open the DNS port on loopback: %w", err)
		}
		_ = g.dnsTCP.Close()
		if g.dnsTCP, err = open.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("open the DNS port on loopback: %w", err)
		}
	}
	g.tunnels = newJoinedListener(g.domain)
	server := func(h http.Handler) {
		g.servers = append(g.servers, &http.Server{
			Handler: h, ReadHeaderTimeout: time.Minute, ConnContext: rememberConn,
			TLSConfig:    &tls.Config{Certificates: []tls.Certificate{g.cfg.Certificate}, MinVersion: tls.VersionTLS12},
			TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1: a silent outage hijacks
			ErrorLog:     discardLog,
		})
	}
	server(http.HandlerFunc(g.serveAWS))
	server(http.HandlerFunc(g.serveDomain))
	server(http.HandlerFunc(g.serveConnect))
	server(http.HandlerFunc(g.serveS3))
	handler := dns.HandlerFunc(g.serveDNS)
	g.dnsServers = []*dns.Server{{PacketConn: g.dnsUDP, Handler: handler}, {Listener: g.dnsTCP, Handler: handler}}
	return nil
}

// Serve answers until the context ends or Close is called, which is nil, or a
// front fails, which is its error.
func (g *Gateway) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = g.Close() })
	defer stop()
	failed := make(chan error, len(g.servers)+len(g.dnsServers))
	run := func(name string, serve func() error) {
		go func() {
			if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				failed <- fmt.Errorf("gateway's %s front: %w", name, err)
				return
			}
			failed <- nil
		}()
	}
	run("AWS", func() error { return g.servers[0].ServeTLS(g.aws, "", "") })
	run("domain", func() error { return g.servers[1].ServeTLS(g.tunnels, "", "") })
	run("CONNECT", func() error { return g.servers[2].Serve(g.connect) })
	run("S3", func() error { return g.servers[3].Serve(g.s3) })
	for _, s := range g.dnsServers {
		run("DNS", s.ActivateAndServe)
	}
	err := <-failed
	_ = g.Close()
	for range cap(failed) - 1 {
		err = errors.Join(err, <-failed)
	}
	return err
}

// Close ends every listener, connection, tunnel and held call.
func (g *Gateway) Close() error {
	g.close.Do(func() {
		close(g.done)
		for _, s := range g.servers {
			_ = s.Close()
		}
		for _, s := range g.dnsServers {
			_ = s.Shutdown() // an error says that it never ran; its listener is closed below
		}
		for _, l := range []net.Listener{g.aws, g.domain, g.connect, g.s3, g.dnsTCP} {
			if l != nil {
				_ = l.Close()
			}
		}
		if g.dnsUDP != nil {
			_ = g.dnsUDP.Close()
		}
		g.toEmulator.CloseIdleConnections()
		g.toNode.CloseIdleConnections()
	})
	return nil
}

// SetEmulator gives the emulator's URL, https://127.0.0.1:port.
func (g *Gateway) SetEmulator(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the emulator's URL must be https://host:port, not %q", base)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.emulator = &url.URL{Scheme: u.Scheme, Host: u.Host}
	return nil
}

// AWSURL is the AWS API endpoint, https://127.0.0.1:port.
func (g *Gateway) AWSURL() string { return "https://" + g.aws.Addr().String() }

// ConnectProxyURL is for HTTPS_PROXY.
func (g *Gateway) ConnectProxyURL() string { return "http://" + g.connect.Addr().String() }

// DomainAddr is host:port where every domain's TLS is spoken.
func (g *Gateway) DomainAddr() string { return g.domain.Addr().String() }

// S3ProxyAddr is host:port for the nodes' s3.client.default.proxy.
func (g *Gateway) S3ProxyAddr() string { return g.s3.Addr().String() }

// DNSAddr is host:port, UDP and TCP.
func (g *Gateway) DNSAddr() string { return g.dnsTCP.Addr().String() }

func (g *Gateway) now() time.Time { return g.cfg.Now() }

func (g *Gateway) emulatorURL() (*url.URL, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.emulator, g.emulator != nil
}
