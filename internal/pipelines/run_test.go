package pipelines_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opensearch-dr/osdr/internal/pipelines"
	"github.com/opensearch-dr/osdr/internal/template/templatetest"
)

// standIn names the command that this test binary plays: what an example calls
// beside osdr is not on every machine, and costs minutes where it is.
const standIn = "OSDR_TEST_STAND_IN"

func TestMain(m *testing.M) {
	if name := os.Getenv(standIn); name != "" {
		if err := play(name, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name, strings.Join(os.Args[1:], " ")+":", err)
			os.Exit(64)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play a command; each knows exactly the arguments that the real one is given.
func play(name string, args []string) error {
	given := strings.Join(args, " ")
	switch {
	case name == "npm" && strings.HasPrefix(given, "install --global aws-cdk@"):
		return nil
	case name == "make" && given == "osdr":
		return copyFile(os.Getenv("OSDR_BINARY"), filepath.Join("build", "osdr"), 0o755)
	case name == "cdk" && given == "deploy --all --require-approval never":
		fmt.Println("deployed")
		return nil
	case name == "cdk" && given == "diff --method=template":
		fmt.Println("Stack osdr-domain-us-east-1: There were no differences")
		return synth("cdk.out")
	case name == "cdk" && given == "synth --quiet":
		return synth("cdk.out")
	case name == "cdk" && len(args) == 6 && strings.Join(args[:3], " ") == "synth --quiet --output" && strings.HasPrefix(args[5], "dr.account=") && len(args[5]) == len("dr.account=")+12:
		return synth(args[3])
	}
	return errors.New("an argument that the real one is not known to take")
}

// synth of what the folder's file "variant" says; "without-domain" is a change that
// takes the domain out of the code.
func synth(dir string) error {
	goldens, err := templatetest.Goldens()
	if os.Getenv("OSDR_GOLDENS") != "" {
		goldens, err = os.Getenv("OSDR_GOLDENS"), nil
	}
	if err != nil {
		return err
	}
	variant, err := os.ReadFile("variant")
	if err != nil {
		return err
	}
	if string(variant) != "without-domain" {
		return templatetest.Synth(goldens, string(variant), dir)
	}
	return errors.Join(templatetest.Synth(goldens, "active-primary.cold", dir),
		copyFile(filepath.Join(dir, "osdr-recovery-us-east-1.template.json"), filepath.Join(dir, "osdr-domain-us-east-1.template.json"), 0o644))
}

func copyFile(from, to string, mode os.FileMode) error {
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, body, mode)
}

// osdr is the real one, built once.
var osdr = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "osdr-pipelines-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "osdr")
	out, err := exec.Command("go", "build", "-o", path, "../../bin/osdr").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// machine with the stand-ins on its path, and an osdr that make "builds".
func machine(t *testing.T, binary string) pipelines.Place {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	goldens, err := templatetest.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	bin, home := t.TempDir(), t.TempDir()
	for _, name := range []string{"npm", "make", "cdk"} {
		script := fmt.Sprintf("#!/bin/sh\n%s=%s exec %s \"$@\"\n", standIn, name, self)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return pipelines.Place{
		Workspace: t.TempDir(), Temp: t.TempDir(),
		Env: []string{
			"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "OSDR_BINARY=" + binary, "OSDR_GOLDENS=" + goldens,
			"AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-west-2",
		},
		Values: map[string]string{
			"vars.OSDR_DRIFT_ROLE": "arn:aws:iam::123456789012:role/osdr-drift-github", "vars.OSDR_REGION": "us-west-2",
			"github.event.pull_request.base.sha": "0000000000000000000000000000000000000000",
		},
	}
}

func built(t *testing.T) string {
	t.Helper()
	path, err := osdr()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func ran(results []pipelines.Result, name string) bool {
	return slices.ContainsFunc(results, func(r pipelines.Result) bool { return r.Step.Name == name && !r.Skipped })
}

// pullRequest plays synth and change of osdr-change.yml: two machines, and between
// them what the first one uploads.
func pullRequest(t *testing.T, base, change, exceptions string) ([]pipelines.Result, pipelines.Place, error) {
	t.Helper()
	w := workflow(t, "osdr-change.yml")
	store := t.TempDir()
	one := machine(t, built(t))
	write(t, filepath.Join(one.Workspace, "variant"), change)
	if exceptions != "" {
		write(t, filepath.Join(one.Workspace, ".osdr-change-ignore.json"), exceptions)
	}
	one.Uses = func(_ context.Context, s pipelines.Step) error {
		if !strings.HasPrefix(s.Uses, "actions/upload-artifact@") {
			return nil
		}
		for pattern := range strings.FieldsSeq(s.With["path"]) {
			files, err := filepath.Glob(filepath.Join(one.Workspace, pattern))
			if err != nil {
				return err
			}
			for _, f := range files {
				rel, err := filepath.Rel(one.Workspace, f)
				if err != nil {
					return err
				}
				if err := copyFile(f, filepath.Join(store, rel), 0o644); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if _, err := one.Run(t.Context(), *w.Job("synth")); err != nil {
		t.Fatal(err)
	}
	two := machine(t, built(t))
	write(t, filepath.Join(two.Workspace, "variant"), base)
	two.Uses = func(_ context.Context, s pipelines.Step) error {
		if strings.HasPrefix(s.Uses, "actions/download-artifact@") {
			return os.CopyFS(filepath.Join(two.Workspace, s.With["path"]), os.DirFS(store))
		}
		return nil
	}
	results, err := two.Run(t.Context(), *w.Job("change"))
	return results, two, err
}

func TestAPullRequestIsJudged(t *testing.T) {
	const reviewed = `{"version": 1, "ignore": [
		{"id": "change.removed", "resource": "osdr-domain-us-east-1/Domain", "reason": "reviewed", "expires": "2999-01-31"},
		{"id": "change.gate", "resource": "osdr-domain-us-east-1/Gate", "reason": "reviewed", "expires": "2999-01-31"}]}`
	for name, c := range map[string]struct {
		base, change, exceptions string
		fails                    bool
		says                     string
	}{
		"nothing changes":    {"active-primary.cold", "active-primary.cold", "", false, "osdr: accepted"},
		"the flag moves":     {"active-primary.cold", "active-secondary.cold", "", false, "goes, as it is meant"},
		"a domain goes":      {"active-primary.cold", "without-domain", "", true, "osdr: REFUSED, 2 findings"},
		"reviewed with it":   {"active-primary.cold", "without-domain", reviewed, false, "reviewed (until 2999-01-31)"},
		"a file that is bad": {"active-primary.cold", "active-primary.cold", "{", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			results, place, err := pullRequest(t, c.base, c.change, c.exceptions)
			if (err != nil) != c.fails {
				t.Fatalf("failed: %v", err)
			}
			summary, rerr := os.ReadFile(place.Summary())
			if rerr != nil || !strings.Contains(string(summary), c.says) {
				t.Errorf("%v: no %q in the summary\n%s", rerr, c.says, summary)
			}
			if _, serr := os.Stat(filepath.Join(place.Workspace, "change.xml")); (serr == nil) != ran(results, "Show it as tests") || (serr == nil) != (c.says != "") {
				t.Errorf("report %v, shown: %v", serr, ran(results, "Show it as tests"))
			}
		})
	}
}

// Without credentials the jobs that need them fail, and do not pass as judged.
func TestWithoutCredentialsNothingPasses(t *testing.T) {
	cdkJSON, err := os.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, job := range map[string]pipelines.Job{
		"GitHub, change": *workflow(t, "osdr-change.yml").Job("diff"), "CodeBuild, change": buildspec(t, "change.buildspec.yml").Job,
		"GitHub, drift": *workflow(t, "osdr-drift.yml").Job("drift"), "CodeBuild, drift": buildspec(t, "drift.buildspec.yml").Job,
	} {
		place := machine(t, built(t))
		write(t, filepath.Join(place.Workspace, "variant"), "active-primary.cold")
		write(t, filepath.Join(place.Workspace, "cdk.json"), string(cdkJSON))
		var out bytes.Buffer
		place.Out = &out
		_, err := place.Run(t.Context(), job)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out.String(), "credentials") {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

// fakeDrift is an osdr that has found what its exit code says.
func fakeDrift(t *testing.T, code int, writes bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "osdr")
	script := "#!/bin/sh\necho \"osdr: told $*\"\n"
	if writes {
		script += "for a; do case \"$a\" in junit=*|sarif=*) echo report >\"${a#*=}\";; esac; done\n"
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%sexit %d\n", script, code), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADriftFailsTheRunAndIsShown(t *testing.T) {
	for _, c := range []struct {
		code   int
		writes bool
	}{{0, true}, {1, true}, {2, true}, {2, false}} {
		for name, job := range map[string]pipelines.Job{
			"GitHub": *workflow(t, "osdr-drift.yml").Job("drift"), "CodeBuild": buildspec(t, "drift.buildspec.yml").Job,
		} {
			place := machine(t, fakeDrift(t, c.code, c.writes))
			var out bytes.Buffer
			place.Out = &out
			write(t, filepath.Join(place.Workspace, "variant"), "active-primary.cold")
			results, err := place.Run(t.Context(), job)
			if (err != nil) != (c.code != 0) {
				t.Errorf("%s, exit %d: %v", name, c.code, err)
			}
			if !strings.Contains(out.String(), "osdr: told drift --ready") {
				t.Errorf("%s, exit %d: nobody reads what was found\n%s", name, c.code, out.String())
			}
			if name != "GitHub" {
				continue
			}
			if summary, err := os.ReadFile(place.Summary()); err != nil || !strings.Contains(string(summary), "osdr: told") {
				t.Errorf("exit %d: summary %q, %v", c.code, summary, err)
			}
			for _, step := range []string{"Show it in code scanning", "Show it as tests"} {
				if ran(results, step) != c.writes {
					t.Errorf("exit %d: %s: %v", c.code, step, !c.writes)
				}
			}
		}
	}
}

func TestADeploymentIsPlain(t *testing.T) {
	place := machine(t, "")
	if _, err := place.Run(t.Context(), buildspec(t, "deploy.buildspec.yml").Job); err != nil {
		t.Error(err)
	}
}

// What an action or a step exports, the later steps have, and no earlier one.
func TestExports(t *testing.T) {
	place := pipelines.Place{Workspace: t.TempDir(), Temp: t.TempDir()}
	place.Uses = func(context.Context, pipelines.Step) error { return place.Export("KEY", "of a role") }
	job := pipelines.Job{Shell: []string{"bash", "-eu"}, Steps: []pipelines.Step{
		{Run: `test -z "${KEY:-}"`}, {Uses: "acme/credentials@1"}, {Run: `test "$KEY" = "of a role"; echo OTHER=x >>"$GITHUB_ENV"`}, {Run: `test "$KEY$OTHER" = "of a rolex"`},
	}}
	if _, err := place.Run(t.Context(), job); err != nil {
		t.Error(err)
	}
}

// A place that does not know an expression, or a condition, does not guess.
func TestUnknownExpressions(t *testing.T) {
	place := pipelines.Place{Workspace: t.TempDir(), Temp: t.TempDir(), Values: map[string]string{"vars.A": "a"}}
	shell := []string{"bash", "-e"}
	for text, fails := range map[string]bool{"${{ vars.A }}": false, "${{ vars.B || 'b' }}": false, "${{ vars.B }}": true} {
		_, err := place.Run(t.Context(), pipelines.Job{Shell: shell, Steps: []pipelines.Step{{Run: "test -n \"$X\"", Env: map[string]string{"X": text}}}})
		if (err != nil) != fails || fails && !errors.Is(err, pipelines.ErrUnknown) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := place.Run(t.Context(), pipelines.Job{Shell: shell, Steps: []pipelines.Step{{Run: "true", If: "${{ steps.x.outcome == 'success' }}"}}})
	if !errors.Is(err, pipelines.ErrUnknown) {
		t.Error(err)
	}
}
