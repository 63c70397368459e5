package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

var node = gateway.Identity{AccessKeyID: "NODE" + east, Secret: "node secret"}

// nodeClient asks as a node does: plain HTTP through the proxy.
func nodeClient(c *cloud) *http.Client {
	proxy, _ := url.Parse("http://" + c.S3ProxyAddr())
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
}

func westURL(key string) string { return "http://s3.us-west-2.amazonaws.com/" + westBucket + "/" + key }

func registered(t *testing.T) *cloud {
	t.Helper()
	c := start(t)
	if status, body := register(t, c, `"region":"us-west-2","bucket":"`+westBucket+`","role_arn":"`+snapshotRole+`"`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	return c
}

func TestS3IsReachedAsTheRepositorysRole(t *testing.T) {
	c := registered(t)
	c.emulator.answer = func(w http.ResponseWriter, _ got) {
		w.Header().Set("Etag", `"e"`)
		w.Header().Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
		_, _ = io.WriteString(w, "blob")
	}
	r := sign(t, request(t, "PUT", westURL("uuid/a%20b%2Bc"), "content"), node, "s3", west, time.Now())
	resp, err := nodeClient(c).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || string(body) != "blob" || resp.Header.Get("Etag") != `"e"` || len(resp.Header.Values("Date")) != 1 ||
		resp.Header.Get("Date") != "Mon, 02 Jan 2006 15:04:05 GMT" {
		t.Errorf("the node got %d %s %v", resp.StatusCode, body, resp.Header)
	}
	got := c.emulator.last(t)
	auth := got.Header.Get("Authorization")
	if !strings.Contains(auth, "Credential=ASIASNAPSHOT/") || !strings.Contains(auth, "/us-west-2/s3/") || got.Header.Get("X-Amz-Security-Token") != "role token" {
		t.Errorf("signed as %s", auth)
	}
	if got.Host != "s3.us-west-2.amazonaws.com" || got.URL.RequestURI() != "/"+westBucket+"/uuid/a%20b%2Bc" || string(got.body) != "content" || got.TLS == nil {
		t.Errorf("S3 got %s %s %s", got.Host, got.URL.RequestURI(), got.body)
	}
	if want := snapshotRole + " es.amazonaws.com " + domainIn(east).ARN + " " + account; len(c.iam.assumed) != 1 || c.iam.assumed[0] != want {
		t.Errorf("assumed %v, want %s", c.iam.assumed, want)
	}
	do(t, nodeClient(c), sign(t, request(t, "GET", westURL("x"), ""), node, "s3", west, time.Now()))
	if len(c.iam.assumed) != 1 {
		t.Error("the session was not kept")
	}
	calls := c.ended(t, 2, gateway.Filter{Front: "s3", Caller: snapshotRole, CallerRegion: east, TargetRegion: west})
	if calls[0].BytesIn != 7 || calls[0].BytesOut != 4 {
		t.Errorf("calls %+v", calls)
	}
}

// chunkedBody is an aws-chunked body as the AWS SDKs send it.
func chunkedBody(content []byte, size int, signed bool, trailer string) string {
	var b strings.Builder
	chunk := func(c []byte) {
		fmt.Fprintf(&b, "%x", len(c))
		if signed {
			b.WriteString(";chunk-signature=" + strings.Repeat("a", 64))
		}
		b.WriteString("\r\n")
		b.Write(c)
		if len(c) > 0 {
			b.WriteString("\r\n")
		}
	}
	for rest := content; len(rest) > 0; {
		n := min(size, len(rest))
		chunk(rest[:n])
		rest = rest[n:]
	}
	chunk(nil)
	if trailer != "" {
		b.WriteString(trailer + "\r\n")
	}
	return b.String() + "\r\n"
}

func TestS3StreamsAwsChunkedBodies(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	for name, row := range map[string]struct {
		hash, trailer string
		signed        bool
	}{
		"signed chunks":           {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", true},
		"signed with a trailer":   {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:" + strings.Repeat("b", 64), true},
		"unsigned with a trailer": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-checksum-crc32:AAAAAA==", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := registered(t)
			put := func(body string) *http.Request {
				r := request(t, "PUT", westURL("uuid/blob"), body)
				r.Header.Set("Content-Encoding", "aws-chunked")
				r.Header.Set("X-Amz-Content-Sha256", row.hash)
				r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(content)))
				r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
				return sign(t, r, node, "s3", west, time.Now())
			}
			if status, body := do(t, nodeClient(c), put(chunkedBody(content, 100_000, row.signed, row.trailer))); status != 200 {
				t.Fatalf("%d %s", status, body)
			}
			got := c.emulator.last(t)
			if !bytes.Equal(got.body, content) || got.ContentLength != int64(len(content)) || got.Header.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" ||
				got.Header.Get("Content-Encoding") != "" || got.Header.Get("X-Amz-Trailer") != "" {
				t.Errorf("S3 got %d bytes, %v", len(got.body), got.Header)
			}
			before := len(c.emulator.requests())
			whole := chunkedBody(content, 100_000, row.signed, "")
			if status, _ := do(t, nodeClient(c), put(whole[:len(whole)/2])); status == 200 || len(c.emulator.requests()) != before {
				t.Errorf("a truncated body became an object: %d", status)
			}
		})
	}
}

