package awsclients

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// proxy that leads every CONNECT to one server, as a company's or the local cloud's
// does for a name that the machine itself cannot reach.
func proxy(t *testing.T, to string) (*url.URL, *[]string) {
	t.Helper()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host)
		up, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = up.Close() }()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(up, conn) }()
		_, _ = io.Copy(conn, up)
	}))
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return at, &asked
}

// The certificate is the one of the name that is asked for, and the way to the
// endpoint is the proxy's, by CONNECT.
func TestTheCertificateIsAskedForThroughAProxy(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden) // unsigned
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for name, says := range map[string]string{"example.com": "", "search.example.org": "valid for"} { // httptest's certificate is of example.com
		at, asked := proxy(t, s.Listener.Addr().String())
		transport := &http.Transport{
			Proxy: http.ProxyURL(at), DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12},
		}
		until, err := certificate(t.Context(), transport, "search-movies-x.us-east-1.es.amazonaws.com", name)
		switch {
		case says == "" && (err != nil || !until.Equal(s.Certificate().NotAfter)):
			t.Errorf("%s: %v, %v; want %v", name, until, err, s.Certificate().NotAfter)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v; want %q", name, err, says)
		}
		if len(*asked) != 1 || (*asked)[0] != "CONNECT search-movies-x.us-east-1.es.amazonaws.com:443" {
			t.Errorf("%s: the proxy was asked %v", name, *asked)
		}
	}
}
