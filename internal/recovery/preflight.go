package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// What an estimate of the write pause is made of.
const (
	// copyRate of one data node: indices.recovery.max_bytes_per_sec and a repository's
	// max_snapshot_bytes_per_sec are 40mb unless a user set them.
	copyRate = 40_000_000
	// perBlock is how long one index takes to be blocked, and perRemoval to be deleted
	// before it is restored again, as measured on domains of 1,000 indexes (H56, H65).
	perBlock   = 400 * time.Millisecond
	perRemoval = 500 * time.Millisecond
	// always is what the rest of a switch takes: the last looks, the claim, the record.
	always = 30 * time.Second
)

// preflight is what only the active side can tell before a fence. It changes nothing.
func (r *run) preflight(ctx context.Context) error {
	r.status.Phase = "preflight"
	if r.ledErr != nil || !r.active() {
		return wait("%s to be the active Region, as both ledgers say", r.Region)
	}
	p := &contract.Preflight{LimitSeconds: int64(r.maxPause() / time.Second), DataNodes: 1}
	if err := r.describe(ctx); err != nil {
		return err
	}
	if busy := r.desc.Busy(); busy != "" {
		p.Blockers = append(p.Blockers, contract.Attention{Code: contract.AttentionWaiting, Text: busy, Hint: "The service ends it"})
	}
	if !r.desc.Exists || r.desc.Deleted || r.desc.Endpoint == "" {
		r.status.Preflight = p
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	if err != nil {
		return err
	}
	if uuid != r.led.ClusterUUID {
		return wait("cluster %s in %s: the domain there is cluster %s", r.led.ClusterUUID, r.Region, uuid)
	}
	r.uuidIs = uuid
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	streams, err := dom.DataStreams(ctx)
	if err != nil {
		return err
	}
	running, err := dom.RunningSnapshots(ctx)
	if err != nil {
		return err
	}
	if len(running) > 0 {
		p.Blockers = append(p.Blockers, contract.Attention{
			Code: contract.AttentionWaiting, Text: "a snapshot is running: " + strings.Join(first(running, 3), ", "), Hint: "Snapshots come one at a time",
		})
	}
	if nodes, err := dom.Nodes(ctx); err == nil && len(nodes) > 0 { // else the estimate is of one
		p.DataNodes = len(nodes)
	}
	p.Blockers = append(p.Blockers, r.unfenceable(all, streams)...)
	health, err := dom.Health(ctx)
	if err != nil {
		return err
	}
	if health == opensearch.Red && len(p.Blockers) == 0 {
		// The final snapshot spares red indexes that are not wanted, by the same rule.
		red := snapshot.Red(all)
		if missed := slices.DeleteFunc(slices.Clone(red), func(name string) bool { return !r.wanted(name) }); len(red) == 0 || len(missed) > 0 {
			p.Blockers = append(p.Blockers, contract.Attention{
				Code: contract.AttentionFence, Subject: strings.Join(first(missed, 5), ", "),
				Text: "the domain is red, and no final snapshot is taken of it", Hint: "Bring the missing primary shards back, or delete the index",
			})
		}
	}
	rec, err := fence.Load(ctx, r.Own, uuid)
	if err != nil {
		return err
	}
	if err := r.measureChange(ctx, p, hot(all), rec); err != nil {
		return err
	}
	estimate(p, p.DataNodes, max(1, r.Parallel))
	r.status.Preflight, r.status.Done = p, true
	return nil
}

// unfenceable indexes are wanted, and would not be in a final point: behind a fence
// it is too late to find that (H56).
func (r *run) unfenceable(all []opensearch.Index, streams []opensearch.DataStream) []contract.Attention {
	var out []contract.Attention
	sel := snapshot.Select(all, streams)
	for _, l := range sel.Worrying() {
		if !r.wanted(l.Name) {
			continue
		}
		out = append(out, contract.Attention{
			Code: contract.AttentionFence, Subject: l.Name, Text: "no recovery point holds it: " + l.Reason,
			Hint: "Settle it, go on without it by -c without=" + l.Name + ", or leave it out for good by dr.restore.exclude",
		})
	}
	return out
}

// wanted by dr.restore, and not left behind by -c without.
func (r *run) wanted(name string) bool {
	return !slices.Contains(names(r.req.Wish.Without), name) && len(restore.Choose(point.Point{Indices: []point.Index{{Name: name}}}, r.Settings.Restore).Indices) > 0
}

// measureChange since the newest point, which the final snapshot adds to, and since
// the one that the target has restored, which its second pass goes on from.
func (r *run) measureChange(ctx context.Context, p *contract.Preflight, have []opensearch.Index, rec *fence.Record) error {
	newest := r.newestServing()
	if newest == nil {
		for _, i := range have {
			p.IncrementBytes += i.Bytes
		}
	}
	restored := newest
	if r.req.Point != "" && (newest == nil || newest.ID.String() != r.req.Point) {
		// It was pinned when it was aimed at. One that cannot be read counts as none,
		// and then everything has changed.
		restored = nil
		ids, err := point.List(ctx, r.Other)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(ids, func(id point.ID) bool { return id.String() == r.req.Point })
		if at >= 0 {
			if x, err := point.Load(ctx, r.Other, ids[at]); err == nil {
				restored = &x
			}
		}
	}
	p.Indices = len(have)
	for _, i := range have {
		as := rec.Before(i)
		if share := changed(restored, as); share > 0 {
			p.Changed++
			p.ChangedBytes += i.Bytes
		}
		if newest != nil {
			p.IncrementBytes += int64(changed(newest, as) * float64(i.Bytes))
		}
	}
	if newest != nil {
		p.Point, p.PointAt = newest.ID.String(), newest.Start
		// What a snapshot of this domain takes apart from its bytes.
		took := int64(newest.End.Sub(newest.Start) / time.Second)
		p.SnapshotSeconds = max(0, took-newest.BytesAdded/(copyRate*int64(p.DataNodes)))
	}
	return nil
}

// newestServing point of the domain in force; nil: there is none that can be read.
func (r *run) newestServing() *point.Point {
	var best *point.Point
	for n, p := range r.newest {
		if p.ClusterUUID == r.led.ClusterUUID && p.Serves(r.led) && (best == nil || best.ID.Less(p.ID)) {
			best = &r.newest[n]
		}
	}
	return best
}

// changed answers which share of an index's operations came after the point; 0: it is
// as the point has it, 1: the point does not have it.
func changed(p *point.Point, i opensearch.Index) float64 {
	if p == nil {
		return 1
	}
	at := slices.IndexFunc(p.Indices, func(o point.Index) bool { return o.Name == i.Name && o.UUID == i.UUID && o.UUID != "" })
	if at < 0 || len(p.Indices[at].Shards) != len(i.Shards) {
		return 1
	}
	o := p.Indices[at]
	var moved, all int64
	for n, s := range i.Shards {
		all += s.MaxSeqNo + 1
		if was := o.Shards[n]; was.Before != s.MaxSeqNo || was.After != s.MaxSeqNo {
			moved += max(1, s.MaxSeqNo-was.Before)
		}
	}
	switch {
	case moved == 0 && (o.MappingVersion != i.MappingVersion || o.SettingsVersion != i.SettingsVersion):
		return 0.001 // it is restored again, and a snapshot adds next to nothing
	case moved == 0:
		return 0
	}
	return min(1, float64(moved)/float64(max(1, all)))
}

// estimate the write pause. nodes are those of the target, which restores.
func estimate(p *contract.Preflight, nodes, parallel int) {
	p.BlockSeconds = int64(time.Duration(p.Indices) * perBlock / time.Duration(parallel) / time.Second)
	p.RestoreSeconds = int64(time.Duration(p.Changed)*perRemoval/time.Second) + p.ChangedBytes/(copyRate*int64(max(1, nodes)))
	if p.Changed == 0 {
		p.RestoreSeconds = 0
	}
	p.SnapshotSeconds += p.IncrementBytes / (copyRate * int64(max(1, p.DataNodes)))
	p.EstimateSeconds = p.BlockSeconds + p.SnapshotSeconds + p.RestoreSeconds + int64(always/time.Second)
}

// parts of an estimate, for people.
func parts(p contract.Preflight) string {
	return fmt.Sprintf("%d s to block %d indexes, %d s for the final snapshot of about %d MB, %d s to restore %d changed indexes of %d MB",
		p.BlockSeconds, p.Indices, p.SnapshotSeconds, p.IncrementBytes/1_000_000, p.RestoreSeconds, p.Changed, p.ChangedBytes/1_000_000)
}
