// Package lease lets one run at a time do a thing: an object
// _dr/lease/<what>.json in the bucket of the domain's own Region, changed by
// conditional puts only (X5). At most one holder's lease is unexpired by S3's
// clock. A holder that crashed is waited out; one that stalled past its expiry
// must not go on, so Renew before each step that destroys. One that could not say
// that it was over, because the bucket did not answer, is remembered by its process
// (Memory).
package lease

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Prefix of all leases.
const Prefix = "_dr/lease/"

// ErrLost says that the lease expired and somebody else took it, or it was released.
var ErrLost = errors.New("lease lost")

// Held is the error of an Acquire that somebody else was before.
type Held struct {
	What, Holder string
	Until        time.Time // S3's clock
}

func (h *Held) Error() string {
	return fmt.Sprintf("%s is being done by %s until %s; it goes on by itself after that", h.What, h.Holder, h.Until.Format(time.RFC3339))
}

type record struct {
	Version int       `json:"version"`
	What    string    `json:"what"`
	Holder  string    `json:"holder"` // for people
	Token   string    `json:"token"`  // of this Acquire
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"` // not after Since when released
}

// Lease that is held. It is not safe for concurrent use.
type Lease struct {
	memory *Memory
	bucket store.Bucket
	key    string
	etag   string
	rec    record
}

// Acquire takes the lease for ttl, or answers *Held. holder is for people, such
// as a request id; two Acquires of one holder exclude each other too.
func Acquire(ctx context.Context, b store.Bucket, what, holder string, ttl time.Duration) (*Lease, error) {
	return (*Memory)(nil).Acquire(ctx, b, what, holder, ttl)
}

// Acquire as the package's, but a lease that this very process held, and whose
// release did not arrive, is over and is taken at once.
func (m *Memory) Acquire(ctx context.Context, b store.Bucket, what, holder string, ttl time.Duration) (*Lease, error) {
	if ttl < time.Second {
		return nil, fmt.Errorf("take lease %s: %s is too short, S3's clock counts seconds", what, ttl)
	}
	l := &Lease{memory: m, bucket: b, key: Prefix + what + ".json"}
	cond := store.Condition{IfAbsent: true}
	var now time.Time
	cur, date, etag, err := l.read(ctx)
	switch {
	case errors.Is(err, store.ErrBucketAbsent):
		return nil, fmt.Errorf("take lease %s: %w; deploy the foundation stack of %s", what, err, b.Region())
	case errors.Is(err, store.ErrAbsent):
		if now, err = b.Now(ctx); err != nil {
			return nil, fmt.Errorf("take lease %s: %w", what, err)
		}
	case err != nil:
		return nil, fmt.Errorf("take lease %s: %w", what, err)
	case cur.Expires.After(date) && !m.over(b, l.key, cur.Token):
		return nil, &Held{What: what, Holder: cur.Holder, Until: cur.Expires}
	default:
		now, cond = date, store.Condition{IfMatch: etag}
	}
	l.rec = record{Version: 1, What: what, Holder: holder, Token: rand.Text(), Since: now, Expires: now.Add(ttl)}
	if err := l.write(ctx, cond); err != nil {
		var lost *Held
		if errors.As(err, &lost) {
			return nil, lost
		}
		m.keep(l) // nobody knows whether it arrived, and nobody goes on under it
		return nil, fmt.Errorf("take lease %s: %w", what, err)
	}
	m.forget(l)
	return l, nil
}

// Until is the expiry by S3's clock.
func (l *Lease) Until() time.Time { return l.rec.Expires }

// Renew for ttl from now. ErrLost when it is no longer ours.
func (l *Lease) Renew(ctx context.Context, ttl time.Duration) error {
	now, err := l.bucket.Now(ctx)
	if err != nil {
		return fmt.Errorf("renew lease %s: %w", l.rec.What, err)
	}
	if !l.rec.Expires.After(now) {
		return fmt.Errorf("renew lease %s: %w: it expired at %s; run again", l.rec.What, ErrLost, l.rec.Expires.Format(time.RFC3339))
	}
	old := l.rec
	l.rec.Expires = now.Add(ttl)
	if err := l.write(ctx, store.Condition{IfMatch: l.etag}); err != nil {
		l.rec = old
		var lost *Held
		if errors.As(err, &lost) {
			return fmt.Errorf("renew lease %s: %w to %s; run again", l.rec.What, ErrLost, lost.Holder)
		}
		return fmt.Errorf("renew lease %s: %w", l.rec.What, err)
	}
	return nil
}

// Release ends the lease now. The object stays, marked as over: a delete cannot
// be conditional here and might take away somebody else's lease. A lease that is
// lost already is no error.
func (l *Lease) Release(ctx context.Context) error {
	l.rec.Expires = l.rec.Since
	err := l.write(ctx, store.Condition{IfMatch: l.etag})
	var lost *Held
	if err != nil && !errors.As(err, &lost) {
		l.memory.keep(l)
		return fmt.Errorf("release lease %s: %w", l.rec.What, err)
	}
	return nil
}

func (l *Lease) read(ctx context.Context) (rec record, date time.Time, etag string, err error) {
	o, err := l.bucket.Get(ctx, l.key)
	if err != nil {
		return record{}, time.Time{}, "", err
	}
	if err := json.Unmarshal(o.Body, &rec); err != nil {
		return record{}, time.Time{}, "", fmt.Errorf("read s3://%s/%s: %w; it is the product's own, delete it if no run is under way", l.bucket.Name(), l.key, err)
	}
	return rec, o.Date, o.ETag, nil
}

// write puts the record; after any doubt it reads back, and the token decides
// (H25).
func (l *Lease) write(ctx context.Context, cond store.Condition) error {
	body, err := json.Marshal(l.rec)
	if err != nil {
		return err
	}
	o, err := l.bucket.Put(ctx, l.key, body, cond)
	if err == nil {
		l.etag = o.ETag
		return nil
	}
	cur, _, etag, rerr := l.read(ctx)
	switch {
	case rerr != nil:
		return errors.Join(err, rerr)
	case cur.Token == l.rec.Token && cur.Expires.Equal(l.rec.Expires):
		l.etag = etag
		return nil
	case errors.Is(err, store.ErrConflict):
		return &Held{What: l.rec.What, Holder: cur.Holder, Until: cur.Expires}
	}
	return err
}
