package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/drift"
)

// osdr is the operator's command as a pipeline has it: built once, with no
// credentials but those it is given.
type osdr struct {
	path    string
	work    *World
	who     gateway.Identity // nobody: the drill's administrator
	reports string           // folder
}

// buildOsdr as `make osdr` does.
func (w *World) buildOsdr(ctx context.Context) (*osdr, string, error) {
	o := &osdr{path: filepath.Join(w.Cloud.Folder(), "osdr"), work: w, reports: filepath.Join(w.Cloud.Folder(), "drift")}
	if err := os.MkdirAll(o.reports, 0o755); err != nil {
		return nil, "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", o.path, "./bin/osdr")
	build.Dir, build.Env = w.CDK.Dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("build osdr: %w\n%s", err, out)
	}
	info, err := os.Stat(o.path)
	if err != nil {
		return nil, "", err
	}
	return o, size(info.Size()), nil
}

// as somebody else.
func (o *osdr) as(who gateway.Identity) *osdr {
	other := *o
	other.who = who
	return &other
}

// environment of a shell with these credentials.
func (o *osdr) environment() []string {
	env := o.work.Cloud.Env()
	if o.who.AccessKeyID != "" {
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"] = o.who.AccessKeyID, o.who.Secret, o.who.Token
	}
	all := os.Environ()
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	for _, e := range o.work.CDK.Env { // the cdk.json that was committed
		if strings.HasPrefix(e, "OSDR_CDK_JSON=") {
			all = append(all, e)
		}
	}
	return all
}

// command line of osdr with the installation's own context; out is its standard
// output, code its exit status.
func (o *osdr) command(ctx context.Context, args ...string) (out string, code int, err error) {
	for key, value := range o.work.CDK.Context {
		args = append(args, "-c", key+"="+value)
	}
	cmd := exec.CommandContext(ctx, o.path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = o.work.CDK.Dir, o.environment(), &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	code = cmd.ProcessState.ExitCode()
	if err == nil && stderr.Len() > 0 {
		err = fmt.Errorf("osdr %s: exit %d: %s", args[0], code, stderr.String())
	}
	return stdout.String(), code, err
}

// drifted is one run of osdr drift in all formats.
type drifted struct {
	drift.Report
	took               time.Duration
	text, junit, sarif string
}

// drift runs osdr drift. The four formats are of the same run.
func (o *osdr) drift(ctx context.Context, args ...string) (drifted, error) {
	args = append([]string{"drift", "--format", "json", "--cdk-out", o.work.CDK.Output}, args...)
	var d drifted
	files := map[string]*string{"text": &d.text, "junit": &d.junit, "sarif": &d.sarif}
	for format := range files {
		args = append(args, "--report", format+"="+filepath.Join(o.reports, format))
	}
	begun := time.Now()
	out, code, err := o.command(ctx, args...)
	d.took = time.Since(begun)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal([]byte(out), &d.Report); err != nil {
		return d, fmt.Errorf("read the report of osdr drift: %w\n%.400s", err, out)
	}
	if d.ExitCode != code {
		return d, fmt.Errorf("osdr drift ends with %d and says %d", code, d.ExitCode)
	}
	for format, into := range files {
		body, err := os.ReadFile(filepath.Join(o.reports, format))
		if err != nil {
			return d, err
		}
		*into = string(body)
	}
	return d, nil
}

// clean run, or what is not.
func (d drifted) clean() error {
	if d.ExitCode == drift.ExitInSync && len(d.told()) == 0 {
		return nil
	}
	return fmt.Errorf("exit %d, %s", d.ExitCode, strings.Join(d.told(), "; "))
}

// told is every finding but the notes, in a line each.
func (d drifted) told() []string {
	var out []string
	for _, f := range d.Findings {
		if f.Kind != drift.Note {
			out = append(out, fmt.Sprintf("%s %s %s (%s)", f.Check, f.Where, f.Resource, f.Found))
		}
	}
	return out
}

// find the finding of an id in a place, of a resource that holds the text.
func (d drifted) find(id, where, resource string) *drift.Finding {
	at := slices.IndexFunc(d.Findings, func(f drift.Finding) bool {
		return f.Check == id && f.Where == where && strings.Contains(f.Resource, resource)
	})
	if at < 0 {
		return nil
	}
	return &d.Findings[at]
}
