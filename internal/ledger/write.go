package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Errors of writing. Compare with errors.Is.
var (
	// ErrSuperseded: the ledger has moved on; read again and decide anew.
	ErrSuperseded = errors.New("superseded")
	// ErrIntentExpired: the intent is over by S3's clock.
	ErrIntentExpired = errors.New("intent expired")
	// ErrLookedLongAgo: the claim rests on a look that is too old; look again.
	ErrLookedLongAgo = errors.New("the last look at the fence is too old")
)

// IntentHeld is the error of a PutIntent while another switch is under way (H21).
type IntentHeld struct{ Intent Intent }

func (e *IntentHeld) Error() string {
	return fmt.Sprintf("a switch to %s is under way by request %s until %s; let it end, or run `osdr abort`", e.Intent.To, e.Intent.RequestID, e.Intent.Expires.Format(time.RFC3339))
}

// Claim names the domain that becomes active. Region is the promoted one.
type Claim struct {
	Region      string
	ClusterUUID string
	Endpoint    string // of the domain, without a scheme
	Token       string // unique to this claim; of a switch: its intent's token
	// Looked is when the other Region last looked at its fence, by the clock of
	// the bucket that is written; zero for a claim that rests on no fence.
	Looked time.Time
	// Since goes into the ledger. A claim that may have to be made in the second
	// bucket, because nobody knows whether it was made in the first, must be the
	// same there: two times would be a dispute (D12). Zero: the bucket's clock.
	Since time.Time
}

// Nothing forbids an index to be made behind a fence (H9), so a claim must follow
// the last look at it at once: lookedFor before its ledger is read, and claimFor
// for the whole call.
const (
	lookedFor = 15 * time.Second
	claimFor  = 10 * time.Second
)

// ClaimFirst claims generation 1 in the bucket of the Region that is promoted.
// The caller has asked View.FirstSetUp. After any doubt it reads back: its own
// token there is a success (H25), another one is ErrSuperseded.
func ClaimFirst(ctx context.Context, b store.Bucket, c Claim) (Ledger, error) {
	step := "claim generation 1 in " + b.Region()
	if c.Region != b.Region() {
		return Ledger{}, fmt.Errorf("%s: a claim for %s must be written in that Region's bucket (D12)", step, c.Region)
	}
	now, err := b.Now(ctx)
	if errors.Is(err, store.ErrAbsent) {
		return Ledger{}, fmt.Errorf("%s: %w; deploy the foundation stack of %s", step, err, b.Region())
	}
	if err != nil {
		return Ledger{}, fmt.Errorf("%s: %w", step, err)
	}
	return put(ctx, b, step, Ledger{
		Version: FormatVersion, Generation: 1, ActiveRegion: c.Region, ClusterUUID: c.ClusterUUID,
		Endpoint: c.Endpoint, Since: now, Token: c.Token,
	}, store.Condition{IfAbsent: true}, c.made)
}

// CopyDown writes l, without its intent, into a bucket that has a lower ledger
// or none, and answers what stands there. The same one there already is a
// success and no write; a different one of the same generation is ErrDispute, a
// higher one ErrSuperseded: neither is ever overwritten. Who sees a higher
// generation does this before acting (H15).
func CopyDown(ctx context.Context, b store.Bucket, l Ledger) (Ledger, error) {
	step := fmt.Sprintf("copy ledger generation %d to %s", l.Generation, b.Region())
	l = l.Copy()
	r := read(ctx, b)
	cond := store.Condition{IfAbsent: true}
	switch {
	case !r.known():
		return Ledger{}, fmt.Errorf("%s: %w", step, r.Err)
	case r.Answer == Absent:
	case r.Ledger.Generation > l.Generation:
		return Ledger{}, fmt.Errorf("%s: %w: it stands at generation %d", step, ErrSuperseded, r.Ledger.Generation)
	case r.Ledger.Generation == l.Generation && r.Ledger.Same(l):
		return r.Ledger, nil
	case r.Ledger.Generation == l.Generation:
		return Ledger{}, fmt.Errorf("%s: %w", step, disputed("it", l, "the ledger of "+b.Region(), r.Ledger))
	default:
		cond = store.Condition{IfMatch: r.ETag}
	}
	out, err := put(ctx, b, step, l, cond, l.Same)
	if !errors.Is(err, ErrSuperseded) {
		return out, err
	}
	// Somebody wrote in between; a dispute must be called one.
	if r := read(ctx, b); r.Answer == Present && r.Ledger.Generation == l.Generation && !r.Ledger.Same(l) {
		return Ledger{}, fmt.Errorf("%s: %w", step, disputed("it", l, "the ledger of "+b.Region(), r.Ledger))
	}
	return Ledger{}, err
}

