package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/store"
)

// marked: the switch is in the ledgers, the active Region's first when it
// answers; from then on schedules, gates and other switches know of it (H3, H21).
func (r *run) marked(ctx context.Context) error {
	if !r.switching() {
		return nil
	}
	if err := r.loadState(ctx); err != nil {
		return err
	}
	if err := r.copyBoth(ctx); err != nil {
		return err
	}
	if err := r.buried(ctx); err != nil {
		return err
	}
	if i := r.live(); r.spoilt && i != nil && i.To == r.Region {
		// It is unknown what was asked for, what it has decided, or whether a claim was
		// tried: another token keeps its claim apart from whatever comes of this one.
		return r.giveUp(ctx, i, refuse("the notes of the switch, s3://%s/%s, are malformed: it ends, and %s stays the active Region. What was restored is kept; run the command again",
			r.Own.Name(), stateKey, r.led.ActiveRegion))
	}
	own, other := r.liveIn(r.view.Own), r.liveIn(r.view.Other)
	for _, i := range []*ledger.Intent{own, other} {
		if i != nil && i.To != r.Region {
			return refuse("a switch to %s is under way by request %s until %s (H21); let it end, or run `osdr abort`", i.To, i.RequestID, i.Expires.UTC().Format(time.RFC3339))
		}
	}
	if own != nil && !own.Alone && other == nil && r.otherKnows() {
		// The active side has ended it, by an abort or because nobody renewed it.
		if _, err := ledger.RemoveIntent(ctx, r.Own, *own); err != nil && !errors.Is(err, ledger.ErrSuperseded) {
			return err
		}
		r.view.Own.Ledger.Intent, own = nil, nil
	}
	var i ledger.Intent
	switch {
	case own != nil:
		i = *own
	case other != nil:
		i = *other
	}
	if r.req.RequestID != "" {
		if err := r.mine(ctx, &i); err != nil {
			return err
		}
	}
	if i.Token == "" {
		if r.req.RequestID == "" {
			return wait("somebody to ask for it: no switch is under way")
		}
		i = ledger.Intent{Token: r.Token(), To: r.Region, RequestID: r.req.RequestID, RequestedAt: r.req.RequestedAt, Phase: ledger.PhasePrepare}
	}
	return r.write(ctx, i, own, other)
}

// buried: the mark of a switch that was ended goes, wherever it is. A ledger that did
// not answer at the end has kept it, with the fence that it asks for; a controller
// that found it would go on with the switch, without the wish that ended it (H49).
func (r *run) buried(ctx context.Context) error {
	marked := []*ledger.Reading{&r.view.Own, &r.view.Other}
	if !slices.ContainsFunc(marked, func(v *ledger.Reading) bool { return r.liveIn(*v) != nil }) {
		return nil
	}
	over, err := r.ended(ctx)
	if err != nil || over == nil {
		return err
	}
	for n, b := range []store.Bucket{r.Own, r.Other} {
		i := r.liveIn(*marked[n])
		if i == nil || i.Token != over.Intent.Token {
			continue
		}
		if _, err := ledger.RemoveIntent(ctx, b, *i); err != nil && !errors.Is(err, ledger.ErrSuperseded) {
			return err
		}
		marked[n].Ledger.Intent = nil
		r.notice("the mark of a switch that was ended is removed from the ledger of %s", b.Region())
	}
	return nil
}

// otherKnows: the other Region's ledger can be read and stands at the generation
// in force.
func (r *run) otherKnows() bool {
	return r.view.Other.Answer == ledger.Present && r.view.Other.Ledger.Generation == r.led.Generation
}

// mine: the newest request owns the switch; an older one is over (H3, U2).
func (r *run) mine(ctx context.Context, i *ledger.Intent) error {
	over, err := r.ended(ctx)
	if err != nil {
		return err
	}
	if over != nil && (over.Intent.RequestID == r.req.RequestID || over.Intent.Older(r.req.RequestID, r.req.RequestedAt)) {
		return refuse("%s", over.Reason)
	}
	if i.Token == "" {
		return nil
	}
	if i.Older(r.req.RequestID, r.req.RequestedAt) {
		return refuse("superseded by request %s, which goes on with the switch; this one is over and changes nothing", i.RequestID)
	}
	i.RequestID, i.RequestedAt = r.req.RequestID, r.req.RequestedAt
	return nil
}

