// Package change refuses a change of the templates that would remove or replace
// what cannot be made again: a domain, a bucket, a key, a role, or a stack that
// holds one (F2). What it lets pass takes none of these away, but the one domain
// whose removal the flag asks for, behind its gate; that one it names.
//
// It compares two sets of templates and asks AWS nothing, so that a pull request
// can be checked without credentials. CloudFormation itself has the last word;
// this is to hear it before the merge and not in the middle of a deployment.
package change

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/template"
)

// Side of a comparison.
type Side struct {
	From   string // what it was read from, for people
	Stacks []template.Stack
	// Failed to read, by Region: what stands there is not known.
	Failed map[string]error
}

// Change of the templates from what stands to what shall be.
type Change struct{ Before, After Side }

// Of is the subject of a run's report.
var Of = drift.Subject{
	Tool: "osdr change", Docs: "docs/pipelines/change.md",
	Words: map[string]string{string(drift.Drift): "refused", drift.InSync: "accepted"},
}

// Checks of the change. They look things up in nothing but the two sides.
func (c Change) Checks() []drift.Check {
	check := func(id, title, why string, find func(before, after template.Stack) []drift.Finding) drift.Check {
		return drift.Check{ID: id, Title: title, Why: why, Scope: drift.Everywhere, Find: c.pairs(find)}
	}
	return []drift.Check{
		{
			ID: "change.stack", Title: "each stack that holds a domain, a bucket, a key or a role stays where it is", Scope: drift.Everywhere,
			Why: "what such a stack holds is left to nobody: no deployment protects it, mends it or finds it again", Find: c.stacks,
		},
		check("change.removed", "no domain, bucket, key or role leaves its stack",
			"what they hold, or give access to, is gone with them or out of reach for a failover", c.removed),
		check("change.replaced", "no domain, bucket, key or role is made anew",
			"a replacement is empty: the documents, recovery points or data keys of the old one do not come with it (F2)", replaced),
		check("change.policy", "what CloudFormation keeps on a deletion or replacement, it goes on keeping",
			"these policies are what stands between a later mistake and the data (F2, X2)", policies),
		check("change.protection", "termination protection stays",
			"without it one delete-stack takes the domain, or all that must exist before a disaster", protection),
		check("change.gate", "the gate before a domain's removal stays",
			"without it CloudFormation deletes a domain whose documents no recovery point has (G3)", gate),
	}
}

// Regions that either side has stacks in.
func (c Change) Regions() drift.Regions {
	var r drift.Regions
	for _, s := range slices.Concat(c.Before.Stacks, c.After.Stacks) {
		if !slices.Contains(r.Pair, s.Region) {
			r.Pair = append(r.Pair, s.Region)
		}
	}
	for region := range c.Before.Failed {
		if !slices.Contains(r.Pair, region) {
			r.Pair = append(r.Pair, region)
		}
	}
	slices.Sort(r.Pair)
	if len(r.Pair) > 0 {
		r.Control = r.Pair[0]
	}
	return r
}

// ErrNothing says that there is nothing to compare with.
var ErrNothing = errors.New("no stack on either side")

// Run the checks.
func (c Change) Run(ctx context.Context, o drift.Options) (drift.Report, error) {
	at := c.Regions()
	if len(at.Pair) == 0 {
		return drift.Report{}, fmt.Errorf("compare %s with %s: %w; run cdk synth, or give --cdk-out", c.After.From, c.Before.From, ErrNothing)
	}
	r, err := drift.Run(ctx, c.Checks(), at, o)
	if err != nil {
		return r, err
	}
	if len(c.Before.Stacks) == 0 && len(c.Before.Failed) == 0 {
		r.Counts.Notes++
		r.Findings = append(r.Findings, drift.Finding{
			Check: "change.stack", Kind: drift.Note, Where: drift.Global, Found: "no stack of it is in " + c.Before.From + ": all is new",
			Why: "a change of dr.name or dr.account looks like this, too", Mend: "nothing, if this is the first deployment",
		})
	}
	r.Of = Of
	r.Templates = c.After.From + " against " + c.Before.From
	return r, nil
}

// pairs of one stack before and after, in a Region.
func (c Change) pairs(find func(before, after template.Stack) []drift.Finding) func(context.Context, string) ([]drift.Finding, error) {
	return func(_ context.Context, region string) ([]drift.Finding, error) {
		var out []drift.Finding
		for _, before := range c.Before.Stacks {
			if after := c.After.stack(before.Name, region); after != nil && before.Region == region {
				out = append(out, find(before, *after)...)
			}
		}
		return out, c.Before.Failed[region]
	}
}

func (s Side) stack(name, region string) *template.Stack {
	for i := range s.Stacks {
		if s.Stacks[i].Name == name && s.Stacks[i].Region == region {
			return &s.Stacks[i]
		}
	}
	return nil
}

func resource(s template.Stack, id string) *template.Resource {
	for i := range s.Resources {
		if s.Resources[i].ID == id {
			return &s.Resources[i]
		}
	}
	return nil
}
