package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/pace"
)

// errDead is what a process hears that was killed: nothing it does has an effect
// any more, the calls it deferred neither.
var errDead = errors.New("the process is dead")

// errLost is a call whose answer never came.
var errLost = errors.New("no answer: deadline exceeded")

// schedule runs one thing at a time, in virtual time. What a call does to the
// world happens in the scheduler; processes compute between two calls and stand
// still at each.
type schedule struct {
	random  *rand.Rand
	fresh   []*call
	ended   []*process
	ready   []*worker // that may go on
	running *worker
	idle    []*worker
	queue   events
	number  int // of events
	born    int // processes
	steps   int
	now     time.Time
	log     *history
	faults  faults
	after   func() error // the checks of each step
	reach   func(from string, to target) error
	// hesitates is told of a put of a ledger that will take so long.
	hesitates func(d time.Duration)
	// work is how long a call takes by what it has to do; nil: no longer than a call.
	work func(c *call) time.Duration
	// trouble is told when something goes wrong with a call, and for how long.
	trouble func(d time.Duration)
	// unavailable is the answer of a service that has a bad moment.
	unavailable func(c *call) error
	failed      error
	panicked    error
	// everybody who lives, to be sent home at the end.
	everybody map[int]*process
}

type event struct {
	at     time.Duration // since the history began
	number int
	do     func()
}

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.number < o.number }

// events are a heap: the next one is the first.
type events []event

func (q *events) push(e event) {
	h := append(*q, e)
	*q = h
	for n := len(h) - 1; n > 0; {
		up := (n - 1) / 2
		if !h[n].before(h[up]) {
			break
		}
		h[n], h[up] = h[up], h[n]
		n = up
	}
}

func (q *events) pop() event {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], event{}
	h = h[:last]
	*q = h
	for n := 0; ; {
		down := 2*n + 1
		if down >= last {
			break
		}
		if down+1 < last && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(h[n]) {
			break
		}
		h[n], h[down] = h[down], h[n]
		n = down
	}
	return first
}

// at pushes an event, d from now.
func (s *schedule) at(d time.Duration, do func()) {
	s.number++
	s.queue.push(event{s.now.Sub(began) + d, s.number, do})
}

// process is one run of a function, or somebody outside who asks for things.
type process struct {
	s         *schedule
	number    int
	name      string
	region    string
	crashable bool
	ctx       context.Context
	dead      bool
	over      bool
	standing  []*call
	done      func() // in the scheduler, when it ended by itself
	killed    func() // in the scheduler, when it was killed
}

func (p *process) String() string { return fmt.Sprintf("%s#%d", p.name, p.number) }

// call is what a process stands before.
type call struct {
	p      *process
	op     string
	what   string
	to     target
	size   int // indexes that it asks about; 0: by its kind
	writes bool
	// effect happens in the scheduler. later, instead, is a call that answers when
	// somebody else says so.
	effect func() error
	later  func(answer func(error))
	sleeps time.Duration // a call to nobody
	stands *worker
	open   bool
	err    error
	ctx    context.Context
}

// start a process.
func (s *schedule) start(name, region string, crashable bool, body func(p *process)) *process {
	s.born++
	p := &process{s: s, number: s.born, name: name, region: region, crashable: crashable}
	p.ctx = pace.With(life{context.Background(), p}, s)
	s.everybody[p.number] = p
	s.hire(p, func() { body(p) }, func() { s.ended = append(s.ended, p) })
	return p
}

// call stands still until the scheduler has answered.
func (p *process) call(c *call) error {
	s := p.s
	c.p, c.stands = p, s.running
	s.fresh = append(s.fresh, c)
	c.stands.stand()
	if p.dead && !p.crashable {
		panic(errHome)
	}
	return c.err
}

// sleep of somebody outside.
func (p *process) sleep(d time.Duration) {
	_ = p.call(&call{op: "sleep", sleeps: max(d, time.Millisecond), ctx: context.Background()})
}

// pause of a function that waits for something.
func (p *process) pause(ctx context.Context, d time.Duration) error {
	return p.call(&call{op: "sleep", sleeps: max(d, time.Millisecond), ctx: ctx})
}

