package gateway

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Dialer connects a Go client of the drill to a domain by its DNS name, as a
// client on AWS does it: the name is resolved through the gateway's DNS, the
// answer is kept for its TTL, and the connection goes to the domain that the
// answer named, even if the record has moved on since.
// DialContext fits http.Transport; TLS and Host stay the caller's.
type Dialer struct {
	DNS   string // host:port of the gateway's DNS
	Proxy string // host:port of the gateway's CONNECT proxy
	// TTL, if set, is how long an answer is kept instead of its own TTL.
	TTL time.Duration
	Now func() time.Time // nil is time.Now

	mu    sync.Mutex
	cache map[string]Resolved
}

// Resolved name.
type Resolved struct {
	Host  string // the end of the CNAME chain: a domain's endpoint
	TTL   time.Duration
	Until time.Time
}

// Dialer of this gateway.
func (g *Gateway) Dialer() *Dialer {
	return &Dialer{DNS: g.DNSAddr(), Proxy: strings.TrimPrefix(g.ConnectProxyURL(), "http://")}
}

func (d *Dialer) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// Resolve follows the CNAMEs of a host, from the cache while it is fresh.
func (d *Dialer) Resolve(ctx context.Context, host string) (Resolved, error) {
	host = hostOnly(host)
	d.mu.Lock()
	kept, ok := d.cache[host]
	d.mu.Unlock()
	if ok && d.now().Before(kept.Until) {
		return kept, nil
	}
	answer, err := d.ask(ctx, host, dns.TypeA)
	if err != nil {
		return Resolved{}, err
	}
	found, address := Resolved{Host: host, TTL: time.Hour}, false
	for _, rr := range answer {
		found.TTL = min(found.TTL, time.Duration(rr.Header().Ttl)*time.Second)
		switch rr := rr.(type) {
		case *dns.CNAME:
			found.Host = hostOnly(rr.Target)
		case *dns.A:
			address = true
		}
	}
	if !address {
		return Resolved{}, &net.DNSError{Err: "no such host", Name: host, Server: d.DNS, IsNotFound: true}
	}
	if d.TTL > 0 {
		found.TTL = d.TTL
	}
	found.Until = d.now().Add(found.TTL)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cache == nil {
		d.cache = map[string]Resolved{}
	}
	d.cache[host] = found
	return found, nil
}

// TXT of a name, never from the cache.
func (d *Dialer) TXT(ctx context.Context, name string) ([]string, error) {
	answer, err := d.ask(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, rr := range answer {
		if t, ok := rr.(*dns.TXT); ok {
			values = append(values, strings.Join(t.Txt, ""))
		}
	}
	return values, nil
}

func (d *Dialer) ask(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), qtype)
	answer, _, err := new(dns.Client).ExchangeContext(ctx, q, d.DNS)
	if err == nil && answer.Truncated {
		answer, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, q, d.DNS)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", name, err)
	}
	switch answer.Rcode {
	case dns.RcodeSuccess:
		return answer.Answer, nil
	case dns.RcodeNameError:
		return nil, &net.DNSError{Err: "no such host", Name: name, Server: d.DNS, IsNotFound: true}
	}
	return nil, &net.DNSError{Err: dns.RcodeToString[answer.Rcode], Name: name, Server: d.DNS, IsTemporary: true}
}

// DialContext resolves the host of address and connects through the proxy to
// what it resolved to.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	to, err := d.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, d.Proxy)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	target := net.JoinHostPort(to.Host, port)
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
	err = ask.Write(conn)
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(bufio.NewReader(conn), ask) //nolint:bodyclose // what follows the answer to a CONNECT is conn itself
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", resp.Status)
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("connect to %s: %w", target, err)
	}
	return conn, nil
}
