package stacks

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

// buildFunctions for the configured processor, so that a template never goes
// out with binaries of another one, or with stale ones. The Makefile has the
// flags that make the bytes reproducible; an unchanged build takes a second.
func buildFunctions(root, architecture string, stderr io.Writer) error {
	goarch := map[string]string{"arm64": "arm64", "x86_64": "amd64"}[architecture]
	cmd := exec.Command("make", "-s", "-C", root, "lambdas", "GOARCH_FUNCTIONS="+goarch) //nolint:noctx // a synth has no context; Ctrl-C reaches make by the process group
	// A make above this one has flags and job slots of its own.
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	cmd.Stdout, cmd.Stderr = stderr, stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the functions for %s: %w; `make lambdas` shows it alone", architecture, err)
	}
	return nil
}
