package workload

import (
	"slices"
	"time"
)

// Ops so far, in the order in which they ended.
func (l *Load) Ops() []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ops)
}

// Band is a stretch of operations of one kind with one outcome.
type Band struct {
	From, To time.Time
	OK       bool
	Region   string
	Ops      int
	Reason   string // of the first that failed
}

// Bands of one kind. A band begins with its first operation and ends where the
// next one begins.
func Bands(ops []Op, kind Kind) []Band {
	var bands []Band
	for _, o := range ops {
		if o.Kind != kind {
			continue
		}
		if n := len(bands) - 1; n >= 0 {
			last := &bands[n]
			if last.OK == o.OK && (last.Region == o.Region || !o.OK) {
				last.To = o.End
				last.Ops++
				continue
			}
			last.To = o.Start
		}
		bands = append(bands, Band{From: o.Start, To: o.End, OK: o.OK, Region: o.Region, Ops: 1, Reason: o.Reason})
	}
	return bands
}

// Gap is a stretch without a success.
type Gap struct {
	From time.Time // the end of the last success
	To   time.Time // the end of the next one; zero while there is none
}

// Length of the gap, 0 while it lasts.
func (g Gap) Length() time.Duration {
	if g.To.IsZero() {
		return 0
	}
	return g.To.Sub(g.From)
}

// LongestGap of one kind after since: an operation counts where it ends.
func LongestGap(ops []Op, kind Kind, since time.Time) Gap {
	var longest Gap
	var last time.Time
	for _, o := range ops {
		if o.Kind != kind || !o.OK {
			continue
		}
		if o.End.Before(since) {
			last = o.End
			continue
		}
		if !last.IsZero() && o.End.Sub(last) > longest.Length() {
			longest = Gap{last, o.End}
		}
		last = o.End
	}
	return longest
}

// FirstOK of one kind that ended after since at a Region's domain; zero if none.
func FirstOK(ops []Op, kind Kind, region string, since time.Time) time.Time {
	for _, o := range ops {
		if o.Kind == kind && o.OK && o.Region == region && o.End.After(since) {
			return o.End
		}
	}
	return time.Time{}
}
