package recovery_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// TestG4_PromotionCutOffAtEveryCall crashes the first promotion before each call
// in turn; the same command, run again, goes on: one claim, both ledgers equal,
// the record right, and never a record before a claim (G2).
func TestG4_PromotionCutOffAtEveryCall(t *testing.T) {
	for n, crashed := 0, true; crashed; n++ {
		w := newWorld(t)
		c := w.domain(east, 1)
		ctx, stop := context.WithCancel(t.Context())
		var calls atomic.Int64 // the ledgers are read at the same time
		at := func() {
			if calls.Add(1) == int64(n)+1 {
				stop()
			}
		}
		for _, b := range w.buckets {
			b.OnCall(func(storetest.Op, string) { at() })
		}
		c.Intercept(func(string) opensearchtest.Verdict { at(); return opensearchtest.Verdict{Before: ctx.Err()} })
		w.ctx = ctx
		s, _ := w.ask(east, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: wish(east)})
		stop()
		crashed = calls.Load() > int64(n)
		for _, b := range w.buckets {
			b.OnCall(nil)
		}
		c.Intercept(nil)
		w.ctx = t.Context()
		if w.record().Type != "" && w.ledger(east).Answer != ledger.Present {
			t.Errorf("call %d: a record without a claim", n)
		}
		if crashed && s.Done && w.record().Target == "" {
			t.Errorf("call %d: done without a record", n)
		}
		w.pass(10 * time.Minute)
		if s := w.promote(wish(east)); !s.Done || s.Generation != 1 {
			t.Fatalf("call %d: run again: %+v", n, s)
		}
		a, b := w.ledger(east), w.ledger(west)
		if !a.Ledger.Same(b.Ledger) || a.Ledger.ClusterUUID != c.UUID() {
			t.Errorf("call %d: ledgers %+v and %+v", n, a.Ledger, b.Ledger)
		}
		if w.record().Target != w.descs[east].Endpoint {
			t.Errorf("call %d: record %+v", n, w.record())
		}
		if !crashed && n < 20 {
			t.Errorf("only %d calls were cut off", n)
		}
	}
}

// Two Regions that are set up at the same moment, call by call: at most one is
// active, or both know of the dispute and nothing moves (H14, D12).
func TestH14_TwoFirstSetUpsAtOnce(t *testing.T) {
	for n := range 40 {
		w := newWorld(t)
		w.domain(east, 1)
		w.domain(west, 2)
		w.tick(east)
		w.tick(west)
		var calls atomic.Int64
		w.buckets[east].OnCall(func(storetest.Op, string) {
			if calls.Add(1) == int64(n)+1 {
				_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: wish(west)})
			}
		})
		_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: wish(east)})
		w.buckets[east].OnCall(nil)
		a, b := w.ledger(east), w.ledger(west)
		if a.Answer == ledger.Present && b.Answer == ledger.Present && a.Ledger.Same(b.Ledger) {
			continue
		}
		for _, r := range []string{east, west} {
			s, err := w.ask(r, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: wish(r)})
			if err == nil && s.Done && s.ActiveRegion != r {
				t.Errorf("call %d: %s: %+v", n, r, s)
			}
		}
		a, b = w.ledger(east), w.ledger(west)
		agreed := a.Answer == ledger.Present && b.Answer == ledger.Present && a.Ledger.Same(b.Ledger)
		_, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
		if !agreed && err == nil {
			t.Errorf("call %d: ledgers differ and nobody says so: %+v %+v", n, a.Ledger, b.Ledger)
		}
	}
}
