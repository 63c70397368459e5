// Package pace is where the functions' code asks for something in time: a bound
// on what it waits for, and work beside other work. Both go by the clock and the
// goroutines of this machine unless the context brings another Keeper: the
// simulation's, in whose world time is made and one thing happens at a time.
package pace

import (
	"context"
	"sync"
	"time"
)

// Keeper of time and turns.
type Keeper interface {
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	WithDeadline(ctx context.Context, end time.Time) (context.Context, context.CancelFunc)
	// WithCancel answers a context that ends by cancel.
	WithCancel(ctx context.Context) (context.Context, context.CancelFunc)
	// Both does a and b beside each other and ends when both have ended.
	Both(a, b func())
	// Every does f beside the caller each d, one at a time, until stop. After stop
	// none is under way.
	Every(d time.Duration, f func()) (stop func())
}

type key struct{}

// With answers a context in which k keeps the time.
func With(ctx context.Context, k Keeper) context.Context { return context.WithValue(ctx, key{}, k) }

// WithTimeout is context.WithTimeout.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if k, ok := ctx.Value(key{}).(Keeper); ok {
		return k.WithTimeout(ctx, d)
	}
	return context.WithTimeout(ctx, d)
}

// WithDeadline is context.WithDeadline.
func WithDeadline(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	if k, ok := ctx.Value(key{}).(Keeper); ok {
		return k.WithDeadline(ctx, end)
	}
	return context.WithDeadline(ctx, end)
}

// WithCancel is context.WithCancel.
func WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	if k, ok := ctx.Value(key{}).(Keeper); ok {
		return k.WithCancel(ctx)
	}
	return context.WithCancel(ctx)
}

// Every does f beside the caller each d, one at a time, until stop or the end of
// ctx. After stop none is under way.
func Every(ctx context.Context, d time.Duration, f func()) (stop func()) {
	if k, ok := ctx.Value(key{}).(Keeper); ok {
		return k.Every(d, f)
	}
	enough, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-enough:
				return
			case <-ctx.Done():
				return
			case <-t.C:
				f()
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(enough)
		<-over
	})
}

// Both does a and b beside each other and ends when both have ended.
func Both(ctx context.Context, a, b func()) {
	if k, ok := ctx.Value(key{}).(Keeper); ok {
		k.Both(a, b)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b()
	}()
	a()
	<-done
}
