package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Domain is what a pass does in one.
type Domain interface {
	Indices(ctx context.Context) ([]opensearch.Index, error)
	Repository(ctx context.Context, name string) (opensearch.Repository, error)
	Snapshot(ctx context.Context, repository, name string) (opensearch.Snapshot, error)
	opensearch.Recovery
}

// Pass brings a domain to one point, as far as it can be brought now.
type Pass struct {
	Bucket      store.Bucket // of the domain's own Region: the journal
	Domain      Domain
	ClusterUUID string // of the domain
	Point       point.Point
	Select      contract.Restore
	Accepted    []string                                    // strangers that may stay, or make way for their copies
	Untenured   bool                                        // nobody was ever given access to the domain
	Abandoned   bool                                        // the operator gave up what stands here, by its cluster UUID
	Saved       []point.Point                               // whole points that may cover what stands in the way
	Guarded     func([]opensearch.Index) []opensearch.Index // without the engine's own
	// May is asked directly before each change: the ledger still says so (H6).
	May func(context.Context) error
}

// Progress of a pass.
type Progress struct {
	Done                  bool
	Waiting               string
	Percent               int
	BytesDone, BytesTotal int64
	// Forbidden is what is in the way and may not go.
	Forbidden []string
	// Failed are shards that no waiting will bring: the point is not good.
	Failed []string
	// Refused is the engine's word that it cannot read the snapshot (F6).
	Refused string
	Wanted  Wanted
	Journal Journal
	Present []opensearch.Index // guarded ones, at the last look
	Removed []string           // by this run
	// Disowned by this run: what we restored, and others wrote to before it was whole.
	Disowned []string
}

// turns of looking and doing in one run; a turn that changes nothing ends it.
const turns = 6

// Run the pass.
func (p Pass) Run(ctx context.Context) (out Progress, err error) {
	out.Wanted = Choose(p.Point, p.Select)
	for range turns {
		if out.Journal, _, err = LoadJournal(ctx, p.Bucket, p.ClusterUUID); err != nil {
			return out, err
		}
		if err := p.look(ctx, &out); err != nil {
			return out, err
		}
		if err := p.progress(ctx, &out); err != nil {
			return out, err
		}
		plan := Make(p.Point.ID, out.Wanted, out.Present, out.Journal, p.Saved, p.Accepted, p.Abandoned, p.Untenured)
		switch {
		case plan.Settled():
			out.Done, out.Percent, out.BytesDone = true, 100, out.BytesTotal
			return out, nil
		case len(plan.Forbidden) > 0:
			out.Forbidden = plan.Forbidden
			return out, nil
		case len(out.Failed) > 0:
			return out, nil
		case len(plan.RemoveIndices)+len(plan.RemoveStreams) > 0:
			if err := p.remove(ctx, plan, &out); err != nil || out.Waiting != "" {
				return out, err
			}
		case len(plan.Indices)+len(plan.Streams) > 0:
			if more, err := p.restore(ctx, plan, &out); err != nil || !more {
				return out, err
			}
		default:
			out.Waiting = fmt.Sprintf("the restore of %d indexes, %d of %d bytes", len(plan.Running), out.BytesDone, out.BytesTotal)
			return out, nil
		}
	}
	out.Waiting = "the next step of the restore"
	return out, nil
}

// look at the domain and settle the journal by it: the plan is made of the two
// together, never of a journal that has seen more than the listing.
func (p Pass) look(ctx context.Context, out *Progress) error {
	all, err := p.Domain.Indices(ctx)
	if err != nil {
		return err
	}
	out.Present = p.Guarded(all)
	if out.Journal.Adopt(out.Present) {
		return out.Journal.Save(ctx, p.Bucket)
	}
	return nil
}

// progress asks the engine about what has not ended, and writes down the numbers
// of what has.
func (p Pass) progress(ctx context.Context, out *Progress) error {
	out.Failed = nil
	j := out.Journal
	coming := map[string]int64{}
	defer func() { p.measure(out, coming) }()
	var open []string
	for name, i := range j.Items {
		if !i.Done && i.UUID != "" {
			open = append(open, name)
		}
	}
	slices.Sort(open)
	if len(open) == 0 {
		return nil
	}
	list, err := p.Domain.Progress(ctx, open)
	if errors.Is(err, opensearch.ErrNotFound) {
		return nil // gone meanwhile; the next look tells
	}
	if err != nil {
		return err
	}
	// Again, after the engine said that they are done: those are the numbers.
	if err := p.look(ctx, out); err != nil {
		return err
	}
	changed := false
	for _, x := range list {
		coming[x.Index] = x.BytesRecovered + x.BytesReused
		item, ok := j.Items[x.Index]
		at := slices.IndexFunc(out.Present, func(i opensearch.Index) bool { return i.Name == x.Index && i.UUID == item.UUID })
		switch {
		case !ok || at < 0:
		case x.Failed != "" && item.Point == p.Point.ID:
			out.Failed = append(out.Failed, x.Index+": "+x.Failed)
			item.Failed = x.Failed
			j.Items[x.Index], changed = item, true
		case x.Failed == "" && x.Done && !item.untouched(out.Present[at]):
			// It was not blocked all the time, so nobody knows which of the numbers are
			// the snapshot's: it is a stranger, and saved before it goes.
			out.Disowned = append(out.Disowned, x.Index)
			delete(j.Items, x.Index)
			changed = true
		case x.Failed == "" && x.Done && len(out.Present[at].Shards) == out.Present[at].Primaries:
			item.Done, item.Shards, item.Failed = true, out.Present[at].Shards, ""
			j.Items[x.Index], changed = item, true
		}
	}
	if changed {
		return j.Save(ctx, p.Bucket)
	}
	return nil
}

