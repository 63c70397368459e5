package recovery

import (
	"context"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// fenceHere is the fence of this Region's domain.
func (r *run) fenceHere(dom domain.Recovery, may func(context.Context) error) fence.Fence {
	return fence.Fence{Bucket: r.Own, Domain: dom, Guarded: hot, May: may, Parallel: r.Parallel}
}

// tellOdd names each index that the fence could not block (H72).
func (r *run) tellOdd(rec *fence.Record) {
	for _, name := range rec.Odd() {
		r.attend(contract.AttentionFence, name, "Each run tries it again; see docs/runbooks/failback.md, \"An index cannot be blocked\".",
			"it takes writes behind the fence of %s, or may take them again: %s", rec.Token, rec.Indices[name].Refused)
	}
}

// final point of a fenced domain: one that began behind the fence, and that holds
// exactly what is there when it is over (H9, H29).
func (r *run) final(ctx context.Context, dom domain.Recovery, rec *fence.Record, f fence.Fence, i ledger.Intent) error {
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	// What is administered while the snapshot runs may be in it or not: another one
	// follows then (H68).
	if rec.Begin(hot(all)) {
		if err := rec.Save(ctx, r.Own); err != nil {
			return err
		}
	}
	token := i.Token
	if rec.Round > 0 {
		token = fmt.Sprintf("%sr%d", i.Token, rec.Round)
	}
	d := r.Snapshot
	d.Holder = r.Holder
	t, err := snapshot.Take(ctx, d, snapshot.Special{
		Kind: point.KindFinal, Token: token, ClusterUUID: r.uuidIs, Ledger: r.led, Good: func(p point.Point) bool { return same(p, all, rec) },
		Spared: func(name string) bool { return !r.wanted(name) },
	})
	r.status.Notices = append(r.status.Notices, t.Notices...)
	if err != nil {
		return err
	}
	if t.Point == nil {
		r.notice(fencingFor+"waiting for %s", i.To, t.Waiting)
		return r.count(ctx, dom, rec, t.Running)
	}
	if all, err = dom.Indices(ctx); err != nil {
		return err
	}
	if rec.Begin(hot(all)) || !same(*t.Point, all, rec) {
		r.notice("something moved behind the fence; another final snapshot follows")
		return rec.Save(ctx, r.Own)
	}
	rec.Final = &t.Point.ID
	return f.Freeze(ctx, rec, hot(all))
}

// count how far the final snapshot is, for the target, which tells a slow one from
// one that stands still (H55). One that does not answer is counted by the next run.
func (r *run) count(ctx context.Context, dom domain.Recovery, rec *fence.Record, name string) error {
	if name == "" {
		return nil
	}
	st, err := dom.SnapshotStatus(ctx, contract.Repository, name)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	now := fence.Counted{Name: name, ShardsDone: st.ShardsDone, ShardsTotal: st.ShardsTotal, Bytes: st.ProcessedBytes}
	if rec.Snapshot != nil && *rec.Snapshot == now {
		return nil
	}
	rec.Snapshot = &now
	return rec.Save(ctx, r.Own)
}

// same set of indexes as a snapshot of now would take, each with the numbers that the
// point has.
func same(p point.Point, all []opensearch.Index, rec *fence.Record) bool {
	have := snapshot.Caught(all)
	return len(p.Indices) == len(have) && !slices.ContainsFunc(have, func(i opensearch.Index) bool { return !destruction.Covers(p, rec.Before(i)) })
}
