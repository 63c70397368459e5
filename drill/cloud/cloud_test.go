package cloud_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/emulator"
	"github.com/opensearch-dr/osdr/drill/gateway"
)

const (
	region = "us-west-2"
	name   = "movies"
)

// childFolder makes this test binary a drill that TestCrash kills, stoppedFolder
// one that ends when it is told to.
const (
	childFolder   = "OSDR_TEST_CLOUD_FOLDER"
	stoppedFolder = "OSDR_TEST_STOPPED_FOLDER"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		if err := child(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if folder := os.Getenv(stoppedFolder); folder != "" {
		if err := untilTold(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func untilTold(folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := cloud.Start(context.Background(), cloud.Options{Folder: folder})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return c.Stop()
}

func TestDomainHasANode(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	folder := filepath.Join(t.TempDir(), "run")
	c, err := cloud.Start(ctx, cloud.Options{Folder: folder, Log: logger{t}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			t.Log(tail(filepath.Join(folder, "emulator", "emulator.log")))
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if left := processes(t, folder); len(left) > 0 {
			t.Errorf("Stop left processes behind:\n%s", strings.Join(left, "\n"))
		}
	}()

	master, err := makeDomain(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	created := describe(t, c)
	if created.Endpoint != nil || !aws.ToBool(created.Processing) || aws.ToBool(created.Created) {
		t.Errorf("right after CreateDomain: endpoint %v, processing %v, created %v; want none, true, false",
			created.Endpoint, aws.ToBool(created.Processing), aws.ToBool(created.Created))
	}
	await(t, "the domain is ready", func() bool {
		start := time.Now()
		d := describe(t, c)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("DescribeDomain took %s while the node started: the emulator stood still", took)
		}
		return d.Endpoint != nil && !aws.ToBool(d.Processing)
	})
	endpoint := aws.ToString(describe(t, c).Endpoint)
	if !strings.HasPrefix(endpoint, "search-"+name+"-") || !strings.HasSuffix(endpoint, "."+region+".es.amazonaws.com") {
		t.Errorf("endpoint %q is not as the service forms it", endpoint)
	}

	if status, body := call(t, c, master, http.MethodPut, endpoint, "/films/_doc/1?refresh=true", `{"title":"Alien"}`); status != http.StatusCreated {
		t.Fatalf("the master role writes a document: %d %s", status, body)
	}
	stranger, err := c.Emulator.CreateUser(ctx, "stranger", cloud.Allow("es:ESHttp*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := call(t, c, stranger, http.MethodGet, endpoint, "/films/_doc/1", ""); status != http.StatusForbidden {
		t.Errorf("a user that IAM allows and no role mapping names: %d, want 403", status)
	}

	before := c.Status().Domains[0]
	if err := c.KillNode(region, name); err != nil {
		t.Fatal(err)
	}
	if alive(before.PID) {
		t.Error("the node lives on after KillNode")
	}
	if got := c.Status().Domains[0]; got.State != "lost" || got.Node != "" {
		t.Errorf("after KillNode: %+v", got)
	}
	remote, err := cloud.Attach(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Post(ctx, "/nodes/start", cloud.NodeRequest{Region: region, Name: name}); err != nil {
		t.Fatal(err)
	}
	if status, body := call(t, c, master, http.MethodGet, endpoint, "/films/_doc/1", ""); status != http.StatusOK || !strings.Contains(body, "Alien") {
		t.Errorf("the document after the node came back: %d %s", status, body)
	}

	pid := c.Status().Domains[0].PID
	if _, err := service(c).DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	await(t, "the domain is gone", func() bool {
		_, err := service(c).DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: aws.String(name)})
		return errors.As(err, new(*types.ResourceNotFoundException))
	})
	if alive(pid) {
		t.Error("the node outlives its domain")
	}
	if left := c.Domains(); len(left) != 0 {
		t.Errorf("the gateway still knows %v", left)
	}
}

// A drill that is killed leaves nothing behind: not the emulator, not a node.
func TestCrash(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), childFolder+"="+folder)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	await(t, "the node runs", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the drill ended: %v\n%s", err, out.Bytes())
		default:
		}
		_, err := os.Stat(filepath.Join(folder, "ready"))
		return err == nil
	})
	running := processes(t, folder)
	if len(running) < 2 {
		t.Errorf("the emulator and a node should run, but only: %v", running)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	await(t, "nothing is left of: "+strings.Join(running, ", "), func() bool { return len(processes(t, folder)) == 0 })
}

func child(folder string) error {
	ctx := context.Background()
	c, err := cloud.Start(ctx, cloud.Options{Folder: folder})
	if err != nil {
		return err
	}
	if _, err := makeDomain(ctx, c); err != nil {
		return err
	}
	for len(c.Domains()) == 0 || c.Domains()[0].Address == "" {
		time.Sleep(100 * time.Millisecond)
	}
	if err := os.WriteFile(filepath.Join(folder, "ready"), nil, 0o644); err != nil {
		return err
	}
	time.Sleep(time.Hour)
	return nil
}

// makeDomain asks for a domain whose master is a new role, and gives a session
// of that role.
func makeDomain(ctx context.Context, c *cloud.Cloud) (gateway.Identity, error) {
	trust := emulator.Policy{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + cloud.DefaultAccount + ":root"},
	}}}
	role, err := c.Emulator.CreateRole(ctx, "master", trust, cloud.Allow("es:ESHttp*", "*"))
	if err != nil {
		return gateway.Identity{}, err
	}
	_, err = service(c).CreateDomain(ctx, &opensearch.CreateDomainInput{
		DomainName: aws.String(name),
		AdvancedSecurityOptions: &types.AdvancedSecurityOptionsInput{
			Enabled:           aws.Bool(true),
			MasterUserOptions: &types.MasterUserOptions{MasterUserARN: aws.String(role)},
		},
	})
	if err != nil {
		return gateway.Identity{}, err
	}
	return c.Emulator.Assume(ctx, role, "test")
}

