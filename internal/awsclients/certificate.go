package awsclients

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Certificate that an endpoint shows to somebody who asks for name, verified as a
// client would verify it; it answers its end. The name need not point there.
func Certificate(ctx context.Context, endpoint, name string) (time.Time, error) {
	dialer := tls.Dialer{Config: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(endpoint, "443"))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the certificate of %s: %w", endpoint, name, err)
	}
	defer func() { _ = conn.Close() }()
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates //nolint:errcheck,forcetypeassert // a tls.Dialer makes no other
	if len(shown) == 0 {
		return time.Time{}, errors.New("ask " + endpoint + " for its certificate: it shows none")
	}
	return shown[0].NotAfter, nil
}
