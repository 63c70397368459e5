// Package templatetest writes what `cdk synth` writes, from the stacks' own
// goldens, for tests that need a synth and no Node.
package templatetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The installation of the goldens.
const (
	Account   = "123456789012"
	Primary   = "us-east-1"
	Secondary = "us-west-2"
)

// Goldens is the folder of the goldens, found upwards from the working directory.
func Goldens() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if path := filepath.Join(at, "stacks", "testdata", "golden"); exists(path) {
			return path, nil
		}
	}
	return "", errors.New("no stacks/testdata/golden above " + dir)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

type properties struct {
	TemplateFile          string `json:"templateFile"`
	TerminationProtection bool   `json:"terminationProtection"`
}

type artifact struct {
	Type        string     `json:"type"`
	Environment string     `json:"environment"`
	Properties  properties `json:"properties"`
}

// Synth writes a variant, such as "active-primary.cold" or "failover", into a
// folder. stacks/golden_test.go says which goldens a variant has.
func Synth(goldens, variant, dir string) error {
	flag, standby, _ := strings.Cut(variant, ".")
	foundation, control := standby, Secondary
	switch variant {
	case "failover":
		foundation = "cold"
	case "options":
		foundation, control = variant, "eu-west-1"
	}
	artifacts := map[string]artifact{}
	add := func(stack, variant, region string, protected bool) error {
		body, err := os.ReadFile(filepath.Join(goldens, stack+"."+variant+".json"))
		if err != nil {
			return err
		}
		file := stack + ".template.json"
		artifacts[stack] = artifact{"aws:cloudformation:stack", "aws://" + Account + "/" + region, properties{file, protected}}
		return os.WriteFile(filepath.Join(dir, file), body, 0o644)
	}
	err := os.MkdirAll(dir, 0o755)
	for _, region := range []string{Primary, Secondary} {
		if variant == "failover" && region == Primary {
			continue
		}
		err = errors.Join(err, add("osdr-foundation-"+region, foundation, region, true), add("osdr-domain-"+region, variant, region, true), add("osdr-recovery-"+region, flag, region, false))
	}
	if err = errors.Join(err, add("osdr-traffic", flag, control, false)); err != nil {
		return fmt.Errorf("write a synth of %s: %w", variant, err)
	}
	body, err := json.Marshal(map[string]any{"artifacts": artifacts})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), body, 0o644)
}
