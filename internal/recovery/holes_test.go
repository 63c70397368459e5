package recovery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// pair is a set-up east with a point, and an empty west.
func pair(t *testing.T) *world {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1", "2")
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	return w
}

func (w *world) askFor(p contract.WishProperties, id string, at time.Time) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(p.Region, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: id, RequestedAt: at})
	w.check(err)
	return s
}

func (w *world) writes(region, index, id string) bool {
	return w.clusters[region].Index(w.t.Context(), index, id, "{}") == nil
}

func TestH1_FailbackWithoutStandDownSavesTheOldDomainFirst(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "lost")
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	w.put(west, "movies", "3")
	w.lose(east, false)
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "two"))
	w.holds(east, "movies", "1", "2", "3")
	if s := w.salvage(west, w.clusters[east].UUID()); s.Documents != 3 {
		t.Errorf("salvage %+v", s)
	}
}

func TestH1_NothingIsRestoredOverWhatCannotBeSaved(t *testing.T) {
	w := pair(t)
	w.put(west, "movies", "only here")
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.until(p, "one")
	wantRefusal(t, s, "movies", "abandonDomain="+w.clusters[west].UUID())
	w.holds(west, "movies", "only here")
	p.AbandonDomain = w.clusters[west].UUID()
	w.done(w.until(p, "two"))
	w.holds(west, "movies", "1", "2")
}

func TestH3_AbortEndsTheSwitchAndItsWaiters(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	at := w.clock()
	s := w.askFor(explicit(west), "one", at)
	wantWaiting(t, s, "restore")
	a, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionAbort, RequestID: "osdr"})
	w.check(err)
	w.done(a)
	wantRefusal(t, w.askFor(explicit(west), "one", at), "aborted")
	w.ticks()
	if !w.writes(east, "movies", "3") || w.ledger(east).Ledger.Intent != nil || w.ledger(west).Ledger.Intent != nil {
		t.Error("the abort left something")
	}
	if v, set, _ := w.clusters[west].AutoCreate(t.Context()); set {
		t.Errorf("the target's setting is left at %s", v)
	}
	w.clusters[west].RestoresTake(0)
	w.pass(time.Hour)
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2", "3")
}

// An abort is for the switch that the operator saw: one that began meanwhile goes
// on, and one that was claimed meanwhile is not undone.
func TestH3_AnAbortEndsTheSwitchThatWasSeenAndNoOther(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	seen := w.ledger(east).Ledger.Intent.Token
	abort := func(region, token string) contract.RecoveryStatus {
		s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionAbort, Token: token})
		w.check(err)
		return s
	}
	w.done(abort(east, seen))
	w.done(abort(west, seen)) // asked of both: there is none any more
	w.pass(time.Second)
	wantWaiting(t, w.askFor(explicit(west), "two", w.clock()), "restore")
	next := w.ledger(east).Ledger.Intent.Token
	for _, r := range []string{east, west} {
		wantRefusal(t, abort(r, seen), "request two", "nothing was done")
		if i := w.ledger(r).Ledger.Intent; i == nil || i.Token != next {
			t.Errorf("the ledger of %s marks %+v", r, i)
		}
	}
	w.clusters[west].RestoresTake(0)
	w.pass(time.Hour)
	w.done(w.until(explicit(west), "three"))
	wantRefusal(t, abort(west, w.ledger(west).Ledger.Token), "too late", "generation 2 names us-west-2")
	w.done(abort(east, "")) // by hand: whichever there is
}

// A switch that takes hours is seen by who only looks: step, per cent, bytes and
// what it waits for, as the target's controller noted them (G7).
func TestG7_StatusTellsHowFarASwitchIs(t *testing.T) {
	w := pair(t)
	for n := range 20 {
		w.put(east, "more", fmt.Sprint(n))
	}
	w.pointOf(east)
	w.clusters[west].RestoresTake(time.Hour)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	for range 40 {
		w.pass(time.Minute)
		w.ticks()
	}
	keys := len(w.buckets[west].Keys())
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if s.Switch == nil || s.Switch.Progress == nil {
		t.Fatalf("%+v", s)
	}
	p := *s.Switch.Progress
	if p.Step != "restoring, first pass" || p.Percent < 50 || p.Percent >= 100 || p.BytesDone <= 0 || p.BytesTotal < p.BytesDone || !strings.Contains(p.WaitingFor, "the restore of") || w.clock().Sub(p.At) > 10*time.Minute {
		t.Errorf("%+v", p)
	}
	if s.WaitingFor != "" || !s.Done {
		t.Errorf("who looks waits: %+v", s)
	}
	if len(w.buckets[west].Keys()) != keys {
		t.Error("looking wrote something")
	}
	if s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus}); err != nil || s.Switch == nil || s.Switch.Progress != nil {
		t.Errorf("%+v %v", s, err)
	}
}

