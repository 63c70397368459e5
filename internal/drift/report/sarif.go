package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/opensearch-dr/osdr/internal/drift"
)

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
	seen := map[string]int{}
	for _, f := range r.Findings {
		mark := fingerprint(f)
		seen[mark]++
		result := sarif.NewResult().WithRuleID(f.Check).WithLevel(level(f.Kind)).
			WithMessage(sarif.NewTextMessage(sentence(f))).
			WithPartialFingerprints(map[string]string{
				"osdrDrift/v1": mark,
				// The only one that GitHub's code scanning goes by. Left out, it is made of the
				// line of the location, which all results share: all of a rule would be one alert.
				// Like that of the line, it ends in the how-manieth of its kind this is.
				"primaryLocationLineHash": fmt.Sprintf("%s:%d", mark, seen[mark]),
			}).
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
