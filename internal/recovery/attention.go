package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/store"
)

// attentionKey has what the last minute run noted for people, in its own Region's
// bucket. A status asks no domain for what the run saw there.
const attentionKey = "_dr/journal/attention.json"

// refusedFor is how long a status reports a switch that was refused. Its command
// printed the reason; whoever looks the next day did not type it.
const refusedFor = 24 * time.Hour

// noted is the content of attentionKey: {"version": 1, "attention": [...]}.
type noted struct {
	Version   int                  `json:"version"` // of this format: 1
	Attention []contract.Attention `json:"attention"`
}

// noteAttention of a minute run that ends, with the error that ended it. Only what
// changed is written. The run's outcome does not depend on it.
func (r *run) noteAttention(ctx context.Context, err error) {
	if r.req.Action != contract.ActionTick {
		return
	}
	if err != nil && !errors.As(err, new(waiting)) && !errors.As(err, new(refusal)) {
		r.attend(contract.AttentionRunFailed, "", "The next run tries again within a minute; if it stays: docs/runbooks/recovery-errors.md", "the controller's last run failed: %v", err)
	}
	wrong := 0
	for _, a := range r.status.Attention {
		if a.Code != contract.AttentionNotCarried {
			wrong++
		}
	}
	r.values[contract.MetricAttention] = float64(wrong)
	have, at, err := r.notedAttention(ctx)
	if err != nil {
		r.notice("%v", err)
		return
	}
	if slices.Equal(have.Attention, r.status.Attention) {
		return
	}
	body, err := json.Marshal(noted{Version: 1, Attention: r.status.Attention})
	if err == nil {
		err = store.Replace(ctx, r.Own, attentionKey, body, &at)
	}
	if err != nil {
		r.notice("write what needs attention: %v", err)
	}
}

func (r *run) notedAttention(ctx context.Context) (noted, store.Version, error) {
	o, err := r.Own.Get(ctx, attentionKey)
	if errors.Is(err, store.ErrAbsent) {
		return noted{}, store.Version{}, nil
	}
	if err != nil {
		return noted{}, store.Version{}, fmt.Errorf("read what needs attention: %w", err)
	}
	var n noted
	if err := json.Unmarshal(o.Body, &n); err != nil {
		n = noted{} // the next minute run writes it anew
	}
	return n, o.Version(), nil
}

// recallAttention of the last minute run, and of a switch that was refused.
func (r *run) recallAttention(ctx context.Context) {
	n, _, err := r.notedAttention(ctx)
	if err != nil {
		r.notice("%v", err)
	}
	for _, a := range n.Attention {
		r.attend(a.Code, a.Subject, a.Hint, "%s", a.Text)
	}
	over, err := r.ended(ctx)
	switch {
	case err != nil:
		r.notice("%v", err)
	case over == nil || over.Aborted || over.Intent.To != r.Region || r.active():
	case r.live() != nil || over.Intent.FromGeneration != r.led.Generation || r.now.Sub(over.Intent.RequestedAt) > refusedFor:
	default:
		r.attend(contract.AttentionRefused, "", "", "the switch to %s that was asked for at %s was given up: %s", r.Region, over.Intent.RequestedAt.UTC().Format(time.RFC3339), over.Reason)
	}
}

// leftovers of a switch that was given up, in the domain that it was to make active.
func (r *run) leftovers(copies int) {
	if copies == 0 || r.warm() || r.active() || r.live() != nil {
		return
	}
	r.attend(contract.AttentionLeftover, "", "The next switch to "+r.Region+" goes on from them; a deployment with the active Region in cdk.json removes the domain of a cold standby",
		"%d write-blocked copies of a switch that was given up are in the domain of %s", copies, r.Region)
}
