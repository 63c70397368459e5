package recovery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
)

// lostTo west: the east is lost with one recovery point, and a domain is here.
func (w *world) lostTo() contract.WishProperties {
	w.t.Helper()
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	return p
}

// named subjects of a code, as status tells them later.
func (w *world) named(region, code string) []string {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	var out []string
	for _, a := range s.Attention {
		if a.Code == code {
			if a.Text == "" || a.Hint == "" {
				w.t.Errorf("%+v says nothing of the cause, or of the way out", a)
			}
			out = append(out, a.Subject)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) takesWrites(region string, indices ...string) {
	w.t.Helper()
	for _, i := range indices {
		if !w.writes(region, i, "after") {
			w.t.Errorf("%s in %s takes no writes", i, region)
		}
	}
}

// A block of the source's disk, or of its nodes, is not carried and is told.
func TestH52_FailoverFromAFullDisk(t *testing.T) {
	w := newWorld(t)
	w.active()
	for _, i := range []string{"accounts", "archive", "movies", "scaled", "users"} {
		w.put(east, i, "1")
	}
	w.check(w.clusters[east].SetBlock(t.Context(), "movies", "read_only_allow_delete", true))
	w.check(w.clusters[east].SetBlock(t.Context(), "scaled", "search_only", true))
	w.check(w.clusters[east].SetBlock(t.Context(), "archive", "read_only", true))
	w.done(w.until(w.lostTo(), "one"))
	w.takesWrites(west, "accounts", "movies", "scaled", "users")
	if w.writes(west, "archive", "2") {
		t.Error("the user's own block is not carried")
	}
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if all := strings.Join(s.Notices, "\n"); !strings.Contains(all, "movies: read_only_allow_delete") || !strings.Contains(all, "scaled: search_only") {
		t.Errorf("what is not carried is not told: %s", all)
	}
}

// An index at the flood stage of the target waits for room, and no other waits for it.
func TestH52_AnIndexThatTheTargetRefusesStopsNoOther(t *testing.T) {
	for _, when := range []string{"GiveBlocks", "PutAliases"} { // between listing and lift, and before
		w := newWorld(t)
		w.active()
		for _, i := range []string{"accounts", "movies", "users"} {
			w.put(east, i, "1")
		}
		w.check(w.clusters[east].PutAlias(t.Context(), "users", "people"))
		p := w.lostTo()
		flooded := false
		w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
			if call == when && !flooded {
				flooded = true
				w.check(w.clusters[west].SetBlock(t.Context(), "movies", "read_only_allow_delete", true))
			}
			return opensearchtest.Verdict{}
		})
		w.done(w.until(p, "one"))
		w.clusters[west].Intercept(nil)
		w.takesWrites(west, "accounts", "users")
		if got := w.named(west, contract.AttentionIndexBlocked); !slices.Equal(got, []string{"movies"}) {
			t.Errorf("%s: status names %v", when, got)
		}
		// A block that a user sets on an index that was handed over is theirs.
		w.check(w.clusters[west].SetBlock(t.Context(), "users", "write", true))
		w.pass(time.Minute)
		w.ticks()
		if w.writes(west, "users", "x") {
			t.Errorf("%s: the user's block is lifted", when)
		}
		w.check(w.clusters[west].SetBlock(t.Context(), "movies", "read_only_allow_delete", false))
		w.ticks()
		w.takesWrites(west, "movies")
		if got := w.named(west, contract.AttentionIndexBlocked); len(got) > 0 {
			t.Errorf("%s: status names %v after all is handed over", when, got)
		}
		if left := w.leftovers(); slices.ContainsFunc(left, func(k string) bool { return strings.Contains(k, "restore") }) {
			t.Errorf("left: %v", left)
		}
	}
}

// A close that the engine refuses keeps neither the switch nor the writes.
func TestH52_AnIndexThatCannotBeClosedStopsNothing(t *testing.T) {
	w := closing(t)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Close" {
			return opensearchtest.Verdict{Before: &opensearch.Error{Step: "close index", Status: 429, Type: "cluster_block_exception", Reason: "[TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]"}}
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.until(p, "one"))
	w.takesWrites(west, "movies", "logs")
	if got := w.named(west, contract.AttentionIndexBlocked); !slices.Contains(got, "attic") {
		t.Errorf("status names %v", got)
	}
	w.clusters[west].Intercept(nil)
	w.ticks()
	if i := w.find(west, "attic"); i.Open {
		t.Error("attic is open")
	}
}

