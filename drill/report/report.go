// Package report tells what a drill saw: each step as it happens, and at the end
// one table that a person can read and one JUnit file that a pipeline can. A
// drill whose report holds a failed step never ends with exit code 0.
package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// Step is one promise and what became of it.
type Step struct {
	Suite string
	Name  string
	Took  time.Duration
	Saw   string // the finding in a few words: "3 points, newest 41 s old"
	Err   error
	Start time.Time
}

// Report of one run. Its steps belong to suites: the scenarios that the run plays
// one after the other on one cloud. Its methods may be called from several
// goroutines.
type Report struct {
	Scenario string
	out      io.Writer
	start    time.Time
	mu       sync.Mutex
	suite    string // being played
	steps    []Step
	skipped  []string // suites that were not played
	findings Findings
}

// New starts a report that prints its progress to out. Until Begin, steps belong
// to a suite of the scenario's own name.
func New(scenario string, out io.Writer) *Report {
	return &Report{Scenario: scenario, out: out, start: time.Now(), suite: scenario}
}

// Begin a suite, or go on with one.
func (r *Report) Begin(suite string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suite = suite
}

// Skip says that a suite is not played, because one before it failed.
func (r *Report) Skip(suite string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skipped = append(r.skipped, suite)
}

// Do runs one step, prints how it begins and ends, and keeps what it saw. The
// error is wrapped with the step's name.
func (r *Report) Do(name string, f func() (saw string, err error)) error {
	r.Say("… %s", name)
	begin := time.Now()
	saw, err := f()
	r.mu.Lock()
	step := Step{Suite: r.suite, Name: name, Took: time.Since(begin), Saw: saw, Err: err, Start: begin}
	r.steps = append(r.steps, step)
	r.mu.Unlock()
	if err != nil {
		r.Say("✗ %s (%s): %v", name, round(step.Took), err)
		return fmt.Errorf("%s: %w", name, err)
	}
	r.Say("✓ %s (%s) %s", name, round(step.Took), saw)
	return nil
}

// Say prints a line with the time since the start.
func (r *Report) Say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(r.out, "%7s  %s\n", round(time.Since(r.start)), fmt.Sprintf(format, args...))
}

// Failed reports whether a step failed, a thing is not as promised, or no step ran.
func (r *Report) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return failure(r.steps) != nil || len(r.steps) == 0 || wrong(r.findings.Things) > 0
}

// failure is the first step that failed.
func failure(steps []Step) *Step {
	if i := slices.IndexFunc(steps, func(s Step) bool { return s.Err != nil }); i >= 0 {
		return &steps[i]
	}
	return nil
}

// suite of a report: its steps in their order.
type suite struct {
	Name  string
	Steps []Step
}

func (s suite) took() (all time.Duration) {
	for _, step := range s.Steps {
		all += step.Took
	}
	return all
}

// suites in the order of their first steps.
func (r *Report) suites() []suite {
	var all []suite
	for _, s := range r.steps {
		i := slices.IndexFunc(all, func(x suite) bool { return x.Name == s.Suite })
		if i < 0 {
			i = len(all)
			all = append(all, suite{Name: s.Suite})
		}
		all[i].Steps = append(all[i].Steps, s)
	}
	return all
}

// Table of all steps and of what was measured, for people.
func (r *Report) Table() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	passed, failed := 0, 0
	for _, s := range r.suites() {
		fmt.Fprintf(&b, "\n%s (%s)\n", s.Name, round(s.took()))
		for _, step := range s.Steps {
			mark, saw := "ok  ", step.Saw
			if step.Err != nil {
				mark, saw = "FAIL", firstLine(step.Err.Error())
				failed++
			} else {
				passed++
			}
			fmt.Fprintf(&b, "  %s %8s  %s\n", mark, round(step.Took), step.Name)
			if saw != "" {
				fmt.Fprintf(&b, "                   %s\n", saw)
			}
		}
		for n, c := range ofSuite(r.findings.Cards, s.Name, func(c Card) string { return c.Suite }) {
			if n == 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "  %-32s %8s  %s\n", c.Title, c.Value, c.Note)
		}
		writeFates(&b, r.fates(s.Name))
		for _, t := range ofSuite(r.findings.Splits, s.Name, func(t Split) string { return t.Suite }) {
			fmt.Fprintf(&b, "\n  %s: %s\n", t.Title, round(t.Total()))
			for _, p := range t.Parts {
				fmt.Fprintf(&b, "    %-30s %8s\n", p.Name, round(p.Took))
			}
		}
	}
	if n := wrong(r.findings.Things); n > 0 {
		fmt.Fprintf(&b, "\n%d of %d things are not as promised\n", n, len(r.findings.Things))
	}
	for _, s := range r.skipped {
		fmt.Fprintf(&b, "\n%s: not played\n", s)
	}
	fmt.Fprintf(&b, "\n%s: %d passed, %d failed, in %s\n", r.Scenario, passed, failed, round(time.Since(r.start)))
	return b.String()
}

// ofSuite filters findings.
func ofSuite[T any](all []T, suite string, of func(T) string) (found []T) {
	for _, one := range all {
		if of(one) == suite {
			found = append(found, one)
		}
	}
	return found
}

// WriteJUnit writes each suite with itself as its first test case and its steps as
// the others.
func (r *Report) WriteJUnit(path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all junit.Testsuites
	for _, s := range r.suites() {
		all.AddSuite(s.junit(r.fates(s.Name)))
	}
	for _, name := range r.skipped {
		one := junit.Testsuite{Name: "drill/" + name}
		one.AddTestcase(junit.Testcase{Name: name, Classname: "drill", Skipped: &junit.Result{Message: "not played: a scenario before it failed"}})
		all.AddSuite(one)
	}
	body, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), body...), 0o644); err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	return nil
}

func (s suite) junit(things []Thing) junit.Testsuite {
	out := junit.Testsuite{Name: "drill/" + s.Name, Time: seconds(s.took()), Timestamp: s.Steps[0].Start.UTC().Format(time.RFC3339)}
	whole := junit.Testcase{Name: s.Name, Classname: "drill", Time: out.Time}
	if f := failure(s.Steps); f != nil {
		whole.Failure = &junit.Result{Message: f.Name + ": " + firstLine(f.Err.Error()), Data: f.Err.Error()}
	} else if n := wrong(things); n > 0 {
		whole.Failure = &junit.Result{Message: fmt.Sprintf("%d of %d things are not as promised", n, len(things))}
	}
	out.AddTestcase(whole)
	for _, step := range s.Steps {
		c := junit.Testcase{Name: step.Name, Classname: "drill." + s.Name, Time: seconds(step.Took)}
		if step.Err != nil {
			c.Failure = &junit.Result{Message: firstLine(step.Err.Error()), Data: step.Err.Error()}
		} else if step.Saw != "" {
			c.SystemOut = &junit.Output{Data: step.Saw}
		}
		out.AddTestcase(c)
	}
	for _, x := range things {
		out.AddTestcase(x.junit())
	}
	return out
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
