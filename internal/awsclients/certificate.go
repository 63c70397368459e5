package awsclients

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// Certificate that an endpoint shows to somebody who asks for name, verified as a
// client would verify it; it answers its end. The name need not point there. It asks
// by HTTP, unsigned, and not by TLS alone, so that it takes the proxy that the
// environment names, as every other call does.
func Certificate(ctx context.Context, endpoint, name string) (time.Time, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12},
	}
	return certificate(ctx, t, endpoint, name)
}

// certificate by a transport that asks for name.
func certificate(ctx context.Context, t *http.Transport, endpoint, name string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+endpoint+"/", nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the certificate of %s: %w", endpoint, name, err)
	}
	answer, err := t.RoundTrip(req) // whatever it answers: the certificate was shown before
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the certificate of %s: %w", endpoint, name, err)
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.TLS.PeerCertificates[0].NotAfter, nil // an https answer has it, verified
}