// write the intent where it is missing or changed, and renew it.
func (r *run) write(ctx context.Context, i ledger.Intent, own, other *ledger.Intent) error {
	if err := r.takeUp(ctx, i); err != nil {
		return err
	}
	if err := r.paused(ctx, i); err != nil {
		return err
	}
	if err := r.saveState(ctx); err != nil {
		return err
	}
	i.FromGeneration = r.led.Generation
	i.Alone = r.inPlace() || !r.otherKnows()
	if own != nil && !own.Alone && !r.otherKnows() {
		i.Alone = false // it was marked there while it answered
	}
	if !r.inPlace() && r.otherKnows() {
		l, err := r.put(ctx, r.Other, i, other)
		if err != nil {
			return r.over(err)
		}
		r.view.Other.Ledger = l
	}
	l, err := r.put(ctx, r.Own, i, own)
	if err != nil {
		return r.over(err)
	}
	r.view.Own.Ledger, r.intent = l, l.Intent
	return nil
}

// put the intent into one ledger: made where there was none, else renewed only,
// so that nobody's abort is undone.
func (r *run) put(ctx context.Context, b store.Bucket, i ledger.Intent, there *ledger.Intent) (ledger.Ledger, error) {
	if there == nil {
		return ledger.PutIntent(ctx, b, r.led.Copy(), i, intentFor)
	}
	same := there.Token == i.Token && there.Phase == i.Phase && there.RequestID == i.RequestID && there.Alone == i.Alone
	if same && there.Expires.Sub(r.now) > intentFor/2 {
		l := r.led.Copy()
		l.Intent = there
		return l, nil
	}
	return ledger.RenewIntent(ctx, b, i, intentFor)
}

func (r *run) over(err error) error {
	if errors.Is(err, ledger.ErrSuperseded) {
		return wait("the ledger, which has moved on meanwhile: %v", err)
	}
	var held *ledger.IntentHeld
	if errors.As(err, &held) {
		return refuse("%v", held)
	}
	return err
}

// takeUp the notes of this switch, or begin them.
func (r *run) takeUp(ctx context.Context, i ledger.Intent) error {
	if r.state == nil || r.state.Token != i.Token || r.state.Over {
		if err := r.tidy(ctx); err != nil { // of one that came to nothing
			return err
		}
		r.state = &state{Version: 1, Token: i.Token, Generation: r.led.Generation, Source: r.led.ClusterUUID, From: r.led.ActiveRegion, Wish: r.req.Wish, Moved: r.now, Asked: r.asking()}
	}
	if r.req.RequestID != "" {
		r.state.Wish = r.req.Wish
	}
	if r.view.Other.Answer != ledger.Unreachable {
		r.state.Probes = r.state.Probes.Heard()
	}
	return nil
}

// phase of the intent, in both ledgers.
func (r *run) phase(ctx context.Context, p ledger.Phase) error {
	if r.intent.Phase == p {
		return nil
	}
	i := *r.intent
	i.Phase = p
	r.state.Moved = r.now
	if p == ledger.PhaseFence {
		r.state.Fenced = r.now
	}
	return r.write(ctx, i, r.liveIn(r.view.Own), r.liveIn(r.view.Other))
}

// giveUp the switch for a refusal that people must settle: the mark goes first,
// the active side lifts after it. A ledger that does not answer keeps its mark
// until it expires, since nobody renews it.
func (r *run) giveUp(ctx context.Context, i *ledger.Intent, because error) error {
	// Its waiter may not be the one who asks now.
	if err := r.noteEnd(ctx, r.Own, end{Intent: *i, Reason: because.Error()}); err != nil {
		return err
	}
	if err := r.unmark(ctx, *i); err != nil {
		return errors.Join(because, err)
	}
	// Retention waits for no pin of a switch that is over (H83).
	if err := r.tidy(ctx); err != nil {
		return errors.Join(because, err)
	}
	return because
}

// unmark in the active Region's ledger first.
func (r *run) unmark(ctx context.Context, i ledger.Intent) error {
	i.FromGeneration = r.led.Generation
	order := []store.Bucket{r.Other, r.Own}
	if r.inPlace() {
		order = []store.Bucket{r.Own, r.Other}
	}
	for _, b := range order {
		if b == r.Other && !r.otherKnows() {
			r.notice("the ledger of %s cannot be read; if the switch is marked there it expires by itself", r.other())
			continue
		}
		_, err := ledger.RemoveIntent(ctx, b, i)
		if err != nil && !errors.Is(err, ledger.ErrSuperseded) {
			return err
		}
	}
	return nil
}

