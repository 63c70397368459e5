package point

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// maxTries bounds how many sequence numbers one Write may lose to others.
const maxTries = 16

// Write the point into b and answer it with its ID. p needs its generation (in
// ID), all else but the sequence, and a Token that is the same whenever this
// snapshot is written again (its UUID will do). objects is what Essentials
// answered.
//
// The sidecars go first and the point last, each only if absent, so a point that
// can be read is complete. The sequence is the next one of the generation; a
// lost race takes the one after. Written again, after a lost answer or a crash,
// the same snapshot gives the same point: never two points for one snapshot.
func Write(ctx context.Context, b store.Bucket, p Point, objects []Object, capsule opensearch.Capsule) (Point, error) {
	step := "write recovery point of snapshot " + p.Snapshot
	p.Version, p.Objects, p.Ledger = FormatVersion, len(objects), p.Ledger.Copy()
	p.ID.Sequence = 1
	if err := p.Validate(); err != nil {
		return Point{}, fmt.Errorf("%s: %w", step, err)
	}
	for range maxTries {
		all, err := keys(ctx, b)
		if err != nil {
			return Point{}, fmt.Errorf("%s: %w", step, err)
		}
		if old, ok, err := find(ctx, b, all, p); err != nil || ok {
			if err != nil {
				return Point{}, fmt.Errorf("%s: %w", step, err)
			}
			return old, nil
		}
		if p.ID, err = number(ctx, b, all, p); err != nil {
			return Point{}, fmt.Errorf("%s: %w", step, err)
		}
		ok, err := writeAt(ctx, b, p, objects, capsule)
		if err != nil {
			return Point{}, fmt.Errorf("%s: %w", step, err)
		}
		if ok {
			return p, nil
		}
	}
	return Point{}, fmt.Errorf("%s: %d sequence numbers were taken by others; see which other domain writes points of generation %d into s3://%s/%s",
		step, maxTries, p.ID.Generation, b.Name(), Prefix)
}

// number that p takes: the one whose sidecars are its own already, or the one
// after all that have any object. Numbers are taken without a gap, so two writers
// of one snapshot, wherever they look, come to the same one: either the first's
// sidecars are in the second's listing, or they meet in a conditional put.
func number(ctx context.Context, b store.Bucket, all []standing, p Point) (ID, error) {
	top := ID{Generation: p.ID.Generation}
	for _, k := range all {
		if k.id.Generation != p.ID.Generation {
			continue
		}
		top = k.id
		if k.point || k.removing {
			continue
		}
		s, err := load[objectList](ctx, b, k.id.ObjectsKey())
		if err == nil && s.Token == p.Token {
			return k.id, nil
		}
		if err != nil && !errors.Is(err, store.ErrAbsent) && !errors.Is(err, ErrMalformed) {
			return ID{}, err
		}
	}
	top.Sequence++
	return top, nil
}

// searchBack is how many points that ended before a snapshot started are looked
// at before it is taken for new. Snapshots of one domain do not overlap, so one
// would do, were a snapshot never settled after a later one.
const searchBack = 8

// find the point that names p's snapshot already, newest first.
func find(ctx context.Context, b store.Bucket, all []standing, p Point) (Point, bool, error) {
	older := 0
	for _, k := range slices.Backward(all) {
		if !k.point || k.id.Generation != p.ID.Generation {
			continue
		}
		old, err := Load(ctx, b, k.id)
		if errors.Is(err, store.ErrAbsent) || errors.Is(err, ErrMalformed) {
			continue // pruned meanwhile, or of no point: it stays, and keeps its number (H88)
		}
		if err != nil {
			return Point{}, false, err
		}
		if old.ClusterUUID == p.ClusterUUID && old.SnapshotUUID == p.SnapshotUUID {
			return old, true, nil
		}
		if old.End.Before(p.Start) {
			if older++; older == searchBack {
				return Point{}, false, nil
			}
		}
	}
	return Point{}, false, nil
}

// writeAt p.ID: false when the number belongs to somebody else.
func writeAt(ctx context.Context, b store.Bucket, p Point, objects []Object, capsule opensearch.Capsule) (bool, error) {
	for _, f := range []struct {
		key  string
		body any
	}{
		{p.ID.ObjectsKey(), objectList{FormatVersion, p.Token, p.SnapshotUUID, objects}},
		{p.ID.CapsuleKey(), capsuleFile{FormatVersion, p.Token, capsule}},
		{p.ID.Key(), p},
	} {
		body, err := json.Marshal(f.body)
		if err != nil {
			return false, err
		}
		if ok, err := putOnce(ctx, b, f.key, body, p.Token); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// putOnce if absent; after any doubt the token there decides (H25).
func putOnce(ctx context.Context, b store.Bucket, key string, body []byte, token string) (bool, error) {
	_, err := b.Put(ctx, key, body, store.Condition{IfAbsent: true})
	if err == nil {
		return true, nil
	}
	o, rerr := b.Get(ctx, key)
	if rerr != nil {
		if errors.Is(rerr, store.ErrAbsent) && errors.Is(err, store.ErrConflict) {
			return false, nil // taken, and removed at once
		}
		return false, errors.Join(err, rerr)
	}
	var there struct {
		Token string `json:"token"`
	}
	if json.Unmarshal(o.Body, &there) == nil && there.Token == token {
		return true, nil
	}
	return false, nil
}
