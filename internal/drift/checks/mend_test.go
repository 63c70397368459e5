package checks_test

import (
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
)

// What a finding names must mend it; `make drill SCENARIO=drift` types it. Here is
// what depends on more than the finding itself.
func TestMendsThatMend(t *testing.T) {
	const tick = `--payload '{"action":"tick"}'`
	for name, c := range map[string]struct {
		do          func(*world)
		id          string
		want, never string
	}{
		"a record whose mark is ours is the controller's": {func(w *world) { w.record(func(r *route.Record) { r.Target = "other.example.com" }) }, "record.target", tick, "change-resource-record-sets"},
		"a mark that names the other Region is left alone by it": {func(w *world) {
			w.record(func(r *route.Record) { r.Mark = strings.Replace(r.Mark, east, west, 1) })
		}, "record.mark", "change-resource-record-sets", tick},
		"so is a record without a mark": {func(w *world) { w.record(func(r *route.Record) { r.Mark = "" }) }, "record.mark", "change-resource-record-sets", tick},
		"a ledger that is not there":    {func(w *world) { w.check(w.buckets[west].Delete(w.t.Context(), ledger.Key)) }, "ledger.readable", tick, ""},
		"an option that holds a certificate": {func(w *world) {
			within(w.domains[east].Properties, "DomainEndpointOptions")["TLSSecurityPolicy"] = "old"
		}, "domain.tls", "update-domain-config", "revert-drift"},
		"a right that is denied":        {func(w *world) { w.refused = []string{"iam:PassRole"} }, "role.pass", "cdk deploy osdr-foundation-us-west-2 --exclusively --revert-drift", ""},
		"another right that is":         {func(w *world) { w.refused = []string{"s3:GetObject"} }, "role.snapshot", "--revert-drift", ""},
		"a function that is not mapped": {func(w *world) { w.inside[east].Mappings[0].Missing = []string{"arn:x"} }, "cluster.mappings", tick, ""},
	} {
		w := open(t, cold)
		c.do(w)
		mend := ""
		for _, f := range w.run(drift.Options{}).Findings {
			if f.Check == c.id && f.Kind == drift.Drift {
				mend = f.Mend
			}
		}
		if !strings.Contains(mend, c.want) || c.never != "" && strings.Contains(mend, c.never) {
			t.Errorf("%s: %s: want %q in %q", name, c.id, c.want, mend)
		}
	}
}