// abort ends the switch under way, and no other than the one that the operator
// saw: the mark first, then, by the next run of each side, the fence (H3). Its
// waiters are told. It is not done while one ledger cannot be read: a target that
// is cut off may take this Region for lost and go on by the mark that is there.
func (r *run) abort(ctx context.Context) error {
	r.status.Phase = "aborting"
	if err := r.look(ctx); err != nil {
		return err
	}
	if r.ledErr != nil {
		return refuse("%v", r.ledErr)
	}
	var i, another *ledger.Intent
	for _, v := range []ledger.Reading{r.view.Own, r.view.Other} {
		switch there := v.Ledger.Intent; {
		case v.Answer != ledger.Present || v.Ledger.Generation != r.led.Generation || there == nil:
		case r.req.Token != "" && there.Token != r.req.Token:
			another = there
		case i == nil:
			i = there
		}
	}
	switch token := r.req.Token; {
	case i != nil:
	case token != "" && token == r.led.Token:
		return refuse("too late: the switch was claimed, generation %d names %s; nothing was done. A switch back is `osdr plan --to %s`", r.led.Generation, r.led.ActiveRegion, r.Settings.Other(r.led.ActiveRegion))
	case another != nil:
		return refuse("the switch with token %s is over; another one, to %s by request %s, is under way by now and goes on: nothing was done. To end that one run `osdr abort` again", token, another.To, another.RequestID)
	case r.view.Other.Answer == ledger.Unreachable:
		return wait("the ledger of %s, in which a switch may be marked: %v", r.other(), r.view.Other.Err)
	default:
		r.status.Done = true
		r.notice("no switch is under way")
		return nil
	}
	for _, b := range []store.Bucket{r.Own, r.Other} {
		if b == r.Other && !r.otherKnows() {
			continue
		}
		if err := r.noteEnd(ctx, b, end{Intent: *i, Aborted: true, Reason: "the switch that this request asked for was aborted; run the command again if it is still meant"}); err != nil {
			return err
		}
	}
	if err := r.unmark(ctx, *i); err != nil {
		return err
	}
	r.notice("the switch to %s by request %s is aborted; %s lifts its fence within a minute", i.To, i.RequestID, r.led.ActiveRegion)
	if err := r.look(ctx); err != nil {
		return err
	}
	// What the guard says of the switch before concerns no abort (H90).
	said := r.status.Notices
	if err := r.guard(ctx); err != nil {
		return err
	}
	r.status.Notices = said
	if r.view.Other.Answer == ledger.Unreachable {
		return wait("the ledger of %s, where the switch may be marked until %s: until then %s may go on with it if it takes %s for lost", r.other(), i.Expires.UTC().Format(time.RFC3339), i.To, r.Region)
	}
	r.status.Done = true
	return nil
}

// copyBoth: whoever saw a higher generation writes it down before it acts (H15).
func (r *run) copyBoth(ctx context.Context) error {
	if err := r.copyTo(ctx, r.Own); err != nil {
		return err
	}
	if r.view.Other.Answer == ledger.Unreachable || r.view.Other.Answer == ledger.Malformed {
		return nil
	}
	l, err := ledger.CopyDown(ctx, r.Other, r.led)
	switch {
	case errors.Is(err, store.ErrAbsent):
		return nil
	case err != nil:
		return err
	}
	r.view.Other.Answer, r.view.Other.Ledger = ledger.Present, l
	return nil
}

// may is asked directly before everything that changes the domain for a switch:
// the ledger here still has our mark, and the lease is ours (H6).
func (r *run) may(ctx context.Context) error {
	if r.copying {
		return r.mayCopy(ctx)
	}
	v := ledger.ReadOne(ctx, r.Own)
	switch {
	case v.Answer != ledger.Present:
		return wait("the ledger of %s, to be sure that the switch is still meant: %v", r.Region, v.Err)
	case v.Ledger.Generation != r.led.Generation || v.Ledger.Intent == nil || v.Ledger.Intent.Token != r.intent.Token || !v.Ledger.Intent.Live(v.Date):
		return wait("the ledger of %s: this switch is no longer marked in it", r.Region)
	case r.lease != nil && !v.Date.Before(r.lease.Until()):
		return wait("another run: this one took longer than its lease")
	}
	return nil
}

func (r *run) noteEnd(ctx context.Context, b store.Bucket, e end) error {
	e.Intent.FromGeneration = r.led.Generation
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := b.Put(ctx, endKey, body, store.Condition{}); err != nil {
		return fmt.Errorf("note the end of the switch in %s: %w", b.Region(), err)
	}
	return nil
}
