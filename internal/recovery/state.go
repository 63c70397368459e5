package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/probe"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Keys of the controller's own notes, in the bucket of the switch's target.
const (
	stateKey = "_dr/journal/switch.json"
	endKey   = "_dr/journal/ended.json"
	// standbyKey has the notes of a warm standby, in its own Region's bucket.
	standbyKey = "_dr/journal/standby.json"
)

const (
	// intentFor is an intent's life; a controller that drives it renews it each
	// minute, so three missed minutes are no end and a dead target's fence is up
	// for no longer than this (H10).
	intentFor = 10 * time.Minute
	// pinFor keeps a point while its restore is driven each minute.
	pinFor = 2 * time.Hour
)

// state is what a switch has decided so far. It is only ever written by the
// target's controller, under its lease.
type state struct {
	Version    int                     `json:"version"` // of this format: 1
	Token      string                  `json:"token"`
	Generation int64                   `json:"generation"` // it switches from
	Source     string                  `json:"source"`     // cluster UUID in force
	From       string                  `json:"from"`       // Region in force
	Wish       contract.WishProperties `json:"wish"`       // of the request that owns it
	Probes     probe.Record            `json:"probes"`
	Lost       string                  `json:"lost,omitempty"` // why the source counts as lost; empty: it does not
	LostBy     lostBy                  `json:"lostBy,omitempty"`
	Again      int                     `json:"again,omitempty"` // times that a newer point was aimed at directly before a lossy claim
	Tried      bool                    `json:"tried,omitempty"`
	Own        bool                    `json:"own,omitempty"` // this domain's own content goes on (H11)
	Target     *point.ID               `json:"target,omitempty"`
	Final      bool                    `json:"final,omitempty"` // Target is the fenced one
	Pinned     []point.ID              `json:"pinned,omitempty"`
	Bad        []point.ID              `json:"bad,omitempty"`
	PassedOver []string                `json:"passedOver,omitempty"` // newer points that were not taken, and why
	// Damaged are the indexes and data streams whose objects in Target cannot be read,
	// and why; Older is the point that each comes from instead, zero where none has it
	// whole (H71).
	Damaged map[string]string   `json:"damaged,omitempty"`
	Older   map[string]point.ID `json:"older,omitempty"`
	// Fates of what Target holds, as far as they are not the ordinary ones.
	Fates []contract.Fate `json:"fates,omitempty"`
	// Unbound are the indexes whose settings this domain does not take (rebind).
	Unbound []unbound         `json:"unbound,omitempty"`
	Rebound bool              `json:"rebound,omitempty"`
	Markers map[string]string `json:"markers,omitempty"` // of the last progress, by step
	Loss    *contract.Loss    `json:"loss,omitempty"`
	LeftOut []string          `json:"leftOut,omitempty"`
	Missing []string          `json:"missing,omitempty"` // that the recovery point does not hold, and why
	Opened  []string          `json:"opened,omitempty"`  // closed at the source, and nothing closes them here
	Moved   time.Time         `json:"moved,omitzero"`
	// Fenced is when the fence was asked for: the write pause counts from there.
	Fenced time.Time `json:"fenced,omitzero"`
	// Regular points that this switch has asked for before its fence.
	Regular regular `json:"regular,omitzero"`
	// Preflight as the last run before the fence saw it.
	Preflight *contract.Preflight `json:"preflight,omitempty"`
	Replayed  bool                `json:"replayed,omitempty"` // capsule and aliases, after the claim
	// HandOver is how far the hand-over is; nil: it has not begun.
	HandOver *handingOver `json:"handOver,omitempty"`
	// Attention is what the hand-over could not do, for each later answer.
	Attention []contract.Attention `json:"attention,omitempty"`
	// NotCarried are blocks of the source that are no user's, "index: block".
	NotCarried []string  `json:"notCarried,omitempty"`
	Over       bool      `json:"over,omitempty"` // carried out; kept as the witness of this Region's own claim
	Since      time.Time `json:"since,omitzero"` // the loss window begins
	// ClaimAt is the time in the claim, noted before the first try of it: whether
	// that one was made may never be known, and another must be the same (D12).
	ClaimAt time.Time `json:"claimAt,omitzero"`
	// Asked is when the command was given, or the switch marked; Ended, when the one
	// that was claimed had been carried out. For people: status tells how long it took.
	Asked time.Time `json:"asked,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
	// Progress at the end of the last run that drove it, for who asks (G7).
	Progress *contract.Progress `json:"progress,omitempty"`
	// Copy and Hindrance are a warm standby's.
	Copy      *copied `json:"copy,omitempty"`
	Hindrance string  `json:"hindrance,omitempty"`
}

// notesKey of what this run goes on with: a switch, or a warm standby.
func (r *run) notesKey() string {
	if r.copying {
		return standbyKey
	}
	return stateKey
}

// loadState of the switch. Malformed notes count as none, and are reported: what may be
// destroyed the journal says, so a switch can begin anew without them, while a run
// that refused them would refuse forever.
func (r *run) loadState(ctx context.Context) error {
	o, err := r.Own.Get(ctx, r.notesKey())
	if errors.Is(err, store.ErrAbsent) {
		r.stateAt = store.Version{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the notes of the switch: %w", err)
	}
	r.stateAt, r.wrote = o.Version(), o.Body
	var s state
	if err := json.Unmarshal(o.Body, &s); err != nil {
		r.state, r.wrote, r.spoilt = nil, nil, true
		r.attend(contract.AttentionLeftover, "s3://"+r.Own.Name()+"/"+stateKey,
			"The controller ends a switch that is marked and begins no other by them; the bucket's earlier version of the object has the notes as they were",
			"the notes of the switch are malformed: %v", err)
		return nil
	}
	r.state = &s
	return nil
}

// bury malformed notes, after the switch that they were of has ended.
func (r *run) bury(ctx context.Context) error {
	if !r.spoilt {
		return nil
	}
	if err := r.Own.Delete(ctx, stateKey); err != nil {
		return fmt.Errorf("remove the malformed notes of a switch: %w", err)
	}
	r.spoilt, r.stateAt = false, store.Version{}
	r.notice("the malformed notes of a switch, s3://%s/%s, are removed", r.Own.Name(), stateKey)
	return nil
}

func (r *run) saveState(ctx context.Context) error {
	body, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	if err := store.Replace(ctx, r.Own, r.notesKey(), body, &r.stateAt); err != nil {
		return fmt.Errorf("write the notes of the switch: %w", err)
	}
	r.wrote = body
	return nil
}

// asKept answers the notes as the bucket has them, without what a step that failed
// has half made; nil when there are none of this switch.
func (r *run) asKept() *state {
	var s state
	if r.wrote == nil || json.Unmarshal(r.wrote, &s) != nil || r.intent == nil || s.Token != r.intent.Token {
		return nil
	}
	return &s
}

// moved notes progress; what stands still for too long is given up (H10).
func (r *run) moved(ctx context.Context, step, format string, a ...any) error {
	m := fmt.Sprintf(format, a...)
	if r.state.Markers[step] == m {
		return nil
	}
	if r.state.Markers == nil {
		r.state.Markers = map[string]string{}
	}
	r.state.Markers[step], r.state.Moved = m, r.now
	return r.saveState(ctx)
}

// progress is noted when it is another one, for those who only look: a run that
// drives a switch ends long before the switch does. It is written beside what was
// decided and saved before: what a failed step has half made never comes with it,
// since no later run would make the rest (H50).
func (r *run) progress(ctx context.Context, waitsFor error) {
	s := r.asKept()
	if r.state == nil || s == nil || s.Over {
		return
	}
	p := contract.Progress{
		Step: r.status.Phase, Percent: r.status.Percent, BytesDone: r.status.BytesDone, BytesTotal: r.status.BytesTotal, WaitingFor: waitsFor.Error(), At: r.now,
	}
	if old := s.Progress; old != nil {
		same := *old
		if same.At = p.At; same == p {
			return
		}
	}
	s.Progress = &p
	now := r.state
	if r.state = s; r.failed == nil {
		defer func() { now.Progress, r.state = s.Progress, now }()
	}
	if err := r.saveState(ctx); err != nil {
		r.notice("%v", err) // the switch goes on without it
	}
}

// switching: the ledger in force does not name this domain, and the wish is that
// it should.
func (r *run) switching() bool {
	return r.claimed && (r.led.ActiveRegion != r.Region || r.led.ClusterUUID != r.uuidIs)
}

// inPlace: the domain that was active in this very Region is gone (H13).
func (r *run) inPlace() bool { return r.led.ActiveRegion == r.Region }

// source bucket of the recovery points of the domain in force: its other Region's.
func (r *run) source() store.Bucket {
	from := r.led.ActiveRegion
	if r.state != nil && !r.state.Over {
		from = r.state.From // after the claim the ledger names us
	}
	if from == r.Region {
		return r.Other
	}
	return r.Own
}

// liveIn answers the intent of the generation in force that lives in a reading.
func (r *run) liveIn(v ledger.Reading) *ledger.Intent {
	if v.Answer != ledger.Present || v.Ledger.Generation != r.led.Generation || v.Ledger.Intent == nil || !v.Ledger.Intent.Live(r.now) {
		return nil
	}
	return v.Ledger.Intent
}

// live intent of any ledger that can be read.
func (r *run) live() *ledger.Intent {
	if i := r.liveIn(r.view.Own); i != nil {
		return i
	}
	return r.liveIn(r.view.Other)
}

func (s *state) bad(id point.ID) bool { return slices.Contains(s.Bad, id) }

// end of a switch by hand or by a refusal: a waiter of it, or of an older one, is
// told, and must not begin it again (H3).
type end struct {
	Intent ledger.Intent `json:"intent"`
	Reason string        `json:"reason"`
	// Aborted by a person: nothing needs attention.
	Aborted bool `json:"aborted,omitempty"`
}

// ended is the newest one.
func (r *run) ended(ctx context.Context) (*end, error) {
	var newest *end
	for _, b := range []store.Bucket{r.Own, r.Other} {
		if b == r.Other && r.view.Other.Answer == ledger.Unreachable {
			continue
		}
		o, err := b.Get(ctx, endKey)
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read which switch was ended: %w", err)
		}
		var e end
		if err := json.Unmarshal(o.Body, &e); err != nil {
			return nil, fmt.Errorf("read s3://%s/%s: %w; delete it", b.Name(), endKey, err)
		}
		if newest == nil || newest.Intent.RequestedAt.Before(e.Intent.RequestedAt) {
			newest = &e
		}
	}
	return newest, nil
}
