package recovery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// outage goes on with a switch until it ends, and counts the minutes in which the
// source refuses writes; after the claim nobody counts.
func (w *world) outage(p contract.WishProperties, id string, minutes int) (contract.RecoveryStatus, int) {
	w.t.Helper()
	at, refused := w.clock(), 0
	var s contract.RecoveryStatus
	for n := range minutes {
		if s = w.askRequest(p, id, at); s.Done || s.Refusal != "" {
			return s, refused
		}
		w.pass(time.Minute)
		w.ticks()
		if !w.writes(east, "movies", fmt.Sprintf("%s-%d", id, n)) {
			refused++
		}
	}
	return s, refused
}

func (w *world) askRequest(p contract.WishProperties, id string, at time.Time) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(p.Region, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: id, RequestedAt: at})
	w.check(err)
	return s
}

// several indexes, so that the engine counts shards while a snapshot runs.
func several(w *world) {
	for n := range 20 {
		w.put(east, fmt.Sprintf("m%02d", n), "1")
	}
	w.pointOf(east)
}

// A final snapshot of 20 minutes within a bound of 30 is no stall: nothing but the
// engine's own count says how far it is.
func TestH55_ASlowFinalSnapshotIsNoStall(t *testing.T) {
	w := pair(t)
	w.settings.MaxWritePause = 1800
	w.put(east, "movies", "3")
	w.clusters[east].SnapshotsTake(20 * time.Minute)
	s, refused := w.outage(explicit(west), "one", 60)
	w.done(s)
	if refused < 15 {
		t.Errorf("%d minutes: the snapshot was not slow", refused)
	}
	if !slices.Contains(w.ids(west, "movies"), "3") {
		t.Error("movies/3 is not in the west")
	}
}

// The write pause is bounded by dr.maxWritePause: past it the fence is lifted. With
// -c extendPause the switch goes on as long as the engine counts something new.
func TestH55_TheWritePauseHasABound(t *testing.T) {
	w := pair(t)
	several(w)
	w.put(east, "movies", "3")
	w.clusters[east].SnapshotsTake(20 * time.Minute)
	s, refused := w.outage(explicit(west), "one", 60)
	wantRefusal(t, s, "dr.maxWritePause is 10m0s", "-c extendPause=true", "final snapshot", "of 21 shards")
	if refused > 12 {
		t.Errorf("%d minutes without writes, the bound is 10", refused)
	}
	w.pass(time.Minute)
	w.ticks()
	if !w.writes(east, "movies", "after") {
		t.Error("the fence stays")
	}
	for range 20 { // the snapshot that nobody waits for ends
		w.pass(time.Minute)
		w.ticks()
	}
	longer := explicit(west)
	longer.ExtendPause = "true"
	s, refused = w.outage(longer, "two", 80)
	w.done(s)
	if refused < 15 || !slices.Contains(w.ids(west, "movies"), "after") {
		t.Errorf("%d minutes; movies in the west: %v", refused, w.ids(west, "movies"))
	}
}

// An extended pause ends when nothing advances.
func TestH55_AnExtendedPauseThatStandsStillEnds(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	longer := explicit(west)
	longer.ExtendPause = "true"
	s, refused := w.outage(longer, "one", 60)
	wantRefusal(t, s, "nothing has advanced")
	if refused > 15 {
		t.Errorf("%d minutes without writes", refused)
	}
}

