package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/probe"
)

// decide whether the source is lost, by one look more (H16). state.Lost says so
// afterwards; a wait is not for this step, which knows too little yet.
func (r *run) decide(ctx context.Context) error {
	if r.state.Lost != "" {
		return nil
	}
	switch {
	case r.inPlace():
		return r.lost(ctx, fmt.Sprintf("cluster %s is no longer the domain in %s (H13)", r.led.ClusterUUID, r.Region))
	case r.givenUp():
		return r.gaveUp(ctx)
	}
	desc, derr := r.Plane.Describe(ctx, r.other())
	if derr == nil && (!desc.Exists || desc.Deleted) {
		return r.lost(ctx, "no domain stands in "+r.other())
	}
	// Dated before it is asked: the run may have begun minutes ago.
	at, err := r.Own.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the clock of %s: %w", r.Own.Name(), err)
	}
	look := probe.Look{At: at, Answers: []probe.Answer{
		{What: "the bucket of " + r.other(), Err: unread(r.view.Other)}, {What: "its OpenSearch API", Err: derr}, {What: "its domain", Err: r.knock(ctx)},
	}}
	var verdict probe.Verdict
	r.state.Probes, verdict = r.state.Probes.Add(look, time.Duration(r.Settings.LostAfter)*time.Second)
	if err := r.saveState(ctx); err != nil {
		return err
	}
	switch verdict {
	case probe.Lost:
		return r.lost(ctx, fmt.Sprintf("%s is silent in every way since %s", r.other(), r.state.Probes.Silent.UTC().Format(time.RFC3339)))
	case probe.Mixed:
		if r.fenced(ctx) {
			return nil // what is silent now has done its part
		}
		if r.state.Target == nil && !r.state.Own {
			return r.giveUp(ctx, r.intent, refuse("%s is neither lost nor all there: %s. It cannot be fenced, and no whole recovery point of it is in %s%s, so a switch would give up everything. Wait until it answers and run the command again (H16)",
				r.other(), look, r.source().Name(), list("; ", first(r.state.PassedOver, 3))))
		}
		r.window()
		return r.giveUp(ctx, r.intent, refuse("%s is neither lost nor all there: %s. It cannot be fenced, so a switch would give up what it acknowledged since %s; to give that up add -c unreachableRegion=%s, else wait until it answers and run the command again (H16)",
			r.other(), look, r.state.Since.UTC().Format(time.RFC3339), r.other()))
	case probe.Waiting:
		if r.state.Probes.Mixed.IsZero() {
			return wait("%s to answer, or to be silent for %d s: %s", r.other(), r.Settings.LostAfter, look)
		}
	}
	return nil
}

func unread(v ledger.Reading) error {
	if v.Answer == ledger.Unreachable {
		return v.Err
	}
	return nil
}

func (r *run) knock(ctx context.Context) error {
	ctx, stop := pace.WithTimeout(ctx, knockFor)
	defer stop()
	return r.Knock(ctx, r.led.Endpoint)
}

// gaveUp is the operator's word. One attempt to fence is owed to those who still
// write there; nothing depends on it (G5).
func (r *run) gaveUp(ctx context.Context) error {
	if !r.state.Tried {
		if err := r.phase(ctx, ledger.PhaseFence); err != nil {
			return err
		}
		r.state.Tried = true
		if err := r.saveState(ctx); err != nil {
			return err
		}
		short, stop := pace.WithTimeout(ctx, knockFor)
		defer stop()
		if _, err := r.Peer.Recovery(short, r.other(), contract.RecoveryRequest{Action: contract.ActionTick, RequestID: r.req.RequestID}); err != nil {
			r.notice("%s could not be asked to fence itself: %v", r.other(), err)
		}
	}
	return r.lost(ctx, r.other()+" is called unreachable by -c unreachableRegion")
}

// lost: from here on the newest point counts, chosen anew.
func (r *run) lost(ctx context.Context, why string) error {
	r.state.Lost = why
	if !r.state.Final && !r.state.Own && r.state.Target != nil {
		old := *r.state.Target
		dom, err := r.open(ctx)
		if err != nil {
			return err
		}
		p, ok, err := r.choose(ctx, dom, anyPoint)
		if err != nil {
			return err
		}
		if ok && p.ID != old {
			return r.aim(ctx, p, false)
		}
	}
	return r.saveState(ctx)
}

// asked whether the source is lost; what is mixed goes on to the fence.
func (r *run) asked(ctx context.Context) error {
	if !r.switching() {
		return nil
	}
	if err := r.decide(ctx); err != nil {
		return err
	}
	if r.state.Lost == "" {
		return nil
	}
	r.notice("lost: %s", r.state.Lost)
	if r.state.Target == nil && !r.state.Own {
		return r.giveUp(ctx, r.intent, refuse("%s is lost (%s) and no whole recovery point of cluster %s is in %s%s: there is nothing to restore, and an empty domain would lose everything. Bring %s back, or look at the points by `osdr status`",
			r.led.ActiveRegion, r.state.Lost, r.led.ClusterUUID, r.source().Name(), list("; ", first(r.state.PassedOver, 3)), r.led.ActiveRegion))
	}
	r.window()
	return nil
}
