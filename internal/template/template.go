// Package template reads what `cdk synth` wrote, so that everything a deployment
// shall be is known without Node and without asking AWS. A value that only AWS
// can know, such as the id of a key, comes out as Unknown and is never compared:
// what is said to differ does differ.
package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Assembly is one synth: the folder cdk.out.
type Assembly struct {
	Dir    string
	Made   time.Time // when the synth ended
	Stacks []Stack   // in the order of their names
}

// Stack of it.
type Stack struct {
	Name, Region, Account string
	Protected             bool // termination protection is asked for
	// BootstrapParameter holds the version of the Region's bootstrap stack, and
	// BootstrapVersion is the least that will do.
	BootstrapParameter string
	BootstrapVersion   int
	Body               []byte // the template as it is uploaded
	Resources          []Resource
}

// Resource with its intrinsic functions resolved.
type Resource struct {
	ID         string // logical
	Type       string
	Properties map[string]any
	Condition  string   // of the template, which may leave it out
	DependsOn  []string // in so many words
	// OnDelete and OnReplace are its DeletionPolicy and UpdateReplacePolicy; Upgrades
	// says that its update policy lets an engine be upgraded in place.
	OnDelete, OnReplace string
	Upgrades            bool
}

type rawTemplate struct {
	Parameters map[string]rawParameter `json:"Parameters"`
	Resources  map[string]rawResource  `json:"Resources"`
}

type rawParameter struct {
	Type    string `json:"Type"`
	Default any    `json:"Default"`
}

type rawResource struct {
	Type                string         `json:"Type"`
	Properties          map[string]any `json:"Properties"`
	Condition           string         `json:"Condition"`
	DependsOn           any            `json:"DependsOn"`
	DeletionPolicy      string         `json:"DeletionPolicy"`
	UpdateReplacePolicy string         `json:"UpdateReplacePolicy"`
	UpdatePolicy        map[string]any `json:"UpdatePolicy"`
}

// Unknown is a value that only AWS knows.
type Unknown struct{ Expression string }

// MarshalJSON keeps an unknown value readable where an expected one is printed.
func (u Unknown) MarshalJSON() ([]byte, error) { return json.Marshal("${" + u.Expression + "}") }

// ErrNone says that a folder holds no synth.
var ErrNone = errors.New("no cloud assembly")

// Load the assembly in a folder. The format is the CDK's own, manifest.json
// (docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html).
func Load(dir string) (*Assembly, error) {
	path := filepath.Join(dir, "manifest.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the synthesized templates: %w in %s; run cdk synth, or give --cdk-out", ErrNone, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the synthesized templates: %w", err)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type        string `json:"type"`
			Environment string `json:"environment"` // aws://<account>/<region>
			Properties  struct {
				TemplateFile          string `json:"templateFile"`
				StackName             string `json:"stackName"`
				TerminationProtection bool   `json:"terminationProtection"`
				BootstrapParameter    string `json:"bootstrapStackVersionSsmParameter"`
				BootstrapVersion      int    `json:"requiresBootstrapStackVersion"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, fmt.Errorf("read the synthesized templates: %s: %w; run cdk synth again", path, err)
	}
	a := &Assembly{Dir: dir}
	if info, err := os.Stat(path); err == nil {
		a.Made = info.ModTime()
	}
	for id, artifact := range manifest.Artifacts {
		if artifact.Type != "aws:cloudformation:stack" {
			continue
		}
		account, region, _ := strings.Cut(strings.TrimPrefix(artifact.Environment, "aws://"), "/")
		body, err := os.ReadFile(filepath.Join(dir, artifact.Properties.TemplateFile))
		if err != nil {
			return nil, fmt.Errorf("read the synthesized template of %s: %w; run cdk synth again", id, err)
		}
		name := artifact.Properties.StackName
		if name == "" {
			name = id
		}
		s, err := Parse(name, account, region, body)
		if err != nil {
			return nil, err
		}
		s.Protected = artifact.Properties.TerminationProtection
		s.BootstrapParameter, s.BootstrapVersion = artifact.Properties.BootstrapParameter, artifact.Properties.BootstrapVersion
		a.Stacks = append(a.Stacks, s)
	}
	slices.SortFunc(a.Stacks, func(x, y Stack) int { return strings.Compare(x.Name, y.Name) })
	return a, nil
}

// Parse one template, as it stands in the given place.
func Parse(name, account, region string, body []byte) (Stack, error) {
	s := Stack{Name: name, Account: account, Region: region, Body: body}
	var raw rawTemplate
	if err := json.Unmarshal(body, &raw); err != nil {
		return Stack{}, fmt.Errorf("read the template of %s: %w", name, err)
	}
	r := &resolver{stack: s, raw: raw, under: map[string]bool{}}
	for id, resource := range raw.Resources {
		properties, _ := r.value(resource.Properties).(map[string]any)
		if properties == nil {
			properties = map[string]any{}
		}
		upgrades, _ := resource.UpdatePolicy["EnableVersionUpgrade"].(bool)
		s.Resources = append(s.Resources, Resource{
			ID: id, Type: resource.Type, Properties: properties, Condition: resource.Condition, DependsOn: list(resource.DependsOn),
			OnDelete: resource.DeletionPolicy, OnReplace: resource.UpdateReplacePolicy, Upgrades: upgrades,
		})
	}
	slices.SortFunc(s.Resources, func(x, y Resource) int { return strings.Compare(x.ID, y.ID) })
	return s, nil
}

// list of texts, or the one text.
func list(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, fmt.Sprint(item))
		}
		return out
	}
	return nil
}

// Stack of a name; nil when the synth did not make it.
func (a *Assembly) Stack(name string) *Stack {
	for i := range a.Stacks {
		if a.Stacks[i].Name == name {
			return &a.Stacks[i]
		}
	}
	return nil
}

// Located is a resource and the stack that holds it.
type Located struct {
	Resource
	Stack *Stack
}

// In a Region, all resources of a type.
func (a *Assembly) In(region, kind string) []Located {
	var out []Located
	for i := range a.Stacks {
		s := &a.Stacks[i]
		if s.Region != region {
			continue
		}
		for _, r := range s.Resources {
			if r.Type == kind {
				out = append(out, Located{r, s})
			}
		}
	}
	return out
}

// Text of a property by its path; "" when it is not a known text.
func (r Resource) Text(path ...string) string {
	var at any = r.Properties
	for _, step := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[step]
	}
	s, _ := at.(string)
	return s
}
