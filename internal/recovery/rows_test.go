package recovery_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// failedOver: the east is lost with a write that no point has, the west serves.
func failedOver(t *testing.T) *world {
	w := pair(t)
	w.put(east, "movies", "lost")
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "failover"))
	return w
}

// What a failover gave up is not lost for good: the old domain's salvage has it.
func TestF31_WhatTheFailoverGaveUpIsInTheSalvage(t *testing.T) {
	w := failedOver(t)
	w.holds(west, "movies", "1", "2")
	w.lose(east, false)
	uuid := w.clusters[east].UUID()
	w.done(w.letGo(wish(east)))
	p := w.salvage(west, uuid)
	if p.Documents != 3 || !p.Exact() || p.Region != east || p.Bucket != w.buckets[west].Name() {
		t.Errorf("%+v", p)
	}
	w.holds(east, "movies", "1", "2", "lost") // it was only copied
}

// The gate is content with nothing but a recovery point of the active domain that
// stands whole in this Region's own bucket, and that the old domain itself reads.
func TestH26_TheGateReadsTheActiveDomainsPointItself(t *testing.T) {
	w := failedOver(t)
	w.lose(east, false)
	w.ticks()
	w.clusters[west].HoldSnapshots()
	wantWaiting(t, w.letGo(wish(east)), "a whole recovery point of the active domain")
	w.clusters[west].ReleaseSnapshots()
	w.pass(time.Minute)
	w.ticks()
	newest := func() point.Point {
		p, ok, err := point.LoadNewest(t.Context(), w.buckets[east])
		w.check(err)
		if !ok || p.ClusterUUID != w.clusters[west].UUID() {
			t.Fatalf("%+v", p)
		}
		return p
	}
	for _, o := range w.buckets[east].Keys() { // SUCCESS, and an object of it is gone
		if strings.HasSuffix(o, "/snap-"+newest().SnapshotUUID+".dat") {
			w.check(w.buckets[east].Delete(t.Context(), o))
		}
	}
	s := w.release(east)
	wantWaiting(t, s, "a whole recovery point of the active domain")
	if !strings.Contains(strings.Join(s.Notices, "\n"), "not whole") {
		t.Errorf("passed over in silence: %v", s.Notices)
	}
	w.pass(time.Minute)
	s = w.done(w.letGo(wish(east)))
	if !strings.Contains(strings.Join(s.Notices, "\n"), "is whole and can be read here") {
		t.Errorf("%v", s.Notices)
	}
}

// After a failover the old domain, cut off and alive, goes on taking writes of
// clients with an old address. It stops within its first run that sees the higher
// generation, writes that down first, and what it took is salvaged.
func TestH28_SplitBrainEndsWithTheFirstLook(t *testing.T) {
	w := failedOver(t)
	if !w.writes(east, "movies", "stale") {
		t.Fatal("cut off, it knows of nothing")
	}
	w.put(west, "movies", "new")
	w.lose(east, false)
	if s, err := w.run(east, "schedule"); err != nil || s.Started != "" || !strings.Contains(s.Skipped, "us-west-2 is the active Region") {
		t.Errorf("it snapshots: %+v %v", s, err)
	}
	w.clusters[east].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Block" && w.ledger(east).Ledger.Generation != 2 {
			t.Error("fenced before the higher generation was written down")
		}
		return opensearchtest.Verdict{}
	})
	w.tick(east)
	w.clusters[east].Intercept(nil)
	if w.writes(east, "movies", "later") || w.record().Target != w.descs[west].Endpoint {
		t.Error("the first look did not end it")
	}
	uuid := w.clusters[east].UUID()
	w.done(w.letGo(wish(east)))
	if p := w.salvage(west, uuid); p.Documents != 4 {
		t.Errorf("salvage of %d documents", p.Documents)
	}
	w.holds(west, "movies", "1", "2", "new")
}

