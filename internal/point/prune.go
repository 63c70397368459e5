package point

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Summary of a point, as far as pruning asks.
type Summary struct {
	ID          ID
	ClusterUUID string
	Start       time.Time
}

// Rules of one pruning. A point goes only when it is beyond Keep *and* older
// than Days.
type Rules struct {
	Keep     int       // the newest so many of the own points stay; at least 1
	Days     int       // what began within so many days stays
	Now      time.Time // S3's clock
	OwnUUID  string    // only points of this cluster go
	OwnGen   int64     // generation in force: points of it are the own cluster's
	Verified *ID       // the newest whole point; without one nothing goes
	Limit    int       // points a run
}

// Plan decides which points go now, oldest first. all are the ids in the bucket,
// known the summaries of those that were read: what is not known never goes, and
// counts as own only when it is of the generation in force, so that less
// knowledge only ever keeps more. The newest of each earlier generation stays. It never names the newest verified point, a
// pinned one, or another cluster's; with no verified point it names none.
func Plan(all []ID, known []Summary, pins []Pin, r Rules) []ID {
	if r.Verified == nil || r.OwnUUID == "" || r.Limit < 1 {
		return nil
	}
	own := map[ID]Summary{}
	other := map[ID]bool{}
	for _, s := range known {
		if s.ClusterUUID == r.OwnUUID {
			own[s.ID] = s
		} else {
			other[s.ID] = true
		}
	}
	pinned := map[ID]bool{}
	for _, p := range pins {
		pinned[p.Point] = pinned[p.Point] || !p.Overlong
	}
	edge := r.Now.AddDate(0, 0, -max(r.Days, 0))
	ids := slices.SortedFunc(slices.Values(all), Compare)
	var out []ID
	newer := 0
	ends := map[int64]bool{} // of earlier tenures of this cluster
	for _, id := range slices.Backward(ids) {
		s, ours := own[id]
		// What an earlier tenure ended with may be all that is left of what a switch
		// gave up: a later restore over this domain counted on it (rule (b)).
		last := ours && id.Generation < r.OwnGen && !ends[id.Generation]
		if last {
			ends[id.Generation] = true
		}
		if ours && !last && newer >= max(r.Keep, 1) && s.Start.Before(edge) && !pinned[id] && id != *r.Verified {
			out = append(out, id)
		}
		if ours || id.Generation == r.OwnGen && !other[id] {
			newer++
		}
	}
	slices.Reverse(out)
	return out[:min(len(out), r.Limit)]
}

// Prunable reads as few points as Plan needs, and plans. Only while both ledgers
// agree and name OwnUUID (H13): that is asked of the caller.
func Prunable(ctx context.Context, b store.Bucket, r Rules) ([]ID, error) {
	all, err := List(ctx, b)
	if err != nil {
		return nil, err
	}
	pins, err := Pinned(ctx, b)
	if err != nil {
		return nil, err
	}
	var known []Summary
	foreign := map[int64]bool{} // one generation is one cluster's
	for n, id := range all {
		if len(all)-1-n < max(r.Keep, 1) {
			break // no newer ones enough: neither this nor a later one goes
		}
		if foreign[id.Generation] {
			continue
		}
		p, err := Load(ctx, b, id)
		if errors.Is(err, ErrMalformed) || errors.Is(err, store.ErrAbsent) {
			continue // never touched
		}
		if err != nil {
			return nil, err
		}
		if p.Kind == KindSalvage { // nobody's by age: it may hold what a switch lost, until people say that it is done with
			known = append(known, Summary{ID: id, Start: p.Start})
			continue
		}
		foreign[id.Generation] = p.ClusterUUID != r.OwnUUID
		known = append(known, Summary{ID: id, ClusterUUID: p.ClusterUUID, Start: p.Start})
		if plan := Plan(all, known, pins, r); len(plan) >= r.Limit || p.ClusterUUID == r.OwnUUID && !p.Start.Before(r.Now.AddDate(0, 0, -r.Days)) {
			return plan, nil
		}
	}
	return Plan(all, known, pins, r), nil
}

// Removal of one point, from its mark on.
type Removal struct {
	Version      int    `json:"version"`
	Point        ID     `json:"point"`
	ClusterUUID  string `json:"clusterUuid"`
	Snapshot     string `json:"snapshot"` // to be deleted by the caller
	SnapshotUUID string `json:"snapshotUuid"`
}

// Withdraw begins to remove a point: the mark, then the pins are looked at once
// more (ErrPinned takes the mark back), then the point object goes. The caller
// deletes the snapshot next (one that is gone already is fine, one of the same
// name with another UUID is not ours to delete), then calls Finish. Cut off
// anywhere, it is repeated for each ID that Unfinished answers: until then
// nobody takes the point for one, and its snapshot stays or is gone as a whole.
func Withdraw(ctx context.Context, b store.Bucket, id ID) (Removal, error) {
	step := "remove recovery point " + id.String()
	r, err := load[Removal](ctx, b, removingKey(id))
	if errors.Is(err, store.ErrAbsent) {
		r, err = mark(ctx, b, id)
	}
	if err != nil {
		return Removal{}, fmt.Errorf("%s: %w", step, err)
	}
	if _, err := b.Get(ctx, id.Key()); errors.Is(err, store.ErrAbsent) {
		return r, nil // no new pin can be had any more
	} else if err != nil {
		return Removal{}, fmt.Errorf("%s: %w", step, err)
	}
	pins, err := Pinned(ctx, b)
	if err != nil {
		return Removal{}, fmt.Errorf("%s: %w", step, err)
	}
	for _, p := range pins {
		if p.Point == id && !p.Overlong {
			err := fmt.Errorf("%s: %w by %s until %s", step, ErrPinned, p.Holder, p.Expires.Format(time.RFC3339))
			return Removal{}, errors.Join(err, b.Delete(ctx, removingKey(id)))
		}
	}
	if err := b.Delete(ctx, id.Key()); err != nil {
		return Removal{}, fmt.Errorf("%s: %w", step, err)
	}
	return r, nil
}

func mark(ctx context.Context, b store.Bucket, id ID) (Removal, error) {
	p, err := Load(ctx, b, id)
	if err != nil {
		return Removal{}, err
	}
	r := Removal{FormatVersion, id, p.ClusterUUID, p.Snapshot, p.SnapshotUUID}
	body, err := json.Marshal(r)
	if err != nil {
		return Removal{}, err
	}
	_, err = b.Put(ctx, removingKey(id), body, store.Condition{})
	return r, err
}

// Finish after the snapshot is deleted: the sidecars, the point's pins, and the
// mark last. The other points' lists name only what their own snapshots need, so
// nothing is to be taken out of them.
func Finish(ctx context.Context, b store.Bucket, r Removal) error {
	step := "finish removing recovery point " + r.Point.String()
	pins, err := b.List(ctx, PinsPrefix+r.Point.String()+"-")
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	gone := []string{r.Point.ObjectsKey(), r.Point.CapsuleKey()}
	for _, p := range pins {
		gone = append(gone, p.Key)
	}
	for _, key := range append(gone, removingKey(r.Point)) {
		if err := b.Delete(ctx, key); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}

// Unfinished removals, oldest first: Withdraw, delete the snapshot and Finish
// each before planning more.
func Unfinished(ctx context.Context, b store.Bucket) ([]ID, error) {
	all, err := keys(ctx, b)
	if err != nil {
		return nil, err
	}
	var out []ID
	for _, s := range all {
		if s.removing {
			out = append(out, s.id)
		}
	}
	return out, nil
}
