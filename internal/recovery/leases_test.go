package recovery_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// attends tells whether a status has an attention of a code, with a text.
func attends(s contract.RecoveryStatus, code, part string) bool {
	return slices.ContainsFunc(s.Attention, func(a contract.Attention) bool { return a.Code == code && strings.Contains(a.String(), part) })
}

// A run that is killed in the middle of a failover costs about a minute.
func TestH85_ARunThatIsKilledCostsAMinute(t *testing.T) {
	w := pair(t)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	at := w.clock()
	killed := false
	w.clusters[west].Intercept(func(string) opensearchtest.Verdict {
		if !killed { // just after the lease: nothing that this process does has an effect any more
			killed = true
			w.buckets[west].SetUnreachable(true)
		}
		return opensearchtest.Verdict{}
	})
	_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at})
	if !killed {
		t.Fatal("it never got to the domain")
	}
	w.buckets[west].SetUnreachable(false)
	wantWaiting(t, w.askFor(p, "one", at), "another run")
	w.pass(40 * time.Second)
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if !attends(s, contract.AttentionLease, "has not renewed it for 40s") {
		t.Errorf("status does not name the lease that delays the switch: %+v", s.Attention)
	}
	w.pass(21 * time.Second)
	if s := w.askFor(p, "one", at); strings.Contains(s.WaitingFor, "another run") {
		t.Errorf("a minute later: %+v", s)
	}
	w.done(w.until(p, "one"))
}

// A lease, a mark and a pin that outlast any that the product gives count as none.
func TestH86_WhatNeverEndsStopsNothing(t *testing.T) {
	w := pair(t)
	week := w.clock().Add(7 * 24 * time.Hour)
	put := func(region, key string, v any) {
		body, err := json.Marshal(v)
		w.check(err)
		_, err = w.buckets[region].Put(t.Context(), key, body, store.Condition{})
		w.check(err)
	}
	overlong := func(what string) map[string]any {
		return map[string]any{"version": 1, "what": what, "holder": "somebody", "token": "x", "since": w.clock(), "expires": week}
	}
	for _, region := range []string{east, west} {
		for _, what := range []string{recovery.LeaseName, snapshot.LeaseName} {
			put(region, lease.Prefix+what+".json", overlong(what))
		}
		l := w.ledger(region).Ledger
		l.Intent = &ledger.Intent{Token: "y", FromGeneration: 1, To: east, RequestID: "from-nowhere", Expires: week}
		put(region, ledger.Key, l)
	}
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	for _, part := range []string{recovery.LeaseName + ".json", snapshot.LeaseName + ".json", "from-nowhere"} {
		if !attends(s, contract.AttentionLease, part) {
			t.Errorf("status does not name %s: %+v", part, s.Attention)
		}
	}
	s = w.tick(west)
	for _, part := range []string{recovery.LeaseName + ".json", "from-nowhere"} {
		if !attends(s, contract.AttentionLease, part) {
			t.Errorf("the minute's run does not name %s: %+v", part, s.Attention)
		}
	}
	if r, err := w.run(east, "demand"); err != nil || r.Started == "" {
		t.Errorf("no snapshot: %+v, %v", r, err)
	}
	w.pass(time.Minute)
	w.ticks()
	w.done(w.until(explicit(west), "one"))
	if s := w.tick(west); len(s.Attention) > 0 {
		t.Errorf("told for ever: %+v", s.Attention)
	}
}

// A malformed lease was written by no run: it is replaced, and told.
func TestH86_AMalformedLeaseStopsNothing(t *testing.T) {
	w := pair(t)
	_, err := w.buckets[west].Put(t.Context(), lease.Prefix+recovery.LeaseName+".json", []byte(`{"version":1,`), store.Condition{})
	w.check(err)
	if s := w.tick(west); !s.Done || !attends(s, contract.AttentionLease, "malformed lease") {
		t.Errorf("%+v", s)
	}
}

// Whoever is past its lease changes nothing more.
func TestH85_NobodyActsAfterItsLease(t *testing.T) {
	w := pair(t)
	late := false
	w.buckets[west].OnCall(func(op storetest.Op, key string) {
		if op == storetest.Put && strings.HasPrefix(key, point.PinsPrefix) && !late {
			late = true
			w.pass(lease.TTL) // this process stands still, and renews nothing
		}
	})
	s := w.askFor(explicit(west), "one", w.clock())
	if !late {
		t.Fatal("nothing was pinned")
	}
	wantWaiting(t, s, "took longer than its lease")
	if all, err := w.clusters[west].Indices(t.Context()); err != nil || slices.ContainsFunc(all, func(i opensearch.Index) bool { return i.Name == "movies" }) {
		t.Errorf("it restored: %v, %v", all, err)
	}
	w.buckets[west].OnCall(nil)
	w.done(w.until(explicit(west), "two"))
}

// A pin of next year keeps no point from being pruned, and is told.
func TestH86_AnOverlongPinKeepsNothing(t *testing.T) {
	w := pair(t)
	ids, err := point.List(t.Context(), w.buckets[west])
	w.check(err)
	body, err := json.Marshal(point.Pin{Point: ids[0], Holder: "somebody", Expires: w.clock().AddDate(1, 0, 0)})
	w.check(err)
	_, err = w.buckets[west].Put(t.Context(), point.PinsPrefix+ids[0].String()+"-0123456789abcdef.json", body, store.Condition{})
	w.check(err)
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if !attends(s, contract.AttentionLease, "pinned by somebody") {
		t.Errorf("status does not name the pin: %+v", s.Attention)
	}
	for range 6 {
		w.pass(31 * time.Minute)
		w.pointOf(east)
	}
	if _, err := point.Load(t.Context(), w.buckets[west], ids[0]); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("the point is kept for ever: %v", err)
	}
}
