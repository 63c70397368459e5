package recovery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/store"
)

// standbyFence begins the token of a fence that is up for nothing else than that
// its domain is a copy: nobody's documents are in it.
const standbyFence = "standby-g"

// copyPinFor keeps the point of a copy from one minute's run to the next, and over a
// short outage: a copy whose point went meanwhile begins the next one, which a
// switch could not, and one that is no longer wanted holds retention up no longer.
const copyPinFor = 15 * time.Minute

// warm: this run was told that a domain which stands here is to be a copy.
func (r *run) warm() bool { return r.req.Standby == contract.StandbyWarm }

// follow keeps the domain of the idle Region a copy of the newest recovery point
// of the active one, so that a switch restores only what changed since. It is the
// first pass of a switch, taken ahead: the same journal, the same rule of
// destruction, what stands in the way saved first (H5). It needs this Region's
// bucket only, but for that salvage. One point at a time: the next one is begun
// when this one is whole, else a domain that is slower than its schedule never
// would be.
func (r *run) follow(ctx context.Context) error {
	if !r.warm() || r.ledErr != nil || !r.claimed || r.live() != nil {
		return nil //nolint:nilerr // who is active is not known, or about to change
	}
	if r.active() {
		return r.unfollow(ctx)
	}
	if r.uuidIs == "" {
		return nil // nothing stands here, or guard has told why it cannot be asked
	}
	if r.state == nil {
		if err := r.loadState(ctx); err != nil {
			return err
		}
	}
	if err := r.tidy(ctx); err != nil { // of a switch that came to nothing
		return err
	}
	was, at, wrote := r.state, r.stateAt, r.wrote
	r.copying, r.state, r.wrote = true, nil, nil
	defer func() { r.copying, r.ours, r.state, r.stateAt, r.wrote = false, false, was, at, wrote }()
	if err := r.takeUpCopy(ctx); err != nil {
		return err
	}
	return r.tellCopy(ctx, r.copy(ctx))
}

