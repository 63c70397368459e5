package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// spoilLedger of a Region.
func (w *world) spoilLedger(region, body string) {
	w.t.Helper()
	_, err := w.buckets[region].Put(w.t.Context(), ledger.Key, []byte(body), store.Condition{})
	w.check(err)
}

const truncated = `{"version":1,"generation":1,"activeRe`

// One good copy is enough: snapshots, failover and failback go on, and it is told.
func TestH80_OneGoodLedgerIsEnough(t *testing.T) {
	for _, region := range []string{east, west} {
		for name, body := range map[string]string{"truncated": truncated, "no JSON": "PK\x03\x04", "empty": ""} {
			t.Run(region+" "+name, func(t *testing.T) {
				w := pair(t)
				w.spoilLedger(region, body)
				s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
				w.check(err)
				if !attends(s, contract.AttentionLedger, "malformed ledger") || s.Generation != 1 {
					t.Errorf("status: %+v", s)
				}
				puts := w.buckets[east].Calls(storetest.Put) + w.buckets[west].Calls(storetest.Put)
				s, err = w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus, Wish: explicit(west)})
				w.check(err)
				if w.buckets[east].Calls(storetest.Put)+w.buckets[west].Calls(storetest.Put) != puts || !attends(s, contract.AttentionLedger, "malformed ledger") {
					t.Errorf("looking wrote something, or told nothing: %+v", s)
				}
				if s := w.tick(east); !s.Done || !attends(s, contract.AttentionLedger, "generation 1 was written over it") {
					t.Errorf("the minute's run: %+v", s)
				}
				w.put(east, "movies", "3")
				w.pass(31 * time.Minute)
				w.pointOf(east)
				w.spoilLedger(region, body)
				w.done(w.until(explicit(west), "one"))
				w.holds(west, "movies", "1", "2", "3")
				w.spoilLedger(region, body)
				back := explicit(east)
				back.SwitchFrom = "2"
				w.pass(time.Minute)
				w.ticks()
				w.pointOf(west)
				w.done(w.until(back, "two"))
				w.holds(east, "movies", "1", "2", "3")
			})
		}
	}
}

// The lost Region's ledger is malformed, and the Region is called unreachable.
func TestH80_AFailoverNeedsNotTheMalformedOne(t *testing.T) {
	w := pair(t)
	w.spoilLedger(east, truncated)
	w.away[east] = true
	p := explicit(west)
	p.UnreachableRegion = east
	if s := w.done(w.until(p, "one")); s.Generation != 2 {
		t.Errorf("%+v", s)
	}
}

// A malformed ledger that may have carried a higher generation is written over by
// nobody but a person: the record, or a switch that tried to claim, says so.
func TestH80_AWitnessedLedgerIsNeverWrittenOver(t *testing.T) {
	notes := func(w *world) {
		_, err := w.buckets[west].Put(w.t.Context(), "_dr/journal/switch.json", []byte(`{"version":1,"token":"t","generation":1,"claimAt":"2026-11-23T09:00:30Z"}`), store.Condition{})
		w.check(err)
	}
	for name, c := range map[string]struct {
		body  string
		spoil func(w *world)
	}{
		"the record": {truncated, func(w *world) {
			_, err := route.Ensure(w.t.Context(), w.zone, w.settings.DNS.Record, route.Wish{Endpoint: "elsewhere", TTL: 60, Mark: route.Mark{Name: "films", Region: west, Generation: 2}}, false)
			w.check(err)
		}},
		"a switch that tried to claim": {truncated, notes},
		"a later release":              {`{"version":2,"generations":[1]}`, func(*world) {}},
		"the other one is stale": {truncated, func(w *world) {
			w.check(w.buckets[east].Delete(w.t.Context(), ledger.Key))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.spoilLedger(west, c.body)
			c.spoil(w)
			for _, region := range []string{east, west} {
				s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionTick})
				if err == nil {
					t.Errorf("no alarm rings in %s: %+v", region, s)
				}
				if !attends(s, contract.AttentionLedger, "malformed") {
					t.Errorf("%s does not tell it: %+v", region, s.Attention)
				}
			}
			_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: explicit(west), RequestID: "one", RequestedAt: w.clock()})
			o, err := w.buckets[west].Get(t.Context(), ledger.Key)
			w.check(err)
			if string(o.Body) != c.body {
				t.Errorf("written over: %s", o.Body)
			}
			if strings.Contains(string(o.Body), `"activeRegion":"us-west-2"`) {
				t.Error("claimed")
			}
		})
	}
}
