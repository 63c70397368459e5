package fence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// NoAutoCreate keeps automatic creation for plugins' dot indexes only (D10).
const NoAutoCreate = "+.*,-*"

// rounds of listing for new indexes in one run.
const rounds = 8

// Domain is what a fence does in one.
type Domain interface {
	Indices(ctx context.Context) ([]opensearch.Index, error)
	opensearch.Recovery
}

// Fence of one domain.
type Fence struct {
	Bucket store.Bucket // of the domain's own Region
	Domain Domain
	// Guarded picks the indexes that hold somebody's documents: the rest is the
	// engine's own and stays writable.
	Guarded func([]opensearch.Index) []opensearch.Index
	// Before answers an index as its user has it, without the block of a restore
	// that is not handed over yet; nil: as it stands.
	Before func(opensearch.Index) opensearch.Index
	// May is asked directly before each change.
	May func(context.Context) error
	// Parallel is how many indexes are blocked at the same time; 0 and 1: one.
	Parallel int
	// Enough: an index that refuses writes by a block of the disk or of its user is as
	// good as one that has ours, where ours cannot be set. That is so for a salvage,
	// which compares numbers again before anything goes; a switch needs ours, since
	// the disk's block goes away by itself.
	Enough bool
}

// Quieten notes and stops automatic creation and index management. rec is nil for
// a domain that has no record yet.
func (f Fence) Quieten(ctx context.Context, rec *Record, uuid, token string, now time.Time) (*Record, error) {
	if rec == nil {
		value, set, err := f.Domain.AutoCreate(ctx)
		if err != nil {
			return nil, fmt.Errorf("note the user's settings: %w", err)
		}
		on, err := f.Domain.ISM(ctx)
		if err != nil && !errors.Is(err, opensearch.ErrNotOffered) {
			return nil, fmt.Errorf("note the user's settings: %w", err)
		}
		rec = &Record{ClusterUUID: uuid, Token: token, State: Quiet, Since: now, AutoCreate: value, AutoCreateSet: set,
			ISMOffered: err == nil, ISM: on, Indices: map[string]Index{}}
		if err := rec.Save(ctx, f.Bucket); err != nil {
			return nil, err
		}
	}
	refused := maps.Clone(rec.Refused)
	value, set, err := f.Domain.AutoCreate(ctx)
	if err != nil {
		return rec, err
	}
	f.taken(rec, SettingAutoCreate)
	if !set || value != NoAutoCreate {
		off := func(ctx context.Context) error { return f.Domain.SetAutoCreate(ctx, NoAutoCreate, true) }
		if err := f.put(ctx, rec, SettingAutoCreate, false, off); err != nil {
			return rec, fmt.Errorf("stop automatic creation of indexes: %w", err)
		}
	}
	if rec.ISMOffered {
		on, err := f.Domain.ISM(ctx)
		if err != nil {
			return rec, err
		}
		f.taken(rec, SettingISM)
		if on {
			off := func(ctx context.Context) error { return f.Domain.SetISM(ctx, false) }
			if err := f.put(ctx, rec, SettingISM, false, off); err != nil {
				return rec, fmt.Errorf("stop index state management: %w", err)
			}
		}
	}
	if !same(refused, rec.Refused) {
		return rec, rec.Save(ctx, f.Bucket)
	}
	return rec, nil
}

func (f Fence) may(ctx context.Context) error {
	if f.May == nil {
		return nil
	}
	return f.May(ctx)
}

// Raise blocks every guarded index, also those that appear meanwhile, and waits
// for the writes that had passed. waiting is empty when nothing is being written
// any more. Repeated, it goes on; a fence that stands is only looked at. An index
// that cannot be blocked stops no other: the record and waiting name it (H72).
func (f Fence) Raise(ctx context.Context, rec *Record, uuid, token string, now time.Time) (out *Record, waiting string, err error) {
	rec, err = f.Quieten(ctx, rec, uuid, token, now)
	if err != nil {
		return rec, "", err
	}
	if rec.State != Blocking && rec.State != Fenced || rec.Token != token {
		rec.State, rec.Token, rec.Drained, rec.Writing, rec.Final, rec.Snapshot, rec.Round = Blocking, token, false, nil, nil, nil, 0
		if err := rec.Save(ctx, f.Bucket); err != nil {
			return rec, "", err
		}
	}
	for range rounds {
		all, err := f.Domain.Indices(ctx)
		if err != nil {
			return rec, "", err
		}
		guarded := f.Guarded(all)
		changed := rec.note(guarded, f.Before)
		if seen := rec.see(guarded); changed || seen {
			if err := rec.Save(ctx, f.Bucket); err != nil {
				return rec, "", err
			}
		}
		blocked, err := f.block(ctx, rec, guarded)
		if err != nil {
			return rec, "", err
		}
		if changed || blocked {
			continue // and look whether anything came meanwhile (H9)
		}
		rec, waiting, err := f.drain(ctx, rec)
		if odd := f.odd(rec, guarded); err == nil && odd != "" {
			return rec, odd, nil
		}
		return rec, waiting, err
	}
	return rec, "indexes to stop appearing", nil
}

