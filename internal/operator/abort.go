package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
)

// Abort of a switch that is under way.
type Abort struct {
	Switch *Switch  `json:"switch,omitempty"` // nil: there is none
	Active string   `json:"activeRegion,omitempty"`
	Steps  []string `json:"steps,omitempty"`
	// Confirm is what --confirm must say: it names this one switch, so that a
	// command from an hour ago ends no other.
	Confirm string   `json:"confirm,omitempty"`
	Done    bool     `json:"done"`
	Notices []string `json:"notices,omitempty"`
}

// confirmLength of the token's beginning.
const confirmLength = 8

// PlanAbort says what an abort of now would do.
func (o *Operator) PlanAbort(ctx context.Context) (Abort, error) {
	readings, now := o.ledgers(ctx)
	led, ok, err := o.inForce(readings, nil)
	if err != nil {
		return Abort{}, fmt.Errorf("abort: %w", err)
	}
	a := Abort{Active: led.ActiveRegion, Switch: switchOf(led.Intent, now, nil)}
	if !ok || a.Switch == nil {
		a.Done = true
		a.Notices = []string{"no switch is under way"}
		return a, nil
	}
	a.Confirm = a.Switch.Token[:min(confirmLength, len(a.Switch.Token))]
	to := a.Switch.To
	a.Steps = []string{
		fmt.Sprintf("the mark of the switch to %s (request %s) is taken out of the ledgers, that of %s first: from then on nobody can claim by it", to, a.Switch.RequestID, a.Active),
		fmt.Sprintf("then the fence of %s, if there is one, is lifted: it takes writes again", a.Active),
		fmt.Sprintf("what was restored in %s stays there under its write block; a later switch goes on from it", to),
		"a deployment that waits for the switch fails and rolls back, which changes nothing; no document is lost",
	}
	for _, region := range o.App.Regions() {
		if r := readings[region]; away(r) {
			a.Notices = append(a.Notices, fmt.Sprintf("the ledger of %s does not answer (%s); a mark there is over at %s by itself", region, o.brief(r.Err), clock(a.Switch.Expires)))
		}
	}
	return a, nil
}

// An abort changes a domain, so its answer takes longer than that of a look; and
// a controller that is at work is asked again. In multiples of Timeout.
const (
	answerIn = 6
	patience = 18
	pause    = 3 * time.Second
)

// Abort the switch with this token: the active side's controller first, which
// removes the mark and then lifts (H3). What came of it is read back from the
// ledgers, not taken from anybody's word.
func (o *Operator) Abort(ctx context.Context, a Abort) (Abort, error) {
	var failed []error
	for _, region := range []string{a.Active, o.App.Other(a.Active)} {
		notices, err := o.askToAbort(ctx, region, a.Switch.Token)
		a.Notices = append(a.Notices, notices...)
		if err != nil {
			failed = append(failed, err)
		}
	}
	readings, _ := o.ledgers(ctx)
	led, _, err := o.inForce(readings, nil)
	if err != nil {
		return a, fmt.Errorf("abort: read back: %w", errors.Join(append(failed, err)...))
	}
	if led.Token == a.Switch.Token {
		return a, fmt.Errorf("abort: too late: the switch was claimed, generation %d names %s; a switch back is `osdr plan --to %s`", led.Generation, led.ActiveRegion, a.Active)
	}
	for _, region := range o.App.Regions() {
		if r := readings[region]; r.Answer == ledger.Present && r.Ledger.Intent != nil && r.Ledger.Intent.Token == a.Switch.Token {
			return a, errors.Join(fmt.Errorf("abort: the switch is still marked in the ledger of %s, until %s at most; run it again", region, clock(r.Ledger.Intent.Expires)), errors.Join(failed...))
		}
	}
	for _, region := range o.App.Regions() {
		if r := readings[region]; away(r) {
			return a, errors.Join(fmt.Errorf("abort: the mark is gone where it could be reached; the ledger of %s does not answer, and if the switch is marked there, %s may go on with it until %s if it takes %s for lost: run it again when %s answers",
				region, a.Switch.To, clock(a.Switch.Expires), a.Active, region), errors.Join(failed...))
		}
	}
	if i := led.Intent; i != nil {
		return a, fmt.Errorf("abort: that switch is over, and another one is under way by now, to %s by request %s; it goes on. To end it run `osdr abort` again", i.To, i.RequestID)
	}
	for _, err := range failed { // the marks are gone, as far as anybody can see
		a.Notices = append(a.Notices, err.Error())
	}
	a.Done = true
	return a, nil
}

func (o *Operator) askToAbort(ctx context.Context, region, token string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience*o.Timeout)
	defer cancel()
	for {
		s, err := o.askOnce(ctx, region, token)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("the controller of %s: no answer within %s", region, answerIn*o.Timeout)
		case err != nil:
			return nil, fmt.Errorf("the controller of %s: %w", region, err)
		case s.Refusal != "":
			return s.Notices, fmt.Errorf("the controller of %s refuses: %s", region, s.Refusal)
		case s.WaitingFor == "":
			return s.Notices, nil
		}
		if err := o.Wait(ctx, pause); err != nil {
			return s.Notices, fmt.Errorf("the controller of %s waits for %s", region, strings.TrimSpace(s.WaitingFor))
		}
	}
}

// askOnce is bounded. A run that is still at work then goes on by itself.
func (o *Operator) askOnce(ctx context.Context, region, token string) (contract.RecoveryStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn*o.Timeout)
	defer cancel()
	return o.World.Controllers.Recovery(ctx, region, contract.RecoveryRequest{Action: contract.ActionAbort, Token: token})
}
