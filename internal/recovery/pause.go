package recovery

import (
	"context"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
)

const (
	// defaultPause is dr.maxWritePause where the settings of an earlier release do not
	// have it.
	defaultPause = 10 * time.Minute
	// visibly: a pause that the operator has extended goes on while the engine counts
	// something new at least this often.
	visibly = 10 * time.Minute
)

// maxPause bounds the time in which a planned switch refuses writes.
func (r *run) maxPause() time.Duration {
	if r.Settings.MaxWritePause <= 0 {
		return defaultPause
	}
	return time.Duration(r.Settings.MaxWritePause) * time.Second
}

// paused gives a planned switch up whose write pause exceeds its bound, and lifts the
// fence (H55). Behind a fence only what the engine counts is progress: blocked
// indexes, shards and bytes of the snapshot, bytes of the restore.
func (r *run) paused(ctx context.Context, i ledger.Intent) error {
	if i.Phase != ledger.PhaseFence || r.state.Lost != "" {
		return nil
	}
	since := r.state.Fenced
	if since.IsZero() { // in the notes of an earlier release
		since = r.state.Moved
	}
	pause, limit := r.now.Sub(since), r.maxPause()
	if pause <= limit {
		return nil
	}
	extended := r.state.Wish.ExtendPause == "true"
	still := r.now.Sub(r.state.Moved)
	if extended && still <= visibly {
		r.notice("writes are refused for %s, longer than dr.maxWritePause (%s); -c extendPause=true lets the switch go on while it advances", pause.Round(time.Second), limit)
		return nil
	}
	where := r.state.Markers["fence"]
	if r.state.Final {
		where = r.state.Markers["restore"]
	}
	hint := "run the command again: what is restored stays, and a recovery point of now makes the next pause shorter. If the restore or the snapshot needs the time, add -c extendPause=true or raise dr.maxWritePause"
	if extended {
		hint = "nothing has advanced for " + still.Round(time.Second).String() + ". See the controllers of both Regions by `osdr status`, then run the command again"
	}
	err := r.giveUp(ctx, &i, refuse("%s has refused writes for %s, and dr.maxWritePause is %s (%s): the switch is given up and writes go on there. Nothing is lost; %s",
		r.led.ActiveRegion, pause.Round(time.Second), limit, where, hint))
	// The active side lifts the fence in its next minute; asked, it does so at once.
	if _, nerr := r.nudge(ctx); nerr != nil {
		r.notice("%s could not be asked to lift its fence at once: %v", r.other(), nerr)
	}
	return err
}
