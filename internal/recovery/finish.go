package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/route"
)

// finished: what the claim has decided is carried out in the domain: capsule,
// aliases, then writes. Any later run of the active side ends what a crash after
// the claim has left (H46). No single index, alias or template stops the others:
// what the engine refuses is named in each later answer (H52, H54).
func (r *run) finished(ctx context.Context) error {
	if !r.active() || r.led.ClusterUUID != r.uuidIs {
		return nil
	}
	if r.state == nil {
		if err := r.loadState(ctx); err != nil {
			return err
		}
	}
	if i := r.live(); i != nil && i.Phase == ledger.PhaseFence {
		return nil // the next switch has begun
	}
	j, restored, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	restored = restored || r.unreplayed()
	if restored || rec != nil {
		if err := r.sure(ctx, rec); err != nil {
			return err
		}
		dom, err := r.open(ctx)
		if err != nil {
			return err
		}
		if restored {
			if err := r.handOver(ctx, dom, j, rec); err != nil {
				r.recall()
				return err
			}
		}
		// Automatic creation of indexes would take the name of an alias that is not
		// made yet, and that alias could never be made again.
		if rec != nil && (rec.State != fence.Quiet || !r.aliasesOpen()) {
			if err := r.lift(ctx, dom, rec); err != nil {
				return err
			}
		}
	}
	r.recall()
	if r.unreplayed() {
		return nil // the next run goes on, from the notes; what is left is named
	}
	return r.tidy(ctx)
}

// recall what the switch to this domain cost and what follows from it: the waiter
// that asks may not be the run that ended it.
func (r *run) recall() {
	if r.state == nil || r.state.Token != r.led.Token {
		return
	}
	r.status.Loss, r.status.Commit = r.state.Loss, fmt.Sprintf("%q: %q", "activeRegion", r.Region)
	r.cost()
	r.notice("commit activeRegion=%s in cdk.json: the next deployment goes by it", r.Region)
}

// cost of the switch to this domain: what is not in it.
func (r *run) cost() {
	for _, s := range r.state.PassedOver {
		r.notice("%s", s)
	}
	r.tellFates(r.state.Fates)
	r.tellUnbound()
	if l := r.state.Loss; l != nil {
		r.notice("the switch to this domain gave up what %s acknowledged after %s, %s until then, but for what is in a salvage", r.state.From, l.Since.UTC().Format(time.RFC3339), time.Duration(l.Seconds)*time.Second)
	}
	for _, a := range r.state.Attention {
		r.attend(a.Code, a.Subject, a.Hint, "%s", a.Text)
	}
	if len(r.state.NotCarried) > 0 {
		r.notice("blocks of the source that are not carried, since they are of its own disks and nodes: %s; these indexes take writes here", strings.Join(first(r.state.NotCarried, 20), ", "))
	}
	if len(r.state.LeftOut) > 0 {
		r.notice("left out by dr.restore: %s", strings.Join(first(r.state.LeftOut, 20), ", "))
	}
	if len(r.state.Missing) > 0 {
		r.notice("NOT HERE, since no recovery point holds it: %s", strings.Join(first(r.state.Missing, 20), ", "))
	}
	if len(r.state.Opened) > 0 {
		r.notice("closed at the source and OPEN here, since this domain closes no index: %s; close them by hand if they must not be searched", strings.Join(first(r.state.Opened, 20), ", "))
	}
}

// sure that nobody else is active, before a block is lifted (H15). Both ledgers
// say so, or the operator does; what is left of one's own claim may also be ended
// while the other Region is away, if the record knows of nothing newer (G5); and
// a fence that this Region's own ledger asked for is its own to lift, since it
// must not stand for ever when the target is lost (H10), unless the record says
// that the target has gone on alone (H28).
func (r *run) sure(ctx context.Context, rec *fence.Record) error {
	if rec != nil && rec.Dispute >= r.led.Generation && !r.view.Complete() {
		return wait("the ledger of %s: generation %d was disputed when it was last read, and a dispute ends with a higher generation only (D12)", r.other(), rec.Dispute)
	}
	if r.view.Complete() || r.givenUp() {
		return nil
	}
	ours := r.state != nil && r.state.Token == r.led.Token
	asked := rec != nil && !rec.Alone && rec.State != fence.Quiet
	if !ours && !asked {
		return wait("the ledger of %s, to be sure that no newer generation is in force (H15): %v", r.other(), r.view.Other.Err)
	}
	have, err := r.Zone.Read(ctx, r.Settings.DNS.Record)
	switch m, ok := route.ParseMark(have.Mark); {
	case err != nil && ours:
		return wait("the record, to be sure that no newer generation is in force: %v", err)
	case err == nil && ok && m.Stands(r.mark(r.led)):
		return wait("the ledger of %s: the record names generation %d in %s", r.other(), m.Generation, m.Region)
	}
	return nil
}

// named is asked before each change that lets writes in.
func (r *run) named(ctx context.Context) error {
	v := ledger.ReadOne(ctx, r.Own)
	switch {
	case v.Answer != ledger.Present:
		return wait("the ledger of %s: %v", r.Region, v.Err)
	case !v.Ledger.Same(r.led):
		return wait("the ledger of %s, which has moved on", r.Region)
	case v.Ledger.Intent != nil && v.Ledger.Intent.Phase == ledger.PhaseFence && v.Ledger.Intent.Live(v.Date):
		return wait("the switch to %s, which has asked for a fence", v.Ledger.Intent.To)
	}
	return nil
}

func (r *run) lift(ctx context.Context, dom domain.Recovery, rec *fence.Record) error {
	f := r.fenceHere(dom, r.named)
	if rec.State == fence.Quiet {
		return f.Unquieten(ctx, rec)
	}
	if rec.State != fence.Lifting {
		r.notice("the fence of %s is lifted", rec.Token)
	}
	return f.Lift(ctx, rec)
}

// tidy away the notes and the pin of a switch that is over.
func (r *run) tidy(ctx context.Context) error {
	if err := r.bury(ctx); err != nil {
		return err
	}
	if r.state == nil || r.state.Over {
		return nil
	}
	if r.state.Token == r.led.Token {
		if err := r.keptBehind(ctx); err != nil {
			return err
		}
	}
	if r.source() == r.Own || r.view.Other.Answer != ledger.Unreachable {
		for _, id := range r.state.Pinned {
			if err := point.Unpin(ctx, r.source(), id, pinHolder+r.Region); err != nil {
				return err
			}
		}
	}
	r.state.Over, r.state.Target, r.state.Pinned = true, nil, nil
	if r.state.Token == r.led.Token {
		r.state.Ended = r.now
	}
	return r.saveState(ctx)
}

// told: this Region's parameter names the active Region (F16).
func (r *run) told(ctx context.Context) error {
	if !r.claimed {
		return nil
	}
	name := r.Settings.Names().ActiveParameter()
	have, err := r.Parameters.Parameter(ctx, name)
	if err != nil {
		return fmt.Errorf("read parameter %s: %w", name, err)
	}
	if have == r.led.ActiveRegion {
		return nil
	}
	if err := r.Parameters.PutParameter(ctx, name, r.led.ActiveRegion); err != nil {
		return fmt.Errorf("write parameter %s: %w", name, err)
	}
	return nil
}
