package simulation

import "time"

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
			if (w.has(Alive) || w.has(ShortPause)) && w.attentive() {
				often = 1
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
	w.watch()
	w.administered()
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
	w.run(w.now.Add(16*time.Hour), func() bool { return over || w.steps > until })
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
