package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// guard makes this Region's domain take writes, or not, as the ledger says: it
// raises the fence that a switch asks for, lifts one that nobody asks for any
// more, and fences a domain that was superseded while it was away.
func (r *run) guard(ctx context.Context) error {
	if errors.Is(r.ledErr, ledger.ErrDispute) {
		return r.disputed(ctx)
	}
	if r.ledErr != nil || !r.claimed {
		return nil //nolint:nilerr // who cannot read the ledger changes nothing here
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	if err := r.expire(ctx); err != nil {
		return err
	}
	if !r.desc.Exists || r.desc.Deleted || !r.desc.Created || r.desc.Endpoint == "" {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	if err != nil || uuid == "" {
		return err
	}
	r.uuidIs = uuid
	if r.active() && uuid != r.led.ClusterUUID {
		// Identity changed: nothing is fenced, lifted or restored by itself (H13).
		if adopted, err := r.adopt(ctx, dom); err != nil || !adopted {
			return err
		}
	}
	rec, err := fence.Load(ctx, r.Own, uuid)
	if err != nil {
		return err
	}
	i := r.live()
	switch {
	case r.active() && i != nil && i.To != r.Region && i.Phase == ledger.PhaseFence:
		return r.raise(ctx, dom, rec, *i)
	case r.active():
		return r.finished(ctx)
	case r.tenured(uuid) || rec != nil && rec.State != fence.Quiet || r.warm():
		if i != nil && i.To == r.Region && (rec == nil || rec.State == fence.Quiet) {
			return nil // a switch back restores over it
		}
		return r.superseded(ctx, dom, rec)
	case i == nil || i.To != r.Region:
		return r.calmed(ctx, dom, rec)
	}
	return nil
}

// expire drops intents that are over; only then is a fence lifted (H10).
func (r *run) expire(ctx context.Context) error {
	for _, s := range []struct {
		v *ledger.Reading
		b func() (*ledger.Intent, error)
	}{
		{&r.view.Own, func() (*ledger.Intent, error) { return ledger.DropExpired(ctx, r.Own) }},
		{&r.view.Other, func() (*ledger.Intent, error) { return ledger.DropExpired(ctx, r.Other) }},
	} {
		i := s.v.Ledger.Intent
		if s.v.Answer != ledger.Present || i == nil || i.Live(r.now) {
			continue
		}
		gone, err := s.b()
		if errors.Is(err, ledger.ErrSuperseded) {
			return wait("the ledger, which has moved on meanwhile")
		}
		if err != nil {
			return err
		}
		s.v.Ledger.Intent = nil
		if gone != nil && gone.Overlong(r.now) {
			r.overlong(s.v.Region, *gone)
		} else if gone != nil {
			r.notice("the switch to %s by request %s was not driven any more and expired", gone.To, gone.RequestID)
		}
	}
	return nil
}

// fencingFor begins the notices of a fence that is not complete; the target of the
// switch tells them, too.
const fencingFor = "fencing for the switch to %s: "

// raise the fence for a switch, to its final point.
func (r *run) raise(ctx context.Context, dom domain.Recovery, rec *fence.Record, i ledger.Intent) error {
	may := func(ctx context.Context) error { return r.stillAsked(ctx, i.Token) }
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	f := r.fenceHere(dom, may)
	f.Before = j.Before
	if err := may(ctx); err != nil {
		return err
	}
	if rec == nil || rec.State == fence.Quiet || rec.Token != i.Token {
		// Snapshots come one at a time, so the final one would wait for it with all
		// writes blocked. No other one begins: the mark keeps schedules off (H29).
		running, err := dom.RunningSnapshots(ctx)
		if err != nil {
			return err
		}
		if len(running) > 0 {
			r.notice(fencingFor+"waiting for %s to end, before the first block", i.To, strings.Join(running, ", "))
			return nil
		}
	}
	if rec != nil && rec.State == fence.Fenced && rec.Token == i.Token {
		all, err := dom.Indices(ctx)
		if err != nil {
			return err
		}
		moved := rec.Holds(hot(all))
		if moved == "" {
			return nil
		}
		r.notice(fencingFor+"another final recovery point follows: %s", i.To, moved)
		rec.Reopen()
		if err := rec.Save(ctx, r.Own); err != nil {
			return err
		}
	}
	rec, waiting, err := f.Raise(ctx, rec, r.uuidIs, i.Token, r.now)
	if err != nil {
		return err
	}
	if alone := r.liveIn(r.view.Own) == nil; rec.Alone != alone {
		rec.Alone = alone
		if err := rec.Save(ctx, r.Own); err != nil {
			return err
		}
	}
	r.tellOdd(rec)
	if waiting != "" {
		r.notice(fencingFor+"waiting for %s", i.To, waiting)
		return nil
	}
	return r.final(ctx, dom, rec, f, i)
}

// stillAsked: a ledger that can be read carries the live mark of this fence.
func (r *run) stillAsked(ctx context.Context, token string) error {
	for _, v := range []func() ledger.Reading{
		func() ledger.Reading { return ledger.ReadOne(ctx, r.Own) },
		func() ledger.Reading { return ledger.ReadOne(ctx, r.Other) },
	} {
		x := v()
		if x.Answer == ledger.Present && x.Ledger.Same(r.led) && x.Ledger.Intent != nil && x.Ledger.Intent.Token == token && x.Ledger.Intent.Live(x.Date) {
			return nil
		}
		if x.Answer == ledger.Present && x.Ledger.Generation > r.led.Generation {
			break
		}
	}
	return wait("the ledger: no switch asks for this fence any more")
}

// superseded: another domain is in force. This one takes no writes until it is
// gone; what it holds stays (H5, H15). Nor does a warm standby, which is a copy.
func (r *run) superseded(ctx context.Context, dom domain.Recovery, rec *fence.Record) error {
	token, why := fmt.Sprintf("superseded-g%d", r.led.Generation), "was superseded by"
	if r.warm() && !r.tenured(r.uuidIs) {
		token, why = fmt.Sprintf("%s%d", standbyFence, r.led.Generation), "is the warm standby of"
	}
	if rec != nil && rec.State != fence.Quiet && rec.State != fence.Lifting {
		token = rec.Token
	}
	f := r.fenceHere(dom, func(ctx context.Context) error {
		v := ledger.ReadOne(ctx, r.Own)
		if v.Answer == ledger.Present && v.Ledger.ActiveRegion == r.Region && v.Ledger.ClusterUUID == r.uuidIs {
			return wait("the ledger, which names this domain")
		}
		return nil
	})
	raised, waiting, err := f.Raise(ctx, rec, r.uuidIs, token, r.now)
	if raised != nil {
		r.tellOdd(raised)
	}
	if err != nil {
		return err
	}
	if rec == nil {
		r.notice("cluster %s %s generation %d in %s: it is fenced and stays so", r.uuidIs, why, r.led.Generation, r.led.ActiveRegion)
	}
	if waiting != "" {
		r.notice("fencing a superseded domain: waiting for %s", waiting)
	}
	return nil
}

// drive goes on with a switch to this Region whose waiter may be dead: the mark
// in the ledger is what asks (H3).
func (r *run) drive(ctx context.Context) error {
	i := r.live()
	if r.ledErr != nil || !r.claimed || i == nil || i.To != r.Region {
		return nil
	}
	if err := r.loadState(ctx); err != nil {
		return err
	}
	saved := r.req
	defer func() { r.req = saved }()
	if r.state != nil && r.state.Token == i.Token {
		r.req.Wish = r.state.Wish
	}
	r.req.Wish.Region, r.req.Wish.ActiveRegion = r.Region, r.Region
	r.req.RequestID = ""
	err := r.walk(ctx, promotion)
	var no refusal
	var w waiting
	switch {
	case errors.As(err, &no):
		r.notice("the switch to %s ended: %s", r.Region, no.sentence)
		return nil
	case errors.As(err, &w):
		r.notice("the switch to %s waits for %s", r.Region, w.reason)
		r.status.Done = false
		return r.failed
	}
	return err
}

// meanwhile of a request that wants this Region, which is active: somebody else
// may be moving away from it (H21).
func (r *run) meanwhile(w contract.WishProperties) error {
	if i := r.live(); i != nil && i.To != r.Region && w.ActiveRegion == r.Region {
		return refuse("a switch to %s is under way by request %s until %s: this deployment wants %s. Let it end, or run `osdr abort` first (H21)", i.To, i.RequestID, i.Expires.UTC().Format("15:04:05Z"), r.Region)
	}
	return nil
}

// calmed: what the target of a switch that came to nothing still has of it goes.
// The copies stay, blocked and in the journal: the next switch goes on from them.
func (r *run) calmed(ctx context.Context, dom domain.Recovery, rec *fence.Record) error {
	if rec != nil {
		f := r.fenceHere(dom, nil)
		if err := f.Unquieten(ctx, rec); err != nil {
			return err
		}
	}
	if r.state == nil {
		if err := r.loadState(ctx); err != nil {
			return err
		}
	}
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	r.leftovers(len(j.Items))
	return r.tidy(ctx)
}
