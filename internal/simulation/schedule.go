package simulation

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// errDead is what a process hears that was killed: nothing it does has an effect
// any more, the calls it deferred neither.
var errDead = errors.New("the process is dead")

// errLost is a call whose answer never came.
var errLost = errors.New("no answer: deadline exceeded")

// schedule runs one thing at a time, in virtual time. All that changes the world
// happens in the scheduler's own goroutine; processes compute between two calls
// and stand still at each.
type schedule struct {
	random *rand.Rand
	mu     sync.Mutex
	fresh  []*call
	ended  []*process
	queue  events
	number int // of events
	born   int // processes
	steps  int
	now    time.Time
	log    *history
	faults faults
	after  func() error // the checks of each step
	reach  func(from string, to target) error
	// unavailable is the answer of a service that has a bad moment.
	unavailable func(c *call) error
	failed      error
	panicked    error
	// everybody who lives, to be sent home at the end.
	everybody map[int]*process
}

type event struct {
	at     time.Time
	number int
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// at pushes an event, d from now.
func (s *schedule) at(d time.Duration, do func()) {
	s.number++
	heap.Push(&s.queue, event{s.now.Add(d), s.number, do})
}

// process is one run of a function, or somebody outside who asks for things.
type process struct {
	s         *schedule
	number    int
	name      string
	region    string
	crashable bool
	ctx       context.Context
	cancel    context.CancelFunc
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
	writes bool
	// effect happens in the scheduler. later, instead, is a call that answers when
	// somebody else says so.
	effect func() error
	later  func(answer func(error))
	sleeps time.Duration // a call to nobody
	gate   chan struct{}
	open   bool
	err    error
	ctx    context.Context
}

// start a process; its body runs in a goroutine of its own.
func (s *schedule) start(name, region string, crashable bool, body func(p *process)) *process {
	s.born++
	p := &process{s: s, number: s.born, name: name, region: region, crashable: crashable}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	s.everybody[p.number] = p
	go func() {
		defer func() {
			fault := recover()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended = append(s.ended, p)
			if fault != nil && s.panicked == nil {
				s.panicked = fmt.Errorf("%s panics: %v\n%s", p, fault, debug.Stack())
			}
		}()
		body(p)
	}()
	return p
}

// call stands still until the scheduler has answered.
func (p *process) call(c *call) error {
	s := p.s
	c.p, c.gate = p, make(chan struct{})
	s.mu.Lock()
	s.fresh = append(s.fresh, c)
	s.mu.Unlock()
	<-c.gate
	if p.dead && !p.crashable {
		runtime.Goexit() // somebody outside has nothing to clean up
	}
	return c.err
}

// sleep of somebody outside.
func (p *process) sleep(d time.Duration) {
	_ = p.call(&call{op: "sleep", sleeps: max(d, time.Millisecond), ctx: context.Background()})
}

// kill it: what it is told from now on is errDead.
func (s *schedule) kill(p *process, why string) {
	if p.dead || p.over {
		return
	}
	p.dead = true
	s.log.add(s.now, p, "-- dies: "+why, nil)
	p.cancel()
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
	close(c.gate)
}

// collect what processes have asked since, in an order that does not depend on
// the goroutines'.
func (s *schedule) collect() {
	for {
		synctest.Wait()
		s.mu.Lock()
		fresh, ended := s.fresh, s.ended
		s.fresh, s.ended = nil, nil
		if s.failed == nil {
			s.failed = s.panicked
		}
		s.mu.Unlock()
		if len(fresh)+len(ended) == 0 {
			return
		}
		slices.SortFunc(ended, func(a, b *process) int { return cmp.Compare(a.number, b.number) })
		for _, p := range ended {
			p.over = true
			delete(s.everybody, p.number)
			p.cancel()
			if !p.dead && p.done != nil {
				p.done()
			}
		}
		slices.SortFunc(fresh, func(a, b *call) int {
			return cmp.Or(cmp.Compare(a.p.number, b.p.number), cmp.Compare(a.op, b.op), cmp.Compare(a.what, b.what))
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
	s.at(s.faults.latency(s.random, c), func() { s.happen(c) })
}

// run until the queue is empty, the time is over, or a check fails.
func (s *schedule) run(until time.Time, stop func() bool) {
	s.collect()
	for s.failed == nil && s.queue.Len() > 0 && s.queue[0].at.Before(until) {
		if stop != nil && stop() {
			return
		}
		e := heap.Pop(&s.queue).(event)
		if d := time.Until(e.at); d > 0 {
			time.Sleep(d)
			synctest.Wait() // deadlines of contexts that were over on the way
		}
		s.now = e.at
		s.steps++
		e.do()
		s.collect()
	}
}

// end all processes so that no goroutine is left.
func (s *schedule) end() {
	s.log = nil
	for range 1000 {
		var left []*call
		for s.queue.Len() > 0 {
			heap.Pop(&s.queue)
		}
		s.mu.Lock()
		left, s.fresh, s.ended = s.fresh, nil, nil
		s.mu.Unlock()
		for _, p := range s.everybody {
			p.dead = true
			p.cancel()
			for _, c := range slices.Clone(p.standing) {
				s.answer(c, errDead)
			}
		}
		for _, c := range left {
			s.answer(c, errDead)
		}
		synctest.Wait()
		s.mu.Lock()
		rest := len(s.fresh)
		s.mu.Unlock()
		if rest == 0 {
			return
		}
	}
}
