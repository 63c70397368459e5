package recovery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
)

// find an index of a Region's domain.
func (w *world) find(region, name string) opensearch.Index {
	w.t.Helper()
	all, err := w.clusters[region].Indices(w.t.Context())
	w.check(err)
	at := slices.IndexFunc(all, func(i opensearch.Index) bool { return i.Name == name })
	if at < 0 {
		w.t.Fatalf("no index %s in %s", name, region)
	}
	return all[at]
}

func (w *world) creates(region string) string {
	w.t.Helper()
	value, set, err := w.clusters[region].AutoCreate(w.t.Context())
	w.check(err)
	return fmt.Sprint(value, " ", set)
}

// What the user lets writes create goes with the data: the value of before the
// fence in a planned switch, the last point's in an unplanned one, and back again.
func TestH24_AutomaticCreationTravels(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].SetAutoCreate(t.Context(), "-app*,+*", true))
	w.done(w.until(explicit(west), "planned"))
	if got := w.creates(west); got != "-app*,+* true" {
		t.Errorf("after a planned switch: %s", got)
	}
	if w.writes(west, "application", "1") || !w.writes(west, "books", "1") {
		t.Error("the setting does not act")
	}
	w.check(w.clusters[west].SetAutoCreate(t.Context(), "", false))
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "back"))
	if got := w.creates(east); got != " false" {
		t.Errorf("the old domain has what it once had, not what the user removed since: %s", got)
	}
	w.done(w.letGo(wish(west)))
	w.remove(west)
	w.domain(west, 4)
	w.ticks()
	w.check(w.clusters[east].SetAutoCreate(t.Context(), "false", true))
	w.pointOf(east)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "unplanned"))
	if got := w.creates(west); got != "false true" {
		t.Errorf("after a failover: %s", got)
	}
}

// So does it whether index state management runs: where its user had stopped it,
// it must not begin to roll over and to delete after a switch.
func TestH38_ISMThatItsUserStoppedStaysStopped(t *testing.T) {
	for _, on := range []bool{false, true} {
		w := pair(t)
		for _, c := range w.clusters {
			c.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{"keep": {"states": []any{}}}})
		}
		w.check(w.clusters[east].SetISM(t.Context(), on))
		w.check(w.clusters[west].SetISM(t.Context(), !on)) // whatever a new domain comes with
		w.done(w.until(explicit(west), "one"))
		if got, err := w.clusters[west].ISM(t.Context()); err != nil || got != on {
			t.Errorf("the source had %v, the target has %v, %v", on, got, err)
		}
	}
}

// Without a single index there is still a capsule.
func TestH12_TheCapsuleOfADomainWithoutIndexesIsReplayed(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.check(w.clusters[east].PutParts(t.Context(), "parts"))
	w.check(w.clusters[east].SetAutoCreate(t.Context(), "false", true))
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	w.done(w.until(explicit(west), "one"))
	c, err := w.clusters[west].Capsule(t.Context())
	w.check(err)
	if c.ComponentTemplates["parts"] == nil || w.creates(west) != "false true" {
		t.Errorf("%+v, %s", c, w.creates(west))
	}
}

// closing set-up: one index closed, one closed and made read-only by its user, one
// of a data stream.
func closing(t *testing.T) *world {
	w := pair(t)
	c := w.clusters[east]
	w.put(east, "attic", "1", "2")
	w.put(east, "cellar", "1")
	w.check(c.CreateDataStream(t.Context(), "logs"))
	w.put(east, "logs", "a")
	w.check(c.Rollover(t.Context(), "logs"))
	w.put(east, "logs", "b")
	w.check(c.SetAutoCreate(t.Context(), "-app*,+*", true))
	w.check(c.SetBlocks(t.Context(), "cellar", []string{"write"}))
	for _, name := range []string{"attic", "cellar", w.streamOf(east, "logs")[0]} {
		w.check(c.CloseIndex(t.Context(), name))
	}
	w.pointOf(east)
	return w
}

func (w *world) streamOf(region, name string) []string {
	w.t.Helper()
	list, err := w.clusters[region].DataStreams(w.t.Context())
	w.check(err)
	for _, d := range list {
		if d.Name == name {
			return d.Indices
		}
	}
	return nil
}

