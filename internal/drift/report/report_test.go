package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/report"
)

func finding(id string, kind drift.Kind, where string) drift.Finding {
	return drift.Finding{Check: id, Kind: kind, Where: where, Resource: "osdr-snapshots", Expected: "Enabled", Found: "Suspended <&>", Why: "a deleted object is gone", Mend: "aws s3api put-bucket-versioning"}
}

func sample() drift.Report {
	ignored := finding("bucket.policy", drift.Drift, "us-west-2")
	ignored.Ignored = &drift.Ignored{Reason: "reviewed", Expires: "2027-01-31"}
	silent := finding("bucket.policy", drift.Unknown, "us-east-1")
	silent.Found = "no answer within 10s"
	outcome := func(id, where, outcome string) drift.Outcome {
		return drift.Outcome{ID: id, Title: "t", Where: where, Outcome: outcome, Seconds: 0.5}
	}
	return drift.Report{
		Version: 1, Name: "osdr", Verdict: "drift", ExitCode: 1, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 1.25, ActiveRegion: "us-east-1", Templates: "cdk.out",
		Counts: drift.Counts{Checks: 4, InSync: 1, Drift: 1, Unknown: 1, Ignored: 1, Notes: 1},
		Checks: []drift.Outcome{
			outcome("alarm.exists", "us-east-1", "in-sync"), outcome("bucket.policy", "us-east-1", "could-not-check"),
			outcome("bucket.policy", "us-west-2", "in-sync"), outcome("bucket.versioning", "us-east-1", "drift"),
		},
		Findings: []drift.Finding{finding("bucket.versioning", drift.Drift, "us-east-1"), silent, finding("point.salvage", drift.Note, "us-west-2"), ignored},
		Rules: []drift.Check{
			{ID: "alarm.exists", Title: "alarms", Why: "w"}, {ID: "bucket.policy", Title: "policy", Why: "w"},
			{ID: "bucket.versioning", Title: "versioning", Why: "w"}, {ID: "point.salvage", Title: "salvage", Why: "w"},
		},
	}
}

