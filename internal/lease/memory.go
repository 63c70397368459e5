package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Memory of one process: the leases that it is done with while their objects may
// still say that they are held, because the bucket was silent at the end of a run.
// Without it a Region that comes back waits for a dead lease to expire, and a
// superseded domain takes writes meanwhile.
//
// It is safe because a process has at most one run at a time (a function's
// environment handles one invocation at a time), so that the run which held the
// lease has ended before the next one asks; and because the unique token in the
// object says whose lease it is. Nobody else's is ever taken. The zero value is
// ready; nil remembers nothing.
type Memory struct {
	mu   sync.Mutex
	done map[string]map[string]*Lease // by object, by token
}

// Retire tries once more to release what is remembered, for a run that may not
// need the lease itself and whose neighbours do. What does not arrive stays.
func (m *Memory) Retire(ctx context.Context) error {
	if m == nil {
		return nil
	}
	var failed []error
	for _, l := range m.all() {
		cur, date, etag, err := l.read(ctx)
		switch {
		case errors.Is(err, store.ErrAbsent), errors.Is(err, errMalformed):
		case err != nil:
			failed = append(failed, fmt.Errorf("release lease %s once more: %w", l.rec.What, err))
			continue
		case cur.Token == l.rec.Token && cur.Expires.After(date):
			l.etag = etag
			if err := l.Release(ctx); err != nil {
				failed = append(failed, err)
				continue
			}
		}
		m.drop(l)
	}
	return errors.Join(failed...)
}

// keep a lease that is over.
func (m *Memory) keep(l *Lease) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done == nil {
		m.done = map[string]map[string]*Lease{}
	}
	key := place(l.bucket, l.key)
	if m.done[key] == nil {
		m.done[key] = map[string]*Lease{}
	}
	m.done[key][l.rec.Token] = l
}

// over: the lease of this token was this process's, which is done with it.
func (m *Memory) over(b store.Bucket, key, token string) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.done[place(b, key)][token]
	return ok
}

// forget all of an object that is this process's once more: whatever of theirs is
// still on its way has a condition that no longer holds.
func (m *Memory) forget(l *Lease) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.done, place(l.bucket, l.key))
}

func (m *Memory) drop(l *Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.done[place(l.bucket, l.key)], l.rec.Token)
}

func (m *Memory) all() []*Lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Lease
	for _, key := range slices.Sorted(maps.Keys(m.done)) {
		for _, token := range slices.Sorted(maps.Keys(m.done[key])) {
			all = append(all, m.done[key][token])
		}
	}
	return all
}

func place(b store.Bucket, key string) string { return b.Region() + "/" + b.Name() + "/" + key }
