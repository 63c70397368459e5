package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// What the service and its plugins do in a domain by themselves.

const dashboards = ".kibana_1"

// nobodys are the indexes that hold nobody's documents.
func nobodys(name string) bool { return sysindex.Is(name) }

// served: a new domain as the service hands it over, and what it does every day.
func (w *world) served(d *standing) {
	w.refuses(d)
	if r := w.climate[OwnIndexes]; r != nil {
		w.at(d.ready.Sub(w.now)+time.Duration(r.IntN(600))*time.Second, func() { w.ownIndex(d, dashboards) })
		day := 0
		w.repeat(d, 2*time.Hour, 4*time.Hour, func() {
			day++
			w.ownIndex(d, sysindex.TopQueries(w.now.AddDate(0, 0, day))) // a history is shorter than a day
		})
	}
	if r := w.climate[Automated]; r != nil {
		n := 0
		w.repeat(d, 55*time.Minute, 10*time.Minute, func() {
			n++
			d.cluster.RunAutomatedSnapshot(fmt.Sprintf("cs-automated-enc/snapshot-%d", n))
			w.at(time.Duration(30+r.IntN(300))*time.Second, func() { d.cluster.RunAutomatedSnapshot("") })
		})
	}
}

// refuses what the service refuses, and answers in part what a node does not answer.
func (w *world) refuses(d *standing) {
	if w.has(RefusedSettings) {
		d.cluster.RefuseSettings(opensearchtest.SettingsNotAllowed)
	}
	if r := w.climate[RefusedParts]; r != nil && len(w.made) > 0 { // the target, of whatever it is asked
		names := []string{"rolled", "view-0", "part-0", "part-1"}[:1+r.IntN(4)]
		d.cluster.RefuseParts(func(part, name string) error {
			if !slices.Contains(names, name) {
				return nil
			}
			return &opensearch.Error{Step: "put " + part + " " + name, Status: 403, Type: "security_exception", Reason: "no permissions"}
		})
	}
	if r := w.climate[PartialStatistics]; r != nil {
		w.repeat(d, 4*time.Minute, 10*time.Minute, func() {
			all := indices(d)
			if len(all) == 0 || w.faults.quiet {
				return
			}
			i := all[r.IntN(len(all))]
			d.cluster.Silence(i.Name, 0)
			w.log.say(w.now, nil, "the shard of %s does not answer in %s", i.Name, d.endpoint)
			back := func() {
				if _, there := d.cluster.Describe(i.Name); there && !d.gone {
					d.cluster.Silence(i.Name)
				}
			}
			w.reds = append(w.reds, back)
			w.at(time.Duration(20+r.IntN(400))*time.Second, back)
		})
	}
}

// repeat something at a domain while it stands.
func (w *world) repeat(d *standing, least, more time.Duration, do func()) {
	var again func()
	again = func() {
		if d.gone {
			return
		}
		if w.reachable("", target{d.region, domains}) == nil {
			do()
		}
		w.at(least+time.Duration(w.climateDraw(int64(more))), again)
	}
	w.at(max(d.ready.Sub(w.now), 0)+time.Duration(w.climateDraw(int64(least+more))), again)
}

// climateDraw of what the unkindnesses do, beside the draws of everything else.
func (w *world) climateDraw(n int64) int64 { return w.weatherman.Int64N(n) }

// ownIndex with one document, which nobody misses.
func (w *world) ownIndex(d *standing, name string) {
	if d.gone || w.reachable("", target{d.region, domains}) != nil {
		return
	}
	err := d.cluster.CreateIndex(context.Background(), name, opensearchtest.IndexOptions{Hidden: strings.HasPrefix(name, ".")})
	w.log.say(w.now, err, "the service makes %s in %s", name, d.endpoint)
	if err != nil {
		return
	}
	w.born(d)
	o := w.newWrite(name, "own")
	o.forgotten = true
	if err := d.cluster.Index(context.Background(), name, "own", "the service's"); err == nil {
		w.applied(d, name, o)
	}
}