func write(t *testing.T, format string, r drift.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, format, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextSaysAllOfAFinding(t *testing.T) {
	got := write(t, "text", sample())
	for _, want := range []string{
		"osdr: DRIFT, 1 finding", "us-east-1 is active", "bucket.versioning  us-east-1  osdr-snapshots", "expected  Enabled", "found     Suspended",
		"why       a deleted object is gone", "mend      aws s3api", "COULD NOT CHECK", "IGNORED", "reviewed (until 2027-01-31)", "1 in sync, 1 drift, 1 could not check; 1 finding ignored, 1 note",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestTextSaysOnceThatARegionIsSilent(t *testing.T) {
	r := sample()
	for _, id := range []string{"alarm.exists", "bucket.versioning"} {
		f := finding(id, drift.Unknown, "us-east-1")
		f.Found = "no answer within 10s"
		r.Findings = append(r.Findings, f)
	}
	got := write(t, "text", r)
	if !strings.Contains(got, "us-east-1: no answer within 10s\n    3 checks could not run: bucket.policy, alarm.exists, bucket.versioning") || strings.Count(got, "no answer within") != 1 {
		t.Error(got)
	}
}

// The JSON is a contract: its keys are listed here, and may only grow.
func TestJSONContract(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(write(t, "json", sample())), &got); err != nil {
		t.Fatal(err)
	}
	keys := func(v any) []string {
		var out []string
		for k := range v.(map[string]any) {
			out = append(out, k)
		}
		slices.Sort(out)
		return out
	}
	for name, c := range map[string]struct {
		got  any
		want []string
	}{
		"report":  {got, []string{"activeRegion", "checks", "counts", "exitCode", "findings", "name", "seconds", "started", "strict", "templates", "verdict", "version"}},
		"check":   {got["checks"].([]any)[0], []string{"id", "outcome", "seconds", "title", "where"}},
		"finding": {got["findings"].([]any)[3], []string{"expected", "found", "id", "ignored", "kind", "mend", "resource", "where", "why"}},
		"ignored": {got["findings"].([]any)[3].(map[string]any)["ignored"], []string{"expires", "reason"}},
		"counts":  {got["counts"], []string{"checks", "couldNotCheck", "drift", "ignored", "inSync", "notes"}},
	} {
		if diff := cmp.Diff(c.want, keys(c.got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// What is not known is left out and never empty, as docs/drift.md says; all else is
// there in every run.
func TestJSONLeavesOutWhatIsUnknown(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	_, stated, _ := strings.Cut(string(raw), "Left out when there is nothing to say: ")
	stated, _, _ = strings.Cut(stated, "; all else")
	full, bare := sample(), sample()
	bare.ActiveRegion, bare.Templates = "", ""
	bare.Findings = []drift.Finding{{Check: "bucket.policy", Kind: drift.Unknown, Where: "us-east-1"}}
	var missing []string
	left := func(have, lack any) {
		for k := range have.(map[string]any) {
			if _, ok := lack.(map[string]any)[k]; !ok {
				missing = append(missing, "`"+k+"`")
			}
		}
	}
	read := func(r drift.Report) (out map[string]any) {
		if err := json.Unmarshal([]byte(write(t, "json", r)), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	one, other := read(full), read(bare)
	left(one, other)
	left(one["findings"].([]any)[3], other["findings"].([]any)[0])
	said := regexp.MustCompile("`[a-zA-Z]+`").FindAllString(stated, -1)
	slices.Sort(said)
	slices.Sort(missing)
	if diff := cmp.Diff(said, missing); diff != "" || len(missing) == 0 {
		t.Errorf("left out, -as stated +in fact\n%s", diff)
	}
}

func TestFilesBesideTheAnswer(t *testing.T) {
	dir := t.TempDir()
	files, err := report.Files([]string{"junit=" + filepath.Join(dir, "a=b.xml"), "sarif=" + filepath.Join(dir, "c.sarif")})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WriteAll(&out, "json", files, sample()); err != nil {
		t.Fatal(err)
	}
	if out.String() != write(t, "json", sample()) {
		t.Error("the answer is another one")
	}
	for _, f := range files {
		if got, err := os.ReadFile(f.Path); err != nil || string(got) != write(t, f.Format, sample()) {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
	for _, bad := range []string{"junit", "junit=", "yaml=x"} {
		if _, err := report.Files([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if err := report.WriteAll(&out, "json", []report.File{{Format: "json", Path: filepath.Join(dir, "no", "x")}}, sample()); err == nil {
		t.Error("a file that cannot be written is not told")
	}
}

// Another command's report speaks its own words in all formats.
func TestASubjectOfItsOwn(t *testing.T) {
	r := sample()
	r.Of = drift.Subject{Tool: "osdr change", Docs: "docs/x.md", Words: map[string]string{"drift": "refused", "in-sync": "accepted"}}
	for format, parts := range map[string][]string{
		"text":  {"osdr: REFUSED, 1 finding", "REFUSED\n", "compared: cdk.out", "1 accepted, 1 refused"},
		"json":  {`"verdict": "refused"`, `"outcome": "accepted"`, `"kind": "refused"`},
		"junit": {`name="osdr change osdr"`, `classname="osdr.change.bucket"`, `type="refused"`},
		"sarif": {`"name": "osdr change"`, "See docs/x.md, bucket.policy."},
	} {
		got := write(t, format, r)
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in\n%s", format, part, got)
			}
		}
		if strings.Contains(got, "osdr drift") || format == "json" && strings.Contains(got, `"drift"`) && !strings.Contains(got, `"drift": 1`) {
			t.Errorf("%s: speaks of a drift\n%s", format, got)
		}
	}
	if r.Findings[0].Kind != drift.Drift {
		t.Error("the report itself was changed")
	}
}
