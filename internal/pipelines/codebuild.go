package pipelines

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// Buildspec of AWS CodeBuild, version 0.2
// (docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).
type Buildspec struct {
	Job     Job
	Reports map[string]Report
	Keeps   []string // artifacts
}

// Report group that a build fills.
type Report struct {
	Files  []string `yaml:"files"`
	Format string   `yaml:"file-format"`
}

// phases in their order.
var phases = []string{"install", "pre_build", "build", "post_build"}

// ReadBuildspec of a file. All commands of a phase share one shell, and the phase
// ends with the first that fails.
func ReadBuildspec(path string) (Buildspec, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Buildspec{}, fmt.Errorf("read a buildspec: %w", err)
	}
	var file struct {
		Version string `yaml:"version"`
		Env     struct {
			Shell     string            `yaml:"shell"`
			Variables map[string]string `yaml:"variables"`
		} `yaml:"env"`
		Phases map[string]struct {
			Runtimes map[string]string `yaml:"runtime-versions"`
			Commands []string          `yaml:"commands"`
		} `yaml:"phases"`
		Reports   map[string]Report `yaml:"reports"`
		Artifacts struct {
			Files []string `yaml:"files"`
		} `yaml:"artifacts"`
	}
	if err := strict(raw, &file); err != nil {
		return Buildspec{}, fmt.Errorf("read buildspec %s: %w", path, err)
	}
	if file.Version != "0.2" || file.Env.Shell != "bash" {
		return Buildspec{}, fmt.Errorf("read buildspec %s: version %q, shell %q; allowed: 0.2 and bash", path, file.Version, file.Env.Shell)
	}
	b := Buildspec{Reports: file.Reports, Keeps: file.Artifacts.Files}
	b.Job = Job{Name: path, Env: file.Env.Variables, Shell: []string{"bash", "-e"}}
	for _, phase := range phases {
		if commands := file.Phases[phase].Commands; len(commands) > 0 {
			b.Job.Steps = append(b.Job.Steps, Step{Name: phase, Run: strings.Join(commands, "\n")})
		}
	}
	return b, nil
}

func strict(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return d.Decode(into)
}
