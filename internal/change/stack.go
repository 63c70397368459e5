package change

import (
	"context"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/template"
)

// stacks that are gone or stand elsewhere. A Region that the operator calls
// unreachable is left out of the synth on purpose.
func (c Change) stacks(_ context.Context, region string) ([]drift.Finding, error) {
	var out []drift.Finding
	for _, before := range c.Before.Stacks {
		if before.Region != region || len(held(before)) == 0 {
			continue
		}
		after := c.After.stack(before.Name, region)
		if after != nil && after.Account == before.Account {
			continue
		}
		holds := make([]string, 0, len(held(before)))
		for _, r := range held(before) {
			holds = append(holds, called(r))
		}
		f := drift.Finding{Resource: before.Name, Expected: fmt.Sprintf("a stack in %s of account %s; it holds %s", region, before.Account, some(holds))}
		elsewhere := c.After.elsewhere(before)
		switch {
		case after != nil:
			f.Found, f.Mend = "it is meant for account "+after.Account, "set dr.account back; another account is another installation"
		case c.After.unreachable() == region:
			f.Kind, f.Found = drift.Note, "left out, as it is meant: -c unreachableRegion="+region
			f.Why, f.Mend = "a deployment touches nothing of that Region then", "nothing; a later deployment without the flag has it again"
		case elsewhere != nil:
			f.Found = "it moves to " + elsewhere.Region + ". CloudFormation makes it there and leaves the old one standing"
			f.Mend = "set the Region back (dr.primaryRegion, dr.secondaryRegion, dr.controlRegion). If it is meant: delete the old stack by hand in the same change, and except this in " + IgnoreFile
		default:
			f.Found = "no template is made for it any more. `cdk deploy --all` leaves it standing, and nothing looks after it"
			f.Mend = "make it again; dr.name and the Regions are the installation's identity and never change"
		}
		out = append(out, f)
	}
	return out, c.Before.Failed[region]
}

// elsewhere of the same name.
func (s Side) elsewhere(was template.Stack) *template.Stack {
	for i := range s.Stacks {
		if s.Stacks[i].Name == was.Name && s.Stacks[i].Region != was.Region {
			return &s.Stacks[i]
		}
	}
	return nil
}

// unreachable Region, as the questions of these templates state it.
func (s Side) unreachable() string {
	for _, stack := range s.Stacks {
		for _, r := range stack.Resources {
			if strings.HasPrefix(r.Type, "Custom::") && r.Text("UnreachableRegion") != "" {
				return r.Text("UnreachableRegion")
			}
		}
	}
	return ""
}

// some of a list, for a line.
func some(items []string) string {
	const shown = 3
	if len(items) <= shown {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:shown], ", "), len(items)-shown)
}
