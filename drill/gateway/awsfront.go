package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// serveAWS leads every AWS API call to the emulator, unchanged: streaming
// bodies, HEAD, Expect and the service's own Date header go through. The
// emulator verifies the signature; here is only judged whose call it is and
// which Region it asks.
func (g *Gateway) serveAWS(rw http.ResponseWriter, r *http.Request) {
	w := &recorder{ResponseWriter: rw}
	call := g.begin("aws", r)
	body := countBody(r)
	defer func() { g.end(call, w, body) }()

	s, signed := scopeOf(r)
	if signed {
		call.Service = s.service
		call.TargetRegion = g.targetOf(r, s)
		// An unknown key is the emulator's to refuse, and a caller without a Region.
		if who, err := g.identify(r.Context(), s.key); err == nil {
			call.Caller, call.CallerRegion, call.Function = who.name(), who.Region, who.Function
		}
	}
	call.Action = actionOf(r)
	if g.applyOutage(w, r, call, func() {
		unavailable(w, r, s.service, "Service is unavailable in "+call.TargetRegion+" (outage of the drill)")
	}) {
		return
	}
	emulator, ok := g.emulatorURL()
	if !ok {
		call.Effect = "no emulator"
		unavailable(w, r, s.service, "the emulator is not up yet")
		return
	}
	r, release := g.underWay(r, call)
	defer release()
	(&httputil.ReverseProxy{
		Transport: g.toEmulator, ErrorLog: discardLog, FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = emulator.Scheme, emulator.Host
			p.Out.Host = p.In.Host // signed
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			if ua := p.In.Header.Get("User-Agent"); ua == "" {
				p.Out.Header["User-Agent"] = nil
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if g.cut(w, r, call) {
				return
			}
			call.Effect = "emulator did not answer"
			if r.Context().Err() != nil {
				call.Effect = "the caller gave up"
			}
			unavailable(w, r, s.service, "the emulator did not answer")
		},
	}).ServeHTTP(w, r)
}

// targetOf a call: the Region of the signature, but a bucket's own for S3 and
// the service's name for a global one.
func (g *Gateway) targetOf(r *http.Request, s scope) string {
	if globalServices[s.service] {
		return s.service
	}
	if s.service == "s3" {
		if region, bucket, _ := s3Address(r.Host, r.URL); bucket != "" {
			if home := g.regions.of(r.Context(), bucket); home != "" {
				return home
			} else if region != "" {
				return region
			}
		}
	}
	return s.region
}

// actionOf a call, for the log: JSON's target header, the Query protocol's
// Action, the operation of rpc-v2-cbor; REST services have method and path.
func actionOf(r *http.Request) string {
	if t := r.Header.Get("X-Amz-Target"); t != "" {
		return t[strings.LastIndexByte(t, '.')+1:]
	}
	if _, op, ok := strings.Cut(r.URL.Path, "/operation/"); ok && strings.HasPrefix(r.URL.Path, "/service/") {
		return op
	}
	const small = 1 << 20 // a template by CreateChangeSet is at most 51,200 bytes in the body
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") ||
		r.ContentLength <= 0 || r.ContentLength > small || r.Header.Get("Expect") != "" {
		return ""
	}
	form, err := io.ReadAll(io.LimitReader(r.Body, small))
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(form), rest), rest}
	if err != nil {
		return ""
	}
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return ""
	}
	return values.Get("Action")
}
