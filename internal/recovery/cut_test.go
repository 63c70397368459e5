package recovery_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// cut runs f with every call numbered, and all of them fail from call n on. It
// answers whether there were so many.
func (w *world) cut(n int, f func()) bool {
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	var calls atomic.Int64 // the ledgers are read at the same time
	at := func() {
		if calls.Add(1) == int64(n)+1 {
			stop()
		}
	}
	for _, b := range w.buckets {
		b.OnCall(func(storetest.Op, string) { at() })
	}
	for _, c := range w.clusters {
		c.Intercept(func(string) opensearchtest.Verdict { at(); return opensearchtest.Verdict{Before: ctx.Err()} })
	}
	w.ctx = ctx
	f()
	w.ctx = w.t.Context()
	for _, b := range w.buckets {
		b.OnCall(nil)
	}
	for _, c := range w.clusters {
		c.Intercept(nil)
	}
	return calls.Load() > int64(n)
}

// TestG4_PlannedSwitchCutOff: whatever is cut off, the same command,
// run again, ends with every acknowledged document in the new domain (G6), one
// side that takes writes, and nothing left behind.
func TestG4_PlannedSwitchCutOff(t *testing.T) {
	step := 3 // every call has its turn in the simulation
	if testing.Short() {
		step = 17
	}
	for n, more := 0, true; more; n += step {
		w := newWorld(t)
		w.active()
		w.put(east, "movies", "1", "2")
		w.pointOf(east)
		w.put(east, "movies", "3")
		w.domain(west, 2)
		w.ticks()
		p := explicit(west)
		at := w.clock()
		more = w.cut(n, func() {
			for range 4 {
				_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at})
				w.pass(20 * time.Second)
			}
		})
		acknowledged := []string{"1", "2", "3"}
		w.pass(7 * time.Minute) // the lease of the run that died
		if err := w.clusters[east].Index(t.Context(), "movies", "4", "{}"); err == nil {
			acknowledged = append(acknowledged, "4")
		}
		s := w.until(p, "two")
		if !s.Done || s.ActiveRegion != west {
			t.Fatalf("call %d: %+v", n, s)
		}
		w.ticks()
		w.pass(time.Minute)
		w.ticks()
		if got := w.ids(west, "movies"); strings.Join(got, " ") != strings.Join(acknowledged, " ") {
			t.Fatalf("call %d: the new domain holds %v, acknowledged %v", n, got, acknowledged)
		}
		if err := w.clusters[west].Index(t.Context(), "movies", "5", "{}"); err != nil {
			t.Fatalf("call %d: the new domain takes no writes: %v", n, err)
		}
		if err := w.clusters[east].Index(t.Context(), "movies", "6", "{}"); !opensearch.IsBlocked(err) {
			t.Fatalf("call %d: the old domain takes writes: %v", n, err)
		}
		if w.record().Target != w.descs[west].Endpoint {
			t.Fatalf("call %d: record %+v", n, w.record())
		}
		if left := w.leftovers(); len(left) > 0 {
			t.Fatalf("call %d: left %v", n, left)
		}
		if !more && n < 100 {
			t.Errorf("only %d calls were cut off", n)
		}
	}
}

// TestG4_FailoverCutOff is the same with the primary lost.
func TestG4_FailoverCutOff(t *testing.T) {
	step := 3 // every call has its turn in the simulation
	if testing.Short() {
		step = 17
	}
	for n, more := 0, true; more; n += step {
		w := newWorld(t)
		w.active()
		w.put(east, "movies", "1", "2")
		w.pointOf(east)
		w.put(east, "movies", "3")
		w.domain(west, 2)
		w.ticks()
		w.lose(east, true)
		p := explicit(west)
		at := w.clock()
		more = w.cut(n, func() {
			for range 5 {
				_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at})
				w.pass(time.Minute)
			}
		})
		if w.record().Target == w.descs[west].Endpoint && strings.Join(w.ids(west, "movies"), " ") != "1 2" {
			t.Fatalf("call %d: G2: the record is at a domain with %v", n, w.ids(west, "movies"))
		}
		w.pass(7 * time.Minute)
		s := w.until(p, "two")
		if !s.Done || s.ActiveRegion != west {
			t.Fatalf("call %d: %+v", n, s)
		}
		w.holds(west, "movies", "1", "2")
		w.put(west, "movies", "5")
		w.lose(east, false)
		w.ticks()
		w.pass(time.Minute)
		w.ticks()
		if err := w.clusters[east].Index(t.Context(), "movies", "6", "{}"); !opensearch.IsBlocked(err) {
			t.Fatalf("call %d: the old domain takes writes: %v", n, err)
		}
		w.done(w.letGo(wish(east)))
		if p := w.salvage(west, w.clusters[east].UUID()); p.Documents != 3 {
			t.Fatalf("call %d: salvage %+v", n, p)
		}
		if left := w.leftovers(); len(left) > 0 {
			t.Fatalf("call %d: left %v", n, left)
		}
	}
}
