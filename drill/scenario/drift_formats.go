package scenario

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/report/junitschema"
)

// named rightly: all four formats say the finding, under its id, where it is.
func (d drifted) named(f drift.Finding) error {
	if want := fmt.Sprintf("  %s  %s  %s\n", f.Check, f.Where, f.Resource); !strings.Contains(d.text, want) || !strings.Contains(d.text, f.Mend[:min(40, len(f.Mend))]) {
		return fmt.Errorf("the text does not name %s %s %s", f.Check, f.Where, f.Resource)
	}
	var suites junit.Testsuites
	if err := xml.Unmarshal([]byte(d.junit), &suites); err != nil {
		return fmt.Errorf("read the JUnit report: %w", err)
	}
	failed := false
	for _, s := range suites.Suites {
		for _, c := range s.Testcases {
			failed = failed || s.Name == strings.Split(f.Check, ".")[0] && c.Name == f.Check+" "+f.Where && c.Failure != nil && strings.Contains(c.Failure.Data, f.Found)
		}
	}
	if !failed {
		return fmt.Errorf("JUnit has no failed case %q", f.Check+" "+f.Where)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID    string `json:"ruleId"`
				Level     string `json:"level"`
				Locations []struct {
					Logical []struct {
						Name string `json:"fullyQualifiedName"`
					} `json:"logicalLocations"`
				} `json:"locations"`
			} `json:"results"`
		} `json:"runs"`
	}
	if err := json.Unmarshal([]byte(d.sarif), &log); err != nil {
		return fmt.Errorf("read the SARIF report: %w", err)
	}
	for _, run := range log.Runs {
		for _, r := range run.Results {
			if r.RuleID == f.Check && r.Level == "error" && len(r.Locations) == 1 && len(r.Locations[0].Logical) == 1 && r.Locations[0].Logical[0].Name == f.Where+"/"+f.Resource {
				return nil
			}
		}
	}
	return fmt.Errorf("SARIF has no result of %s at %s/%s", f.Check, f.Where, f.Resource)
}

// valid SARIF, and JUnit of each check.
func (d *drifts) valid(ctx context.Context, got drifted) (string, error) {
	if err := errors.Join(validSARIF(got.sarif), d.validJUnit(ctx, got.junit)); err != nil {
		return "", err
	}
	suites, err := readJUnit(got.junit)
	if err != nil {
		return "", err
	}
	if suites.Tests != got.Counts.Checks {
		return "", fmt.Errorf("JUnit says %d tests in all; the run had %d checks", suites.Tests, got.Counts.Checks)
	}
	return fmt.Sprintf("SARIF valid, JUnit of %d suites and %d cases", len(suites.Suites), suites.Tests), nil
}

// validSARIF by its own schema.
func validSARIF(text string) error {
	log, err := sarif.FromString(text)
	if err != nil {
		return fmt.Errorf("read the SARIF report: %w", err)
	}
	if err := log.Validate(); err != nil {
		return fmt.Errorf("the SARIF report is not valid: %w", err)
	}
	return nil
}

// validJUnit by its schema, and as it counts.
func (w *World) validJUnit(ctx context.Context, text string) error {
	if err := junitschema.Validate(ctx, w.Cloud.Tools.Python, text); err != nil {
		return err
	}
	_, err := readJUnit(text)
	return err
}

// readJUnit as the tools that read it count it: the numbers of each suite are those
// of its cases.
func readJUnit(text string) (junit.Testsuites, error) {
	var suites junit.Testsuites
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		return suites, fmt.Errorf("read the JUnit report: %w", err)
	}
	var tests, failures, faults int
	for _, s := range suites.Suites {
		var f, e, skipped int
		for _, c := range s.Testcases {
			if c.Name == "" || c.Classname == "" || c.Time == "" {
				return suites, fmt.Errorf("a JUnit case of %s lacks its name, class or time", s.Name)
			}
			f, e, skipped = f+count(c.Failure), e+count(c.Error), skipped+count(c.Skipped)
		}
		if s.Name == "" || s.Timestamp == "" || s.Tests != len(s.Testcases) || s.Failures != f || s.Errors != e || s.Skipped != skipped {
			return suites, fmt.Errorf("the JUnit suite %q says %d tests, %d failures, %d errors, %d skipped; it has %d, %d, %d, %d", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Testcases), f, e, skipped)
		}
		tests, failures, faults = tests+s.Tests, failures+f, faults+e
	}
	if suites.Tests != tests || suites.Failures != failures || suites.Errors != faults || tests == 0 {
		return suites, fmt.Errorf("JUnit says %d tests, %d failures, %d errors in all; its suites %d, %d, %d", suites.Tests, suites.Failures, suites.Errors, tests, failures, faults)
	}
	return suites, nil
}

func count(r *junit.Result) int {
	if r == nil {
		return 0
	}
	return 1
}
