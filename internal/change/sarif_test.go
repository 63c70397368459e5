package change_test

import (
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/opensearch-dr/osdr/internal/drift/report"
)

// Two roles that leave a stack are two alerts of code scanning, although both are
// of one rule and stand on one line.
func TestEachRefusalIsAnAlertOfItsOwn(t *testing.T) {
	before := golden(t, "active-primary.cold")
	after := edited(t, before, "osdr-foundation-us-west-2", func(resources object) {
		for id, r := range resources {
			if r.(object)["Type"] == "AWS::IAM::Role" {
				delete(resources, id)
			}
		}
	})
	r := run(t, before, after)
	var b strings.Builder
	if err := report.Write(&b, "sarif", r); err != nil {
		t.Fatal(err)
	}
	got, err := sarif.FromString(b.String())
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]bool{}
	for _, x := range got.Runs[0].Results {
		marks[x.PartialFingerprints["primaryLocationLineHash"]] = true
	}
	if n := len(r.Findings); n < 2 || len(marks) != n || marks[""] {
		t.Errorf("%d findings, fingerprints %v", n, marks)
	}
}
