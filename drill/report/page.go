package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"n": func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") },
}).Parse(pageText))

// page is what the template writes down.
type page struct {
	Scenario  string
	Failed    bool
	Begin     string
	Took      time.Duration
	Passed    int
	Of        int
	Cards     []Card
	Splits    []drawnSplit
	Drawings  []drawing
	Tables    []Table
	Steps     []drawnStep
	FirstFail string
}

// tones of the parts of a split, as the page defines them.
const tones = 8

type drawnSplit struct {
	Title, Note string
	Total       time.Duration
	Parts       []drawnPart
}

type drawnPart struct {
	Name  string
	Took  time.Duration
	Share float64 // per cent
	Tone  int
}

type drawnStep struct {
	Name, Saw string
	At        string
	Took      time.Duration
	Failed    bool
}

// WritePage writes one HTML file that needs nothing beside itself.
func (r *Report) WritePage(path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := time.Now()
	p := page{
		Scenario: r.Scenario, Begin: r.start.UTC().Format("2006-01-02 15:04 UTC"), Took: round(end.Sub(r.start)),
		Cards: r.findings.Cards, Tables: r.findings.Tables, Of: len(r.steps),
	}
	all := r.findings
	all.Lanes = append([]Lane{{Name: "steps"}}, all.Lanes...)
	for _, s := range r.steps {
		step := drawnStep{Name: s.Name, Saw: s.Saw, At: clock(s.Start.Sub(r.start)), Took: round(s.Took), Failed: s.Err != nil}
		look := Quiet
		if s.Err != nil {
			step.Saw, look, p.Failed = s.Err.Error(), Bad, true
			p.FirstFail = firstOf(p.FirstFail, s.Name)
		} else {
			p.Passed++
		}
		p.Steps = append(p.Steps, step)
		all.Lanes[0].Spans = append(all.Lanes[0].Spans, Span{From: s.Start, To: s.Start.Add(s.Took), Look: look, Label: s.Name, Tip: s.Name})
	}
	p.Failed = p.Failed || len(r.steps) == 0
	for _, s := range all.Splits {
		p.Splits = append(p.Splits, s.drawn())
	}
	if len(all.Lanes) > 1 {
		p.Drawings = append(p.Drawings, all.draw("the whole story", r.start, end, r.start))
		for _, z := range all.Zooms {
			p.Drawings = append(p.Drawings, all.draw(z.Title, z.From, z.To, r.start))
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := pageTemplate.Execute(f, p); err != nil {
		_ = f.Close() // the first error is the one to tell
		return fmt.Errorf("write the page: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func (s Split) drawn() drawnSplit {
	d := drawnSplit{Title: s.Title, Note: s.Note, Total: round(s.Total())}
	for i, p := range s.Parts {
		share := 0.0
		if s.Total() > 0 {
			share = 100 * float64(p.Took) / float64(s.Total())
		}
		d.Parts = append(d.Parts, drawnPart{p.Name, round(p.Took), share, i % tones})
	}
	return d
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
