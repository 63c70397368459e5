package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/ledger"
)

// change by hand: what is done behind the product's back, and what osdr drift
// must say of it.
type change struct {
	id, where string
	resource  string // that the finding names, or a part of it
	does      string // for the table
	by        []string
	do        func(ctx context.Context) error // what no command line does
	// also are the ids that rightly tell of the same change: CloudFormation's own
	// detection sees some of them, and a right that is missing has more than one side.
	also []string
	// mend is the act where the finding's words hold no command that can be typed as
	// it is; act says which.
	mend func(ctx context.Context, f drift.Finding) error
	act  string
	// blinds is what other checks say that could not run because of the change.
	blinds []string
	// heals: the product puts it right each minute, so that it may be gone before
	// anybody has looked.
	heals bool
}

// drifts is the scenario's state.
type drifts struct {
	*World
	osdr, admin *osdr // the first with the drift role's credentials
	role        gateway.Identity
	table       []string
	first       ledger.Ledger   // before the switch
	left        map[string]bool // what a change that failed left behind
}

// one change: made by hand, found, mended as the finding says, gone.
func (d *drifts) one(ctx context.Context, c change) (string, error) {
	seen, err := d.seen(ctx, c)
	if err != nil {
		return "", err
	}
	f := seen.find(c.id, c.where, c.resource)
	told := errors.Join(seen.named(*f), d.validJUnit(ctx, seen.junit))
	if others := d.others(seen, c); len(others) > 0 {
		told = errors.Join(told, fmt.Errorf("beside %s it tells %s", c.id, strings.Join(others, "; ")))
	}
	// It is mended all the same: the next change is to be judged by itself.
	saw, err := d.mended(ctx, c, *f)
	return saw, errors.Join(told, err)
}

// mended as the finding says, and gone.
func (d *drifts) mended(ctx context.Context, c change, f drift.Finding) (string, error) {
	var err error
	mended := c.act
	if c.mend != nil {
		err = c.mend(ctx, f)
	} else {
		typed := commands(f.Mend)
		if len(typed) == 0 {
			return "", fmt.Errorf("the mend holds no command: %s", f.Mend)
		}
		mended = strings.Join(typed, " && ")
		err = d.carryOut(ctx, d.admin, regionOf(c, f), typed...)
	}
	if err != nil {
		return "", fmt.Errorf("mend it: %w", err)
	}
	if err := d.await(ctx, 100*time.Second, c.id+" to be gone", func() (bool, error) {
		args := []string{"--only", c.id}
		for _, id := range c.also {
			args = append(args, "--only", id)
		}
		now, err := d.osdr.drift(ctx, args...)
		if err != nil {
			return false, err
		}
		for _, f := range now.Findings {
			if f.Kind != drift.Note && !d.left[f.Check+f.Where+f.Resource] {
				return false, fmt.Errorf("%s %s %s: %s", f.Check, f.Where, f.Resource, f.Found)
			}
		}
		return true, nil
	}); err != nil {
		return "", fmt.Errorf("%s does not mend it: %w", mended, err)
	}
	d.table = append(d.table, fmt.Sprintf("| %s | `%s` | %s | %s |", c.does, c.id, c.where, clipped(mended)))
	return fmt.Sprintf("%s %s; %s", c.id, c.where, clipped(mended)), nil
}

// seen is the run that finds the change. What the product heals by itself is
// changed again when it was faster.
func (d *drifts) seen(ctx context.Context, c change) (drifted, error) {
	for try := 0; ; try++ {
		if err := d.carryOut(ctx, d.admin, c.where, c.by...); err != nil {
			return drifted{}, fmt.Errorf("make the change: %w", err)
		}
		if c.do != nil {
			if err := c.do(ctx); err != nil {
				return drifted{}, fmt.Errorf("make the change: %w", err)
			}
		}
		seen, err := d.osdr.drift(ctx)
		if err != nil {
			return seen, err
		}
		if f := seen.find(c.id, c.where, c.resource); f != nil && f.Kind == drift.Drift {
			return seen, nil
		}
		if !c.heals || try == 3 {
			return seen, fmt.Errorf("%s %s %s is not found; it tells %v", c.id, c.where, c.resource, seen.told())
		}
	}
}

// others that a run tells beside the change and what stood there before.
func (d *drifts) others(seen drifted, c change) []string {
	var out []string
	for _, f := range seen.Findings {
		if f.Kind == drift.Note || f.Check == c.id && f.Where == c.where || d.left[f.Check+f.Where+f.Resource] || slices.Contains(c.also, f.Check) ||
			f.Kind == drift.Unknown && slices.ContainsFunc(c.blinds, func(words string) bool { return strings.Contains(f.Found, words) }) {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s %s: %s", f.Check, f.Where, f.Resource, f.Found))
	}
	return out
}

func regionOf(c change, f drift.Finding) string {
	if f.Where == drift.Global {
		return Primary
	}
	return c.where
}

func clipped(s string) string {
	const most = 150
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
