package recovery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// verified: the domain holds the point, and nothing else.
func (r *run) verified(ctx context.Context) error {
	if !r.switching() || r.state.Own {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	pass, err := r.pass(ctx, dom)
	if err != nil {
		return err
	}
	problems, have, _, err := r.unlike(ctx, dom, pass.Point, r.state.Final && r.state.Lost == "")
	if err != nil {
		return err
	}
	var left []string
	for _, x := range problems {
		if slices.Contains(slices.Concat(pass.Accepted, pass.Without), x.Index) {
			r.notice("accepted unverified: %s: %s", x.Index, x.Why)
			continue
		}
		left = append(left, x.Index+": "+x.Why)
	}
	if len(left) > 0 {
		return r.giveUp(ctx, r.intent, refuse("the restored domain in %s is not verified: %s. To take it nevertheless add -c acceptUnverified=<index,...>", r.Region, strings.Join(first(left, 5), "; ")))
	}
	var here, there int64
	for _, i := range have {
		here += i.Documents
	}
	for _, i := range restore.Choose(pass.Point, pass.Select).Indices {
		there += i.Documents
	}
	// Counts are told, and decide nothing: sequence numbers do (H20).
	r.notice("verified: %d indexes with %d documents; recovery point %s counted %d", len(have), here, pass.Point.ID, there)
	return nil
}

// unlike the point: how the domain differs from it, as it stands, with what stands
// there and the journal that tells which of it is ours.
func (r *run) unlike(ctx context.Context, dom domain.Recovery, p point.Point, exact bool) ([]restore.Problem, []opensearch.Index, restore.Journal, error) {
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return nil, nil, j, err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return nil, nil, j, err
	}
	pass, err := r.passTo(ctx, dom, p)
	if err != nil {
		return nil, nil, j, err
	}
	have := guarded(nil)(all)
	return restore.Verify(pass.Rest(j), have, j, exact), have, j, nil
}

// taken: the claim consumes this very mark, after one more look at everything it
// rests on.
func (r *run) taken(ctx context.Context) error {
	if !r.switching() {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	info, err := dom.Info(ctx)
	if err != nil {
		return err
	}
	if info.ClusterUUID != r.uuidIs {
		return wait("the domain in %s, which was cluster %s and is %s now", r.Region, r.uuidIs, info.ClusterUUID)
	}
	before := r.led
	if err := r.look(ctx); err != nil {
		return err
	}
	if r.ledErr != nil {
		return refuse("%v", r.ledErr)
	}
	if !r.led.Same(before) {
		return wait("the ledger, which has moved on meanwhile to generation %d", r.led.Generation)
	}
	if r.state.Lost != "" {
		if err := r.stillLost(ctx, dom); err != nil {
			return err
		}
	}
	if err := r.may(ctx); err != nil {
		return err
	}
	if r.state.ClaimAt.IsZero() {
		r.state.ClaimAt = r.now
	}
	claim := ledger.Claim{Region: r.Region, ClusterUUID: r.uuidIs, Endpoint: r.desc.Endpoint, Token: r.intent.Token, Since: r.state.ClaimAt}
	where := r.Own
	if r.state.Lost == "" {
		r.state.Loss = nil
	}
	if err := r.saveState(ctx); err != nil {
		return err
	}
	// Nothing stands between the other side's last look and the claim (H9).
	if r.state.Lost == "" {
		s, err := r.Peer.Recovery(ctx, r.other(), contract.RecoveryRequest{Action: contract.ActionRecheck, Token: r.intent.Token, Final: r.state.Target.String(), RequestID: r.req.RequestID})
		if err != nil {
			return wait("the controller of %s to look at its fence once more: %v", r.other(), err)
		}
		if !s.Done {
			if _, err := r.nudge(ctx); err != nil { // to capture at once what has come
				r.notice("%s could not be asked for another final recovery point: %v", r.other(), err)
			}
			return wait("the fence of %s: %s", r.other(), s.Refusal+s.WaitingFor)
		}
		where, claim.Looked = r.Other, s.Looked
	}
	l, err := ledger.ClaimSwitch(ctx, where, claim)
	if errors.Is(err, ledger.ErrSuperseded) || errors.Is(err, ledger.ErrIntentExpired) || errors.Is(err, ledger.ErrLookedLongAgo) {
		return wait("the claim: %v", err)
	}
	if err != nil {
		return err
	}
	r.led, r.claimed = l, true
	r.notice("claimed generation %d for cluster %s in %s, from %s", l.Generation, l.ClusterUUID, l.ActiveRegion, r.state.From)
	return r.copyTo(ctx, r.Own)
}

// recheck is the source's last word before a claim (H9, H10): every index has our
// block and its fenced numbers, and nothing is new. It changes nothing.
func (r *run) recheck(ctx context.Context) error {
	r.status.Phase = "rechecking the fence"
	if err := r.look(ctx); err != nil {
		return err
	}
	if r.ledErr != nil {
		return refuse("%v", r.ledErr)
	}
	i := r.liveIn(r.view.Own)
	if !r.active() || i == nil || i.Token != r.req.Token || i.Phase != ledger.PhaseFence {
		return refuse("no fence is asked for by this switch any more")
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	info, err := dom.Info(ctx)
	if err != nil {
		return err
	}
	if info.ClusterUUID != r.led.ClusterUUID {
		return refuse("the domain is cluster %s and not %s any more", info.ClusterUUID, r.led.ClusterUUID)
	}
	rec, err := fence.Load(ctx, r.Own, info.ClusterUUID)
	if err != nil {
		return err
	}
	if rec == nil || rec.Token != r.req.Token {
		return refuse("no fence stands for this switch")
	}
	if rec.Final == nil || rec.Final.String() != r.req.Final {
		// The fence stands, and has captured more than what the caller has.
		return wait("the newest final recovery point to be restored: %s is not the one behind the fence (%s)", r.req.Final, progressOf(rec))
	}
	var all []opensearch.Index
	if all, err = dom.Indices(ctx); err != nil {
		return err
	}
	if moved := rec.Holds(hot(all)); moved != "" {
		return wait("another final recovery point: %s", moved)
	}
	r.status.Done, r.status.Looked = true, r.now
	return nil
}
