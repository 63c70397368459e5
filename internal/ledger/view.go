package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/store"
)

// FormatVersion is the one that this program reads and writes.
const FormatVersion = 1

// Errors of deciding. Compare with errors.Is.
var (
	// ErrDispute: two ledgers of one generation differ, since a claim is atomic in
	// one bucket only. Nobody claims, lifts, prunes or moves the record until a
	// person has decided, by a higher generation: the claims' copies in recovery
	// points stay, so nothing less would end it (H15, D12).
	ErrDispute = errors.New("dispute")
	// ErrUnknown: no ledger could be read and not all answers are "absent", so
	// that nobody knows who is active (H14).
	ErrUnknown = errors.New("who is active is not known")
	// ErrMalformed: an object stands where the ledger should and is none.
	ErrMalformed = errors.New("malformed ledger")
	// ErrNewerFormat is an ErrMalformed of a later release, which nothing but that
	// release may write over.
	ErrNewerFormat = errors.New("a later release's format")
)

// Same content: all but the intent. A copy is exact, so any difference is
// another claim.
func (l Ledger) Same(o Ledger) bool {
	return l.Generation == o.Generation && l.ActiveRegion == o.ActiveRegion &&
		l.ClusterUUID == o.ClusterUUID && l.Endpoint == o.Endpoint && l.Since.Equal(o.Since) &&
		l.PromotedFrom == o.PromotedFrom && l.Token == o.Token
}

// Copy without the intent, as points carry it and as it is copied down.
func (l Ledger) Copy() Ledger { l.Intent = nil; return l }

// Validate the shape, as read and before a write.
func (l Ledger) Validate() error {
	switch {
	case l.Version > FormatVersion:
		return fmt.Errorf("%w: %w: format version %d, this program knows %d; use the release that wrote it", ErrMalformed, ErrNewerFormat, l.Version, FormatVersion)
	case l.Version != FormatVersion:
		return fmt.Errorf("%w: format version %d, this program knows %d; use the release that wrote it", ErrMalformed, l.Version, FormatVersion)
	case l.Generation < 1:
		return fmt.Errorf("%w: generation %d", ErrMalformed, l.Generation)
	case l.ActiveRegion == "" || l.ClusterUUID == "" || l.Token == "" || l.Since.IsZero():
		return fmt.Errorf("%w: activeRegion, clusterUuid, token and since must all be set", ErrMalformed)
	case l.Generation == 1 && l.PromotedFrom != "":
		return fmt.Errorf("%w: generation 1 cannot be promoted from %s", ErrMalformed, l.PromotedFrom)
	}
	if i := l.Intent; i != nil && (i.Token == "" || i.To == "" || i.Expires.IsZero() || i.FromGeneration != l.Generation) {
		return fmt.Errorf("%w: its intent needs token, to, expires and the ledger's own generation", ErrMalformed)
	}
	return nil
}

func parse(body []byte) (Ledger, error) {
	var l Ledger
	// The version first: of another one nothing else can be told.
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(body, &v); err == nil && v.Version != FormatVersion {
		return l, Ledger{Version: v.Version}.Validate()
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return l, fmt.Errorf("%w: something follows the object", ErrMalformed)
	}
	return l, l.Validate()
}

// Read both Regions' ledgers. copies are those in the recovery points that can
// be read, of either bucket. It has no error: what failed is in the answers. A
// malformed ledger has ErrMalformed; one good ledger is enough beside it, unless a
// witness knows of a newer one. other may be nil for a Region that the operator
// called unreachable: it is not asked.
func Read(ctx context.Context, own, other store.Bucket, copies []Ledger) View {
	var v View
	pace.Both(ctx, func() { v.Own = read(ctx, own) }, func() {
		if other == nil {
			v.Other = Reading{Answer: Unreachable, Err: errors.New("not asked")}
			return
		}
		v.Other = read(ctx, other)
	})
	return v.With(copies)
}

// With the ledger copies of recovery points.
func (v View) With(copies []Ledger) View {
	for i := range copies {
		c := copies[i].Copy()
		switch {
		case v.FromPoints == nil || c.Generation > v.FromPoints.Generation:
			v.FromPoints, v.Conflicting = &c, nil
		case c.Generation == v.FromPoints.Generation && !c.Same(*v.FromPoints):
			v.Conflicting = &c
		}
	}
	return v
}

// ReadOne Region's ledger.
func ReadOne(ctx context.Context, b store.Bucket) Reading { return read(ctx, b) }

func read(ctx context.Context, b store.Bucket) Reading {
	r := Reading{Region: b.Region()}
	o, err := b.Get(ctx, Key)
	switch {
	case errors.Is(err, store.ErrAbsent):
		r.Answer = Absent
		return r
	case err != nil:
		r.Answer, r.Err = Unreachable, fmt.Errorf("read ledger of %s: %w", b.Region(), err)
		return r
	}
	r.Date, r.ETag = o.Date, o.ETag
	if r.Ledger, err = store.Parse(o, parse); err != nil {
		r.Answer, r.Err = Malformed, fmt.Errorf("read ledger of %s in s3://%s/%s: %w", b.Region(), b.Name(), Key, err)
		return r
	}
	if r.Ledger.Intent != nil { // this reader's own
		i := *r.Ledger.Intent
		r.Ledger.Intent = &i
	}
	r.Answer = Present
	return r
}

