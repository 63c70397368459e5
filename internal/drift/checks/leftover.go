package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

const (
	// settles is how long the controllers may take to clear up after a switch.
	settles = 5 * time.Minute
	// longestLease: no run holds one for longer, since Lambda ends it.
	longestLease = 30 * time.Minute
)

func (f *Facts) leftoverChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "leftover.intent", Title: "no mark of a switch is left over", Scope: drift.Once,
			Why:  "gates and other switches refuse while one stands; the active side lifts its fence only after it (H3)",
			Find: f.leftIntent,
		},
		{
			ID: "leftover.fence", Title: "no fence stands without a switch", Scope: drift.EachRegion,
			Why:  "writes are refused, or indexes are not made, and nobody is at work who would end that",
			Find: f.leftFence,
		},
		{
			ID: "leftover.pin", Title: "no recovery point is pinned without a restore", Scope: drift.EachRegion,
			Why:  "it cannot be pruned while it is (H17)",
			Find: f.leftPin,
		},
		{
			ID: "leftover.lease", Title: "no run holds its lease for ever", Scope: drift.EachRegion,
			Why:  "nobody else may work on the domain while it does (X5)",
			Find: f.leftLease,
		},
	}
}

func (f *Facts) leftIntent(ctx context.Context, _ string) ([]drift.Finding, error) {
	i, live, now, err := f.intent(ctx)
	if err != nil || i == nil {
		return nil, err
	}
	out := drift.Finding{Resource: i.Token, Expected: "no switch under way"}
	switch {
	case live:
		out.Kind = drift.Note
		out.Found = fmt.Sprintf("a switch to %s (request %s) until %s", i.To, i.RequestID, i.Expires.UTC().Format(time.RFC3339))
		out.Mend = "let it end: osdr status shows how far it is; or osdr abort"
	case now.Sub(i.Expires) < settles:
		return nil, nil
	default:
		out.Found = fmt.Sprintf("the mark of a switch to %s, over since %s", i.To, i.Expires.UTC().Format(time.RFC3339))
		out.Mend = "osdr abort"
	}
	return []drift.Finding{out}, nil
}

// leftFence: a superseded domain stays fenced until it is gone, which is right.
func (f *Facts) leftFence(ctx context.Context, region string) ([]drift.Finding, error) {
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	if _, live, _, err := f.intent(ctx); err != nil || live {
		return nil, err
	}
	b := f.Buckets[region]
	entries, err := get(ctx, f, func(ctx context.Context) ([]store.Entry, error) { return b.List(ctx, fence.Prefix) }, "fences", region)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	return all(entries, func(e store.Entry) ([]drift.Finding, error) {
		uuid := strings.TrimSuffix(strings.TrimPrefix(e.Key, fence.Prefix), ".json")
		rec, err := fence.Load(ctx, b, uuid)
		if err != nil || rec == nil || now.Sub(rec.Since) < settles {
			return nil, err
		}
		ours := uuid == led.ClusterUUID && region == led.ActiveRegion
		if !ours && rec.State != fence.Quiet {
			return nil, nil
		}
		return []drift.Finding{{
			Resource: "cluster " + uuid, Expected: "no fence: no switch is under way", Found: fmt.Sprintf("%s since %s, for %s", rec.State, rec.Since.UTC().Format(time.RFC3339), rec.Token),
			Mend: "the controller of " + region + " lifts it each minute, and tells why it could not: " + f.tick(region),
		}}, nil
	})
}

func (f *Facts) leftPin(ctx context.Context, region string) ([]drift.Finding, error) {
	pins, err := get(ctx, f, func(ctx context.Context) ([]point.Pin, error) { return point.Pinned(ctx, f.Buckets[region]) }, "pins", region)
	if err != nil || len(pins) == 0 {
		return nil, err
	}
	if _, live, _, err := f.intent(ctx); err != nil || live {
		return nil, err
	}
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	if f.App.Standby == contract.StandbyWarm && region != led.ActiveRegion {
		return nil, nil // a warm standby restores now and then, and pins what it does
	}
	var out []drift.Finding
	for _, p := range pins {
		if p.Kept() { // meant to stay: it has what a switch left behind
			continue
		}
		out = append(out, drift.Finding{
			Kind: drift.Note, Resource: "recovery point " + p.Point.String(), Expected: "no pin: no switch is under way", Found: fmt.Sprintf("pinned by %s until %s", p.Holder, p.Expires.UTC().Format(time.RFC3339)),
			Mend: "it ends by itself at that time",
		})
	}
	return out, nil
}

func (f *Facts) leftLease(ctx context.Context, region string) ([]drift.Finding, error) {
	b := f.Buckets[region]
	entries, err := get(ctx, f, func(ctx context.Context) ([]store.Entry, error) { return b.List(ctx, lease.Prefix) }, "leases", region)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return all(entries, func(e store.Entry) ([]drift.Finding, error) {
		o, err := b.Get(ctx, e.Key)
		if errors.Is(err, store.ErrAbsent) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var l struct {
			What, Holder   string
			Since, Expires time.Time
		}
		place := "s3://" + b.Name() + "/" + e.Key
		if err := json.Unmarshal(o.Body, &l); err != nil {
			return []drift.Finding{{Resource: place, Expected: "a lease", Found: err.Error(), Mend: aws(region, "s3 rm") + " " + place + ", while no run is under way"}}, nil //nolint:nilerr // what is no lease is the finding
		}
		if !l.Expires.After(o.Date) || l.Expires.Sub(o.Date) < longestLease && o.Date.Sub(l.Since) < longestLease {
			return nil, nil
		}
		return []drift.Finding{{
			Resource: place, Expected: "held for less than " + longestLease.String(), Found: fmt.Sprintf("%s holds it since %s until %s", l.Holder, l.Since.UTC().Format(time.RFC3339), l.Expires.UTC().Format(time.RFC3339)),
			Mend: "look whether that run is still at work; if not, " + aws(region, "s3 rm") + " " + place,
		}}, nil
	})
}
