package snapshot_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
)

// scheduled is one run of the schedule.
func (w *world) scheduled() (contract.SnapshotResult, error) {
	return snapshot.Run(w.t.Context(), w.deps(), contract.SnapshotRequest{Reason: snapshot.ReasonSchedule})
}

func (w *world) wide() {
	w.t.Helper()
	w.check(w.cluster.CreateIndex(w.t.Context(), "wide", opensearchtest.IndexOptions{Shards: 3}))
	w.index("wide", "a", "b", "c", "d", "e", "f")
}

// indexIn the newest point.
func (w *world) indexIn(p point.Point, name string) point.Index {
	w.t.Helper()
	at := slices.IndexFunc(p.Indices, func(i point.Index) bool { return i.Name == name })
	if at < 0 {
		w.t.Fatalf("point %s does not hold %s: %+v", p.ID, name, p.Indices)
	}
	return p.Indices[at]
}

func TestH57_AShardThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.wide()
	name := w.mustRun().Started
	w.cluster.Silence("wide", 1)
	w.pass(time.Minute)
	r, err := w.settle()
	w.check(err)
	if r.Running != name || len(w.points()) > 0 || !strings.Contains(strings.Join(r.Notices, " "), "index wide answers for 2 of 3") {
		t.Fatalf("a point of statistics that lack a shard: %+v, points %v", r, w.points())
	}
	w.cluster.Silence("wide")
	w.pass(time.Minute)
	_, err = w.settle()
	w.check(err)
	i := w.indexIn(w.newest(), "wide")
	if i.Primaries != 3 || len(i.Shards) != 3 || !w.newest().Exact() {
		t.Errorf("%+v", i)
	}
}

func TestH57_AShardThatNeverAnswersIsOpenAtTheTop(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.wide()
	w.mustRun()
	now, _ := w.cluster.Describe("wide")
	w.cluster.Silence("wide", 1)
	for range 13 {
		w.pass(time.Minute)
		_, err := w.settle()
		w.check(err)
	}
	i := w.indexIn(w.newest(), "wide")
	if len(i.Shards) != 3 {
		t.Fatalf("%+v", i)
	}
	for n, s := range i.Shards {
		was := now.Shards[n].MaxSeqNo
		if top := s.After; s.ID != n || s.Before != was || n == 1 && top != math.MaxInt64 || n != 1 && top != was {
			t.Errorf("shard %d was at %d and is %+v", n, was, s)
		}
	}
}

func TestH57_AShardThatDidNotAnswerBeforeIsOpenAtTheBottom(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.wide()
	w.cluster.Silence("wide", 0)
	w.mustRun()
	w.cluster.Silence("wide")
	now, _ := w.cluster.Describe("wide")
	w.pass(time.Minute)
	_, err := w.settle()
	w.check(err)
	for n, s := range w.indexIn(w.newest(), "wide").Shards {
		if was := now.Shards[n].MaxSeqNo; s.ID != n || s.After != was || n == 0 && s.Before != -1 || n != 0 && s.Before != was {
			t.Errorf("shard %d is at %d and has %+v: paired by place", n, was, s)
		}
	}
}