// Complete reports whether both Regions answered with what can be read. "Already
// active here" may lift nothing without it (H15).
func (v View) Complete() bool { return v.Own.known() && v.Other.known() }

func (r Reading) known() bool { return r.Answer != Unreachable && r.Answer != Malformed }

// Malformed reports whether one of the ledgers is none.
func (v View) Malformed() bool { return v.Own.Answer == Malformed || v.Other.Answer == Malformed }

// Agreed tells whether both ledgers are present and name the same: pruning asks
// for it (H13).
func (v View) Agreed() bool {
	return v.Own.Answer == Present && v.Other.Answer == Present && v.Own.Ledger.Same(v.Other.Ledger)
}

// InForce answers the ledger of the highest generation in any readable ledger
// or point copy, with the live or expired intent of that generation if one of
// the ledgers carries it. ok is false with no error only when both Regions
// answered that there is none and no point has one. The error is ErrDispute,
// ErrUnknown or ErrMalformed.
func (v View) InForce() (l Ledger, ok bool, err error) {
	type source struct {
		where string
		l     Ledger
	}
	var all []source
	for _, r := range []Reading{v.Own, v.Other} {
		if r.Answer == Present {
			all = append(all, source{"the ledger of " + r.Region, r.Ledger})
		}
	}
	if v.Malformed() && len(all) == 0 { // points alone may be of before what it said
		return Ledger{}, false, errors.Join(v.Own.Err, v.Other.Err)
	}
	if v.FromPoints != nil {
		all = append(all, source{"a recovery point", *v.FromPoints})
	}
	if v.Conflicting != nil {
		all = append(all, source{"another recovery point", *v.Conflicting})
	}
	if len(all) == 0 {
		if !v.Complete() {
			return Ledger{}, false, fmt.Errorf("find the generation in force: %w: %w", ErrUnknown, errors.Join(v.Own.Err, v.Other.Err))
		}
		return Ledger{}, false, nil
	}
	best := all[0]
	for _, s := range all[1:] {
		if s.l.Generation > best.l.Generation {
			best = s
		}
	}
	for _, s := range all {
		if s.l.Generation != best.l.Generation {
			continue
		}
		if !s.l.Same(best.l) {
			return Ledger{}, false, disputed(best.where, best.l, s.where, s.l)
		}
		if best.l.Intent == nil {
			best.l.Intent = s.l.Intent
		}
	}
	if w := v.Witness; v.Malformed() && w != nil && (w.Generation > best.l.Generation || w.Generation == best.l.Generation && w.ActiveRegion != best.l.ActiveRegion) {
		return Ledger{}, false, fmt.Errorf("find the generation in force: the DNS record names generation %d in %s, %s generation %d in %s, and the ledger that may say more cannot be read: %w; see docs/runbooks/ledger-malformed.md",
			w.Generation, w.ActiveRegion, best.where, best.l.Generation, best.l.ActiveRegion, errors.Join(v.Own.Err, v.Other.Err))
	}
	return best.l, true, nil
}

func disputed(wa string, a Ledger, wb string, b Ledger) error {
	return fmt.Errorf("find the generation in force: %w over generation %d: %s names domain %s in %s since %s, %s names domain %s in %s since %s; both fence themselves and nobody claims, lifts, prunes or moves the record until a person decides: find out with `osdr status` which domain clients wrote to, then write its ledger as generation %d into %s of its Region's bucket, as docs/runbooks/ledger-dispute.md says",
		ErrDispute, a.Generation, wa, a.ClusterUUID, a.ActiveRegion, a.Since.Format(time.RFC3339),
		wb, b.ClusterUUID, b.ActiveRegion, b.Since.Format(time.RFC3339), a.Generation+1, Key)
}

// FirstSetUp answers nil only when generation 1 may be claimed: both Regions
// answered that there is no ledger (a bucket that does not exist counts), no
// bucket has a point, and the caller found no documents in the other Region's
// domain (H14). The error says what stands against it.
func (v View) FirstSetUp(anyPoint, otherHoldsDocuments bool) error {
	const step = "first set-up: "
	for _, r := range []Reading{v.Own, v.Other} {
		switch r.Answer {
		case Present:
			return fmt.Errorf(step+"the ledger of %s stands at generation %d already", r.Region, r.Ledger.Generation)
		case Malformed:
			return fmt.Errorf(step+"%w", r.Err)
		case Unreachable:
			return fmt.Errorf(step+"%w: %w; \"no ledger\" is also what a disaster looks like, so both Regions must answer", ErrUnknown, r.Err)
		}
	}
	switch {
	case anyPoint || v.FromPoints != nil:
		return errors.New(step + "there is no ledger, but there are recovery points: this is not a new installation; see with `osdr status` whose they are, and bring back " + Key + " from the bucket's older versions, or from the copy in the newest point")
	case otherHoldsDocuments:
		return errors.New(step + "there is no ledger, but the other Region's domain holds documents; make that Region the active one, or remove that domain")
	}
	return nil
}
