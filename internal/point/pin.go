package point

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
)

// ErrGone says that the point was removed, or is being removed; take another one.
var ErrGone = errors.New("recovery point is being removed")

// ErrPinned says that somebody restores from the point.
var ErrPinned = errors.New("recovery point is pinned")

func pinKey(id ID, holder string) string {
	sum := sha256.Sum256([]byte(holder))
	return PinsPrefix + id.String() + "-" + hex.EncodeToString(sum[:8]) + ".json"
}

func removingKey(id ID) string { return Prefix + id.String() + endRemoving }

// PinFor keeps a point for ttl by S3's clock, before a restore begins and again
// while it runs. The pin is written first and the mark of a removal looked for
// after it, the pruner does it the other way round: at least one of them sees
// the other (H17). ErrGone: take another point.
func PinFor(ctx context.Context, b store.Bucket, id ID, holder string, ttl time.Duration) error {
	step := "pin recovery point " + id.String()
	now, err := b.Now(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	body, err := json.Marshal(Pin{Point: id, Holder: holder, Expires: now.Add(ttl)})
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	if _, err := b.Put(ctx, pinKey(id, holder), body, store.Condition{}); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	_, err = b.Get(ctx, removingKey(id))
	if errors.Is(err, store.ErrAbsent) {
		_, err = b.Get(ctx, id.Key())
		if err == nil {
			return nil
		}
	}
	if err == nil || errors.Is(err, store.ErrAbsent) {
		return errors.Join(fmt.Errorf("%s: %w", step, ErrGone), Unpin(ctx, b, id, holder))
	}
	return fmt.Errorf("%s: %w", step, err)
}

// keepFor is the life of a pin that only a person or a salvage ends.
const keepFor = 100 * 365 * 24 * time.Hour

// Kept reports whether a pin is one of KeepFor, which is no leftover of a switch.
func (p Pin) Kept() bool { return strings.HasPrefix(p.Holder, KeptBehind) }

// KeptBehind begins the holder of each pin of KeepFor.
const KeptBehind = "left behind by the switch to "

// KeepFor pins a point for good: a switch left some of its indexes behind, and it
// may be the only place that has them. Unpin ends it, and so does a deletion of
// the object by hand.
func KeepFor(ctx context.Context, b store.Bucket, id ID, holder string) error {
	return PinFor(ctx, b, id, holder, keepFor)
}

// Unpin when the restore is over. No pin is a success.
func Unpin(ctx context.Context, b store.Bucket, id ID, holder string) error {
	if err := b.Delete(ctx, pinKey(id, holder)); err != nil {
		return fmt.Errorf("unpin recovery point %s: %w", id, err)
	}
	return nil
}

// LongestPin that any version of the product gives to a restore, with a margin. One
// that outlasts it, and is not Kept, is Overlong, and keeps nothing from being pruned: it would do so forever (H86).
const LongestPin = 24 * time.Hour

// Pinned answers the pins that have not expired, by S3's clock. A pin that cannot be
// read is an error: nothing is pruned then.
func Pinned(ctx context.Context, b store.Bucket) ([]Pin, error) {
	entries, err := b.List(ctx, PinsPrefix)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list pins: %w", err)
	}
	var out []Pin
	for _, e := range entries {
		o, err := b.Get(ctx, e.Key)
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read pin: %w", err)
		}
		var p Pin
		if err := json.Unmarshal(o.Body, &p); err != nil {
			return nil, fmt.Errorf("read pin s3://%s/%s: %w; delete it if no restore is under way", b.Name(), e.Key, err)
		}
		if p.Expires.After(o.Date) {
			p.Overlong = !p.Kept() && p.Expires.Sub(o.Date) > LongestPin
			out = append(out, p)
		}
	}
	return out, nil
}
