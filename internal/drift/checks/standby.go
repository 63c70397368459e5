package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

func (f *Facts) standbyChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "standby.copy", Title: "a warm standby is a copy of a recent recovery point", Scope: drift.Standby, Limit: f.limit(),
			Why:  "a failover restores what it lacks, and takes that much longer",
			Find: f.standbyCopy,
		},
	}
}

// standbyCopy goes by what the standby's controller notes each minute. One that is
// copied for the first time, or again after a switch, has the objective's time.
func (f *Facts) standbyCopy(ctx context.Context, region string) ([]drift.Finding, error) {
	if f.App.Standby != contract.StandbyWarm {
		return nil, nil
	}
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	i, err := f.look(ctx, region)
	if err != nil || i == nil {
		return nil, err
	}
	if why := i.Failed[contract.PartStandby]; why != "" {
		return nil, errors.New(why)
	}
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	s := i.Standby
	if s == nil {
		s = &contract.StandbyStatus{WaitingFor: "its controller's first run as a standby"}
	}
	late := f.App.CopyMayLag()
	out := drift.Finding{
		Resource: "domain " + f.names().Domain(), Expected: "a copy of a recovery point that began at most " + late.String() + " before the newest",
		Mend: "osdr status tells how far it is; the log " + f.names().FunctionLogGroup(contract.Recovery) + " in " + region + " why it is no further",
	}
	behind := time.Duration(s.BehindSeconds) * time.Second
	switch {
	case s.Hindrance != "":
		out.Found, out.Mend = s.Hindrance, "settle that in the domain of "+region+"; its controller goes on within a minute"
	case s.Copy == "":
		out.Found = "no copy yet: " + s.Doing()
		begun := led.Since
		if s.Since.After(begun) { // dr.standby has become warm since
			begun = s.Since
		}
		if now.Sub(begun) <= late {
			out.Kind = drift.Note
		}
	case behind > late:
		out.Found = fmt.Sprintf("a copy of %s, %s behind %s: %s", s.Copy, behind, s.Newest, s.Doing())
	default:
		return nil, nil
	}
	return []drift.Finding{out}, nil
}
