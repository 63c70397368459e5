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
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// through is a switch that is asked for each minute, with a client that writes to
// the east and a recovery point every so many minutes. It answers the last status.
func (w *world) through(p contract.WishProperties, id string, minutes, pointEvery int) contract.RecoveryStatus {
	w.t.Helper()
	at := w.clock()
	var s contract.RecoveryStatus
	for n := range minutes {
		s = w.askFor(p, id, at)
		if s.Done || s.Refusal != "" {
			return s
		}
		w.pass(time.Minute)
		w.ticks()
		if !w.away[east] {
			w.writes(east, "movies", fmt.Sprintf("%s-%d", id, n))
			if n%pointEvery == pointEvery-1 {
				_, _ = w.run(east, "schedule")
			}
		}
	}
	w.t.Fatalf("never ends: %+v", s)
	return s
}

// alike: the west holds every document of the east.
func (w *world) alike() {
	w.t.Helper()
	if e, here := w.ids(east, "movies"), w.ids(west, "movies"); strings.Join(e, " ") != strings.Join(here, " ") {
		w.t.Errorf("the east holds %d documents, the west %d", len(e), len(here))
	}
}

// The link of a planned switch is silent for 4 minutes in a first pass of 40. With
// switchFrom the switch refuses, and the active Region goes on. Without it the
// switch counts the Region as lost only while it is silent.
func TestH49_APlannedSwitchOutlivesASilentLink(t *testing.T) {
	for name, from := range map[string]string{"with switchFrom": "1", "without": ""} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.clusters[west].RestoresTake(40 * time.Minute)
			p := explicit(west)
			p.SwitchFrom = from
			at := w.clock()
			wantWaiting(t, w.askFor(p, "one", at), "restore")
			w.lose(east, true)
			var s contract.RecoveryStatus
			for range 4 {
				w.pass(time.Minute)
				w.ticks()
				s = w.askFor(p, "one", at)
			}
			w.lose(east, false)
			w.clusters[west].RestoresTake(time.Minute) // of what is begun from now on
			if from != "" {
				wantRefusal(t, s, "switchFrom", "-c unreachableRegion="+east)
				for range 2 {
					w.pass(time.Minute)
					w.ticks()
				}
				if !w.writes(east, "movies", "after") {
					t.Error("the east is left fenced")
				}
				p.SwitchFrom = "1"
				s = w.through(p, "two", 90, 10)
			} else {
				s = w.through(p, "one", 90, 10)
			}
			if w.done(s); s.Loss != nil {
				t.Errorf("a planned switch with both Regions alive ends with a loss: %+v", s.Loss)
			}
			w.alike()
		})
	}
}

// A Region is back after 6 minutes, and the restore takes 3 hours.
func TestH49_AnUnplannedSwitchBecomesPlannedWhenTheRegionIsBack(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(3 * time.Hour)
	at := w.clock()
	w.lose(east, true)
	p := explicit(west)
	for range 6 {
		w.askFor(p, "one", at)
		w.pass(time.Minute)
		w.ticks()
	}
	o, err := w.buckets[west].Get(t.Context(), "_dr/journal/switch.json")
	w.check(err)
	if !strings.Contains(string(o.Body), `"lost":`) {
		t.Fatal("the silence was never called a loss")
	}
	w.lose(east, false)
	w.ticks()
	w.clusters[west].RestoresTake(time.Minute) // of what is begun from now on
	s := w.done(w.through(p, "one", 240, 30))
	if s.Loss != nil {
		t.Errorf("the Region was back for hours: %+v", s.Loss)
	}
	w.alike()
}

// A fence that the silence interrupts is down again when the Region is back and the
// switch was given up.
func TestH49_ARefusedSwitchLeavesNoFence(t *testing.T) {
	w := pair(t)
	p := explicit(west)
	p.SwitchFrom = "1"
	at := w.clock()
	w.clusters[east].SnapshotsTake(20 * time.Minute) // the final one: the fence is up meanwhile
	s := w.askFor(p, "one", at)
	for n := 0; w.writes(east, "movies", fmt.Sprint("before-", n)) && n < 10; n++ {
		w.pass(time.Minute)
		w.ticks()
		s = w.askFor(p, "one", at)
	}
	if w.writes(east, "movies", "fenced") {
		t.Fatalf("never fenced: %+v", s)
	}
	w.lose(east, true)
	for n := 0; s.Refusal == "" && n < 10; n++ {
		w.pass(time.Minute)
		w.ticks()
		s = w.askFor(p, "one", at)
	}
	wantRefusal(t, s, "switchFrom")
	w.pass(time.Minute)
	w.ticks()
	w.lose(east, false) // its own ledger has the mark of the switch, and it lives
	for range 3 {
		w.pass(time.Minute)
		w.ticks()
	}
	if !w.writes(east, "movies", "after") {
		t.Error("the east is left fenced")
	}
	if w.ledger(east).Ledger.Intent != nil || w.ledger(west).Ledger.Intent != nil {
		t.Error("the mark of a switch that was given up is driven again")
	}
	if g := w.ledger(west).Ledger.Generation; g != 1 {
		t.Errorf("generation %d", g)
	}
}

// What answers in part is not silent: a lossy switch becomes one that wants a fence,
// and refuses when there is none to be had.
func TestH49_ALostRegionThatAnswersInPartIsFencedOrRefused(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(30 * time.Minute)
	p := explicit(west)
	at := w.clock()
	w.lose(east, true)
	for range 6 {
		w.askFor(p, "one", at)
		w.pass(time.Minute)
		w.ticks()
	}
	w.buckets[east].SetUnreachable(false) // and nothing else
	var s contract.RecoveryStatus
	for n := 0; n < 60 && s.Refusal == "" && !s.Done; n++ {
		s = w.askFor(p, "one", at)
		w.pass(time.Minute)
		w.ticks()
	}
	wantRefusal(t, s, "neither lost nor all there", "-c unreachableRegion="+east)
}

