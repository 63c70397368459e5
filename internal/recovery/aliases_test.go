package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

func (w *world) alias(region string, actions ...opensearch.AliasAction) {
	w.t.Helper()
	w.check(w.clusters[region].PutAliases(w.t.Context(), actions))
}

func add(index, alias string, writes bool) opensearch.AliasAction {
	return opensearch.AliasAction{Index: index, Alias: alias, Properties: map[string]any{"is_write_index": writes}}
}

func drop(index, alias string) opensearch.AliasAction {
	return opensearch.AliasAction{Index: index, Alias: alias, Remove: true}
}

// whileItRuns, a snapshot of the east, users do something.
func (w *world) whileItRuns(f func()) {
	w.t.Helper()
	w.clusters[east].HoldSnapshots()
	_, err := w.run(east, "demand")
	w.check(err)
	f()
	w.clusters[east].ReleaseSnapshots()
	w.pass(time.Minute)
	w.tick(east)
}

// failOver to what was caught.
func (w *world) failOver() {
	w.t.Helper()
	w.domain(west, 2)
	w.lostNow()
}

// lostNow: the domain of the west is there.
func (w *world) lostNow() {
	w.t.Helper()
	w.ticks()
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
}

func TestH63_ARolloverWhileTheSnapshotRuns(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "logs-000001", "1")
	w.alias(east, add("logs-000001", "logs", true))
	w.whileItRuns(func() {
		w.put(east, "logs-000002", "2")
		w.alias(east, add("logs-000001", "logs", false), add("logs-000002", "logs", true))
	})
	w.failOver()
	if p, _ := w.aliases(west)["logs-000001"]["logs"].(map[string]any); p["is_write_index"] != true {
		t.Errorf("the alias has no write index: %v", w.aliases(west))
	}
	if got := w.named(west, contract.AttentionReplay); !slices.Equal(got, []string{"alias logs"}) {
		t.Errorf("status names %v", got)
	}
}

// Blue and green: the alias moves to an index that the snapshot does not hold, and
// the old index stays or goes.
func TestH63_AnAliasThatMovesWhileTheSnapshotRuns(t *testing.T) {
	for _, goes := range []bool{false, true} {
		w := newWorld(t)
		w.active()
		w.put(east, "shop-1", "1")
		w.check(w.clusters[east].PutAlias(t.Context(), "shop-1", "shop"))
		w.whileItRuns(func() {
			w.put(east, "shop-2", "1", "2")
			w.alias(east, drop("shop-1", "shop"), add("shop-2", "shop", true))
		})
		if goes { // the snapshot is over, and settled a minute later
			_, err := w.run(east, "demand")
			w.check(err)
			w.check(w.clusters[east].DeleteIndex(t.Context(), "shop-1"))
			w.check(w.clusters[east].DeleteIndex(t.Context(), "shop-2"))
			w.pass(time.Minute)
			w.tick(east)
		}
		w.failOver()
		holder := map[bool]string{false: "shop-1", true: "shop-2"}[goes]
		if w.aliases(west)[holder]["shop"] == nil {
			t.Errorf("goes %v: the alias resolves to nothing: %v", goes, w.aliases(west))
		}
		if got := w.named(west, contract.AttentionReplay); !slices.Equal(got, []string{"alias shop"}) {
			t.Errorf("goes %v: status names %v", goes, got)
		}
	}
}

// A zero-downtime reindex takes an index's name for an alias, between the end of
// the snapshot and its settling.
func TestH63_AnIndexBecomesAnAlias(t *testing.T) {
	w := newWorld(t)
	w.active()
	for _, i := range []string{"films", "films-v2", "movies"} {
		w.put(east, i, "1")
	}
	_, err := w.run(east, "demand") // over at once
	w.check(err)
	w.check(w.clusters[east].DeleteIndex(t.Context(), "films"))
	w.check(w.clusters[east].PutAlias(t.Context(), "films-v2", "films"))
	w.pass(20 * time.Second)
	w.tick(east)
	w.failOver()
	w.takesWrites(west, "films", "films-v2", "movies")
	if got := w.named(west, contract.AttentionReplay); !slices.Equal(got, []string{"alias films"}) {
		t.Errorf("status names %v", got)
	}
}

// A pipeline that calls a stored script comes after it; an index whose pipeline is
// missing is named, since each write to it is refused.
func TestStoredScriptsComeBeforePipelinesAndMissingOnesAreNamed(t *testing.T) {
	w := newWorld(t)
	w.active()
	for _, i := range []string{"in", "out", "movies"} {
		w.put(east, i, "1")
	}
	c := w.clusters[east]
	c.Processors("script", "geo")
	w.check(c.PutScript(t.Context(), "tag", "painless", "ctx.seen = true"))
	_, err := c.PutCapsule(t.Context(), opensearch.Capsule{IngestPipelines: map[string]map[string]any{
		"tagger":  {"processors": []any{map[string]any{"script": map[string]any{"id": "tag"}}}},
		"located": {"processors": []any{map[string]any{"geo": map[string]any{}}}},
	}})
	w.check(err)
	w.check(c.SetPipeline(t.Context(), "in", "index.default_pipeline", "tagger"))
	w.check(c.SetPipeline(t.Context(), "out", "index.final_pipeline", "located"))
	w.pointOf(east)
	w.domain(west, 2)
	w.clusters[west].Processors("script") // and not the plugin of the other one
	w.lostNow()
	w.takesWrites(west, "in", "movies")
	if w.writes(west, "out", "2") {
		t.Error("the pipeline is not missing")
	}
	got := w.named(west, contract.AttentionReplay)
	if all := strings.Join(got, "\n"); !strings.Contains(all, "ingest pipeline located") || !strings.Contains(all, "out index.final_pipeline") || strings.Contains(all, "tagger") {
		t.Errorf("status names %v", got)
	}
}
