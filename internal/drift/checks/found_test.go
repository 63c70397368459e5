package checks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/checks"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
)

// auxiliary ways to change a world

func (w *world) record(edit func(*route.Record)) {
	r, err := w.zone.Read(w.t.Context(), w.app.DNS.Record)
	w.check(err)
	edit(&r)
	w.zone.Set(w.app.DNS.Record, r)
}

func (w *world) remove(n int) {
	id := point.ID{Generation: 2, Sequence: int64(n)}
	for _, key := range []string{id.Key(), id.ObjectsKey(), id.CapsuleKey()} {
		w.check(w.buckets[w.standby()].Delete(w.t.Context(), key))
	}
}

// big makes the newest point one of so many bytes.
func (w *world) big(bytes int64) {
	b := w.buckets[w.standby()]
	p, ok, err := point.LoadNewest(w.t.Context(), b)
	w.check(err)
	if !ok {
		w.t.Fatal("no point")
	}
	p.BytesTotal = bytes
	w.put(w.standby(), p.ID.Key(), p)
}

// edit an index of the newest point.
func (w *world) edit(change func(*point.Index)) {
	b := w.buckets[w.standby()]
	p, _, err := point.LoadNewest(w.t.Context(), b)
	w.check(err)
	change(&p.Indices[0])
	w.put(w.standby(), p.ID.Key(), p)
}

// without an index in the newest point.
func (w *world) without(index string) {
	b := w.buckets[w.standby()]
	p, _, err := point.LoadNewest(w.t.Context(), b)
	w.check(err)
	p.Indices = slices.DeleteFunc(p.Indices, func(x point.Index) bool { return x.Name == index })
	w.put(w.standby(), p.ID.Key(), p)
}

// block writes to an index of the active domain.
func (w *world) block(index string) {
	i := w.inside[w.app.ActiveRegion]
	i.Blocked = append(i.Blocked, contract.BlockedIndex{Name: index, UUID: "uuid-" + index})
}

// noted: the newest recovery point says that the index's user had it blocked.
func (w *world) noted(index string) {
	b := w.buckets[w.standby()]
	p, _, err := point.LoadNewest(w.t.Context(), b)
	w.check(err)
	p.Indices = append(p.Indices, point.Index{Name: index, UUID: "uuid-" + index, Blocks: []string{"write"}})
	w.put(w.standby(), p.ID.Key(), p)
}

// An index that its user made read-only is no affair of a recovery's, once the
// product has noted it; another of the same name is not the one that was noted.
func TestAUsersOwnBlockIsNotLeftOver(t *testing.T) {
	w := open(t, cold)
	w.block("movies")
	w.noted("movies")
	if r := w.run(drift.Options{}); r.ExitCode != drift.ExitInSync || slices.Contains(ids(r, drift.Note), "cluster.blocks us-east-1") {
		t.Errorf("exit %d\n%s", r.ExitCode, dump(r))
	}
	w.inside[east].Blocked[0].UUID = "made-again"
	if r := w.run(drift.Options{}); !slices.Contains(ids(r, drift.Note), "cluster.blocks us-east-1") {
		t.Errorf("another index of that name is not told\n%s", dump(r))
	}
	// Where a fence left its trace, both may be true.
	w.inside[east].Blocked[0].UUID, w.inside[east].AutoCreateLeft = "uuid-movies", true
	if r := w.run(drift.Options{}); !slices.Contains(ids(r, drift.Note), "cluster.blocks us-east-1") || !slices.Equal(ids(r), []string{"cluster.auto-create us-east-1"}) {
		t.Errorf("what a fence may have left is not told\n%s", dump(r))
	}
	w.inside[east].AutoCreateLeft = false
	// Whose it is cannot be told without the points.
	w.buckets[west].SetUnreachable(true)
	if r := w.run(drift.Options{Only: []string{"cluster.blocks"}}); r.ExitCode != drift.ExitUnknown {
		t.Errorf("without the points: exit %d\n%s", r.ExitCode, dump(r))
	}
}

// An index that its user deleted, or made again, is not missed in a point; whether it
// was cannot be told without the domain.
func TestAnIndexThatIsGoneIsNotMissed(t *testing.T) {
	for name, have := range map[string][]contract.IndexState{"deleted": nil, "made again": {{Name: "movies", UUID: "another"}}} {
		w := open(t, cold)
		w.without("movies")
		w.inside[east].Indices = have
		if r := w.run(drift.Options{}); r.ExitCode != drift.ExitInSync {
			t.Errorf("%s: exit %d\n%s", name, r.ExitCode, dump(r))
		}
	}
	w := open(t, cold)
	w.without("movies")
	w.inside[east].Failed = map[string]string{contract.PartIndices: "no answer"}
	if r := w.run(drift.Options{Only: []string{"point.counts"}}); r.ExitCode != drift.ExitUnknown {
		t.Errorf("without the domain: exit %d\n%s", r.ExitCode, dump(r))
	}
}

func TestEachChangeIsFoundByItsID(t *testing.T) {
	named := map[string]bool{}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			w := open(t, c.v)
			c.do(w)
			r := w.run(drift.Options{Ready: true})
			if diff := cmp.Diff(c.want, ids(r)); diff != "" || r.ExitCode != drift.ExitDrift {
				t.Errorf("exit %d, -want +got\n%s\n%s", r.ExitCode, diff, dump(r))
			}
			for _, f := range r.Findings {
				if f.Kind == drift.Drift {
					named[f.Check] = true
				}
				if f.Resource == "" || f.Found == "" || f.Why == "" || f.Mend == "" || strings.Contains(f.Mend, "${") {
					t.Errorf("a finding that says less than all: %+v", f)
				}
			}
		})
	}
	// These only ever tell.
	for _, id := range []string{"point.salvage", "leftover.pin", "ready.control"} {
		for _, n := range notes {
			named[id] = named[id] || strings.HasPrefix(n.want, id+" ")
		}
	}
	named["region.reach"] = true // TestH14_ARegionThatIsAway
	for _, c := range checks.All(nil) {
		if !named[c.ID] {
			t.Errorf("no change is found by %s", c.ID)
		}
	}
}
