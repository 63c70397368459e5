package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

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
	placed := map[string]bool{}
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
		placed[c.ID+" "+c.Where] = true
	}
	add()
	// What belongs to no outcome, such as a Region that was not asked.
	other := junit.Testsuite{Name: "run", ID: len(suites.Suites), Time: seconds(0)}
	other.SetTimestamp(r.Started)
	for _, f := range r.Findings {
		if !placed[f.Check+" "+f.Where] && f.Kind != drift.Note {
			tc := junit.Testcase{Name: f.Check + " " + f.Where, Classname: class + "run", Time: seconds(0)}
			fill(&tc, []drift.Finding{f}, r.Of)
			other.AddTestcase(tc)
		}
	}
	if len(other.Testcases) > 0 {
		suites.AddSuite(other)
	}
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

// writeSARIF, version 2.1.0. A result needs a file for code scanning to show it:
// it is cdk.json, which says what shall be; where it really is, is its logical
// location.
func writeSARIF(w io.Writer, r drift.Report) error {
	report := sarif.NewReport()
	run := sarif.NewRunWithInformationURI(tool(r), "https://github.com/opensearch-dr/osdr")
	rules := map[string]int{}
	for _, c := range r.Rules {
		rules[c.ID] = len(rules)
		run.AddRule(c.ID).WithName(c.ID).
			WithShortDescription(sarif.NewMultiformatMessageString().WithText(c.Title)).
			WithFullDescription(sarif.NewMultiformatMessageString().WithText(c.Why)).
			WithHelp(sarif.NewMultiformatMessageString().WithText("See " + docs(r) + ", " + c.ID + ".")).
			WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel("error"))
	}
	run.WithResults([]*sarif.Result{})
	for _, f := range r.Findings {
		result := sarif.NewResult().WithRuleID(f.Check).WithLevel(level(f.Kind)).
			WithMessage(sarif.NewTextMessage(sentence(f))).
			WithPartialFingerprints(map[string]string{"osdrDrift/v1": fingerprint(f)}).
			AddLocation(sarif.NewLocation().
				WithPhysicalLocation(sarif.NewPhysicalLocation().
					WithArtifactLocation(sarif.NewArtifactLocation().WithURI("cdk.json")).
					WithRegion(sarif.NewRegion().WithStartLine(1))).
				WithLogicalLocations([]*sarif.LogicalLocation{
					sarif.NewLogicalLocation().WithKind("resource").WithName(nonEmpty(f.Resource, f.Where)).WithFullyQualifiedName(f.Where + "/" + f.Resource),
				}))
		if at, ok := rules[f.Check]; ok {
			result.WithRuleIndex(at)
		}
		if i := f.Ignored; i != nil {
			result.WithSuppressions([]*sarif.Suppression{
				sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithJustification(i.Reason + " (until " + i.Expires + ")"),
			})
		}
		run.AddResult(result)
	}
	report.AddRun(run)
	return report.PrettyWrite(w)
}

func nonEmpty(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func level(k drift.Kind) string {
	switch k {
	case drift.Drift:
		return "error"
	case drift.Unknown:
		return "warning"
	}
	return "note"
}

func sentence(f drift.Finding) string {
	out := nonEmpty(f.Resource, f.Check) + " in " + f.Where + ": " + f.Found
	if f.Expected != "" {
		out += "; expected: " + f.Expected
	}
	return out + ". " + f.Why + ". Mend: " + f.Mend
}

// fingerprint of a finding from one run to the next.
func fingerprint(f drift.Finding) string {
	sum := sha256.Sum256([]byte(f.Check + "\x00" + f.Where + "\x00" + f.Resource + "\x00" + f.Expected))
	return hex.EncodeToString(sum[:16])
}
