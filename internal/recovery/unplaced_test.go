package recovery_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// unreachable is the documented failover.
func unreachable(to, from string) contract.WishProperties {
	p := explicit(to)
	p.UnreachableRegion = from
	return p
}

func fateOf(s contract.RecoveryStatus, index string) contract.Fate {
	for _, f := range s.Fates {
		if f.Index == index {
			return f
		}
	}
	return contract.Fate{}
}

func attention(s contract.RecoveryStatus, code, subject string) contract.Attention {
	for _, a := range s.Attention {
		if a.Code == code && a.Subject == subject {
			return a
		}
	}
	return contract.Attention{}
}

func (w *world) index(region, name string, o opensearchtest.IndexOptions) {
	w.t.Helper()
	w.check(w.clusters[region].CreateIndex(w.t.Context(), name, o))
	w.put(region, name, "1")
}

// sorted is an index that OpenSearch 3.4.0 does not restore.
var sorted = opensearchtest.IndexOptions{Sorted: true}

// TestH71_ThreeOfThirtyThreeIndexesStayBehind is the case that ended in an empty
// domain: older points, one of them empty, and three indexes that the target
// cannot hold.
func TestH71_ThreeOfThirtyThreeIndexesStayBehind(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.pointOf(east) // of nothing
	for n := range 30 {
		w.put(east, fmt.Sprintf("tenant-%02d", n), "1")
	}
	w.pointOf(east)
	c := w.clusters[east]
	c.AddFile("analyzers/F12345")
	w.index(east, "sorted", sorted)
	w.index(east, "words", opensearchtest.IndexOptions{Synonyms: "analyzers/F12345"})
	w.index(east, "huge", opensearchtest.IndexOptions{Shards: 200})
	w.put(east, "tenant-00", "2")
	w.pointOf(east)
	newest := w.ids(east, "tenant-00")
	w.domain(west, 2)
	w.check(w.clusters[west].SetShardLimit(t.Context(), 100))
	w.ticks()
	w.lose(east, true)
	p := unreachable(west, east)
	s := w.until(p, "one")
	wantRefusal(t, s, "3 of the indexes", "sorted", "words", "huge", "-c without=")
	if l := w.ledger(west).Ledger; l.Generation != 1 {
		t.Fatalf("it claimed less than was asked for: %+v", l)
	}
	w.holds(west, "tenant-00", newest...)
	for _, name := range []string{"sorted", "words", "huge"} {
		if f := fateOf(s, name); f.Fate != contract.FateUnplaced || f.Cause == "" || f.Hint == "" {
			t.Errorf("fate of %s: %+v", name, f)
		}
		if a := attention(s, contract.AttentionIndexUnplaced, name); a.Text == "" || !strings.Contains(a.Hint, "without="+name) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if f := fateOf(s, "sorted"); f.Documents != 1 || !strings.Contains(f.Cause, "no parent document field") {
		t.Errorf("%+v", f)
	}
	looked, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if a := attention(looked, contract.AttentionIndexUnplaced, "sorted"); a.Text == "" {
		t.Errorf("status does not tell it: %+v", looked.Attention)
	}

	// The answer takes no second restore.
	w.pass(10 * time.Minute) // somebody thinks
	w.ticks()
	restores := w.watched(west, "Restore")
	p.Without = "sorted,words,huge"
	at := w.clock()
	s = w.done(w.askFor(p, "two", at))
	if len(*restores) > 0 {
		t.Errorf("%d more restores", len(*restores))
	}
	for n := range 30 {
		w.holds(west, fmt.Sprintf("tenant-%02d", n), w.ids(east, fmt.Sprintf("tenant-%02d", n))...)
		if !w.writes(west, fmt.Sprintf("tenant-%02d", n), "new") {
			t.Errorf("tenant-%02d takes no writes", n)
		}
	}
	if got := fateOf(s, "sorted"); got.Fate != contract.FateLeftOut || got.Point == "" {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"sorted", "words", "huge"} {
		if slices.Contains(w.names(west), name) {
			t.Errorf("a half-restored %s is left", name)
		}
	}
	// What was left behind is kept, whatever retention says.
	pins, err := point.Pinned(t.Context(), w.buckets[west])
	w.check(err)
	if len(pins) != 1 || pins[0].Point.String() != fateOf(s, "sorted").Point || pins[0].Expires.Before(w.clock().AddDate(50, 0, 0)) {
		t.Errorf("pins %+v", pins)
	}
}

func TestH53_UnplacedContinueGoesOnAndSaysSo(t *testing.T) {
	w := pair(t)
	w.index(east, "sorted", sorted)
	w.pointOf(east)
	w.settings.Restore.Unplaced = contract.UnplacedContinue
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	w.holds(west, "movies", "1", "2")
	if f := fateOf(s, "sorted"); f.Fate != contract.FateUnplaced {
		t.Errorf("%+v", s.Fates)
	}
	if a := attention(s, contract.AttentionIndexUnplaced, "sorted"); a.Text == "" {
		t.Errorf("%+v", s.Attention)
	}
	if pins := w.pins(west); len(pins) != 1 {
		t.Errorf("the point that has it is not kept: %v", pins)
	}
}

// A planned switch asks before the fence, also where continue is configured.
func TestH53_APlannedSwitchRaisesNoFenceForAnUnplacedIndex(t *testing.T) {
	for _, unplaced := range []string{contract.UnplacedAsk, contract.UnplacedContinue} {
		w := pair(t)
		w.settings.Restore.Unplaced = unplaced
		w.index(east, "sorted", sorted)
		w.pointOf(east)
		blocks := w.watched(east, "Block", "SetWriteBlock")
		s := w.until(explicit(west), "one")
		wantRefusal(t, s, "sorted", "-c without=sorted")
		if len(*blocks) > 0 || !w.writes(east, "movies", "3") {
			t.Errorf("the source was fenced: %v", *blocks)
		}
		w.pass(time.Minute)
		w.ticks()
		p := explicit(west)
		p.Without = "sorted"
		s = w.done(w.until(p, "two"))
		w.holds(west, "movies", "1", "2", "3")
		if s.Loss != nil {
			t.Errorf("%+v", s.Loss)
		}
	}
}

// An index that comes between the first pass and the fence is asked about behind
// it, and writes go on at the source.
func TestH53_AnUnplacedIndexBehindTheFenceLetsWritesIn(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresTake(3 * time.Minute)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	w.index(east, "sorted", sorted)
	wantRefusal(t, w.until(explicit(west), "one"), "sorted", "without=sorted")
	w.pass(time.Minute)
	w.ticks()
	w.ticks()
	if !w.writes(east, "movies", "3") || w.ledger(west).Ledger.Generation != 1 {
		t.Error("the fence is up without a switch")
	}
}

// A data stream is one unit.
func TestH53_AStreamStaysBehindWhole(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].CreateDataStream(t.Context(), "logs"))
	w.put(east, "logs", "a")
	w.check(w.clusters[east].Rollover(t.Context(), "logs"))
	w.put(east, "logs", "b")
	w.clusters[east].SortIndex(".ds-logs-000001")
	w.pointOf(east)
	w.lose(east, true)
	p := unreachable(west, east)
	s := w.until(p, "one")
	wantRefusal(t, s, "logs", "without=logs")
	if f := fateOf(s, "logs"); f.Fate != contract.FateUnplaced || f.Documents != 2 {
		t.Errorf("%+v", s.Fates)
	}
	if slices.ContainsFunc(w.names(west), func(n string) bool { return strings.HasPrefix(n, ".ds-logs") }) {
		t.Errorf("half a stream is left: %v", w.names(west))
	}
	p.Without = "logs"
	w.done(w.until(p, "two"))
	w.holds(west, "movies", "1", "2")
}

