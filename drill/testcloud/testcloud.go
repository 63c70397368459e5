// Package testcloud is the local cloud of the tests that need the real thing:
// one for each test process, started when the first test asks for it and gone
// with the process. A test that asks for it runs or fails; none is left out
// because something is not set.
package testcloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/emulator"
	"github.com/opensearch-dr/osdr/drill/gateway"
)

// domainWithin bounds the creation of a domain; 15 to 30 s are usual.
const domainWithin = 3 * time.Minute

// Cloud of this process.
type Cloud struct {
	*cloud.Cloud
	aws, domains http.RoundTripper
}

var shared struct {
	once   sync.Once
	folder string
	cloud  *Cloud
	err    error
}

// Main is the TestMain of a package that asks for the cloud.
func Main(m *testing.M) {
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the tests' cloud:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func stop() error {
	if shared.cloud == nil {
		return nil
	}
	return errors.Join(shared.cloud.Stop(), os.RemoveAll(shared.folder))
}

// Get the cloud; the first call starts it, and installs what is missing. The
// package's TestMain must be Main.
func Get(t testing.TB) *Cloud {
	t.Helper()
	shared.once.Do(func() {
		if shared.folder, shared.err = os.MkdirTemp("", "testcloud-"); shared.err != nil {
			return
		}
		// Nodes run as nobody where the tests run as root.
		if shared.err = os.Chmod(shared.folder, 0o755); shared.err != nil {
			return
		}
		// The engine's own contract, not the managed service's.
		c, err := cloud.Start(context.Background(), cloud.Options{Folder: filepath.Join(shared.folder, "run"), Log: t.Output(), Kind: cloud.Unkindnesses()})
		if shared.err = err; err != nil {
			return
		}
		trust := &tls.Config{RootCAs: c.Certs.Pool(), MinVersion: tls.VersionTLS12}
		shared.cloud = &Cloud{Cloud: c,
			aws:     client.Buffered{RoundTripper: &http.Transport{TLSClientConfig: trust, MaxIdleConnsPerHost: 8}},
			domains: &http.Transport{TLSClientConfig: trust, DialContext: c.Gateway.Dialer().DialContext},
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the emulator's log:\n%s", tail(filepath.Join(shared.folder, "run", "emulator", "emulator.log")))
		}
	})
	return shared.cloud
}

func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > 4000 {
		_, _ = f.Seek(-4000, io.SeekEnd) // the whole of it then
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Config of AWS calls that who makes in a Region.
func (c *Cloud) Config(who gateway.Identity, region string) aws.Config {
	return aws.Config{
		Region:       region,
		Credentials:  Credentials(who),
		BaseEndpoint: new(c.Gateway.AWSURL()),
		HTTPClient:   &http.Client{Transport: c.aws},
	}
}

// Credentials of an identity.
func Credentials(who gateway.Identity) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.Secret, who.Token)
}

// Transport reaches domains by their own names.
func (c *Cloud) Transport() http.RoundTripper { return c.domains }

// Statement allows actions on one resource.
func Statement(resource string, actions ...string) map[string]any {
	return map[string]any{"Effect": "Allow", "Action": actions, "Resource": resource}
}

// Role makes one that a service ("es.amazonaws.com") may assume, and answers its
// ARN.
func (c *Cloud) Role(t testing.TB, name, service string, statements ...map[string]any) string {
	t.Helper()
	arn, err := c.Emulator.CreateRole(t.Context(), name,
		emulator.Policy{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": service},
		}}},
		emulator.Policy{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

// Session of a role.
func (c *Cloud) Session(t testing.TB, roleARN string) gateway.Identity {
	t.Helper()
	who, err := c.Emulator.Assume(t.Context(), roleARN, "test")
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// Domain is made with its IAM master; the answer is its endpoint, without a
// scheme, once it is ready.
func (c *Cloud) Domain(t testing.TB, region, name, masterARN string) string {
	t.Helper()
	service := opensearch.NewFromConfig(c.Config(c.Admin, region))
	_, err := service.CreateDomain(t.Context(), &opensearch.CreateDomainInput{
		DomainName: &name,
		AdvancedSecurityOptions: &types.AdvancedSecurityOptionsInput{
			Enabled: new(true), MasterUserOptions: &types.MasterUserOptions{MasterUserARN: &masterARN},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), domainWithin)
	defer cancel()
	for {
		out, err := service.DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: &name})
		if err != nil {
			t.Fatalf("domain %s is not ready: %v", name, err)
		}
		if d := out.DomainStatus; d.Endpoint != nil && !aws.ToBool(d.Processing) {
			return *d.Endpoint
		}
		select {
		case <-ctx.Done():
			t.Fatalf("domain %s is not ready: %v", name, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