// Whatever can be asked is asked before the first block: a switch that cannot be made
// costs nobody a write.
func TestH56_WhatCanBeAskedIsAskedBeforeTheFence(t *testing.T) {
	for name, c := range map[string]struct {
		spoil, mend func(w *world)
		want        string
		waits       bool
	}{
		"one red index": {
			spoil: func(w *world) {
				w.check(w.clusters[east].CreateIndex(w.t.Context(), "tiny", opensearchtest.IndexOptions{Red: true}))
			},
			mend: func(w *world) { w.check(w.clusters[east].DeleteIndex(w.t.Context(), "tiny")) },
			want: "tiny",
		},
		"a service update is Processing": {
			spoil: func(w *world) { d := w.descs[east]; d.Processing = true; w.descs[east] = d },
			mend:  func(w *world) { d := w.descs[east]; d.Processing = false; w.descs[east] = d },
			want:  "before the first block", waits: true,
		},
		"the service's own snapshot runs": {
			spoil: func(w *world) { w.clusters[east].RunAutomatedSnapshot("cs-automated/hourly") },
			mend:  func(w *world) { w.clusters[east].RunAutomatedSnapshot("") },
			want:  "cs-automated/hourly", waits: true,
		},
		"an index blocks its metadata": {
			spoil: func(w *world) {
				w.put(east, "closed-book", "1")
				w.check(w.clusters[east].SetBlocks(w.t.Context(), "closed-book", []string{"metadata"}))
			},
			mend: func(w *world) { w.check(w.clusters[east].SetBlocks(w.t.Context(), "closed-book", nil)) },
			want: "closed-book",
		},
		"an estimate above the bound": {
			spoil: func(w *world) { w.settings.MaxWritePause = 10 },
			mend:  func(w *world) { w.settings.MaxWritePause = 60 },
			want:  "estimated at 30 s, and dr.maxWritePause is 10 s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			c.spoil(w)
			s, refused := w.outage(explicit(west), "one", 20)
			if refused > 0 {
				t.Errorf("%d minutes without writes", refused)
			}
			if c.waits {
				wantWaiting(t, s, c.want)
			} else {
				wantRefusal(t, s, c.want)
			}
			c.mend(w)
			s, _ = w.outage(explicit(west), "two", 40)
			w.done(s)
		})
	}
}

// Preflight and final snapshot agree: a red index that nobody wants stops no planned
// switch.
func TestH56_ARedIndexThatNobodyWantsStopsNoPlannedSwitch(t *testing.T) {
	for name, how := range map[string]func(*world, *contract.WishProperties){
		"dr.restore.exclude": func(w *world, _ *contract.WishProperties) { w.settings.Restore.Exclude = []string{"tiny"} },
		"-c without":         func(_ *world, p *contract.WishProperties) { p.Without = "tiny" },
	} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.put(east, "movies", "3")
			wish := explicit(west)
			how(w, &wish)
			w.check(w.clusters[east].CreateIndex(t.Context(), "tiny", opensearchtest.IndexOptions{Red: true}))
			s, _ := w.outage(wish, "one", 40)
			w.done(s)
			if s.Loss != nil || !slices.Equal(w.ids(west, "movies"), []string{"1", "2", "3"}) {
				t.Errorf("west holds %v, loss %+v", w.ids(west, "movies"), s.Loss)
			}
			w.pass(time.Minute)
			w.pointOf(west)
			if g := w.letGo(contract.WishProperties{Region: east, ActiveRegion: east}); g.Done {
				t.Error("the old domain goes although nothing holds its red index")
			}
		})
	}
}

// An estimate above the bound is the operator's to accept.
func TestH56_AnEstimateAboveTheBoundCanBeAccepted(t *testing.T) {
	w := pair(t)
	w.settings.MaxWritePause = 10
	longer := explicit(west)
	longer.ExtendPause = "true"
	s, _ := w.outage(longer, "one", 40)
	w.done(s)
}

// The first snapshot of a domain is a full one. It is taken while clients write.
func TestH55_TheFirstPointIsTakenBeforeTheFence(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.domain(west, 2)
	w.ticks()
	w.clusters[east].SnapshotsTake(8 * time.Minute)
	at := w.clock()
	wantWaiting(t, w.askRequest(explicit(west), "one", at), "there is none yet")
	for range 4 {
		w.pass(time.Minute)
		w.ticks()
		if !w.writes(east, "movies", w.clock().Format("15:04:05")) {
			t.Fatal("fenced before there is any recovery point")
		}
		wantWaiting(t, w.askRequest(explicit(west), "one", at), "before the first block")
	}
	w.clusters[east].SnapshotsTake(0)
	for range 6 {
		w.pass(time.Minute)
		w.ticks()
	}
	w.done(w.until(explicit(west), "one"))
	if n := len(w.ids(west, "movies")); n != 5 {
		t.Errorf("%d of 5 documents", n)
	}
}

// Where no point can be made, no fence is raised, and the refusal names that.
func TestH55_WithoutAnyPointNoFenceIsRaised(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.domain(west, 2)
	w.ticks()
	w.clusters[east].Intercept(func(call string) opensearchtest.Verdict {
		if call == "CreateSnapshot" {
			w.clusters[east].NextSnapshotEnds(opensearch.Partial)
		}
		return opensearchtest.Verdict{}
	})
	s, refused := w.outage(explicit(west), "one", 60)
	wantRefusal(t, s, "has no recovery point, and none comes")
	if refused > 0 {
		t.Errorf("%d minutes without writes", refused)
	}
}

