package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/opensearch-dr/osdr/internal/drift"
)

func writeJSON(w io.Writer, r drift.Report) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(inItsWords(r))
}

// inItsWords says kinds, outcomes and the verdict as the command's contract has
// them.
func inItsWords(r drift.Report) drift.Report {
	r.Verdict = r.Of.Say(r.Verdict)
	r.Checks, r.Findings = slices.Clone(r.Checks), slices.Clone(r.Findings)
	for i := range r.Checks {
		r.Checks[i].Outcome = r.Of.Say(r.Checks[i].Outcome)
	}
	for i := range r.Findings {
		r.Findings[i].Kind = drift.Kind(r.Of.Say(string(r.Findings[i].Kind)))
	}
	return r
}

// writeJUnit makes a suite of each family and a case of each check in each place:
// a drift is a failure, what could not be checked an error, and what is ignored a
// skipped case.
func writeJUnit(w io.Writer, r drift.Report) error {
	suites := junit.Testsuites{Name: tool(r) + " " + r.Name, Time: seconds(r.Seconds)}
	class := strings.ReplaceAll(tool(r), " ", ".") + "."
	var suite *junit.Testsuite
	add := func() {
		if suite != nil {
			suites.AddSuite(*suite)
		}
	}
	for _, c := range r.Checks {
		family, _, _ := strings.Cut(c.ID, ".")
		if suite == nil || suite.Name != family {
			add()
			suite = &junit.Testsuite{Name: family, ID: len(suites.Suites), Time: seconds(0)}
			suite.SetTimestamp(r.Started)
		}
		tc := junit.Testcase{Name: c.ID + " " + c.Where, Classname: class + family, Time: seconds(c.Seconds)}
		fill(&tc, of(r.Findings, c.ID, c.Where), r.Of)
		suite.AddTestcase(tc)
	}
	add()
	suites.Skipped = 0 // the schema knows it of a suite only
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"); err != nil {
		return err
	}
	return suites.WriteXML(w)
}

func fill(tc *junit.Testcase, findings []drift.Finding, s drift.Subject) {
	var failed, unknown, ignored []drift.Finding
	for _, f := range findings {
		switch {
		case f.Kind == drift.Note:
		case f.Ignored != nil:
			ignored = append(ignored, f)
		case f.Kind == drift.Unknown:
			unknown = append(unknown, f)
		default:
			failed = append(failed, f)
		}
	}
	result := func(kind string, all []drift.Finding) *junit.Result {
		return &junit.Result{Message: all[0].Found, Type: kind, Data: texts(all)}
	}
	switch {
	case len(failed) > 0:
		tc.Failure = result(s.Say(string(drift.Drift)), append(failed, unknown...))
	case len(unknown) > 0:
		tc.Error = result(string(drift.Unknown), unknown)
	case len(ignored) > 0:
		tc.Skipped = &junit.Result{Message: ignored[0].Ignored.Reason}
	}
}

func texts(findings []drift.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		finding(func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }, f)
	}
	return b.String()
}

func of(findings []drift.Finding, id, where string) []drift.Finding {
	var out []drift.Finding
	for _, f := range findings {
		if f.Check == id && f.Where == where {
			out = append(out, f)
		}
	}
	return out
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

// tool that made the report.
func tool(r drift.Report) string { return nonEmpty(r.Of.Tool, "osdr drift") }

// docs of its checks, relative to the repository.
func docs(r drift.Report) string { return nonEmpty(r.Of.Docs, "docs/drift.md") }

func nonEmpty(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
