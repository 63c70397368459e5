// Package storetest holds the in-memory bucket of the tests and the contract
// that it and every real bucket pass.
package storetest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Op is a kind of request.
type Op string

// The requests of a bucket.
const (
	Get    Op = "get"
	Put    Op = "put"
	Delete Op = "delete"
	List   Op = "list"
	Now    Op = "now"
)

// ErrUnreachable is what a Memory that is cut off answers.
var ErrUnreachable = errors.New("bucket does not answer")

// ErrAnswerLost follows a request that was done.
var ErrAnswerLost = errors.New("answer lost: deadline exceeded")

// Version of one key, oldest first. A deleted one has no body.
type Version struct {
	Body    []byte
	ETag    string
	Date    time.Time
	Deleted bool
}

// Memory is a store.Bucket that keeps all versions of its keys, tells the time
// that its clock tells, and fails as it is told. The zero value is not usable.
type Memory struct {
	name, region string
	now          func() time.Time

	mu          sync.Mutex
	keys        map[string][]Version
	unreachable bool
	absent      bool
	faults      []*fault
	hook        func(Op, string)
	counts      map[Op]int
}

type fault struct {
	op    Op
	left  int
	err   error
	apply bool // the request is done, then the error is answered
}

var _ store.Bucket = (*Memory)(nil)

// NewMemory makes an empty bucket. now is S3's clock; it is truncated to
// seconds, as the Date header is.
func NewMemory(name, region string, now func() time.Time) *Memory {
	return &Memory{name: name, region: region, now: now, keys: map[string][]Version{}, counts: map[Op]int{}}
}

// SetUnreachable cuts the bucket off, or joins it again.
func (m *Memory) SetUnreachable(v bool) { m.mu.Lock(); defer m.mu.Unlock(); m.unreachable = v }

// SetAbsent makes the bucket one that was never made, or makes it.
func (m *Memory) SetAbsent(v bool) { m.mu.Lock(); defer m.mu.Unlock(); m.absent = v }

// FailNext makes the next n requests of a kind fail with err and do nothing.
func (m *Memory) FailNext(op Op, n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &fault{op: op, left: n, err: err})
}

// LoseAnswer makes the next n requests of a kind do their work and answer
// ErrAnswerLost (H25).
func (m *Memory) LoseAnswer(op Op, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &fault{op: op, left: n, err: ErrAnswerLost, apply: true})
}

// ConflictAfterApply makes the next n puts do their work and answer
// store.ErrConflict, as when a client library repeats a put whose answer was
// lost (H25).
func (m *Memory) ConflictAfterApply(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &fault{op: Put, left: n, err: store.ErrConflict, apply: true})
}

// OnCall is called before each request, outside of the lock, so that a test can
// stop, delay or change the world there. nil takes it away.
func (m *Memory) OnCall(f func(op Op, key string)) { m.mu.Lock(); defer m.mu.Unlock(); m.hook = f }

// Calls tells how many requests of a kind reached the bucket.
func (m *Memory) Calls(op Op) int { m.mu.Lock(); defer m.mu.Unlock(); return m.counts[op] }

// Versions of a key, oldest first.
func (m *Memory) Versions(key string) []Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys[key])
}

// Keys that are there, in byte order.
func (m *Memory) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m.keys)) {
		if _, ok := m.head(k); ok {
			out = append(out, k)
		}
	}
	return out
}

// Name of the bucket.
func (m *Memory) Name() string { return m.name }

// Region of the bucket.
func (m *Memory) Region() string { return m.region }

// Get reads the newest version.
func (m *Memory) Get(ctx context.Context, key string) (store.Object, error) {
	var out store.Object
	err := m.do(ctx, Get, key, func() error {
		v, ok := m.head(key)
		if !ok {
			return store.ErrAbsent
		}
		out = store.Object{Body: slices.Clone(v.Body), ETag: v.ETag, Date: m.clock()}
		return nil
	})
	return out, err
}

// Put writes a version when cond holds.
func (m *Memory) Put(ctx context.Context, key string, body []byte, cond store.Condition) (store.Object, error) {
	var out store.Object
	err := m.do(ctx, Put, key, func() error {
		v, ok := m.head(key)
		if cond.IfAbsent && ok || cond.IfMatch != "" && (!ok || v.ETag != cond.IfMatch) {
			return store.ErrConflict
		}
		sum := md5.Sum(body)
		n := Version{Body: slices.Clone(body), ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Date: m.clock()}
		m.keys[key] = append(m.keys[key], n)
		out = store.Object{ETag: n.ETag, Date: n.Date}
		return nil
	})
	if err != nil {
		return store.Object{}, err
	}
	return out, nil
}

// Delete sets a delete marker.
func (m *Memory) Delete(ctx context.Context, key string) error {
	return m.do(ctx, Delete, key, func() error {
		if _, ok := m.head(key); ok {
			m.keys[key] = append(m.keys[key], Version{Date: m.clock(), Deleted: true})
		}
		return nil
	})
}

// List answers the keys under prefix in byte order.
func (m *Memory) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	var out []store.Entry
	err := m.do(ctx, List, prefix, func() error {
		for _, k := range slices.Sorted(maps.Keys(m.keys)) {
			if v, ok := m.head(k); ok && strings.HasPrefix(k, prefix) {
				out = append(out, store.Entry{Key: k, Size: int64(len(v.Body)), Modified: v.Date})
			}
		}
		return nil
	})
	return out, err
}

// Now answers the bucket's clock.
func (m *Memory) Now(ctx context.Context) (time.Time, error) {
	var out time.Time
	err := m.do(ctx, Now, "", func() error { out = m.clock(); return nil })
	return out, err
}

func (m *Memory) clock() time.Time { return m.now().UTC().Truncate(time.Second) }

func (m *Memory) head(key string) (Version, bool) {
	vs := m.keys[key]
	if len(vs) == 0 || vs[len(vs)-1].Deleted {
		return Version{}, false
	}
	return vs[len(vs)-1], true
}

func (m *Memory) do(ctx context.Context, op Op, key string, f func() error) error {
	m.mu.Lock()
	hook := m.hook
	m.mu.Unlock()
	if hook != nil {
		hook(op, key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[op]++
	if err := m.answer(ctx, op, f); err != nil {
		return fmt.Errorf("%s s3://%s/%s: %w", op, m.name, key, err)
	}
	return nil
}

func (m *Memory) answer(ctx context.Context, op Op, f func() error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case m.unreachable:
		return ErrUnreachable
	case m.absent:
		return store.ErrBucketAbsent
	}
	for _, ft := range m.faults {
		if ft.op != op || ft.left == 0 {
			continue
		}
		ft.left--
		if ft.apply {
			if err := f(); err != nil {
				return err
			}
		}
		return ft.err
	}
	return f()
}
