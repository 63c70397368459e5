package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

func attended(s contract.RecoveryStatus, code string) []string {
	var out []string
	for _, a := range s.Attention {
		if a.Code == code {
			out = append(out, a.String())
		}
	}
	return out
}

// A name that begins as the engine's own do is somebody's document all the same.
func TestH51_ANameThatLooksLikeTheEnginesIsSomebodysDocument(t *testing.T) {
	users := []string{".opensearch-inventory", ".plugins-ours", ".ql-ours", ".opendistro-mine", ".geospatial-ours", "top_queries-ours"}
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	for _, name := range users {
		w.put(east, name, "acknowledged")
	}
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	w.done(w.until(explicit(west), "one"))
	for _, name := range users {
		w.holds(west, name, "acknowledged")
	}
	for _, name := range users {
		w.check(w.clusters[west].Index(t.Context(), name, "later", "{}"))
	}
	w.pass(time.Minute)
	w.pointOf(west)
	w.done(w.letGo(wish(east)))
	if p := w.salvage(west, w.clusters[east].UUID()); p.Documents != int64(1+len(users)) {
		t.Errorf("the salvage has %d documents: %+v", p.Documents, p.LeftOut)
	}
}

// What people configured through a plugin is in no point. Everybody is told by name,
// in each minute's run, in the status and at the gate, which does not refuse for it.
func TestH51_WhatPluginsKeepIsNamedWhereverADomainIsTrusted(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.put(east, ".opendistro-alerting-config", "monitor")
	w.put(east, ".opensearch-knn-models", "model")
	w.put(east, ".opendistro-job-scheduler-lock", "lock")
	w.pointOf(east)
	tells := func(what string, s contract.RecoveryStatus) {
		t.Helper()
		said := strings.Join(attended(s, contract.AttentionNotCarried), "\n")
		for _, name := range []string{".opendistro-alerting-config", ".opensearch-knn-models"} {
			if !strings.Contains(said, name) {
				t.Errorf("%s does not name %s: %q", what, name, said)
			}
		}
		if strings.Contains(said, "lock") || strings.Contains(said, "movies") {
			t.Errorf("%s names what nobody misses: %q", what, said)
		}
	}
	tells("the minute's run", w.tick(east))
	s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	tells("the status", s)
	w.domain(west, 2)
	w.ticks()
	s = w.done(w.until(explicit(west), "one"))
	if said := strings.Join(s.Notices, "\n"); !strings.Contains(said, ".opensearch-knn-models") {
		t.Errorf("the switch does not say what is not here: %s", said)
	}
	w.pass(time.Minute)
	w.pointOf(west)
	tells("the gate", w.done(w.letGo(wish(east))))
}

// What no snapshot takes and users have keeps the domain, and each minute says so.
func TestH51_DocumentsInNoPointKeepTheDomainAndAreToldEachMinute(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.put(east, ".opensearch-inventory", "1")
	w.check(w.clusters[east].SetBlock(t.Context(), ".opensearch-inventory", "metadata", true))
	w.pointOf(east)
	if said := attended(w.tick(east), contract.AttentionNoPoint); len(said) != 1 || !strings.Contains(said[0], ".opensearch-inventory") {
		t.Errorf("%v", said)
	}
	w.lose(east, true)
	w.domain(west, 2)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	w.lose(east, false)
	w.ticks()
	w.pass(time.Minute)
	w.pointOf(west)
	wantRefusal(t, w.letGo(wish(east)), ".opensearch-inventory")
}

// Dashboards is first on a new domain, with its one document; the Region that has its
// own is lost, so nothing can be saved there.
func TestH61_DashboardsOfANewDomainIsInNobodysWay(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.put(east, ".kibana_1", "config:3.3.0", "dashboard:ours")
	w.pointOf(east)
	w.lose(east, true)
	w.domain(west, 2)
	w.put(west, ".kibana_1", "config:3.3.0")
	w.put(west, ".kibana_2", "config:3.4.0") // a stranger that the point does not have
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "one"))
	w.holds(west, ".kibana_1", "config:3.3.0", "dashboard:ours")
	w.holds(west, "movies", "1")
	if said := strings.Join(s.Notices, "\n"); !strings.Contains(said, ".kibana_1") {
		t.Errorf("nobody is told that it was replaced: %s", said)
	}
}

