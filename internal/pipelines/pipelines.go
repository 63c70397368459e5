// Package pipelines reads the examples of docs/pipelines and runs their steps on
// this machine, each as its service runs it, so that an example that does not work
// fails a test here and not a reader's first morning.
//
// What an action of GitHub does is left to the caller; what a step's own commands
// do is done. A step is skipped, and the job fails, just where it is in the service.
package pipelines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Step of a job.
type Step struct {
	Name string
	Run  string // commands; empty for an action
	Uses string
	With map[string]string
	Env  map[string]string
	Dir  string // below the workspace
	If   string
}

// Job of a pipeline: steps of one machine, in order.
type Job struct {
	Name        string
	Permissions map[string]string
	Needs       []string
	Timeout     int // minutes
	If          string
	Env         map[string]string
	Shell       []string // of Run; the script's file is added
	Steps       []Step
}

// Place is the machine that a job runs on.
type Place struct {
	Workspace string
	Temp      string   // the runner's own folder
	Env       []string // of the process; PATH decides what the commands are
	// Values of expressions, by their text: "vars.OSDR_REGION".
	Values map[string]string
	// Uses does what an action would; nil does nothing.
	Uses func(ctx context.Context, s Step) error
	Out  io.Writer
}

// Result of a step.
type Result struct {
	Step    Step
	Skipped bool
	Err     error
}

// ErrUnknown says that an expression has no value here.
var ErrUnknown = errors.New("an expression without a value")

// Run a job. The error is the first one of a step; later steps run when they say
// so, as a report's upload does.
func (p Place) Run(ctx context.Context, j Job) ([]Result, error) {
	var out []Result
	var failed error
	for n, s := range j.Steps {
		r := Result{Step: s}
		goes, err := p.goes(s.If, failed)
		switch {
		case err != nil:
			r.Err = err
		case !goes:
			r.Skipped = true
		default:
			r.Err = p.step(ctx, j, s, n)
		}
		if r.Err != nil && failed == nil {
			failed = fmt.Errorf("job %s, step %q: %w", j.Name, s.title(), r.Err)
		}
		out = append(out, r)
	}
	return out, failed
}

func (s Step) title() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Uses
}

func (p Place) step(ctx context.Context, j Job, s Step, n int) error {
	env := maps.Clone(j.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, s.Env)
	for k, v := range env {
		value, err := p.expand(v)
		if err != nil {
			return err
		}
		env[k] = value
	}
	if s.Uses != "" {
		s.With = maps.Clone(s.With)
		for k, v := range s.With {
			value, err := p.expand(v)
			if err != nil {
				return err
			}
			s.With[k] = value
		}
		if p.Uses == nil {
			return nil
		}
		return p.Uses(ctx, s)
	}
	script, err := p.expand(s.Run)
	if err != nil {
		return err
	}
	path := filepath.Join(p.Temp, fmt.Sprintf("step-%d.sh", n))
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		return err
	}
	words := append(slices.Clone(j.Shell), path)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the repository's own examples
	cmd.Dir = filepath.Join(p.Workspace, s.Dir)
	exported, err := p.exported()
	if err != nil {
		return err
	}
	cmd.Env = slices.Concat(p.Env, exported, []string{
		"GITHUB_WORKSPACE=" + p.Workspace, "RUNNER_TEMP=" + p.Temp, "GITHUB_STEP_SUMMARY=" + p.Summary(), "GITHUB_ENV=" + p.environment(),
	})
	for _, k := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, k+"="+env[k])
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	if p.Out != nil {
		_, _ = p.Out.Write(said.Bytes())
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// Summary is the file of the job's summary.
func (p Place) Summary() string { return filepath.Join(p.Temp, "summary.md") }

// environment is the file through which a step gives variables to the later ones
// (docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-environment-variable).
func (p Place) environment() string { return filepath.Join(p.Temp, "environment") }

// Export a variable of one line to the later steps, as an action does.
func (p Place) Export(name, value string) error {
	f, err := os.OpenFile(p.environment(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("export %s: %w", name, err)
	}
	_, err = fmt.Fprintf(f, "%s=%s\n", name, value)
	return errors.Join(err, f.Close())
}

func (p Place) exported() ([]string, error) {
	raw, err := os.ReadFile(p.environment())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what earlier steps exported: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n"), nil
}
