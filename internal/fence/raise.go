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
// any more. Repeated, it goes on; a fence that stands is only looked at.
func (f Fence) Raise(ctx context.Context, rec *Record, uuid, token string, now time.Time) (out *Record, waiting string, err error) {
	rec, err = f.Quieten(ctx, rec, uuid, token, now)
	if err != nil {
		return rec, "", err
	}
	if rec.State != Blocking && rec.State != Fenced || rec.Token != token {
		rec.State, rec.Token, rec.Drained, rec.Writing, rec.Final = Blocking, token, false, nil, nil
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
		if changed {
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
		return f.drain(ctx, rec)
	}
	return rec, "indexes to stop appearing", nil
}

// note what stands there of indexes that are new, and of those that were lifted
// or unblocked meanwhile, as their user has them now.
func (r *Record) note(guarded []opensearch.Index, before func(opensearch.Index) opensearch.Index) (changed bool) {
	names := map[string]bool{}
	for _, i := range guarded {
		names[i.Name] = true
		f, ok := r.Indices[i.Name]
		if ok && f.UUID == i.UUID && (Stopped(i) || !f.Blocked && slices.Equal(f.Blocks, i.Blocks)) {
			continue
		}
		users := i
		if before != nil {
			users = before(i)
		}
		r.Indices[i.Name] = Index{UUID: i.UUID, Blocks: users.Blocks, Setting: i.SettingsVersion}
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

func (r *Record) reopen() {
	r.Drained, r.Writing, r.Final = false, nil, nil
	if r.State == Fenced {
		r.State = Blocking
	}
}

// block those that have none of ours; an index that its user made read-only has
// all it needs.
func (f Fence) block(ctx context.Context, rec *Record, guarded []opensearch.Index) (did bool, err error) {
	var touched []string
	for _, i := range guarded {
		if rec.Indices[i.Name].Blocked && Stopped(i) || slices.Contains(i.Blocks, "read_only") || slices.Contains(i.Blocks, "metadata") && Stopped(i) {
			continue
		}
		if !Stopped(i) {
			if err := f.may(ctx); err != nil {
				return did, err
			}
			if err := f.one(ctx, i); err != nil {
				return did, err
			}
			did = true
		}
		touched = append(touched, i.Name)
	}
	if len(touched) == 0 {
		return did, nil
	}
	all, err := f.Domain.Indices(ctx)
	if err != nil {
		return did, err
	}
	for _, i := range all {
		if r, ok := rec.Indices[i.Name]; ok && r.UUID == i.UUID && slices.Contains(touched, i.Name) && Stopped(i) {
			r.Blocked, r.After = true, i.SettingsVersion
			rec.Indices[i.Name] = r
		}
	}
	rec.reopen()
	return true, rec.Save(ctx, f.Bucket)
}

// one index. The engine's own block drains; where it cannot be had the setting
// stops new writes, and drain waits for the ones that had passed (H8).
func (f Fence) one(ctx context.Context, i opensearch.Index) error {
	var err error
	if i.Open && !i.WriteIndex {
		err = f.Domain.Block(ctx, i.Name)
	} else {
		err = opensearch.ErrWriteIndex
	}
	switch {
	case err == nil, errors.Is(err, opensearch.ErrAlreadyBlocked), errors.Is(err, opensearch.ErrNotFound):
		return nil
	case errors.Is(err, opensearch.ErrWriteIndex), errors.Is(err, opensearch.ErrNotOffered), errors.Is(err, opensearch.ErrNotDrained):
		err = f.Domain.SetWriteBlock(ctx, []string{i.Name}, true)
		if errors.Is(err, opensearch.ErrNotFound) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("block writes to index %s: %w", i.Name, err)
	}
	return nil
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

// Lift gives every index its user's blocks back, then index management and
// automatic creation, and ends the record. The caller has made sure that nobody
// can claim by this fence any more (H3).
func (f Fence) Lift(ctx context.Context, rec *Record) error {
	if rec.State != Lifting {
		rec.State = Lifting
		if err := rec.Save(ctx, f.Bucket); err != nil {
			return err
		}
	}
	all, err := f.Domain.Indices(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		r, ok := rec.Indices[i.Name]
		if !ok || r.UUID != i.UUID || !slices.Contains(i.Blocks, "write") || slices.Contains(r.Blocks, "write") {
			continue
		}
		if err := f.may(ctx); err != nil {
			return err
		}
		var kept []string // what else the user has set by now stays
		for _, b := range i.Blocks {
			if b != "write" && b != "read_only_allow_delete" {
				kept = append(kept, b)
			}
		}
		if err := f.Domain.SetBlocks(ctx, i.Name, kept); err != nil && !errors.Is(err, opensearch.ErrNotFound) {
			return fmt.Errorf("lift the block of index %s: %w", i.Name, err)
		}
	}
	return f.Unquieten(ctx, rec)
}

// Unquieten gives back automatic creation and index management and removes the
// record. What its user has changed meanwhile stays.
func (f Fence) Unquieten(ctx context.Context, rec *Record) error {
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
	return f.end(ctx, rec)
}

// Freeze marks the fence as complete: the final point saw these numbers.
func (f Fence) Freeze(ctx context.Context, rec *Record, guarded []opensearch.Index) error {
	for _, i := range guarded {
		r := rec.Indices[i.Name]
		r.Shards = i.Shards
		rec.Indices[i.Name] = r
	}
	rec.State = Fenced
	return rec.Save(ctx, f.Bucket)
}
