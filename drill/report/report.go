// Package report tells what a drill saw: each step as it happens, and at the end
// one table that a person can read and one JUnit file that a pipeline can. A
// drill whose report holds a failed step never ends with exit code 0.
package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// Step is one promise and what became of it.
type Step struct {
	Name  string
	Took  time.Duration
	Saw   string // the finding in a few words: "3 points, newest 41 s old"
	Err   error
	Start time.Time
}

// Report of one scenario. Its methods may be called from several goroutines.
type Report struct {
	Scenario string
	out      io.Writer
	start    time.Time
	mu       sync.Mutex
	steps    []Step
	findings Findings
}

// New starts a report that prints its progress to out.
func New(scenario string, out io.Writer) *Report {
	return &Report{Scenario: scenario, out: out, start: time.Now()}
}

// Do runs one step, prints how it begins and ends, and keeps what it saw. The
// error is wrapped with the step's name.
func (r *Report) Do(name string, f func() (saw string, err error)) error {
	r.Say("… %s", name)
	begin := time.Now()
	saw, err := f()
	step := Step{Name: name, Took: time.Since(begin), Saw: saw, Err: err, Start: begin}
	r.mu.Lock()
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

// Failed tells whether a step failed, or none ran.
func (r *Report) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.steps {
		if s.Err != nil {
			return true
		}
	}
	return len(r.steps) == 0
}

// Table of all steps and of what was measured, for people.
func (r *Report) Table() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	width := 0
	for _, s := range r.steps {
		width = max(width, len([]rune(s.Name)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %d steps in %s\n\n", r.Scenario, len(r.steps), round(time.Since(r.start)))
	passed, failed := 0, 0
	for _, s := range r.steps {
		mark, saw := "ok  ", s.Saw
		if s.Err != nil {
			mark, saw = "FAIL", firstLine(s.Err.Error())
			failed++
		} else {
			passed++
		}
		pad := strings.Repeat(" ", width-len([]rune(s.Name)))
		fmt.Fprintf(&b, "  %s  %s%s  %8s  %s\n", mark, s.Name, pad, round(s.Took), saw)
	}
	if len(r.findings.Cards) > 0 {
		b.WriteString("\n")
	}
	for _, c := range r.findings.Cards {
		fmt.Fprintf(&b, "  %-28s %8s  %s\n", c.Title, c.Value, c.Note)
	}
	for _, s := range r.findings.Splits {
		fmt.Fprintf(&b, "\n  %s: %s\n", s.Title, round(s.Total()))
		for _, p := range s.Parts {
			fmt.Fprintf(&b, "    %-32s %8s\n", p.Name, round(p.Took))
		}
	}
	fmt.Fprintf(&b, "\n%d passed, %d failed\n", passed, failed)
	return b.String()
}

// WriteJUnit writes the scenario and each of its steps as test cases of one suite.
func (r *Report) WriteJUnit(path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	suite := junit.Testsuite{Name: "drill/" + r.Scenario, Time: seconds(time.Since(r.start)), Timestamp: r.start.UTC().Format(time.RFC3339)}
	whole := junit.Testcase{Name: r.Scenario, Classname: "drill", Time: suite.Time}
	for _, s := range r.steps {
		if s.Err != nil && whole.Failure == nil {
			whole.Failure = &junit.Result{Message: s.Name + ": " + firstLine(s.Err.Error()), Data: s.Err.Error()}
		}
	}
	suite.AddTestcase(whole)
	for _, s := range r.steps {
		c := junit.Testcase{Name: s.Name, Classname: "drill." + r.Scenario, Time: seconds(s.Took)}
		if s.Err != nil {
			c.Failure = &junit.Result{Message: firstLine(s.Err.Error()), Data: s.Err.Error()}
		} else if s.Saw != "" {
			c.SystemOut = &junit.Output{Data: s.Saw}
		}
		suite.AddTestcase(c)
	}
	var all junit.Testsuites
	all.AddSuite(suite)
	body, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), body...), 0o644); err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	return nil
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
