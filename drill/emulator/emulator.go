// Package emulator runs the AWS emulator (ministack) as the drill needs it:
// with authentication and IAM enforced, over TLS, on loopback, with nothing
// patched on disk. What it adds inside the emulator's process stands in launch/:
// domains that have a real node and take time, and the side door, through which
// the gateway asks who a key belongs to and what IAM says.
package emulator

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/opensearch-dr/osdr/drill/certs"
	"github.com/opensearch-dr/osdr/drill/install"
	"github.com/opensearch-dr/osdr/drill/process"
)

//go:embed launch/*.py
var launch embed.FS

// readyWithin bounds the start; 1 s is usual.
const readyWithin = time.Minute

// Options of an emulator.
type Options struct {
	Folder  string // for its code, state, functions and log
	Tools   *install.Tools
	Certs   *certs.Files
	Account string // 12 digits
	// Control is the drill's address that domains are made and deleted by
	// (drill/cloud), http on loopback.
	Control string
	// Front and ConnectProxy are what functions call AWS and the domains by:
	// the gateway's (https://..., http://...). Empty Front: the emulator itself.
	Front, ConnectProxy string
	// AnyRequest takes requests for domains as they come. The service checks
	// volumes, instance types and engine versions.
	AnyRequest bool
}

// Emulator that runs.
type Emulator struct {
	*SideDoor
	url     string
	process *process.Process
	log     *os.File
}

// Start starts an empty emulator and waits until it answers.
func Start(ctx context.Context, options Options) (*Emulator, error) {
	e, err := start(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("start the emulator: %w", err)
	}
	return e, nil
}

func start(ctx context.Context, options Options) (*Emulator, error) {
	for _, folder := range []string{"launch", "home", "tmp", "state", "s3"} {
		if err := os.MkdirAll(filepath.Join(options.Folder, folder), 0o755); err != nil {
			return nil, err
		}
	}
	if err := unpack(filepath.Join(options.Folder, "launch")); err != nil {
		return nil, err
	}
	ports, err := process.FreePorts(2)
	if err != nil {
		return nil, err
	}
	logName := filepath.Join(options.Folder, "emulator.log")
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	e := &Emulator{
		SideDoor: NewSideDoor(fmt.Sprintf("http://127.0.0.1:%d", ports[1])),
		url:      fmt.Sprintf("https://127.0.0.1:%d", ports[0]),
		log:      log,
	}
	e.process, err = process.Start(process.Spec{
		Name:         "emulator",
		Path:         options.Tools.Python,
		Args:         []string{filepath.Join(options.Folder, "launch", "launch.py")},
		Env:          environment(options, e.url, ports[0], ports[1]),
		Dir:          filepath.Join(options.Folder, "home"),
		Out:          log,
		OnDrillDeath: syscall.SIGTERM, // its functions are its children: it ends them itself
		Lifeline:     true,
	})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := e.awaitReady(ctx, options.Certs); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; its log is %s", err, logName), e.Stop())
	}
	return e, nil
}

// URL of the emulator itself, https on loopback. Only the gateway calls it.
func (e *Emulator) URL() string { return e.url }

// PID of the emulator, which is its process group too.
func (e *Emulator) PID() int { return e.process.PID() }

// Exited is closed when the emulator is gone, wanted or not.
func (e *Emulator) Exited() <-chan struct{} { return e.process.Done() }

// Stop ends the emulator and every function it runs.
func (e *Emulator) Stop() error {
	return errors.Join(e.process.Stop(5*time.Second), e.log.Close())
}

// environment is also what functions get: they run as they are, and these lead
// them to the gateway instead of the Internet.
func environment(options Options, own string, port, sideDoor int) []string {
	front := options.Front
	if front == "" {
		front = own
	}
	folder := func(name string) string { return filepath.Join(options.Folder, name) }
	env := []string{
		"PATH=" + filepath.Dir(options.Tools.Node) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + folder("home"),
		"TMPDIR=" + folder("tmp"),
		"PYTHONUNBUFFERED=1",
		"PYTHONDONTWRITEBYTECODE=1",
		"GATEWAY_PORT=" + strconv.Itoa(port),
		"BIND_HOST=127.0.0.1",
		"MINISTACK_ACCOUNT_ID=" + options.Account,
		"AUTH=true",
		// The bootstrap bucket's policy refuses plain HTTP.
		"USE_SSL=1",
		"MINISTACK_SSL_CERT=" + options.Certs.Server,
		"MINISTACK_SSL_KEY=" + options.Certs.ServerKey,
		"LAMBDA_EXECUTOR=local",
		"IOT_MTLS_ENABLED=0",
		"SFTP_ENABLED=0",
		"PERSIST_STATE=0",
		"STATE_DIR=" + folder("state"),
		"S3_PERSIST=0",
		"S3_DATA_DIR=" + folder("s3"),
		"LOG_LEVEL=INFO",
		"OSDR_DRILL_CONTROL=" + options.Control,
		"OSDR_DRILL_SIDEDOOR=" + strconv.Itoa(sideDoor),
		// For the functions.
		"AWS_ENDPOINT_URL=" + front,
		"AWS_EC2_METADATA_DISABLED=true",
		"SSL_CERT_FILE=" + options.Certs.CA,
		"NODE_EXTRA_CA_CERTS=" + options.Certs.CA,
		"NODE_PATH=" + options.Tools.NodeModules,
		"NODE_NO_WARNINGS=1",
		"NO_PROXY=localhost,127.0.0.1",
	}
	if !options.AnyRequest {
		env = append(env, "OSDR_DRILL_NODES="+options.Tools.OpenSearch.Version)
	}
	if options.ConnectProxy != "" {
		env = append(env, "HTTPS_PROXY="+options.ConnectProxy)
	}
	return env
}

func unpack(folder string) error {
	return fs.WalkDir(launch, "launch", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := launch.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, strings.TrimPrefix(path, "launch/")), b, 0o644)
	})
}

func (e *Emulator) awaitReady(ctx context.Context, files *certs.Files) error {
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: files.Pool(), MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
	}
	last := errors.New("no answer yet")
	for {
		select {
		case <-e.process.Done():
			return fmt.Errorf("it ended before it was ready: %w", e.process.Err())
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w (last: %w)", ctx.Err(), last)
		case <-time.After(50 * time.Millisecond):
			if last = ready(ctx, client, e.url); last == nil {
				return nil
			}
		}
	}
}

func ready(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_ministack/ready", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