func TestH60_OneRedIndexIsLeftOutAndTheOthersKeepTheirObjective(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.check(w.cluster.CreateIndex(t.Context(), "oops", opensearchtest.IndexOptions{Red: true}))
	w.pass(30 * time.Minute)
	r, err := w.scheduled()
	if w.check(err); !strings.Contains(r.Skipped, "waits for the missing primary shards until") {
		t.Fatalf("the restart of a node makes a point that lacks an index: %+v", r)
	}
	w.pass(15 * time.Minute)
	if r, err = w.settle(); err != nil || !r.Due {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err = snapshot.Run(t.Context(), w.deps(), contract.SnapshotRequest{Reason: snapshot.ReasonDue}); err != nil || r.Started == "" {
		t.Fatalf("%+v %v", r, err)
	}
	w.pass(time.Minute)
	_, err = w.settle()
	w.check(err)
	p := w.newest()
	w.indexIn(p, "movies")
	at := slices.IndexFunc(p.LeftOut, func(l point.LeftOut) bool { return l.Name == "oops" })
	if at < 0 || p.LeftOut[at].Code != point.CodeRed || !p.LeftOut[at].InOlder() || p.ID.Sequence != 2 {
		t.Errorf("point %s leaves out %+v", p.ID, p.LeftOut)
	}
	if age := w.clock().Sub(p.Start); age > time.Duration(settings.RPOMinutes)*time.Minute {
		t.Errorf("the point is %s old", age)
	}
}

func TestH60_AnIndexThatTurnsRedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.index("tiny", "1")
	w.cluster.NextSnapshotEnds(opensearch.Partial)
	w.mustRun()
	w.cluster.SetHealth("tiny", opensearch.Red)
	w.pass(time.Minute)
	w.wantError("ended PARTIAL")
	p := w.point()
	w.indexIn(p, "movies")
	if len(p.Indices) != 1 {
		t.Errorf("%+v", p.Indices)
	}
}

func TestH60_AShardThatFailsInEachSnapshotCostsItsIndexOnly(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.index("broken", "1")
	w.cluster.FailShards("broken", true)
	for range 2 {
		w.mustRun()
		w.pass(time.Minute)
		if _, err := w.settle(); err == nil || !strings.Contains(err.Error(), "PARTIAL") {
			t.Fatalf("%v", err)
		}
	}
	p := w.point()
	w.indexIn(p, "movies")
	if !slices.ContainsFunc(p.LeftOut, func(l point.LeftOut) bool { return l.Name == "broken" && l.Code == point.CodeFailing }) {
		t.Errorf("left out: %+v", p.LeftOut)
	}
	if w.metrics[contract.MetricSnapshotFailed] != 1 {
		t.Error("no alarm for an index that is in no recovery point")
	}
	w.cluster.FailShards("broken", false)
	w.pass(7 * time.Hour)
	w.indexIn(w.point(), "broken") // it is tried again by itself
	for _, k := range w.own.Keys() {
		if strings.Contains(k, "losses") {
			t.Errorf("%s is left over", k)
		}
	}
}

// A bucket that was away for two snapshots costs an index one interval; shards that
// are broken for good cost the others ever fewer snapshots.
func TestH60_WhatFailedIsTriedAgainSoonThenSeldom(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.index("broken", "1")
	w.cluster.FailShards("broken", true)
	lose := func() {
		w.mustRun()
		w.pass(time.Minute)
		if _, err := w.settle(); err == nil || !strings.Contains(err.Error(), "PARTIAL") {
			t.Fatalf("%v", err)
		}
	}
	lose()
	lose()
	interval := time.Duration(w.deps().Settings.RPOMinutes) * time.Minute / 2
	w.pass(interval / 2)
	w.point() // without it
	w.pass(interval)
	lose() // it is tried again
	w.point()
	w.pass(interval)
	w.point() // twice as long without it
	w.cluster.FailShards("broken", false)
	w.pass(interval)
	w.indexIn(w.point(), "broken")
}

func TestH60_FinalAndSalvageNeverLeaveARedIndexOut(t *testing.T) {
	for _, kind := range []string{point.KindFinal, point.KindSalvage} {
		w := newWorld(t)
		led := w.promote()
		w.check(w.cluster.CreateIndex(t.Context(), "oops", opensearchtest.IndexOptions{Red: true}))
		taken, err := snapshot.Take(t.Context(), w.deps(), snapshot.Special{Kind: kind, Token: "t", ClusterUUID: w.cluster.UUID(), Ledger: led, Good: func(point.Point) bool { return true }})
		if w.check(err); taken.Point != nil || !strings.Contains(taken.Waiting, "red") || strings.Contains(strings.Join(w.own.Keys(), " "), snapshot.JournalPrefix) {
			t.Errorf("%s: %+v", kind, taken)
		}
	}
}

