package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// salvageFence begins the token of a fence that is up for a salvage.
const salvageFence = "salvage-g"

// saved are whole points of this domain that may cover what is in it: the newest
// one, and salvage, in
// the other Region's bucket (rule (b)).
func (r *run) saved(ctx context.Context) ([]point.Point, error) {
	if r.view.Other.Answer == ledger.Unreachable || r.ours {
		return nil, nil
	}
	out, err := point.WholeOnes(ctx, r.Other, savedAtMost, func(p point.Point) bool { return p.ClusterUUID == r.uuidIs })
	if err != nil {
		return nil, fmt.Errorf("look for the salvage of cluster %s: %w", r.uuidIs, err)
	}
	return out, nil
}

// savedAtMost so many points are read, the newest regular one and all salvage before
// it: an index that a newer one left out may be covered by an older one.
const savedAtMost = 16

// untenured: nothing says that this cluster ever was the active one, neither a ledger
// or a recovery point that can be read, nor a fence that only a domain gets that was.
func (r *run) untenured(rec *fence.Record) bool {
	return r.claimed && len(r.unread) == 0 && r.uuidIs != "" && !r.tenured(r.uuidIs) && !was(rec)
}

// was active, as the fence says: that of a standby or of a salvage alone is up in any
// domain.
func was(rec *fence.Record) bool {
	return rec != nil && rec.State != fence.Quiet && !strings.HasPrefix(rec.Token, standbyFence) && !strings.HasPrefix(rec.Token, salvageFence)
}

// replaceable: what the service made here by itself makes way for what is restored,
// though nothing has it. A switch that reaches the other Region's bucket saves it
// first, as everything else (H61, decision 0013).
func (r *run) replaceable(rec *fence.Record) bool {
	return (r.copying || r.view.Other.Answer == ledger.Unreachable) && r.untenured(rec)
}

// onlyHere lists what stands here and is only here: neither restored by us, nor
// saved, nor empty, nor the service's own where that is replaceable. Those that may stay are left out: a restore that would go over
// one of them asks the rule of destruction itself.
func (r *run) onlyHere(ctx context.Context, dom domain.Recovery, rec *fence.Record, stay []string, replaceable bool) ([]string, error) {
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return nil, err
	}
	var saved []point.Point
	if !r.copying {
		if saved, err = r.saved(ctx); err != nil {
			return nil, err
		}
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return nil, err
	}
	have := guarded(rec)(all)
	j.Adopt(have)
	have = slices.DeleteFunc(have, func(i opensearch.Index) bool { return slices.Contains(stay, i.Name) })
	out := r.forbidden(have, j, saved, replaceable)
	if r.copying { // nearly every minute all is ours, and the other Region is asked for nothing
		if r.ours = len(out) == 0; r.ours {
			return nil, nil
		}
		if saved, err = r.saved(ctx); err != nil {
			return nil, err
		}
		out = r.forbidden(have, j, saved, replaceable)
	}
	return out, nil
}

// forbidden by the rule of destruction, of what stands there.
func (r *run) forbidden(have []opensearch.Index, j restore.Journal, saved []point.Point, replaceable bool) []string {
	var out []string
	for _, i := range have {
		switch why, err := destruction.Why(i, j.Mine(i.Name), saved, replaceable); {
		case err != nil:
			out = append(out, err.Error())
		case why == destruction.OfTheService:
			r.notice("index %s (%s) is in no recovery point and is given up with its %d documents: %s", i.Name, i.UUID, i.Documents, why)
		}
	}
	return out
}

