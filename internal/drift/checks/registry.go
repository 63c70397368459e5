package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
)

// All checks, family by family. Without facts they are only described.
func All(f *Facts) []drift.Check {
	return slices.Concat(
		f.activeChecks(), f.stackChecks(), f.domainChecks(), f.functionChecks(), f.scheduleChecks(), f.bucketChecks(),
		f.roleChecks(), f.keyChecks(), f.alarmChecks(), f.certificateChecks(), f.pointChecks(), f.leftoverChecks(),
		f.clusterChecks(), f.standbyChecks(), f.readyChecks(),
	)
}

// Marks around the table of the checks in docs/drift.md.
const (
	ReferenceBegin = "<!-- checks: written by `make golden` -->\n"
	ReferenceEnd   = "<!-- end of checks -->\n"
)

// Reference is the table of all checks.
func Reference() string {
	var b strings.Builder
	family := ""
	for _, c := range All(nil) {
		if c.Family() != family {
			family = c.Family()
			fmt.Fprintf(&b, "\n### %s\n\n| id | in sync means | why it matters for recovery | looked at in |\n|---|---|---|---|\n", family)
		}
		where := string(c.Scope)
		if c.Ready {
			where += ", with `--ready`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.ID, c.Title, c.Why, where)
	}
	return b.String()
}
