package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
)

// quiet: nothing fails any more.
func (w *world) quiet() {
	w.faults = faults{quiet: true}
	w.cut, w.routeOff = false, false
	for _, r := range []string{east, west} {
		clear(w.places[r].down)
	}
	for _, d := range w.made {
		d.restores = min(d.restores, 3*time.Minute)
	}
	for _, back := range w.reds {
		back()
	}
	w.hear()
	w.log.add(w.now, nil, "---- from here on nothing fails ----", nil)
}

// finale: the command is run again, and what it asks for must come about.
func (w *world) finale(p *process) {
	for range 400 {
		busy := false
		for _, s := range w.stacks {
			busy = busy || s.busy
		}
		busy = busy || w.places[east].marked || w.places[west].marked
		if !busy {
			break
		}
		w.unblock()
		p.sleep(time.Minute)
	}
	want := w.active()
	c := command{}
	if w.inForce() != nil && w.random.IntN(2) == 0 {
		want = w.other(want)
		c = command{active: want, switchFrom: fmt.Sprint(w.top)}
	} else {
		w.cdkJSON = want
	}
	var err error
	for n := range 8 {
		w.unblock()
		if err = w.cdk(p, c); err == nil {
			break
		}
		// What the refusal of a pause that is too long advises: restores of hours do not
		// fit into the bound.
		c.extend = n > 0 && c.switchFrom != ""
		w.extended = w.extended || c.extend
		p.sleep(5 * time.Minute)
	}
	if err != nil {
		w.fail("G4: after the last fault %q was run eight times and still fails: %w", c, err)
		return
	}
	w.cdkJSON = want
	for range 4 {
		w.unblock()
		if err = w.cdk(p, command{}); err == nil {
			break
		}
		p.sleep(5 * time.Minute)
	}
	if err != nil {
		w.fail("G4: after the last fault a plain deploy still fails: %w", err)
		return
	}
	p.sleep(10 * time.Minute)
	w.ending = true
	w.unblock()
	w.snapshotSoon(want, "demand")
	rounds := 20
	if w.has(LongTimes) {
		rounds = 240
	}
	for n := range rounds {
		if n >= 9 && (!w.warm || w.currentCopy(w.other(want))) && w.currentPoint(want) {
			break
		}
		p.sleep(time.Minute)
		w.tick(east)
		w.tick(west)
	}
	w.wanted(want)
}

// wanted is the state that a flag asks for.
func (w *world) wanted(region string) {
	other := w.other(region)
	c := w.inForce()
	if c == nil || c.d.region != region {
		w.fail("G4: %s is wanted and not in force", region)
		return
	}
	d := c.d
	if w.places[region].domain != d {
		w.fail("G4: the domain in %s is not the one in force", region)
		return
	}
	if w.warm {
		w.copyStands(other)
	} else if w.places[other].domain != nil {
		w.fail("G4: a domain still stands in %s", other)
	}
	for _, r := range []string{east, west} {
		l := ledger.ReadOne(context.Background(), w.places[r].bucket)
		if l.Answer != ledger.Present || !l.Ledger.Same(c.ledger) {
			w.fail("G4: the ledger of %s does not say what is in force: %v", r, l.Err)
		} else if l.Ledger.Intent != nil {
			w.fail("G4: a switch is still marked in %s", r)
		}
	}
	if m, ok := route.ParseMark(w.record.Mark); !ok || w.record.Target != d.endpoint || m.Generation != w.top {
		w.fail("G4: the record points at %s (%s), not at %s", w.record.Target, w.record.Mark, d.endpoint)
	}
	for _, i := range indices(d) {
		if own := i.Name == archive; own != slices.Contains(i.Blocks, "write") && !nobodys(i.Name) && !w.guarded[i.Name]["write"] {
			w.fail("G4: index %s of the active domain has blocks %v at the end", i.Name, i.Blocks)
		}
	}
	if v, set, _ := d.cluster.AutoCreate(context.Background()); set {
		w.fail("G4: action.auto_create_index is %q at the end", v)
	}
	if on, err := d.cluster.ISM(context.Background()); err != nil || !on {
		w.fail("G4: index state management is off at the end")
	}
	saved := w.saved()
	for _, o := range w.writes {
		if o.acked && !o.forgotten && !saved[o] {
			w.fail("G3: %s is nowhere at the end", o)
			return
		}
	}
	if !w.currentPoint(region) {
		w.fail("no recovery point of the active domain within its objective at the end")
	}
	w.stats.Points += len(w.points(w.places[other].bucket))
}

// currentPoint: the active domain in a Region has one within its objective.
func (w *world) currentPoint(region string) bool {
	d := w.places[region].domain
	return d != nil && slices.ContainsFunc(w.points(w.places[w.other(region)].bucket), func(p point.Point) bool {
		return p.ClusterUUID == d.cluster.UUID() && w.now.Sub(p.Start) < 25*time.Minute
	})
}
