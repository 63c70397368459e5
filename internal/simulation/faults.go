package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
)

// Parts of a Region that go away, alone or together.
type part string

const (
	control   part = "control" // OpenSearch Service API, CloudFormation
	functions part = "functions"
	buckets   part = "bucket"
	domains   part = "domain"
	routes    part = "route53" // of no Region
	nobody    part = ""        // what always answers
)

var parts = []part{control, functions, buckets, domains}

// target of a call.
type target struct {
	region string
	part   part
}

// faults of one history: how often, of a thousand calls.
type faults struct {
	crash, lose, refuse, late, stall int
	quiet                            bool // over: the world is well from now on
}

var (
	errSilent  = errors.New("dial tcp: i/o timeout")
	errRefused = errors.New("dial tcp: connection refused")
)

// silence is how long a call to a Region that is silent takes.
const silence = 10 * time.Second

// decides tells the calls that everything hangs on, puts of a ledger: what goes
// wrong with them is what shows whether a promise is kept, so it goes wrong more
// often.
func (c *call) decides() bool { return c.writes && c.to.part == buckets && c.what == ledger.Key }

// latency of a call: mostly a blink, now and then minutes.
func (f faults) latency(r *rand.Rand, c *call) time.Duration {
	d := time.Duration(5+r.IntN(60)) * time.Millisecond
	if f.quiet {
		return d
	}
	if c.decides() {
		f.stall *= 20
	}
	if n := r.IntN(1000); n < f.stall {
		d += time.Duration(r.IntN(240)) * time.Second
	} else if n < 30 {
		d += time.Duration(r.IntN(8000)) * time.Millisecond
	}
	return d
}

// fate of a call that can reach whom it asks.
type fate int

const (
	lives      fate = iota
	diesBefore      // the process is killed, nothing has happened
	diesAfter       // it has happened
	answerLost      // it has happened, and the process does not know
	refused         // nothing has happened, and the process knows
	comesLater      // the process gave up waiting, and it happens after that
)

var fates = [...]string{"", "-- dies before", "-- dies after", "-- answer lost", "-- 503", "-- arrives later"}

func (f faults) fate(r *rand.Rand, c *call) fate {
	n := r.IntN(1000)
	if f.quiet {
		return lives
	}
	if c.decides() {
		f.lose, f.late = f.lose*8, f.late*8
	}
	if c.p.crashable {
		if n < f.crash {
			return []fate{diesBefore, diesAfter}[n%2]
		}
		n -= f.crash
	}
	switch {
	case c.to.part == nobody || n < 0:
	case n < f.lose:
		return answerLost
	case n < f.lose+f.refuse:
		return refused
	case n < f.lose+f.refuse+f.late && c.writes && c.effect != nil:
		return comesLater
	}
	return lives
}

// happen is the moment at which a call does what it does.
func (s *schedule) happen(c *call) {
	if c.open {
		return
	}
	if c.p.dead {
		s.answer(c, errDead)
		return
	}
	if dl, ok := c.ctx.Deadline(); ok && !s.now.Before(dl) || c.ctx.Err() != nil {
		s.log.add(s.now, c.p, c.line(), context.DeadlineExceeded)
		s.answer(c, context.DeadlineExceeded)
		return
	}
	if err := s.reach(c.p.region, c.to); err != nil {
		s.trouble(0)
		wait := time.Duration(0)
		if errors.Is(err, errSilent) {
			wait = silence
			if dl, ok := c.ctx.Deadline(); ok {
				wait = min(wait, max(dl.Sub(s.now), 0))
			}
		}
		s.log.add(s.now, c.p, c.line(), err)
		s.at(wait, func() { s.answer(c, fmt.Errorf("%s: %w", c.line(), err)) })
		return
	}
	fate := s.faults.fate(s.random, c)
	if fate != lives {
		s.trouble(0)
	}
	switch fate {
	case diesBefore:
		s.kill(c.p, "before "+c.line())
		s.answer(c, errDead)
	case refused:
		s.log.add(s.now, c.p, c.line()+" "+fates[fate], nil)
		s.answer(c, s.unavailable(c))
	case comesLater:
		s.log.add(s.now, c.p, c.line()+" "+fates[fate], nil)
		s.at(time.Duration(s.random.IntN(30))*time.Second, func() {
			if s.reach(c.p.region, c.to) == nil {
				_ = s.do(c, "arrives: ")
			}
		})
		s.answer(c, fmt.Errorf("%s: %w", c.line(), errLost))
	default:
		if c.later != nil {
			s.log.add(s.now, c.p, c.line(), nil)
			c.later(func(err error) { s.answer(c, err) })
			if fate == diesAfter {
				s.kill(c.p, "after "+c.line())
			}
			return
		}
		err := s.do(c, "")
		switch fate {
		case diesAfter:
			s.kill(c.p, "after "+c.line())
			s.answer(c, errDead)
		case answerLost:
			s.log.add(s.now, c.p, c.line()+" "+fates[fate], nil)
			s.answer(c, fmt.Errorf("%s: %w", c.line(), errLost))
		default:
			s.answer(c, err)
		}
	}
}

// do the effect and look whether the world still keeps its promises.
func (s *schedule) do(c *call, how string) error {
	err := c.effect()
	if s.log != nil {
		s.log.add(s.now, c.p, how+c.line(), err)
	}
	if s.after != nil && s.failed == nil {
		if broken := s.after(); broken != nil {
			s.failed = fmt.Errorf("after %s by %s: %w", c.line(), c.p, broken)
		}
	}
	return err
}

func (c *call) line() string {
	if c.to.part == buckets {
		return c.op + " " + c.to.region + ":" + c.what
	}
	return c.op + " " + c.what
}
