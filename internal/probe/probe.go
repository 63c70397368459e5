// Package probe tells a lost Region from one that does not answer for a moment:
// lost is only what is silent in every way, all the time, for long enough. What
// answers in part is mixed, and nobody calls it lost but the operator (H16).
package probe

import (
	"fmt"
	"strings"
	"time"
)

// Look at one Region: what each way of asking answered; nil is an answer.
type Look struct {
	At      time.Time // S3's clock of the asking Region (H10)
	Answers []Answer
}

// Answer of one way.
type Answer struct {
	What string // "the bucket", "the OpenSearch API", "the domain"
	Err  error
}

// Record of the looks so far; it is kept between runs.
type Record struct {
	// Silent since then, in every way; zero when something answered last time.
	Silent time.Time `json:"silent,omitzero"`
	// Mixed since then: something answered and something did not.
	Mixed time.Time `json:"mixed,omitzero"`
	// Last is the time of the newest look.
	Last time.Time `json:"last,omitzero"`
	// Looks in a row that were silent in every way.
	Looks int `json:"looks,omitempty"`
}

// A silence is made of looks: enough of them, and none so far from the next that
// a link which comes and goes could have been there in between. A controller
// looks at least each minute.
const (
	apart = 2 * time.Minute
	least = 3
)

// Heard of the Region, by whatever else was asked of it: it is not silent.
func (r Record) Heard() Record {
	r.Silent, r.Looks = time.Time{}, 0
	return r
}

// Verdict of a Record.
type Verdict string

// Verdicts.
const (
	Answers Verdict = "answers" // in every way
	Waiting Verdict = "waiting" // silent or mixed, not for long enough
	Lost    Verdict = "lost"
	Mixed   Verdict = "mixed" // for long enough
)

// Add a look and decide. Two looks too far apart prove nothing of the time between
// them, so the count begins again.
func (r Record) Add(l Look, after time.Duration) (Record, Verdict) {
	if gap := l.At.Sub(r.Last); gap < 0 || gap > apart {
		r = Record{}
	}
	r.Last = l.At
	silent := l.silent()
	switch {
	case silent == 0:
		return Record{Last: l.At}, Answers
	case silent == len(l.Answers):
		r.Mixed = time.Time{}
		if r.Silent.IsZero() {
			r.Silent = l.At
		}
		r.Looks++
		if l.At.Sub(r.Silent) >= after && r.Looks >= least {
			return r, Lost
		}
		return r, Waiting
	}
	r = r.Heard()
	if r.Mixed.IsZero() {
		r.Mixed = l.At
	}
	if l.At.Sub(r.Mixed) >= after {
		return r, Mixed
	}
	return r, Waiting
}

// Silent in every way.
func (l Look) Silent() bool { return l.silent() == len(l.Answers) }

func (l Look) silent() int {
	n := 0
	for _, a := range l.Answers {
		if a.Err != nil {
			n++
		}
	}
	return n
}

// String such as "the bucket answers, the domain does not (timeout)".
func (l Look) String() string {
	var parts []string
	for _, a := range l.Answers {
		if a.Err == nil {
			parts = append(parts, a.What+" answers")
		} else {
			parts = append(parts, fmt.Sprintf("%s does not (%v)", a.What, a.Err))
		}
	}
	return strings.Join(parts, ", ")
}
