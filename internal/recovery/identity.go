package recovery

import (
	"context"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

// identity: the domain of the active Region is not the ledger's (H13). With the
// same data it goes on under its new name; a domain that was made again is
// restored in place, if that is meant.
func (r *run) identity(ctx context.Context) error {
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	p, ok, err := point.LoadNewest(ctx, r.Other)
	if err != nil {
		return err
	}
	if ok && p.ClusterUUID == r.led.ClusterUUID && sameData(p, guarded(nil)(all)) {
		r.adopting = true
		return nil
	}
	w := r.req.Wish
	if i := r.liveIn(r.view.Own); i != nil && i.To == r.Region {
		return nil
	}
	if w.AskedAt == "" && w.SwitchFrom != fmt.Sprint(r.led.Generation) {
		return refuse("identity changed: the ledger (generation %d) names cluster %s, the domain in %s is %s. If it was made again, restore the recovery points of %s into it: add -c activeRegion=%s -c switchFrom=%d (H13)",
			r.led.Generation, r.led.ClusterUUID, r.Region, r.uuidIs, r.led.ClusterUUID, r.Region, r.led.Generation)
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
		if !ok || want.UUID == "" || i.UUID != want.UUID || len(i.Shards) != len(want.Shards) {
			return false
		}
		for n, s := range i.Shards {
			if s.MaxSeqNo < want.Shards[n].Before {
				return false
			}
		}
	}
	return len(p.Indices) > 0
}

// adopted: this domain's own content goes on.
func (r *run) adopted(ctx context.Context) error {
	if !r.switching() || !r.adopting || r.state.Own {
		return nil
	}
	r.state.Own, r.state.Since = true, r.now
	r.state.Lost = fmt.Sprintf("cluster %s has the name %s now, with the same data (H13)", r.led.ClusterUUID, r.uuidIs)
	return r.saveState(ctx)
}
