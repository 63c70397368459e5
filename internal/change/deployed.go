package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

// Place of a stack.
type Place struct{ Region, Name string }

// Places where an installation may have a stack: by its names, so that one which
// left the templates is found, and wherever its traffic may have stood before.
func Places(n contract.Names, pair []string, control string, synthesized []template.Stack) []Place {
	var out []Place
	add := func(p Place) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, region := range pair {
		add(Place{region, n.FoundationStack(region)})
		add(Place{region, n.DomainStack(region)})
		add(Place{region, n.RecoveryStack(region)})
		add(Place{region, n.TrafficStack()})
	}
	add(Place{control, n.TrafficStack()})
	for _, s := range synthesized {
		add(Place{s.Region, s.Name})
	}
	return out
}

// Read what is deployed, all at once, each within limit.
func Read(ctx context.Context, aws reader.Stacks, account string, places []Place, limit time.Duration) Side {
	side := Side{From: "what is deployed", Failed: map[string]error{}}
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for _, p := range places {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			s, err := deployed(ctx, aws, account, p)
			if err != nil && ctx.Err() != nil {
				err = fmt.Errorf("%w within %s", drift.ErrNoAnswer, limit)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, drift.ErrNoAnswer) && errors.Is(side.Failed[p.Region], drift.ErrNoAnswer): // said once
			case err != nil:
				side.Failed[p.Region] = errors.Join(side.Failed[p.Region], err)
			case s != nil:
				side.Stacks = append(side.Stacks, *s)
			}
		})
	}
	all.Wait()
	slices.SortFunc(side.Stacks, func(a, b template.Stack) int { return strings.Compare(a.Region+a.Name, b.Region+b.Name) })
	return side
}

// deployed stack of a place; nil when there is none. A change set that was never
// executed leaves one without a template.
func deployed(ctx context.Context, aws reader.Stacks, account string, p Place) (*template.Stack, error) {
	have, err := aws.Stack(ctx, p.Region, p.Name)
	if err != nil || have == nil || have.Status == "REVIEW_IN_PROGRESS" || have.Status == "DELETE_COMPLETE" {
		return nil, err
	}
	body, err := aws.StackTemplate(ctx, p.Region, p.Name)
	if err != nil || body == nil {
		return nil, err
	}
	s, err := template.Parse(p.Name, account, p.Region, body)
	if err != nil {
		return nil, err
	}
	s.Protected = have.Protected
	return &s, nil
}

// Load a side from a folder that cdk synth wrote.
func Load(dir string) (Side, error) {
	a, err := template.Load(dir)
	if err != nil {
		return Side{}, err
	}
	return Side{From: dir, Stacks: a.Stacks}, nil
}

// Name of the installation, as its stacks have it.
func (s Side) Name() string {
	for _, stack := range s.Stacks {
		for _, kind := range []string{"-traffic", "-foundation-", "-domain-", "-recovery-"} {
			if name, _, ok := strings.Cut(stack.Name, kind); ok {
				return name
			}
		}
	}
	return ""
}
