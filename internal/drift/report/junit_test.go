package report_test

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/opensearch-dr/osdr/drill/install/installtest"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/report/junitschema"
)

func TestJUnit(t *testing.T) {
	r := sample()
	r.Checks = append(r.Checks, drift.Outcome{ID: "region.reach", Where: "eu-west-1", Outcome: "could-not-check"})
	r.Findings = append(r.Findings, drift.Finding{Check: "region.reach", Kind: drift.Unknown, Where: "eu-west-1", Found: "not asked"})
	var got junit.Testsuites
	if err := xml.Unmarshal([]byte(write(t, "junit", r)), &got); err != nil {
		t.Fatal(err)
	}
	skipped, outcomes := 0, map[string]string{}
	for _, s := range got.Suites {
		skipped += s.Skipped
		for _, c := range s.Testcases {
			switch {
			case c.Failure != nil:
				outcomes[c.Name] = "failed"
			case c.Error != nil:
				outcomes[c.Name] = "error"
			case c.Skipped != nil:
				outcomes[c.Name] = "skipped"
			default:
				outcomes[c.Name] = "passed"
			}
			if c.Name == "bucket.versioning us-east-1" && (c.Failure == nil || !strings.Contains(c.Failure.Data, "mend")) {
				t.Errorf("a failure without its mend: %+v", c)
			}
		}
	}
	if got.Tests != 5 || got.Failures != 1 || got.Errors != 2 || skipped != 1 {
		t.Errorf("tests %d, failures %d, errors %d, skipped %d", got.Tests, got.Failures, got.Errors, skipped)
	}
	// Drift fails, what could not be checked is an error, an exception is skipped.
	if diff := cmp.Diff(map[string]string{
		"alarm.exists us-east-1": "passed", "bucket.versioning us-east-1": "failed", "bucket.policy us-east-1": "error",
		"bucket.policy us-west-2": "skipped", "region.reach eu-west-1": "error",
	}, outcomes); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestJUnitIsValid(t *testing.T) {
	all := runs(t)
	all["an exception, an error and a failure"] = sample()
	other := sample()
	other.Of = drift.Subject{Tool: "osdr change", Words: map[string]string{"drift": "refused", "in-sync": "accepted"}}
	all["another command's"] = other
	long := sample()
	long.Seconds, long.Checks[0].Seconds = 12345.678, 1234.5
	all["more than a thousand seconds"] = long
	for name, r := range all {
		if err := junitschema.Validate(t.Context(), installtest.Python(t, "python", "OSDR_PYTHON"), write(t, "junit", r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The schema is asked for real: it knows what is wrong.
func TestTheSchemaRefuses(t *testing.T) {
	valid := write(t, "junit", sample())
	for name, c := range map[string]struct{ old, new, want string }{
		"an attribute":       {`<testsuites `, `<testsuites skipped="1" `, "'skipped' attribute not allowed"},
		"an element":         {`<failure `, `<broken></broken><failure `, "broken"},
		"a case of no name":  {`<testcase name=`, `<testcase group=`, "missing required attribute 'name'"},
		"a time of no shape": {`time="1.250"`, `time="soon"`, "'soon'"},
	} {
		broken := strings.Replace(valid, c.old, c.new, 1)
		err := junitschema.Validate(t.Context(), installtest.Python(t, "python", "OSDR_PYTHON"), broken)
		if broken == valid || !errors.Is(err, junitschema.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := junitschema.Validate(t.Context(), "no-such-python", valid); err == nil || errors.Is(err, junitschema.ErrInvalid) || !strings.Contains(err.Error(), "make install") {
		t.Errorf("without a validator: %v", err)
	}
}
