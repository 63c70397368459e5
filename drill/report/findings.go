package report

import "time"

// Findings of a scenario beside its steps: what the page draws and counts.
// Every time in them is the drill's own clock.
type Findings struct {
	Lanes   []Lane
	Marks   []Mark
	Moments []Moment
	Splits  []Split
	Cards   []Card
	Tables  []Table
	Things  []Thing
}

// Lane of the timeline, drawn in the order of their first use.
type Lane struct {
	Name  string
	Spans []Span
}

// Span of a lane. The colour says how it went, the label and the hatching say it
// without colour.
type Span struct {
	From, To time.Time
	Look     Look
	Label    string // drawn where there is room
	Tip      string // said on hovering
}

// Look of a span or a mark.
type Look string

// Looks: a Region has its own colour, so that a move is seen at a glance.
const (
	Good    Look = "good"    // in the first Region
	Moved   Look = "moved"   // in the second one
	Bad     Look = "bad"     // failed, refused, away
	Working Look = "working" // under way
	Quiet   Look = "quiet"   // there, nothing more
)

// Mark is a moment of a lane: a recovery point, a change of DNS.
type Mark struct {
	Lane string
	At   time.Time
	Look Look
	Tip  string
}

// Moment is what changed everything, drawn through all lanes with its label at
// the top.
type Moment struct {
	At    time.Time
	Look  Look
	Label string
}

// Split of one duration into its parts, in their order; that stretch of the
// timeline is drawn once more in full width.
type Split struct {
	Suite string // set by Add
	Title string
	Note  string
	From  time.Time
	Parts []Part
}

// Part of a Split.
type Part struct {
	Name string
	Took time.Duration
}

// Card is a number to be seen first.
type Card struct {
	Suite              string // set by Add
	Title, Value, Note string
	Bad                bool
}

// Table of the page.
type Table struct {
	Suite string // set by Add
	Title string
	Head  []string
	Rows  [][]string
}

// Add to the findings. What is new belongs to the suite that is being played.
func (r *Report) Add(change func(*Findings)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.findings
	cards, splits, tables, things := len(f.Cards), len(f.Splits), len(f.Tables), len(f.Things)
	change(f)
	for i := range f.Cards[cards:] {
		f.Cards[cards+i].Suite = r.suite
	}
	for i := range f.Splits[splits:] {
		f.Splits[splits+i].Suite = r.suite
	}
	for i := range f.Tables[tables:] {
		f.Tables[tables+i].Suite = r.suite
	}
	for i := range f.Things[things:] {
		f.Things[things+i].Suite = r.suite
	}
}

// Lane of a name, made when it is not there.
func (f *Findings) Lane(name string) *Lane {
	for i := range f.Lanes {
		if f.Lanes[i].Name == name {
			return &f.Lanes[i]
		}
	}
	f.Lanes = append(f.Lanes, Lane{Name: name})
	return &f.Lanes[len(f.Lanes)-1]
}

// Total of the parts.
func (s Split) Total() time.Duration {
	var all time.Duration
	for _, p := range s.Parts {
		all += p.Took
	}
	return all
}
