package recovery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

func (w *world) told(region, code, subject string) bool {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	return slices.ContainsFunc(s.Attention, func(a contract.Attention) bool {
		return a.Code == code && strings.Contains(a.Subject, subject) && a.Hint != ""
	})
}

func TestH60_OneRedIndexStopsNoRecoveryPoint(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].CreateIndex(t.Context(), "oops", opensearchtest.IndexOptions{Red: true}))
	oldest := time.Duration(0)
	for n := range 240 {
		w.put(east, "movies", fmt.Sprint("m", n))
		w.pass(time.Minute)
		w.ticks()
		p, _, err := point.LoadNewest(t.Context(), w.buckets[west])
		w.check(err)
		oldest = max(oldest, w.clock().Sub(p.Start))
	}
	if oldest > time.Duration(w.settings.RPOMinutes)*time.Minute {
		t.Errorf("the newest recovery point was %s old, the objective is %d min", oldest, w.settings.RPOMinutes)
	}
	if !w.told(east, contract.AttentionNoPoint, "oops") {
		t.Error("status does not name the index that is in no recovery point")
	}
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	if n := len(w.ids(west, "movies")); n < 180 {
		t.Errorf("%d documents came back", n)
	}
}

func TestH76_SnapshotsInStepWithTheServicesOwn(t *testing.T) {
	w := pair(t)
	oldest := time.Duration(0)
	for n := range 360 {
		automated := ""
		if n%30 < 6 { // each run of the schedule falls into one
			automated = "cs-automated-enc/hourly"
		}
		w.clusters[east].RunAutomatedSnapshot(automated)
		if n%30 == 0 {
			_, err := w.run(east, "schedule")
			w.check(err)
		}
		w.pass(time.Minute)
		w.ticks()
		p, _, err := point.LoadNewest(t.Context(), w.buckets[west])
		w.check(err)
		oldest = max(oldest, w.clock().Sub(p.Start))
	}
	if limit := time.Duration(w.settings.RPOMinutes) * time.Minute; oldest > limit {
		t.Errorf("the newest recovery point was %s old, the objective is %s", oldest, limit)
	}
}

func TestH77_DocumentsComeBackThoughTheStreamRollsOverInEachSnapshot(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].CreateDataStream(t.Context(), "logs"))
	w.put(east, "logs", "0")
	w.clusters[east].SnapshotsTake(2 * time.Minute)
	for n := range 120 {
		w.pass(time.Minute)
		w.put(east, "logs", fmt.Sprint("d", n))
		w.check(w.clusters[east].Rollover(t.Context(), "logs"))
		_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
	}
	if !w.told(east, contract.AttentionNoPoint, "logs") {
		t.Error("status does not name the stream")
	}
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "one"))
	var came []string
	all, err := w.clusters[west].Indices(t.Context())
	w.check(err)
	for _, i := range all {
		if strings.HasPrefix(i.Name, ".ds-logs-") {
			came = append(came, w.ids(west, i.Name)...)
		}
	}
	if len(came) < 60 {
		t.Errorf("%d of 120 documents came back", len(came))
	}
	if !w.writes(west, "logs", "after") || len(w.ids(west, "logs")) > 0 {
		t.Error("no write by the stream's name arrives in its indexes")
	}
}

func TestH64_APlannedSwitchBringsWhatGotALostNumber(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "never-acknowledged")
	w.pass(time.Hour)
	w.pointOf(east)
	w.clusters[west].RestoresTake(3 * time.Minute)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	was, _ := w.clusters[east].Describe("movies")
	w.clusters[east].PromoteReplica("movies", 0, "never-acknowledged")
	w.put(east, "movies", "acknowledged")
	now, _ := w.clusters[east].Describe("movies")
	if was.UUID != now.UUID || was.Shards[0].MaxSeqNo != now.Shards[0].MaxSeqNo || was.Shards[0].Term == now.Shards[0].Term {
		t.Fatalf("%+v, then %+v", was, now)
	}
	w.done(w.until(explicit(west), "one"))
	if got := w.ids(west, "movies"); !slices.Equal(got, []string{"1", "2", "acknowledged"}) {
		t.Errorf("west holds %v", got)
	}
}

func TestH64_TheGateKeepsWhatGotALostNumber(t *testing.T) {
	w := pair(t)
	w.put(east, "movies", "never-acknowledged")
	w.done(w.until(explicit(west), "one"))
	w.pass(time.Minute)
	w.pointOf(west)
	salvage := func() point.Shard {
		t.Helper()
		if s := w.letGo(wish(east)); !s.Done {
			t.Fatalf("%+v", s)
		}
		p, ok, _, err := point.NewestWhole(t.Context(), w.buckets[west], func(p point.Point) bool { return p.Kind == point.KindSalvage })
		w.check(err)
		if !ok || len(p.Indices) != 1 || p.Indices[0].Name != "movies" {
			t.Fatalf("salvage %v: %+v", ok, p.Indices)
		}
		return p.Indices[0].Shards[0]
	}
	first := salvage()
	w.clusters[east].PromoteReplica("movies", 0, "never-acknowledged")
	w.check(w.clusters[east].SetBlock(t.Context(), "movies", "write", false))
	w.put(east, "movies", "acknowledged")
	w.check(w.clusters[east].SetBlock(t.Context(), "movies", "write", true))
	now, _ := w.clusters[east].Describe("movies")
	if first.After != now.Shards[0].MaxSeqNo || first.TermAfter == now.Shards[0].Term {
		t.Fatalf("the salvage has %+v, the domain %+v: not the same number under another term", first, now.Shards[0])
	}
	w.pass(time.Minute)
	if second := salvage(); second.TermAfter != now.Shards[0].Term {
		t.Errorf("the domain goes with an operation that no salvage holds: %+v", second)
	}
}

func TestH88_AMalformedPointIsNamedInTheStatus(t *testing.T) {
	w := pair(t)
	ids, err := point.List(t.Context(), w.buckets[west])
	w.check(err)
	_, err = w.buckets[west].Put(t.Context(), ids[len(ids)-1].Key(), []byte(`{"version":1,`), store.Condition{})
	w.check(err)
	if !w.told(east, contract.AttentionNoPoint, ids[len(ids)-1].Key()) {
		t.Error("status does not name the object")
	}
	w.pass(31 * time.Minute)
	w.pointOf(east)
	p, _, err := point.LoadNewest(t.Context(), w.buckets[west])
	w.check(err)
	if p.ID.Sequence != ids[len(ids)-1].Sequence+1 {
		t.Errorf("the next point is %s", p.ID)
	}
}

func TestH60_ARedIndexComesFromAnOlderPoint(t *testing.T) {
	w := pair(t)
	w.put(east, "tiny", "1")
	w.pass(31 * time.Minute)
	w.pointOf(east)
	w.clusters[east].SetHealth("tiny", opensearch.Red)
	for n := range 90 {
		w.put(east, "movies", fmt.Sprint("m", n))
		w.pass(time.Minute)
		w.ticks()
	}
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "one"))
	if got := w.ids(west, "tiny"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the red index holds %v; fates %+v", got, s.Fates)
	}
	if n := len(w.ids(west, "movies")); n < 45 {
		t.Errorf("%d documents of the others came back", n)
	}
	if !slices.ContainsFunc(s.Fates, func(f contract.Fate) bool { return f.Index == "tiny" && f.Fate == contract.FateOlder }) {
		t.Errorf("fates %+v", s.Fates)
	}
}
