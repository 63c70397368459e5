package stacks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the goldens under testdata/golden")

// goldenOf a stack in a variant. Foundations have one golden for every flag,
// because they must not differ (X4), and one for each standby, which the minute
// run's schedule tells; recovery and traffic follow the flag only, the domain both.
func goldenOf(stack string, v variant) string {
	variant := v.name
	if variant == "failover" {
		// It was asked for by flags, which recovery and traffic carry as properties.
		return filepath.Join("testdata", "golden", stack+".failover.json")
	}
	if v.name != "options" {
		flag, standby, _ := strings.Cut(v.name, ".")
		switch {
		case strings.Contains(stack, "-foundation-"):
			variant = standby
		case strings.Contains(stack, "-recovery-"), strings.HasSuffix(stack, "-traffic"):
			variant = flag
		}
	}
	return filepath.Join("testdata", "golden", stack+"."+variant+".json")
}

// golden form of a template: without the CDK's own check of its bootstrap
// version, which is the same everywhere.
func golden(t *testing.T, template object) []byte {
	t.Helper()
	clean := object{}
	for key, value := range template {
		if key == "Rules" {
			continue
		}
		if parameters, ok := value.(object); ok && key == "Parameters" {
			rest := object{}
			for name, p := range parameters {
				if name != "BootstrapVersion" {
					rest[name] = p
				}
			}
			if len(rest) == 0 {
				continue
			}
			value = rest
		}
		clean[key] = value
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(clean); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGoldens(t *testing.T) {
	used := map[string]bool{}
	each(t, func(t *testing.T, v variant, a *assembly) {
		for stack, template := range a.templates {
			if v.name == "failover" && strings.Contains(stack, "-foundation-") {
				continue // compared with the other flags' in TestX4
			}
			path, got := goldenOf(stack, v), golden(t, template)
			if *update && !used[path] {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			used[path] = true
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s differs from %s; if that is wanted, make golden\n%s", stack, path, diff)
			}
		}
	})
	stored, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stored {
		if used[path] {
			continue
		}
		if *update {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s belongs to no variant any more; make golden removes it", path)
	}
}
