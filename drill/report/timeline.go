package report

import (
	"fmt"
	"time"
)

// Geometry of a timeline, in units of its view box.
const (
	pageWidth = 1200.0
	nameWidth = 170.0
	laneStep  = 30.0
	barHeight = 20.0
	headRoom  = 8.0
	footRoom  = 26.0
	perLetter = 6.3 // width of a letter of a label
	thinnest  = 1.5 // a moment must be seen
)

// drawing of a timeline: the template only writes it down.
type drawing struct {
	Title         string
	Width, Height float64
	Bottom        float64 // of the lanes
	Left          float64
	Lanes         []drawnLane
	Ticks         []tick
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
		return nameWidth + (pageWidth-nameWidth-20)*min(1, max(0, float64(t.Sub(from))/float64(span)))
	}
	y := headRoom
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
			if m.Lane == lane.Name && !m.At.Before(from) && !m.At.After(to) {
				l.Dots = append(l.Dots, dot{X: x(m.At), Y: y + barHeight/2, Look: m.Look, Tip: m.Tip + " (" + clock(m.At.Sub(zero)) + ")"})
			}
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