// A final snapshot goes without a red index that nobody wants, and without no other.
func TestH56_AFinalSnapshotSparesOnlyTheRedIndexThatNobodyWants(t *testing.T) {
	w := newWorld(t)
	led := w.promote()
	w.index("movies", "1")
	w.check(w.cluster.CreateIndex(t.Context(), "oops", opensearchtest.IndexOptions{Red: true}))
	w.check(w.cluster.CreateIndex(t.Context(), "wanted", opensearchtest.IndexOptions{Red: true}))
	take := func() snapshot.Taken {
		t.Helper()
		taken, err := snapshot.Take(t.Context(), w.deps(), snapshot.Special{
			Kind: point.KindFinal, Token: "t", ClusterUUID: w.cluster.UUID(), Ledger: led,
			Good: func(point.Point) bool { return true }, Spared: func(name string) bool { return name == "oops" },
		})
		w.check(err)
		return taken
	}
	if taken := take(); taken.Running != "" || !strings.Contains(taken.Waiting, "red (wanted)") {
		t.Fatalf("%+v", taken)
	}
	w.check(w.cluster.DeleteIndex(t.Context(), "wanted"))
	take()
	w.pass(time.Minute)
	if taken := take(); taken.Point == nil || len(taken.Point.Indices) != 1 || taken.Point.Indices[0].Name != "movies" {
		t.Errorf("%+v", taken)
	}
}

func TestH76_ADueSnapshotStartsWhenTheDomainIsCalm(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.pass(29 * time.Minute)
	w.cluster.RunAutomatedSnapshot("cs-automated-enc/hourly")
	r, err := w.scheduled()
	if w.check(err); !strings.Contains(r.Skipped, "cs-automated-enc/hourly") {
		t.Fatalf("%+v", r)
	}
	w.pass(time.Minute)
	if r, err = w.settle(); err != nil || r.Due || !strings.Contains(strings.Join(r.Notices, " "), "is due and waits") {
		t.Fatalf("%+v %v", r, err)
	}
	w.cluster.RunAutomatedSnapshot("")
	w.pass(time.Minute)
	if r, err = w.settle(); err != nil || !r.Due {
		t.Fatalf("%+v %v", r, err)
	}
	ask := contract.SnapshotRequest{Reason: snapshot.ReasonDue}
	if r, err = snapshot.Run(t.Context(), w.deps(), ask); err != nil || r.Started == "" {
		t.Fatalf("%+v %v", r, err)
	}
	w.pass(time.Minute)
	if r, err = w.settle(); err != nil || r.Due || r.Settled == "" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = snapshot.Run(t.Context(), w.deps(), ask); err != nil || r.Started != "" { // delivered twice
		t.Errorf("%+v %v", r, err)
	}
}

func TestH76_NothingIsDueWhileTheServiceChangesTheDomain(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.point()
	w.pass(time.Hour)
	w.desc.Processing = true
	if r, err := w.settle(); err != nil || r.Due {
		t.Errorf("%+v %v", r, err)
	}
}

// rolls over while the snapshot runs, and answers what the settling says.
func (w *world) rollsOverMeanwhile() error {
	w.t.Helper()
	w.cluster.HoldSnapshots()
	if r := w.mustRun(); r.Started == "" {
		w.t.Fatalf("%+v", r)
	}
	w.check(w.cluster.Rollover(w.t.Context(), "logs"))
	w.cluster.ReleaseSnapshots()
	w.pass(time.Minute)
	_, err := w.settle()
	return err
}

