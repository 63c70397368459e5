package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"slices"
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
	Glance    Table     // the cards of all sections, when there are several
	Whole     *numbered // of the run
	Sections  []section
	Steps     []drawnSuite
	Skipped   []string
	FirstFail string
	drawn     int
}

// section of one suite that measured something.
type section struct {
	Title  string // empty when it is the only one
	Cards  []Card
	Splits []drawnSplit
	Tables []Table
}

// numbered drawing: what it defines needs a name of its own on the page.
type numbered struct {
	N int
	drawing
}

// tones of the parts of a split, as the page defines them.
const tones = 10

// laneParts shows a split's parts where they happened.
const laneParts = "parts"

type drawnSplit struct {
	Title, Note string
	Total       time.Duration
	Parts       []drawnPart
	Detail      *numbered
}

type drawnPart struct {
	Name  string
	Took  time.Duration
	Share float64 // per cent
	Tone  int
}

type drawnSuite struct {
	Name   string
	Took   time.Duration
	Failed bool
	Steps  []drawnStep
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
	p := r.page(time.Now())
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

func (r *Report) page(end time.Time) page {
	p := page{
		Scenario: r.Scenario, Begin: r.start.UTC().Format("2006-01-02 15:04 UTC"), Took: round(end.Sub(r.start)),
		Of: len(r.steps), Failed: len(r.steps) == 0, Skipped: r.skipped,
	}
	suites := r.suites()
	for _, s := range suites {
		d := drawnSuite{Name: s.Name, Took: round(s.took())}
		for _, step := range s.Steps {
			one := drawnStep{Name: step.Name, Saw: step.Saw, At: clock(step.Start.Sub(r.start)), Took: round(step.Took), Failed: step.Err != nil}
			if step.Err != nil {
				one.Saw, d.Failed, p.Failed = step.Err.Error(), true, true
				p.FirstFail = firstOf(p.FirstFail, step.Name)
			} else {
				p.Passed++
			}
			d.Steps = append(d.Steps, one)
		}
		p.Steps = append(p.Steps, d)
	}
	if n := wrong(r.findings.Things); n > 0 {
		p.Failed, p.FirstFail = true, firstOf(p.FirstFail, fmt.Sprintf("%d of %d things are not as promised", n, len(r.findings.Things)))
	}
	all := r.findings
	if len(suites) > 1 {
		all.Lanes = slices.Insert(slices.Clone(all.Lanes), 0, r.played())
	}
	if len(r.findings.Lanes) > 0 {
		p.Whole = &numbered{0, all.draw("the whole run", r.start, end, r.start)}
		p.drawn = 1
	}
	for _, s := range suites {
		if sec, ok := p.section(r, s); ok {
			p.Sections = append(p.Sections, sec)
		}
	}
	if len(p.Sections) == 1 {
		p.Sections[0].Title = ""
	} else {
		p.Glance = glance(p.Sections)
	}
	return p
}

// played suites as a lane.
func (r *Report) played() Lane {
	l := Lane{Name: "scenario"}
	for _, s := range r.steps {
		look := Quiet
		if s.Err != nil {
			look = Bad
		}
		end := s.Start.Add(s.Took)
		if n := len(l.Spans) - 1; n >= 0 && l.Spans[n].Label == s.Suite && l.Spans[n].Look == look {
			l.Spans[n].To = end
			continue
		}
		l.Spans = append(l.Spans, Span{From: s.Start, To: end, Look: look, Label: s.Suite})
	}
	return l
}

// section of a suite; false when it has nothing to show.
func (p *page) section(r *Report, s suite) (section, bool) {
	f := r.findings
	sec := section{Title: s.Name,
		Cards:  ofSuite(f.Cards, s.Name, func(c Card) string { return c.Suite }),
		Tables: ofSuite(f.Tables, s.Name, func(t Table) string { return t.Suite }),
	}
	if things := r.fates(s.Name); len(things) > 0 {
		sec.Tables = append([]Table{fatesTable(things)}, sec.Tables...)
	}
	for _, one := range ofSuite(f.Splits, s.Name, func(t Split) string { return t.Suite }) {
		drawn := one.drawn()
		if len(f.Lanes) > 0 {
			part := f
			part.Lanes = slices.Insert(slices.Clone(f.Lanes), 0, one.lane())
			margin := one.Total()/15 + 2*time.Second
			drawn.Detail = &numbered{p.drawn, part.draw(one.Title, one.From.Add(-margin), one.From.Add(one.Total()+margin), r.start)}
			p.drawn++
		}
		sec.Splits = append(sec.Splits, drawn)
	}
	return sec, len(sec.Cards)+len(sec.Splits)+len(sec.Tables) > 0
}

// glance puts the sections' cards side by side.
func glance(sections []section) Table {
	t := Table{Head: []string{""}}
	for _, s := range sections {
		for _, c := range s.Cards {
			if !slices.Contains(t.Head, c.Title) {
				t.Head = append(t.Head, c.Title)
			}
		}
	}
	for _, s := range sections {
		row := make([]string, len(t.Head))
		row[0] = s.Title
		for _, c := range s.Cards {
			row[slices.Index(t.Head, c.Title)] = c.Value
		}
		t.Rows = append(t.Rows, row)
	}
	return t
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

// lane of the parts, in the colours of the split's bar.
func (s Split) lane() Lane {
	l := Lane{Name: laneParts}
	at := s.From
	for i, p := range s.Parts {
		l.Spans = append(l.Spans, Span{From: at, To: at.Add(p.Took), Look: Look(fmt.Sprintf("t%d", i%tones)), Label: p.Name})
		at = at.Add(p.Took)
	}
	return l
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
