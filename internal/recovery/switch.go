package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Deadlines of what is asked of a Region that may be lost.
const (
	knockFor = 5 * time.Second
	nudgeFor = 60 * time.Second
)

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
	if err := r.beforeFence(ctx); err != nil {
		return err
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
	r.state.Moved = r.now
	if err := r.aim(ctx, p, true); err != nil {
		return err
	}
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
	return r.Peer.Recovery(ctx, r.other(), contract.RecoveryRequest{Action: contract.ActionTick, RequestID: r.req.RequestID, Wish: contract.WishProperties{Without: r.state.Wish.Without}})
}

func progressOf(rec *fence.Record) string {
	if rec == nil {
		return "not begun"
	}
	counted := ""
	if c := rec.Snapshot; c != nil {
		counted = fmt.Sprintf(", final snapshot %s: %d of %d shards, %d bytes", c.Name, c.ShardsDone, c.ShardsTotal, c.Bytes)
	}
	final := ""
	if rec.Final != nil {
		final = ", final point " + rec.Final.String()
	}
	return fmt.Sprintf("%s, %d of %d indexes blocked, drained %v%s%s", rec.State, rec.Blocked(), len(rec.Indices), rec.Drained, counted, final)
}

// beyond the point: what is wanted, and its snapshot did not take.
func (r *run) beyond(p point.Point) []point.LeftOut {
	var out []point.LeftOut
	for _, l := range p.LeftOut {
		if r.misses(l) && !slices.Contains(names(r.state.Wish.Without), l.Name) {
			out = append(out, l)
		}
	}
	return out
}

// reasons of what a point leaves out, for people.
func reasons(list []point.LeftOut) []string {
	var out []string
	for _, l := range list {
		out = append(out, l.Name+" ("+l.Reason+")")
	}
	return out
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
	behind := r.beyond(p)
	if len(behind) == 0 {
		return nil
	}
	var list []string
	for _, l := range behind {
		list = append(list, l.Name)
	}
	return r.giveUp(ctx, r.intent, refuse("a planned switch would leave behind %s. Settle each, or go on without them by -c without=%s, or leave them out for good by dr.restore.exclude; then run the command again",
		strings.Join(first(reasons(behind), 5), ", "), strings.Join(slices.Concat(names(r.state.Wish.Without), list), ",")))
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
