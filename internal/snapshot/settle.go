package snapshot

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// settle ends whatever the journal says is under way, one way or the other.
func (r *run) settle(ctx context.Context) error {
	all, err := journals(ctx, r.Own)
	if err != nil {
		return err
	}
	if err := r.sees(ctx, all); err != nil {
		return err
	}
	settled := len(all) == 0 // and what the controller has settled is pruned now
	var failures []error
	for _, j := range all {
		done, err := r.settleOne(ctx, j)
		if err != nil {
			failures = append(failures, err)
		}
		settled = settled || done
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	if !settled || r.result.Running != "" || r.special != nil {
		return nil
	}
	switch err := r.prune(ctx); {
	case errors.Is(err, errNotAgreed):
		r.notice("%v", err)
	case err != nil: // a recovery point too many must not cost the next one
		r.later = append(r.later, fmt.Errorf("prune: %w", err))
	}
	return nil
}

// settleOne answers whether the snapshot of j is over.
func (r *run) settleOne(ctx context.Context, j Journal) (bool, error) {
	if j.ClusterUUID != r.info.ClusterUUID {
		r.notice("dropped the journal of %s: it belongs to cluster %s", j.Name, j.ClusterUUID)
		return true, r.dropJournal(ctx, j)
	}
	s, err := r.dom.Snapshot(ctx, contract.Repository, j.Name)
	switch {
	case opensearch.IsSnapshotMissing(err):
		return r.vanished(ctx, j)
	case opensearch.IsGatewayTimeout(err): // F34: unknown, the next run looks again
		r.result.Running = j.Name
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look at snapshot %s: %w", j.Name, err)
	}
	switch s.State {
	case opensearch.InProgress:
		return false, r.progress(ctx, j)
	case opensearch.Success:
		if s.ShardsFailed == 0 {
			err := r.succeed(ctx, j, s)
			if errors.Is(err, errUntold) {
				r.result.Running = j.Name
				r.notice("%v; the next run asks again", err)
				return false, nil
			}
			return true, err
		}
	}
	err = r.note(ctx, func(l *Losses) {
		for _, name := range s.FailedIndices {
			l.Indices[name], l.Last[name] = l.Indices[name]+1, r.now
		}
	})
	if err != nil {
		return false, err
	}
	return true, r.fail(ctx, j, fmt.Errorf("snapshot %s ended %s: %d of %d shards failed: %s; it makes no recovery point, the next run takes another",
		j.Name, s.State, s.ShardsFailed, s.ShardsTotal, firstOf(s.Failures)))
}

// vanished: asked for and not there. Without an answer to the asking that may be
// a call still on its way; else the node that ran it was killed.
func (r *run) vanished(ctx context.Context, j Journal) (bool, error) {
	if !j.Taken && r.now.Sub(j.Asked) < grace {
		r.result.Running = j.Name
		r.notice("%s was asked for at %s and cannot be seen yet", j.Name, j.Asked.Format(time.RFC3339))
		return false, nil
	}
	var rolled []string
	if j.Taken {
		var err error
		if rolled, err = r.rolled(ctx, j); err != nil {
			return false, err
		}
	}
	if len(rolled) > 0 {
		return true, r.fail(ctx, j, fmt.Errorf("snapshot %s, asked for at %s, is gone: data stream %s rolled over while it ran, and the engine drops such a snapshot at its end (H77); it makes no recovery point, the next run takes another",
			j.Name, j.Asked.Format(time.RFC3339), strings.Join(rolled, ", ")))
	}
	return true, r.fail(ctx, j, fmt.Errorf("snapshot %s, asked for at %s, is not in the repository: a node was lost meanwhile or the call never arrived; it makes no recovery point, the next run takes another",
		j.Name, j.Asked.Format(time.RFC3339)))
}

// rolled notes and answers the streams that rolled over while the snapshot ran. The
// note stands before the journal goes: a run that is cut off between the two counts a
// loss twice, and the next snapshot names backing indexes one loss early.
func (r *run) rolled(ctx context.Context, j Journal) ([]string, error) {
	now, err := r.dom.DataStreams(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for streams that rolled over while %s ran: %w", j.Name, err)
	}
	names := slices.DeleteFunc(rolledOver(j.Streams, now), func(name string) bool { return slices.Contains(j.Apart, name) })
	return names, r.note(ctx, func(l *Losses) {
		for _, name := range names {
			l.Streams[name], l.Last[name] = min(l.Streams[name]+1, inARow), r.now
		}
	})
}

// progress reports; one that lasts too long is said aloud and never deleted here,
// as deleting a running snapshot is how repositories get stuck (F18).
func (r *run) progress(ctx context.Context, j Journal) error {
	r.result.Running = j.Name
	limit := r.maxDuration()
	age := r.now.Sub(j.Asked)
	if age <= limit {
		return nil
	}
	st, err := r.dom.SnapshotStatus(ctx, contract.Repository, j.Name)
	if err != nil && !opensearch.IsGatewayTimeout(err) {
		return fmt.Errorf("read the progress of snapshot %s: %w", j.Name, err)
	}
	return fmt.Errorf("snapshot %s runs for %s, longer than %s: %d of %d shards are done; it is not deleted by itself (F18): see that the domain is green, then DELETE _snapshot/%s/%s by hand if it does not move",
		j.Name, age, limit, st.ShardsDone, st.ShardsTotal, contract.Repository, j.Name)
}

// maxDuration after which a running snapshot is an alarm.
func (r *run) maxDuration() time.Duration {
	return max(6*time.Hour, 4*time.Duration(r.Settings.RPOMinutes)*time.Minute)
}

// fail ends a snapshot that makes no point: the journal goes, the snapshot stays
// until prune finds it without one.
func (r *run) fail(ctx context.Context, j Journal, cause error) error {
	return errors.Join(cause, r.dropJournal(ctx, j))
}

func (r *run) dropJournal(ctx context.Context, j Journal) error {
	if err := r.Own.Delete(ctx, j.key()); err != nil {
		return fmt.Errorf("remove the journal of %s: %w", j.Name, err)
	}
	return nil
}

// succeed writes the point. It may run twice for one snapshot, after a crash
// between the point and the journal's end: the same point comes out.
func (r *run) succeed(ctx context.Context, j Journal, s opensearch.Snapshot) error {
	p, err := r.makePoint(ctx, j, s)
	if err != nil {
		return fmt.Errorf("make the recovery point of %s: %w", s.Name, err)
	}
	objects, opaque, err := r.essentials()(ctx, r.Other, p)
	if errors.Is(err, point.ErrIncomplete) {
		return r.fail(ctx, j, fmt.Errorf("snapshot %s ended SUCCESS and is not whole (F5): %w; it makes no recovery point, the next run takes another", s.Name, err))
	}
	if err != nil {
		return err
	}
	if p.Opaque = opaque; opaque > 0 {
		r.notice("%s: the file lists of %d shards cannot be read here; whether those are whole only a restore can tell", s.Name, opaque)
	}
	capsule, err := r.capsule(ctx)
	if err != nil {
		return fmt.Errorf("read the capsule for %s: %w", s.Name, err)
	}
	if p, err = point.Write(ctx, r.Other, p, objects, aliases(completed(capsule, j.Capsule), p, j.Apart)); err != nil {
		return err
	}
	if err := r.caught(ctx, j, s); err != nil {
		return err
	}
	if err := putJSON(ctx, r.Own, firstPointKey, p.ID, store.Condition{}); err != nil {
		return fmt.Errorf("mark recovery point %s: %w", p.ID, err)
	}
	r.newest = p
	r.result.Settled = p.ID.String()
	r.values[contract.MetricSnapshotFailed] = 0
	if slices.ContainsFunc(p.LeftOut, func(l point.LeftOut) bool { return l.Code == point.CodeFailing }) {
		r.values[contract.MetricSnapshotFailed] = 1 // of that index no snapshot succeeds
	}
	r.values[contract.MetricSnapshotDuration] = s.End.Sub(s.Start).Seconds()
	r.values[contract.MetricSnapshotBytes] = float64(p.BytesAdded)
	r.values[contract.MetricSnapshotDocs] = float64(p.Documents)
	return r.dropJournal(ctx, j)
}

// makePoint joins what the journal knew before with what the domain says now.
// The list is the snapshot's own, not the request's (H43).
func (r *run) makePoint(ctx context.Context, j Journal, s opensearch.Snapshot) (point.Point, error) {
	now, ours, err := r.list(ctx, j.ClusterUUID)
	if err != nil {
		return point.Point{}, err
	}
	streams, err := r.dom.DataStreams(ctx)
	if err != nil {
		return point.Point{}, err
	}
	st, err := r.dom.SnapshotStatus(ctx, contract.Repository, s.Name)
	if err != nil {
		return point.Point{}, err
	}
	p := point.Point{
		Version: point.FormatVersion, ID: point.ID{Generation: j.Ledger.Generation}, ClusterUUID: j.ClusterUUID, Region: r.Region, Bucket: r.Other.Name(), BasePath: j.ClusterUUID,
		Snapshot: s.Name, SnapshotUUID: s.UUID, EngineVersion: j.EngineVersion, Start: began(j, s), End: s.End.UTC(),
		LeftOut: j.LeftOut, BytesTotal: st.TotalBytes, BytesAdded: st.IncrementalBytes, Ledger: j.Ledger,
		Kind: j.Kind, Switch: j.Switch, Token: s.UUID,
	}
	before, after := byName(j.Before), byName(ours.without(now))
	if err := r.untold(s, after); err != nil {
		return p, err
	}
	for _, name := range s.Indices {
		i := indexOf(name, before, after)
		p.Indices = append(p.Indices, i)
		p.Documents += i.Documents
	}
	for _, b := range j.Before {
		if !slices.Contains(s.Indices, b.Name) {
			p.LeftOut = append(p.LeftOut, point.LeftOut{Name: b.Name, Code: point.CodeDeleted, Reason: "deleted before the snapshot reached it"})
		}
	}
	for _, name := range s.DataStreams {
		p.DataStreams = append(p.DataStreams, streamOf(name, s.Indices, streams, j.Streams))
	}
	return p, nil
}

// began is the moment from which on a write may be missing. An index that is made
// between the listing and the snapshot is not in it, so the engine's own start
// would promise too much (H33).
func began(j Journal, s opensearch.Snapshot) time.Time {
	if j.Asked.Before(s.Start) {
		return j.Asked.UTC()
	}
	return s.Start.UTC()
}

// indexOf bounds what the snapshot caught of one index. What cannot be known is
// left open on the safe side: an index that was deleted or made again meanwhile
// has no upper bound, one that came with its data stream no lower one, and an
// empty UUID never counts as unchanged.
func indexOf(name string, before, after map[string]opensearch.Index) point.Index {
	b, hadBefore := before[name]
	a, hasAfter := after[name]
	i := a
	if !hasAfter {
		i = b
	}
	users, foreign := opensearch.UserBlocks(i.Blocks)
	out := point.Index{
		Name: name, UUID: i.UUID, DataStream: i.DataStream, Open: i.Open, MappingVersion: i.MappingVersion,
		SettingsVersion: i.SettingsVersion, AliasesVersion: i.AliasesVersion, Documents: i.Documents, Bytes: i.Bytes, Blocks: users, NotCarried: foreign,
		Bound: i.Bound, Replicas: i.Replicas, AutoExpand: i.AutoExpand, Sorted: i.Sorted, Files: i.Files,
	}
	same := hadBefore && hasAfter && a.UUID == b.UUID
	if hadBefore && hasAfter && !same {
		out.UUID = ""
	}
	out.Primaries = max(i.Primaries, len(i.Shards))
	for id := range out.Primaries {
		shard := point.Shard{ID: id, Before: -1, After: math.MaxInt64}
		if s, ok := shardOf(b, id); ok && hadBefore && (same || !hasAfter) {
			shard.Before, shard.TermBefore = s.MaxSeqNo, s.Term
		}
		if s, ok := shardOf(a, id); ok && hasAfter && (same || !hadBefore) {
			shard.After, shard.TermAfter = s.MaxSeqNo, s.Term
		}
		if shard.After < shard.Before { // a promoted replica lacked what was not acknowledged
			shard.Before, shard.After = shard.After, shard.Before
		}
		out.Shards = append(out.Shards, shard)
	}
	return out
}

// shardOf that number: they are paired by it, as any of them may be absent (H57).
func shardOf(i opensearch.Index, id int) (opensearch.Shard, bool) {
	at := slices.IndexFunc(i.Shards, func(s opensearch.Shard) bool { return s.ID == id })
	if at < 0 {
		return opensearch.Shard{}, false
	}
	return i.Shards[at], true
}

// errUntold: statistics lack a shard, since its node did not answer.
var errUntold = errors.New("not every shard told its sequence number")

// patience with statistics that lack a shard: without them the point is open at the
// top, which is true, and no fenced point is.
const patience = 10 * time.Minute

// untold is an error while an index of the snapshot lacks numbers that another
// listing will have (H57).
func (r *run) untold(s opensearch.Snapshot, now map[string]opensearch.Index) error {
	if r.now.Sub(s.End) > patience {
		return nil
	}
	for _, name := range s.Indices {
		if i := now[name]; i.Open && i.Health != opensearch.Red && !slices.Contains(i.Blocks, "metadata") && len(i.Shards) < i.Primaries {
			return fmt.Errorf("%w: index %s answers for %d of %d", errUntold, name, len(i.Shards), i.Primaries)
		}
	}
	return nil
}

// streamOf names the backing indexes that the snapshot really holds.
func streamOf(name string, held []string, lists ...[]opensearch.DataStream) opensearch.DataStream {
	out := opensearch.DataStream{Name: name}
	for _, list := range lists {
		for _, ds := range list {
			if ds.Name != name {
				continue
			}
			for _, i := range ds.Indices {
				if slices.Contains(held, i) && !slices.Contains(out.Indices, i) {
					out.Indices = append(out.Indices, i)
				}
			}
		}
	}
	slices.Sort(out.Indices) // the engine's names carry generation and order
	return out
}

// capsule of what no snapshot carries. Its security part needs the master role:
// the controller leaves it in the bucket each time it changes.
func (r *run) capsule(ctx context.Context) (opensearch.Capsule, error) {
	earlier, err := fence.Load(ctx, r.Own, r.info.ClusterUUID)
	if err != nil {
		return opensearch.Capsule{}, err
	}
	c, err := r.dom.Capsule(ctx)
	if err != nil {
		return c, err
	}
	rec, err := fence.Load(ctx, r.Own, r.info.ClusterUUID)
	if err != nil {
		return c, err
	}
	if rec == nil {
		rec = earlier // as with the blocks: one of the two looks knows
	}
	if rec != nil { // ours, for as long as the fence stands; the user's are in its record (H24)
		if c.AutoCreate != nil && c.AutoCreate.Value == fence.NoAutoCreate {
			c.AutoCreate = &opensearch.AutoCreate{Value: rec.AutoCreate, Set: rec.AutoCreateSet}
		}
		if c.ISM != nil && !*c.ISM && rec.ISMOffered {
			c.ISM = &rec.ISM
		}
	}
	switch sec, err := ReadSecurity(ctx, r.Own, r.info.ClusterUUID); {
	case errors.Is(err, store.ErrAbsent):
		c.Unavailable = append(c.Unavailable, "roles and role mappings: the controller has not read them yet")
	case err != nil:
		return c, err
	default:
		c.ActionGroups, c.Roles, c.RoleMappings = sec.ActionGroups, sec.Roles, sec.RoleMappings
	}
	for _, u := range c.Unavailable {
		r.notice("capsule: %s", u)
	}
	return c, nil
}

func firstOf(failures []string) string {
	if len(failures) == 0 {
		return "the engine names none"
	}
	return failures[0]
}

func (r *run) notice(format string, a ...any) {
	r.result.Notices = append(r.result.Notices, fmt.Sprintf(format, a...))
}