// rescued: what stands here and is only here is saved before anything is restored
// over it (H1, C2). If this domain is the one that the lost one was promoted from,
// and no point of that tenure came, its own content is what goes on (H11).
func (r *run) rescued(ctx context.Context) error {
	if !r.switching() || r.state.Own || r.state.Wish.AbandonDomain == r.uuidIs {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	names, err := r.onlyHere(ctx, dom, rec, slices.Concat(r.accepted(), names(r.state.Wish.Without)), r.replaceable(rec))
	if err != nil || len(names) == 0 && r.uuidIs != r.led.PromotedFrom {
		return err
	}
	if r.uuidIs == r.led.PromotedFrom && r.state.Target == nil {
		_, ok, err := r.choose(ctx, dom, anyPoint)
		if err != nil {
			return err
		}
		if !ok {
			if err := r.decide(ctx); err != nil {
				return err
			}
			over, err := r.overwritten(ctx)
			if err != nil {
				return err
			}
			if r.state.Lost != "" && !over {
				r.state.Own, r.state.Since = true, r.led.Since
				r.notice("no recovery point of generation %d came here: cluster %s, from which it was promoted, goes on with its own content (H11)", r.led.Generation, r.uuidIs)
				return r.saveState(ctx)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return r.salvage(ctx, dom, rec, names)
}

// overwritten: a restore over what this domain had has begun, of a warm standby or
// of an earlier switch. Then it is no longer its own content that stands here. As
// long as the other Region does not count as lost nobody asks.
func (r *run) overwritten(ctx context.Context) (bool, error) {
	if r.state.Lost == "" {
		return false, nil
	}
	if _, restored, err := restore.LoadJournal(ctx, r.Own, r.uuidIs); err != nil || restored {
		return restored, err
	}
	notes, _, err := r.standbyNotes(ctx)
	return notes != nil && notes.Token == r.standbyToken(r.uuidIs) && (notes.Target != nil || notes.Copy != nil), err
}

// salvage point of this Region's domain, in the other Region's bucket.
func (r *run) salvage(ctx context.Context, dom domain.Recovery, rec *fence.Record, names []string) error {
	what := strings.Join(first(names, 5), "; ")
	if r.copying {
		if err := r.saveable(ctx, dom, what); err != nil {
			return err
		}
	}
	if r.view.Other.Answer == ledger.Unreachable {
		return r.giveUp(ctx, r.intent, refuse("the domain in %s, cluster %s, holds what is saved nowhere and the bucket of %s does not answer: %s. Wait for that bucket, or delete those indexes, or give some up by -c acceptUnverified=<index,...>, which replaces an index by its copy and lets one stay that is not in the recovery point, or let one stay and leave behind what the recovery point has under its name by -c without=<index,...>, or give all of them up by -c abandonDomain=%s; then run the command again",
			r.Region, r.uuidIs, r.other(), what, r.uuidIs))
	}
	f := r.fence(dom)
	p, waiting, err := r.save(ctx, f, dom, rec)
	if err != nil {
		return err
	}
	if waiting != "" {
		return wait("the salvage of cluster %s before anything is restored over it: %s", r.uuidIs, waiting)
	}
	r.notice("salvage of cluster %s: recovery point %s in %s", r.uuidIs, p.ID, r.Other.Name())
	return nil
}

// save fences this Region's domain, for good, and takes a point that holds it
// exactly, always (C7).
func (r *run) save(ctx context.Context, f fence.Fence, dom domain.Recovery, rec *fence.Record) (point.Point, string, error) {
	token := fmt.Sprintf("%s%d", salvageFence, r.led.Generation)
	if rec != nil && rec.State != fence.Quiet && rec.State != fence.Lifting {
		token = rec.Token // it stands already, whatever for
	}
	f.Enough = true
	rec, waiting, err := f.Raise(ctx, rec, r.uuidIs, token, r.now)
	if rec != nil {
		r.tellOdd(rec)
	}
	if err != nil || waiting != "" {
		return point.Point{}, waiting, err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return point.Point{}, "", err
	}
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return point.Point{}, "", err
	}
	have := guarded(rec)(all)
	j.Adopt(have)
	// Our own copies that are red, since their restore runs or failed, are in another
	// recovery point: nobody misses them here (H60).
	unfinished := func(i opensearch.Index) bool {
		why, err := destruction.Why(i, j.Mine(i.Name), nil, false)
		return i.Health == opensearch.Red && err == nil && why == destruction.OurCopy
	}
	missed := snapshot.Red(slices.DeleteFunc(slices.Clone(have), unfinished))
	have = slices.DeleteFunc(have, unfinished)
	covers := func(p point.Point) bool {
		return !slices.ContainsFunc(have, func(i opensearch.Index) bool { return !destruction.Covers(p, i) })
	}
	d := r.Snapshot
	d.Holder = r.Holder
	t, err := snapshot.Take(ctx, d, snapshot.Special{
		Kind: point.KindSalvage, Token: fmt.Sprintf("g%d", r.led.Generation), ClusterUUID: r.uuidIs, Ledger: r.led, Good: covers,
		Spared: func(name string) bool { return !slices.Contains(missed, name) },
	})
	r.status.Notices = append(r.status.Notices, t.Notices...)
	if err != nil {
		return point.Point{}, "", err
	}
	if t.Point == nil {
		return point.Point{}, t.Waiting, nil
	}
	return *t.Point, "", nil
}
