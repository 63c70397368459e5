// Package junitschema holds a JUnit report against its XML schema. Nothing of Go
// reads one, so that it takes a Python that has xmlschema, as `make install` puts it
// into .drill; it is for tests and drills, and no part of osdr.
package junitschema

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

//go:embed junit-10.xsd
var schema string

//go:embed validate.py
var script string

// ErrInvalid says that the schema does not allow a report.
var ErrInvalid = errors.New("the JUnit report is not valid by junit-10.xsd")

// Validate a report; the error names all that the schema does not allow.
func Validate(ctx context.Context, python, report string) error {
	cmd := exec.CommandContext(ctx, python, "-c", script, schema)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(report), &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		return fmt.Errorf("%w:\n%s", ErrInvalid, out.String())
	case err != nil:
		return fmt.Errorf("validate a JUnit report by %s: %w; `make install` brings xmlschema\n%s", python, err, out.String())
	}
	return nil
}
