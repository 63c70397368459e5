package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// warmly is the minute run of a Region's schedule while dr.standby is warm.
func (w *world) warmly(region string) contract.RecoveryStatus {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionTick, Standby: contract.StandbyWarm})
	w.check(err)
	return s
}

// copied: minutes until the standby is a copy of the newest point.
func (w *world) copied(region string) contract.StandbyStatus {
	w.t.Helper()
	var last contract.RecoveryStatus
	for range 20 {
		last = w.warmly(region)
		if s := last.Standby; s != nil && s.Copy != "" && s.Copy == s.Newest && s.Restoring == "" {
			return *s
		}
		w.pass(time.Minute)
		w.warmly(w.settings.Other(region))
	}
	w.t.Fatalf("the standby in %s never is a copy: %+v %q", region, last.Standby, last.Notices)
	return contract.StandbyStatus{}
}

// calls of a Region's domain that begin with one of these, from now on.
func (w *world) watched(region string, names ...string) *[]string {
	var seen []string
	w.clusters[region].Intercept(func(call string) opensearchtest.Verdict {
		if slices.Contains(names, call) {
			seen = append(seen, call)
		}
		return opensearchtest.Verdict{}
	})
	return &seen
}

func TestAWarmStandbyFollowsTheNewestPoint(t *testing.T) {
	w := pair(t)
	w.put(east, "archive", "old")
	w.pointOf(east)
	w.copied(west)
	w.holds(west, "movies", "1", "2")
	w.holds(west, "archive", "old")
	if w.writes(west, "movies", "3") || w.writes(west, "new", "1") {
		t.Error("the copy takes writes")
	}
	movies := w.find(west, "movies").UUID
	w.put(east, "movies", "3")
	w.check(w.clusters[east].DeleteIndex(t.Context(), "archive"))
	w.put(east, "shows", "1")
	w.pointOf(east)
	w.copied(west)
	w.holds(west, "movies", "1", "2", "3")
	w.holds(west, "shows", "1")
	if w.find(west, "movies").UUID == movies || slices.ContainsFunc(w.names(west), func(n string) bool { return n == "archive" }) {
		t.Errorf("%v", w.names(west))
	}
	shows := w.find(west, "shows").UUID
	w.put(east, "movies", "4")
	w.pointOf(east)
	changes := w.watched(west, "RemoveIndex", "Restore")
	w.copied(west)
	if w.find(west, "shows").UUID != shows || len(*changes) != 2 {
		t.Errorf("what did not change was touched: %v", *changes)
	}
	if left := w.pins(west); len(left) > 0 {
		t.Errorf("a whole copy keeps retention from going on: %v", left)
	}
}

func (w *world) names(region string) []string {
	w.t.Helper()
	all, err := w.clusters[region].Indices(w.t.Context())
	w.check(err)
	var out []string
	for _, i := range all {
		out = append(out, i.Name)
	}
	return out
}

func (w *world) pins(region string) []string {
	return slices.DeleteFunc(w.buckets[region].Keys(), func(k string) bool { return !strings.HasPrefix(k, point.PinsPrefix) })
}

// With dr.standby: cold nothing at all is done in a domain that stands there.
func TestAColdStandbyIsLeftAlone(t *testing.T) {
	w := pair(t)
	w.put(west, "own", "1")
	before := w.watched(west, "RemoveIndex", "Restore", "PutRepository", "SetAutoCreate", "Block", "SetWriteBlock")
	keys := len(w.buckets[west].Keys())
	for range 3 {
		w.pass(time.Minute)
		if s := w.tick(west); s.Standby != nil {
			t.Errorf("%+v", s.Standby)
		}
	}
	if len(*before) > 0 || !w.writes(west, "own", "2") || len(w.buckets[west].Keys()) != keys {
		t.Errorf("%v, %d keys, now %d: %v", *before, keys, len(w.buckets[west].Keys()), w.buckets[west].Keys())
	}
}

