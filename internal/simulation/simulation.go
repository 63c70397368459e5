// Package simulation plays histories of two Regions against the protocol, in
// which everything that can go wrong does: no acknowledged document may be lost
// that nobody said would be, whatever crashes, is late, comes twice or lies. A
// seed decides everything, so a history that breaks a promise can be read and
// played again.
//
// The functions are the product's own code. Around them everything is in memory
// and virtual: S3, the two domains, Route 53, CloudFormation with its rollbacks
// and its outliving waiters, Lambda, the schedules, clients with cached DNS, and
// operators and pipelines who run any command at any time. Every call of a
// function is a moment at which it may die, before or after the effect, be
// delayed, or lose its answer.
package simulation

import (
	"fmt"
	"math/rand/v2"
)

// Statistics of histories.
type Statistics struct {
	Steps, Acknowledged, Claims, Planned, Unplanned, Restores, Pruned, StuckRollbacks, Points, Copies int
}

// Add those of another history.
func (s *Statistics) Add(o Statistics) {
	s.Steps += o.Steps
	s.Acknowledged += o.Acknowledged
	s.Claims += o.Claims
	s.Planned += o.Planned
	s.Unplanned += o.Unplanned
	s.Restores += o.Restores
	s.Pruned += o.Pruned
	s.StuckRollbacks += o.StuckRollbacks
	s.Points += o.Points
	s.Copies += o.Copies
}

// Result of one history.
type Result struct {
	Seed    uint64
	Broken  error
	History string // with Options.Trace only
	Statistics
}

// Options of a history.
type Options struct {
	Mutation func() Mutation // nil: none; called for each history
	Trace    bool
	// Shares of a hundred histories that have an unkindness, where they are not the
	// usual ones.
	Shares map[Unkindness]int
}

// Play the history of one seed.
func Play(seed uint64, o Options) Result {
	r := Result{Seed: seed}
	s := &schedule{random: rand.New(rand.NewPCG(seed, 0x05d2)), now: began, everybody: map[int]*process{}}
	defer s.end()
	if o.Trace {
		s.log = &history{}
	}
	var m Mutation
	if o.Mutation != nil {
		m = o.Mutation()
	}
	w := newWorld(s, m, newClimate(seed, o.Shares))
	w.impatient = o.Mutation != nil
	w.warm = seed%warmEvery == 0
	w.play()
	r.Broken = s.failed
	if r.Broken == nil {
		r.Broken = w.broken
	}
	if s.log != nil {
		if r.Broken != nil {
			s.log.add(s.now, nil, "BROKEN: "+r.Broken.Error(), nil)
		}
		r.History = s.log.tail(1 << 20)
	}
	w.stats.Steps = s.steps
	r.Statistics = w.stats
	return r
}

// String of a result that failed.
func (r Result) String() string { return fmt.Sprintf("seed %d: %v", r.Seed, r.Broken) }
