package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
)

func TestH8_WritesUnderWayAreWaitedFor(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].CreateDataStream(t.Context(), "logs"))
	n, err := w.clusters[east].BeginWrite(t.Context(), "logs", "late", `{}`)
	w.check(err)
	at := w.clock()
	s := w.askFor(explicit(west), "one", at)
	wantWaiting(t, s, "fence")
	w.check(w.clusters[east].FinishWrite(t.Context(), n)) // acknowledged
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "logs", "late")
}

func TestH9_IndexesThatAppearBehindTheFence(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "fence")
	w.check(w.clusters[east].CreateIndex(t.Context(), "new", opensearchtest.IndexOptions{}))
	w.put(east, "new", "1")
	w.clusters[east].ReleaseSnapshots()
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "new", "1")
}

func TestH9_AnIndexThatAppearsBeforeTheClaimStopsIt(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "3")
	w.clusters[west].RestoresTake(90 * time.Second)
	at := w.clock()
	for range 30 { // until the final point is there and comes
		_ = w.askFor(explicit(west), "one", at)
		if rec := w.fenceState(east); rec == "fenced" {
			break
		}
		w.pass(time.Minute)
		w.ticks()
	}
	if w.fenceState(east) != "fenced" {
		t.Fatal("never fenced")
	}
	w.check(w.clusters[east].CreateIndex(t.Context(), "new", opensearchtest.IndexOptions{}))
	w.put(east, "new", "1")
	w.clusters[west].RestoresTake(0)
	w.pass(2 * time.Minute)
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "new", "1")
	w.holds(west, "movies", "1", "2", "3")
}

func (w *world) fenceState(region string) string {
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if s.Fence == nil {
		return ""
	}
	return s.Fence.State
}

func TestH10_ADeadTargetsFenceIsLifted(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	if w.writes(east, "movies", "x") {
		t.Fatal("not fenced")
	}
	w.clusters[east].ReleaseSnapshots()
	w.lose(west, true)
	for range 15 {
		w.pass(time.Minute)
		w.ticks()
	}
	if !w.writes(east, "movies", "3") {
		t.Error("a write outage without end")
	}
	w.lose(west, false)
	w.ticks()
	w.done(w.until(explicit(west), "two"))
	w.holds(west, "movies", "1", "2", "3")
}

func TestH10_AStalledFenceIsGivenUp(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	at := w.clock()
	var s contract.RecoveryStatus
	for range 40 {
		if s = w.askFor(explicit(west), "one", at); s.Refusal != "" {
			break
		}
		w.pass(time.Minute)
		w.ticks()
	}
	wantRefusal(t, s, "dr.maxWritePause is 10m0s", "writes go on there")
	w.clusters[east].ReleaseSnapshots()
	w.pass(time.Minute)
	w.ticks()
	if !w.writes(east, "movies", "3") {
		t.Error("the fence stays")
	}
}

func TestH24_TheUsersOwnBlocksAndSettingsComeBack(t *testing.T) {
	w := pair(t)
	c := w.clusters[east]
	w.put(east, "archive", "1")
	w.check(c.SetBlocks(t.Context(), "archive", []string{"write"}))
	w.check(c.SetAutoCreate(t.Context(), "-app*,+*", true))
	w.pointOf(east)
	c.HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	_, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionAbort})
	w.check(err)
	c.ReleaseSnapshots()
	w.ticks()
	if v, _, _ := c.AutoCreate(t.Context()); v != "-app*,+*" || !w.blocked(east, "archive") || w.blocked(east, "movies") {
		t.Errorf("after the abort: %q, archive %v, movies %v", v, w.blocked(east, "archive"), w.blocked(east, "movies"))
	}
	w.done(w.until(explicit(west), "two"))
	if !w.blocked(west, "archive") || w.blocked(west, "movies") {
		t.Errorf("in the new domain: archive %v, movies %v", w.blocked(west, "archive"), w.blocked(west, "movies"))
	}
	w.holds(west, "archive", "1")
}

// The claim follows the last look at the fence at once, or another look is taken:
// nothing forbids an index to be made in between.
func TestH9_AClaimOnALateAnswerLooksAgain(t *testing.T) {
	w := pair(t)
	w.late = time.Minute
	at := w.clock()
	var s contract.RecoveryStatus
	for range 10 {
		if s = w.askFor(explicit(west), "one", at); s.Done || strings.Contains(s.WaitingFor, "look") {
			break
		}
		w.pass(time.Second)
	}
	wantWaiting(t, s, "the last look at the fence is too old")
	if g := w.ledger(east).Ledger.Generation; g != 1 {
		t.Errorf("generation %d", g)
	}
	w.done(w.until(explicit(west), "one"))
}

// Nothing forbids an index to be made on a fenced domain: what comes while the
// domain is saved is saved too, before it may go.
func TestH9_AnIndexThatComesWhileADomainIsSaved(t *testing.T) {
	w := pair(t)
	w.done(w.until(explicit(west), "one"))
	w.put(west, "movies", "3")
	w.pointOf(west)
	old := w.clusters[east]
	made := false
	old.Intercept(func(call string) opensearchtest.Verdict {
		if call == "VerifyRepository" && !made { // the active domain's point is looked at: the salvage is taken
			if s, err := old.Snapshots(t.Context(), contract.Repository); err == nil && slices.ContainsFunc(s, func(s opensearch.Snapshot) bool { return strings.HasSuffix(s.Name, "-g2") }) {
				made = true
				w.check(old.CreateIndex(t.Context(), "late", opensearchtest.IndexOptions{}))
				w.put(east, "late", "only here")
			}
		}
		return opensearchtest.Verdict{}
	})
	w.done(w.letGo(wish(east)))
	if !made {
		t.Fatal("nothing came: nothing was shown")
	}
	if s := w.salvage(west, old.UUID()); !slices.ContainsFunc(s.Indices, func(i point.Index) bool { return i.Name == "late" }) {
		t.Errorf("the domain may go, and index late is not in salvage %s", s.ID)
	}
}

// Cut off from the Region that has gone on alone, the record is the witness: the
// fence stays, and nothing more is acknowledged that would be missing there.
func TestH28_TheRecordKeepsAFenceUp(t *testing.T) {
	w := pair(t)
	w.clusters[east].HoldSnapshots()
	wantWaiting(t, w.askFor(explicit(west), "one", w.clock()), "fence")
	w.clusters[east].ReleaseSnapshots()
	w.lose(west, true)
	w.check(w.zone.Upsert(t.Context(), w.settings.DNS.Record, route.Wish{
		Endpoint: w.descs[west].Endpoint, TTL: 60, Mark: route.Mark{Name: w.settings.Name, Region: west, Generation: 2},
	}))
	for range 15 {
		w.pass(time.Minute)
		w.ticks()
	}
	if w.writes(east, "movies", "split brain") {
		t.Error("the fence was lifted although the record names generation 2")
	}
}

// The fence may capture more between the second pass and the last look: it stands
// then, and the claim must not rest on what was restored before.
func TestH9_AFenceThatHasCapturedMoreIsNotTheOneThatWasRestored(t *testing.T) {
	w := pair(t)
	w.before = func() {
		w.check(w.clusters[east].CreateIndex(t.Context(), "late", opensearchtest.IndexOptions{}))
		w.put(east, "late", "acknowledged")
		for range 3 {
			w.tick(east)
		}
	}
	w.done(w.until(explicit(west), "one"))
	if w.before != nil {
		t.Fatal("no look at the fence: nothing was shown")
	}
	w.holds(west, "late", "acknowledged")
}
