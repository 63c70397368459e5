package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"path"
	"strings"
)

// Largest requests of the managed service: 10 MiB for the .large instance types
// that the product's default is, 100 MiB for larger ones.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/limits.html
const (
	maxBody       = 10 << 20
	maxBodyLarger = 100 << 20
)

// owner of a host name: the domain with this endpoint, or the one to which the
// custom endpoint's record leads. Two domains may share a custom endpoint, so
// it is the hosted zone that says which; without any record only a custom
// endpoint that one domain has is known.
func (g *Gateway) owner(ctx context.Context, host string) (Domain, bool) {
	if d, ok := g.cfg.Directory.Lookup(host); ok && strings.EqualFold(d.Endpoint, host) {
		return d, true
	}
	var shared []Domain
	for _, d := range g.cfg.Directory.List() {
		if strings.EqualFold(d.Endpoint, host) {
			return d, true
		}
		if d.CustomEndpoint != "" && strings.EqualFold(d.CustomEndpoint, host) {
			shared = append(shared, d)
		}
	}
	if len(shared) == 0 {
		return Domain{}, false
	}
	target, hosted, err := g.zones.cname(ctx, host)
	if err != nil {
		return Domain{}, false
	}
	for _, d := range shared {
		if target != "" && strings.EqualFold(d.Endpoint, target) {
			return d, true
		}
	}
	return shared[0], !hosted && len(shared) == 1
}

// serveDomain is the managed service's front of every domain.
func (g *Gateway) serveDomain(rw http.ResponseWriter, r *http.Request) {
	w := &recorder{ResponseWriter: rw}
	call := g.begin("domain", r)
	call.Service = "es"
	counted := countBody(r)
	defer func() { g.end(call, w, counted) }()

	host := hostOnly(r.Host)
	d, ok := connectedTo(r.Context())
	if ok {
		d, ok = g.current(d) // it may have got another node, or be gone, since the connection was made
		if !ok {
			panic(http.ErrAbortHandler)
		}
		if !strings.EqualFold(host, d.Endpoint) && !strings.EqualFold(host, d.CustomEndpoint) {
			call.Effect = "refused: not a name of " + d.Endpoint
			answerJSON(w, http.StatusMisdirectedRequest, map[string]string{"message": host + " is not a name of " + d.Endpoint})
			return
		}
	} else if d, ok = g.owner(r.Context(), host); !ok {
		call.Effect = "refused: no domain"
		answerJSON(w, http.StatusMisdirectedRequest, map[string]string{"message": "no domain has the name " + host})
		return
	}
	call.TargetRegion = d.Region

	s, signed := scopeOf(r)
	if signed { // who it says it is decides over links; whether that is so is verified below
		if who, err := g.identify(r.Context(), s.key); err == nil {
			call.Caller, call.CallerRegion, call.Function = who.name(), who.Region, who.Function
		}
	}
	if g.applyOutage(w, r, call, func() { noServer(w) }) {
		return
	}
	limit := int64(maxBody)
	if g.cfg.AllOperations {
		limit = maxBodyLarger
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			answerJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"Message": fmt.Sprintf("Request size exceeded %d bytes", limit)})
		}
		return
	}
	action := "es:ESHttp" + strings.ToUpper(r.Method[:1]) + strings.ToLower(r.Method[1:])
	call.Action = action
	if !signed {
		call.Effect = "refused: anonymous"
		denied(w, "User: anonymous is not authorized to perform: "+action+" because no resource-based policy allows the "+action+" action")
		return
	}
	who, ok := g.admit(w, r, s, d, action, body, call)
	if !ok {
		return
	}
	if no := refuse(r, body); no != nil && !g.cfg.AllOperations {
		call.Effect = no.effect
		no.answer(w)
		return
	}
	if !g.checkRegistration(w, r, who, d, body, call) {
		return
	}
	if g.cfg.Searched != nil && searches(r) {
		g.cfg.Searched(d)
	}
	g.forward(w, r, who, d, plainEndpoint(r, body), call)
}

// current is the domain as the directory has it at this moment.
func (g *Gateway) current(d Domain) (Domain, bool) {
	for _, listed := range g.cfg.Directory.List() {
		if listed.ARN == d.ARN && listed.Endpoint == d.Endpoint {
			return listed, true
		}
	}
	return Domain{}, false
}

