package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// s3Signer leaves the path as it is: S3 does not escape it twice.
var s3Signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })

// dropped headers of a node's request: those of its own signature, and those
// that belong to the hop to us.
var dropped = []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Proxy-Connection", "Proxy-Authorization",
	"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length"}

// serveS3 is the proxy of every node: the request is signed with the node's own
// key, which S3 must never see; it goes on as a session of the role that the
// node's repository named for the bucket, as the managed service does it.
func (g *Gateway) serveS3(rw http.ResponseWriter, r *http.Request) {
	w := &recorder{ResponseWriter: rw}
	call := g.begin("s3", r)
	call.Service = "s3"
	body := countBody(r)
	defer func() { g.end(call, w, body) }()

	refuse := func(effect string, status int, code, message string) {
		call.Effect = effect
		answerS3(w, r, status, code, message)
	}
	if regionInS3.FindStringSubmatch(hostOnly(r.Host)) == nil && globalS3.FindStringSubmatch(hostOnly(r.Host)) == nil {
		refuse("refused: not S3", http.StatusForbidden, "AccessDenied", "only S3 is behind this proxy, and nothing leaves this machine: "+hostOnly(r.Host))
		return
	}
	if r.Method == http.MethodConnect {
		// Registrations are rewritten so that no node asks for TLS (see plainEndpoint).
		refuse("refused: CONNECT", http.StatusMethodNotAllowed, "MethodNotAllowed", "nodes speak plain HTTP to this proxy")
		return
	}
	s, signed := scopeOf(r)
	d, ok := g.cfg.NodeKey(s.key)
	if !signed || !ok {
		refuse("refused: no node's key", http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
		return
	}
	call.Caller, call.CallerRegion = d.ARN, d.Region
	hostRegion, bucket, virtual := s3Address(r.Host, r.URL)
	home := g.regions.of(r.Context(), bucket)
	if call.TargetRegion = home; home == "" {
		call.TargetRegion = hostRegion
	}
	if g.applyOutage(w, r, call, func() {
		unavailable(w, r, "s3", "Service is unavailable (outage of the drill)")
	}) {
		return
	}
	// A request to another Region's endpoint is loss enough if that one is away.
	if hostRegion != "" && hostRegion != call.TargetRegion {
		away := *call
		away.TargetRegion = hostRegion
		if g.applyOutage(w, r, &away, func() { unavailable(w, r, "s3", "Service is unavailable (outage of the drill)") }) {
			call.Effect = away.Effect
			return
		}
	}
	role, ok := g.repos.roleFor(d.ARN, bucket)
	if !ok {
		refuse("refused: no repository", http.StatusForbidden, "AccessDenied", "no repository of "+d.ARN+" names a role for the bucket "+bucket)
		return
	}
	call.Caller = role
	session, err := g.assume(r.Context(), role, d)
	if err != nil {
		// The class of F13: the role is not there yet, or does not trust the service.
		refuse("refused: "+err.Error(), http.StatusForbidden, "AccessDenied",
			"User: es.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: "+role+" (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied)")
		return
	}
	r, release := g.underWay(r, call)
	defer release()
	out, err := g.asRole(r, session, hostRegion, home, bucket, virtual)
	if err != nil {
		refuse(err.Error(), http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	resp, err := g.toEmulator.RoundTrip(out)
	if err != nil {
		if g.cut(w, r, call) {
			return
		}
		refuse("emulator did not answer", http.StatusServiceUnavailable, "ServiceUnavailable", "the emulator did not answer")
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusForbidden {
		g.forget(role, d) // perhaps it is the session that is no longer good
	}
	for name, values := range resp.Header {
		if name != "Connection" && name != "Transfer-Encoding" && name != "Keep-Alive" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		panic(http.ErrAbortHandler) // either side is gone: a cut answer must not look whole
	}
}

// asRole makes the request that goes to the emulator: path style, over TLS,
// signed for the endpoint's Region, so that a wrong endpoint gets S3's own
// PermanentRedirect. The global endpoint leads to the bucket's Region, as it
// does once a bucket is a day old.
func (g *Gateway) asRole(r *http.Request, session Identity, hostRegion, home, bucket string, virtual bool) (*http.Request, error) {
	emulator, ok := g.emulatorURL()
	if !ok {
		return nil, fmt.Errorf("the emulator is not up yet")
	}
	region := hostRegion
	if region == "" {
		region = home
	}
	if region == "" {
		region = "us-east-1"
	}
	u := &url.URL{Scheme: emulator.Scheme, Host: emulator.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if virtual {
		u.Path, u.RawPath = "/"+bucket+r.URL.Path, "/"+bucket+r.URL.EscapedPath()
	}
	header := r.Header.Clone()
	for _, name := range dropped {
		header.Del(name)
	}
	body, length, payload := io.Reader(r.Body), r.ContentLength, header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(payload, "STREAMING-") {
		decoded, err := strconv.ParseInt(header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || decoded < 0 {
			return nil, fmt.Errorf("aws-chunked body without X-Amz-Decoded-Content-Length")
		}
		body, length, payload = newChunkedReader(r.Body), decoded, unsignedPayload
		plainHeaders(header)
	} else if len(payload) != 64 {
		payload = unsignedPayload
	}
	header.Set("X-Amz-Content-Sha256", payload)
	out := (&http.Request{Method: r.Method, URL: u, Host: "s3." + region + ".amazonaws.com", Header: header,
		Body: io.NopCloser(body), ContentLength: length, ProtoMajor: 1, ProtoMinor: 1}).WithContext(r.Context())
	if length == 0 {
		out.Body = http.NoBody
	}
	credentials := aws.Credentials{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.Secret, SessionToken: session.Token}
	if err := s3Signer.SignHTTP(r.Context(), credentials, out, payload, "s3", region, g.now()); err != nil {
		return nil, fmt.Errorf("sign as %s: %w", session.RoleARN, err)
	}
	return out, nil
}

// plainHeaders takes away what described the aws-chunked body.
func plainHeaders(h http.Header) {
	var codings []string
	for _, v := range h.Values("Content-Encoding") {
		for _, c := range strings.Split(v, ",") {
			if c = strings.TrimSpace(c); c != "" && !strings.EqualFold(c, "aws-chunked") {
				codings = append(codings, c)
			}
		}
	}
	h.Del("Content-Encoding")
	if len(codings) > 0 {
		h.Set("Content-Encoding", strings.Join(codings, ","))
	}
	for _, name := range []string{"X-Amz-Decoded-Content-Length", "X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm"} {
		h.Del(name)
	}
}
