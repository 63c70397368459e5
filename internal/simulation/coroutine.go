package simulation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"time"

	"github.com/opensearch-dr/osdr/internal/pace"
)

// worker is a coroutine that does what processes do, one piece of work after the
// other. The scheduler lets one go on, and has the turn back when that one stands
// before a call or has no work left: nothing ever runs beside anything, so there
// is nothing to lock, nothing to wait for, and one order of things a seed. (A
// bubble of synctest finds out by itself who stands still, and takes ten times as
// long.)
type worker struct {
	s     *schedule
	p     *process
	work  func()
	after func() // in the scheduler, when the work is done
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// errHome ends a process of somebody outside, who has nothing to clean up.
var errHome = errors.New("goes home")

// hire a worker for p, to begin when the scheduler collects.
func (s *schedule) hire(p *process, work, after func()) {
	var w *worker
	if n := len(s.idle); n > 0 {
		w, s.idle = s.idle[n-1], s.idle[:n-1]
	} else {
		w = &worker{s: s}
		w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
			w.yield = yield
			for w.toil(); yield(struct{}{}); w.toil() {
			}
		})
	}
	w.p, w.work, w.after = p, work, after
	s.ready = append(s.ready, w)
}

// toil is one piece of work.
func (w *worker) toil() {
	defer func() {
		if fault := recover(); fault != nil && fault != any(errHome) && w.s.panicked == nil {
			w.s.panicked = fmt.Errorf("%s panics: %v\n%s", w.p, fault, debug.Stack())
		}
		w.work = nil
	}()
	w.work()
}

// resume a worker until it stands still.
func (s *schedule) resume(w *worker) {
	s.running = w
	w.next()
	s.running = nil
	if w.work == nil {
		after := w.after
		w.p, w.after = nil, nil
		s.idle = append(s.idle, w)
		after()
	}
}

// stand still until the scheduler lets this worker go on.
func (w *worker) stand() { w.yield(struct{}{}) }

// dismiss all workers, none of which has work.
func (s *schedule) dismiss() {
	for _, w := range s.idle {
		w.stop()
	}
}

var _ pace.Keeper = (*schedule)(nil)

// Both lets a process have two calls under way.
func (s *schedule) Both(a, b func()) {
	me := s.running
	over, waits := false, false
	s.hire(me.p, b, func() {
		over = true
		if waits {
			s.ready = append(s.ready, me)
		}
	})
	a()
	if waits = !over; waits {
		me.stand()
	}
}

// Every in virtual time, while the process lives.
func (s *schedule) Every(d time.Duration, f func()) func() {
	me := s.running
	p := me.p
	stopped, under, waits := false, false, false
	var beat func()
	beat = func() {
		if stopped || p.dead || p.over {
			return
		}
		under = true
		s.hire(p, f, func() {
			under = false
			if waits {
				s.ready = append(s.ready, me)
				return
			}
			s.at(d, beat)
		})
	}
	s.at(d, beat)
	return func() {
		if stopped = true; under && !waits {
			waits = true
			me.stand()
		}
	}
}

// WithCancel in virtual time: there is no deadline.
func (s *schedule) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	l := &limited{Context: ctx, s: s, until: s.now.AddDate(100, 0, 0)}
	return l, func() { l.stopped = true }
}

// WithTimeout in virtual time.
func (s *schedule) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return s.WithDeadline(ctx, s.now.Add(d))
}

// WithDeadline in virtual time.
func (s *schedule) WithDeadline(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	l := &limited{Context: ctx, s: s, until: end}
	return l, func() { l.stopped = true }
}

// limited is a context with a deadline. Nobody here waits for its channel: to
// stand still there are calls only.
type limited struct {
	context.Context
	s       *schedule
	until   time.Time
	stopped bool
}

func (l *limited) Deadline() (time.Time, bool) {
	if dl, ok := l.Context.Deadline(); ok && dl.Before(l.until) {
		return dl, true
	}
	return l.until, true
}

func (l *limited) Err() error {
	switch err := l.Context.Err(); {
	case err != nil:
		return err
	case l.stopped:
		return context.Canceled
	case !l.s.now.Before(l.until):
		return context.DeadlineExceeded
	}
	return nil
}

// life is the context of a process: it is over when the process is.
type life struct {
	context.Context
	p *process
}

func (l life) Err() error {
	if l.p.dead || l.p.over {
		return context.Canceled
	}
	return nil
}
