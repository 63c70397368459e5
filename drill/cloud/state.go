package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/opensearch-dr/osdr/drill/install"
)

// State is what a running cloud tells other processes, in state.json of its
// folder: the addresses and the environment of a shell.
type State struct {
	PID     int               `json:"pid"` // of the drill
	Control string            `json:"control"`
	Env     map[string]string `json:"env"`
}

// Env leads the AWS tools, the cdk command line and Go programs to this cloud.
// HTTPS_PROXY is not in it: the tools would send their AWS calls there too.
// Domains are reached through OSDR_DRILL_PROXY (HTTP CONNECT) by their own names.
func (c *Cloud) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":          c.Gateway.AWSURL(),
		"AWS_ACCESS_KEY_ID":         c.Admin.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":     c.Admin.Secret,
		"AWS_REGION":                c.options.Regions[0],
		"AWS_DEFAULT_REGION":        c.options.Regions[0],
		"AWS_CA_BUNDLE":             c.Certs.CA,
		"SSL_CERT_FILE":             c.bundle,
		"NODE_EXTRA_CA_CERTS":       c.Certs.CA,
		"AWS_EC2_METADATA_DISABLED": "true",
		"CDK_DISABLE_VERSION_CHECK": "1",
		"CDK_DISABLE_CLI_TELEMETRY": "true",
		"NO_PROXY":                  "localhost,127.0.0.1",
		"OSDR_DRILL_CONTROL":        c.Control(),
		"OSDR_DRILL_PROXY":          c.Gateway.ConnectProxyURL(),
		"OSDR_DRILL_DNS":            c.Gateway.DNSAddr(),
		"OSDR_DRILL_CDK":            c.Tools.CDK,
		"OSDR_DRILL_FOLDER":         c.options.Folder,
	}
}

// Exports of an environment, for `eval`. A token of another session must not
// stay beside the keys.
func Exports(env map[string]string) string {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(env[name], "'", `'\''`))
	}
	b.WriteString("unset AWS_SESSION_TOKEN AWS_PROFILE\n")
	return b.String()
}

func (c *Cloud) stateFile() string { return filepath.Join(c.options.Folder, "state.json") }

func (c *Cloud) writeState() error {
	b, err := json.MarshalIndent(State{PID: os.Getpid(), Control: c.Control(), Env: c.Env()}, "", "  ")
	if err != nil {
		return err
	}
	// It holds the admin's key; and it is there whole or not at all.
	temp := c.stateFile() + ".new"
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return os.Rename(temp, c.stateFile())
}

// ErrNotRunning says that no cloud runs in the folder.
var ErrNotRunning = errors.New("no local cloud runs here: start one with `drill start`")

// Remote is a cloud that runs in another process.
type Remote struct {
	State
	folder string
}

// Attach finds the cloud that runs in a folder; empty is that of
// install.DefaultDir.
func Attach(folder string) (*Remote, error) {
	if folder == "" {
		dir, err := install.DefaultDir()
		if err != nil {
			return nil, err
		}
		folder = filepath.Join(dir, "run")
	}
	b, err := os.ReadFile(filepath.Join(folder, "state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("find the local cloud: %w", err)
	}
	r := &Remote{folder: folder}
	if err := json.Unmarshal(b, &r.State); err != nil {
		return nil, fmt.Errorf("find the local cloud: %w", err)
	}
	// A drill that was killed leaves the file: ask.
	if _, err := r.Status(context.Background()); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNotRunning, err)
	}
	return r, nil
}

// Status of the cloud.
func (r *Remote) Status(ctx context.Context) (Status, error) {
	var s Status
	err := r.call(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

// Post asks the control API.
func (r *Remote) Post(ctx context.Context, path string, body any) error {
	return r.call(ctx, http.MethodPost, path, body, nil)
}

// Stop the cloud, and wait until it has ended. Its lock says so, and not its
// process id: a process that its parent has not reaped keeps its id.
func (r *Remote) Stop(ctx context.Context) error {
	if err := syscall.Kill(r.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the local cloud, process %d: %w", r.PID, err)
	}
	lock, err := os.Open(lockFile(r.folder))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for the local cloud, process %d: %w", r.PID, err)
	}
	defer func() { _ = lock.Close() }()
	for {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("wait for the local cloud, process %d: %w", r.PID, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the local cloud, process %d: %w", r.PID, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (r *Remote) call(ctx context.Context, method, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, r.Control+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // loopback: no proxy
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the local cloud: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("ask the local cloud: %w", err)
	}
	if response.StatusCode >= 300 {
		var f failure
		if err := json.Unmarshal(got, &f); err != nil {
			return fmt.Errorf("ask the local cloud: %s: %s", response.Status, got)
		}
		return f.err()
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}