// refuse some parts with an answer of the engine or its plugins.
func refuse(bad map[string]error) func(part, name string) error {
	return func(part, name string) error { return bad[part+" "+name] }
}

// withCapsule: one of each part, and an alias, on a domain of three indexes.
func withCapsule(t *testing.T) *world {
	w := newWorld(t)
	w.active()
	for _, i := range []string{"accounts", "movies", "users"} {
		w.put(east, i, "1")
	}
	c := w.clusters[east]
	c.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{"keep": {"states": []any{}}, "roll": {"states": []any{}}}})
	w.check(c.PutParts(t.Context(), "parts"))
	w.check(c.PutParts(t.Context(), "more"))
	w.check(c.PutAlias(t.Context(), "movies", "films"))
	w.check(c.PutAlias(t.Context(), "users", "people"))
	w.check(c.PutRole(t.Context(), "app", opensearch.Role{ClusterPermissions: []string{"cluster:monitor/main"}}))
	w.check(c.PutRoleMapping(t.Context(), "app", opensearch.RoleMapping{BackendRoles: []string{"arn:aws:iam::111122223333:role/app"}}))
	w.tick(east)
	return w
}

func TestH54_WhatIsRefusedAfterTheClaimIsNamedAndStopsNothing(t *testing.T) {
	w := withCapsule(t)
	p := w.lostTo()
	c := w.clusters[west]
	c.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{}})
	c.RefuseParts(refuse(map[string]error{
		"alias films":              &opensearch.Error{Step: "put aliases", Status: 400, Type: "invalid_alias_name_exception", Reason: "an index exists with the same name as the alias"},
		"ISM policy keep":          &opensearch.Error{Step: "put ISM policy keep", Status: 403, Type: "security_exception", Reason: "no permissions for [cluster:admin/opendistro/ism/policy/write]"},
		"index template more":      &opensearch.Error{Step: "put index template more", Status: 400, Type: "illegal_argument_exception", Reason: "unknown setting [index.strange]"},
		"ingest pipeline more":     &opensearch.Error{Step: "put ingest pipeline more", Status: 400, Type: "parse_exception", Reason: "No processor type exists with name [attachment]"},
		"component template parts": &opensearch.Error{Step: "put component template parts", Status: 500, Type: "null_pointer_exception", Reason: "null"},
		"role app":                 &opensearch.Error{Step: "put role app", Status: 500, Type: "INTERNAL_SERVER_ERROR", Reason: "could not update"},
	}))
	began := w.clock()
	w.done(w.until(p, "one"))
	if took := w.clock().Sub(began); took > 10*time.Minute {
		t.Errorf("a definite refusal is waited for: %s", took)
	}
	w.takesWrites(west, "accounts", "movies", "users")
	got, err := c.Capsule(t.Context())
	w.check(err)
	if got.Aliases["users"]["people"] == nil || got.Aliases["movies"] != nil || got.ISMPolicies["roll"] == nil || got.LegacyTemplates["more"] == nil {
		t.Errorf("what could be put is not here: %+v", got)
	}
	want := []string{"ISM policy keep", "alias films", "component template parts", "index template more", "index template parts", "ingest pipeline more", "role app", "role mapping app"}
	if got := w.named(west, contract.AttentionReplay); !slices.Equal(got, want) {
		t.Errorf("status names %v, want %v", got, want)
	}
	if w.creates(west) == "+.*,-* true" {
		t.Error("automatic creation is left off")
	}
}

