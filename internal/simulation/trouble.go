package simulation

import (
	"fmt"
	"time"
)

// hesitates: while a put of a ledger is under way somebody may change his mind.
func (w *world) hesitates(d time.Duration) {
	if c := w.inForce(); c != nil && w.random.IntN(2) == 0 {
		w.at(time.Duration(w.random.Int64N(int64(d))), func() { w.abort(c.d.region) })
	}
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
