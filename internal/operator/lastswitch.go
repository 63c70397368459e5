package operator

import (
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// LastSwitch is the last time that this installation proved its recovery: the
// switch that made the active Region so.
type LastSwitch struct {
	// Kind is "planned", "failover" or "rebuild", as contract has them; "never", or
	// "unknown" where the active Region's controller does not tell.
	Kind       string    `json:"kind"`
	From       string    `json:"from,omitempty"`
	To         string    `json:"to,omitempty"`
	Generation int64     `json:"generation,omitempty"` // that it made
	At         time.Time `json:"at,omitzero"`
	Seconds    int64     `json:"seconds,omitempty"` // from the command until writes were let in; left out where it is not known
	// Loss window of a failover: what was acknowledged in it was given up, but for
	// what a salvage has.
	LossSince   time.Time `json:"lossSince,omitzero"`
	LossSeconds int64     `json:"lossSeconds,omitempty"`
	Why         string    `json:"why,omitempty"` // it is not known
}

// Kinds that no controller tells.
const (
	switchNever   = "never"
	switchUnknown = "unknown"
)

// lastSwitch as the active Region tells it. A ledger alone says when its
// generation began, not how: a cluster that got another name makes one, too (H13).
func lastSwitch(f *InForce, active Region) *LastSwitch {
	switch {
	case f == nil:
		return nil
	case active.status != nil && active.status.LastSwitch != nil:
		l := active.status.LastSwitch
		out := &LastSwitch{Kind: l.Kind, From: l.From, To: l.To, Generation: l.Generation, At: l.At.UTC(), Seconds: l.Seconds}
		if l.Loss != nil {
			out.LossSince, out.LossSeconds = l.Loss.Since.UTC(), l.Loss.Seconds
		}
		return out
	case f.Generation == 1:
		return &LastSwitch{Kind: switchNever}
	}
	why := "its controller has no notes of a switch"
	if active.ControllerError != "" {
		why = "its controller does not tell: " + active.ControllerError
	}
	return &LastSwitch{Kind: switchUnknown, To: f.ActiveRegion, Generation: f.Generation, At: f.Since, Why: why}
}

func (l *LastSwitch) line(now time.Time) string {
	out := "last drill: "
	switch l.Kind {
	case switchNever:
		return out + "never: no switch has been made yet; `osdr plan --planned` says what one would do"
	case switchUnknown:
		return out + fmt.Sprintf("not known: generation %d is in force in %s for %s, and %s", l.Generation, l.To, short(now.Sub(l.At)), l.Why)
	case contract.SwitchPlanned:
		out += fmt.Sprintf("a planned switch from %s to %s", l.From, l.To)
	case contract.SwitchRebuild:
		out += fmt.Sprintf("the domain of %s was made again and restored", l.To)
	default:
		out += fmt.Sprintf("a %s from %s to %s", l.Kind, l.From, l.To)
	}
	if !l.At.IsZero() {
		out += fmt.Sprintf(", %s ago", short(now.Sub(l.At)))
	}
	if l.Seconds > 0 {
		out += ", took " + short(time.Duration(l.Seconds)*time.Second)
	}
	switch {
	case l.Kind == contract.SwitchPlanned:
		out += ", nothing lost"
	case !l.LossSince.IsZero():
		out += fmt.Sprintf(", gave up what came in the last %s", short(time.Duration(l.LossSeconds)*time.Second))
	}
	return out
}