// What nobody answers is asked for again; writes wait five minutes for it and no longer.
func TestH54_WhatNobodyAnswersKeepsWritesForFiveMinutesAtMost(t *testing.T) {
	for _, part := range []string{"ISM policy keep", "alias films"} {
		w := withCapsule(t)
		p := w.lostTo()
		c := w.clusters[west]
		c.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{}})
		c.RefuseParts(refuse(map[string]error{part: opensearchtest.GatewayTimeout("put")}))
		at := w.clock()
		var claimed, written time.Time
		for range 40 {
			_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at})
			if claimed.IsZero() && w.ledger(west).Ledger.ActiveRegion == west {
				claimed = w.clock()
			}
			if !claimed.IsZero() && w.writes(west, "accounts", "new") {
				written = w.clock()
				break
			}
			w.pass(time.Minute)
			w.ticks()
		}
		if written.IsZero() || written.Sub(claimed) > 6*time.Minute || written.Sub(claimed) < time.Minute {
			t.Errorf("%s: claimed at %s, writes at %s", part, claimed, written)
		}
		w.takesWrites(west, "movies", "users")
		w.ticks()
		if s, _ := w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at}); !s.Done || len(s.Attention) == 0 {
			t.Errorf("%s: %+v", part, s)
		}
		if got := w.named(west, contract.AttentionReplay); !slices.Equal(got, []string{"hand-over"}) {
			t.Errorf("%s: status names %v", part, got)
		}
		// Without its alias a client's write by that name would make an index of it.
		if off := w.creates(west) == "+.*,-* true"; off != (part == "alias films") {
			t.Errorf("%s: automatic creation is %s", part, w.creates(west))
		}
		c.RefuseParts(nil)
		w.pass(time.Minute)
		w.ticks()
		w.ticks()
		got, err := c.Capsule(t.Context())
		w.check(err)
		if got.ISMPolicies["keep"] == nil || got.Aliases["movies"]["films"] == nil || w.creates(west) == "+.*,-* true" {
			t.Errorf("%s: not replayed when the domain answers again: %+v, %s", part, got, w.creates(west))
		}
		if got := w.named(west, contract.AttentionReplay); len(got) > 0 {
			t.Errorf("%s: status names %v", part, got)
		}
	}
}

func TestH73_AnIndexThatGoesBetweenClaimAndHandOver(t *testing.T) {
	w := withCapsule(t)
	p := w.lostTo()
	w.clusters[west].SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{}})
	gone := false
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if !gone && call == "PutAliases" {
			gone = true
			w.check(w.clusters[west].DeleteIndex(t.Context(), "movies"))
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.until(p, "one"))
	w.clusters[west].Intercept(nil)
	w.takesWrites(west, "accounts", "users")
	if !gone || w.aliases(west)["users"]["people"] == nil {
		t.Errorf("aliases %v", w.aliases(west))
	}
	if got := w.named(west, contract.AttentionReplay); len(got) > 0 {
		t.Errorf("what somebody deleted needs no attention: %v", got)
	}
}

// A domain of many indexes: readers follow the claim at once, and the hand-over
// costs some calls and not some for each index.
func TestH59_TheRecordWaitsForNoIndex(t *testing.T) {
	w := newWorld(t)
	w.active()
	const many = 1000
	for n := range many {
		w.put(east, fmt.Sprintf("tenant-%04d", n), "1")
	}
	for n := range 10 { // and some of other blocks
		w.check(w.clusters[east].SetBlock(t.Context(), fmt.Sprintf("tenant-%04d", 100*n), "read_only", true))
	}
	p := w.lostTo()
	calls, late := map[string]int{}, false
	claimed := false
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if !claimed {
			claimed = w.ledger(west).Ledger.ActiveRegion == west
		}
		if claimed {
			calls[call]++
		}
		late = late || call == "GiveBlocks" && w.record().Target != w.descs[west].Endpoint
		return opensearchtest.Verdict{}
	})
	at := w.clock()
	for range 40 {
		if s := w.askFor(p, "one", at); s.Done {
			break
		}
		w.pass(time.Minute)
	}
	w.clusters[west].Intercept(nil)
	if late {
		t.Error("an index is handed over before the record has moved")
	}
	sum := 0
	for _, n := range calls {
		sum += n
	}
	if calls["GiveBlocks"] == 0 || sum > 40 {
		t.Errorf("%d calls hand over %d indexes: %v", sum, many, calls)
	}
	w.takesWrites(west, "tenant-0001", "tenant-0999")
}

