package report

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPageShowsWhatHappenedAndNeedsNothingElse(t *testing.T) {
	r := New("story", io.Discard)
	if err := r.Do("cdk deploy --all", func() (string, error) { return "7 stacks", nil }); err != nil {
		t.Fatal(err)
	}
	if err := r.Do("a <broken> step", func() (string, error) { return "", os.ErrDeadlineExceeded }); err == nil {
		t.Fatal("a failed step answers its error")
	}
	r.start = r.start.Add(-10 * time.Minute)
	at := func(s int) time.Time { return r.start.Add(time.Duration(s) * time.Second) }
	r.Add(func(f *Findings) {
		f.Lane("us-east-1").Spans = []Span{{From: at(0), To: at(180), Look: Quiet, Label: "domain"}, {From: at(180), To: at(400), Look: Bad, Label: "taken away"}}
		f.Lane("writes").Spans = []Span{{From: at(60), To: at(180), Look: Good, Label: "us-east-1"}, {From: at(180), To: at(270), Look: Bad, Label: "failed"}, {From: at(270), To: at(590), Look: Moved, Label: "us-west-2"}}
		f.Lane("points of us-east-1")
		f.Marks = append(f.Marks, Mark{Lane: "points of us-east-1", At: at(120), Look: Good, Tip: "point 1"})
		f.Splits = append(f.Splits, Split{Title: "RTO", From: at(180), Parts: []Part{{"detect", 10 * time.Second}, {"restore", 30 * time.Second}}})
		f.Moments = append(f.Moments, Moment{At: at(180), Look: Bad, Label: "the Region is lost"})
		f.Cards = append(f.Cards, Card{Title: "lost", Value: "12", Note: "all of them salvaged"})
		f.Tables = append(f.Tables, Table{Title: "Documents", Head: []string{"", "count"}, Rows: [][]string{{"acknowledged", "4711"}}})
	})
	for _, want := range []string{"lost                                   12  all of them salvaged", "RTO: 40s", "restore                             30s"} {
		if table := r.Table(); !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := r.WritePage(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, want := range []string{"failed</span>", "a &lt;broken&gt; step", "taken away", "point 1 (2:00)", "4711", "width:75%", "all of them salvaged",
		`aria-label="Timeline: RTO"`, "(3:10 to 3:40, 30s)", "the Region is lost</text>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if found := regexp.MustCompile(`(?i)(src=|href=|@import|https?://|<script)[^\n]{0,60}`).FindString(page); found != "" {
		t.Errorf("the page asks for something outside itself: %s", found)
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "ZgotmplZ") {
		t.Error("a number or a style could not be written")
	}
}

// A span may begin before a zoom, end after it, or still last.
func TestTimelineCutsSpansAtItsEnds(t *testing.T) {
	zero := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	f := Findings{Lanes: []Lane{{Name: "a", Spans: []Span{
		{From: at(0), To: at(15)}, {From: at(15)}, {From: at(0), To: at(5)}, {From: at(30), To: at(40)},
	}}}}
	d := f.draw("zoom", at(10), at(20), zero)
	if n := len(d.Lanes[0].Bars); n != 2 {
		t.Fatalf("%d bars of 2 that are to be seen", n)
	}
	for _, b := range d.Lanes[0].Bars {
		if b.X < nameWidth || b.X+b.W > pageWidth {
			t.Errorf("a bar from %.1f to %.1f leaves the timeline", b.X, b.X+b.W)
		}
	}
	if len(d.Ticks) < 5 || d.Ticks[0].X < nameWidth {
		t.Errorf("ticks: %+v", d.Ticks)
	}
}

// The labels of what happened at the same time must not cover each other, and none
// leaves the page.
func TestLabelsOfMomentsDoNotOverlap(t *testing.T) {
	zero := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := Findings{Lanes: []Lane{{Name: "a", Spans: []Span{{From: zero}}}}}
	for _, s := range []int{10, 12, 14, 500, 995, 999} {
		f.Moments = append(f.Moments, Moment{At: zero.Add(time.Duration(s) * time.Second), Label: "us-east-1 is lost"})
	}
	d := f.draw("all", zero, zero.Add(1000*time.Second), zero)
	type box struct{ left, right, y float64 }
	var boxes []box
	for _, g := range d.Flags {
		width := float64(len(g.Label)) * perLetter
		b := box{g.TextX, g.TextX + width, g.Y}
		if g.Anchor == "end" {
			b = box{g.TextX - width, g.TextX, g.Y}
		}
		if b.left < nameWidth || b.right > pageWidth || b.y > d.Top {
			t.Errorf("a label from %.0f to %.0f at %.0f leaves its place", b.left, b.right, b.y)
		}
		for _, other := range boxes {
			if other.y == b.y && other.left < b.right && b.left < other.right {
				t.Errorf("labels overlap: %+v and %+v", other, b)
			}
		}
		boxes = append(boxes, b)
	}
	if len(boxes) != 6 {
		t.Errorf("%d labels of 6", len(boxes))
	}
}

// Three stories in a row are told side by side.
func TestPageComparesSeveralScenarios(t *testing.T) {
	r := New("stories", io.Discard)
	for _, name := range []string{"story 1", "story 2"} {
		r.Begin(name)
		_ = r.Do("step", func() (string, error) { return "", nil })
		r.Add(func(f *Findings) { f.Cards = append(f.Cards, Card{Title: "RTO", Value: "61s of " + name}) })
	}
	p := r.page(time.Now())
	if len(p.Sections) != 2 || len(p.Glance.Rows) != 2 || p.Glance.Head[1] != "RTO" || p.Glance.Rows[1][1] != "61s of story 2" {
		t.Errorf("at a glance: %+v", p.Glance)
	}
}
