package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift/command"
	"github.com/opensearch-dr/osdr/internal/operator"
)

// untouched is an AWS that must not be asked; asked says that it was.
type untouched struct{ asked bool }

func (u *untouched) Account(context.Context, []string) (string, error) {
	u.asked = true
	return "", errors.New("find AWS credentials: none")
}

func (u *untouched) World(context.Context, *config.App) (operator.World, error) {
	u.asked = true
	return operator.World{}, errors.New("find AWS credentials: none")
}

// without runs osdr where there are no credentials.
func without(t *testing.T, folder string, args ...string) (code int, out, errs string, asked bool) {
	t.Helper()
	t.Setenv("CDK_DEFAULT_ACCOUNT", "")
	var u untouched
	open := func(context.Context, *config.App) (command.Sources, error) {
		u.asked = true
		return command.Sources{}, errors.New("find AWS credentials: none")
	}
	var stdout, stderr bytes.Buffer
	args = append([]string{"--cdk-json", filepath.Join(folder, "cdk.json")}, args...)
	code = operator.Main(t.Context(), args, operator.Streams{Out: &stdout, Err: &stderr}, &u, command.Extras(open)...)
	return code, stdout.String(), stderr.String(), u.asked
}

// What is wrong with a command line is told at once: somebody who mistyped an id is
// not to look for credentials first.
func TestAWrongCommandLineIsToldBeforeAWSIsAsked(t *testing.T) {
	dir := folder(t)
	ignore := filepath.Join(dir, "ignore.json")
	if err := os.WriteFile(ignore, []byte(`{"version":1,"ignore":[{"id":"bucket.nope","reason":"r","expires":"2999-01-31"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown id":            {[]string{"--only", "nope"}, `"nope" names none`},
		"an unknown id to skip":    {[]string{"--skip", "bucket.nope"}, `"bucket.nope" names none`},
		"an exception of no check": {[]string{"--ignore-file", ignore}, `no check has the id "bucket.nope"`},
		"no such ignore file":      {[]string{"--ignore-file", "nowhere.json"}, "nowhere.json"},
		"no time at all":           {[]string{"--timeout", "0s"}, "--timeout is 0s; allowed: more than 0"},
		"less than none":           {[]string{"--timeout=-1s"}, "--timeout is -1s; allowed: more than 0"},
		"no time for the slow":     {[]string{"--slow-timeout", "0s"}, "--slow-timeout is 0s; allowed: more than 0"},
		"less than none for them":  {[]string{"--slow-timeout=-4m"}, "--slow-timeout is -4m0s; allowed: more than 0"},
		"a report of no format":    {[]string{"--report", "html=x"}, `--report "html=x"; allowed`},
	} {
		code, out, errs, asked := without(t, dir, append([]string{"drift"}, c.args...)...)
		if code != 2 || out != "" || asked || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, AWS asked %t, %s%s; want %q", name, code, asked, out, errs, c.want)
		}
	}
	// The one beside cdk.json, too, wherever the command is run.
	if err := os.Rename(ignore, filepath.Join(dir, ".osdr-drift-ignore.json")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs, asked := without(t, dir, "drift"); code != 2 || asked || !strings.Contains(errs, "bucket.nope") {
		t.Errorf("exit %d, AWS asked %t, %s", code, asked, errs)
	}
	if code, _, errs, asked := without(t, dir, "drift", "--only", "bucket", "--ignore-file", os.DevNull); code != 2 || asked || !strings.Contains(errs, os.DevNull) {
		t.Errorf("exit %d, AWS asked %t, %s", code, asked, errs)
	}
	if err := os.Remove(filepath.Join(dir, ".osdr-drift-ignore.json")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs, asked := without(t, dir, "drift", "--only", "bucket"); code != 2 || !asked || !strings.Contains(errs, "credentials") {
		t.Errorf("a right one: exit %d, AWS asked %t, %s", code, asked, errs)
	}
}

// A script that reads JSON reads a failure as well; no report is written, which would
// look like a run that found nothing.
func TestAFailureIsToldInTheFormatThatWasAskedFor(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "drift.xml")
	for name, more := range map[string][]string{"no credentials": nil, "a wrong id": {"--only", "nope"}, "a wrong configuration": {"-c", "dr.rpoMinutes=0", "-c", "dr.account=123456789012"}} {
		args := append([]string{"drift", "--report", "junit=" + file}, more...)
		code, out, errs, _ := without(t, dir, append(args, "--format", "json")...)
		var told struct {
			Error string
			Code  int
		}
		if err := json.Unmarshal([]byte(errs), &told); err != nil || code != 2 || told.Code != code || told.Error == "" || out != "" {
			t.Errorf("%s: exit %d, %v\n%s%s", name, code, err, out, errs)
		}
		for _, format := range []string{"text", "junit", "sarif"} {
			if code, out, errs, _ := without(t, dir, append(args, "--format", format)...); code != 2 || out != "" || !strings.HasPrefix(errs, "ERROR: ") {
				t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
			}
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a report was written: %v", name, err)
		}
	}
}