// More than Dashboards makes by itself, another name, or a domain that was active
// once: somebody's documents.
func TestH61_WhatPeopleMadeInDashboardsIsNeverReplaced(t *testing.T) {
	for name, make := range map[string]func(w *world){
		"many documents": func(w *world) {
			for n := range 30 {
				w.put(west, ".kibana_1", "dashboard:"+string(rune('A'+n)))
			}
		},
		"a tenant's": func(w *world) { w.put(west, ".kibana_92668751_admin_1", "dashboard:mine") },
		"another":    func(w *world) { w.put(west, "movies", "mine") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.active()
			w.put(east, "movies", "1")
			w.put(east, ".kibana_1", "dashboard:ours")
			w.put(east, ".kibana_92668751_admin_1", "dashboard:ours")
			w.pointOf(east)
			w.lose(east, true)
			w.domain(west, 2)
			make(w)
			p := explicit(west)
			p.UnreachableRegion = east
			wantRefusal(t, w.until(p, "one"), "saved nowhere")
		})
	}
	t.Run("a domain that was active", func(t *testing.T) {
		w := pair(t)
		w.done(w.until(explicit(west), "one"))
		w.put(west, ".kibana_1", "dashboard:ours")
		w.pass(time.Minute)
		w.pointOf(west)
		w.done(w.until(explicit(east), "two")) // west was active, and keeps what it has
		w.put(east, ".kibana_1", "later")
		w.pass(time.Minute)
		w.pointOf(east)
		w.slip(west, ".kibana_1", "mine")
		w.lose(east, true)
		p := explicit(west)
		p.UnreachableRegion = east
		wantRefusal(t, w.until(p, "three"), ".kibana_1")
	})
}

// The way out that the refusal names is one, for an index that the point has, too: the
// stranger goes and the copy comes.
func TestH61_AcceptUnverifiedReplacesAStrangerByItsCopy(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.put(east, "notes", "ours")
	w.pointOf(east)
	w.lose(east, true)
	w.domain(west, 2)
	w.put(west, "notes", "stranger")
	w.put(west, "extra", "stranger")
	p := explicit(west)
	p.UnreachableRegion = east
	wantRefusal(t, w.until(p, "one"), "notes", "extra", "acceptUnverified")
	p.AcceptUnverified = "notes,extra"
	w.done(w.until(p, "two"))
	w.holds(west, "notes", "ours")
	w.holds(west, "extra", "stranger")
	w.holds(west, "movies", "1")
}

// Query Insights makes an index each day, by itself, in every domain: it is in no
// point, no stranger, behind no fence and in no salvage.
func TestH82_TheDomainsOwnRecordOfQueriesIsNobodysDocument(t *testing.T) {
	w := newWorld(t)
	w.active()
	today := sysindex.TopQueries(w.clock())
	w.put(east, "movies", "1")
	w.put(east, today, "query")
	w.pointOf(east)
	w.lose(east, true)
	w.domain(west, 2)
	w.put(west, today, "query", "another")
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	w.holds(west, today, "query", "another")
	w.lose(east, false)
	w.ticks()
	w.check(w.clusters[east].Index(t.Context(), today, "later", "{}")) // behind the fence
	w.pass(24 * time.Hour)
	w.pointOf(west)
	w.done(w.letGo(wish(east)))
	if p := w.salvage(west, w.clusters[east].UUID()); len(p.Indices) != 1 {
		t.Errorf("%+v", p.Indices)
	}
}

// A warm standby is no copy less, and takes no salvage, because the service makes
// indexes in it.
func TestH82_AWarmStandbySavesNothingOfTheServices(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.put(east, ".kibana_1", "dashboard:ours")
	w.pointOf(east)
	w.domain(west, 2)
	w.put(west, ".kibana_1", "config:3.3.0")
	w.copied(west)
	for range 3 {
		w.put(east, "movies", w.clock().String())
		w.pointOf(east)
		w.check(w.clusters[west].CreateIndex(t.Context(), sysindex.TopQueries(w.clock()), opensearchtest.IndexOptions{}))
		w.check(w.clusters[west].Index(t.Context(), sysindex.TopQueries(w.clock()), "1", "{}"))
		w.copied(west)
		w.pass(24 * time.Hour)
	}
	_, ok, _, err := point.NewestWhole(t.Context(), w.buckets[east], func(p point.Point) bool { return p.Kind == point.KindSalvage })
	w.check(err)
	if ok {
		t.Error("a salvage of a standby in which nobody wrote anything")
	}
	w.holds(west, ".kibana_1", "dashboard:ours")
}
