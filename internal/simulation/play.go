package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
)

// longest drama, and longest end, in steps: clients who make an index every other
// minute keep a fence from being complete for an hour.
const (
	longest    = 15_000
	longestEnd = 60_000
)

// play one history: set up, a drama, and a quiet end at which all must be well.
func (w *world) play() {
	w.weather()
	for _, r := range []string{east, west} {
		w.every(50*time.Second, 20*time.Second, func() {
			// Most of the minutes in which nothing is under way are left out.
			often := 4
			if w.places[east].marked || w.places[west].marked {
				often = 2
			}
			if w.random.IntN(often) == 0 {
				w.tick(r)
			}
		})
		w.every(8*time.Minute, 4*time.Minute, func() { w.scheduled(r) })
	}
	for n := range 2 {
		c := &client{w: w, number: n, keeps: []time.Duration{time.Minute, 10 * time.Minute}[n]}
		w.every(3*time.Second, 90*time.Second, func() {
			if !w.ending && !w.idle {
				c.act()
			}
		})
	}
	over := false
	operator := w.start("operator", "", false, func(p *process) {
		w.drama(p)
		over = true
	})
	w.run(began.Add(8*time.Hour), func() bool { return over || w.steps > longest })
	if w.failed != nil || w.broken != nil {
		return
	}
	w.kill(operator, "goes home")
	w.quiet()
	over = false
	w.start("operator", "", false, func(p *process) {
		w.finale(p)
		over = true
	})
	until := w.steps + longestEnd
	if w.impatient {
		until = w.steps + longest
	}
	w.run(w.now.Add(8*time.Hour), func() bool { return over || w.steps > until })
	if w.failed == nil && w.broken == nil && !over {
		w.fail("G4: nothing fails any more, and the end never comes")
	}
}

// weather of this history.
func (w *world) weather() {
	f := &w.faults
	switch w.random.IntN(4) {
	case 0:
		*f = faults{crash: 2, lose: 2, refuse: 2, late: 1, stall: 1}
	case 1:
		*f = faults{crash: 10, lose: 6, refuse: 6, late: 4, stall: 2}
	case 2:
		*f = faults{crash: 4, lose: 4, refuse: 4, late: 2, stall: 6}
	}
	for _, p := range w.places {
		p.skew = 0
	}
	w.places[east].skew = time.Duration(w.random.IntN(600)-300) * time.Second
	w.places[west].skew = time.Duration(w.random.IntN(600)-300) * time.Second
}

// every so often, about: least and up to that much more.
func (w *world) every(least, more time.Duration, do func()) {
	var again func()
	again = func() {
		do()
		w.at(least+time.Duration(w.random.Int64N(int64(more))), again)
	}
	w.at(time.Duration(w.random.Int64N(int64(least+more))), again)
}

// scheduled snapshots of a domain stack that has the schedule.
func (w *world) scheduled(region string) {
	if s := w.stacks[w.settings.Names().DomainStack(region)]; s != nil && s.is.schedule {
		w.snapshotSoon(region, "schedule")
	}
}

func (w *world) minutes(p *process, least, more int) {
	p.sleep(time.Duration(least)*time.Minute + time.Duration(w.random.IntN(more*60))*time.Second)
}

func (w *world) inForce() *claimed { return w.claims[w.top] }

// drama between the set-up and the end.
func (w *world) drama(p *process) {
	w.setUp(p)
	w.minutes(p, 1, 5)
	w.keepArchive()
	w.minutes(p, 1, 5)
	acts := []func(*process){w.disaster, w.planned, w.chaos}
	for range 1 + w.random.IntN(3)/2 {
		acts[w.random.IntN(len(acts))](p)
		if w.failed != nil {
			return
		}
	}
}

// setUp, which may be cut off, be disturbed, or not come to its end before the
// disaster (H14).
func (w *world) setUp(p *process) {
	switch w.random.IntN(8) {
	case 0:
		w.idle = w.random.IntN(2) == 0
		_ = w.cdk(p, command{stopAfter: 2 + w.random.IntN(4)})
		w.minutes(p, 0, 10)
		if w.random.IntN(2) == 0 {
			w.disaster(p)
		} else {
			w.takeAway(east, []part{buckets})
			_ = w.cdk(p, command{active: west})
			w.comeBack(east)
		}
		w.idle = false
	case 1:
		w.at(time.Duration(w.random.IntN(15*60))*time.Second, func() { w.blink() })
	}
	for range 3 {
		if w.cdk(p, command{}) == nil {
			return
		}
		w.minutes(p, 1, 2)
	}
}

func (w *world) active() string {
	if c := w.inForce(); c != nil {
		return c.d.region
	}
	return east
}

