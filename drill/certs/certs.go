// Package certs makes the local cloud's certificates: one authority per work
// folder, a certificate for the nodes' transport and one for everything the
// gateway and the emulator answer as. Nothing outside the work folder ever
// trusts the authority; clients are pointed at it by environment variables.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files of the authority and its certificates, PEM.
type Files struct {
	CA                string
	Node, NodeKey     string // CN=node,O=local
	Server, ServerKey string
	authority         *x509.Certificate
	authorityKey      *ecdsa.PrivateKey
	folder            string
}

// NodeDN is the distinguished name of the nodes' certificate, as the security
// plugin's nodes_dn wants it.
const NodeDN = "CN=node,O=local"

// life of the certificates: a work folder is made anew long before.
const life = 10 * 365 * 24 * time.Hour

// Make writes an authority and its certificates into folder, over what is
// there. names are the server certificate's host names beside localhost.
func Make(folder string, names []string) (*Files, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	f := &Files{folder: folder}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "osdr drill authority", Organization: []string{"local"}},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(life),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the authority: %w", err)
	}
	if f.authority, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("make the authority: %w", err)
	}
	f.authorityKey = key
	if f.CA, err = f.write("ca.pem", "CERTIFICATE", der, 0o644); err != nil {
		return nil, err
	}
	if f.Node, f.NodeKey, err = f.issue("node", 2, nil); err != nil {
		return nil, err
	}
	if f.Server, f.ServerKey, err = f.issue("server", 3, names); err != nil {
		return nil, err
	}
	return f, nil
}

// ServerCertificate for listeners in this process.
func (f *Files) ServerCertificate() (tls.Certificate, error) {
	return tls.LoadX509KeyPair(f.Server, f.ServerKey)
}

// Pool trusts the authority and nothing else.
func (f *Files) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(f.authority)
	return pool
}

// systemRoots are the places of the system's own roots, as crypto/x509 has them.
var systemRoots = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// Bundle is a file with the authority and the roots this process trusts: for a
// shell's SSL_CERT_FILE, which replaces the system's roots, so that `go` in that
// shell still reaches its module proxy.
func (f *Files) Bundle() (string, error) {
	bundle, err := os.ReadFile(f.CA)
	if err != nil {
		return "", fmt.Errorf("bundle certificates: %w", err)
	}
	places := systemRoots
	if own := os.Getenv("SSL_CERT_FILE"); own != "" {
		places = append([]string{own}, places...)
	}
	for _, place := range places {
		if roots, err := os.ReadFile(place); err == nil {
			bundle = append(bundle, roots...)
			break
		}
	}
	path := filepath.Join(f.folder, "bundle.pem")
	if err := os.WriteFile(path, bundle, 0o644); err != nil {
		return "", fmt.Errorf("bundle certificates: %w", err)
	}
	return path, nil
}

func (f *Files) issue(name string, serial int64, names []string) (cert, keyFile string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make the %s certificate: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"local"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(life),
		DNSNames:     append([]string{"localhost"}, names...),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, f.authority, &key.PublicKey, f.authorityKey)
	if err != nil {
		return "", "", fmt.Errorf("make the %s certificate: %w", name, err)
	}
	if cert, err = f.write(name+".pem", "CERTIFICATE", der, 0o644); err != nil {
		return "", "", err
	}
	// PKCS #8: the security plugin reads no other form.
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", fmt.Errorf("make the %s certificate: %w", name, err)
	}
	keyFile, err = f.write(name+"-key.pem", "PRIVATE KEY", pkcs8, 0o600)
	return cert, keyFile, err
}

func (f *Files) write(name, kind string, der []byte, mode os.FileMode) (string, error) {
	path := filepath.Join(f.folder, name)
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path, block, mode); err != nil {
		return "", fmt.Errorf("write certificate: %w", err)
	}
	return path, nil
}
