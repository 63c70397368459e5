package report_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/opensearch-dr/osdr/internal/drift"
)

// runs of every kind that a pipeline meets, by the real runner.
func runs(t *testing.T) map[string]drift.Report {
	t.Helper()
	check := func(id string, scope drift.Scope, err error, found ...drift.Finding) drift.Check {
		return drift.Check{ID: id, Title: "title of " + id, Why: "because", Scope: scope,
			Find: func(context.Context, string) ([]drift.Finding, error) { return found, err }}
	}
	bad := drift.Finding{Resource: "osdr-snapshots", Expected: "Enabled", Found: "Suspended", Mend: "enable it"}
	well := []drift.Check{
		check("a.each", drift.EachRegion, nil), check("b.active", drift.Active, nil), check("b.standby", drift.Standby, nil),
		check("c.once", drift.Once, nil, drift.Finding{Kind: drift.Note, Found: "to know"}), check("region.reach", drift.Everywhere, nil),
	}
	at := drift.Regions{Pair: []string{"us-east-1", "us-west-2"}, Active: "us-east-1", Control: "eu-west-1"}
	away, nobody := at, at
	away.Away, nobody.Active = "us-west-2", ""
	out := map[string]drift.Report{}
	for name, c := range map[string]struct {
		at     drift.Regions
		checks []drift.Check
		skip   []string
		strict bool
	}{
		"clean":                    {at, well, nil, false},
		"drift":                    {at, append(well[:len(well):len(well)], check("d.bad", drift.EachRegion, nil, bad), check("d.ignored", drift.Once, nil, bad)), nil, false},
		"could not check":          {at, append(well[:len(well):len(well)], check("d.broken", drift.EachRegion, errors.New("no"), bad)), nil, false},
		"strict":                   {at, append(well[:len(well):len(well)], check("d.broken", drift.Once, errors.New("no"))), nil, true},
		"region away":              {away, well, nil, false},
		"region away, not its own": {away, well, []string{"region"}, false},
		"nobody active":            {nobody, well, nil, false},
	} {
		o := drift.Options{Skip: c.skip, Strict: c.strict, Limit: time.Minute, Clock: time.Now}
		if name == "drift" {
			o.Exceptions = []drift.Exception{{ID: "d.ignored", Reason: "reviewed", Expires: "2999-01-31"}}
		}
		r, err := drift.Run(t.Context(), c.checks, c.at, o)
		if err != nil {
			t.Fatal(err)
		}
		r.Name = "osdr"
		out[name] = r
	}
	return out
}

// A person, a test summary and a script are told the same numbers, also when not
// all could be looked at.
func TestTotalsAgreeInAllFormats(t *testing.T) {
	for name, r := range runs(t) {
		var j struct {
			Counts drift.Counts
			Checks []drift.Outcome
		}
		if err := json.Unmarshal([]byte(write(t, "json", r)), &j); err != nil {
			t.Fatal(err)
		}
		var x junit.Testsuites
		if err := xml.Unmarshal([]byte(write(t, "junit", r)), &x); err != nil {
			t.Fatal(err)
		}
		cases, failed, faults := 0, 0, 0
		for _, s := range x.Suites {
			cases += len(s.Testcases)
			for _, c := range s.Testcases {
				failed, faults = failed+some(c.Failure), faults+some(c.Error)
			}
		}
		n := r.Counts
		if n != j.Counts || n.Checks != len(j.Checks) || n.Checks != n.InSync+n.Drift+n.Unknown || n.Checks != x.Tests || n.Checks != cases {
			t.Errorf("%s: counted %+v; JSON %+v of %d checks; JUnit says %d tests and has %d", name, n, j.Counts, len(j.Checks), x.Tests, cases)
		}
		if n.Drift != failed || n.Drift != x.Failures || n.Unknown != faults || n.Unknown != x.Errors {
			t.Errorf("%s: counted %+v; JUnit has %d failures and %d errors", name, n, failed, faults)
		}
		if n.Unknown == 0 && r.Verdict == string(drift.Unknown) {
			t.Errorf("%s: not all could be looked at, and nothing is counted so: %+v", name, n)
		}
		got := write(t, "text", r)
		for _, part := range []string{fmt.Sprintf("%d checks", n.Checks), fmt.Sprintf("\n%d in sync, %d drift, %d could not check;", n.InSync, n.Drift, n.Unknown)} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in\n%s", name, part, got)
			}
		}
	}
}

// What could not be begun is a case of its check's family, under the check's title.
func TestWhatIsNotAskedIsACheckThatCouldNotBeMade(t *testing.T) {
	all := runs(t)
	for _, c := range []struct{ run, id, where, title string }{
		{"region away", "region.reach", "us-west-2", "title of region.reach"},
		{"region away, not its own", "region.reach", "us-west-2", "it is asked"},
		{"nobody active", "b.active", drift.Global, "title of b.active"},
		{"nobody active", "b.standby", drift.Global, "title of b.standby"},
	} {
		found := false
		for _, o := range all[c.run].Checks {
			found = found || o.ID == c.id && o.Where == c.where && o.Title == c.title && o.Outcome == string(drift.Unknown)
		}
		if !found {
			t.Errorf("%s: no outcome of %s in %s: %+v", c.run, c.id, c.where, all[c.run].Checks)
		}
	}
}

func some(r *junit.Result) int {
	if r == nil {
		return 0
	}
	return 1
}
