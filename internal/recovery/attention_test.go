package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

func (w *world) looked(region string) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	return s
}

// needsAttention is the metric as it was published last.
func (w *world) needsAttention(region string) float64 {
	w.t.Helper()
	values := w.metrics[region].Values(contract.MetricAttention)
	if len(values) == 0 {
		w.t.Fatal("the metric was never published")
	}
	return values[len(values)-1]
}

// TestH81_AStatusHasWhatTheLastRunSaw: the minute run fails in a part that no status
// looks at, and the status names it until a run succeeds.
func TestH81_AStatusHasWhatTheLastRunSaw(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.zone.Refuse(true, true)
	if _, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick}); err == nil {
		t.Fatal("a run that reads no record does not fail")
	}
	if a := attention(w.looked(east), contract.AttentionRunFailed, ""); !strings.Contains(a.Text, "record") || a.Hint == "" {
		t.Errorf("the status does not report the failed run: %+v", a)
	}
	if n := w.needsAttention(east); n != 1 {
		t.Errorf("the metric says %v", n)
	}
	w.zone.Refuse(false, false)
	w.tick(east)
	if n := w.needsAttention(east); n != 0 {
		t.Errorf("after the mend the metric says %v", n)
	}
	if a := attention(w.looked(east), contract.AttentionRunFailed, ""); a.Text != "" {
		t.Errorf("the status reports a failure that is over: %+v", a)
	}
}

// TestH83_AGivenUpSwitchLeavesNoPinAndIsReported: what it restored stays for the next
// one, and the status names it and the reason.
func TestH83_AGivenUpSwitchLeavesNoPinAndIsReported(t *testing.T) {
	w := pair(t)
	w.index(east, "sorted", sorted)
	w.pointOf(east)
	p := explicit(west)
	p.SwitchFrom = "1"
	wantRefusal(t, w.until(p, "one"), "without=sorted")
	pins, err := point.Pinned(t.Context(), w.buckets[west])
	w.check(err)
	if len(pins) > 0 {
		t.Errorf("pins of a switch that is over: %+v", pins)
	}
	w.tick(west)
	s := w.looked(west)
	if a := attention(s, contract.AttentionRefused, ""); !strings.Contains(a.Text, "without=sorted") {
		t.Errorf("the status does not report the refusal: %+v", s.Attention)
	}
	if a := attention(s, contract.AttentionLeftover, ""); a.Text == "" || a.Hint == "" {
		t.Errorf("the status does not name what is left in the target: %+v", s.Attention)
	}
	if a := attention(w.looked(east), contract.AttentionRefused, ""); a.Text != "" {
		t.Errorf("the active side reports it, too: %+v", a)
	}
	w.pass(25 * time.Hour)
	if a := attention(w.looked(west), contract.AttentionRefused, ""); a.Text != "" {
		t.Errorf("a day later: %+v", a)
	}
	w.pointOf(east)
	p.Without = "sorted"
	w.done(w.until(p, "two"))
	w.tick(west)
	if a := attention(w.looked(west), contract.AttentionLeftover, ""); a.Text != "" {
		t.Errorf("after the switch: %+v", a)
	}
}

// TestH90_AnAbortReportsNothingOfTheSwitchBefore: only of the one that it ends.
func TestH90_AnAbortReportsNothingOfTheSwitchBefore(t *testing.T) {
	w := pair(t)
	w.lose(east, true)
	w.done(w.until(unreachable(west, east), "one"))
	w.lose(east, false)
	w.ticks()
	w.pass(time.Hour)
	w.pointOf(west)
	w.clusters[east].RestoresTake(time.Hour)
	back := explicit(east)
	back.SwitchFrom = "2"
	w.askFor(back, "two", w.clock())
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionAbort})
	w.check(err)
	w.done(s)
	if len(s.Notices) != 1 || !strings.Contains(s.Notices[0], "is aborted") {
		t.Errorf("%q", s.Notices)
	}
}