// kill it: what it is told from now on is errDead.
func (s *schedule) kill(p *process, why string) {
	if p.dead || p.over {
		return
	}
	p.dead = true
	s.log.add(s.now, p, "-- dies: "+why, nil)
	for _, c := range p.standing {
		s.at(0, func() { s.answer(c, errDead) })
	}
	if p.killed != nil {
		p.killed()
	}
}

// answer a call and let its process go on to its next one.
func (s *schedule) answer(c *call, err error) {
	if c.open {
		return
	}
	c.open, c.err = true, err
	c.p.standing = slices.DeleteFunc(c.p.standing, func(o *call) bool { return o == c })
	s.ready = append(s.ready, c.stands)
}

// turn of everybody who may go on, until all stand still.
func (s *schedule) turn() {
	for len(s.ready) > 0 {
		w := s.ready[0]
		s.ready = slices.Delete(s.ready, 0, 1)
		s.resume(w)
	}
	if s.failed == nil {
		s.failed = s.panicked
	}
}

// collect what processes ask and who has ended, in the order of processes.
func (s *schedule) collect() {
	for {
		s.turn()
		fresh, ended := s.fresh, s.ended
		s.fresh, s.ended = nil, nil
		if len(fresh)+len(ended) == 0 {
			return
		}
		slices.SortFunc(ended, func(a, b *process) int { return cmp.Compare(a.number, b.number) })
		for _, p := range ended {
			p.over = true
			delete(s.everybody, p.number)
			if !p.dead && p.done != nil {
				p.done()
			}
		}
		slices.SortFunc(fresh, func(a, b *call) int {
			return cmp.Or(cmp.Compare(a.p.number, b.p.number), cmp.Compare(a.op, b.op), cmp.Compare(a.to.region, b.to.region), cmp.Compare(a.what, b.what))
		})
		for _, c := range fresh {
			s.take(c)
		}
	}
}

// take a fresh call: when will it happen?
func (s *schedule) take(c *call) {
	if c.p.dead {
		s.answer(c, errDead)
		return
	}
	c.p.standing = append(c.p.standing, c)
	if c.sleeps > 0 {
		s.at(c.sleeps, func() { s.answer(c, nil) })
		return
	}
	d := s.faults.latency(s.random, c)
	if d > 5*time.Second {
		s.trouble(d)
	}
	if s.work != nil {
		d += s.work(c)
	}
	if c.decides() && d > 10*time.Second {
		s.hesitates(d)
	}
	s.at(d, func() { s.happen(c) })
	if dl, ok := c.ctx.Deadline(); ok && (c.later != nil || dl.Before(s.now.Add(d))) {
		s.at(max(dl.Sub(s.now), 0), func() { s.outOfPatience(c) })
	}
}

// outOfPatience is whoever waits for a call when its context ends.
func (s *schedule) outOfPatience(c *call) {
	if !c.open {
		s.log.add(s.now, c.p, c.line(), context.DeadlineExceeded)
		s.answer(c, fmt.Errorf("%s: %w", c.line(), context.DeadlineExceeded))
	}
}

// run until the queue is empty, the time is over, or a check fails.
func (s *schedule) run(until time.Time, stop func() bool) {
	s.collect()
	for s.failed == nil && len(s.queue) > 0 && s.queue[0].at < until.Sub(began) {
		if stop != nil && stop() {
			return
		}
		e := s.queue.pop()
		s.now = began.Add(e.at)
		s.steps++
		e.do()
		s.collect()
	}
}

// end all processes: whoever still stands before a call hears that he is dead.
func (s *schedule) end() {
	s.log, s.queue = nil, nil
	for s.turn(); len(s.fresh)+len(s.everybody) > 0; s.turn() {
		for _, p := range s.ended {
			delete(s.everybody, p.number)
		}
		left := s.fresh
		s.fresh, s.ended = nil, nil
		for _, p := range s.everybody {
			p.dead = true
			left = append(left, p.standing...)
		}
		for _, c := range left {
			s.answer(c, errDead)
		}
	}
	s.dismiss()
}
