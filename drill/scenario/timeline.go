package scenario

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

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