// A target that is cut off has the mark still, and may take the active Region for
// lost: an abort that did not reach it is not done, however often it is asked for.
func TestH3_AnAbortThatReachesOneLedgerIsNotDone(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	w.lose(west, true)
	abort := func() contract.RecoveryStatus {
		s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionAbort, RequestID: "osdr"})
		w.check(err)
		return s
	}
	wantWaiting(t, abort(), "until then us-west-2 may go on with it")
	wantWaiting(t, abort(), "the ledger of us-west-2, in which a switch may be marked")
	if !w.writes(east, "movies", "3") {
		t.Error("the fence stays")
	}
	w.lose(west, false)
	w.done(abort())
	if w.ledger(west).Ledger.Intent != nil {
		t.Error("the mark stays in us-west-2")
	}
}

func TestH3_AbortBehindTheFenceLifts(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "fence")
	if w.writes(east, "movies", "x") {
		t.Fatal("not fenced")
	}
	a, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionAbort, RequestID: "osdr"})
	w.check(err)
	w.done(a)
	w.ticks()
	if !w.writes(east, "movies", "3") {
		t.Error("the fence stays")
	}
	w.clusters[east].ReleaseSnapshots()
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2", "3")
}

func TestU2_TheNewerRequestOwnsTheSwitch(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	old := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", old), "restore")
	w.pass(time.Second)
	wantWaiting(t, w.askFor(explicit(west), "two", w.clock()), "restore")
	wantRefusal(t, w.askFor(explicit(west), "one", old), "superseded by request two")
}

func TestU2_ARestoreGoesOnWithoutAWaiter(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(3 * time.Hour)
	s := w.askFor(explicit(west), "one", w.clock())
	wantWaiting(t, s, "restore")
	for n := range 200 {
		if n == 70 { // the hour is over; the command is run again
			s := w.askFor(explicit(west), "two", w.clock())
			wantWaiting(t, s, "restore")
		}
		w.pass(time.Minute)
		w.ticks()
	}
	w.done(w.askFor(explicit(west), "two", w.clock()))
	if l := w.ledger(west).Ledger; l.ActiveRegion != west || l.Generation != 2 {
		t.Errorf("%+v", l)
	}
	w.holds(west, "movies", "1", "2")
}

func TestH6_LateStepAfterTheClaim(t *testing.T) {
	w := pair(t)
	w.done(w.until(explicit(west), "one"))
	w.put(west, "movies", "3")
	for range 5 {
		w.pass(time.Minute)
		w.ticks()
		w.done(w.askFor(explicit(west), "one", w.clock()))
	}
	w.holds(west, "movies", "1", "2", "3")
}

func TestH7_UpdatesWithEqualCountsAreBrought(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(30 * time.Second)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	w.check(w.clusters[east].Delete(t.Context(), "movies", "1"))
	w.put(east, "movies", "9")
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "2", "9")
}

func TestH8_WritesUnderWayAreWaitedFor(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].CreateDataStream(t.Context(), "logs"))
	n, err := w.clusters[east].BeginWrite(t.Context(), "logs", "late", `{}`)
	w.check(err)
	at := w.clock()
	s := w.askFor(explicit(west), "one", at)
	wantWaiting(t, s, "fence")
	w.check(w.clusters[east].FinishWrite(t.Context(), n)) // acknowledged
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "logs", "late")
}

func TestH9_IndexesThatAppearBehindTheFence(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "fence")
	w.check(w.clusters[east].CreateIndex(t.Context(), "new", opensearchtest.IndexOptions{}))
	w.put(east, "new", "1")
	w.clusters[east].ReleaseSnapshots()
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "new", "1")
}

func TestH9_AnIndexThatAppearsBeforeTheClaimStopsIt(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "3")
	w.clusters[west].RestoresTake(90 * time.Second)
	at := w.clock()
	for range 30 { // until the final point is there and comes
		_ = w.askFor(explicit(west), "one", at)
		if rec := w.fenceState(east); rec == "fenced" {
			break
		}
		w.pass(time.Minute)
		w.ticks()
	}
	if w.fenceState(east) != "fenced" {
		t.Fatal("never fenced")
	}
	w.check(w.clusters[east].CreateIndex(t.Context(), "new", opensearchtest.IndexOptions{}))
	w.put(east, "new", "1")
	w.clusters[west].RestoresTake(0)
	w.pass(2 * time.Minute)
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "new", "1")
	w.holds(west, "movies", "1", "2", "3")
}

