package scenario

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Lanes of the page.
const (
	laneEvents  = "commands"
	laneReads   = "reads by the name"
	laneWrites  = "writes by the name"
	laneDNS     = "the name leads to"
	lanePhases  = "controller "
	laneDomain  = "domain "
	lanePoints  = "points "
	laneLost    = "loss window"
	watchEvery  = 150 * time.Millisecond
	pointsEvery = 4 * time.Second
)

// watch looks at the cloud from outside while a scenario runs: domains, the name,
// recovery points. What it sees is for the page and for measuring; no assertion
// of a scenario rests on what the product says of itself here.
type watch struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	domains map[string][]stretch // by Region
	name    []stretch            // endpoints
	points  map[string]point.Point
	away    map[string]time.Time
	events  []report.Span
	outages []outage
	windows []report.Span // of data loss
	moments []report.Moment
}

// outage of a Region; to is zero while it lasts.
type outage struct {
	region   string
	from, to time.Time
}

// stretch of one state.
type stretch struct {
	from, to time.Time
	state    string
}

// Domain states of a watch.
const (
	domainMaking  = "being made"
	domainStands  = "stands"
	domainNothing = ""
)

func startWatch(ctx context.Context, w *World) *watch {
	ctx, cancel := context.WithCancel(ctx)
	v := &watch{cancel: cancel, domains: map[string][]stretch{}, points: map[string]point.Point{}, away: map[string]time.Time{}}
	resolver := w.Cloud.Gateway.Dialer()
	resolver.TTL = time.Millisecond
	v.ended.Go(func() { v.every(ctx, watchEvery, func() { v.look(ctx, w, resolver) }) })
	v.ended.Go(func() { v.every(ctx, pointsEvery, func() { v.collect(ctx, w) }) })
	return v
}

func (v *watch) every(ctx context.Context, pause time.Duration, look func()) {
	for ctx.Err() == nil {
		look()
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (v *watch) stop() {
	v.cancel()
	v.ended.Wait()
}

// moment that a person looks for first.
func (v *watch) moment(at time.Time, look report.Look, label string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.moments = append(v.moments, report.Moment{At: at, Look: look, Label: label})
}

// lost is the window whose documents a failover gave up.
func (v *watch) lost(from, to time.Time, label string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.windows = append(v.windows, report.Span{From: from, To: to, Look: report.Bad, Label: label, Tip: label})
}

func (v *watch) look(ctx context.Context, w *World, resolver *gateway.Dialer) {
	limited, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	to := ""
	if found, err := resolver.Resolve(limited, record); err == nil && found.Host != record {
		to = found.Host
	}
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.name = extend(v.name, now, to)
	for _, region := range []string{Primary, Secondary} {
		state := domainNothing
		if d, ok := w.domain(region); ok {
			state = domainMaking
			if d.Address != "" {
				state = domainStands
			}
		}
		v.domains[region] = extend(v.domains[region], now, state)
	}
}

func extend(all []stretch, now time.Time, state string) []stretch {
	if n := len(all) - 1; n >= 0 {
		all[n].to = now
		if all[n].state == state {
			return all
		}
	}
	return append(all, stretch{from: now, to: now, state: state})
}

// collect the points before pruning takes them.
func (v *watch) collect(ctx context.Context, w *World) {
	for _, region := range []string{Primary, Secondary} {
		if v.isAway(otherRegion(region)) {
			continue // its bucket would not answer
		}
		limited, cancel := context.WithTimeout(ctx, 3*time.Second)
		all, err := w.points(limited, region)
		cancel()
		if err != nil {
			continue // no bucket yet, or gone silent meanwhile; the next look tells
		}
		v.mu.Lock()
		for _, p := range all {
			v.points[p.ClusterUUID+"/"+p.ID.String()] = p
		}
		v.mu.Unlock()
	}
}

func (v *watch) isAway(region string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, away := v.away[region]
	return away
}

// first time since when a Region's domain was in a state; zero if it never was.
func (v *watch) first(region, state string, since time.Time) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.domains[region] {
		if s.state == state && s.to.After(since) {
			if s.from.Before(since) {
				return since
			}
			return s.from
		}
	}
	return time.Time{}
}

// led is when the name led to another Region first, after since.
func (v *watch) led(region string, since time.Time) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.name {
		if strings.Contains(s.state, "."+region+".") && s.to.After(since) {
			if s.from.Before(since) {
				return since
			}
			return s.from
		}
	}
	return time.Time{}
}

// event of the scenario, until the answered function is called.
func (v *watch) event(label, tip string, look report.Look) (end func()) {
	begin := time.Now()
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.events = append(v.events, report.Span{From: begin, To: time.Now(), Look: look, Label: label, Tip: tip})
	})
}

// takeAway a Region: API, domain and bucket, without an answer.
func (w *World) takeAway(region string) error {
	now := time.Now()
	w.watch.mu.Lock()
	w.watch.away[region] = now
	w.watch.mu.Unlock()
	w.watch.moment(now, report.Bad, region+" is lost")
	return w.Cloud.SetOutage(region, gateway.Silent)
}

// giveBack the Region.
func (w *World) giveBack(region string) error {
	now := time.Now()
	w.watch.mu.Lock()
	w.watch.outages = append(w.watch.outages, outage{region, w.watch.away[region], now})
	delete(w.watch.away, region)
	w.watch.mu.Unlock()
	w.watch.moment(now, colour(region), region+" is back")
	return w.Cloud.SetOutage(region, gateway.None)
}