// Directly before a lossy claim the newest whole point is looked for again.
func TestH49_ALossyClaimRestsOnTheNewestPoint(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(40 * time.Minute)
	for n := range 30 {
		w.writes(east, "movies", fmt.Sprint("n", n))
	}
	w.clusters[east].SnapshotsTake(20 * time.Minute) // it ends while the first pass runs
	if r, err := w.run(east, "demand"); err != nil || r.Started == "" {
		t.Fatal(r, err)
	}
	p := explicit(west)
	p.UnreachableRegion = east // the operator's word; the east lives
	at := w.clock()
	wantWaiting(t, w.askFor(p, "one", at), "restore")
	for range 30 {
		w.pass(time.Minute)
		w.ticks()
	}
	w.clusters[west].RestoresTake(time.Minute)
	var s contract.RecoveryStatus
	for n := 0; n < 60 && !s.Done; n++ {
		s = w.askFor(p, "one", at)
		if s.Refusal != "" {
			t.Fatal(s.Refusal)
		}
		w.pass(time.Minute)
		w.ticks()
	}
	w.done(s)
	if got := len(w.ids(west, "movies")); got < 32 {
		t.Errorf("the west holds %d documents; the newest whole point, in its own bucket, has 32", got)
	}
	ids, err := point.List(t.Context(), w.buckets[west])
	w.check(err)
	if s.Loss == nil || s.Loss.Point != ids[len(ids)-1].String() {
		t.Errorf("loss %+v, points %v", s.Loss, ids)
	}
}

// A domain that is gone cannot come back: the loss that rests on it stays.
func TestH49_ALossByADomainThatIsGoneStays(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(10 * time.Minute)
	w.remove(east)
	s := w.done(w.until(explicit(west), "one"))
	if s.Loss == nil {
		t.Error("no loss is told")
	}
}

// One call fails in the moment in which the Region is called lost. No later run may
// take the old point for the one that was chosen.
func TestH50_OneFailedCallDoesNotChooseTheOldPoint(t *testing.T) {
	for _, call := range []string{"", "Info", "list"} {
		t.Run("fails: "+call, func(t *testing.T) {
			w := pair(t)
			w.clusters[west].RestoresTake(40 * time.Minute)
			wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore") // a planned switch, its first pass runs
			for n := range 30 {
				w.pass(time.Minute)
				w.writes(east, "movies", fmt.Sprint("n", n))
				w.ticks()
			}
			w.pointOf(east) // a newer point, with all of it
			w.lose(east, true)
			w.clusters[west].RestoresTake(time.Minute) // of what is begun from now on
			failed := false
			moment := func() bool {
				return !failed && len(w.calls) > 0 && w.calls[len(w.calls)-1] == contract.ActionTick+" "+east
			}
			w.clusters[west].Intercept(func(c string) opensearchtest.Verdict {
				if call == "Info" && c == "Info" && moment() {
					failed = true
					return opensearchtest.Verdict{Before: &opensearch.Error{Step: "read cluster info", Status: 503, Type: "service_unavailable"}}
				}
				return opensearchtest.Verdict{}
			})
			w.buckets[west].OnCall(func(op storetest.Op, key string) {
				if call == "list" && op == storetest.List && key == point.Prefix && moment() {
					failed = true
					w.buckets[west].FailNext(storetest.List, 1, errAway)
				}
			})
			p := explicit(west)
			p.UnreachableRegion = east
			w.pass(time.Minute)
			w.done(w.until(p, "two"))
			if failed != (call != "") {
				t.Fatal("the call did not fail")
			}
			if got := len(w.ids(west, "movies")); got < 32 {
				t.Errorf("the west holds %d documents; the newest whole point, in its own bucket, has 32", got)
			}
		})
	}
}

// Malformed notes of a switch are no dead end: the switch ends, and the same command
// makes another one. Before a switch and after it nothing waits for them.
func TestH49_MalformedNotesEndASwitchAndNoMore(t *testing.T) {
	const notes = "_dr/journal/switch.json"
	w := pair(t)
	spoil := func() {
		_, err := w.buckets[west].Put(t.Context(), notes, []byte(`{"version":1,"tok`), store.Condition{})
		w.check(err)
	}
	spoil()
	w.clusters[west].RestoresTake(10 * time.Minute)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	spoil()
	s := w.tick(west)
	if !slices.ContainsFunc(s.Attention, func(a contract.Attention) bool { return a.Code == contract.AttentionLeftover }) {
		t.Errorf("nobody is told: %+v", s)
	}
	w.ticks()
	if w.ledger(east).Ledger.Intent != nil || w.ledger(west).Ledger.Intent != nil {
		t.Error("the switch is still marked")
	}
	if _, err := w.buckets[west].Get(t.Context(), notes); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("the notes are still there: %v", err)
	}
	w.pass(time.Minute)
	w.done(w.until(explicit(west), "two"))
	spoil()
	w.put(west, "movies", "3")
	w.tick(west)
	if s := w.tick(west); !s.Done || len(s.Attention) > 0 {
		t.Errorf("the notes are in the way of the active Region: %+v", s)
	}
	w.holds(west, "movies", "1", "2", "3")

	// An abort beside them.
	w = pair(t)
	w.clusters[west].RestoresTake(10 * time.Minute)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	spoil()
	if s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionAbort}); err != nil || !s.Done {
		t.Errorf("abort: %+v, %v", s, err)
	}
	w.pass(time.Minute)
	w.done(w.until(explicit(west), "two"))
}