// patiently runs a command again until it succeeds.
func (w *world) patiently(p *process, tries int, c func() command) {
	for range tries {
		if w.cdk(p, c()) == nil {
			return
		}
		w.minutes(p, 0, 4)
	}
}

// disaster: the active Region goes, the other one takes over, it comes back.
func (w *world) disaster(p *process) {
	lost := w.active()
	to := w.other(lost)
	w.takeAway(lost, parts)
	w.routeOff = lost == east && w.random.IntN(2) == 0
	w.minutes(p, 1, 6)
	if w.random.IntN(3) == 0 {
		w.beside(command{})
	}
	routeBack := w.now.Add(time.Duration(w.random.IntN(30)) * time.Minute)
	for range 5 {
		err := w.cdk(p, command{active: to, unreachable: lost, stopAfter: w.random.IntN(12) / 4})
		if w.now.After(routeBack) {
			w.routeOff = false
		}
		if err == nil {
			break
		}
		w.minutes(p, 0, 5)
	}
	w.minutes(p, 1, 5)
	w.comeBack(lost)
	w.routeOff = false
	if w.random.IntN(4) > 0 {
		w.cdkJSON = w.active()
	}
	w.minutes(p, 0, 6)
	if w.random.IntN(3) > 0 {
		w.patiently(p, 2, func() command { return command{} })
	}
}

// planned switch, with whatever may disturb it.
func (w *world) planned(p *process) {
	to := w.other(w.active())
	switch w.random.IntN(4) {
	case 0:
		w.beside(command{})
	case 1:
		w.at(time.Duration(w.random.IntN(20*60))*time.Second, func() { w.blink() })
	case 2:
		w.flaps()
	}
	switch w.random.IntN(8) {
	case 0:
		w.at(time.Duration(2+w.random.IntN(15))*time.Minute, func() { w.abort(w.settings.Other(to)) })
	case 1:
		w.at(time.Duration(2+w.random.IntN(15))*time.Minute, func() { w.liftByHand() })
	}
	for range 4 {
		c := command{active: to, switchFrom: fmt.Sprint(w.top), cancel: w.random.IntN(5) == 0}
		if w.random.IntN(6) == 0 {
			c.switchFrom = ""
		}
		if w.cdk(p, c) == nil {
			break
		}
		w.minutes(p, 0, 5)
	}
	if w.random.IntN(4) > 0 {
		w.cdkJSON = w.active()
	}
	w.minutes(p, 1, 4)
	if w.random.IntN(2) == 0 {
		w.patiently(p, 2, func() command { return command{} })
	}
}

// abort is what an operator types who has changed his mind. The switch that he
// hears is aborted must never be claimed; where the product says that the other
// Region may not know of it yet, it may.
func (w *world) abort(region string) {
	w.start("operator", "", false, func(p *process) {
		marked := w.marks()
		s, err := caller{w, p}.Recovery(context.Background(), region, contract.RecoveryRequest{Action: contract.ActionAbort, RequestID: "operator"})
		if err != nil || !s.Done || slices.ContainsFunc(s.Notices, func(n string) bool { return strings.Contains(n, "cannot be read") }) {
			return
		}
		left := w.marks()
		for m := range marked {
			w.aborted[m] = w.aborted[m] || !left[m]
		}
	})
}

// marks of switches in the ledgers.
func (w *world) marks() map[mark]bool {
	out := map[mark]bool{}
	for _, p := range w.places {
		if m, ok := markOf(p.bucket.objects[ledger.Key]); ok {
			out[m] = true
		}
	}
	return out
}

// hesitates: while a put of a ledger is under way somebody may change his mind.
func (w *world) hesitates(d time.Duration) {
	if c := w.inForce(); c != nil && w.random.IntN(2) == 0 {
		w.at(time.Duration(w.random.Int64N(int64(d))), func() { w.abort(c.d.region) })
	}
}

// liftByHand is somebody who saves production: writes go on at the fenced domain,
// and nobody has told the controller.
func (w *world) liftByHand() {
	c := w.inForce()
	if c == nil || c.d.gone {
		return
	}
	for _, i := range indices(c.d) {
		if i.Name != archive && slices.Contains(i.Blocks, "write") {
			_ = c.d.cluster.SetWriteBlock(context.Background(), []string{i.Name}, false)
			w.lifted = w.now
		}
	}
	w.log.add(w.now, nil, "somebody lifts all blocks by hand on "+c.d.endpoint, nil)
}

