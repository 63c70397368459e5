package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

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
	Untenured   bool                                        // no user was ever given access to the domain
	Abandoned   bool                                        // the operator gave up what stands here, by its cluster UUID
	Saved       []point.Point                               // whole points that may cover what stands in the way
	Guarded     func([]opensearch.Index) []opensearch.Index // without the engine's own
	// Without are the indexes and data streams that a person leaves behind.
	Without []string
	// Older point of a unit whose objects in Point are damaged; of one that is in
	// Damaged and not here, no point is known yet.
	Older   map[string]point.Point
	Damaged map[string]string // by unit: why its objects in Point are no good
	// Try of the units that did not come before: the same one does not ask again.
	Try string
	Now time.Time
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
	// Unplaced are the units that this domain does not get from the points that they
	// are to come from, in this try. All else goes on (H53).
	Unplaced map[string]Unplaced
	// Left are the units of Without.
	Left []string
	// Refused is the engine's word that it cannot read the snapshot (F6).
	Refused string
	// Wanted is all that is selected; Rest of it is what this domain is to hold.
	Wanted, Rest Wanted
	Journal      Journal
	Present      []opensearch.Index // guarded ones, at the last look
	Removed      []string           // by this run
	// Disowned by this run: what we restored, and others wrote to before it was whole.
	Disowned []string
}

// turns of looking and doing in one run; a turn that changes nothing ends it.
const turns = 6