// The hand-over fails; the record moves in the same run all the same, by the
// command and by the minute.
func TestH59_TheRecordFollowsTheClaimThoughTheHandOverFails(t *testing.T) {
	for _, by := range []string{contract.ActionPromote, contract.ActionTick} {
		w := withCapsule(t)
		p := w.lostTo()
		w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
			if call == "GiveBlocks" || call == "PutAliases" {
				return opensearchtest.Verdict{Before: opensearchtest.GatewayTimeout("put")}
			}
			return opensearchtest.Verdict{}
		})
		at := w.clock()
		for range 40 {
			if by == contract.ActionPromote || w.ledger(west).Ledger.Intent == nil && w.ledger(west).Ledger.ActiveRegion != west {
				_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at})
			} else {
				_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionTick})
			}
			if w.ledger(west).Ledger.ActiveRegion == west {
				break
			}
			w.pass(time.Minute)
		}
		if l := w.ledger(west).Ledger; l.ActiveRegion != west || w.record().Target != w.descs[west].Endpoint {
			t.Errorf("%s: ledger %+v, record %+v", by, l, w.record())
		}
	}
}

// A capsule that no run's time is enough for: each run goes on where the one before
// was cut off, and writes wait for five minutes at most.
func TestH54_ALongReplayGoesOnWhereItWasCutOff(t *testing.T) {
	w := withCapsule(t)
	policies := map[string]map[string]any{}
	for n := range 1500 {
		policies[fmt.Sprintf("policy-%04d", n)] = map[string]any{"states": []any{}}
	}
	w.clusters[east].SetCapsule(opensearch.Capsule{ISMPolicies: policies})
	p := w.lostTo()
	c := w.clusters[west]
	c.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{}})
	puts, inRun := 0, 0
	var cut context.CancelFunc
	c.Intercept(func(call string) opensearchtest.Verdict {
		if call != "PutCapsule" {
			return opensearchtest.Verdict{}
		}
		if inRun++; inRun > 2 { // 100 of them take two minutes; the third of a run is cut off
			cut()
			return opensearchtest.Verdict{Before: context.Canceled}
		}
		puts++
		w.pass(2 * time.Minute)
		return opensearchtest.Verdict{}
	})
	at := w.clock()
	var claimed, written time.Time
	for range 60 {
		w.ctx, cut = context.WithCancel(t.Context())
		inRun = 0
		_, _ = w.ask(west, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: "one", RequestedAt: at})
		cut()
		if claimed.IsZero() && w.ledger(west).Ledger.ActiveRegion == west {
			claimed = w.clock()
		}
		if !claimed.IsZero() && written.IsZero() && w.writes(west, "accounts", "new") {
			written = w.clock()
		}
		w.pass(10 * time.Second)
	}
	w.ctx = t.Context()
	got, err := c.Capsule(t.Context())
	w.check(err)
	if len(got.ISMPolicies) != 1500 || puts > 18 {
		t.Errorf("%d of 1500 policies are here after %d calls", len(got.ISMPolicies), puts)
	}
	// The run that finds the five minutes over lets writes in first; the one before
	// may take all of its time.
	if written.IsZero() || written.Sub(claimed) > 10*time.Minute {
		t.Errorf("claimed at %s, writes at %s", claimed, written)
	}
}

// A recovery point of a version before has the disk's block among the user's.
func TestH52_AnOlderRecoveryPointHasTheDisksBlockAmongTheUsers(t *testing.T) {
	w := newWorld(t)
	w.active()
	for _, i := range []string{"accounts", "movies", "users"} {
		w.put(east, i, "1")
	}
	w.check(w.clusters[east].SetBlock(t.Context(), "movies", "read_only_allow_delete", true))
	p := w.lostTo()
	rewritten := false
	for _, key := range w.buckets[west].Keys() {
		if !strings.HasPrefix(key, "_dr/points/") || strings.Count(key, ".") > 1 {
			continue
		}
		o, err := w.buckets[west].Get(t.Context(), key)
		w.check(err)
		old := strings.Replace(string(o.Body), `"notCarried":["read_only_allow_delete"]`, `"blocks":["read_only_allow_delete"]`, 1)
		rewritten = rewritten || old != string(o.Body)
		_, err = w.buckets[west].Put(t.Context(), key, []byte(old), store.Condition{})
		w.check(err)
	}
	if !rewritten {
		t.Fatal("no recovery point names the block")
	}
	w.done(w.until(p, "one"))
	w.takesWrites(west, "accounts", "movies", "users")
}
