package recovery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

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

func TestH21_TheOtherFlagIsRefusedWhileASwitchRuns(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Hour)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	wantRefusal(t, w.promote(wish(east)), "a switch to us-west-2 is under way", "osdr abort")
}