func service(c *cloud.Cloud) *opensearch.Client {
	return opensearch.New(opensearch.Options{
		Region:       region,
		BaseEndpoint: aws.String(c.Gateway.AWSURL()),
		Credentials:  credentials.NewStaticCredentialsProvider(c.Admin.AccessKeyID, c.Admin.Secret, ""),
		HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.Certs.Pool()}}},
	})
}

func describe(t *testing.T, c *cloud.Cloud) *types.DomainStatus {
	t.Helper()
	out, err := service(c).DescribeDomain(t.Context(), &opensearch.DescribeDomainInput{DomainName: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	return out.DomainStatus
}

// call a domain as a signed client on AWS would.
func call(t *testing.T, c *cloud.Cloud, who gateway.Identity, method, endpoint, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "https://"+endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: who.AccessKeyID, SecretAccessKey: who.Secret, SessionToken: who.Token},
		request, hex.EncodeToString(sum[:]), "es", region, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:       c.Gateway.Dialer().DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: c.Certs.Pool()},
		DisableKeepAlives: true,
	}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(got)
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

// tail of a log, to see why.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-6000):])
}

func alive(pid int) bool { return pid > 0 && syscall.Kill(pid, 0) == nil }

// processes that name a folder in their arguments or environment, but for this
// one and the drill in it.
func processes(t *testing.T, folder string) []string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, dir := range dirs {
		arguments, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue // it ended meanwhile
		}
		environment, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil {
			continue
		}
		if bytes.Contains(environment, []byte(childFolder+"=")) {
			continue
		}
		if bytes.Contains(arguments, []byte(folder)) || bytes.Contains(environment, []byte(folder)) {
			found = append(found, fmt.Sprintf("%s %.60s", filepath.Base(dir), bytes.ReplaceAll(arguments, []byte{0}, []byte{' '})))
		}
	}
	return found
}

type logger struct{ t *testing.T }

func (l logger) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}