func TestH77_AStreamThatRollsOverInEachSnapshot(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.check(w.cluster.CreateDataStream(t.Context(), "logs"))
	w.index("logs", "1", "2")
	for range 2 {
		if err := w.rollsOverMeanwhile(); err == nil || !strings.Contains(err.Error(), "data stream logs rolled over") {
			t.Fatalf("%v", err)
		}
	}
	if len(w.points()) > 0 {
		t.Fatalf("points %v", w.points())
	}
	w.check(w.rollsOverMeanwhile()) // as often as before
	p := w.newest()
	if len(p.DataStreams) != 0 || w.indexIn(p, ".ds-logs-000001").DataStream != "logs" {
		t.Errorf("%+v", p)
	}
	if !slices.ContainsFunc(p.LeftOut, func(l point.LeftOut) bool { return l.Name == "logs" && l.Code == point.CodeApart }) {
		t.Errorf("left out: %+v", p.LeftOut)
	}
	c, err := point.LoadCapsule(t.Context(), w.other, p.ID)
	w.check(err)
	for n, name := range []string{".ds-logs-000001", ".ds-logs-000002", ".ds-logs-000003"} {
		alias, _ := c.Aliases[name]["logs"].(map[string]any)
		if alias["is_write_index"] != (n == 2) {
			t.Errorf("aliases of %s: %v", name, c.Aliases[name])
		}
	}
	w.pass(time.Hour)
	if p = w.point(); len(p.DataStreams) != 0 {
		t.Errorf("%+v", p.DataStreams)
	}
	// Hours later one names the stream again: there is little to add, so it is over soon.
	w.pass(6 * time.Hour)
	p = w.point()
	if len(p.DataStreams) != 1 || len(p.DataStreams[0].Indices) != 4 {
		t.Errorf("%+v", p.DataStreams)
	}
	l, err := snapshot.ReadLosses(t.Context(), w.own, w.cluster.UUID())
	if w.check(err); len(l.Streams) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestH77_OneLossAfterASparedOneIsEnough(t *testing.T) {
	w := newWorld(t)
	w.promote()
	w.check(w.cluster.CreateDataStream(t.Context(), "logs"))
	for round := range 3 {
		lost := 0
		for w.rollsOverMeanwhile() != nil {
			lost++
		}
		if lost != 2 && round == 0 || lost != 1 && round > 0 {
			t.Errorf("round %d lost %d snapshots", round, lost)
		}
		w.pass(7 * time.Hour)
		if n := len(w.points()); n != round+1 {
			t.Fatalf("%d points after round %d", n, round)
		}
	}
	if n := len(w.snapshots()); n != 3 { // those that vanished are gone
		t.Errorf("%d snapshots", n)
	}
}

func TestH88_ATruncatedNewestPointStopsNoNewOnes(t *testing.T) {
	for _, body := range []string{"{", `{"version":2}`, `{"version":1}`} {
		w := newWorld(t)
		w.promote()
		w.point()
		w.pass(time.Hour)
		bad := w.point().ID
		_, err := w.other.Put(t.Context(), bad.Key(), []byte(body), store.Condition{})
		w.check(err)
		for n := range 4 {
			w.pass(time.Hour)
			r := w.mustRun()
			w.pass(time.Minute)
			_, err := w.settle()
			w.check(err)
			if !strings.Contains(strings.Join(r.Notices, " "), bad.Key()) && n == 0 {
				t.Errorf("the bad one is not named: %+v", r)
			}
			if p := w.newest(); p.ID.Sequence != bad.Sequence+1+int64(n) {
				t.Errorf("the point after %s is %s", bad, p.ID)
			}
		}
		if o, err := w.other.Get(t.Context(), bad.Key()); err != nil || string(o.Body) != body {
			t.Errorf("the bad object was touched: %q %v", o.Body, err)
		}
	}
}

func TestH88_SnapshotsOfAMalformedPointStay(t *testing.T) {
	w := newWorld(t)
	w.promote()
	bad := w.point()
	_, err := w.other.Put(t.Context(), bad.ID.Key(), []byte("{"), store.Condition{})
	w.check(err)
	for range 12 {
		w.pass(26 * time.Hour)
		w.point()
	}
	w.mustRun()
	if !slices.Contains(w.snapshots(), bad.Snapshot) {
		t.Errorf("snapshot %s of a point that cannot be read is deleted; left are %v", bad.Snapshot, w.snapshots())
	}
	if n := len(w.points()); n > settings.Retention.Count+2 {
		t.Errorf("%d points: the others are not pruned any more", n)
	}
}

func TestH70_OnePointThatCannotBeRemovedStopsNoOther(t *testing.T) {
	w := newWorld(t)
	led := w.promote()
	w.check(w.other.Delete(t.Context(), ledger.Key)) // until both ledgers agree nothing is pruned
	for range settings.Retention.Count + 4 {
		w.point()
		w.check(w.other.Delete(t.Context(), ledger.Key))
		w.pass(26 * time.Hour)
	}
	_, err := ledger.CopyDown(t.Context(), w.other, led)
	w.check(err)
	before := w.points()
	refused := false
	w.cluster.Intercept(func(call string) opensearchtest.Verdict {
		if call == "DeleteSnapshot" && !refused {
			refused = true
			return opensearchtest.Verdict{Before: &opensearch.Error{Step: "delete snapshot", Status: 500, Type: "repository_exception", Reason: "its files cannot be read"}}
		}
		return opensearchtest.Verdict{}
	})
	r, err := w.run()
	w.cluster.Intercept(nil)
	if err == nil || !strings.Contains(err.Error(), "its files cannot be read") {
		t.Errorf("it is not told: %v", err)
	}
	if !slices.Equal(r.Pruned, []string{before[1].String(), before[2].String()}) {
		t.Errorf("pruned %v of %v", r.Pruned, before)
	}
}

func TestH70_AllSalvageIsAsked(t *testing.T) {
	w := newWorld(t)
	led := w.promote()
	w.point()
	salvage := func(token string) {
		t.Helper()
		for range 2 {
			_, err := snapshot.Take(t.Context(), w.deps(), snapshot.Special{Kind: point.KindSalvage, Token: token, ClusterUUID: w.cluster.UUID(), Ledger: led, Good: func(point.Point) bool { return true }})
			w.check(err)
			w.pass(time.Minute)
		}
	}
	salvage("g1")
	w.pass(time.Hour)
	w.cluster.SetHealth("movies", opensearch.Green)
	w.index("later", "1")
	salvage("g2")
	w.pass(time.Hour)
	w.point()
	all, err := point.WholeOnes(t.Context(), w.other, 16, func(p point.Point) bool { return p.ClusterUUID == w.cluster.UUID() })
	w.check(err)
	var got []string
	for _, p := range all {
		got = append(got, p.ID.String()+p.Kind)
	}
	if len(got) != 3 || all[0].Kind != point.KindRegular || all[1].Switch != "g2" || all[2].Switch != "g1" {
		t.Errorf("asked %v", got)
	}
}

func TestH60_TheLastPointThatHoldsAnIndexIsKept(t *testing.T) {
	for why, spoil := range map[string]func(*world){
		"red":              func(w *world) { w.cluster.SetHealth("tiny", opensearch.Red) },
		"metadata blocked": func(w *world) { w.check(w.cluster.SetBlock(w.t.Context(), "tiny", "metadata", true)) },
	} {
		w := newWorld(t)
		w.promote()
		w.index("tiny", "1")
		w.point()
		w.pass(26 * time.Hour)
		last := w.point()
		spoil(w)
		for range settings.Retention.Count + 4 {
			w.pass(26 * time.Hour)
			w.point()
		}
		w.mustRun()
		ids := w.points()
		if ids[0] != last.ID || len(ids) > settings.Retention.Count+2 {
			t.Errorf("%s: kept %v, the last one with the index is %s", why, ids, last.ID)
		}
	}
}
