package scenario

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// judges are the jobs of osdr-change.yml that may refuse a change, and the step in
// which they do.
var judges = []struct{ job, step string }{
	{"change", "Judge the change"}, {"diff", "Judge the change against what is deployed"},
}

// request that a commit be merged: the three jobs of osdr-change.yml. Both judges are
// asked, and each job is looked at before the next one takes its folder.
func (x *examples) request(ctx context.Context, message string, edit func() error, look func(m *machine, step, summary string, failed error) error) error {
	commit, err := x.propose(ctx, message, edit)
	if err != nil {
		return err
	}
	if _, err := x.github(ctx, "osdr-change.yml", "synth", pullRequest(commit)); err != nil {
		return err
	}
	for _, j := range judges {
		m, failed := x.github(ctx, "osdr-change.yml", j.job, pullRequest(commit))
		if m == nil {
			return failed
		}
		summary, err := os.ReadFile(m.Summary())
		if err != nil {
			return fmt.Errorf("job %s: %w", j.job, failed)
		}
		if err := look(m, j.step, string(summary), failed); err != nil {
			return fmt.Errorf("job %s: %w", j.job, err)
		}
	}
	return nil
}

// tests that a job showed.
func (m *machine) tests() (junit.Testsuites, error) {
	if ok, err := m.ran("Show it as tests"); !ok || err != nil {
		return junit.Testsuites{}, fmt.Errorf("the tests are not shown: %v", err) //nolint:errorlint // err may be nil
	}
	text, err := m.file("change.xml")
	if err != nil {
		return junit.Testsuites{}, err
	}
	return readJUnit(text)
}

// failedCases of a report.
func failedCases(suites junit.Testsuites) (names []string) {
	for _, s := range suites.Suites {
		for _, c := range s.Testcases {
			if c.Failure != nil {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// harmless change: recovery points are kept a day longer.
func (x *examples) harmless(ctx context.Context) (string, error) {
	tests, difference := 0, 0
	err := x.request(ctx, "keep points longer", func() error {
		return x.configure(func(dr map[string]any) { dr["retention"].(map[string]any)["days"] = 8 })
	}, func(m *machine, step, summary string, failed error) error {
		if failed != nil {
			return failed
		}
		suites, err := m.tests()
		if err != nil {
			return err
		}
		tests += suites.Tests
		difference += strings.Count(summary, "[~] AWS::Lambda::Function")
		if !strings.Contains(summary, x.Names.App+": accepted") || len(failedCases(suites)) > 0 {
			return fmt.Errorf("it is not accepted: %v\n%s", failedCases(suites), summary)
		}
		return nil
	})
	if err == nil && difference == 0 {
		err = fmt.Errorf("no function is in the difference that is shown")
	}
	return fmt.Sprintf("accepted by both judges, %d tests; %d functions in the difference", tests, difference), err
}

// refused change: by both judges, under the id, and after the difference was shown.
func (x *examples) refused(ctx context.Context, id, shown string, edit func() error) (string, error) {
	var all []string
	err := x.request(ctx, "a change that takes away", edit, func(m *machine, step, summary string, failed error) error {
		if err := failedIn(failed, step); err != nil {
			return err
		}
		suites, err := m.tests()
		if err != nil {
			return err
		}
		cases := failedCases(suites)
		if !strings.Contains(summary, x.Names.App+": REFUSED") || !slices.ContainsFunc(cases, func(c string) bool { return strings.HasPrefix(c, id) }) {
			return fmt.Errorf("it is not refused by %s, but by %v:\n%s", id, cases, summary)
		}
		if step == judges[1].step && !strings.Contains(summary, shown) {
			return fmt.Errorf("the difference does not show the %s:\n%s", shown, summary)
		}
		for _, c := range cases {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
		return nil
	})
	return strings.Join(all, ", "), err
}
