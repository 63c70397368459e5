package report_test

import (
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/opensearch-dr/osdr/internal/drift"
)

func TestSARIFIsValid(t *testing.T) {
	for name, r := range map[string]drift.Report{"findings": sample(), "clean": {Version: 1, Name: "osdr", Verdict: "in-sync", Rules: sample().Rules}} {
		got, err := sarif.FromString(write(t, "sarif", r))
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		run := got.Runs[0]
		if got.Version != "2.1.0" || len(run.Tool.Driver.Rules) != 4 || len(run.Results) != len(r.Findings) {
			t.Errorf("%s: version %s, %d rules, %d results", name, got.Version, len(run.Tool.Driver.Rules), len(run.Results))
		}
		for i, f := range r.Findings {
			if x := run.Results[i]; *x.RuleID != f.Check || run.Tool.Driver.Rules[x.RuleIndex].ID == nil || *run.Tool.Driver.Rules[x.RuleIndex].ID != f.Check || (len(x.Suppressions) > 0) != (f.Ignored != nil) {
				t.Errorf("%s: result %d is of rule %s", name, i, *x.RuleID)
			}
		}
	}
}

// Code scanning makes one alert of all results that share this fingerprint, and
// makes one of the line where it is left out; all results stand on one line.
func TestEachFindingIsAnAlertOfItsOwn(t *testing.T) {
	r := sample()
	other, twin := finding("bucket.versioning", drift.Drift, "us-east-1"), finding("bucket.versioning", drift.Drift, "us-east-1")
	other.Resource, twin.Found = "osdr-other", "never set"
	r.Findings = append(r.Findings, finding("bucket.versioning", drift.Drift, "us-west-2"), other, twin)
	marks := func(r drift.Report) map[string]bool {
		t.Helper()
		got, err := sarif.FromString(write(t, "sarif", r))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, x := range got.Runs[0].Results {
			out[x.PartialFingerprints["primaryLocationLineHash"]] = true
		}
		return out
	}
	first := marks(r)
	if len(first) != len(r.Findings) || first[""] {
		t.Errorf("%d findings, fingerprints %v", len(r.Findings), first)
	}
	// The next run's alert is the same one, whatever else was found by then.
	r.Findings = r.Findings[:1]
	for mark := range marks(r) {
		if !first[mark] {
			t.Errorf("%s is new", mark)
		}
	}
}
