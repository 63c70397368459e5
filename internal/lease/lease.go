// Package lease lets one run at a time do a thing: an object
// _dr/lease/<what>.json in the bucket of the domain's own Region, changed by
// conditional puts only (X5). At most one holder's lease is unexpired by S3's
// clock. A lease is short and renewed while its run lives (Keep), so that a holder
// that crashed is waited out in about a minute; one that stalled past its expiry
// must not go on. What outlasts any lease that a version of the product gives is
// of no run: it is replaced, and reported (H85, H86). One that could not say
// that it was over, because the bucket did not answer, is remembered by its process
// (Memory).
package lease

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Prefix of all leases.
const Prefix = "_dr/lease/"

// TTL of a lease: what a run that was killed costs the next one. A run that lives
// renews it four times as often.
const (
	TTL   = time.Minute
	beats = 4
)

// Longest lease that any version of the product gives, with a margin for S3's
// clocks: earlier versions gave 6 minutes once. One that outlasts it was written by
// something else, or under a clock that was wrong, and no run is at work under it.
const Longest = 7 * time.Minute

// ErrLost says that the lease expired and somebody else took it, or it was released.
var ErrLost = errors.New("lease lost")

// errMalformed: the object is no lease.
var errMalformed = errors.New("malformed lease")

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

// Lease that is held.
type Lease struct {
	memory   *Memory
	bucket   store.Bucket
	key      string
	replaced string

	etag string
	rec  record

	mu    sync.Mutex // Keep renews beside its run, which asks Until
	until time.Time
}

// Acquire takes the lease for ttl, or answers *Held. holder is for people, such
// as a request id; two Acquires of one holder exclude each other too.
func Acquire(ctx context.Context, b store.Bucket, what, holder string, ttl time.Duration) (*Lease, error) {
	return (*Memory)(nil).Acquire(ctx, b, what, holder, ttl)
}