// Many indexes are blocked run by run, and what a run has blocked it has noted.
func TestH56_ManyIndexesAreFencedRunByRun(t *testing.T) {
	w := newWorld(t)
	w.settings.MaxWritePause = 3600
	w.active()
	const many, aRun = 400, 150
	for n := range many {
		w.put(east, fmt.Sprintf("tenant-%03d", n), "1")
	}
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	blocks := 0
	ctx, cut := context.WithCancel(t.Context())
	w.clusters[east].Intercept(func(call string) opensearchtest.Verdict {
		if call != "Block" {
			return opensearchtest.Verdict{}
		}
		if blocks++; blocks%aRun == 0 { // the run's time is over
			cut()
			return opensearchtest.Verdict{Before: context.Canceled}
		}
		return opensearchtest.Verdict{}
	})
	at := w.clock()
	var s contract.RecoveryStatus
	for range 40 {
		// The east's runs end on their own: only those are cut.
		w.ctx = ctx
		_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
		w.ctx = t.Context()
		ctx, cut = context.WithCancel(t.Context())
		if s = w.askRequest(explicit(west), "one", at); s.Done || s.Refusal != "" {
			break
		}
		w.pass(time.Minute)
	}
	cut()
	w.done(s)
	if blocks > many+aRun {
		t.Errorf("%d calls for %d indexes", blocks, many)
	}
}

// One index of a superseded domain cannot be blocked: all others are, at once, and
// the status names the odd one.
func TestH72_OneOddIndexOfASupersededDomain(t *testing.T) {
	w := pair(t)
	for _, i := range []string{"a", "flooded", "odd", "z"} {
		w.put(east, i, "1")
	}
	w.pointOf(east)
	w.lose(east, true)
	f := explicit(west)
	f.UnreachableRegion = east
	w.done(w.until(f, "one"))
	w.lose(east, false)
	w.odd = "odd"
	w.check(w.clusters[east].SetBlock(t.Context(), "flooded", opensearch.DiskBlock, true))
	s := w.tick(east)
	for _, i := range []string{"a", "flooded", "movies", "z"} {
		if w.writes(east, i, "late") {
			t.Errorf("index %s of the superseded domain takes writes", i)
		}
	}
	named := func(s contract.RecoveryStatus) bool {
		return slices.ContainsFunc(s.Attention, func(a contract.Attention) bool {
			return a.Code == contract.AttentionFence && a.Subject == "odd"
		})
	}
	if !named(s) || named(w.tick(west)) {
		t.Errorf("attention: %v", s.Attention)
	}
	s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if !named(s) || s.Fence == nil || s.Fence.Indices != 4 || !slices.Equal(s.Fence.Refused, []string{"odd"}) {
		t.Errorf("status: %v, %+v", s.Attention, s.Fence)
	}
	// The stand-down says what it waits for, and ends when that is settled.
	gate := wish(east)
	gate.ActiveRegion = west
	wantWaiting(t, w.letGo(gate), "odd")
	w.odd = ""
	w.pointOf(west)
	w.done(w.letGo(gate))
}

// An index of a source with a full disk does not stop a planned switch.
func TestH72_APlannedSwitchFromADomainAtFloodStage(t *testing.T) {
	w := pair(t)
	w.put(east, "flooded", "1")
	w.pointOf(east)
	w.check(w.clusters[east].SetBlock(t.Context(), "flooded", opensearch.DiskBlock, true))
	s, refused := w.outage(explicit(west), "one", 30)
	w.done(s)
	if refused > 5 || w.writes(east, "flooded", "late") {
		t.Errorf("%d minutes without writes", refused)
	}
	w.holds(west, "flooded", "1")
	if !w.writes(west, "flooded", "2") {
		t.Error("the disk's block of the old domain came along")
	}
}

// A write block forbids no alias: one that comes behind the complete fence is in the
// next final point.
func TestH68_AnAliasBehindACompleteFenceIsCarried(t *testing.T) {
	w := pair(t)
	w.before = func() { w.check(w.clusters[east].PutAlias(t.Context(), "movies", "films")) }
	w.done(w.until(explicit(west), "one"))
	if w.before != nil {
		t.Fatal("no look at the fence: nothing was shown")
	}
	c, err := w.clusters[west].Capsule(t.Context())
	w.check(err)
	if _, ok := c.Aliases["movies"]["films"]; !ok {
		t.Errorf("aliases in the west: %v", c.Aliases)
	}
}
