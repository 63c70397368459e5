package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// The old active domain is wanted as the standby, so no gate stands before it: its
// controller fences it and saves what only it holds, before it becomes a copy.
func TestH5_TheOldActiveDomainIsSavedBeforeItBecomesACopy(t *testing.T) {
	w := failedOver(t)
	w.lose(east, false)
	w.tick(east)
	w.put(west, "movies", "3")
	w.pointOf(west)
	uuid := w.clusters[east].UUID()
	removed := w.watched(east, "RemoveIndex", "Restore")
	w.clusters[east].HoldSnapshots() // the salvage takes its time
	for range 4 {
		w.pass(time.Minute)
		w.warmly(east)
	}
	w.holds(east, "movies", "1", "2", "lost")
	if len(*removed) > 0 || w.writes(east, "movies", "late") {
		t.Fatalf("before its salvage is whole: %v", *removed)
	}
	w.clusters[east].ReleaseSnapshots()
	w.copied(east)
	w.holds(east, "movies", "1", "2", "3")
	if p := w.salvage(west, uuid); p.Documents != 3 || !p.Exact() {
		t.Errorf("%+v", p)
	}
	if w.writes(east, "movies", "late") {
		t.Error("the copy takes writes")
	}
	// And home again, from the copy.
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "back"))
	w.holds(east, "movies", "1", "2", "3")
	if !w.writes(east, "movies", "4") {
		t.Error("it takes no writes")
	}
	w.pointOf(east)
	w.copied(west)
}

// While the bucket for the salvage does not answer, nothing is overwritten, and it
// is told.
func TestH5_WithoutItsSalvageNothingIsOverwritten(t *testing.T) {
	w := failedOver(t)
	w.lose(east, false)
	w.tick(east) // it learns that it was superseded
	w.pointOf(west)
	w.lose(west, true)
	var s contract.RecoveryStatus
	for range 4 {
		w.pass(time.Minute)
		s = w.warmly(east)
	}
	w.holds(east, "movies", "1", "2", "lost")
	if s.Standby == nil || !strings.Contains(s.Standby.WaitingFor, "the bucket of us-west-2") {
		t.Errorf("%+v", s.Standby)
	}
	w.lose(west, false)
	w.copied(east)
	w.holds(east, "movies", "1", "2")
}

// What no snapshot takes is kept, told, and no reason to save the rest each minute.
func TestH5_WhatCannotBeSavedIsKeptAndTold(t *testing.T) {
	w := failedOver(t)
	w.lose(east, false)
	w.tick(east)
	w.pointOf(west)
	w.check(w.clusters[east].CreateIndex(t.Context(), "cold-logs", opensearchtest.IndexOptions{Tier: "warm"}))
	made := w.watched(east, "CreateSnapshot", "RemoveIndex", "Restore")
	var s contract.RecoveryStatus
	for range 6 {
		w.pass(time.Minute)
		s = w.warmly(east)
	}
	w.holds(east, "movies", "1", "2", "lost")
	if s.Standby == nil || !strings.Contains(s.Standby.Hindrance, "cold-logs") || s.Standby.Copy != "" || len(*made) > 0 {
		t.Errorf("%+v, %v", s.Standby, *made)
	}
	status, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus, Standby: contract.StandbyWarm})
	w.check(err)
	if status.Standby == nil || !strings.Contains(status.Standby.Hindrance, "cold-logs") {
		t.Errorf("%+v", status.Standby)
	}
	if i := w.inspect(east); i.Standby == nil || i.Standby.Hindrance != s.Standby.Hindrance {
		t.Errorf("%+v", i.Standby)
	}
	w.check(w.clusters[east].DeleteIndex(t.Context(), "cold-logs"))
	w.copied(east)
}

// A stranger in a standby that never was active is saved before it goes, as by a
// switch.
func TestH5_AStrangerInTheStandbyIsSavedBeforeItGoes(t *testing.T) {
	w := pair(t)
	w.put(west, "notes", "mine")
	w.copied(west)
	w.holds(west, "movies", "1", "2")
	if p := w.salvage(east, w.clusters[west].UUID()); p.Documents != 1 {
		t.Errorf("%+v", p)
	}
	if slices.Contains(w.names(west), "notes") {
		t.Errorf("%v", w.names(west))
	}
}

// A run of the standby that stalls after it has decided what to destroy, and goes
// on when its domain was promoted, destroys nothing: it reads the ledger again
// directly before each change.
func TestH6_ALateRunOfTheStandbyTouchesNoPromotedDomain(t *testing.T) {
	w := pair(t)
	w.copied(west)
	w.put(east, "movies", "3")
	w.pointOf(east)
	promoted := false
	changes := w.watched(west, "RemoveIndex", "Restore")
	w.buckets[west].OnCall(func(op storetest.Op, key string) {
		// It has looked at the domain and pinned its point: now it stalls.
		if op == storetest.Put && strings.HasPrefix(key, "_dr/pins/") && !promoted {
			promoted = true
			w.switchTo(west, w.clusters[west].UUID(), west)
			w.check(w.clusters[west].SetBlock(t.Context(), "movies", "write", false))
		}
	})
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionTick, Standby: contract.StandbyWarm})
	w.buckets[west].OnCall(nil)
	// The copy is as it was restored, so that the rule alone would let it go; the
	// next moment a client writes.
	if !promoted || len(*changes) > 0 {
		t.Errorf("%v %+v %v", *changes, s, err)
	}
	w.put(west, "movies", "acknowledged")
	_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionTick, Standby: contract.StandbyWarm})
	w.holds(west, "movies", "1", "2", "acknowledged")
}

// Where a switch to the standby is marked its own restore goes on, and no other.
func TestH6_AStandbyIsLeftToTheSwitchThatIsUnderWay(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(4 * time.Minute)
	w.warmly(west)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	before := w.find(west, "movies").UUID
	w.put(east, "shows", "1")
	w.pointOf(east)
	s := w.warmly(west)
	if s.Standby != nil || w.find(west, "movies").UUID != before || !slices.ContainsFunc(s.Notices, func(n string) bool { return strings.Contains(n, "the switch to us-west-2 waits") }) {
		t.Errorf("%+v %q", s.Standby, s.Notices)
	}
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "shows", "1")
}

// The content of an old active domain goes on without a recovery point only while
// it is its own (H11): once a copy has begun to replace it, it is not.
func TestH11_AnOverwrittenDomainDoesNotGoOnWithItsOwnContent(t *testing.T) {
	w := pair(t)
	w.put(east, "shows", "1")
	w.done(w.until(explicit(west), "one"))
	w.put(west, "movies", "3")
	w.pointOf(west)
	w.clusters[east].RestoresTake(30 * time.Minute)
	for range 8 {
		w.pass(time.Minute)
		w.warmly(east)
	}
	if w.find(east, "movies").Health != "red" {
		t.Fatal("the copy has not begun")
	}
	for _, k := range w.buckets[east].Keys() { // all that would be restored
		if strings.HasPrefix(k, w.clusters[west].UUID()) {
			w.check(w.buckets[east].Delete(t.Context(), k))
		}
	}
	w.lose(west, true)
	p := explicit(east)
	p.UnreachableRegion = west
	wantRefusal(t, w.until(p, "two"), "no whole recovery point")
}

// From warm to cold: a copy that never was active is nobody's loss.
func TestAGateLetsACopyGoAtOnce(t *testing.T) {
	w := pair(t)
	w.copied(west)
	made := w.watched(west, "CreateSnapshot")
	w.done(w.letGo(wish(west)))
	if len(*made) > 0 {
		t.Error("a copy was saved")
	}
}