// Acquire as the package's, but a lease that this very process held, and whose
// release did not arrive, is over and is taken at once.
func (m *Memory) Acquire(ctx context.Context, b store.Bucket, what, holder string, ttl time.Duration) (*Lease, error) {
	switch {
	case ttl < time.Second:
		return nil, fmt.Errorf("take lease %s: %s is too short, S3's clock counts seconds", what, ttl)
	case ttl > Longest:
		return nil, fmt.Errorf("take lease %s: %s is longer than any lease may be, which is %s", what, ttl, Longest)
	}
	l := &Lease{memory: m, bucket: b, key: Prefix + what + ".json"}
	cond := store.Condition{IfAbsent: true}
	var now time.Time
	cur, date, etag, err := l.read(ctx)
	foreign := cur.foreign(date, err)
	switch {
	case foreign != "":
		l.replaced = fmt.Sprintf("s3://%s/%s: %s", b.Name(), l.key, foreign)
		now, cond = date, store.Condition{IfMatch: etag}
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
	if err := l.write(ctx, l.rec, cond); err != nil {
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

// foreign: why what is there is no lease of the product's; empty: it is one.
func (r record) foreign(date time.Time, err error) string {
	switch {
	case errors.Is(err, errMalformed):
		return err.Error()
	case err == nil && r.Expires.Sub(date) > Longest:
		return fmt.Sprintf("a lease of %s until %s, longer than any that the product gives (%s)", r.Holder, r.Expires.UTC().Format(time.RFC3339), Longest)
	}
	return ""
}

// Standing is what the object of a lease says, for who only looks.
type Standing struct {
	Holder string
	Until  time.Time
	Held   bool
	// Foreign: why it is no lease of the product's; empty: it is one, or none stands.
	Foreign string
	// Idle is how long a lease that is held was not renewed: a run that lives renews
	// it within seconds. What an earlier version gave is never renewed.
	Idle time.Duration
}

// Look at the lease of a thing.
func Look(ctx context.Context, b store.Bucket, what string) (Standing, error) {
	l := &Lease{bucket: b, key: Prefix + what + ".json"}
	rec, date, _, err := l.read(ctx)
	out := Standing{Holder: rec.Holder, Until: rec.Expires, Foreign: rec.foreign(date, err)}
	switch {
	case errors.Is(err, store.ErrAbsent) || out.Foreign != "":
		return out, nil
	case err != nil:
		return out, fmt.Errorf("look at lease %s: %w", what, err)
	}
	if out.Held = rec.Expires.After(date); out.Held {
		renewed := rec.Expires.Add(-TTL)
		if renewed.After(date) {
			renewed = rec.Since
		}
		out.Idle = date.Sub(renewed)
	}
	return out, nil
}

// Replaced reports what stood in the way of this lease and was no lease; empty:
// nothing.
func (l *Lease) Replaced() string { return l.replaced }

// Until is the expiry by S3's clock.
func (l *Lease) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// have the record, which the bucket has.
func (l *Lease) have(rec record, etag string) {
	l.rec, l.etag = rec, etag
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = rec.Expires
}

// Keep renews the lease beside its run until stop. The context that it answers ends
// when the lease is over: no run goes on under one that another may hold.
func (l *Lease) Keep(ctx context.Context, ttl time.Duration) (kept context.Context, stop func()) {
	kept, cancel := pace.WithCancel(ctx)
	beat, enough := pace.WithCancel(ctx)
	failed := 0
	end := pace.Every(ctx, ttl/beats, func() {
		short, done := pace.WithTimeout(beat, ttl/beats)
		defer done()
		err := l.Renew(short, ttl)
		if failed++; err == nil {
			failed = 0
		}
		if errors.Is(err, ErrLost) || failed >= beats-1 {
			cancel()
		}
	})
	return kept, func() {
		enough()
		end()
		cancel()
	}
}

// Renew for ttl from now. ErrLost when it is no longer ours. It is not called beside
// another Renew, or a Release, of the same lease.
func (l *Lease) Renew(ctx context.Context, ttl time.Duration) error {
	what := l.rec.What
	now, err := l.bucket.Now(ctx)
	if err != nil {
		return fmt.Errorf("renew lease %s: %w", what, err)
	}
	old := l.Until()
	if !old.After(now) {
		return fmt.Errorf("renew lease %s: %w: it expired at %s; run again", what, ErrLost, old.Format(time.RFC3339))
	}
	next := l.rec
	next.Expires = now.Add(ttl)
	if err := l.write(ctx, next, store.Condition{IfMatch: l.etag}); err != nil {
		var lost *Held
		if errors.As(err, &lost) {
			return fmt.Errorf("renew lease %s: %w to %s; run again", what, ErrLost, lost.Holder)
		}
		return fmt.Errorf("renew lease %s: %w", what, err)
	}
	return nil
}

// Release ends the lease now. The object stays, marked as over: a delete cannot
// be conditional here and might take away somebody else's lease. A lease that is
// lost already is no error.
func (l *Lease) Release(ctx context.Context) error {
	over := l.rec
	over.Expires = over.Since
	err := l.write(ctx, over, store.Condition{IfMatch: l.etag})
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
		return record{}, o.Date, o.ETag, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return rec, o.Date, o.ETag, nil
}

// write puts the record; after any doubt it reads back, and the token decides
// (H25). What is there under this lease's own token is a renewal whose answer
// was lost: it is written over.
func (l *Lease) write(ctx context.Context, rec record, cond store.Condition) error {
	err := l.put(ctx, rec, cond)
	if errors.Is(err, errOwn) {
		err = l.put(ctx, rec, store.Condition{IfMatch: l.etag})
	}
	return err
}

var errOwn = errors.New("an earlier renewal of this very lease arrived")

func (l *Lease) put(ctx context.Context, rec record, cond store.Condition) error {
	body, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	o, err := l.bucket.Put(ctx, l.key, body, cond)
	if err == nil {
		l.have(rec, o.ETag)
		return nil
	}
	cur, _, etag, rerr := l.read(ctx)
	switch {
	case rerr != nil:
		return errors.Join(err, rerr)
	case cur.Token == rec.Token && cur.Expires.Equal(rec.Expires):
		l.have(rec, etag)
		return nil
	case errors.Is(err, store.ErrConflict) && cur.Token == rec.Token:
		l.etag = etag
		return errOwn
	case errors.Is(err, store.ErrConflict):
		return &Held{What: rec.What, Holder: cur.Holder, Until: cur.Expires}
	}
	return err
}
