package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// preflight asks the active side what a fence of now would meet, and how long the
// write pause would be. One that does not answer is a warning: the switch asks again.
func (o *Operator) preflight(ctx context.Context, p *Plan) {
	if p.Kind != Planned || p.Refusal != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(o.Timeout, time.Minute))
	defer cancel()
	s, err := o.World.Controllers.Recovery(ctx, p.From, contract.RecoveryRequest{Action: contract.ActionStatus, Preflight: true})
	if err != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the controller of %s does not say how long writes would be refused: %s", p.From, o.brief(err)))
		return
	}
	f := s.Preflight
	if f == nil {
		return
	}
	for _, b := range f.Blockers {
		if b.Code == contract.AttentionWaiting {
			p.Warnings = append(p.Warnings, "the switch waits before its fence: "+b.String())
			continue
		}
		p.Refusal = fmt.Sprintf("no fence of %s is raised while this stands: %s", p.From, b)
	}
	p.WritePauseSeconds = f.EstimateSeconds
	p.Steps = append(p.Steps, fmt.Sprintf("refuse writes for about %s, at most %s (dr.maxWritePause): %d s to block %s, %d s for the final snapshot, %d s to restore %s of %s that changed since the newest recovery point",
		short(time.Duration(f.EstimateSeconds)*time.Second), short(time.Duration(f.LimitSeconds)*time.Second), f.BlockSeconds, plural(f.Indices, "index"), f.SnapshotSeconds, f.RestoreSeconds, plural(f.Changed, "index"), size(f.ChangedBytes)))
	if f.EstimateSeconds > f.LimitSeconds {
		p.Warnings = append(p.Warnings, "the write pause is estimated above dr.maxWritePause: if it still is after a regular recovery point, the switch is refused before its first block, unless -c extendPause=true is given")
	}
}
