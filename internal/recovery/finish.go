package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/route"
)

// finished: what the claim has decided is carried out in the domain: capsule,
// aliases, then writes. Any later run of the active side ends what a crash after
// the claim has left (H46).
func (r *run) finished(ctx context.Context) error {
	if !r.active() || r.led.ClusterUUID != r.uuidIs {
		return nil
	}
	if r.state == nil {
		if err := r.loadState(ctx); err != nil {
			return err
		}
	}
	if i := r.live(); i != nil && i.Phase == ledger.PhaseFence {
		return nil // the next switch has begun
	}
	j, restored, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	if restored || rec != nil {
		if err := r.sure(ctx, rec); err != nil {
			return err
		}
		dom, err := r.open(ctx)
		if err != nil {
			return err
		}
		if restored {
			if err := r.handOver(ctx, dom, j); err != nil {
				return err
			}
		}
		if rec != nil {
			if err := r.lift(ctx, dom, rec); err != nil {
				return err
			}
		}
	}
	r.recall()
	return r.tidy(ctx)
}

// recall what the switch to this domain cost and what follows from it: the waiter
// that asks may not be the run that ended it.
func (r *run) recall() {
	if r.state == nil || r.state.Token != r.led.Token {
		return
	}
	r.status.Loss, r.status.Commit = r.state.Loss, fmt.Sprintf("%q: %q", "activeRegion", r.Region)
	if len(r.state.LeftOut) > 0 {
		r.notice("left out by dr.restore: %s", strings.Join(first(r.state.LeftOut, 20), ", "))
	}
	r.notice("commit activeRegion=%s in cdk.json: the next deployment goes by it", r.Region)
}

// sure that nobody else is active, before a block is lifted (H15). Both ledgers
// say so, or the operator does; what is left of one's own claim may also be ended
// while the other Region is away, if the record knows of nothing newer (G5); and
// a fence that this Region's own ledger asked for is its own to lift, since it
// must not stand for ever when the target is lost (H10).
func (r *run) sure(ctx context.Context, rec *fence.Record) error {
	if rec != nil && rec.Dispute >= r.led.Generation && !r.view.Complete() {
		return wait("the ledger of %s: generation %d was disputed when it was last read, and a dispute ends with a higher generation only (D12)", r.other(), rec.Dispute)
	}
	if r.view.Complete() || r.givenUp() {
		return nil
	}
	ours := r.state != nil && r.state.Token == r.led.Token
	if rec != nil && !rec.Alone && rec.State != fence.Quiet && !ours {
		return nil
	}
	if ours {
		have, err := r.Zone.Read(ctx, r.Settings.DNS.Record)
		if err != nil {
			return wait("the record, to be sure that no newer generation is in force: %v", err)
		}
		if m, ok := route.ParseMark(have.Mark); ok && m.Stands(r.mark(r.led)) {
			return wait("the ledger of %s: the record names generation %d in %s", r.other(), m.Generation, m.Region)
		}
		return nil
	}
	return wait("the ledger of %s, to be sure that no newer generation is in force (H15): %v", r.other(), r.view.Other.Err)
}

// named is asked before each change that lets writes in.
func (r *run) named(ctx context.Context) error {
	v := ledger.ReadOne(ctx, r.Own)
	switch {
	case v.Answer != ledger.Present:
		return wait("the ledger of %s: %v", r.Region, v.Err)
	case !v.Ledger.Same(r.led):
		return wait("the ledger of %s, which has moved on", r.Region)
	case v.Ledger.Intent != nil && v.Ledger.Intent.Phase == ledger.PhaseFence && v.Ledger.Intent.Live(v.Date):
		return wait("the switch to %s, which has asked for a fence", v.Ledger.Intent.To)
	}
	return nil
}

