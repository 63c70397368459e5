package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

func TestReportOfAFailureFails(t *testing.T) {
	var out bytes.Buffer
	r := New("regular", &out)
	if !r.Failed() {
		t.Error("a report without a step must not count as a success")
	}
	if err := r.Do("good", func() (string, error) { return "3 points", nil }); err != nil {
		t.Fatal(err)
	}
	if r.Failed() {
		t.Error("one good step is no failure")
	}
	cause := errors.New("no point\nlong detail")
	if err := r.Do("bad", func() (string, error) { return "", cause }); !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "bad: ") {
		t.Errorf("the step's error must be wrapped with its name, got %v", err)
	}
	if !r.Failed() {
		t.Error("a failed step must fail the report")
	}
	table := r.Table()
	for _, want := range []string{"3 points", "FAIL       0s  bad\n", "no point", "1 passed, 1 failed"} {
		if !strings.Contains(table, want) {
			t.Errorf("table lacks %q:\n%s", want, table)
		}
	}
	if strings.Contains(table, "long detail") {
		t.Error("the table shows first lines only")
	}
	path := filepath.Join(t.TempDir(), "junit.xml")
	if err := r.WriteJUnit(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got junit.Testsuites
	if err := xml.Unmarshal(raw, &got); err != nil {
		t.Fatalf("not XML: %v\n%s", err, raw)
	}
	// The scenario is a case of its own and fails with its first step.
	cases := got.Suites[0].Testcases
	if got.Tests != 3 || got.Failures != 2 || cases[0].Failure == nil || !strings.Contains(cases[2].Failure.Data, "long detail") {
		t.Errorf("JUnit does not tell what happened: %+v", got)
	}
}

// A run plays several scenarios: each is a suite, and what was not played any more
// is said.
func TestEachScenarioIsASuite(t *testing.T) {
	r := New("everything", io.Discard)
	ok := func() (string, error) { return "", nil }
	for _, step := range []struct {
		suite string
		run   func() (string, error)
	}{{"regular", ok}, {"story", ok}, {"stale-flag", ok}, {"story", func() (string, error) { return "", errors.New("lost a document") }}} {
		r.Begin(step.suite)
		_ = r.Do("a step of "+step.suite, step.run)
		r.Add(func(f *Findings) {
			f.Cards = append(f.Cards, Card{Title: "of " + step.suite, Value: "1"})
		})
	}
	r.Skip("re-created")
	path := filepath.Join(t.TempDir(), "junit.xml")
	if err := r.WriteJUnit(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got junit.Testsuites
	if err := xml.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, s := range got.Suites {
		said = append(said, fmt.Sprintf("%s %d/%d/%d", s.Name, s.Tests, s.Failures, s.Skipped))
	}
	if want := "drill/regular 2/0/0, drill/story 3/2/0, drill/stale-flag 2/0/0, drill/re-created 1/0/1"; strings.Join(said, ", ") != want {
		t.Errorf("suites %v, want %s", said, want)
	}
	table := r.Table()
	for _, want := range []string{"\nstory (", "a step of story", "of story", "re-created: not played", "everything: 3 passed, 1 failed"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}
