package simulation

import (
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/route"
)

// alive keeps what must come about in bounded time, looked at four times a minute.
// What goes wrong meanwhile gives the product its time anew: it is asked what it
// does in quiet.
type alive struct {
	w      *world
	calm   time.Time // since when nothing has gone wrong
	pause  map[*standing]time.Duration
	closed map[string]time.Time // indexes of the domain in force that take no writes, by UUID
	told   map[string][]string  // subjects that each Region's controller named last
	// guarded are the blocks that users set, by index name.
	guarded map[string]map[string]bool
}

// Bounds of the promises, each with what a run a minute and its length add.
const (
	looksEvery    = 15 * time.Second
	recordWithin  = 9 * time.Minute
	handsOverIn   = 12 * time.Minute
	pauseMargin   = 4 * time.Minute
	extendedPause = 4 * time.Hour
)

func newAlive(w *world) *alive {
	return &alive{w: w, calm: w.now, pause: map[*standing]time.Duration{}, closed: map[string]time.Time{}, told: map[string][]string{}, guarded: map[string]map[string]bool{}}
}

// troubled for so long from now on.
func (a *alive) troubled(d time.Duration) {
	if t := a.w.now.Add(d); t.After(a.calm) {
		a.calm = t
	}
}

// disturbed: something is away just now.
func (w *world) disturbed() bool {
	return w.cut || w.routeOff || len(w.places[east].down)+len(w.places[west].down) > 0
}

// watch for as long as the history lasts.
func (w *world) watch() {
	if !w.has(Alive) && !w.has(ShortPause) {
		return
	}
	var again func()
	again = func() {
		w.looksAlive()
		w.at(looksEvery, again)
	}
	w.at(looksEvery, again)
}

// attentive: something is to come about, so that no minute run is left out.
func (w *world) attentive() bool {
	c := w.inForce()
	return c != nil && (len(w.closed) > 0 || w.marked() || w.pointsElsewhere(c))
}

func (w *world) marked() bool { return w.places[east].marked || w.places[west].marked }

func (w *world) pointsElsewhere(c *claimed) bool {
	m, ok := route.ParseMark(w.record.Mark)
	return !ok || m.Generation != c.ledger.Generation || w.record.Target != c.d.endpoint
}

func (w *world) looksAlive() {
	c := w.inForce()
	if c == nil || c.d.gone {
		return
	}
	if w.disturbed() {
		w.troubled(0)
	}
	since := func(t time.Time) time.Duration {
		if t.Before(w.calm) {
			t = w.calm
		}
		return w.now.Sub(t)
	}
	if w.has(Alive) && w.pointsElsewhere(c) && since(c.at) > recordWithin {
		w.fail("H59: generation %d is claimed for %s, and after %s of quiet the record points at %s (%s)", w.top, c.d.endpoint, since(c.at), w.record.Target, w.record.Mark)
	}
	if w.has(Alive) && c.inherits != nil && since(c.at) > handsOverIn {
		w.inherited(c)
	}
	shut := w.shutTo(c.d)
	if len(shut) == 0 {
		clear(w.closed)
		delete(w.pause, c.d)
		return
	}
	if w.marked() {
		clear(w.closed)
		if !w.disturbed() {
			w.pause[c.d] += looksEvery
		}
		limit := time.Duration(w.settings.MaxWritePause)*time.Second + pauseMargin
		if w.extended {
			limit = extendedPause
		}
		if w.has(ShortPause) && w.pause[c.d] > limit && w.now.Sub(w.calm) > pauseMargin {
			w.fail("H55: writes are refused behind a fence in %s for %s, such as to %s", c.d.region, w.pause[c.d], shut[0].Name)
		}
		return
	}
	delete(w.pause, c.d)
	now := map[string]time.Time{}
	for _, i := range shut {
		at, ok := w.closed[i.UUID]
		if !ok || at.Before(c.at) {
			at = w.now
		}
		now[i.UUID] = at
		if w.has(Alive) && since(at) > handsOverIn && !slices.Contains(w.told[c.d.region], i.Name) {
			w.fail("H54: index %s of the domain in force, in %s, has blocks %v after %s of quiet, and nobody is told", i.Name, c.d.region, i.Blocks, since(at))
		}
	}
	w.closed = now
}

// shutTo writes: the indexes of a domain that took writes and take none, by no
// user's block.
func (w *world) shutTo(d *standing) []opensearch.Index {
	var out []opensearch.Index
	for _, i := range indices(d) {
		if !nobodys(i.Name) && i.Name != archive && slices.Contains(i.Blocks, "write") && !w.guarded[i.Name]["write"] {
			out = append(out, i)
		}
	}
	return out
}

// names what a controller's answer speaks of.
func (a *alive) names(region string, s contract.RecoveryStatus) {
	var out []string
	for _, x := range s.Attention {
		out = append(out, x.Subject)
	}
	for _, f := range s.Fates {
		if f.Fate != contract.FateRestored && f.Fate != contract.FateUnchanged {
			out = append(out, f.Index)
		}
	}
	a.told[region] = out
}
