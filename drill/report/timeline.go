package report

import (
	"fmt"
	"slices"
	"time"
)

// Geometry of a timeline, in units of its view box.
const (
	pageWidth = 1200.0
	nameWidth = 150.0
	margin    = 20.0 // at the right
	laneStep  = 28.0
	barHeight = 20.0
	flagStep  = 17.0 // a row of the moments' labels
	flagRows  = 4    // at most
	headRoom  = 8.0
	footRoom  = 26.0
	perLetter = 6.3 // width of a letter of a label
	thinnest  = 1.5 // a moment must be seen
)

// drawing of a timeline: the template only writes it down.
type drawing struct {
	Title         string
	Width, Height float64
	Top, Bottom   float64 // of the lanes
	Left          float64
	Flags         []flag
	Lanes         []drawnLane
	Ticks         []tick
}

// flag is a moment: a line through all lanes, and its label above them.
type flag struct {
	X, TextX, Y float64
	Look        Look
	Label       string
	Anchor      string
}

type drawnLane struct {
	Name      string
	Y, Middle float64
	Bars      []bar
	Dots      []dot
}

type bar struct {
	X, Y, W, H  float64
	Look        Look
	Label       string
	TextX, Text float64
	Tip         string
}

type dot struct {
	X, Y float64
	Look Look
	Tip  string
}

type tick struct {
	X     float64
	Label string
}

// draw the part of the findings between two times; zero is the drill's start.
func (f *Findings) draw(title string, from, to, zero time.Time) drawing {
	d := drawing{Title: title, Width: pageWidth, Left: nameWidth}
	span := max(to.Sub(from), time.Second)
	x := func(t time.Time) float64 {
		return nameWidth + (pageWidth-nameWidth-margin)*min(1, max(0, float64(t.Sub(from))/float64(span)))
	}
	within := func(t time.Time) bool { return !t.Before(from) && !t.After(to) }
	rows := d.flags(f.Moments, within, x)
	d.Top = headRoom + float64(rows)*flagStep
	y := d.Top
	for _, lane := range f.Lanes {
		l := drawnLane{Name: lane.Name, Y: y, Middle: y + barHeight/2 + 4}
		for _, s := range lane.Spans {
			end := s.To
			if end.IsZero() || end.After(to) {
				end = to
			}
			if !s.From.Before(to) || end.Before(from) {
				continue
			}
			b := bar{X: x(s.From), Y: y, H: barHeight, Look: s.Look, Tip: s.Tip}
			b.W = max(thinnest, x(end)-b.X)
			if b.Label = fitted(s.Label, b.W); b.Label != "" {
				b.TextX, b.Text = b.X+4, y+barHeight/2+4
			}
			if b.Tip == "" {
				b.Tip = s.Label
			}
			b.Tip += fmt.Sprintf(" (%s to %s, %s)", clock(s.From.Sub(zero)), clock(end.Sub(zero)), round(end.Sub(s.From)))
			l.Bars = append(l.Bars, b)
		}
		for _, m := range f.Marks {
			if m.Lane == lane.Name && within(m.At) {
				l.Dots = append(l.Dots, dot{X: x(m.At), Y: y + barHeight/2, Look: m.Look, Tip: m.Tip + " (" + clock(m.At.Sub(zero)) + ")"})
			}
		}
		if len(l.Bars)+len(l.Dots) == 0 {
			continue // nothing happened there
		}
		d.Lanes = append(d.Lanes, l)
		y += laneStep
	}
	d.Bottom, d.Height = y, y+footRoom
	step := tickStep(span)
	for at := from.Sub(zero).Truncate(step); at <= to.Sub(zero); at += step {
		if t := zero.Add(at); !t.Before(from) {
			d.Ticks = append(d.Ticks, tick{x(t), clock(at)})
		}
	}
	return d
}

// flags puts each moment's label into the first row where it covers no other; it
// answers how many rows that takes. Where even the last is full the line stays and
// the label does not: it would only hide another.
func (d *drawing) flags(all []Moment, within func(time.Time) bool, x func(time.Time) float64) (rows int) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	var ends [flagRows]float64
	for _, m := range all {
		if !within(m.At) {
			continue
		}
		width := float64(len([]rune(m.Label)))*perLetter + 10
		one := flag{X: x(m.At), Look: m.Look, Label: m.Label, Anchor: "start"}
		left := one.X
		one.TextX = one.X + 4
		if left+width > pageWidth {
			left, one.TextX, one.Anchor = one.X-width, one.X-4, "end"
		}
		row := slices.IndexFunc(ends[:], func(end float64) bool { return left >= end })
		if row < 0 {
			one.Label = ""
		} else {
			ends[row] = left + width
			rows = max(rows, row+1)
			one.Y = headRoom + float64(row)*flagStep + 11
		}
		d.Flags = append(d.Flags, one)
	}
	return rows
}

// fitted is as much of a label as a bar has room for, nothing if that says nothing.
func fitted(label string, width float64) string {
	room := int((width - 8) / perLetter)
	letters := []rune(label)
	switch {
	case len(letters) <= room:
		return label
	case room < 9:
		return ""
	}
	return string(letters[:room-1]) + "…"
}

// tickStep gives a timeline between 6 and 15 ticks.
func tickStep(span time.Duration) time.Duration {
	for _, s := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute} {
		if span/s <= 14 {
			return s
		}
	}
	return span / 10
}

// clock since the drill's start, as 3:07.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