// What binds an index to its old nodes stays behind, and is told.
func TestH53_BindingSettingsDoNotComeWithARestore(t *testing.T) {
	w := pair(t)
	w.put(east, "shrunk", "1")
	w.index(east, "spread", opensearchtest.IndexOptions{Shards: 3})
	w.check(w.clusters[east].PutSetting(t.Context(), "shrunk", "index.routing.allocation.require._name", "shrink-node-1"))
	w.check(w.clusters[east].PutSetting(t.Context(), "spread", "index.routing.allocation.total_shards_per_node", "1"))
	w.pointOf(east)
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	for _, name := range []string{"shrunk", "spread"} {
		w.holds(west, name, "1")
		if f := fateOf(s, name); f.Fate != contract.FateRestored || !w.writes(west, name, "2") {
			t.Errorf("%s: %+v", name, f)
		}
		if a := attention(s, contract.AttentionSetting, name); !strings.Contains(a.Text, "index.routing.allocation.") {
			t.Errorf("%s: %+v", name, s.Attention)
		}
	}
}

// Fewer replicas than at the source are tried before an index is given up.
func TestH79_AnIndexAboveTheShardLimitComesWithFewerReplicas(t *testing.T) {
	w := pair(t)
	w.index(east, "wide", opensearchtest.IndexOptions{Replicas: 1100})
	w.pointOf(east)
	w.check(w.clusters[west].SetShardLimit(t.Context(), 1000))
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	w.holds(west, "wide", "1")
	w.holds(west, "movies", "1", "2")
	if a := attention(s, contract.AttentionSetting, "wide"); !strings.Contains(a.Text, "1100") {
		t.Errorf("%+v", s.Attention)
	}
}

