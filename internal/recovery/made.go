package recovery

import (
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// asking is when this switch was asked for: the time that the command gave, which
// is before its domain was made, or now. It decides nothing, so that the clock of
// whoever typed it is good enough.
func (r *run) asking() time.Time {
	if at, err := time.Parse(time.RFC3339, r.req.Wish.AskedAt); err == nil && at.Before(r.now) {
		return at.UTC()
	}
	return r.now
}

// lastSwitch that made this Region the active one, as its notes tell; nil where
// they do not. They outlive the name of a cluster that is adopted (H13), and are
// written over by the next switch to this Region only.
func (r *run) lastSwitch() *contract.LastSwitch {
	s := r.state
	if !r.active() || s == nil || s.Token != r.led.Token && s.Ended.IsZero() {
		return nil
	}
	out := &contract.LastSwitch{Kind: contract.SwitchPlanned, From: s.From, To: r.Region, Generation: s.Generation + 1, At: s.ClaimAt, Loss: s.Loss}
	switch {
	case s.From == r.Region:
		out.Kind = contract.SwitchRebuild
	case s.Lost != "":
		out.Kind = contract.SwitchFailover
	}
	if out.At.IsZero() && s.Token == r.led.Token {
		out.At = r.led.Since
	}
	if !s.Asked.IsZero() && s.Ended.After(s.Asked) {
		out.Seconds = int64(s.Ended.Sub(s.Asked).Seconds())
	}
	return out
}