func (r *run) handOver(ctx context.Context, dom domain.Recovery, j restore.Journal) error {
	if err := r.replay(ctx, dom, j); err != nil {
		return err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		item, ok := j.Items[i.Name]
		if !ok || item.UUID != i.UUID || !slices.Contains(i.Blocks, "write") || slices.Contains(item.Blocks, "write") && len(item.Blocks) == len(i.Blocks) {
			continue
		}
		if err := r.named(ctx); err != nil {
			return err
		}
		if !item.Open {
			r.notice("index %s was closed at the source and is open here", i.Name)
		}
		if err := dom.SetBlocks(ctx, i.Name, item.Blocks); err != nil && !errors.Is(err, opensearch.ErrNotFound) {
			return fmt.Errorf("give index %s its user's blocks: %w", i.Name, err)
		}
	}
	return restore.RemoveJournal(ctx, r.Own)
}

// replay what snapshots do not carry, before the first write (H12, F11, F30).
func (r *run) replay(ctx context.Context, dom domain.Recovery, j restore.Journal) error {
	if r.state == nil || r.state.Token != r.led.Token || r.state.Target == nil || r.state.Replayed {
		return nil
	}
	c, err := point.LoadCapsule(ctx, r.source(), *r.state.Target)
	if err != nil {
		return err
	}
	notices, err := dom.PutCapsule(ctx, c)
	r.status.Notices = append(r.status.Notices, notices...)
	if err != nil {
		return fmt.Errorf("replay the capsule: %w", err)
	}
	master, err := r.Plane.OpenMaster(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	notices, err = master.PutSecurityCapsule(ctx, opensearch.Capsule{Roles: c.Roles, RoleMappings: c.RoleMappings})
	r.status.Notices = append(r.status.Notices, notices...)
	if err != nil {
		return fmt.Errorf("replay roles and role mappings: %w", err)
	}
	var actions []opensearch.AliasAction
	for _, index := range slices.Sorted(maps.Keys(c.Aliases)) {
		if _, ours := j.Items[index]; !ours {
			continue
		}
		for _, alias := range slices.Sorted(maps.Keys(c.Aliases[index])) {
			properties, _ := c.Aliases[index][alias].(map[string]any)
			actions = append(actions, opensearch.AliasAction{Index: index, Alias: alias, Properties: properties})
		}
	}
	if err := dom.PutAliases(ctx, actions); err != nil {
		return fmt.Errorf("replay the aliases: %w", err)
	}
	r.state.Replayed = true
	return r.saveState(ctx)
}

func (r *run) lift(ctx context.Context, dom domain.Recovery, rec *fence.Record) error {
	f := fence.Fence{Bucket: r.Own, Domain: dom, Guarded: hot, May: r.named}
	if rec.State == fence.Quiet {
		return f.Unquieten(ctx, rec)
	}
	r.notice("the fence of %s is lifted", rec.Token)
	return f.Lift(ctx, rec)
}

// tidy away the notes and the pin of a switch that is over.
func (r *run) tidy(ctx context.Context) error {
	if r.state == nil || r.state.Over {
		return nil
	}
	if r.source() == r.Own || r.view.Other.Answer != ledger.Unreachable {
		for _, id := range r.state.Pinned {
			if err := point.Unpin(ctx, r.source(), id, pinHolder+r.Region); err != nil {
				return err
			}
		}
	}
	r.state.Over, r.state.Target, r.state.Pinned = true, nil, nil
	return r.saveState(ctx)
}

// told: this Region's parameter names the active Region (F16).
func (r *run) told(ctx context.Context) error {
	if !r.claimed {
		return nil
	}
	name := r.Settings.Names().ActiveParameter()
	have, err := r.Parameters.Parameter(ctx, name)
	if err != nil {
		return fmt.Errorf("read parameter %s: %w", name, err)
	}
	if have == r.led.ActiveRegion {
		return nil
	}
	if err := r.Parameters.PutParameter(ctx, name, r.led.ActiveRegion); err != nil {
		return fmt.Errorf("write parameter %s: %w", name, err)
	}
	return nil
}
