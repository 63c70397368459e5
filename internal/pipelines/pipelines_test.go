package pipelines_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/drill/install/installtest"
	"github.com/opensearch-dr/osdr/internal/pipelines"
)

const root = "../.."

func docs(parts ...string) string {
	return filepath.Join(append([]string{root, "docs", "pipelines"}, parts...)...)
}

func workflow(t *testing.T, name string) pipelines.Workflow {
	t.Helper()
	w, err := pipelines.ReadWorkflow(docs("github", name))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func buildspec(t *testing.T, name string) pipelines.Buildspec {
	t.Helper()
	b, err := pipelines.ReadBuildspec(docs("codebuild", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(docs(pattern))
	if err != nil || len(paths) == 0 {
		t.Fatal(pattern, paths, err)
	}
	return paths
}

func workflows(t *testing.T) []string {
	return slices.DeleteFunc(names(t, "github/*.yml"), func(p string) bool { return strings.HasSuffix(p, ".template.yml") })
}

var pin = regexp.MustCompile(`(?m)^\s*(?:- )?uses: ([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$`)

// An action is what its commit is, and not what its tag will be.
func TestActionsArePinned(t *testing.T) {
	known := map[string]string{}
	for _, path := range workflows(t) {
		w := workflow(t, filepath.Base(path))
		uses := 0
		for _, j := range w.Jobs {
			for _, s := range j.Steps {
				if s.Uses != "" {
					uses++
				}
			}
		}
		pins := pin.FindAllStringSubmatch(w.Text, -1)
		if len(pins) != uses {
			t.Errorf("%s: %d of %d actions are pinned by a commit with its version beside it", path, len(pins), uses)
		}
		for _, p := range pins {
			if other := known[p[1]]; other != "" && other != p[2] {
				t.Errorf("%s: %s is pinned to two commits", path, p[1])
			}
			known[p[1]] = p[2]
		}
	}
}

// Permissions are exactly these, each job's own.
func TestPermissionsAreTheLeast(t *testing.T) {
	want := map[string]map[string]map[string]string{
		"osdr-drift.yml": {"drift": {"contents": "read", "id-token": "write", "security-events": "write"}},
		"osdr-change.yml": {
			"synth": {"contents": "read"}, "change": {"contents": "read"}, "diff": {"contents": "read", "id-token": "write"},
		},
	}
	got := map[string]map[string]map[string]string{}
	for _, path := range workflows(t) {
		name := filepath.Base(path)
		w := workflow(t, name)
		got[name] = map[string]map[string]string{}
		if w.Permissions == nil || len(w.Permissions) != 0 {
			t.Errorf("%s: permissions at the top are %v; allowed: {}", name, w.Permissions)
		}
		if _, ok := w.On["pull_request_target"]; ok {
			t.Errorf("%s: pull_request_target gives a stranger's code the repository's own token", name)
		}
		for _, j := range w.Jobs {
			got[name][j.Name] = j.Permissions
			if j.Timeout == 0 {
				t.Errorf("%s: job %s has no time limit", name, j.Name)
			}
			credentials := false
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
					t.Errorf("%s: job %s leaves the token in the checkout", name, j.Name)
				}
				if strings.Contains(s.Run, "${{") {
					t.Errorf("%s: job %s puts an expression into a script, which runs what it says: %s", name, j.Name, s.Run)
				}
				credentials = credentials || strings.HasPrefix(s.Uses, "aws-actions/configure-aws-credentials@")
			}
			_, pull := w.On["pull_request"]
			if pull && credentials && !strings.Contains(j.If, "head.repo.full_name == github.repository") {
				t.Errorf("%s: job %s has credentials for code of a fork", name, j.Name)
			}
			if credentials != (j.Permissions["id-token"] == "write") {
				t.Errorf("%s: job %s may ask for a token and needs none, or the other way round", name, j.Name)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

var cli = regexp.MustCompile(`aws-cdk@(\S+)`)

// The examples install the CLI that the drill proves the app with.
func TestTheCLIIsTheDrillsOwn(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "drill", "install", "npm", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(workflows(t), names(t, "codebuild/*.buildspec.yml")...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := cli.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s installs no CLI", path)
		}
		for _, m := range found {
			if m[1] != file.Dependencies["aws-cdk"] {
				t.Errorf("%s installs aws-cdk %s, the drill %s", path, m[1], file.Dependencies["aws-cdk"])
			}
		}
	}
}

// A report that nobody writes is an empty group and a failed build.
func TestReportsAreWritten(t *testing.T) {
	for _, name := range []string{"drift.buildspec.yml", "change.buildspec.yml"} {
		b := buildspec(t, name)
		commands := ""
		for _, s := range b.Job.Steps {
			commands += s.Run + "\n"
		}
		if len(b.Reports) != 1 {
			t.Errorf("%s: %d reports", name, len(b.Reports))
		}
		for group, r := range b.Reports {
			if r.Format != "JUNITXML" || len(r.Files) != 1 || !strings.Contains(commands, "--report junit="+r.Files[0]) {
				t.Errorf("%s: report %s is %+v, and no command writes that", name, group, r)
			}
		}
		for _, file := range b.Keeps {
			if !strings.Contains(commands, "="+file) {
				t.Errorf("%s keeps %s, which no command writes", name, file)
			}
		}
	}
}

// A deployment waits for the gate and for a person, and what reads is never what
// deploys.
func TestADeploymentIsJudgedFirst(t *testing.T) {
	got, err := pipelines.ReadStages(docs("codebuild", "pipeline.template.yml"))
	if err != nil {
		t.Fatal(err)
	}
	spec := func(name string) string { return "docs/pipelines/codebuild/" + name + ".buildspec.yml" }
	want := []pipelines.Stage{
		{Name: "Source", Category: "Source"},
		{Name: "Change", Category: "Build", Spec: spec("change"), Project: "Change", Role: "ReaderRole"},
		{Name: "Approve", Category: "Approval"},
		{Name: "Deploy", Category: "Build", Spec: spec("deploy"), Project: "Deploy", Role: "DeployRole"},
		{Name: "Drift", Category: "Build", Spec: spec("drift"), Project: "Drift", Role: "ReaderRole"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTemplatesAreLinted(t *testing.T) {
	lint := installtest.Python(t, "cfn-lint", "CFN_LINT")
	args := append([]string{"--non-zero-exit-code", "informational", "--format", "parseable", "--template"}, names(t, "*/*.template.yml")...)
	if out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each file that the templates and the pages name is there.
func TestNamedFilesExist(t *testing.T) {
	named := regexp.MustCompile(`docs/pipelines/[\w/.-]+\.(?:yml|md)`)
	link := regexp.MustCompile(`\]\(([\w./-]+)\)`)
	for _, path := range slices.Concat(names(t, "*/*.yml"), names(t, "*.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range named.FindAllString(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil && strings.HasSuffix(path, ".md") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
