package simulation

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/store"
)

// bucket in memory, quick to list, and with bodies that are parsed once and
// changed by nobody. It passes the same contract as every other.
type bucket struct {
	name, region string
	absent       bool
	now          func() time.Time
	keys         []string // ordered
	objects      map[string]*object
	// watch is told of each change after it, with what was there before.
	watch func(key string, before, after *object)
}

type object struct {
	store.Object
	order int
}

func newBucket(name, region string, now func() time.Time) *bucket {
	return &bucket{name: name, region: region, now: now, objects: map[string]*object{}}
}

var _ store.Bucket = (*bucket)(nil)

func (b *bucket) Name() string     { return b.name }
func (b *bucket) Region() string   { return b.region }
func (b *bucket) clock() time.Time { return b.now().UTC().Truncate(time.Second) }

func (b *bucket) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.absent {
		return fmt.Errorf("s3://%s: %w", b.name, store.ErrBucketAbsent)
	}
	return nil
}

func (b *bucket) Get(ctx context.Context, key string) (store.Object, error) {
	if err := b.ready(ctx); err != nil {
		return store.Object{}, err
	}
	o := b.objects[key]
	if o == nil {
		return store.Object{}, fmt.Errorf("get s3://%s/%s: %w", b.name, key, store.ErrAbsent)
	}
	out := o.Object
	out.Date = b.clock()
	return out, nil
}

func (b *bucket) Put(ctx context.Context, key string, body []byte, cond store.Condition) (store.Object, error) {
	if err := b.ready(ctx); err != nil {
		return store.Object{}, err
	}
	before := b.objects[key]
	if cond.IfAbsent && before != nil || cond.IfMatch != "" && (before == nil || before.ETag != cond.IfMatch) {
		return store.Object{}, fmt.Errorf("put s3://%s/%s: %w", b.name, key, store.ErrConflict)
	}
	o := &object{Object: store.Object{Body: body, ETag: etag(body), Date: b.clock()}.Keep()}
	if before == nil {
		at, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Insert(b.keys, at, key)
	}
	b.objects[key] = o
	if b.watch != nil {
		b.watch(key, before, o)
	}
	return store.Object{ETag: o.ETag, Date: o.Date}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// etag by the two sums that processors have instructions for.
func etag(body []byte) string {
	return `"` + strconv.FormatUint(uint64(crc32.ChecksumIEEE(body))<<32|uint64(crc32.Checksum(body, castagnoli)), 16) + `"`
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	before := b.objects[key]
	if before == nil {
		return nil
	}
	at, _ := slices.BinarySearch(b.keys, key)
	b.keys = slices.Delete(b.keys, at, at+1)
	delete(b.objects, key)
	if b.watch != nil {
		b.watch(key, before, nil)
	}
	return nil
}

func (b *bucket) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if err := b.ready(ctx); err != nil {
		return nil, err
	}
	at, _ := slices.BinarySearch(b.keys, prefix)
	n := 0
	for n < len(b.keys)-at && strings.HasPrefix(b.keys[at+n], prefix) {
		n++
	}
	out := make([]store.Entry, n)
	for i, k := range b.keys[at : at+n] {
		o := b.objects[k]
		out[i] = store.Entry{Key: k, Size: int64(len(o.Body)), Modified: o.Date}
	}
	return out, nil
}

// under a prefix are so many objects.
func (b *bucket) under(prefix string) int {
	from, _ := slices.BinarySearch(b.keys, prefix)
	to, _ := slices.BinarySearch(b.keys, prefix+"\xff")
	return to - from
}

func (b *bucket) Now(ctx context.Context) (time.Time, error) {
	if err := b.ready(ctx); err != nil {
		return time.Time{}, err
	}
	return b.clock(), nil
}

// seen is a bucket as one process sees it: each request is a call.
type seen struct {
	p *process
	b *bucket
}

var _ store.Bucket = seen{}

func (v seen) Name() string   { return v.b.name }
func (v seen) Region() string { return v.b.region }

func (v seen) call(ctx context.Context, op, key string, writes bool, f func() error) error {
	return v.p.call(&call{ctx: ctx, op: op, what: key, writes: writes, to: target{v.b.region, buckets}, effect: f})
}

func (v seen) Get(ctx context.Context, key string) (out store.Object, err error) {
	err = v.call(ctx, "get", key, false, func() (err error) { out, err = v.b.Get(context.Background(), key); return err })
	return out, err
}

// Put may answer a conflict for a put that was done: a client library that
// repeats what got no answer meets itself (H25).
func (v seen) Put(ctx context.Context, key string, body []byte, cond store.Condition) (out store.Object, err error) {
	err = v.call(ctx, "put", key, true, func() (err error) {
		if s := v.p.s; s.log != nil && (key == ledger.Key || key == "_dr/journal/switch.json") {
			s.log.add(s.now, v.p, "    "+string(body[:min(len(body), 900)]), nil)
		}
		out, err = v.b.Put(context.Background(), key, body, cond)
		return err
	})
	if errors.Is(err, errLost) && cond != (store.Condition{}) && len(body)%2 == 0 {
		err = fmt.Errorf("put s3://%s/%s: %w", v.b.name, key, store.ErrConflict)
	}
	if err != nil {
		return store.Object{}, err
	}
	return out, nil
}

func (v seen) Delete(ctx context.Context, key string) error {
	return v.call(ctx, "delete", key, true, func() error { return v.b.Delete(context.Background(), key) })
}

func (v seen) List(ctx context.Context, prefix string) (out []store.Entry, err error) {
	err = v.call(ctx, "list", prefix, false, func() (err error) { out, err = v.b.List(context.Background(), prefix); return err })
	return out, err
}

func (v seen) Now(ctx context.Context) (out time.Time, err error) {
	err = v.call(ctx, "now", "", false, func() (err error) { out, err = v.b.Now(context.Background()); return err })
	return out, err
}