func (w *world) fenceState(region string) string {
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if s.Fence == nil {
		return ""
	}
	return s.Fence.State
}

func TestH10_ADeadTargetsFenceIsLifted(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	if w.writes(east, "movies", "x") {
		t.Fatal("not fenced")
	}
	w.clusters[east].ReleaseSnapshots()
	w.lose(west, true)
	for range 15 {
		w.pass(time.Minute)
		w.ticks()
	}
	if !w.writes(east, "movies", "3") {
		t.Error("a write outage without end")
	}
	w.lose(west, false)
	w.ticks()
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2", "3")
}

func TestH10_AStalledFenceIsGivenUp(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	at := w.clock()
	var s contract.RecoveryStatus
	for range 40 {
		if s = w.askFor(explicit(west), "one", at); s.Refusal != "" {
			break
		}
		w.pass(time.Minute)
		w.ticks()
	}
	wantRefusal(t, s, "nothing has moved")
	w.clusters[east].ReleaseSnapshots()
	w.pass(time.Minute)
	w.ticks()
	if !w.writes(east, "movies", "3") {
		t.Error("the fence stays")
	}
}

func TestH11_ReactivationWithoutAPointOfTheNewTenure(t *testing.T) {
	w := pair(t)
	w.done(w.until(explicit(west), "one"))
	w.put(west, "movies", "gone")
	w.ticks()
	w.lose(west, true)
	back := explicit(east)
	back.UnreachableRegion = west
	s := w.done(w.until(back, "two"))
	if s.Generation != 3 || s.ClusterUUID != w.clusters[east].UUID() || s.Loss == nil && !strings.Contains(strings.Join(s.Notices, " "), "loss window") {
		t.Errorf("%+v", s)
	}
	w.holds(east, "movies", "1", "2")
	if !w.writes(east, "movies", "3") {
		t.Error("it takes no writes")
	}
}

func TestH12_APlannedSwitchLeavesNothingBehindUnsaid(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.check(w.clusters[east].CreateIndex(t.Context(), "old", opensearchtest.IndexOptions{Tier: "warm"}))
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	wantRefusal(t, w.until(explicit(west), "one"), "old", "restore.exclude")
	if !w.writes(east, "movies", "2") {
		t.Error("fenced for nothing")
	}
	w.settings.Restore.Exclude = []string{"old"}
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2")
}

func TestH13_SameDataWithANewUUIDGoesOn(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.pointOf(east)
	uuid := w.clusters[east].ReplaceUUID()
	p := wish(east)
	s := w.done(w.until(p, "one"))
	if s.Generation != 2 || s.ClusterUUID != uuid || !w.writes(east, "movies", "2") {
		t.Errorf("%+v", s)
	}
}

func TestH13_ADomainMadeAgainIsRestoredInPlaceWhenMeant(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.pointOf(east)
	w.domain(east, 9)
	w.ticks()
	wantRefusal(t, w.until(wish(east), "one"), "identity changed", "switchFrom=1")
	p := explicit(east)
	p.SwitchFrom = "1"
	s := w.done(w.until(p, "two"))
	if s.Generation != 2 || s.ClusterUUID != w.clusters[east].UUID() {
		t.Errorf("%+v", s)
	}
	w.holds(east, "movies", "1")
	if !w.writes(east, "movies", "2") {
		t.Error("it takes no writes")
	}
}

func TestH16_MixedEvidenceIsRefusedAndNothingIsLost(t *testing.T) {
	w := pair(t)
	w.dead[east] = true
	w.clusters[east].Kill()
	s := w.until(explicit(west), "one")
	wantRefusal(t, s, "unreachableRegion=us-east-1", "its domain does not")
	w.clusters[east].Start()
	w.dead[east] = false
	w.ticks()
	if !w.writes(east, "movies", "3") {
		t.Error("a blip fenced the active domain")
	}
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2", "3")
}

