package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// pair is a set-up east with a point, and an empty west.
func pair(t *testing.T) *world {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1", "2")
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	return w
}

func (w *world) askFor(p contract.WishProperties, id string, at time.Time) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(p.Region, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: id, RequestedAt: at})
	w.check(err)
	return s
}

func (w *world) writes(region, index, id string) bool {
	return w.clusters[region].Index(w.t.Context(), index, id, "{}") == nil
}

func TestH1_FailbackWithoutStandDownSavesTheOldDomainFirst(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "lost")
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	w.put(west, "movies", "3")
	w.lose(east, false)
	back := explicit(east)
	back.SwitchFrom = "2"
	w.done(w.until(back, "two"))
	w.holds(east, "movies", "1", "2", "3")
	if s := w.salvage(west, w.clusters[east].UUID()); s.Documents != 3 {
		t.Errorf("salvage %+v", s)
	}
}

func TestH1_NothingIsRestoredOverWhatCannotBeSaved(t *testing.T) {
	w := pair(t)
	w.put(west, "movies", "only here")
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.until(p, "one")
	wantRefusal(t, s, "movies", "abandonDomain="+w.clusters[west].UUID())
	w.holds(west, "movies", "only here")
	p.AbandonDomain = w.clusters[west].UUID()
	w.done(w.until(p, "two"))
	w.holds(west, "movies", "1", "2")
}

func TestH7_UpdatesWithEqualCountsAreBrought(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(30 * time.Second)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	w.check(w.clusters[east].Delete(t.Context(), "movies", "1"))
	w.put(east, "movies", "9")
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "2", "9")
}

func TestH12_APlannedSwitchLeavesNothingBehindUnsaid(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.check(w.clusters[east].CreateIndex(t.Context(), "old", opensearchtest.IndexOptions{Tier: "warm"}))
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	wantRefusal(t, w.until(explicit(west), "one"), "old", "restore.exclude")
	if !w.writes(east, "movies", "2") {
		t.Error("fenced for nothing")
	}
	w.settings.Restore.Exclude = []string{"old"}
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2")
}

func TestH13_SameDataWithANewUUIDGoesOn(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.pointOf(east)
	uuid := w.clusters[east].ReplaceUUID()
	p := wish(east)
	s := w.done(w.until(p, "one"))
	if s.Generation != 2 || s.ClusterUUID != uuid || !w.writes(east, "movies", "2") {
		t.Errorf("%+v", s)
	}
}

func TestH13_ADomainMadeAgainIsRestoredInPlaceWhenMeant(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.pointOf(east)
	w.domain(east, 9)
	w.ticks()
	wantRefusal(t, w.until(wish(east), "one"), "identity changed", "switchFrom=1")
	p := explicit(east)
	p.SwitchFrom = "1"
	s := w.done(w.until(p, "two"))
	if s.Generation != 2 || s.ClusterUUID != w.clusters[east].UUID() {
		t.Errorf("%+v", s)
	}
	w.holds(east, "movies", "1")
	if !w.writes(east, "movies", "2") {
		t.Error("it takes no writes")
	}
}

func TestH23_WhatTheSourceDeletedIsGone(t *testing.T) {
	w := pair(t)
	w.put(east, "old", "1")
	w.pointOf(east)
	w.clusters[west].RestoresTake(30 * time.Second)
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "restore")
	w.check(w.clusters[east].DeleteIndex(t.Context(), "old"))
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "old")
	w.holds(west, "movies", "1", "2")
}

func TestF9_F11_F30_CapsuleAndAliasesBeforeTheFirstWrite(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "logs-1", "1")
	w.check(w.clusters[east].PutAliases(t.Context(), []opensearch.AliasAction{{Index: "logs-1", Alias: "logs", Properties: map[string]any{"is_write_index": true}}}))
	w.check(w.clusters[east].PutParts(t.Context(), "parts"))
	w.check(w.clusters[east].PutRole(t.Context(), "app", opensearch.Role{ClusterPermissions: []string{"cluster:monitor/main"}}))
	w.check(w.clusters[east].PutRoleMapping(t.Context(), "app", opensearch.RoleMapping{BackendRoles: []string{"arn:aws:iam::111122223333:role/app"}}))
	w.tick(east)
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	early := false
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if (call == "GiveBlocks" || call == "SetBlocks") && w.aliases(west)["logs-1"] == nil {
			early = true
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.until(explicit(west), "one"))
	w.clusters[west].Intercept(nil)
	if early {
		t.Error("writes were let in before the aliases stood")
	}
	c, err := w.clusters[west].Capsule(t.Context())
	w.check(err)
	if c.ComponentTemplates["parts"] == nil || c.Aliases["logs-1"]["logs"] == nil {
		t.Errorf("%+v", c)
	}
	m, err := w.clusters[west].RoleMapping(t.Context(), "app")
	w.check(err)
	if len(m.BackendRoles) != 1 {
		t.Errorf("%+v", m)
	}
}