func (w *world) closedAgain(region string) {
	w.t.Helper()
	for name, blocks := range map[string][]string{"attic": nil, "cellar": {"write"}, w.streamOf(region, "logs")[0]: nil} {
		if i := w.find(region, name); i.Open || !slices.Equal(i.Blocks, blocks) {
			w.t.Errorf("%s in %s: open %v, blocks %v, want it closed with %v", name, region, i.Open, i.Blocks, blocks)
		}
	}
	for _, name := range []string{"movies", w.streamOf(region, "logs")[1]} {
		if i := w.find(region, name); !i.Open || len(i.Blocks) > 0 {
			w.t.Errorf("%s in %s: open %v, blocks %v", name, region, i.Open, i.Blocks)
		}
	}
	if !w.writes(region, "movies", "new") || !w.writes(region, "logs", fmt.Sprint("new in ", region)) {
		w.t.Errorf("%s takes no writes", region)
	}
	w.holds(region, "attic", "1", "2")
	if got := w.creates(region); got != "-app*,+* true" {
		w.t.Errorf("automatic creation in %s: %s", region, got)
	}
}

// A restore opens what was closed; the hand-over closes it again, in a planned
// switch, an unplanned one and back, and the rule of destruction goes on to know
// what is saved.
func TestH23_WhatWasClosedIsClosedAgain(t *testing.T) {
	w := closing(t)
	w.done(w.until(explicit(west), "planned"))
	w.closedAgain(west)
	uuid := w.clusters[east].UUID()
	w.done(w.letGo(wish(east)))
	if s := w.salvage(west, uuid); len(s.Indices) != 5 {
		t.Errorf("salvage %+v", s.Indices)
	}
	w.remove(east)
	w.domain(east, 3)
	w.ticks()
	w.pointOf(west)
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "failback"))
	w.closedAgain(east)
	w.pointOf(east)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.remove(west)
	w.domain(west, 4)
	w.done(w.until(p, "failover"))
	w.closedAgain(west)
	if left := w.leftovers(); slices.ContainsFunc(left, func(k string) bool { return strings.Contains(k, "journal") }) {
		t.Errorf("left %v", left)
	}
}

// Back over the old domain, which nobody has stood down: the final point covers
// what is closed in it, too, so nothing more is salvaged, and it comes closed again.
func TestH23_BackOverAClosedIndex(t *testing.T) {
	w := closing(t)
	w.done(w.until(explicit(west), "there"))
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "back"))
	w.closedAgain(east)
	if _, ok, _, err := point.NewestWhole(t.Context(), w.buckets[west], func(p point.Point) bool { return p.Kind == point.KindSalvage }); ok || err != nil {
		t.Errorf("salvaged for nothing: %v %v", ok, err)
	}
}

// turns of both controllers and a waiter, whatever they answer.
func (w *world) turns(n int) (last contract.RecoveryStatus) {
	at := w.clock()
	for range n {
		last, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: explicit(west), RequestID: "one", RequestedAt: at})
		w.pass(time.Minute)
		w.ticks()
	}
	return last
}

// Cut off at any call of the hand-over, the next minute's run ends it.
func TestH23_ClosingIsCutOffAndEnds(t *testing.T) {
	for n := range 60 {
		w := closing(t)
		calls, began := 0, false
		w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
			began = began || call == "Close"
			if began {
				if calls++; calls == n+1 {
					return opensearchtest.Verdict{Before: errors.New("cut off")}
				}
			}
			return opensearchtest.Verdict{}
		})
		w.turns(15)
		w.clusters[west].Intercept(nil)
		w.closedAgain(west)
		if calls <= n || t.Failed() {
			break
		}
	}
}

// A snapshot that runs keeps an index from being closed; what was open takes
// writes meanwhile, and clients are pointed there.
func TestH23_ASnapshotHoldsUpTheClosingAlone(t *testing.T) {
	w := closing(t)
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Close" {
			return opensearchtest.Verdict{Before: &opensearch.Error{Status: 400, Type: "snapshot_in_progress_exception", Reason: "Cannot delete or close"}}
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.turns(15))
	if !w.writes(west, "movies", "3") || w.writes(west, "attic", "3") || !w.find(west, "attic").Open || w.record().Target != w.descs[west].Endpoint {
		t.Error("the hand-over waits for it, or does not")
	}
	w.clusters[west].Intercept(nil)
	w.ticks()
	w.closedAgain(west)
}

func TestH23_WhereNothingCanBeClosedItIsSaidAloud(t *testing.T) {
	w := closing(t)
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Close" {
			return opensearchtest.Verdict{Before: opensearch.ErrNotOffered}
		}
		return opensearchtest.Verdict{}
	})
	s := w.done(w.turns(15))
	w.clusters[west].Intercept(nil)
	if !strings.Contains(strings.Join(s.Notices, "\n"), "closed at the source and OPEN here, since this domain closes no index: .ds-logs-000001, attic, cellar") {
		t.Errorf("they were opened in silence: %v", s.Notices)
	}
	if w.blocked(west, "attic") || !w.blocked(west, "cellar") {
		t.Error("the user's blocks are wrong")
	}
}