// Copies that are no multiple of the zones are a refusal of the whole call.
func TestH79_AwarenessBalanceIsMetByOtherReplicas(t *testing.T) {
	w := pair(t)
	w.index(east, "one-copy", opensearchtest.IndexOptions{})
	w.index(east, "two-copies", opensearchtest.IndexOptions{Replicas: 1})
	w.pointOf(east)
	w.clusters[west].BalanceReplicas(2)
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	w.holds(west, "one-copy", "1")
	w.holds(west, "two-copies", "1")
	if a := attention(s, contract.AttentionSetting, "two-copies"); a.Text != "" {
		t.Errorf("%+v", a)
	}
}

// damageIndex takes the objects of one index that only the newest points need.
func (w *world) damageIndex(region, path string, keep []string) {
	w.t.Helper()
	n := 0
	for _, k := range w.buckets[region].Keys() {
		if strings.Contains(k, "/indices/"+path+"/") && strings.Contains(k, "/__") && !slices.Contains(keep, k) {
			w.check(w.buckets[region].Delete(w.t.Context(), k))
			n++
		}
	}
	if n == 0 {
		w.t.Fatal("nothing to damage")
	}
}

// folderOf an index in the repository: the one that has come since some keys.
func (w *world) folderOf(region string, before []string) string {
	w.t.Helper()
	for _, k := range w.buckets[region].Keys() {
		if _, rest, ok := strings.Cut(k, "/indices/"); ok && !slices.Contains(before, k) {
			id, _, _ := strings.Cut(rest, "/")
			if !slices.ContainsFunc(before, func(o string) bool { return strings.Contains(o, "/indices/"+id+"/") }) {
				return id
			}
		}
	}
	w.t.Fatal("no index came")
	return ""
}

// Objects of one index are gone from the newest point: that index comes from the
// older one, and all others from the newest.
func TestH71_OneDamagedIndexComesFromAnOlderPoint(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprint("told by the bucket: ", known), func(t *testing.T) {
			w := pair(t)
			before := w.buckets[west].Keys()
			w.put(east, "accounts", "1")
			w.pointOf(east)
			folder := w.folderOf(west, before)
			old := w.buckets[west].Keys()
			w.put(east, "accounts", "2")
			w.put(east, "movies", "3")
			w.pointOf(east)
			damage := func() { w.damageIndex(west, folder, old) }
			if known {
				damage()
			}
			w.lose(east, true)
			p := unreachable(west, east)
			if !known { // the objects go after the point was chosen
				w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
					if call == "Restore" {
						w.clusters[west].Intercept(nil)
						damage()
					}
					return opensearchtest.Verdict{}
				})
			}
			s := w.done(w.until(p, "one"))
			w.holds(west, "movies", "1", "2", "3")
			w.holds(west, "accounts", "1")
			f := fateOf(s, "accounts")
			if f.Fate != contract.FateOlder || f.Point == fateOf(s, "movies").Point || f.Point == "" {
				t.Errorf("%+v", s.Fates)
			}
			if a := attention(s, contract.AttentionIndexOlder, "accounts"); !strings.Contains(a.Text, f.Point) {
				t.Errorf("%+v", s.Attention)
			}
			if !w.writes(west, "accounts", "3") {
				t.Error("it takes no writes")
			}
		})
	}
}

// No older point has it whole: it is lost, and nobody goes on without a word.
func TestH71_AnIndexThatNoPointHasWholeIsLostAndAskedAbout(t *testing.T) {
	w := pair(t)
	before := w.buckets[west].Keys()
	w.put(east, "accounts", "1")
	w.pointOf(east)
	w.damageIndex(west, w.folderOf(west, before), nil)
	w.lose(east, true)
	p := unreachable(west, east)
	s := w.until(p, "one")
	wantRefusal(t, s, "accounts", "without=accounts")
	if f := fateOf(s, "accounts"); f.Fate != contract.FateLost {
		t.Errorf("%+v", s.Fates)
	}
	p.Without = "accounts"
	w.done(w.until(p, "two"))
	w.holds(west, "movies", "1", "2")
}