// A role that is made of an action group grants nothing where the group is not.
func TestH62_ActionGroupsComeBeforeTheirRoles(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "films", "1")
	_, err := w.clusters[east].PutSecurityCapsule(t.Context(), opensearch.Capsule{
		ActionGroups: map[string]map[string]any{"my_read": {"allowed_actions": []any{"indices:data/read/*"}}},
		Roles:        map[string]map[string]any{"reader": {"index_permissions": []any{map[string]any{"index_patterns": []any{"films"}, "allowed_actions": []any{"my_read"}}}}},
	})
	w.check(err)
	w.tick(east)
	w.done(w.until(w.lostTo(), "one"))
	got, err := w.clusters[west].SecurityCapsule(t.Context())
	w.check(err)
	if got.ActionGroups["my_read"]["allowed_actions"] == nil || got.Roles["reader"] == nil {
		t.Errorf("the role or its action group is not here: %+v", got)
	}
}

func (w *world) aliases(region string) map[string]map[string]any {
	w.clusters[region].Intercept(nil)
	c, err := w.clusters[region].Capsule(w.t.Context())
	w.check(err)
	return c.Aliases
}

func TestF12_AnIndexInTheWayIsNeverOverwritten(t *testing.T) {
	w := pair(t)
	w.put(west, "movies", "mine")
	s := w.until(explicit(west), "one") // the other Region answers: it is saved first
	w.done(s)
	w.holds(west, "movies", "1", "2")
	if p := w.salvage(east, w.clusters[west].UUID()); p.Documents != 1 {
		t.Errorf("%+v", p)
	}
}

func TestF34_ARestoreWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	w := pair(t)
	n := 0
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Restore" {
			if n++; n == 1 {
				return opensearchtest.Verdict{After: opensearchtest.GatewayTimeout("restore")}
			}
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.until(explicit(west), "one"))
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.holds(west, "movies", "1", "2")
}

func TestX4_Route53AwayAfterASwitchHealsByItself(t *testing.T) {
	w := pair(t)
	w.lose(east, true)
	w.zone.Refuse(false, true)
	p := explicit(west)
	p.UnreachableRegion = east
	at := w.clock()
	var s contract.RecoveryStatus
	for range 5 {
		s = w.askFor(p, "one", at)
		w.pass(time.Minute)
	}
	wantWaiting(t, s, "Route 53")
	if s.Generation != 2 || !strings.Contains(s.WaitingFor, w.descs[west].Endpoint) || !w.writes(west, "movies", "3") {
		t.Errorf("%+v", s)
	}
	w.zone.Refuse(false, false)
	w.ticks()
	if w.record().Target != w.descs[west].Endpoint {
		t.Errorf("%+v", w.record())
	}
}

func TestSelectiveRestoreListsWhatItLeavesOut(t *testing.T) {
	w := newWorld(t)
	w.settings.Restore = contract.Restore{Indices: []string{"logs-*"}, Exclude: []string{"logs-debug"}}
	w.active()
	for _, i := range []string{"logs-1", "logs-debug", "movies"} {
		w.put(east, i, "1")
	}
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	s := w.done(w.until(explicit(west), "one"))
	w.holds(west, "logs-1", "1")
	w.holds(west, "logs-debug")
	w.holds(west, "movies")
	if !strings.Contains(strings.Join(s.Notices, " "), "left out by dr.restore: logs-debug, movies") {
		t.Errorf("%v", s.Notices)
	}
}

func TestReleaseOfADomainThatDoesNotAnswer(t *testing.T) {
	w := pair(t)
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	w.lose(east, false)
	uuid := w.clusters[east].UUID()
	w.clusters[east].Kill()
	wantRefusal(t, w.letGo(wish(east)), "does not answer", "abandonDomain="+uuid)
	g := wish(east)
	g.AbandonDomain = uuid
	s := w.done(w.letGo(g))
	if !strings.Contains(strings.Join(s.Notices, " "), "abandoned") {
		t.Errorf("%v", s.Notices)
	}
}

// The listing that a plan is made of must be as new as what the engine said of
// its restores, else a copy that is complete by now looks like a stranger's.
func TestG4_ARestoreThatEndsBetweenTwoLooks(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(time.Minute)
	w.asked = func() { w.pass(time.Minute) }
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "movies", "1", "2")
}
