package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

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
