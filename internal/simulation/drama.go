package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
)

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
