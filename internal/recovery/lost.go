package recovery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/probe"
)

// lostBy is the kind of evidence by which the source counts as lost.
type lostBy string

const (
	// lostBySilence holds only while the silence lasts: the first answer takes it
	// back, and the switch is a planned one again (H49).
	lostBySilence lostBy = "silence"
	// lostByWord is the operator's, and holds while the request that owns the switch
	// says it.
	lostByWord lostBy = "word"
	// lostByRemoval: the domain no longer exists. It cannot come back.
	lostByRemoval lostBy = "removal"
)

// decide whether the source is lost, by one look more (H16). state.Lost says so
// afterwards; a wait is not for this step, which knows too little yet.
func (r *run) decide(ctx context.Context) error {
	if r.state.Lost != "" && r.state.LostBy != lostBySilence && (r.state.LostBy != lostByWord || r.givenUp()) {
		return nil
	}
	switch {
	case r.inPlace():
		return r.lost(ctx, lostByRemoval, fmt.Sprintf("cluster %s is no longer the domain in %s (H13)", r.led.ClusterUUID, r.Region))
	case r.givenUp():
		return r.gaveUp(ctx)
	}
	desc, derr := r.Plane.Describe(ctx, r.other())
	if derr == nil && (!desc.Exists || desc.Deleted) {
		return r.lost(ctx, lostByRemoval, "no domain exists in "+r.other())
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
	if r.state.Lost != "" {
		if r.state.LostBy == lostBySilence && look.Silent() {
			return r.saveState(ctx)
		}
		r.regained(look)
	}
	if err := r.saveState(ctx); err != nil {
		return err
	}
	return r.judge(ctx, look, verdict)
}

// regained: what the loss rested on is over. The switch is a planned one again, with
// fence, final point and second pass.
func (r *run) regained(look probe.Look) {
	r.notice("%s no longer counts as lost (%s): %s. The switch is a planned one again, and gives nothing up (H49)", r.other(), r.state.Lost, look)
	r.state.Lost, r.state.LostBy, r.state.Loss, r.state.Own, r.state.Tried, r.state.Moved = "", "", nil, false, false, r.now
	if !r.state.Fenced.IsZero() {
		r.state.Fenced = r.now // the pause of a planned switch begins
	}
}

// judge what the looks say so far.
func (r *run) judge(ctx context.Context, look probe.Look, verdict probe.Verdict) error {
	switch verdict {
	case probe.Lost:
		why := fmt.Sprintf("%s is silent in every way since %s", r.other(), r.state.Probes.Silent.UTC().Format(time.RFC3339))
		if r.state.Wish.SwitchFrom != "" {
			return r.giveUp(ctx, r.intent, refuse("%s, and a switch with -c switchFrom gives nothing up: this one ends, and the domain of %s goes on as the active one. Wait until %s answers and run the command again. If %s is lost, give up what it acknowledged since the newest recovery point: leave -c switchFrom out and add -c unreachableRegion=%s (H49)",
				why, r.led.ActiveRegion, r.other(), r.other(), r.other()))
		}
		return r.lost(ctx, lostBySilence, why)
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
	return r.lost(ctx, lostByWord, r.other()+" is called unreachable by -c unreachableRegion")
}

// lost: from here on the newest point counts, chosen anew. It is chosen first, and
// noted together with the loss in one write: a loss that is noted without it would
// make every later run take the point of the first pass for the newest (H50).
func (r *run) lost(ctx context.Context, by lostBy, why string) error {
	var newer *point.Point
	if !r.state.Final && !r.state.Own && r.state.Target != nil {
		dom, err := r.open(ctx)
		if err != nil {
			return err
		}
		p, ok, err := r.choose(ctx, dom, anyPoint)
		if err != nil {
			return err
		}
		if ok && p.ID != *r.state.Target {
			newer = &p
		}
	}
	r.state.Lost, r.state.LostBy = why, by
	r.notice("lost: %s", why)
	if newer != nil {
		return r.aim(ctx, *newer, false)
	}
	return r.saveState(ctx)
}

// newerFor a lossy claim is asked how often at most. A source that lives, and that
// the operator calls unreachable, makes points forever, and each pass takes its time.
const newerFor = 3

// stillLost is asked directly before a lossy claim: the source must be silent now,
// and no newer recovery point may hold what the claim would give up (H49). A newer
// one becomes the target, and the second pass brings the difference.
func (r *run) stillLost(ctx context.Context, dom domain.Recovery) error {
	if err := r.decide(ctx); err != nil {
		return err
	}
	switch {
	case r.state.Lost == "":
		return wait("the fence of %s, which answers again", r.other())
	case r.state.Own || r.state.Target == nil:
		return nil
	}
	old := *r.state.Target
	p, ok, err := r.choose(ctx, dom, anyPoint)
	if err != nil || !ok || !old.Less(p.ID) {
		return err
	}
	if r.state.Again >= newerFor {
		r.passOver([]string{fmt.Sprintf("recovery point %s is newer and is not taken: each of the last %d came while the one before it was restored", p.ID, newerFor)})
		return nil
	}
	r.state.Again++
	if err := r.aim(ctx, p, false); err != nil {
		return err
	}
	return wait("what recovery point %s holds beyond %s", p.ID, old)
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
	if n := "lost: " + r.state.Lost; !slices.Contains(r.status.Notices, n) {
		r.notice("%s", n)
	}
	if r.state.Target == nil && !r.state.Own {
		return r.giveUp(ctx, r.intent, refuse("%s is lost (%s) and no whole recovery point of cluster %s is in %s%s: there is nothing to restore, and an empty domain would lose everything. Bring %s back, or look at the points by `osdr status`",
			r.led.ActiveRegion, r.state.Lost, r.led.ClusterUUID, r.source().Name(), list("; ", first(r.state.PassedOver, 3)), r.led.ActiveRegion))
	}
	r.window()
	return nil
}