// Run the pass.
func (p Pass) Run(ctx context.Context) (out Progress, err error) {
	out.Wanted = p.wanted()
	var most Wanted
	most, out.Left = out.Wanted.Without(p.Without)
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
		out.Unplaced = p.unplaced(most, out.Journal)
		out.Rest = most.minus(func(u string) bool { _, ok := out.Unplaced[u]; return ok })
		plan := Make(p.Point.ID, out.Rest, out.Present, out.Journal, p.Saved, p.stays(out.Present, out.Journal), p.Abandoned, p.Untenured)
		switch {
		case plan.Settled():
			out.Done, out.Percent, out.BytesDone = true, 100, out.BytesTotal
			return out, nil
		case len(plan.Forbidden) > 0:
			out.Forbidden = plan.Forbidden
			return out, nil
		case len(plan.RemoveIndices)+len(plan.RemoveStreams) > 0:
			if err := p.remove(ctx, plan, &out); err != nil || out.Waiting != "" {
				return out, err
			}
		case len(plan.Awaited) > 0:
			out.Waiting = fmt.Sprintf("%d indexes of a restore whose begin was not answered", len(plan.Awaited))
			return out, nil
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
	changed := out.Journal.Adopt(out.Present)
	if overdue := out.Journal.Overdue(p.Now); len(overdue) > 0 {
		// It reads the metadata still: asked again it would only queue up (H66).
		begun, err := p.Domain.Restoring(ctx)
		if err != nil {
			return err
		}
		if len(begun) == 0 {
			for _, name := range overdue {
				delete(out.Journal.Items, name)
			}
			changed = true
		}
	}
	if changed {
		return out.Journal.Save(ctx, p.Bucket)
	}
	return nil
}

// wanted of the point, what is damaged there from older ones.
func (p Pass) wanted() Wanted {
	w := Choose(p.Point, p.Select)
	for _, u := range slices.Sorted(maps.Keys(p.Older)) {
		if selected(u, p.Select) {
			w = w.replace(u, p.Older[u])
		}
	}
	return w
}

// Rest of what is wanted that a domain can hold, by the journal: what verification
// holds it to.
func (p Pass) Rest(j Journal) Wanted {
	most, _ := p.wanted().Without(p.Without)
	un := p.unplaced(most, j)
	return most.minus(func(u string) bool { _, ok := un[u]; return ok })
}

// stays what a person accepts, and what is here under a name that is left behind,
// where the rule of destruction does not let it go.
func (p Pass) stays(have []opensearch.Index, j Journal) []string {
	out := slices.Clone(p.Accepted)
	for _, i := range have {
		left := slices.Contains(p.Without, i.Name) || i.DataStream != "" && slices.Contains(p.Without, i.DataStream)
		if left && !p.Abandoned && destruction.Allowed(i, j.Mine(i.Name), p.Saved, p.Untenured) != nil {
			out = append(out, i.Name)
		}
	}
	return out
}

// unplaced units of what is wanted, by the journal and by what is known of the point.
func (p Pass) unplaced(w Wanted, j Journal) map[string]Unplaced {
	out := map[string]Unplaced{}
	for _, u := range w.Units() {
		from := p.Point.ID
		if older, ok := p.Older[u]; ok {
			from = older.ID
		} else if why, ok := p.Damaged[u]; ok {
			out[u] = Unplaced{Point: from, Try: p.Try, Cause: why, Damaged: true}
			continue
		}
		if x, ok := j.unplaced(u, from, p.Try); ok {
			out[u] = x
		}
	}
	return out
}

// progressAtOnce bounds the indexes that are asked about before the answers are
// noted: a run that is cut off later has noted what had ended (H70).
const progressAtOnce = 250

// progress asks the engine about what has not ended, and writes down the numbers
// of what has.
func (p Pass) progress(ctx context.Context, out *Progress) error {
	coming := map[string]int64{}
	defer func() { p.measure(out, coming) }()
	var open []string
	for name, i := range out.Journal.Items {
		if !i.Done && i.UUID != "" {
			open = append(open, name)
		}
	}
	slices.Sort(open)
	for some := range slices.Chunk(open, progressAtOnce) {
		list, err := p.Domain.Progress(ctx, some)
		if errors.Is(err, opensearch.ErrNotFound) {
			continue // gone meanwhile; the next look tells
		}
		if err != nil {
			return err
		}
		for _, x := range list {
			coming[x.Index] = x.BytesRecovered + x.BytesReused
		}
		if !slices.ContainsFunc(list, func(x opensearch.IndexProgress) bool { return x.Done || x.Failed != "" }) {
			continue
		}
		// Again, after the engine said that they are done: those are the numbers.
		if err := p.look(ctx, out); err != nil {
			return err
		}
		if p.note(list, out) {
			if err := out.Journal.Save(ctx, p.Bucket); err != nil {
				return err
			}
		}
	}
	return nil
}

// note in the journal what has ended, well or not.
func (p Pass) note(list []opensearch.IndexProgress, out *Progress) (changed bool) {
	j := out.Journal
	for _, x := range list {
		item, ok := j.Items[x.Index]
		at := slices.IndexFunc(out.Present, func(i opensearch.Index) bool { return i.Name == x.Index && i.UUID == item.UUID })
		switch {
		case !ok || at < 0:
		case x.Failed != "":
			name := x.Index
			if item.DataStream != "" {
				name = item.DataStream
			}
			if old, ok := j.unplaced(name, item.Point, p.Try); item.Failed == x.Failed && ok && old.Cause != "" {
				continue
			}
			item.Failed = x.Failed
			j.Unplaced[name] = Unplaced{Point: item.Point, Try: p.Try, Cause: x.Failed, Damaged: x.Damaged}
			j.Items[x.Index], changed = item, true
		case x.Done && !item.untouched(out.Present[at]):
			// It was not blocked all the time, so nobody knows which of the numbers are
			// the snapshot's: it is a stranger, and saved before it goes.
			out.Disowned = append(out.Disowned, x.Index)
			delete(j.Items, x.Index)
			changed = true
		case x.Done && len(out.Present[at].Shards) == out.Present[at].Primaries:
			item.Done, item.Shards, item.Failed = true, out.Present[at].Shards, ""
			j.Items[x.Index], changed = item, true
		}
	}
	return changed
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
		if out.Journal.Items[want.Name].unchanged(out.Wanted.from(want.Name, p.Point.ID), want, there[want.Name]) {
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
		all = append(all, removal{name, p.Domain.RemoveDataStream, p.streamNow})
	}
	for _, name := range plan.RemoveIndices {
		all = append(all, removal{name, p.Domain.RemoveIndex, p.indexNow})
	}
	for _, x := range all {
		moved, err := p.still(ctx, out.Journal, x)
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
	now  func(context.Context, string) ([]opensearch.Index, error) // what goes with it, as it is now
}

// indexNow looks at one index only: behind a fence each deletion is a part of the
// write pause, and a listing of all takes seconds (H65).
func (p Pass) indexNow(ctx context.Context, name string) ([]opensearch.Index, error) {
	i, err := p.Domain.Look(ctx, name)
	if errors.Is(err, opensearch.ErrNotFound) {
		return nil, nil // gone already
	}
	if err != nil {
		return nil, err
	}
	return []opensearch.Index{i}, nil
}

// streamNow lists all, since a rollover may have brought another index.
func (p Pass) streamNow(ctx context.Context, name string) ([]opensearch.Index, error) {
	all, err := p.Domain.Indices(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(i opensearch.Index) bool { return i.DataStream != name }), nil
}

// still answers what moved since the plan was made, empty when nothing did.
func (p Pass) still(ctx context.Context, j Journal, x removal) (moved string, err error) {
	if err := p.May(ctx); err != nil {
		return "", err
	}
	now, err := x.now(ctx, x.name)
	if err != nil || p.Abandoned {
		return "", err
	}
	for _, i := range p.Guarded(now) {
		if slices.Contains(p.Accepted, i.Name) {
			continue
		}
		if moved := destruction.Allowed(i, j.Mine(i.Name), p.Saved, p.Untenured); moved != nil {
			return moved.Error(), nil //nolint:nilerr // what the rule of destruction says is the answer
		}
	}
	return "", nil
}
