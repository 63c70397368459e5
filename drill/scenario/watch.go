package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/contract"
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

// finish looking, and hand what was seen to the report.
func (w *World) finish() error {
	if w.work != nil {
		w.work.Stop()
	}
	v := w.watch
	v.stop()
	phases, err := w.phases()
	v.mu.Lock()
	defer v.mu.Unlock()
	for region, since := range v.away {
		v.outages = append(v.outages, outage{region, since, time.Now()})
	}
	w.Report.Add(func(f *report.Findings) {
		slices.SortFunc(v.events, func(a, b report.Span) int { return a.From.Compare(b.From) })
		f.Lane(laneEvents).Spans = v.events
		f.Moments = v.moments
		for _, lane := range []struct {
			name string
			kind workload.Kind
		}{{laneReads, workload.Read}, {laneWrites, workload.Write}} {
			if w.work != nil {
				f.Lane(lane.name).Spans = bands(w.work.Ops(), lane.kind)
			}
		}
		for _, s := range v.name {
			if s.state != "" {
				region := regionIn(s.state)
				span := report.Span{From: s.from, To: s.to, Look: colour(region), Label: region, Tip: s.state}
				f.Lane(laneDNS).Spans = append(f.Lane(laneDNS).Spans, span)
			}
		}
		for _, region := range []string{Primary, Secondary} {
			f.Lane(laneDomain + region).Spans = v.domainSpans(region, w.fences(region))
			f.Lane(lanePhases + region).Spans = phases[region]
			f.Lane(lanePoints + region)
			if region == Primary {
				f.Lane(laneLost).Spans = v.windows
			}
		}
		for _, p := range v.points {
			f.Marks = append(f.Marks, pointMark(p))
		}
	})
	return err
}

// fences are the times when the controller blocked an index of a Region's domain.
func (w *World) fences(region string) []time.Time {
	var at []time.Time
	for _, c := range w.Cloud.Gateway.Calls(gateway.Filter{Front: "domain", TargetRegion: region, Function: w.controller()}) {
		if c.Status == http.StatusOK && strings.Contains(c.Path, "/_block/") {
			at = append(at, c.Time)
		}
	}
	return at
}

// domainSpans of a Region: being made, serving, fenced until it is gone; and away
// over any of it.
func (v *watch) domainSpans(region string, fences []time.Time) (spans []report.Span) {
	for _, s := range v.domains[region] {
		switch s.state {
		case domainMaking:
			spans = append(spans, report.Span{From: s.from, To: s.to, Look: report.Working, Label: s.state})
		case domainStands:
			end := s.to
			if i := slices.IndexFunc(fences, func(t time.Time) bool { return t.After(s.from) && t.Before(s.to) }); i >= 0 {
				end = fences[i]
				spans = append(spans, report.Span{From: end, To: s.to, Look: report.Quiet, Label: "fenced"})
			}
			spans = append(spans, report.Span{From: s.from, To: end, Look: colour(region), Label: s.state})
		}
	}
	for _, o := range v.outages {
		if o.region == region {
			spans = append(spans, report.Span{From: o.from, To: o.to, Look: report.Bad, Label: "away"})
		}
	}
	return spans
}

func pointMark(p point.Point) report.Mark {
	look, kind := colour(p.Region), "recovery point"
	switch p.Kind {
	case point.KindFinal:
		look, kind = report.Working, "final point"
	case point.KindSalvage:
		look, kind = report.Working, "salvage"
	}
	return report.Mark{Lane: lanePoints + p.Region, At: p.Start, Look: look,
		Tip: fmt.Sprintf("%s %s: %d documents, %s added", kind, p.ID, p.Documents, size(p.BytesAdded))}
}

func bands(ops []workload.Op, kind workload.Kind) (spans []report.Span) {
	for _, b := range workload.Bands(ops, kind) {
		s := report.Span{From: b.From, To: b.To, Look: colour(b.Region), Label: b.Region, Tip: fmt.Sprintf("%d by %s", b.Ops, b.Region)}
		if !b.OK {
			s.Look, s.Label, s.Tip = report.Bad, "failed", fmt.Sprintf("%d failed: %s", b.Ops, firstSentence(b.Reason))
		}
		spans = append(spans, s)
	}
	return spans
}

func colour(region string) report.Look {
	if region == Secondary {
		return report.Moved
	}
	return report.Good
}

func regionIn(endpoint string) string {
	for _, region := range []string{Primary, Secondary} {
		if strings.Contains(endpoint, "."+region+".") {
			return region
		}
	}
	return endpoint
}

// controllerRun is what the recovery function logs of each run.
type controllerRun struct {
	Time    time.Time               `json:"time"`
	Message string                  `json:"msg"`
	Region  string                  `json:"region"`
	Action  string                  `json:"action"`
	Status  contract.RecoveryStatus `json:"status"`
}

// controllerRuns from the functions' logs.
func (w *World) controllerRuns() ([]controllerRun, error) {
	raw, err := os.ReadFile(filepath.Join(w.Cloud.Folder(), "emulator", "emulator.log"))
	if err != nil {
		return nil, fmt.Errorf("read the functions' logs: %w", err)
	}
	var runs []controllerRun
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		_, body, ok := bytes.Cut(lines.Bytes(), []byte(`{"time":`))
		if !ok || !bytes.Contains(body, []byte(`"recovery run"`)) {
			continue
		}
		var r controllerRun
		if json.Unmarshal(append([]byte(`{"time":`), body...), &r) == nil {
			runs = append(runs, r)
		}
	}
	return runs, lines.Err()
}

// phases of a switch or a stand-down, as the controllers told them.
func (w *World) phases() (map[string][]report.Span, error) {
	runs, err := w.controllerRuns()
	if err != nil {
		return nil, err
	}
	spans := map[string][]report.Span{}
	for _, r := range runs {
		if r.Action != contract.ActionPromote && r.Action != contract.ActionRelease || r.Status.Phase == "" {
			continue
		}
		all := spans[r.Region]
		if n := len(all) - 1; n >= 0 && r.Time.Sub(all[n].To) < 15*time.Second {
			all[n].To = r.Time
			if all[n].Label == r.Status.Phase {
				continue
			}
		}
		spans[r.Region] = append(all, report.Span{From: r.Time, To: r.Time.Add(100 * time.Millisecond), Look: report.Working,
			Label: r.Status.Phase, Tip: r.Status.Phase + ": " + firstOf(r.Status.WaitingFor, firstOf(r.Status.Refusal, "done"))})
	}
	return spans, nil
}
