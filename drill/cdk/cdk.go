// Package cdk runs the real cdk command as a user would type it, and tells how
// long it took and what it said.
package cdk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// CLI runs cdk in the project's folder.
type CLI struct {
	Name    string            // for messages, "cdk" where empty: make runs it, too
	Command []string          // what starts cdk
	Dir     string            // with cdk.json
	Env     []string          // KEY=value, beside this process's own
	Context map[string]string // always given by -c
	Output  string            // folder of the assembly, cdk.out when empty
	Log     io.Writer         // all that cdk prints
}

// Result of one run.
type Result struct {
	Command string // as a person would type it
	Took    time.Duration
	Text    string // all output, stdout and stderr as they came
	Code    int
}

// Run a command such as "deploy", "--all". A non-zero exit is an error that
// carries the last lines; the Result is there in either case.
func (c CLI) Run(ctx context.Context, args ...string) (Result, error) {
	full := append([]string{}, args...)
	for _, key := range sorted(c.Context) {
		full = append(full, "-c", key+"="+c.Context[key])
	}
	if c.Output != "" {
		full = append(full, "--output", c.Output)
	}
	if args[0] == "deploy" || args[0] == "destroy" {
		full = append(full, "--progress", "events")
	}
	cmd := exec.CommandContext(ctx, c.Command[0], append(c.Command[1:len(c.Command):len(c.Command)], full...)...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	// A process group of its own: cdk starts go and node, and all must go with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var text lockedBuffer
	cmd.Stdout = io.MultiWriter(&text, c.Log)
	cmd.Stderr = cmd.Stdout
	name := c.Name
	if name == "" {
		name = "cdk"
	}
	result := Result{Command: name + " " + strings.Join(args, " ")}
	_, _ = fmt.Fprintf(c.Log, "\n$ %s %s\n", name, strings.Join(full, " "))
	begin := time.Now()
	err := cmd.Run()
	result.Took, result.Text, result.Code = time.Since(begin), text.String(), cmd.ProcessState.ExitCode()
	if err != nil {
		return result, fmt.Errorf("%s: %w\n%s", result.Command, err, tail(result.Text, 25))
	}
	return result, nil
}

// Bootstrap the Regions of an account.
func (c CLI) Bootstrap(ctx context.Context, account string, regions ...string) (Result, error) {
	args := []string{"bootstrap"}
	for _, r := range regions {
		args = append(args, "aws://"+account+"/"+r)
	}
	return c.Run(ctx, args...)
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