// PutIntent marks the switch in, under the ledger in force. It is given for ttl
// by S3's clock; in.Expires and in.FromGeneration are set here. Repeated with
// its own token it renews. An expired intent of another token is replaced, a
// live one is *IntentHeld. When both Regions answer, the active one's bucket
// comes first (H3).
func PutIntent(ctx context.Context, b store.Bucket, inForce Ledger, in Intent, ttl time.Duration) (Ledger, error) {
	step := fmt.Sprintf("mark the switch to %s in the ledger of %s", in.To, b.Region())
	r, err := expect(ctx, b, step)
	if err != nil {
		return Ledger{}, err
	}
	if !r.Ledger.Same(inForce) {
		return Ledger{}, fmt.Errorf("%s: %w: it stands at generation %d with domain %s, not generation %d with %s", step, ErrSuperseded,
			r.Ledger.Generation, r.Ledger.ClusterUUID, inForce.Generation, inForce.ClusterUUID)
	}
	if i := r.Ledger.Intent; i != nil && i.Token != in.Token && i.Live(r.Date) {
		return Ledger{}, fmt.Errorf("%s: %w", step, &IntentHeld{Intent: *i})
	}
	in.FromGeneration, in.Expires = r.Ledger.Generation, r.Date.Add(ttl)
	l := r.Ledger
	l.Intent = &in
	return put(ctx, b, step, l, store.Condition{IfMatch: r.ETag}, l.exactly)
}

// RenewIntent gives the intent that stands there with in.Token the content of in
// and another ttl. Unlike PutIntent it makes none: one that was removed or
// replaced meanwhile is ErrSuperseded, so that nobody's abort is undone (H3).
func RenewIntent(ctx context.Context, b store.Bucket, in Intent, ttl time.Duration) (Ledger, error) {
	step := fmt.Sprintf("renew the switch to %s in the ledger of %s", in.To, b.Region())
	r, err := expect(ctx, b, step)
	if err != nil {
		return Ledger{}, err
	}
	if i := r.Ledger.Intent; i == nil || i.Token != in.Token || r.Ledger.Generation != in.FromGeneration {
		return Ledger{}, fmt.Errorf("%s: %w: the switch is no longer marked in it", step, ErrSuperseded)
	}
	l := r.Ledger
	in.Expires = r.Date.Add(ttl)
	l.Intent = &in
	return put(ctx, b, step, l, store.Condition{IfMatch: r.ETag}, l.exactly)
}

// Live by S3's clock.
func (i Intent) Live(now time.Time) bool { return i.Expires.After(now) && !i.Overlong(now) }

// Overlong reports that it outlasts any that a controller gives.
func (i Intent) Overlong(now time.Time) bool { return i.Expires.Sub(now) > LongestIntent }

// RemoveIntent takes exactly this intent (its Token and FromGeneration) away. One
// that is gone already is a success; another one in its place, or a ledger of
// another generation, is ErrSuperseded: lift nothing then (H3).
func RemoveIntent(ctx context.Context, b store.Bucket, in Intent) (Ledger, error) {
	step := "remove the switch's mark from the ledger of " + b.Region()
	r, err := expect(ctx, b, step)
	switch {
	case err != nil:
		return Ledger{}, err
	case r.Ledger.Generation != in.FromGeneration || r.Ledger.Token == in.Token:
		return Ledger{}, fmt.Errorf("%s: %w: it was for generation %d, the ledger stands at generation %d with domain %s in %s", step, ErrSuperseded,
			in.FromGeneration, r.Ledger.Generation, r.Ledger.ClusterUUID, r.Ledger.ActiveRegion)
	case r.Ledger.Intent == nil:
		return r.Ledger, nil
	case r.Ledger.Intent.Token != in.Token:
		return Ledger{}, fmt.Errorf("%s: %w by request %s", step, ErrSuperseded, r.Ledger.Intent.RequestID)
	}
	l := r.Ledger.Copy()
	return put(ctx, b, step, l, store.Condition{IfMatch: r.ETag}, l.exactly)
}