// An empty point never wins over one that holds something, because a newer one
// cannot be read.
func TestH71_AnEmptyPointIsNotTakenForAnUnreadableOne(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.pointOf(east)
	w.check(w.clusters[east].DeleteIndex(t.Context(), "movies"))
	w.pointOf(east)
	w.put(east, "movies", "2")
	w.pointOf(east)
	ids, err := point.List(t.Context(), w.buckets[west])
	w.check(err)
	w.check(w.buckets[west].Delete(t.Context(), ids[2].ObjectsKey()))
	w.domain(west, 2)
	w.ticks()
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	if s.Loss == nil || s.Loss.Point != ids[0].String() {
		t.Errorf("%+v", s.Loss)
	}
	if !strings.Contains(strings.Join(s.Notices, "\n"), ids[1].String()+" is passed over: it is empty") {
		t.Errorf("%v", s.Notices)
	}
}

// A begin that a proxy does not wait for is asked for once (H66).
func TestH66_ASlowBeginIsNotRepeated(t *testing.T) {
	w := pair(t)
	w.clusters[west].RestoresBegin(8 * time.Minute)
	restores := w.watched(west, "Restore")
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	w.holds(west, "movies", "1", "2")
	if len(*restores) != 1 {
		t.Errorf("asked %d times: %v", len(*restores), s.Notices)
	}
}

// One that the engine never took is asked for again, when patience is over.
func TestH66_ABeginThatWasLostIsRepeatedLater(t *testing.T) {
	w := pair(t)
	calls := 0
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict {
		if call == "Restore" {
			if calls++; calls == 1 {
				return opensearchtest.Verdict{Before: opensearchtest.GatewayTimeout("restore")}
			}
		}
		return opensearchtest.Verdict{}
	})
	w.lose(east, true)
	began := w.clock()
	w.done(w.until(unreachable(west, east), "one"))
	w.holds(west, "movies", "1", "2")
	if calls != 2 || w.clock().Sub(began) < 3*time.Minute {
		t.Errorf("%d calls in %s", calls, w.clock().Sub(began))
	}
}

// A warm standby is current in all that it can hold, and names the rest.
func TestH53_AStandbyIsCurrentInAllThatItCanHold(t *testing.T) {
	w := pair(t)
	w.index(east, "sorted", sorted)
	w.pointOf(east)
	for range 4 {
		w.pass(time.Minute)
		w.warmly(west)
	}
	w.holds(west, "movies", "1", "2")
	s := w.copied(west)
	if s.Hindrance != "" || s.Copy == "" || s.Copy != s.Newest {
		t.Errorf("%+v", s)
	}
	if len(s.Fates) != 1 || s.Fates[0].Index != "sorted" || s.Fates[0].Fate != contract.FateUnplaced {
		t.Errorf("%+v", s.Fates)
	}
	w.put(east, "movies", "3")
	w.pointOf(east)
	for range 4 {
		w.pass(time.Minute)
		w.warmly(west)
	}
	w.holds(west, "movies", "1", "2", "3")
}

// What the newest snapshot did not take, such as a red index, an older point has.
func TestH71_WhatTheNewestSnapshotLeftOutComesFromAnOlderPoint(t *testing.T) {
	w := pair(t)
	w.put(east, "accounts", "1")
	w.pointOf(east)
	w.put(east, "accounts", "2")
	w.put(east, "movies", "3")
	w.pointOf(east)
	p, ok, err := point.LoadNewest(t.Context(), w.buckets[west])
	w.check(err)
	if !ok {
		t.Fatal("no point")
	}
	p.Indices = slices.DeleteFunc(slices.Clone(p.Indices), func(i point.Index) bool { return i.Name == "accounts" })
	p.LeftOut = append(p.LeftOut, point.LeftOut{Name: "accounts", Reason: "red"})
	body, err := json.Marshal(p)
	w.check(err)
	_, err = w.buckets[west].Put(t.Context(), p.ID.Key(), body, store.Condition{})
	w.check(err)
	w.lose(east, true)
	s := w.done(w.until(unreachable(west, east), "one"))
	w.holds(west, "movies", "1", "2", "3")
	w.holds(west, "accounts", "1")
	if f := fateOf(s, "accounts"); f.Fate != contract.FateOlder || f.Cause != "red" {
		t.Errorf("%+v", s.Fates)
	}
	if strings.Contains(strings.Join(s.Notices, "\n"), "NOT HERE") {
		t.Errorf("%v", s.Notices)
	}
}
