package pipelines

import (
	"fmt"
	"os"

	"gopkg.in/yaml.v3"
)

// Workflow of GitHub Actions.
type Workflow struct {
	Text        string
	On          map[string]any
	Permissions map[string]string
	Jobs        []Job // in the order of the file
}

// Job of a name; nil when there is none.
func (w Workflow) Job(name string) *Job {
	for i := range w.Jobs {
		if w.Jobs[i].Name == name {
			return &w.Jobs[i]
		}
	}
	return nil
}

type githubJob struct {
	RunsOn      string            `yaml:"runs-on"`
	Permissions map[string]string `yaml:"permissions"`
	Needs       string            `yaml:"needs"`
	If          string            `yaml:"if"`
	Timeout     int               `yaml:"timeout-minutes"`
	Env         map[string]string `yaml:"env"`
	Steps       []struct {
		Name string            `yaml:"name"`
		Run  string            `yaml:"run"`
		Uses string            `yaml:"uses"`
		With map[string]string `yaml:"with"`
		Env  map[string]string `yaml:"env"`
		Dir  string            `yaml:"working-directory"`
		If   string            `yaml:"if"`
	} `yaml:"steps"`
}

// bash of `shell: bash`
// (docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#exit-codes-and-error-action-preference).
var bash = []string{"bash", "--noprofile", "--norc", "-eo", "pipefail"}

// ReadWorkflow of a file. A key that it does not know is an error: it would not be
// looked at.
func ReadWorkflow(path string) (Workflow, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Workflow{}, fmt.Errorf("read a workflow: %w", err)
	}
	var file struct {
		Name        string            `yaml:"name"`
		On          map[string]any    `yaml:"on"`
		Permissions map[string]string `yaml:"permissions"`
		Concurrency map[string]any    `yaml:"concurrency"`
		Defaults    struct {
			Run struct {
				Shell string `yaml:"shell"`
			} `yaml:"run"`
		} `yaml:"defaults"`
		Jobs yaml.Node `yaml:"jobs"`
	}
	if err := strict(raw, &file); err != nil {
		return Workflow{}, fmt.Errorf("read workflow %s: %w", path, err)
	}
	if file.Defaults.Run.Shell != "bash" {
		return Workflow{}, fmt.Errorf("read workflow %s: defaults.run.shell is %q; allowed: bash, under which a pipe fails with its first part", path, file.Defaults.Run.Shell)
	}
	w := Workflow{Text: string(raw), On: file.On, Permissions: file.Permissions}
	for i := 0; i+1 < len(file.Jobs.Content); i += 2 {
		text, err := yaml.Marshal(file.Jobs.Content[i+1])
		if err != nil {
			return Workflow{}, fmt.Errorf("read workflow %s: %w", path, err)
		}
		var g githubJob
		if err := strict(text, &g); err != nil {
			return Workflow{}, fmt.Errorf("read workflow %s: job %s: %w", path, file.Jobs.Content[i].Value, err)
		}
		j := Job{Name: file.Jobs.Content[i].Value, Permissions: g.Permissions, Timeout: g.Timeout, If: g.If, Env: g.Env, Shell: bash}
		if g.Needs != "" {
			j.Needs = []string{g.Needs}
		}
		for _, s := range g.Steps {
			j.Steps = append(j.Steps, Step(s))
		}
		w.Jobs = append(w.Jobs, j)
	}
	return w, nil
}
