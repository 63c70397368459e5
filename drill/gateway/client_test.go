package gateway_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

// viaProxy is a client as a Lambda function is one: HTTPS_PROXY.
func (c *cloud) viaProxy() *http.Client {
	proxy, _ := url.Parse(c.ConnectProxyURL())
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.roots}}}
}

func (c *cloud) direct() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func request(t *testing.T, method, rawURL, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, rawURL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(t *testing.T, r *http.Request, who gateway.Identity, service, region string, at time.Time) *http.Request {
	t.Helper()
	var body []byte
	if r.GetBody != nil {
		again, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(again); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(body)
	err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: who.AccessKeyID, SecretAccessKey: who.Secret, SessionToken: who.Token},
		r, hex.EncodeToString(sum[:]), service, region, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t *testing.T, h *http.Client, r *http.Request) (int, string) {
	t.Helper()
	resp, err := h.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func message(t *testing.T, body string) string {
	t.Helper()
	var m struct{ Message string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return m.Message
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		DNSNames: []string{"*.us-east-1.es.amazonaws.com", "*.us-west-2.es.amazonaws.com", customName, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func signPayload(t *testing.T, r *http.Request, who gateway.Identity, payload string) {
	t.Helper()
	err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: who.AccessKeyID, SecretAccessKey: who.Secret, SessionToken: who.Token},
		r, payload, "es", east, time.Now())
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, proxy, to string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "CONNECT "+to+" HTTP/1.1\r\nHost: "+to+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
		t.Fatalf("CONNECT %s: %q %v", to, answer, err)
	}
	return conn
}

// ended waits until n calls that fit are in the log: a call is written down
// when it has ended, which its client may see a moment earlier.
func (c *cloud) ended(t *testing.T, n int, f gateway.Filter) []gateway.Call {
	t.Helper()
	var calls []gateway.Call
	for range 500 {
		if calls = c.Calls(f); len(calls) >= n {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(calls) != n {
		t.Fatalf("%d calls are in the log, want %d: %+v", len(calls), n, calls)
	}
	return calls
}