// A snapshot that runs when a switch asks for the fence is waited for while clients
// still write, and is never taken for the final one, which begins behind the fence.
func TestH29_ASnapshotUnderWayDelaysTheFenceAndIsNeverTheFinalOne(t *testing.T) {
	for what, begin := range map[string]func(*world) (name string, end func()){
		"ours": func(w *world) (string, func()) {
			w.clusters[east].HoldSnapshots()
			r, err := w.run(east, "demand")
			w.check(err)
			return "os-snapshot-repo/" + r.Started, w.clusters[east].ReleaseSnapshots
		},
		"the service's": func(w *world) (string, func()) {
			w.clusters[east].RunAutomatedSnapshot("cs-automated/hourly")
			return "cs-automated/hourly", func() { w.clusters[east].RunAutomatedSnapshot("") }
		},
	} {
		w := pair(t)
		name, end := begin(w)
		at := w.clock()
		wantWaiting(t, w.askFor(explicit(west), "one", at), "before the first block: a snapshot is running: "+name)
		w.put(east, "movies", "3") // accepted
		if s, err := w.run(east, "schedule"); err != nil || s.Started != "" {
			t.Errorf("%s: a schedule goes on: %+v %v", what, s, err)
		}
		w.pass(time.Minute)
		asked := w.clock()
		end()
		w.done(w.until(explicit(west), "one"))
		w.holds(west, "movies", "1", "2", "3")
		p, ok, _, err := point.NewestWhole(t.Context(), w.buckets[west], func(p point.Point) bool { return p.Kind == point.KindFinal })
		w.check(err)
		if !ok || strings.HasSuffix(name, p.Snapshot) || p.Switch == "" || !strings.HasSuffix(p.Snapshot, strings.ReplaceAll(p.Switch, "-", "")) || p.Start.Before(asked) {
			t.Errorf("%s: final point %+v, snapshot of before %s", what, p, name)
		}
	}
}

// The window counts from the snapshot's start: a shard may have been caught then.
func TestH33_TheLossWindowCountsFromTheStart(t *testing.T) {
	w := pair(t)
	w.clusters[east].SnapshotsTake(10 * time.Minute)
	began := w.clock()
	_, err := w.run(east, "demand")
	w.check(err)
	w.pass(11 * time.Minute)
	w.tick(east)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "one"))
	if s.Loss == nil || !s.Loss.Since.Equal(began) || s.Loss.Seconds < 660 || s.Loss.Point != "0000000001-0000000002" {
		t.Errorf("%+v, began %s", s.Loss, began)
	}
}

// A domain that can neither be saved nor left out goes by its name only, with a
// list of what dies with it.
func TestH36_ARedDomainGoesByItsNameOnly(t *testing.T) {
	w := failedOver(t)
	w.lose(east, false)
	w.ticks()
	w.check(w.clusters[east].CreateIndex(t.Context(), "broken", opensearchtest.IndexOptions{Red: true}))
	w.check(w.clusters[east].CreateIndex(t.Context(), "old", opensearchtest.IndexOptions{Tier: "warm"}))
	uuid := w.clusters[east].UUID()
	wantRefusal(t, w.letGo(wish(east)), "kept", "broken", "old", "give up everything in it: 5 documents (movies, broken (red", "abandonDomain="+uuid)
	g := wish(east)
	g.AbandonDomain = strange
	wantRefusal(t, w.letGo(g), "kept")
	g.AbandonDomain = uuid
	w.clusters[west].HoldSnapshots()
	wantWaiting(t, w.letGo(g), "a whole recovery point of the active domain") // that is not given up
	w.clusters[west].ReleaseSnapshots()
	w.pass(time.Minute)
	w.ticks()
	s := w.done(w.letGo(g))
	for _, dies := range []string{"abandoned with", "movies", "broken", "old"} {
		if !strings.Contains(strings.Join(s.Notices, "\n"), dies) {
			t.Errorf("%q is not in the list of what dies: %v", dies, s.Notices)
		}
	}
}

// What is salvaged goes to the active Region's bucket, or the domain stays.
func TestH37_WithoutTheActiveRegionsBucketTheDomainStays(t *testing.T) {
	w := failedOver(t)
	w.lose(east, false)
	w.ticks()
	uuid := w.clusters[east].UUID()
	w.buckets[west].SetUnreachable(true)
	wantRefusal(t, w.release(east), "kept", "cannot be read")
	w.buckets[west].SetUnreachable(false)
	w.buckets[west].OnCall(func(op storetest.Op, _ string) {
		if op == storetest.Put {
			w.buckets[west].FailNext(storetest.Put, 1, errors.New("SlowDown"))
		}
	})
	for range 5 {
		s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionRelease, Wish: wish(east), RequestID: "gate"})
		if err == nil && s.Done {
			t.Fatalf("let go without a salvage: %+v", s)
		}
		w.pass(time.Minute)
		w.ticks()
	}
	if p, ok, _, err := point.NewestWhole(t.Context(), w.buckets[east], func(p point.Point) bool { return p.ClusterUUID == uuid }); ok || err != nil {
		t.Errorf("a point beside the domain itself: %+v %v", p, err)
	}
	w.buckets[west].OnCall(nil)
	w.done(w.letGo(wish(east)))
	w.salvage(west, uuid)
}

