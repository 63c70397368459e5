package drift

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNoAnswer says that a look-up's time was over.
var ErrNoAnswer = errors.New("no answer")

// Memo makes each look-up once, whoever asks for it, side by side. It belongs to
// one run.
type Memo struct {
	ctx   context.Context //nolint:containedctx // a look-up belongs to the run, not to the check that asked first
	limit time.Duration
	mu    sync.Mutex
	cells map[string]*cell
}

type cell struct {
	done  chan struct{}
	value any
	err   error
}

// NewMemo of a run; limit is a look-up's time.
func NewMemo(ctx context.Context, limit time.Duration) *Memo {
	return &Memo{ctx: ctx, limit: limit, cells: map[string]*cell{}}
}

// Get the look-up of a key, and wait for it. One that does not honour its
// deadline is left behind: nobody waits for it longer.
func Get[T any](ctx context.Context, m *Memo, key string, look func(context.Context) (T, error)) (T, error) {
	return GetWithin(ctx, m, key, m.limit, look)
}

// GetWithin is Get with a time limit of its own.
func GetWithin[T any](ctx context.Context, m *Memo, key string, limit time.Duration, look func(context.Context) (T, error)) (T, error) {
	m.mu.Lock()
	c, known := m.cells[key]
	if !known {
		c = &cell{done: make(chan struct{})}
		m.cells[key] = c
		go m.run(c, limit, func(ctx context.Context) (any, error) { return look(ctx) })
	}
	m.mu.Unlock()
	var none T
	select {
	case <-c.done:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	value, _ := c.value.(T)
	return value, c.err
}

func (m *Memo) run(c *cell, limit time.Duration, look func(context.Context) (any, error)) {
	type answer struct {
		value any
		err   error
	}
	ctx, cancel := context.WithTimeout(m.ctx, limit)
	answers := make(chan answer, 1)
	go func() {
		defer cancel()
		defer func() {
			if r := recover(); r != nil {
				answers <- answer{err: fmt.Errorf("the look-up broke: %v; please report it", r)}
			}
		}()
		value, err := look(ctx)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		c.value, c.err = a.value, a.err
	case <-ctx.Done():
		// An answer that came at the last moment counts.
		select {
		case a := <-answers:
			c.value, c.err = a.value, a.err
		default:
			c.err = ctx.Err()
		}
	}
	if errors.Is(c.err, context.DeadlineExceeded) {
		c.err = fmt.Errorf("%w within %s", ErrNoAnswer, limit)
	}
	close(c.done)
}
