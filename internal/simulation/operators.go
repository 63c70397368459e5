package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// command is one `cdk deploy --all` with its flags.
type command struct {
	active      string // -c activeRegion; empty: cdk.json's
	switchFrom  string
	unreachable string
	abandon     string
	extend      bool // -c extendPause=true
	stopAfter   int  // stacks; 0: none
	cancel      bool
}

func (c command) String() string {
	s := "cdk deploy --all"
	for _, f := range []struct{ name, value string }{{"activeRegion", c.active}, {"switchFrom", c.switchFrom}, {"unreachableRegion", c.unreachable}, {"abandonDomain", c.abandon}} {
		if f.value != "" {
			s += " -c " + f.name + "=" + f.value
		}
	}
	if c.extend {
		s += " -c extendPause=true"
	}
	if c.stopAfter > 0 {
		s += fmt.Sprintf(" (stopped after %d stacks)", c.stopAfter)
	}
	if c.cancel {
		s += " (update cancelled)"
	}
	return s
}

// run a command to its end, as the CLI does: one stack after the other, and none
// after one that failed.
func (w *world) cdk(p *process, c command) error {
	w.log.add(w.now, p, c.String(), nil)
	err := w.commanded(p, c)
	w.log.add(w.now, p, "ends: "+c.String(), err)
	return err
}

func (w *world) commanded(p *process, c command) error {
	active := c.active
	if active == "" {
		active = w.cdkJSON
	}
	if active != w.cdkJSON || c.switchFrom != "" && c.switchFrom == fmt.Sprint(w.top) {
		w.meant[active] = w.top
	}
	other := w.other(active)
	wish := func(region string) *contract.WishProperties {
		p := &contract.WishProperties{
			Region: region, ActiveRegion: active, Explicit: fmt.Sprint(active != w.cdkJSON), SwitchFrom: c.switchFrom, UnreachableRegion: c.unreachable,
		}
		if c.extend {
			p.ExtendPause = "true"
		}
		return p
	}
	asked := ""
	if active != w.cdkJSON || c.unreachable != "" || c.switchFrom != "" {
		asked = w.now.Format(time.RFC3339)
	}
	domain := func(region string) template {
		t := template{domain: region == active || w.warm, schedule: region == active, gate: wish(region)}
		t.gate.AbandonDomain, t.gate.DomainWanted = c.abandon, fmt.Sprint(t.domain)
		if t.domain {
			t.meant = wish(region)
		}
		return t
	}
	recovery := func(region string) template {
		var t template
		if region == active {
			t.promotion = wish(region)
			t.promotion.AskedAt = asked
		}
		return t
	}
	n := w.settings.Names()
	type item struct {
		name, region string
		to           template
	}
	control := w.settings.ControlRegion
	all := []item{
		{n.FoundationStack(active), active, template{bucket: true}},
		{n.DomainStack(active), active, domain(active)},
		{n.RecoveryStack(active), active, recovery(active)},
		{n.TrafficStack(), control, template{traffic: &contract.TrafficProperties{ActiveRegion: active, AskedAt: asked}}},
		{n.FoundationStack(other), other, template{bucket: true}},
		{n.DomainStack(other), other, domain(other)},
		{n.RecoveryStack(other), other, recovery(other)},
	}
	for _, i := range all { // the CLI builds the assets of all stacks first (H18)
		if i.region != c.unreachable && w.reachable("", target{i.region, "control"}) != nil {
			return fmt.Errorf("%s: CloudFormation of %s does not answer", i.name, i.region)
		}
	}
	count := 0
	for _, i := range all {
		if i.region == c.unreachable {
			continue
		}
		if c.stopAfter > 0 && count == c.stopAfter {
			return errors.New("stopped by its operator")
		}
		s := w.stack(i.name, i.region)
		if c.cancel {
			w.at(time.Duration(w.random.IntN(300))*time.Second, func() {
				if s.busy && s.status == "UPDATE_IN_PROGRESS" {
					s.cancelled = true
				}
			})
		}
		if err := w.deploy(p, s, i.to); err != nil {
			return err
		}
		count++
	}
	return nil
}
