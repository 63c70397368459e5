package change

import (
	"fmt"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/template"
)

// removed finds what leaves a stack that stays.
func (c Change) removed(before, after template.Stack) []drift.Finding {
	var out []drift.Finding
	for _, was := range held(before) {
		is := resource(after, was.ID)
		switch {
		case is == nil && was.Type == domainType:
			if why := standDown(before, after); why != "" {
				out = append(out, drift.Finding{
					Kind: drift.Note, Resource: at(before, was.ID),
					Found: fmt.Sprintf("%s goes, as it is meant: %s", called(was), why),
					Why:   "its gate asks first: it saves what no recovery point has and refuses while that cannot be done (G3)",
					Mend:  "nothing, if it is meant; docs/runbooks/stand-down.md tells what happens",
				})
				continue
			}
			out = append(out, c.gone(before, was))
		case is == nil:
			out = append(out, c.gone(before, was))
		case is.Condition != was.Condition:
			out = append(out, drift.Finding{
				Kind: drift.Unknown, Resource: at(before, was.ID), Expected: fmt.Sprintf("%s stands under condition %q", called(was), was.Condition),
				Found: fmt.Sprintf("under condition %q", is.Condition), Mend: "take the condition away: whether it holds is only known in the deployment",
			})
		}
	}
	return out
}

// gone resource, and where it went if it can be told.
func (c Change) gone(from template.Stack, was template.Resource) drift.Finding {
	f := drift.Finding{Resource: at(from, was.ID), Expected: called(was) + " stays, as " + was.Type + " " + was.ID}
	name := was.Text(template.Named(was.Type))
	for _, s := range c.After.Stacks {
		for _, r := range s.Resources {
			if r.Type != was.Type || name == "" || r.Text(template.Named(r.Type)) != name || s.Region != from.Region {
				continue
			}
			if s.Name == from.Name {
				f.Found = "its logical id becomes " + r.ID
				f.Mend = fmt.Sprintf("give the construct its old id, or OverrideLogicalId(%q). CloudFormation makes %s first, which fails as the name is taken", was.ID, r.ID)
			} else {
				f.Found = "it moves to " + at(s, r.ID)
				f.Mend = "leave it in " + from.Name + "; to move it all the same use `cdk refactor`, which keeps the resource itself"
			}
			return f
		}
	}
	switch {
	case keeps(was.OnDelete) > 0:
		f.Found = "it leaves the stack. CloudFormation keeps it (" + was.OnDelete + ") and forgets it: nobody manages it then"
		if name != "" {
			f.Found += ", and its name is taken"
		}
	default:
		f.Found = "it is deleted, at the end of the deployment"
	}
	f.Mend = "leave it in the template. If it is meant: take a recovery point first, and except it in " + IgnoreFile + " with a reason and a date"
	if was.Type == domainType {
		f.Mend = "a domain goes by the flag alone, never out of the code: activeRegion and dr.standby say which Region has one"
	}
	return f
}

// standDown tells why a domain's removal is meant: the gate stays, is told that
// no domain is wanted any more, and the flag has moved. Empty: it is not.
func standDown(before, after template.Stack) string {
	was, is := gates(before), gates(after)
	if len(was) != 1 || len(is) != 1 {
		return ""
	}
	from, to := was[0], is[0]
	if to.Text("DomainWanted") != "false" || from.Text("DomainWanted") != "true" || to.Text("ServiceToken") != from.Text("ServiceToken") {
		return ""
	}
	active, was0 := to.Text("ActiveRegion"), from.Text("ActiveRegion")
	switch {
	case active == "" || active == after.Region:
		return "" // the active Region always has its domain
	case was0 != active:
		return fmt.Sprintf("activeRegion goes from %s to %s, and the other Region is cold", was0, active)
	case was0 == active:
		return "dr.standby goes from warm to cold"
	}
	return ""
}