// Without any point there is no window to give up.
func TestH16_MixedEvidenceWithoutAPointNamesEverything(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.domain(west, 2)
	w.ticks()
	w.dead[east] = true
	w.clusters[east].Kill()
	s := w.until(explicit(west), "one")
	wantRefusal(t, s, "no whole recovery point", "give up everything", "run the command again")
	if strings.Contains(s.Refusal, "0001-01-01") {
		t.Error(s.Refusal)
	}
}

func TestH16_ABlipIsNoLoss(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "3")
	w.lose(east, true)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "silent")
	w.pass(time.Minute)
	w.lose(east, false)
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "movies", "1", "2", "3")
}

func TestH17_ARestorePinsItsPoint(t *testing.T) {
	w := pair(t)
	w.settings.Retention.Count = 1
	w.clusters[west].RestoresTake(8 * time.Minute)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	for range 4 {
		w.put(east, "movies", "more")
		w.pointOf(east)
	}
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2", "more")
}

func TestH21_TheOtherFlagIsRefusedWhileASwitchRuns(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	wantRefusal(t, w.promote(wish(east)), "a switch to us-west-2 is under way", "osdr abort")
}

func TestH23_WhatTheSourceDeletedIsGone(t *testing.T) {
	w := pair(t)
	w.put(east, "old", "1")
	w.pointOf(east)
	w.clusters[west].RestoresTake(30 * time.Second)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	w.check(w.clusters[east].DeleteIndex(t.Context(), "old"))
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "old")
	w.holds(west, "movies", "1", "2")
}

func TestH24_TheUsersOwnBlocksAndSettingsComeBack(t *testing.T) {
	w := pair(t)
	c := w.clusters[east]
	w.put(east, "archive", "1")
	w.check(c.SetBlocks(t.Context(), "archive", []string{"write"}))
	w.check(c.SetAutoCreate(t.Context(), "-app*,+*", true))
	w.pointOf(east)
	c.HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	_, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionAbort})
	w.check(err)
	c.ReleaseSnapshots()
	w.ticks()
	if v, _, _ := c.AutoCreate(t.Context()); v != "-app*,+*" || !w.blocked(east, "archive") || w.blocked(east, "movies") {
		t.Errorf("after the abort: %q, archive %v, movies %v", v, w.blocked(east, "archive"), w.blocked(east, "movies"))
	}
	w.done(w.until(explicit(west), "two"))
	if !w.blocked(west, "archive") || w.blocked(west, "movies") {
		t.Errorf("in the new domain: archive %v, movies %v", w.blocked(west, "archive"), w.blocked(west, "movies"))
	}
	w.holds(west, "archive", "1")
}

func TestF6_ATooOldTargetIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.pointOf(east)
	w.version = "3.3.0"
	w.domain(west, 2)
	w.ticks()
	wantRefusal(t, w.until(explicit(west), "one"), "F6", "3.4.0", "3.3.0")
	if !w.writes(east, "movies", "2") || w.ledger(east).Ledger.Intent != nil {
		t.Error("something was begun")
	}
}

func TestF9_F11_F30_CapsuleAndAliasesBeforeTheFirstWrite(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "logs-1", "1")
	w.check(w.clusters[east].PutAliases(t.Context(), []opensearch.AliasAction{{Index: "logs-1", Alias: "logs", Properties: map[string]any{"is_write_index": true}}}))
	w.check(w.clusters[east].PutParts(t.Context(), "parts"))
	w.check(w.clusters[east].PutRole(t.Context(), "app", opensearch.Role{ClusterPermissions: []string{"cluster:monitor/main"}}))
	w.check(w.clusters[east].PutRoleMapping(t.Context(), "app", opensearch.RoleMapping{BackendRoles: []string{"arn:aws:iam::111122223333:role/app"}}))
	w.tick(east)
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	early := false
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "SetBlocks" && w.aliases(west)["logs-1"] == nil {
			early = true
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.until(explicit(west), "one"))
	w.clusters[west].Intercept(nil)
	if early {
		t.Error("writes were let in before the aliases stood")
	}
	c, err := w.clusters[west].Capsule(t.Context())
	w.check(err)
	if c.ComponentTemplates["parts"] == nil || c.Aliases["logs-1"]["logs"] == nil {
		t.Errorf("%+v", c)
	}
	m, err := w.clusters[west].RoleMapping(t.Context(), "app")
	w.check(err)
	if len(m.BackendRoles) != 1 {
		t.Errorf("%+v", m)
	}
}

func (w *world) aliases(region string) map[string]map[string]any {
	w.clusters[region].Intercept(nil)
	c, err := w.clusters[region].Capsule(w.t.Context())
	w.check(err)
	return c.Aliases
}