// DropExpired removes an intent that is over by S3's clock and answers it; nil
// when there is none, or it lives. The fence is lifted only after it (H10).
func DropExpired(ctx context.Context, b store.Bucket) (*Intent, error) {
	step := "drop an expired switch from the ledger of " + b.Region()
	r, err := expect(ctx, b, step)
	if err != nil {
		return nil, err
	}
	i := r.Ledger.Intent
	if i == nil || i.Live(r.Date) {
		return nil, nil
	}
	l := r.Ledger.Copy()
	if _, err := put(ctx, b, step, l, store.Condition{IfMatch: r.ETag}, l.exactly); err != nil {
		return nil, err
	}
	return i, nil
}

// ClaimSwitch makes c active as the next generation, and consumes exactly the
// live intent whose token is c.Token, by one conditional put. Repeated after it
// was done it answers the same ledger (H25). The second bucket gets it by
// CopyDown, so that both hold the same content.
func ClaimSwitch(ctx context.Context, b store.Bucket, c Claim) (Ledger, error) {
	step := fmt.Sprintf("claim %s in the ledger of %s", c.Region, b.Region())
	ctx, stop := pace.WithTimeout(ctx, claimFor)
	defer stop()
	r, err := expect(ctx, b, step)
	if err != nil {
		return Ledger{}, err
	}
	i := r.Ledger.Intent
	switch {
	case c.made(r.Ledger):
		return r.Ledger, nil
	case i == nil:
		return Ledger{}, fmt.Errorf("%s: %w: the switch is no longer marked in it", step, ErrSuperseded)
	case i.Token != c.Token:
		return Ledger{}, fmt.Errorf("%s: %w by request %s", step, ErrSuperseded, i.RequestID)
	case i.To != c.Region:
		return Ledger{}, fmt.Errorf("%s: %w: the mark is for %s", step, ErrSuperseded, i.To)
	case !i.Live(r.Date):
		return Ledger{}, fmt.Errorf("%s: %w at %s; ask for the switch again", step, ErrIntentExpired, i.Expires.Format(time.RFC3339))
	case !c.Looked.IsZero() && r.Date.Sub(c.Looked) > lookedFor:
		return Ledger{}, fmt.Errorf("%s: %w: it was at %s, and it is %s", step, ErrLookedLongAgo, c.Looked.Format(time.TimeOnly), r.Date.Format(time.TimeOnly))
	}
	if c.Since.IsZero() {
		c.Since = r.Date
	}
	return put(ctx, b, step, Ledger{
		Version: FormatVersion, Generation: r.Ledger.Generation + 1, ActiveRegion: c.Region, ClusterUUID: c.ClusterUUID,
		Endpoint: c.Endpoint, Since: c.Since, PromotedFrom: r.Ledger.ClusterUUID, Token: c.Token,
	}, store.Condition{IfMatch: r.ETag}, c.made)
}

// Adopt makes c, the domain in force under another cluster UUID, the next
// generation's (H13). Nothing is switched, so there is no intent to consume, and
// one that stands, live or not, must go first: it is *IntentHeld.
func Adopt(ctx context.Context, b store.Bucket, inForce Ledger, c Claim) (Ledger, error) {
	step := fmt.Sprintf("adopt cluster %s in the ledger of %s", c.ClusterUUID, b.Region())
	if c.Region != b.Region() || c.Region != inForce.ActiveRegion {
		return Ledger{}, fmt.Errorf("%s: %s is active and %s adopts; a domain is adopted in its own Region's bucket only", step, inForce.ActiveRegion, c.Region)
	}
	r, err := expect(ctx, b, step)
	switch {
	case err != nil:
		return Ledger{}, err
	case c.made(r.Ledger):
		return r.Ledger, nil
	case !r.Ledger.Same(inForce):
		return Ledger{}, fmt.Errorf("%s: %w: it stands at generation %d with domain %s", step, ErrSuperseded, r.Ledger.Generation, r.Ledger.ClusterUUID)
	case r.Ledger.Intent != nil:
		return Ledger{}, fmt.Errorf("%s: %w", step, &IntentHeld{Intent: *r.Ledger.Intent})
	}
	return put(ctx, b, step, Ledger{
		Version: FormatVersion, Generation: r.Ledger.Generation + 1, ActiveRegion: c.Region, ClusterUUID: c.ClusterUUID,
		Endpoint: c.Endpoint, Since: r.Date, PromotedFrom: r.Ledger.ClusterUUID, Token: c.Token,
	}, store.Condition{IfMatch: r.ETag}, c.made)
}