// measure how much of what is wanted has come: what is there already counts in
// full, what is coming by the engine's own count.
func (p Pass) measure(out *Progress, coming map[string]int64) {
	there := map[string]opensearch.Index{}
	for _, i := range out.Present {
		there[i.Name] = i
	}
	out.BytesDone, out.BytesTotal, out.Percent = 0, 0, 0
	for _, want := range out.Wanted.Indices {
		out.BytesTotal += want.Bytes
		if out.Journal.Items[want.Name].unchanged(p.Point.ID, want, there[want.Name]) {
			out.BytesDone += want.Bytes
		} else {
			out.BytesDone += min(coming[want.Name], want.Bytes)
		}
	}
	if out.BytesTotal > 0 {
		out.Percent = int(100 * out.BytesDone / out.BytesTotal)
	}
}

// remove what the plan says, each after a look at the ledger and at the index
// itself: between the plan and now anything may have come (H6). What is held up for
// a moment, by a snapshot that runs or a change that the next run looks at, is
// waited for.
func (p Pass) remove(ctx context.Context, plan Plan, out *Progress) error {
	var all []removal
	for _, name := range plan.RemoveStreams {
		all = append(all, removal{name, p.Domain.RemoveDataStream, func(i opensearch.Index) bool { return i.DataStream == name }})
	}
	for _, name := range plan.RemoveIndices {
		all = append(all, removal{name, p.Domain.RemoveIndex, func(i opensearch.Index) bool { return i.Name == name }})
	}
	for _, x := range all {
		moved, err := p.still(ctx, out.Journal, x.of)
		if err != nil {
			return err
		}
		if moved != "" {
			out.Waiting = "the next run, since it changed meanwhile and is kept: " + moved
			return nil
		}
		if err := x.do(ctx, x.name); opensearch.IsSnapshotRunning(err) { // F17
			out.Waiting = "a snapshot that holds " + x.name
			return nil
		} else if err != nil {
			return err
		}
		out.Removed = append(out.Removed, x.name)
	}
	return nil
}

// removal of an index, or of a data stream with all that is of it.
type removal struct {
	name string
	do   func(context.Context, string) error
	of   func(opensearch.Index) bool
}

// still answers what moved since the plan was made, empty when nothing did.
func (p Pass) still(ctx context.Context, j Journal, which func(opensearch.Index) bool) (moved string, err error) {
	if err := p.May(ctx); err != nil {
		return "", err
	}
	now, err := p.Domain.Indices(ctx)
	if err != nil {
		return "", err
	}
	for _, i := range p.Guarded(now) {
		if !which(i) || p.Abandoned || slices.Contains(p.Accepted, i.Name) {
			continue
		}
		if moved := destruction.Allowed(i, j.Mine(i.Name), p.Saved, p.Untenured); moved != nil {
			return moved.Error(), nil //nolint:nilerr // what the rule of destruction says is the answer
		}
	}
	return "", nil
}

// restore the rest in one call. The journal is written first; a call whose answer
// was lost is looked for, not repeated (F34).
func (p Pass) restore(ctx context.Context, plan Plan, out *Progress) (more bool, err error) {
	repo, err := p.Domain.Repository(ctx, contract.InboundRepository)
	if err != nil {
		return false, err
	}
	if !repo.ReadOnly || repo.BasePath != p.Point.BasePath || repo.Bucket != p.Point.Bucket {
		return false, fmt.Errorf("repository %s is not the read-only one of s3://%s/%s (H32); the next run registers it again", contract.InboundRepository, p.Point.Bucket, p.Point.BasePath)
	}
	s, err := p.Domain.Snapshot(ctx, contract.InboundRepository, p.Point.Snapshot)
	if err != nil {
		return false, err
	}
	if s.UUID != p.Point.SnapshotUUID || s.State != opensearch.Success {
		return false, fmt.Errorf("snapshot %s is %s with UUID %s, the recovery point %s names %s", s.Name, s.State, s.UUID, p.Point.ID, p.Point.SnapshotUUID)
	}
	if err := p.May(ctx); err != nil {
		return false, err
	}
	j := out.Journal
	for _, i := range out.Wanted.Indices {
		if !slices.Contains(plan.Indices, i.Name) && !slices.Contains(plan.Streams, i.DataStream) {
			continue
		}
		users, foreign := opensearch.UserBlocks(i.Blocks)
		j.Items[i.Name] = Item{
			DataStream: i.DataStream, Point: p.Point.ID, Snapshot: p.Point.Snapshot, Source: i.UUID, Mapping: i.MappingVersion,
			Settings: i.SettingsVersion, Open: i.Open, Bounds: i.Shards, Blocks: users, NotCarried: append(foreign, i.NotCarried...),
		}
	}
	if err := j.Save(ctx, p.Bucket); err != nil {
		return false, err
	}
	err = p.Domain.Restore(ctx, contract.InboundRepository, p.Point.Snapshot, opensearch.RestoreRequest{
		Indices: plan.Indices, DataStreams: plan.Streams, All: s, WriteBlock: true,
	})
	switch {
	case err == nil:
		return true, nil
	case opensearch.IsTooNew(err):
		out.Refused = err.Error()
		return false, nil
	case opensearch.IsGatewayTimeout(err):
		out.Waiting = "the restore, whose begin was not answered: " + err.Error()
		return false, nil
	case opensearch.IsIndexInTheWay(err): // F12: the next look sees whose it is
		out.Waiting = "an index that appeared meanwhile: " + strings.TrimSpace(err.Error())
		return false, nil
	}
	return false, err
}