func TestF12_AnIndexInTheWayIsNeverOverwritten(t *testing.T) {
	w := pair(t)
	w.put(west, "movies", "mine")
	s := w.until(explicit(west), "one") // the other Region answers: it is saved first
	w.done(s)
	w.holds(west, "movies", "1", "2")
	if p := w.salvage(east, w.clusters[west].UUID()); p.Documents != 1 {
		t.Errorf("%+v", p)
	}
}

func TestF34_ARestoreWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	w := pair(t)
	n := 0
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Restore" {
			if n++; n == 1 {
				return opensearchtest.Verdict{After: opensearchtest.GatewayTimeout("restore")}
			}
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.until(explicit(west), "one"))
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.holds(west, "movies", "1", "2")
}

func TestF5_APointThatLostAnObjectIsPassedOver(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "3")
	w.pointOf(east)
	w.put(east, "movies", "4")
	w.pointOf(east)
	// The newest point's own files go.
	ids := w.buckets[west].Keys()
	var snaps []string
	for _, k := range ids {
		if strings.Contains(k, "/snap-") && !strings.Contains(k, "/indices/") {
			snaps = append(snaps, k)
		}
	}
	newest, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if len(newest.Points) != 3 || newest.Loss == nil {
		t.Fatalf("%+v", newest.Points)
	}
	last := snaps[0]
	for _, k := range snaps {
		if w.buckets[west].Versions(k)[0].Date.After(w.buckets[west].Versions(last)[0].Date) {
			last = k
		}
	}
	w.check(w.buckets[west].Delete(t.Context(), last))
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "one"))
	w.holds(west, "movies", "1", "2", "3")
	again := w.askFor(p, "two", w.clock())
	for _, s := range []contract.RecoveryStatus{s, again} {
		if !slices.ContainsFunc(s.Notices, func(n string) bool { return strings.Contains(n, "not whole") }) {
			t.Errorf("it was passed over in silence: %v", s.Notices)
		}
		if s.Loss == nil || s.Loss.Point != newest.Points[1].ID || !s.Loss.Since.Equal(newest.Points[1].Start) {
			t.Errorf("the window does not count from the point that was taken: %+v of %+v", s.Loss, newest.Points)
		}
	}
}

// So is one of an engine newer than the target's (F6).
func TestF6_APointOfANewerEngineIsPassedOver(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "3")
	w.pointOf(east)
	newest, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	key := point.Prefix + newest.Points[0].ID + ".json"
	o, err := w.buckets[west].Get(t.Context(), key)
	w.check(err)
	_, err = w.buckets[west].Put(t.Context(), key, []byte(strings.Replace(string(o.Body), `"engineVersion":"3.4.0"`, `"engineVersion":"3.5.0"`, 1)), store.Condition{})
	w.check(err)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "one"))
	w.holds(west, "movies", "1", "2")
	if s.Loss == nil || s.Loss.Point != newest.Points[1].ID || !strings.Contains(strings.Join(s.Notices, "\n"), newest.Points[0].ID+" is passed over: it is of engine 3.5.0") {
		t.Errorf("%+v", s)
	}
}

func TestX4_Route53AwayAfterASwitchHealsByItself(t *testing.T) {
	w := pair(t)
	w.lose(east, true)
	w.zone.Refuse(false, true)
	p := explicit(west)
	p.UnreachableRegion = east
	at := w.clock()
	var s contract.RecoveryStatus
	for range 5 {
		s = w.askFor(p, "one", at)
		w.pass(time.Minute)
	}
	wantWaiting(t, s, "Route 53")
	if s.Generation != 2 || !strings.Contains(s.WaitingFor, w.descs[west].Endpoint) || !w.writes(west, "movies", "3") {
		t.Errorf("%+v", s)
	}
	w.zone.Refuse(false, false)
	w.ticks()
	if w.record().Target != w.descs[west].Endpoint {
		t.Errorf("%+v", w.record())
	}
}

func TestSelectiveRestoreListsWhatItLeavesOut(t *testing.T) {
	w := newWorld(t)
	w.settings.Restore = contract.Restore{Indices: []string{"logs-*"}, Exclude: []string{"logs-debug"}}
	w.active()
	for _, i := range []string{"logs-1", "logs-debug", "movies"} {
		w.put(east, i, "1")
	}
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	s := w.done(w.until(explicit(west), "one"))
	w.holds(west, "logs-1", "1")
	w.holds(west, "logs-debug")
	w.holds(west, "movies")
	if !strings.Contains(strings.Join(s.Notices, " "), "left out by dr.restore: logs-debug, movies") {
		t.Errorf("%v", s.Notices)
	}
}