// admit verifies the signature and asks IAM; what it does not admit it answers.
func (g *Gateway) admit(w http.ResponseWriter, r *http.Request, s scope, d Domain, action string, body []byte, call *Call) (Identity, bool) {
	who, err := g.verify(r.Context(), r, s, "es", d.Region, body)
	var no rejection
	if errors.As(err, &no) {
		call.Effect = "refused: signature"
		answerJSON(w, http.StatusForbidden, map[string]string{"message": no.Error()})
		return Identity{}, false
	}
	allowed := false
	if err == nil {
		allowed, err = g.allowed(r.Context(), who, action, d.ARN+r.URL.Path)
	}
	if err != nil {
		call.Effect = "authority: " + err.Error()
		answerJSON(w, http.StatusInternalServerError, map[string]any{"message": nil})
		return Identity{}, false
	}
	if !allowed {
		call.Effect = "refused: IAM"
		denied(w, "User: "+who.PrincipalARN+" is not authorized to perform: "+action+" because no identity-based policy allows the "+action+" action")
		return Identity{}, false
	}
	return who, true
}

// searches that Query Insights of a domain sees.
func searches(r *http.Request) bool {
	_, last := path.Split(strings.TrimSuffix(r.URL.Path, "/"))
	return last == "_search" || last == "_msearch" || last == "_count"
}

// changes to the node's answer: what the service says otherwise, or not at all.
func (g *Gateway) changes(r *http.Request, d Domain) []func([]byte) []byte {
	var all []func([]byte) []byte
	if readsRepositories(r) {
		all = append(all, asRegistered)
	}
	if d.Version != "" && r.Method == http.MethodGet && strings.Trim(r.URL.Path, "/") == "" {
		all = append(all, shownVersion(d.Version))
	}
	if bytes := g.disk(d.Region); bytes > 0 && readsDisks(r) {
		all = append(all, asJSON(func(v any) any { return withDisks(v, bytes) }))
	}
	if redact := redactor(r); redact != nil && !g.cfg.AllOperations {
		all = append(all, redact)
	}
	return all
}

// forward hands the request to the node as the caller's role.
func (g *Gateway) forward(w http.ResponseWriter, r *http.Request, who Identity, d Domain, body []byte, call *Call) {
	if d.Address == "" {
		call.Effect = "no node"
		noServer(w)
		return
	}
	changes := g.changes(r, d)
	r, release := g.underWay(r, call)
	defer release()
	(&httputil.ReverseProxy{
		ModifyResponse: func(resp *http.Response) error {
			for _, change := range changes {
				if err := rewritten(resp, change); err != nil {
					return err
				}
			}
			return nil
		},
		Transport: g.toNode, ErrorLog: discardLog, FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", d.Address
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.Out.Body, p.Out.ContentLength, p.Out.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
			for name := range p.Out.Header {
				lower := strings.ToLower(name)
				if strings.HasPrefix(lower, "x-proxy-") || strings.HasPrefix(lower, "x-forwarded-") || strings.HasPrefix(lower, "x-amz-") ||
					strings.Contains(lower, "impersonate") {
					delete(p.Out.Header, name)
				}
			}
			for _, own := range []string{"Authorization", "Forwarded", "Expect"} {
				p.Out.Header.Del(own)
			}
			if len(changes) > 0 {
				p.Out.Header.Del("Accept-Encoding")
			}
			p.Out.Header.Set("X-Proxy-User", who.name())
			p.Out.Header.Set("X-Proxy-Roles", who.name())
			p.Out.Header.Set("X-Forwarded-For", "127.0.0.1")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if g.cut(w, r, call) {
				return
			}
			var timeout net.Error
			switch {
			case r.Context().Err() != nil:
				call.Effect = "the caller gave up"
			case errors.As(err, &timeout) && timeout.Timeout():
				call.Effect = "node too slow"
				answerJSON(w, http.StatusGatewayTimeout, map[string]any{"message": nil})
				return
			default:
				call.Effect = "node did not answer"
			}
			noServer(w)
		},
	}).ServeHTTP(w, r)
}