// made tells whether l is what this claim wrote, whatever intent has come since.
// Since is not asked: a claim that is repeated has read another time.
func (c Claim) made(l Ledger) bool {
	return l.Token == c.Token && l.ActiveRegion == c.Region && l.ClusterUUID == c.ClusterUUID
}

func expect(ctx context.Context, b store.Bucket, step string) (Reading, error) {
	r := read(ctx, b)
	switch r.Answer {
	case Absent:
		return r, fmt.Errorf("%s: %w: there is no ledger in it", step, store.ErrAbsent)
	case Unreachable, Malformed:
		return r, fmt.Errorf("%s: %w", step, r.Err)
	}
	return r, nil
}

// Mend writes l, without its intent, over exactly the malformed object that was, as
// it was read. The caller has made sure that nothing witnesses a higher generation
// than l's. One of a later release is never written over.
func Mend(ctx context.Context, b store.Bucket, l Ledger, was Reading) (Ledger, error) {
	step := fmt.Sprintf("write ledger generation %d over the malformed one of %s", l.Generation, b.Region())
	if was.Answer != Malformed || was.ETag == "" {
		return Ledger{}, fmt.Errorf("%s: it is %s", step, was.Answer)
	}
	if errors.Is(was.Err, ErrNewerFormat) {
		return Ledger{}, fmt.Errorf("%s: %w", step, was.Err)
	}
	l = l.Copy()
	return put(ctx, b, step, l, store.Condition{IfMatch: was.ETag}, l.Same)
}

// put, and after any doubt read back: done tells whether what stands there says
// that it was written (H25).
func put(ctx context.Context, b store.Bucket, step string, l Ledger, cond store.Condition, done func(Ledger) bool) (Ledger, error) {
	if err := l.Validate(); err != nil {
		return Ledger{}, fmt.Errorf("%s: %w", step, err)
	}
	body, err := json.Marshal(l)
	if err != nil {
		return Ledger{}, fmt.Errorf("%s: %w", step, err)
	}
	_, err = b.Put(ctx, Key, body, cond)
	if err == nil {
		return l, nil
	}
	r := read(ctx, b)
	switch {
	case r.Answer == Present && done(r.Ledger):
		return r.Ledger, nil
	case r.Answer == Present && (errors.Is(err, store.ErrConflict) || r.Ledger.Generation > l.Generation):
		return Ledger{}, fmt.Errorf("%s: %w: it stands at generation %d with domain %s in %s", step, ErrSuperseded, r.Ledger.Generation, r.Ledger.ClusterUUID, r.Ledger.ActiveRegion)
	case r.Answer == Unreachable:
		return Ledger{}, fmt.Errorf("%s: it is not known whether it was written, run again: %w", step, errors.Join(err, r.Err))
	}
	return Ledger{}, fmt.Errorf("%s: %w", step, err)
}

// exactly l, the intent too.
func (l Ledger) exactly(o Ledger) bool {
	if l.Intent == nil || o.Intent == nil {
		return l.Same(o) && l.Intent == o.Intent
	}
	return l.Same(o) && l.Intent.same(*o.Intent)
}

func (i Intent) same(o Intent) bool {
	return i.Token == o.Token && i.Expires.Equal(o.Expires) && i.Phase == o.Phase && i.Alone == o.Alone && i.RequestID == o.RequestID
}

// Older tells whether a request came before the one that owns the intent.
func (i Intent) Older(requestID string, at time.Time) bool {
	return requestID != i.RequestID && (at.Before(i.RequestedAt) || at.Equal(i.RequestedAt) && requestID < i.RequestID)
}
