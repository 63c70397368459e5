package simulation

import (
	"context"
	"fmt"
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

// setting of the cluster: the service may take none, in these words.
func (d *standing) setting(f func() error) error {
	if d.w.has(RefusedSettings) {
		return &opensearch.Error{Step: "PUT /_cluster/settings", Status: 401, Reason: "Your request: '/_cluster/settings' payload is not allowed."}
	}
	return f()
}