func TestReleaseOfADomainThatDoesNotAnswer(t *testing.T) {
	w := pair(t)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	w.lose(east, false)
	uuid := w.clusters[east].UUID()
	w.clusters[east].Kill()
	wantRefusal(t, w.letGo(wish(east)), "does not answer", "abandonDomain="+uuid)
	g := wish(east)
	g.AbandonDomain = uuid
	s := w.done(w.letGo(g))
	if !strings.Contains(strings.Join(s.Notices, " "), "abandoned") {
		t.Errorf("%v", s.Notices)
	}
}

// The listing that a plan is made of must be as new as what the engine said of
// its restores, else a copy that is complete by now looks like a stranger's.
func TestG4_ARestoreThatEndsBetweenTwoLooks(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Minute)
	w.asked = func() { w.pass(time.Minute) }
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "movies", "1", "2")
}

// The claim follows the last look at the fence at once, or another look is taken:
// nothing forbids an index to be made in between.
func TestH9_AClaimOnALateAnswerLooksAgain(t *testing.T) {
	w := pair(t)
	w.late = time.Minute
	at := w.clock()
	var s contract.RecoveryStatus
	for range 10 {
		if s = w.askFor(explicit(west), "one", at); s.Done || strings.Contains(s.WaitingFor, "look") {
			break
		}
		w.pass(time.Second)
	}
	wantWaiting(t, s, "the last look at the fence is too old")
	if g := w.ledger(east).Ledger.Generation; g != 1 {
		t.Errorf("generation %d", g)
	}
	w.done(w.until(explicit(west), "one"))
}

// Nothing forbids an index to be made on a fenced domain: what comes while the
// domain is saved is saved too, before it may go.
func TestH9_AnIndexThatComesWhileADomainIsSaved(t *testing.T) {
	w := pair(t)
	w.done(w.until(explicit(west), "one"))
	w.put(west, "movies", "3")
	w.pointOf(west)
	old := w.clusters[east]
	made := false
	old.Intercept(func(call string) opensearchtest.Verdict {
		if call == "VerifyRepository" && !made { // the active domain's point is looked at: the salvage is taken
			if s, err := old.Snapshots(t.Context(), contract.Repository); err == nil && slices.ContainsFunc(s, func(s opensearch.Snapshot) bool { return strings.HasSuffix(s.Name, "-g2") }) {
				made = true
				w.check(old.CreateIndex(t.Context(), "late", opensearchtest.IndexOptions{}))
				w.put(east, "late", "only here")
			}
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.letGo(wish(east)))
	if !made {
		t.Fatal("nothing came: nothing was shown")
	}
	if s := w.salvage(west, old.UUID()); !slices.ContainsFunc(s.Indices, func(i point.Index) bool { return i.Name == "late" }) {
		t.Errorf("the domain may go, and index late is not in salvage %s", s.ID)
	}
}

// Cut off from the Region that has gone on alone, the record is the witness: the
// fence stays, and nothing more is acknowledged that would be missing there.
func TestH28_TheRecordKeepsAFenceUp(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	w.clusters[east].ReleaseSnapshots()
	w.lose(west, true)
	w.check(w.zone.Upsert(t.Context(), w.settings.DNS.Record, route.Wish{
		Endpoint: w.descs[west].Endpoint, TTL: 60, Mark: route.Mark{Name: w.settings.Name, Region: west, Generation: 2},
	}))
	for range 15 {
		w.pass(time.Minute)
		w.ticks()
	}
	if w.writes(east, "movies", "split brain") {
		t.Error("the fence was lifted although the record names generation 2")
	}
}

// The fence may capture more between the second pass and the last look: it stands
// then, and the claim must not rest on what was restored before.
func TestH9_AFenceThatHasCapturedMoreIsNotTheOneThatWasRestored(t *testing.T) {
	w := pair(t)
	w.before = func() {
		w.check(w.clusters[east].CreateIndex(t.Context(), "late", opensearchtest.IndexOptions{}))
		w.put(east, "late", "acknowledged")
		for range 3 {
			w.tick(east)
		}
	}
	w.done(w.until(explicit(west), "one"))
	if w.before != nil {
		t.Fatal("no look at the fence: nothing was shown")
	}
	w.holds(west, "late", "acknowledged")
}
