package checks_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
)

const stranger = "SSSSSSSSSSSSSSSSSSSSSS"

// repository of a cluster in a Region's bucket, written so long ago.
func (w *world) repository(region, uuid string, ago time.Duration) {
	w.later(-ago)
	w.put(region, uuid+"/index-0", object{})
	w.later(0)
	w.tops[region] = append(w.tops[region], uuid+"/")
}

// Whatever names a cluster makes its path the installation's own: a domain just made,
// one that was made again (H13), the idle Region's, one of an earlier tenure.
func TestAPathOfTheInstallationsOwnIsNotForeign(t *testing.T) {
	for name, c := range map[string]struct {
		v  variant
		do func(*world)
	}{
		"a ledger": {cold, func(w *world) {
			l := w.ledger()
			l.PromotedFrom = stranger
			w.put(east, ledger.Key, l)
		}},
		"an old point": {cold, func(w *world) {
			p, _, err := point.LoadNewest(w.t.Context(), w.buckets[west])
			w.check(err)
			p.ID, p.ClusterUUID, p.BasePath, p.Kind = point.ID{Generation: 1, Sequence: 1}, stranger, stranger, point.KindSalvage
			w.put(west, p.ID.Key(), p)
		}},
		"a fence": {cold, func(w *world) {
			rec := fence.Record{ClusterUUID: stranger, Token: "t", State: fence.Quiet, Since: now.Add(-time.Minute)}
			w.check(rec.Save(w.t.Context(), w.buckets[east]))
		}},
		"the domain of the other Region": {cold, func(w *world) { w.inside[east].ClusterUUID = stranger }},
	} {
		w := open(t, c.v)
		c.do(w)
		w.repository(west, stranger, 0)
		if r := w.run(drift.Options{Only: []string{"bucket.foreign"}}); r.ExitCode != drift.ExitInSync || len(r.Findings) > 0 {
			t.Errorf("named by %s: exit %d\n%s", name, r.ExitCode, dump(r))
		}
	}
	// The standby's own, whose salvage is being taken, lies in the active Region's bucket.
	w := open(t, warm)
	w.repository(east, w.inside[west].ClusterUUID, 0)
	if r := w.run(drift.Options{Only: []string{"bucket.foreign"}}); r.ExitCode != drift.ExitInSync {
		t.Errorf("a standby's: exit %d\n%s", r.ExitCode, dump(r))
	}
}

// What nobody writes any more may be left of a domain that has gone: no drift.
func TestAnUnknownPathThatIsAtRestIsANote(t *testing.T) {
	w := open(t, cold)
	w.repository(west, stranger, 40*24*time.Hour)
	if r := w.run(drift.Options{}); r.ExitCode != drift.ExitInSync || !slices.Contains(ids(r, drift.Note), "bucket.foreign us-west-2") {
		t.Errorf("exit %d\n%s", r.ExitCode, dump(r))
	}
}

// Whose a path is cannot be told while something is blind that might name it.
func TestAnUnknownPathIsNotKnownWhileSomethingIsBlind(t *testing.T) {
	for n, blind := range []func(*world){
		func(w *world) { w.put(west, point.ID{Generation: 2, Sequence: 1}.Key(), object{"version": 7}) },
		func(w *world) { w.inside[east].Failed = map[string]string{contract.PartIdentity: "no answer"} },
		func(w *world) { w.buckets[east].SetUnreachable(true) },
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := open(t, cold)
			blind(w)
			w.repository(west, stranger, 0)
			r := w.run(drift.Options{Only: []string{"bucket.foreign"}})
			if r.ExitCode != drift.ExitUnknown || !slices.Contains(ids(r, drift.Unknown), "bucket.foreign us-west-2") {
				t.Errorf("exit %d\n%s", r.ExitCode, dump(r))
			}
		})
	}
}