// copy goes on with the restore under way, or begins the next one.
func (r *run) copy(ctx context.Context) error {
	if busy := r.desc.Busy(); busy != "" {
		return wait("the domain: %s", busy)
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	if err := r.aimed(ctx, dom); err != nil || r.state.Target == nil {
		return err
	}
	if err := r.rescued(ctx); err != nil {
		return err
	}
	if err := r.bring(ctx, dom); err != nil {
		return err
	}
	return r.proven(ctx, dom)
}

// aimed at a point, if there is one that the domain is not a copy of.
func (r *run) aimed(ctx context.Context, dom domain.Recovery) error {
	if t := r.state.Target; t != nil {
		_, err := point.Load(ctx, r.source(), *t)
		if !errors.Is(err, store.ErrAbsent) && !errors.Is(err, point.ErrMalformed) {
			return err
		}
		// Its pin ran out in a long outage, and the domain is half-way to it.
		r.state.Target, r.state.Copy = nil, nil
	}
	if err := r.stillCopy(ctx, dom); err != nil {
		return err
	}
	newest, ok := r.newestHere()
	c := r.state.Copy
	switch {
	case c != nil && (!ok || !c.Point.Less(newest.ID)):
		return nil
	case !ok:
		return wait("a recovery point of the active domain %s in %s", r.led.ClusterUUID, r.Own.Name())
	}
	p, ok, err := r.choose(ctx, dom, func(p point.Point) bool { return c == nil || c.Point.Less(p.ID) })
	if err != nil {
		return err
	}
	if !ok {
		return wait("a recovery point of cluster %s that is whole and can be restored here%s", r.led.ClusterUUID, list("; ", first(r.state.PassedOver, 3)))
	}
	r.state.PassedOver = nil
	return r.aim(ctx, p, false)
}

// newestHere is the newest point of the domain in force that look has seen.
func (r *run) newestHere() (point.Point, bool) {
	for _, p := range r.newest {
		if p.Serves(r.led) && p.Kind != point.KindSalvage {
			return p, true
		}
	}
	return point.Point{}, false
}

// stillCopy looks whether the domain is what the notes say: somebody may have
// changed it, or made it again.
func (r *run) stillCopy(ctx context.Context, dom domain.Recovery) error {
	c := r.state.Copy
	if c == nil {
		return nil
	}
	p, err := point.Load(ctx, r.source(), c.Point)
	if errors.Is(err, store.ErrAbsent) || errors.Is(err, point.ErrMalformed) {
		return nil // pruned, or damaged: a newer one is taken when there is one
	}
	if err != nil {
		return err
	}
	problems, have, j, err := r.unlike(ctx, dom, p, false)
	if err != nil {
		return err
	}
	var what []string
	for _, x := range problems {
		what = append(what, x.Index+": "+x.Why)
	}
	if what = append(what, r.forbidden(have, j, nil, r.replaceable(nil))...); len(what) > 0 {
		r.notice("the standby is no copy of recovery point %s any more: %s", c.Point, strings.Join(first(what, 5), "; "))
		r.state.Copy = nil
	}
	return nil
}

// proven: the domain is held against the point once more, as a switch would.
func (r *run) proven(ctx context.Context, dom domain.Recovery) error {
	p, err := point.Load(ctx, r.source(), *r.state.Target)
	if err != nil {
		return err
	}
	problems, _, _, err := r.unlike(ctx, dom, p, false)
	if err != nil {
		return err
	}
	condemned, err := r.condemn(ctx, p, problems)
	if err != nil {
		return err
	}
	if condemned {
		return wait("the next run, which goes on without what does not match recovery point %s", p.ID)
	}
	if len(problems) > 0 {
		return wait("what was restored from recovery point %s to be as it is there: %s: %s", p.ID, problems[0].Index, problems[0].Why)
	}
	// A copy that is whole needs its point no more, and retention may go on.
	if err := r.unpin(ctx); err != nil {
		return err
	}
	r.state.Target, r.state.Pinned, r.state.Bad = nil, nil, nil
	r.state.Copy = &copied{Point: p.ID, Start: p.Start}
	r.notice("the standby is a copy of recovery point %s", p.ID)
	return r.saveState(ctx)
}

// condemn what no other restore of the point makes match it: those indexes are its
// fate alone, and the copy goes on without them.
func (r *run) condemn(ctx context.Context, p point.Point, problems []restore.Problem) (bool, error) {
	causes := map[string]string{}
	for _, x := range problems {
		if x.Final {
			causes[x.Index] = x.Why
		}
	}
	if len(causes) == 0 {
		return false, nil
	}
	return true, restore.Condemn(ctx, r.Own, r.uuidIs, p, r.try(p), causes)
}

// saveable: what only this domain holds can be saved, or people must settle it; a
// salvage without it would be taken each minute and never be good. Our own copies
// are red while they are restored: that ends, and nobody should delete them.
func (r *run) saveable(ctx context.Context, dom domain.Recovery, what string) error {
	if r.view.Other.Answer == ledger.Unreachable {
		return wait("the bucket of %s, for the salvage of what only this domain holds: %s", r.other(), what)
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	streams, err := dom.DataStreams(ctx)
	if err != nil {
		return err
	}
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	coming := func(i opensearch.Index) bool {
		mine := j.Mine(i.Name)
		return mine != nil && mine.UUID == i.UUID && !mine.Done && i.Health == opensearch.Red
	}
	if at := slices.IndexFunc(all, coming); at >= 0 {
		return wait("the restore of %s to end, before what only this domain holds is saved: %s", all[at].Name, what)
	}
	if names := unsaveable(all, streams); len(names) > 0 {
		return refuse("it holds what no snapshot takes, so nothing in it is restored over: %s. Settle each, or delete it if nobody needs it", strings.Join(first(names, 5), ", "))
	}
	return nil
}

// mayCopy is asked directly before everything that changes the standby: nobody
// has promoted it, or asked for it, and the lease is ours (H6).
func (r *run) mayCopy(ctx context.Context) error {
	v := ledger.ReadOne(ctx, r.Own)
	switch {
	case v.Answer != ledger.Present:
		return wait("the ledger of %s, to be sure that this domain is the standby: %v", r.Region, v.Err)
	case !v.Ledger.Same(r.led):
		return wait("the ledger of %s, which has moved on", r.Region)
	case v.Ledger.Intent != nil && v.Ledger.Intent.Live(v.Date):
		return wait("the switch to %s, which is under way", v.Ledger.Intent.To)
	case r.lease != nil && !v.Date.Before(r.lease.Until()):
		return wait("another run: this one took longer than its lease")
	}
	return nil
}