// beside runs a pipeline's command at the same time.
func (w *world) beside(c command) {
	w.at(time.Duration(w.random.IntN(20*60))*time.Second, func() {
		w.start("pipeline", "", false, func(p *process) { _ = w.cdk(p, c) })
	})
}

// blink of a Region, a part of one, or the link.
func (w *world) blink() {
	region := []string{east, west}[w.random.IntN(2)]
	long := time.Duration(1+w.random.IntN(8)) * time.Minute
	switch w.random.IntN(3) {
	case 0:
		w.cutLink(long)
	case 1:
		w.takeAway(region, parts)
		w.at(long, func() { w.comeBack(region) })
	default:
		w.takeAway(region, parts[w.random.IntN(len(parts)):][:1])
		w.at(long, func() { w.comeBack(region) })
	}
}

// flaps: the link comes and goes for a while, never away for long enough to count
// as a loss.
func (w *world) flaps() {
	at := time.Duration(0)
	for range 4 + w.random.IntN(8) {
		at += time.Duration(90+w.random.IntN(150)) * time.Second
		long := time.Duration(20+w.random.IntN(60)) * time.Second
		w.at(at, func() { w.cutLink(long) })
		at += long
	}
}

func (w *world) cutLink(long time.Duration) {
	w.log.add(w.now, nil, "the link between the Regions is cut", nil)
	w.cut = true
	w.hear()
	w.at(long, func() {
		w.cut = false
		w.log.add(w.now, nil, "the link is back", nil)
		w.hear()
	})
}

func (w *world) takeAway(region string, which []part) {
	p := w.places[region]
	p.silent = w.random.IntN(2) == 0
	for _, x := range which {
		p.down[x] = true
	}
	w.log.add(w.now, nil, fmt.Sprintf("%s loses %v, silent=%t", region, which, p.silent), nil)
	w.hear()
}

func (w *world) comeBack(region string) {
	clear(w.places[region].down)
	w.log.add(w.now, nil, region+" is back", nil)
	w.hear()
}

// chaos: anybody does anything.
func (w *world) chaos(p *process) {
	for range 3 + w.random.IntN(5) {
		region := []string{east, west}[w.random.IntN(2)]
		switch w.random.IntN(9) {
		case 0, 1:
			w.blink()
		case 2:
			w.beside(command{})
		case 3:
			c := command{active: region, cancel: w.random.IntN(3) == 0}
			if w.random.IntN(2) == 0 {
				c.switchFrom = fmt.Sprint(max(1, w.top-int64(w.random.IntN(2))))
			}
			if w.random.IntN(3) == 0 {
				c.unreachable = w.other(region)
			}
			_ = w.cdk(p, c)
		case 4:
			w.cdkJSON = w.active()
		case 5:
			w.routeOff = !w.routeOff
		case 6:
			_ = w.cdk(p, command{active: w.other(w.active()), switchFrom: fmt.Sprint(w.top)})
		case 7:
			_ = w.cdk(p, command{stopAfter: 1 + w.random.IntN(5)})
		default:
			w.tick(region)
			w.scheduled(region)
		}
		w.minutes(p, 0, 8)
	}
	w.routeOff = false
}

// quiet: nothing fails any more.
func (w *world) quiet() {
	w.faults = faults{quiet: true}
	w.cut, w.routeOff = false, false
	for _, r := range []string{east, west} {
		clear(w.places[r].down)
	}
	w.hear()
	w.log.add(w.now, nil, "---- from here on nothing fails ----", nil)
}

// finale: the command is run again, and what it asks for must come about.
func (w *world) finale(p *process) {
	for range 200 {
		busy := false
		for _, s := range w.stacks {
			busy = busy || s.busy
		}
		busy = busy || w.places[east].marked || w.places[west].marked
		if !busy {
			break
		}
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
	for range 8 {
		if err = w.cdk(p, c); err == nil {
			break
		}
		p.sleep(5 * time.Minute)
	}
	if err != nil {
		w.fail("G4: after the last fault %q was run eight times and still fails: %w", c, err)
		return
	}
	w.cdkJSON = want
	for range 4 {
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
	w.snapshotSoon(want, "demand")
	for n := range 20 {
		_, copied := w.places[w.other(want)].bucket.copyOf()
		if n >= 9 && (copied || !w.warm) {
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
		if own := i.Name == archive; own != slices.Contains(i.Blocks, "write") {
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
	b := w.places[other].bucket
	fresh := false
	for _, p := range w.points(b) {
		fresh = fresh || p.ClusterUUID == d.cluster.UUID() && w.now.Sub(p.Start) < 25*time.Minute
	}
	if !fresh {
		w.fail("no recovery point of the active domain within its objective at the end")
	}
	w.stats.Points += len(w.points(b))
}