func TestS3Refuses(t *testing.T) {
	c := registered(t)
	code := func(r *http.Request) string {
		status, body := do(t, nodeClient(c), r)
		_, code, _ := strings.Cut(body, "<Code>")
		code, _, _ = strings.Cut(code, "<")
		return fmt.Sprint(status, " ", code)
	}
	stranger := gateway.Identity{AccessKeyID: "NODEelsewhere", Secret: "x"}
	for name, row := range map[string]struct {
		r    *http.Request
		want string
	}{
		"a key that is no node's":        {sign(t, request(t, "GET", westURL("x"), ""), stranger, "s3", west, time.Now()), "403 InvalidAccessKeyId"},
		"no signature":                   {request(t, "GET", westURL("x"), ""), "403 InvalidAccessKeyId"},
		"a bucket without a repository":  {sign(t, request(t, "GET", "http://s3.us-west-2.amazonaws.com/other-us-west-2/x", ""), node, "s3", west, time.Now()), "403 AccessDenied"},
		"another host, for nothing goes": {sign(t, request(t, "GET", "http://example.org/x", ""), node, "s3", west, time.Now()), "403 AccessDenied"},
	} {
		if have := code(row.r); have != row.want {
			t.Errorf("%s: %s, want %s", name, have, row.want)
		}
	}
	c.iam.mu.Lock()
	c.iam.trust = errors.New("the trust policy wants another aws:SourceArn")
	c.iam.mu.Unlock()
	if have := code(sign(t, request(t, "GET", westURL("x"), ""), node, "s3", west, time.Now())); have != "403 AccessDenied" {
		t.Errorf("F13 a role that does not trust the service: %s", have)
	}
	if n := len(c.emulator.requests()); n != 0 {
		t.Errorf("%d refused calls reached S3", n)
	}
}

func TestS3OutagesAndLinks(t *testing.T) {
	c := registered(t)
	get := func() *http.Request {
		return sign(t, request(t, "GET", westURL("x"), ""), node, "s3", west, time.Now())
	}
	for name, away := range map[string]func(){
		"bucket's Region": func() { _ = c.SetOutage(west, gateway.Refuse) },
		"node's Region":   func() { _ = c.SetOutage(east, gateway.Refuse) },
		"link":            func() { c.SetLink(west, east, true) },
	} {
		away()
		if status, _ := do(t, nodeClient(c), get()); status != 503 {
			t.Errorf("%s: %d", name, status)
		}
		_ = c.SetOutage(west, gateway.None)
		_ = c.SetOutage(east, gateway.None)
		c.SetLink(east, west, false)
	}
	_ = c.SetOutage(west, gateway.Silent)
	if !silent(t, nodeClient(c), get()) {
		t.Error("silent: it was answered")
	}
}

func TestX8_AnHTTPSEndpointReachesTheNodeAsHTTPAndIsReadBackAsGiven(t *testing.T) {
	c := start(t)
	stored := ""
	c.nodes[east].answer = func(w http.ResponseWriter, r got) {
		if r.Method == http.MethodPut {
			stored = string(r.body)
		}
		_, _ = io.WriteString(w, `{"os-snapshot-repo": `+stored+`}`)
	}
	const given = `"endpoint":"https://s3.us-west-2.amazonaws.com"`
	if status, body := register(t, c, `"role_arn":"`+snapshotRole+`","region":"us-west-2","readonly":true,"max":12345678901234567890,"bucket":"`+westBucket+`",`+given); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if !strings.Contains(stored, `"endpoint":"http://s3.us-west-2.amazonaws.com"`) || !strings.Contains(stored, `"max":12345678901234567890`) {
		t.Errorf("the node got %s", stored)
	}
	for _, path := range []string{"/_snapshot", "/_snapshot/os-snapshot-repo"} {
		_, body := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(east).Endpoint+path, ""), client, "es", east, time.Now()))
		if !strings.Contains(body, given) {
			t.Errorf("%s read back %s", path, body)
		}
	}
}

func TestS3GlobalEndpointAndRestart(t *testing.T) {
	c := registered(t)
	again := c.open(t) // another gateway on the same state, as after a restart
	c.Gateway = again
	r := sign(t, request(t, "GET", "http://s3.amazonaws.com/"+westBucket+"/x?list-type=2&prefix=a%2Fb", ""), node, "s3", east, time.Now())
	if status, body := do(t, nodeClient(c), r); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	got := c.emulator.last(t)
	if got.Host != "s3.us-west-2.amazonaws.com" || !strings.Contains(got.Header.Get("Authorization"), "/us-west-2/s3/") || got.URL.RawQuery != "list-type=2&prefix=a%2Fb" {
		t.Errorf("%s %s %s", got.Host, got.URL, got.Header.Get("Authorization"))
	}
}
