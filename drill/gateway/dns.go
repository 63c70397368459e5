package gateway

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// endpointTTL of a domain endpoint's address, in seconds, as AWS has it.
const endpointTTL = 60

// serveDNS answers what the hosted zones hold, and 127.0.0.1 for every domain
// that exists. Every other name does not exist: nothing is asked elsewhere.
func (g *Gateway) serveDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative, m.RecursionAvailable = true, true
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeNotImplemented
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		m.Answer, m.Rcode = g.resolve(ctx, q.Question[0])
		cancel()
	}
	_ = w.WriteMsg(m) // the asker may be gone
}

// resolve follows CNAMEs, as a resolver does for its clients.
func (g *Gateway) resolve(ctx context.Context, q dns.Question) (answer []dns.RR, rcode int) {
	name, want := hostOnly(q.Name), dns.TypeToString[q.Qtype]
	for range 8 { // a longer chain is a loop
		sets, hosted, err := g.zones.find(ctx, name)
		if err != nil && !g.isEndpoint(name) {
			return nil, dns.RcodeServerFailure
		}
		var alias string
		for _, set := range sets {
			if set.Type != want && set.Type != "CNAME" && q.Qtype != dns.TypeANY {
				continue
			}
			for _, v := range set.Values {
				rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", dns.Fqdn(name), set.TTL, set.Type, v))
				if err != nil || rr == nil {
					return nil, dns.RcodeServerFailure
				}
				answer = append(answer, rr)
			}
			if set.Type == "CNAME" && want != "CNAME" && len(set.Values) == 1 {
				alias = hostOnly(set.Values[0])
			}
		}
		switch {
		case alias != "":
			name = alias
			continue
		case len(sets) > 0:
			return answer, dns.RcodeSuccess // possibly without a record of this type
		case g.isEndpoint(name), !hosted && g.isCustomEndpoint(name):
			if q.Qtype == dns.TypeA || q.Qtype == dns.TypeANY {
				answer = append(answer, &dns.A{A: net.IPv4(127, 0, 0, 1),
					Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: endpointTTL}})
			}
			return answer, dns.RcodeSuccess
		}
		return answer, dns.RcodeNameError
	}
	return answer, dns.RcodeServerFailure
}

func (g *Gateway) isEndpoint(name string) bool {
	return g.anyDomain(func(d Domain) string { return d.Endpoint }, name)
}

func (g *Gateway) isCustomEndpoint(name string) bool {
	return g.anyDomain(func(d Domain) string { return d.CustomEndpoint }, name)
}

func (g *Gateway) anyDomain(of func(Domain) string, name string) bool {
	for _, d := range g.cfg.Directory.List() {
		if h := of(d); h != "" && strings.EqualFold(h, name) {
			return true
		}
	}
	return false
}
