package recovery_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/store"
)

func (w *world) lastSwitch(region string) *contract.LastSwitch {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	return s.LastSwitch
}

// failedOverLate to the west, by a command that was given half an hour before its
// domain was there.
func failedOverLate(t *testing.T) *world {
	w := pair(t)
	w.pass(5 * time.Minute)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion, p.AskedAt = east, w.clock().Add(-30*time.Minute).Format(time.RFC3339)
	w.done(w.until(p, "failover"))
	return w
}

func TestTheActiveRegionTellsTheLastSwitch(t *testing.T) {
	w := pair(t)
	if l := w.lastSwitch(east); l != nil {
		t.Errorf("none was made: %+v", l)
	}
	w = failedOverLate(t)
	l := w.lastSwitch(west)
	if l == nil || l.Kind != contract.SwitchFailover || l.From != east || l.To != west || l.Generation != 2 || !l.At.Equal(w.ledger(west).Ledger.Since) {
		t.Fatalf("a failover: %+v", l)
	}
	if l.Seconds < 1800 || l.Seconds > 3600 || l.Loss == nil || l.Loss.Seconds < 300 {
		t.Errorf("it took half an hour and lost five minutes at least: %+v %+v", l, l.Loss)
	}

	w.lose(east, false)
	w.ticks()
	w.pass(time.Minute)
	w.done(w.letGo(wish(east)))
	w.remove(east)
	w.domain(east, 3)
	w.pointOf(west)
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "failback"))
	l = w.lastSwitch(east)
	if l == nil || l.Kind != contract.SwitchPlanned || l.From != west || l.To != east || l.Generation != 3 || l.Loss != nil || l.Seconds <= 0 || l.Seconds > 1800 {
		t.Fatalf("a failback: %+v", l)
	}
	if there := w.lastSwitch(west); there != nil {
		t.Errorf("the standby tells one, too: %+v", there)
	}

	// Another name of the cluster is no switch.
	w.pass(time.Minute)
	w.pointOf(east)
	w.clusters[east].ReplaceUUID()
	if s := w.tick(east); s.Generation != 4 {
		t.Fatalf("not adopted: %+v", s)
	}
	if again := w.lastSwitch(east); again == nil || *again != *l {
		t.Errorf("after the adoption %+v, want %+v", again, l)
	}
}

// Notes of before the times were kept tell what they have.
func TestTheLastSwitchByOlderNotes(t *testing.T) {
	w := failedOverLate(t)
	const key = "_dr/journal/switch.json"
	o, err := w.buckets[west].Get(t.Context(), key)
	w.check(err)
	var notes map[string]any
	w.check(json.Unmarshal(o.Body, &notes))
	for _, field := range []string{"asked", "ended", "claimAt"} {
		if notes[field] == nil {
			t.Errorf("%s is not in the notes: nothing is shown", field)
		}
		delete(notes, field)
	}
	body, err := json.Marshal(notes)
	w.check(err)
	_, err = w.buckets[west].Put(t.Context(), key, body, store.Condition{})
	w.check(err)
	l := w.lastSwitch(west)
	if l == nil || l.Kind != contract.SwitchFailover || l.Seconds != 0 || !l.At.Equal(w.ledger(west).Ledger.Since) {
		t.Errorf("%+v", l)
	}
}
