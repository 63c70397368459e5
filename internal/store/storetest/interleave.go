package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Interleave runs the tasks at the same time, each with its own view of b, and
// lets one request of one task happen at a time, in the order that choose draws
// (a number below n, of the n tasks that stand before a request). So a property
// test can have every interleaving, and a seed repeats it. A task makes its
// requests one after the other. The answers are the tasks' errors.
func Interleave(b store.Bucket, choose func(n int) int, tasks ...func(store.Bucket) error) []error {
	errs := make([]error, len(tasks))
	waiting := make(chan turn)
	over := make(chan struct{})
	ended := make(chan struct{}) // what a task left behind may go on freely then
	defer close(ended)
	for i, task := range tasks {
		go func() {
			errs[i] = task(&gated{b, i, waiting, ended})
			over <- struct{}{}
		}()
	}
	var standing []turn
	for running, left := len(tasks), len(tasks); left > 0; {
		for running > 0 {
			select {
			case t := <-waiting:
				standing = append(standing, t)
			case <-over:
				left--
			}
			running--
		}
		if len(standing) == 0 {
			continue
		}
		slices.SortFunc(standing, func(a, b turn) int { return a.task - b.task })
		n := choose(len(standing))
		gate := standing[n].gate
		standing = append(standing[:n:n], standing[n+1:]...)
		running = 1
		close(gate)
	}
	return errs
}

// turn that a task waits for.
type turn struct {
	task int
	gate chan struct{}
}

// gated waits for its turn before each request.
type gated struct {
	store.Bucket
	task    int
	waiting chan turn
	ended   chan struct{}
}

func (g *gated) turn() {
	gate := make(chan struct{})
	select {
	case g.waiting <- turn{g.task, gate}:
		<-gate
	case <-g.ended:
	}
}

func (g *gated) Get(ctx context.Context, key string) (store.Object, error) {
	g.turn()
	return g.Bucket.Get(ctx, key)
}

func (g *gated) Put(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error) {
	g.turn()
	return g.Bucket.Put(ctx, key, body, c)
}

func (g *gated) Delete(ctx context.Context, key string) error {
	g.turn()
	return g.Bucket.Delete(ctx, key)
}

func (g *gated) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	g.turn()
	return g.Bucket.List(ctx, prefix)
}

func (g *gated) Now(ctx context.Context) (time.Time, error) {
	g.turn()
	return g.Bucket.Now(ctx)
}
