package pipelines

import (
	"fmt"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// Stage of AWS CodePipeline, of one action, and the CodeBuild project it starts.
type Stage struct {
	Name     string
	Category string // Source, Build or Approval
	Spec     string // of the build: the buildspec's path in the repository
	Project  string // logical id
	Role     string // logical id of what the build acts as
}

// ReadStages of the one pipeline in a CloudFormation template, in order.
func ReadStages(path string) ([]Stage, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a pipeline: %w", err)
	}
	var file struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				ServiceRole string `yaml:"ServiceRole"` // !GetAtt <role>.Arn
				Source      struct {
					BuildSpec string `yaml:"BuildSpec"`
				} `yaml:"Source"`
				Stages []struct {
					Name    string `yaml:"Name"`
					Actions []struct {
						ActionTypeID struct {
							Category string `yaml:"Category"`
						} `yaml:"ActionTypeId"`
						Configuration struct {
							ProjectName string `yaml:"ProjectName"` // !Ref <project>
						} `yaml:"Configuration"`
					} `yaml:"Actions"`
				} `yaml:"Stages"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("read pipeline %s: %w", path, err)
	}
	var out []Stage
	for _, r := range file.Resources {
		for _, s := range r.Properties.Stages {
			if len(s.Actions) != 1 {
				return nil, fmt.Errorf("read pipeline %s: stage %s has %d actions; allowed: one", path, s.Name, len(s.Actions))
			}
			a := s.Actions[0]
			stage := Stage{Name: s.Name, Category: a.ActionTypeID.Category, Project: a.Configuration.ProjectName}
			if stage.Category == "Build" {
				project := file.Resources[stage.Project]
				stage.Spec = project.Properties.Source.BuildSpec
				stage.Role = strings.TrimSuffix(project.Properties.ServiceRole, ".Arn")
			}
			out = append(out, stage)
		}
	}
	return out, nil
}