// A switch finds the copy by its journal: what did not change since is not brought
// again, and what the fenced domain took last is.
func TestASwitchToAWarmStandbyRestoresOnlyWhatChanged(t *testing.T) {
	for name, lost := range map[string]bool{"planned": false, "failover": true} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.put(east, "archive", "old")
			w.pointOf(east)
			w.copied(west)
			archive := w.find(west, "archive").UUID
			w.put(east, "movies", "3")
			p := explicit(west)
			if lost {
				w.pointOf(east)
				w.lose(east, true)
				p.UnreachableRegion = east
			}
			changes := w.watched(west, "RemoveIndex", "Restore")
			w.done(w.until(p, "one"))
			w.holds(west, "movies", "1", "2", "3")
			w.holds(west, "archive", "old")
			if w.find(west, "archive").UUID != archive || len(*changes) != 2 {
				t.Errorf("%v", *changes)
			}
			if !w.writes(west, "movies", "4") || !w.writes(west, "archive", "new") || !w.writes(west, "fresh", "1") {
				t.Error("the new active domain takes no writes")
			}
			w.lose(east, false)
			w.warmly(west)
			if slices.Contains(w.buckets[west].Keys(), "_dr/journal/standby.json") || len(w.leftovers()) > 0 {
				t.Errorf("%v", w.leftovers())
			}
		})
	}
}

// A restore that is slower than the schedule ends all the same: the next point is
// begun when this one is whole, and this one stays pinned.
func TestH17_OnePointAtATimeIsCopied(t *testing.T) {
	w := pair(t)
	w.settings.Retention.Count = 1
	w.clusters[west].RestoresTake(5 * time.Minute)
	first := w.warmly(west).Standby.Restoring
	if first == "" {
		t.Fatal("nothing is restored")
	}
	for n := 0; ; n++ {
		w.put(east, "movies", "more")
		w.pointOf(east)
		s := w.warmly(west).Standby
		if s.Copy == first {
			if n < 3 || s.BehindSeconds == 0 || s.Newest == first {
				t.Errorf("after %d points: %+v", n, s)
			}
			break
		}
		if s.Restoring != first || n > 10 {
			t.Fatalf("after %d points: %+v", n, s)
		}
	}
	w.copied(west)
	w.holds(west, "movies", "1", "2", "more")
}

// In the steady state this Region's bucket is all that is needed: the copy follows
// while the other Region answers nothing (G5).
func TestG5_ACopyNeedsNothingOfTheOtherRegion(t *testing.T) {
	w := pair(t)
	w.copied(west)
	w.put(east, "movies", "3")
	w.pointOf(east)
	var asked []string
	w.lose(east, true)
	w.calls = nil
	for range 4 {
		w.warmly(west)
		w.pass(time.Minute)
	}
	w.holds(west, "movies", "1", "2", "3")
	for _, c := range w.calls {
		if strings.HasSuffix(c, east) {
			asked = append(asked, c)
		}
	}
	if len(asked) > 0 {
		t.Errorf("%v", asked)
	}
}

// What was done to a standby by hand is seen, and put right: it was a copy, so
// nothing is lost.
func TestAChangedStandbyBecomesACopyAgain(t *testing.T) {
	w := pair(t)
	w.put(east, "shows", "1")
	w.pointOf(east)
	w.copied(west)
	w.check(w.clusters[west].DeleteIndex(t.Context(), "movies"))
	w.check(w.clusters[west].SetBlock(t.Context(), "shows", "write", false))
	w.copied(west)
	w.holds(west, "movies", "1", "2")
	if !w.blocked(west, "shows") {
		t.Error("it takes writes")
	}
}

// Made again by hand, it is another domain: what was noted of the old one decides
// nothing.
func TestAStandbyThatWasMadeAgainIsCopiedAnew(t *testing.T) {
	w := pair(t)
	w.copied(west)
	w.domain(west, 7)
	w.copied(west)
	w.holds(west, "movies", "1", "2")
}

// Notes that cannot be read decide nothing either: the journal does.
func TestNotesOfAStandbyThatCannotBeReadAreBegunAnew(t *testing.T) {
	w := pair(t)
	w.copied(west)
	movies := w.find(west, "movies").UUID
	_, err := w.buckets[west].Put(t.Context(), "_dr/journal/standby.json", []byte("{"), store.Condition{})
	w.check(err)
	w.copied(west)
	if w.find(west, "movies").UUID != movies {
		t.Error("it was restored again")
	}
}
