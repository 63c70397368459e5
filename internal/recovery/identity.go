package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// identity: the domain of the active Region is not the ledger's (H13). With the
// same data it goes on under its new name; a domain that was made again is
// restored in place, if that is meant.
func (r *run) identity(ctx context.Context) error {
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	if adopted, err := r.adopt(ctx, dom); err != nil || adopted {
		return err
	}
	w := r.req.Wish
	if i := r.liveIn(r.view.Own); i != nil && i.To == r.Region {
		return nil
	}
	if w.AskedAt == "" && w.SwitchFrom != fmt.Sprint(r.led.Generation) {
		since := "of which none is there"
		for _, p := range r.newest {
			if p.Serves(r.led) {
				since = "the newest is of " + p.Start.UTC().Format(time.RFC3339) + "; what came after it is in the salvage of what stands there now, or lost"
			}
		}
		return refuse("identity changed: the ledger (generation %d) names cluster %s, the domain in %s is %s. If it was made again, restore the recovery points of %s into it (%s): add -c activeRegion=%s -c switchFrom=%d (H13)",
			r.led.Generation, r.led.ClusterUUID, r.Region, r.uuidIs, r.led.ClusterUUID, since, r.Region, r.led.Generation)
	}
	return nil
}

// adopt this Region's domain, which is in force under another cluster UUID: the
// service gives a new one when it rebuilds a cluster without its quorum, and the
// live domain would have no snapshots from then on. Only the last recovery point
// can tell it from a domain that was made again, so without it nothing is adopted;
// and nothing while a switch is under way, or without both ledgers.
func (r *run) adopt(ctx context.Context, dom domain.Recovery) (bool, error) {
	if !r.view.Complete() || r.live() != nil {
		return false, nil
	}
	p, ok, err := point.LoadNewest(ctx, r.Other)
	if err != nil || !ok || p.ClusterUUID != r.led.ClusterUUID {
		return false, err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return false, err
	}
	if !sameData(p, guarded(nil)(all)) {
		return false, nil
	}
	if err := r.inherit(ctx); err != nil {
		return false, err
	}
	if err := r.copyTo(ctx, r.Own); err != nil {
		return false, err
	}
	old := r.led
	l, err := ledger.Adopt(ctx, r.Own, old, ledger.Claim{Region: r.Region, ClusterUUID: r.uuidIs, Endpoint: r.desc.Endpoint, Token: r.Token()})
	switch {
	case errors.Is(err, ledger.ErrSuperseded), errors.As(err, new(*ledger.IntentHeld)):
		return false, wait("the ledger, which has moved on meanwhile: %v", err)
	case err != nil:
		return false, err
	}
	r.led, r.view.Own.Ledger = l, l
	r.notice("cluster %s has the name %s now, with the same data: adopted as generation %d, its recovery points go to a new path (H13)", old.ClusterUUID, l.ClusterUUID, l.Generation)
	return true, r.copyTo(ctx, r.Other)
}

// inherit what is noted of the domain by its old name: the blocks of a fence and
// the copies of a restore are still there.
func (r *run) inherit(ctx context.Context) error {
	switch rec, err := fence.Load(ctx, r.Own, r.led.ClusterUUID); {
	case err != nil:
		return err
	case rec != nil:
		there, err := fence.Load(ctx, r.Own, r.uuidIs)
		if err != nil {
			return err
		}
		if there == nil {
			rec.Rename(r.uuidIs)
			if err := rec.Save(ctx, r.Own); err != nil {
				return err
			}
		}
		if err := fence.Remove(ctx, r.Own, r.led.ClusterUUID); err != nil {
			return err
		}
	}
	switch j, ok, err := restore.LoadJournal(ctx, r.Own, r.led.ClusterUUID); {
	case err != nil:
		return err
	case ok:
		j.ClusterUUID = r.uuidIs
		return j.Save(ctx, r.Own)
	}
	return nil
}

// sameData: every index of the point is here under its own UUID, and has lost
// nothing.
func sameData(p point.Point, have []opensearch.Index) bool {
	here := map[string]opensearch.Index{}
	for _, i := range have {
		here[i.Name] = i
	}
	for _, want := range p.Indices {
		i, ok := here[want.Name]
		if !ok || want.UUID == "" || i.UUID != want.UUID || len(i.Shards) != i.Primaries {
			return false
		}
		for _, s := range i.Shards {
			if w, ok := want.Shard(s.ID); ok && s.MaxSeqNo < w.Before {
				return false
			}
		}
	}
	return len(p.Indices) > 0
}
