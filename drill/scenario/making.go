package scenario

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/opensearch-dr/osdr/drill/report"
)

// makes `make failover` or `make failback` as the README types it, with the
// installation's own context, and more, as ARGS. text is all that it printed, also where it
// failed.
func (w *World) makes(ctx context.Context, target, to string, more ...string) (text string, err error) {
	var given []string
	for _, key := range slices.Sorted(maps.Keys(w.CDK.Context)) {
		if key != "activeRegion" { // the committed file says it
			given = append(given, "-c "+key+"="+w.CDK.Context[key])
		}
	}
	given = append(given, more...)
	typed := "make " + target + " TO=" + to
	if len(more) > 0 {
		typed += " ARGS='" + strings.Join(more, " ") + "'"
	}
	meaning := "failover"
	if target == "failback" {
		meaning = "switch"
	}
	end := w.watch.event(meaning, typed, report.Quiet)
	defer end()
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", target, "TO="+to,
		"CDK="+strings.Join(w.CDK.Command, " "), "ARGS="+strings.Join(given, " "),
		"CDK_ARGS=--progress events --output "+w.CDK.Output)
	cmd.Dir = w.CDK.Dir
	for _, e := range append(os.Environ(), w.CDK.Env...) {
		// This may run below a make of its own.
		if name, _, _ := strings.Cut(e, "="); !slices.Contains([]string{"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "SCENARIO"}, name) {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var all bytes.Buffer
	cmd.Stdout = io.MultiWriter(&all, w.CDK.Log)
	cmd.Stderr = cmd.Stdout // one writer for both: os/exec writes it from one goroutine
	_, _ = fmt.Fprintf(w.CDK.Log, "\n$ %s\n", typed)
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(all.String()), "\n")
		return all.String(), fmt.Errorf("%s: %w\n%s", typed, err, strings.Join(lines[max(0, len(lines)-25):], "\n"))
	}
	return all.String(), nil
}