// Index state management acts neither behind a fence nor on what is being restored,
// and goes on with the first write.
func TestH38_ISMIsOffUntilTheClaim(t *testing.T) {
	w := pair(t)
	for _, c := range w.clusters {
		c.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{"keep": {"states": []any{}}}})
	}
	w.clusters[west].RestoresTake(time.Hour)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	on := func(region string) bool {
		v, err := w.clusters[region].ISM(t.Context())
		w.check(err)
		return v
	}
	if on(west) || !on(east) {
		t.Errorf("first pass: target %v, source %v", on(west), on(east))
	}
	w.put(east, "movies", "3")
	for range 65 {
		w.pass(time.Minute)
		w.ticks()
	}
	if on(west) || on(east) {
		t.Errorf("behind the fence: target %v, source %v", on(west), on(east))
	}
	w.clusters[west].RestoresTake(0)
	w.pass(time.Hour)
	w.done(w.until(explicit(west), "two"))
	if !on(west) || on(east) {
		t.Errorf("after the claim: target %v, the superseded one %v", on(west), on(east))
	}
}

// Each Region's own controller tells its Region, so that clients in one that was
// away sign for the right Region as soon as it is back (F16).
func TestF16_H44_TheParameterFollowsInEachRegion(t *testing.T) {
	w := failedOver(t)
	name := w.settings.Names().ActiveParameter()
	if w.params[east+name] != east || w.params[west+name] != west {
		t.Errorf("during the outage: %v", w.params)
	}
	w.lose(east, false)
	w.tick(east)
	if w.params[east+name] != west {
		t.Errorf("back again: %v", w.params)
	}
}

// Nobody but the active Region's minute is left after the claim, and it ends what
// a crash before the lift has left.
func TestH46_ACrashBetweenClaimAndLiftIsEndedByTheMinute(t *testing.T) {
	w := pair(t)
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "GiveBlocks" {
			return opensearchtest.Verdict{Before: errors.New("killed")}
		}
		return opensearchtest.Verdict{}
	})
	w.turns(10)
	if l := w.ledger(west).Ledger; l.Generation != 2 || w.writes(west, "movies", "early") {
		t.Fatalf("claimed and not lifted is what this is about: %+v", l)
	}
	w.clusters[west].Intercept(nil)
	w.lose(east, true)
	w.ticks()
	if !w.writes(west, "movies", "3") || w.record().Target != w.descs[west].Endpoint {
		t.Errorf("a write outage without end; record %+v", w.record())
	}
}

// An index that is only there, and not in the recovery point, may stay by name.
func TestH20_AcceptUnverifiedLetsAStrangerStay(t *testing.T) {
	w := pair(t)
	w.put(west, "mine", "1")
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	wantRefusal(t, w.until(p, "one"), "mine", "acceptUnverified", "abandonDomain")
	w.pass(time.Second)
	p.AcceptUnverified = "mine"
	s := w.done(w.until(p, "two"))
	w.holds(west, "mine", "1")
	w.holds(west, "movies", "1", "2")
	if s.Generation != 2 {
		t.Errorf("%+v", s)
	}
}

// What no snapshot takes is missing after a failover, and that is said.
func TestH12_AFailoverSaysWhatNoRecoveryPointHolds(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.check(w.clusters[east].CreateIndex(t.Context(), "old", opensearchtest.IndexOptions{Tier: "warm"}))
	w.pointOf(east)
	w.domain(west, 2)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	looked, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	for _, s := range []contract.RecoveryStatus{w.done(w.askFor(p, "again", w.clock())), looked} {
		for _, part := range []string{"NOT HERE, since no recovery point holds it: old (UltraWarm", "gave up what us-east-1 acknowledged after"} {
			if !strings.Contains(strings.Join(s.Notices, "\n"), part) {
				t.Errorf("%q is not in %v", part, s.Notices)
			}
		}
	}
}

// Until the record has moved, the lost Region is asked for its ledger and once to
// fence itself, and for nothing else; without the operator's word its API and its
// domain are probed, too.
func TestG5_AFailoverAsksTheLostRegionForNothingElse(t *testing.T) {
	for _, given := range []bool{true, false} {
		w := pair(t)
		w.lose(east, true)
		w.calls = nil
		w.buckets[east].OnCall(func(op storetest.Op, key string) {
			if w.record().Target != w.descs[west].Endpoint {
				w.calls = append(w.calls, string(op)+" "+key)
			}
		})
		p := explicit(west)
		if given {
			p.UnreachableRegion = east
		}
		w.done(w.until(p, "one"))
		w.buckets[east].OnCall(nil)
		count := map[string]int{}
		for _, a := range w.calls {
			count[a]++
		}
		for a, n := range count {
			switch {
			case strings.HasSuffix(a, west), a == "get _dr/ledger.json":
			case a == "tick us-east-1" && given && n == 1:
			case a == "describe us-east-1" && !given, a == "knock us-east-1" && !given:
			default:
				t.Errorf("unreachableRegion given %v: %s, %d times", given, a, n)
			}
		}
		if given && count["tick us-east-1"] != 1 {
			t.Errorf("the one attempt to fence was not made: %v", count)
		}
	}
}
