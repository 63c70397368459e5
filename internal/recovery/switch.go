package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/probe"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// Deadlines of what is asked of a Region that may be lost.
const (
	knockFor = 5 * time.Second
	nudgeFor = 60 * time.Second
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
	look := probe.Look{At: r.now, Answers: []probe.Answer{
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

// fenceOf reads the source's fence, in its own Region's bucket.
func (r *run) fenceOf(ctx context.Context) *fence.Record {
	if r.view.Other.Answer == ledger.Unreachable {
		return nil
	}
	rec, err := fence.Load(ctx, r.Other, r.led.ClusterUUID)
	if err != nil || rec == nil || rec.Token != r.state.Token {
		return nil
	}
	return rec
}

func (r *run) fenced(ctx context.Context) bool {
	rec := r.fenceOf(ctx)
	return r.state.Final && rec != nil && rec.State == fence.Fenced
}

// behindFence: the source takes no writes any more and its final point is here.
func (r *run) behindFence(ctx context.Context) error {
	if !r.switching() || r.state.Lost != "" {
		return nil
	}
	if err := r.worries(ctx); err != nil {
		return err
	}
	if !r.otherKnows() {
		return wait("the bucket of %s, to mark the fence there", r.other())
	}
	if err := r.phase(ctx, ledger.PhaseFence); err != nil {
		return err
	}
	rec := r.fenceOf(ctx)
	if rec == nil || rec.State != fence.Fenced {
		s, nerr := r.nudge(ctx)
		if rec = r.fenceOf(ctx); rec == nil || rec.State != fence.Fenced || rec.Final == nil {
			if err := r.moved(ctx, "fence", "%s", progressOf(rec)); err != nil {
				return err
			}
			if nerr != nil {
				return wait("the fence of %s (%s); its controller did not answer: %v", r.other(), progressOf(rec), nerr)
			}
			return wait("the fence of %s: %s%s", r.other(), progressOf(rec), r.fencing(s))
		}
	}
	if r.state.Final && r.state.Target != nil && *r.state.Target == *rec.Final {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	p, ok, err := r.choose(ctx, dom, func(p point.Point) bool { return p.ID == *rec.Final && p.Kind == point.KindFinal })
	if err != nil {
		return err
	}
	if !ok {
		return wait("the final recovery point %s to be whole in %s", rec.Final, r.Own.Name())
	}
	if err := r.aim(ctx, p, true); err != nil {
		return err
	}
	r.state.Moved = r.now
	return r.worries(ctx)
}

// fencing is what the source's controller says of the fence itself.
func (r *run) fencing(s contract.RecoveryStatus) string {
	for _, n := range s.Notices {
		if text, ok := strings.CutPrefix(n, fmt.Sprintf(fencingFor, r.Region)); ok {
			return "; " + text
		}
	}
	return ""
}

// nudge the source's controller to its minute's work now.
func (r *run) nudge(ctx context.Context) (contract.RecoveryStatus, error) {
	ctx, stop := pace.WithTimeout(ctx, nudgeFor)
	defer stop()
	return r.Peer.Recovery(ctx, r.other(), contract.RecoveryRequest{Action: contract.ActionTick, RequestID: r.req.RequestID})
}

func progressOf(rec *fence.Record) string {
	if rec == nil {
		return "not begun"
	}
	n := 0
	for _, i := range rec.Indices {
		if i.Blocked {
			n++
		}
	}
	final := ""
	if rec.Final != nil {
		final = ", final point " + rec.Final.String()
	}
	return fmt.Sprintf("%s, %d of %d indexes blocked, drained %v%s", rec.State, n, len(rec.Indices), rec.Drained, final)
}

// beyond the point: what is wanted, and no snapshot of that domain takes.
func (r *run) beyond(p point.Point) []string {
	var names []string
	for _, l := range p.LeftOut {
		w := restore.Choose(point.Point{Indices: []point.Index{{Name: l.Name}}}, r.Settings.Restore)
		if !snapshot.System(l.Name) && len(w.Indices) > 0 && !strings.HasPrefix(l.Reason, "deleted before") {
			names = append(names, l.Name+" ("+l.Reason+")")
		}
	}
	return names
}

// worries: documents that no snapshot takes would stay behind in a planned switch
// (H12): that is for people to settle, before the fence.
func (r *run) worries(ctx context.Context) error {
	if r.state.Target == nil {
		return nil
	}
	p, err := point.Load(ctx, r.source(), *r.state.Target)
	if err != nil {
		return err
	}
	names := r.beyond(p)
	if len(names) == 0 {
		return nil
	}
	return r.giveUp(ctx, r.intent, refuse("a planned switch would leave behind %s. Settle each, or leave it out by dr.restore.exclude, then run the command again", strings.Join(first(names, 5), ", ")))
}

// secondPass brings what changed since the first (C3).
func (r *run) secondPass(ctx context.Context) error {
	if !r.switching() || r.state.Own {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	if r.state.Target == nil {
		return wait("a recovery point to restore")
	}
	return r.bring(ctx, dom)
}

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
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	var left []string
	wanted, have := restore.Choose(pass.Point, pass.Select), guarded(nil)(all)
	for _, x := range restore.Verify(wanted, have, j, r.state.Final && r.state.Lost == "") {
		accepted := false
		for _, a := range pass.Accepted {
			accepted = accepted || a == x.Index
		}
		if accepted {
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
	for _, i := range wanted.Indices {
		there += i.Documents
	}
	// Counts are told, and decide nothing: sequence numbers do (H20).
	r.notice("verified: %d indexes with %d documents; recovery point %s counted %d", len(have), here, pass.Point.ID, there)
	return nil
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
		s, err := r.Peer.Recovery(ctx, r.other(), contract.RecoveryRequest{Action: contract.ActionRecheck, Token: r.intent.Token, RequestID: r.req.RequestID})
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
