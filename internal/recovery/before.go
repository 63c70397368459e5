package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/pace"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

const (
	// worthwhile: a regular point, or a restore while the source still serves, is made
	// first if it makes the write pause shorter by so much.
	worthwhile = 60 * time.Second
	// regularTries is how many regular points a switch asks for before its fence, and
	// catchUps how often it restores a newer one.
	regularTries = 3
	catchUps     = 3
	// regularFor is how long an asked snapshot may show nothing.
	regularFor = 10 * time.Minute
)

// regular points that a switch has asked for before its fence.
type regular struct {
	Asked    int       `json:"asked,omitempty"`
	At       time.Time `json:"at,omitzero"`
	After    string    `json:"after,omitempty"`    // the newest point then
	CaughtUp int       `json:"caughtUp,omitempty"` // restores of a newer one
}

// beforeFence asks everything that can be asked before the first block (H56): a
// refusal here costs no write. What ends by itself is waited for while the
// source still serves.
func (r *run) beforeFence(ctx context.Context) error {
	if r.intent.Phase == ledger.PhaseFence {
		return nil
	}
	p, err := r.askPreflight(ctx)
	if err != nil {
		return err
	}
	r.status.Preflight, r.state.Preflight = p, p
	var waits, refused []string
	for _, b := range p.Blockers {
		r.attend(b.Code, b.Subject, b.Hint, "before the fence of %s: %s", r.other(), b.Text)
		if b.Code == contract.AttentionWaiting {
			waits = append(waits, b.String())
		} else {
			refused = append(refused, b.String())
		}
	}
	switch {
	case len(refused) > 0:
		return r.giveUp(ctx, r.intent, refuse("the fence of %s is not raised, and writes go on there: %s. Then run the command again", r.other(), strings.Join(first(refused, 5), "; ")))
	case len(waits) > 0:
		return wait("%s, before the first block: %s", r.other(), strings.Join(first(waits, 3), "; "))
	}
	if err := r.regularFirst(ctx, p); err != nil {
		return err
	}
	if err := r.catchUp(ctx, p); err != nil {
		return err
	}
	if p.EstimateSeconds <= p.LimitSeconds {
		return nil
	}
	if r.state.Wish.ExtendPause == "true" {
		r.notice("the write pause is estimated at %d s, longer than dr.maxWritePause (%d s), and -c extendPause=true is given: %s", p.EstimateSeconds, p.LimitSeconds, parts(*p))
		return nil
	}
	return r.giveUp(ctx, r.intent, refuse("the write pause of this switch is estimated at %d s, and dr.maxWritePause is %d s: %s. Nothing was blocked. It gets smaller by another recovery point shortly before (run the command again), by more or larger data nodes, or by a warm standby (dr.standby); or raise dr.maxWritePause, or add -c extendPause=true",
		p.EstimateSeconds, p.LimitSeconds, parts(*p)))
}

// askPreflight of the source's controller, and fit its estimate to this domain, which
// restores.
func (r *run) askPreflight(ctx context.Context) (*contract.Preflight, error) {
	req := contract.RecoveryRequest{Action: contract.ActionStatus, Preflight: true, RequestID: r.req.RequestID, Wish: contract.WishProperties{Without: r.state.Wish.Without}}
	if r.state.Target != nil {
		req.Point = r.state.Target.String()
	}
	short, stop := pace.WithTimeout(ctx, nudgeFor)
	defer stop()
	s, err := r.Peer.Recovery(short, r.other(), req)
	switch {
	case err != nil:
		return nil, wait("the controller of %s to say what a fence would meet: %v", r.other(), err)
	case s.Preflight == nil && s.WaitingFor != "":
		return nil, wait("%s", s.WaitingFor)
	case s.Preflight == nil:
		return nil, wait("the controller of %s to say what a fence would meet; one of an earlier release does not: deploy the foundation stack of %s", r.other(), r.other())
	}
	p := *s.Preflight
	if dom, err := r.open(ctx); err == nil {
		if nodes, err := dom.Nodes(ctx); err == nil && len(nodes) > 0 && p.Changed > 0 {
			was := p.RestoreSeconds
			p.RestoreSeconds = int64(time.Duration(p.Changed)*perRemoval/time.Second) + p.ChangedBytes/(copyRate*int64(len(nodes)))
			p.EstimateSeconds += p.RestoreSeconds - was
		}
	}
	return &p, nil
}

// regularFirst takes one more regular point while the source still serves, when there
// is none or when the final snapshot would add much to the newest (H55).
func (r *run) regularFirst(ctx context.Context, p *contract.Preflight) error {
	g := &r.state.Regular
	// What a snapshot takes apart from its bytes, another one before it does not spare.
	big := time.Duration(p.IncrementBytes/(copyRate*int64(max(1, p.DataNodes))))*time.Second > worthwhile
	if p.Point != "" && !big {
		return nil
	}
	came := g.Asked > 0 && p.Point != g.After
	switch {
	case g.Asked > 0 && !came && r.now.Sub(g.At) < regularFor:
		return wait("a regular recovery point of %s, asked for at %s, before the first block", r.other(), g.At.UTC().Format(time.RFC3339))
	case g.Asked >= regularTries && p.Point == "":
		return r.giveUp(ctx, r.intent, refuse("%s has no recovery point, and none comes although it was asked for %d times: behind a fence the first one would be a full snapshot with all writes refused. See `osdr status` for what its snapshots wait for, then run the command again", r.other(), g.Asked))
	case g.Asked >= regularTries:
		return nil // by the estimate
	}
	if err := r.Peer.Snapshot(ctx, r.other(), contract.SnapshotRequest{Reason: snapshot.ReasonDemand}); err != nil {
		return wait("%s to take a regular recovery point before the first block: %v", r.other(), err)
	}
	g.Asked, g.At, g.After = g.Asked+1, r.now, p.Point
	if err := r.saveState(ctx); err != nil {
		return err
	}
	return wait("a regular recovery point of %s, before the first block: %s", r.other(), why(p))
}

func why(p *contract.Preflight) string {
	if p.Point == "" {
		return "there is none yet"
	}
	return fmt.Sprintf("the final snapshot would add about %d MB to %s", p.IncrementBytes/1_000_000, p.Point)
}

// catchUp restores a newer point while the source still serves, when the second pass
// would take long and a newer point is here.
func (r *run) catchUp(ctx context.Context, p *contract.Preflight) error {
	g := &r.state.Regular
	if r.state.Own || g.CaughtUp >= catchUps || time.Duration(p.RestoreSeconds)*time.Second <= worthwhile || r.state.Target == nil || p.Point == r.state.Target.String() {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	newer, ok, err := r.choose(ctx, dom, func(x point.Point) bool { return r.state.Target.Less(x.ID) })
	if err != nil || !ok {
		return err
	}
	g.CaughtUp++
	if err := r.aim(ctx, newer, false); err != nil {
		return err
	}
	return wait("recovery point %s, which is restored before the first block", newer.ID)
}