// odd names the indexes that could not be blocked, and why; empty: there is none.
func (f Fence) odd(rec *Record, guarded []opensearch.Index) string {
	var names []string
	for _, i := range guarded {
		if r := rec.Indices[i.Name]; r.Refused != "" && (!f.Enough || !Refusing(i)) {
			names = append(names, i.Name+" ("+r.Refused+")")
		}
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if len(names) > 3 {
		more = fmt.Sprintf(" and %d more", len(names)-3)
	}
	return "a write block on " + strings.Join(names[:min(3, len(names))], ", ") + more
}

// note what stands there of indexes that are new, and of those that were lifted
// or unblocked meanwhile, as their user has them now.
func (r *Record) note(guarded []opensearch.Index, before func(opensearch.Index) opensearch.Index) (changed bool) {
	names := map[string]bool{}
	for _, i := range guarded {
		names[i.Name] = true
		f, ok := r.Indices[i.Name]
		if ok && f.UUID == i.UUID && (Stopped(i) || !f.Blocked && slices.Equal(f.Blocks, users(i.Blocks))) {
			continue
		}
		as := i
		if before != nil {
			as = before(i)
		}
		r.Indices[i.Name] = Index{UUID: i.UUID, Blocks: users(as.Blocks), Setting: i.SettingsVersion}
		changed = true
	}
	for name := range r.Indices {
		if !names[name] {
			delete(r.Indices, name)
			changed = true
		}
	}
	if changed {
		r.reopen()
	}
	return changed
}

// users are the blocks that a user has set: the disk's flood stage comes and goes
// by itself, and no other domain is given it (H72).
func users(blocks []string) []string {
	var out []string
	for _, b := range blocks {
		if b != opensearch.DiskBlock {
			out = append(out, b)
		}
	}
	return out
}

func (r *Record) reopen() {
	r.Drained, r.Writing, r.Final, r.Snapshot = false, nil, nil, nil
	if r.State == Fenced {
		r.State = Blocking
	}
}

// drain: all writes that ran once every block stood are through.
func (f Fence) drain(ctx context.Context, rec *Record) (*Record, string, error) {
	if rec.Drained {
		return rec, "", nil
	}
	running, err := f.Domain.Writing(ctx)
	if err != nil {
		return rec, "", err
	}
	if rec.Writing == nil {
		rec.Writing = append([]string{}, running...)
	}
	var left []string
	for _, w := range rec.Writing {
		if slices.Contains(running, w) {
			left = append(left, w)
		}
	}
	rec.Writing, rec.Drained = append([]string{}, left...), len(left) == 0
	if err := rec.Save(ctx, f.Bucket); err != nil {
		return rec, "", err
	}
	if rec.Drained {
		return rec, "", nil
	}
	return rec, fmt.Sprintf("%d writes to end that had begun before the fence: %s", len(left), strings.Join(left[:min(3, len(left))], ", ")), nil
}

// Unquieten gives back automatic creation and index management and removes the
// record. What its user has changed meanwhile stays.
func (f Fence) Unquieten(ctx context.Context, rec *Record) error {
	if err := f.settingsBack(ctx, rec); err != nil {
		return err
	}
	return f.end(ctx, rec)
}

func (f Fence) settingsBack(ctx context.Context, rec *Record) error {
	value, set, err := f.Domain.AutoCreate(ctx)
	if err != nil {
		return err
	}
	rec.Refused = nil // of the fence that was up
	if set && value == NoAutoCreate && (!rec.AutoCreateSet || rec.AutoCreate != NoAutoCreate) {
		back := func(ctx context.Context) error { return f.Domain.SetAutoCreate(ctx, rec.AutoCreate, rec.AutoCreateSet) }
		if err := f.put(ctx, rec, SettingAutoCreate, true, back); err != nil {
			return fmt.Errorf("give back automatic creation of indexes: %w", err)
		}
	}
	if rec.ISMOffered && rec.ISM {
		on, err := f.Domain.ISM(ctx)
		if err != nil {
			return err
		}
		back := func(ctx context.Context) error { return f.Domain.SetISM(ctx, true) }
		if !on {
			if err := f.put(ctx, rec, SettingISM, true, back); err != nil {
				return fmt.Errorf("give back index state management: %w", err)
			}
		}
	}
	return nil
}

// Freeze marks the fence as complete: the final point saw these numbers.
func (f Fence) Freeze(ctx context.Context, rec *Record, guarded []opensearch.Index) error {
	for _, i := range guarded {
		r := rec.Indices[i.Name]
		r.Shards, r.Frozen = i.Shards, new(versions(i))
		rec.Indices[i.Name] = r
	}
	rec.State, rec.Snapshot = Fenced, nil
	return rec.Save(ctx, f.Bucket)
}
