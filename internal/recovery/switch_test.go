package recovery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

func (w *world) put(region, index string, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		w.check(w.clusters[region].Index(w.t.Context(), index, id, `{"id":"`+id+`"}`))
	}
}

func (w *world) ids(region, index string) []string {
	w.t.Helper()
	docs, err := w.clusters[region].Documents(w.t.Context(), index)
	if errors.Is(err, opensearch.ErrNotFound) {
		return nil
	}
	w.check(err)
	var out []string
	for _, d := range docs {
		out = append(out, d.ID)
	}
	slices.Sort(out)
	return out
}

func (w *world) holds(region, index string, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.ids(region, index); !slices.Equal(got, want) {
		w.t.Errorf("%s in %s holds %v, want %v", index, region, got, want)
	}
}

// point is a recovery point of a Region's domain.
func (w *world) pointOf(region string) {
	w.t.Helper()
	r, err := w.run(region, "demand")
	w.check(err)
	if r.Started == "" {
		w.t.Fatalf("nothing started in %s: %+v", region, r)
	}
	w.pass(time.Minute)
	w.tick(region)
}

// lose a Region: everything, silent.
func (w *world) lose(region string, lost bool) {
	w.away[region] = lost
	w.buckets[region].SetUnreachable(lost)
}

// until a request ends: each turn is a minute of the two controllers and the
// waiter's question.
func (w *world) until(p contract.WishProperties, id string) contract.RecoveryStatus {
	w.t.Helper()
	at := w.clock()
	var s contract.RecoveryStatus
	for range 40 {
		var err error
		s, err = w.ask(p.Region, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: p, RequestID: id, RequestedAt: at})
		w.check(err)
		if s.Done || s.Refusal != "" {
			return s
		}
		w.pass(time.Minute)
		w.ticks()
	}
	w.t.Fatalf("never ends: %+v", s)
	return s
}

// ticks of both controllers, where they are.
func (w *world) ticks() {
	for _, r := range []string{east, west} {
		if !w.away[r] {
			_, _ = w.ask(r, contract.RecoveryRequest{Action: contract.ActionTick})
		}
	}
}

func (w *world) done(s contract.RecoveryStatus) contract.RecoveryStatus {
	w.t.Helper()
	if !s.Done {
		w.t.Fatalf("not done: %+v", s)
	}
	return s
}

func explicit(region string) contract.WishProperties {
	p := wish(region)
	p.Explicit, p.AskedAt = "true", "now"
	return p
}

func (w *world) letGo(p contract.WishProperties) contract.RecoveryStatus {
	w.t.Helper()
	var s contract.RecoveryStatus
	for range 20 {
		var err error
		s, err = w.ask(p.Region, contract.RecoveryRequest{Action: contract.ActionRelease, Wish: p, RequestID: "gate"})
		w.check(err)
		if s.Done || s.Refusal != "" {
			return s
		}
		w.pass(time.Minute)
		w.ticks()
	}
	return s
}

func (w *world) remove(region string) {
	delete(w.clusters, region)
	delete(w.descs, region)
}

func (w *world) blocked(region, index string) bool {
	w.t.Helper()
	all, err := w.clusters[region].Indices(w.t.Context())
	w.check(err)
	for _, i := range all {
		if i.Name == index {
			return slices.Contains(i.Blocks, "write")
		}
	}
	return false
}

// leftovers of switches, which none may leave.
func (w *world) leftovers() []string {
	var out []string
	for _, b := range w.buckets {
		for _, k := range b.Keys() {
			for _, p := range []string{"_dr/pins/", "_dr/journal/restore", "_dr/journal/snapshot"} {
				if strings.HasPrefix(k, p) {
					out = append(out, k)
				}
			}
		}
	}
	return out
}

// TestStory is the whole life: set-up, writes, the primary lost, failover, the
// primary back, stand-down with salvage, points of the secondary, failback
// without loss, the secondary's stand-down.
func TestStory(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1", "2", "3")
	w.check(w.clusters[east].CreateDataStream(t.Context(), "logs"))
	w.put(east, "logs", "a", "b")
	w.check(w.clusters[east].PutAlias(t.Context(), "movies", "films"))
	w.pointOf(east)
	w.put(east, "movies", "4") // after the point
	uuidEast := w.clusters[east].UUID()
	w.lose(east, true)
	w.domain(west, 2)
	p := explicit(west)
	p.UnreachableRegion = east
	s := w.done(w.until(p, "failover"))
	if s.ActiveRegion != west || s.Generation != 2 || s.Commit == "" || w.record().Target != w.descs[west].Endpoint {
		t.Fatalf("failover: %+v", s)
	}
	w.holds(west, "movies", "1", "2", "3")
	w.holds(west, "logs", "a", "b")
	w.put(west, "movies", "5")
	w.put(west, "logs", "c")

	w.lose(east, false)
	w.put(east, "movies", "6") // by cached DNS, before it knows
	w.ticks()
	if err := w.clusters[east].Index(t.Context(), "movies", "7", "{}"); !opensearch.IsBlocked(err) {
		t.Errorf("the old domain takes writes: %v", err)
	}
	w.pass(time.Minute)
	s = w.done(w.letGo(wish(east)))
	if !strings.Contains(strings.Join(s.Notices, "\n"), "salvage of cluster "+uuidEast) {
		t.Errorf("stand-down: %+v", s)
	}
	w.holds(east, "movies", "1", "2", "3", "4", "6")
	w.remove(east)

	w.put(west, "movies", "8")
	w.domain(east, 3)
	back := explicit(east)
	back.SwitchFrom = "2"
	w.pointOf(west)
	w.put(west, "movies", "9")
	s = w.done(w.until(back, "failback"))
	if s.ActiveRegion != east || s.Generation != 3 || s.Loss != nil {
		t.Fatalf("failback: %+v", s)
	}
	w.holds(east, "movies", "1", "2", "3", "5", "8", "9")
	w.holds(east, "logs", "a", "b", "c")
	w.put(east, "movies", "10")
	if err := w.clusters[west].Index(t.Context(), "movies", "11", "{}"); !opensearch.IsBlocked(err) {
		t.Errorf("the secondary takes writes: %v", err)
	}
	w.done(w.letGo(wish(west)))
	w.remove(west)
	w.ticks()
	if left := w.leftovers(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for _, r := range []string{east, west} {
		if got := w.params[r+w.settings.Names().ActiveParameter()]; got != east {
			t.Errorf("F16: the parameter in %s names %q", r, got)
		}
	}
	if v, set, _ := w.clusters[east].AutoCreate(t.Context()); set {
		t.Errorf("automatic creation is left at %q", v)
	}
}

// salvage point of a cluster in a Region's bucket.
func (w *world) salvage(region, uuid string) point.Point {
	w.t.Helper()
	p, ok, _, err := point.NewestWhole(w.t.Context(), w.buckets[region], func(p point.Point) bool { return p.Kind == point.KindSalvage && p.ClusterUUID == uuid })
	w.check(err)
	if !ok {
		w.t.Fatalf("no salvage of %s in %s", uuid, region)
	}
	return p
}
