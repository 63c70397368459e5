package gateway_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

func cname(target string, ttl uint32) []gateway.Record {
	return []gateway.Record{
		{Zone: "example.com", Name: "example.com", Type: "NS", TTL: 172800, Values: []string{"ns-1.awsdns-01.org."}},
		{Zone: "example.com", Name: customName, Type: "CNAME", TTL: ttl, Values: []string{target}},
		{Zone: "example.com", Name: "_active." + customName, Type: "TXT", TTL: ttl, Values: []string{`"generation=2 region=us-west-2"`}},
	}
}

func ask(t *testing.T, c *cloud, network, name string, qtype uint16) *dns.Msg {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), qtype)
	answer, _, err := (&dns.Client{Net: network, Timeout: 5 * time.Second}).Exchange(q, c.DNSAddr())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestDNSAnswersTheHostedZone(t *testing.T) {
	c := start(t)
	c.setRecords(cname(domainIn(west).Endpoint, 42)...)
	for _, network := range []string{"udp", "tcp"} {
		m := ask(t, c, network, "Search.Example.com", dns.TypeA)
		if len(m.Answer) != 2 || m.Answer[0].Header().Ttl != 42 || m.Answer[0].(*dns.CNAME).Target != domainIn(west).Endpoint+"." ||
			m.Answer[1].(*dns.A).A.String() != "127.0.0.1" {
			t.Errorf("%s: %v", network, m)
		}
	}
	if m := ask(t, c, "udp", customName, dns.TypeCNAME); len(m.Answer) != 1 {
		t.Errorf("CNAME: %v", m)
	}
	if txt, err := c.Dialer().TXT(t.Context(), "_active."+customName); err != nil || len(txt) != 1 || txt[0] != "generation=2 region=us-west-2" {
		t.Errorf("TXT: %v %v", txt, err)
	}
	if m := ask(t, c, "udp", customName, dns.TypeTXT); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 { // the CNAME alone
		t.Errorf("TXT of the record: %v", m)
	}
}

func TestDNSKnowsNothingElse(t *testing.T) {
	c := start(t)
	for _, name := range []string{"search-gone-xyz.us-east-1.es.amazonaws.com", "other.example.com", "example.org"} {
		if m := ask(t, c, "udp", name, dns.TypeA); m.Rcode != dns.RcodeNameError || len(m.Answer) != 0 {
			t.Errorf("%s: %v", name, m)
		}
	}
	c.setRecords(cname("x", 1)[:1]...) // the zone is there, the record is not
	time.Sleep(time.Second)
	if m := ask(t, c, "udp", customName, dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("a custom endpoint without a record: %v", m)
	}
}

func TestCustomEndpointOfTwoDomainsLeadsWhereTheRecordPoints(t *testing.T) {
	c := start(t)
	get := func(h *http.Client, region string) int {
		status, _ := do(t, h, sign(t, request(t, "GET", "https://"+customName+"/", ""), client, "es", region, time.Now()))
		return status
	}
	if status := get(c.viaProxy(), east); status != 200 {
		t.Fatalf("to the east: %d", status)
	}
	c.setRecords(cname(domainIn(west).Endpoint, 60)...)
	time.Sleep(time.Second)
	if status := get(c.viaProxy(), east); status != 403 { // F16
		t.Errorf("signed for the old Region: %d", status)
	}
	if status := get(c.viaProxy(), west); status != 200 || len(c.nodes[west].requests()) != 1 {
		t.Errorf("to the west: %d", status)
	}
}

func TestAConnectionWithoutCONNECTGoesByItsHost(t *testing.T) {
	c := start(t)
	for host, want := range map[string]int{customName: 200, domainIn(east).Endpoint: 200, domainIn(west).Endpoint: 403} {
		h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, c.DomainAddr())
			}}}
		if status, body := do(t, h, sign(t, request(t, "GET", "https://"+host+"/", ""), client, "es", east, time.Now())); status != want {
			t.Errorf("%s: %d %s", host, status, body)
		}
	}
	if n := len(c.nodes[east].requests()); n != 2 {
		t.Errorf("%d calls reached the node", n)
	}
}

func TestDialerKeepsAnAnswerForItsTTL(t *testing.T) {
	c := start(t)
	d := c.Dialer()
	now := time.Now()
	d.Now = func() time.Time { return now }
	h := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.roots}}}
	get := func() {
		for _, region := range []string{east, west} { // whichever it reaches refuses the other's signature
			do(t, h, sign(t, request(t, "GET", "https://"+customName+"/", ""), client, "es", region, time.Now()))
		}
	}
	get()
	c.setRecords(cname(domainIn(west).Endpoint, 60)...)
	time.Sleep(time.Second) // the zone's cache is over, the client's is not
	now = now.Add(59 * time.Second)
	get()
	if e, w := len(c.nodes[east].requests()), len(c.nodes[west].requests()); e != 2 || w != 0 {
		t.Fatalf("before the TTL is over: %d calls in the east, %d in the west", e, w)
	}
	now = now.Add(time.Second)
	get()
	if e, w := len(c.nodes[east].requests()), len(c.nodes[west].requests()); e != 2 || w != 1 {
		t.Fatalf("after the TTL: %d calls in the east, %d in the west", e, w)
	}
	c.dir.set(domainIn(east))
	d.TTL = time.Millisecond
	now = now.Add(time.Hour)
	if _, err := d.DialContext(t.Context(), "tcp", customName+":443"); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("a record that points at nothing: %v", err)
	}
}

func TestConnectLeadsNowhereElse(t *testing.T) {
	c := start(t)
	for _, host := range []string{"example.org:443", "s3.us-east-1.amazonaws.com:443", "192.0.2.1:443", domainIn(east).Endpoint + ":9200"} {
		_, err := c.viaProxy().Get("https://" + host)
		if err == nil || !strings.Contains(err.Error(), "Forbidden") {
			t.Errorf("%s: %v", host, err)
		}
	}
	c.ended(t, 4, gateway.Filter{Front: "connect", Match: func(c gateway.Call) bool { return c.Status == 403 && strings.HasPrefix(c.Effect, "refused") }})
	// Loopback is reached as it is. net/http never proxies it, so CONNECT is asked by hand.
	conn := connect(t, strings.TrimPrefix(c.ConnectProxyURL(), "http://"), c.emulator.Listener.Addr().String())
	secured := tls.Client(conn, &tls.Config{RootCAs: c.roots, ServerName: "localhost"})
	if err := secured.HandshakeContext(t.Context()); err != nil {
		t.Error(err)
	}
	_ = secured.Close()
}

func TestAConnectionToADomainTakesOnlyItsNames(t *testing.T) {
	c := start(t)
	proxy, _ := url.Parse(c.ConnectProxyURL())
	h := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: c.roots}}}
	r := request(t, "GET", "https://"+domainIn(east).Endpoint+"/", "")
	r.Host = domainIn(west).Endpoint
	if status, _ := do(t, h, sign(t, r, client, "es", west, time.Now())); status != 421 {
		t.Errorf("another domain's name: %d", status)
	}
	if n := len(c.nodes[west].requests()); n != 0 {
		t.Error("it reached the other domain")
	}
}
