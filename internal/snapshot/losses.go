package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// lossesKey holds what spoiled the snapshots before the next one, of one cluster, in
// the domain's own Region's bucket. It exists only while there is something to
// remember.
const lossesKey = "_dr/journal/losses.json"

// inARow is how many snapshots in a row one cause may spoil before the next ones do
// without it, and wholeAgain how long they do without a stream. Then one tries the whole again: it has
// little to add, so it may be over before the next rollover. Not more often, as each
// try that fails costs the others a snapshot, and each change of the form costs a
// warm standby a restore of the stream.
const (
	inARow     = 2
	wholeAgain = 6 * time.Hour
)

// Losses in a row, by their cause.
type Losses struct {
	Version     int    `json:"version"` // of this format: 1
	ClusterUUID string `json:"clusterUuid"`
	// Streams that rolled over while a snapshot named them: at its end the engine
	// drops it without a word, its own and everybody's indexes with it (H77).
	Streams map[string]int `json:"streams,omitempty"`
	// Indices whose shards failed in a snapshot that ended PARTIAL.
	Indices map[string]int `json:"indices,omitempty"`
	// Last time that a snapshot was lost for the stream or index of that name.
	Last map[string]time.Time `json:"last,omitempty"`
}

// spare reports whether the next snapshot does without the stream or index, for so long
// after its last loss.
func (l Losses) spare(n int, name string, now time.Time, wait time.Duration) bool {
	return n >= inARow && now.Sub(l.Last[name]) < wait
}

// indexAgain is how long snapshots do without an index whose shards failed n times in a
// row: an interval, then twice as long with each failure. A bucket that was away for
// two snapshots costs an index one interval and not hours, in which no planned switch
// would be possible; shards that are broken for good cost the others few snapshots.
func indexAgain(n int, interval time.Duration) time.Duration {
	wait := interval
	for range min(n-inARow, 10) {
		wait *= 2
	}
	return min(wait, wholeAgain)
}

// ReadLosses of this cluster; none is no error.
func ReadLosses(ctx context.Context, b store.Bucket, clusterUUID string) (Losses, error) {
	none := Losses{Version: 1, ClusterUUID: clusterUUID, Streams: map[string]int{}, Indices: map[string]int{}, Last: map[string]time.Time{}}
	o, err := b.Get(ctx, lossesKey)
	if errors.Is(err, store.ErrAbsent) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("read what spoiled earlier snapshots: %w", err)
	}
	// One that cannot be read costs two more snapshots, and no point.
	l, err := store.Parse(o, store.JSON[Losses])
	if err != nil || l.ClusterUUID != clusterUUID {
		return none, nil //nolint:nilerr // see above
	}
	out := none
	maps.Copy(out.Streams, l.Streams) // this reader's own
	maps.Copy(out.Indices, l.Indices)
	maps.Copy(out.Last, l.Last)
	return out, nil
}

// note a change of the losses, if there is any.
func (r *run) note(ctx context.Context, change func(*Losses)) error {
	was, err := ReadLosses(ctx, r.Own, r.info.ClusterUUID)
	if err != nil {
		return err
	}
	now := was
	now.Streams, now.Indices, now.Last = maps.Clone(was.Streams), maps.Clone(was.Indices), maps.Clone(was.Last)
	change(&now)
	maps.DeleteFunc(now.Last, func(name string, _ time.Time) bool { return now.Streams[name]+now.Indices[name] == 0 })
	if maps.Equal(was.Streams, now.Streams) && maps.Equal(was.Indices, now.Indices) && maps.Equal(was.Last, now.Last) {
		return nil
	}
	if len(now.Streams)+len(now.Indices) == 0 {
		err = r.Own.Delete(ctx, lossesKey)
	} else {
		err = putJSON(ctx, r.Own, lossesKey, now, store.Condition{})
	}
	if err != nil {
		return fmt.Errorf("note what spoiled the snapshot: %w", err)
	}
	return nil
}

// spared takes out of the selection what spoiled the last snapshots. A stream is
// named by its backing indexes instead: their documents come back, as plain indexes
// under an alias of the stream's name. A special snapshot spares nothing: it must be
// whole, and behind a fence nothing rolls over.
func (s Selection) spared(l Losses, now time.Time, interval time.Duration) (Selection, []string) {
	var apart []string
	out := s
	out.Names, out.LeftOut = nil, slices.Clone(s.LeftOut)
	for _, name := range s.Names {
		at := slices.IndexFunc(s.Streams, func(d opensearch.DataStream) bool { return d.Name == name })
		switch {
		case at >= 0 && l.spare(l.Streams[name], name, now, wholeAgain):
			apart = append(apart, name)
			out.Names = append(out.Names, s.Streams[at].Indices...)
			out.LeftOut = append(out.LeftOut, point.LeftOut{Name: name, Code: point.CodeApart,
				Reason: "data stream that rolled over while snapshots ran: its documents are in the point, and come back as plain indexes under an alias of its name"})
		case at < 0 && l.spare(l.Indices[name], name, now, indexAgain(l.Indices[name], interval)):
			out.LeftOut = append(out.LeftOut, point.LeftOut{Name: name, Code: point.CodeFailing, Reason: fmt.Sprintf("its shards failed in %d snapshots in a row", l.Indices[name])})
			out.Indices = slices.DeleteFunc(slices.Clone(out.Indices), func(i opensearch.Index) bool { return i.Name == name })
		default:
			out.Names = append(out.Names, name)
		}
	}
	slices.Sort(out.Names)
	return out, apart
}

// rolledOver are the streams of the journal whose write index is another one now.
func rolledOver(before, now []opensearch.DataStream) []string {
	var out []string
	for _, b := range before {
		at := slices.IndexFunc(now, func(n opensearch.DataStream) bool { return n.Name == b.Name })
		if at >= 0 && len(b.Indices) > 0 && len(now[at].Indices) > 0 && now[at].Indices[len(now[at].Indices)-1] != b.Indices[len(b.Indices)-1] {
			out = append(out, b.Name)
		}
	}
	return out
}

// caught clears what the snapshot holds after all.
func (r *run) caught(ctx context.Context, j Journal, s opensearch.Snapshot) error {
	return r.note(ctx, func(l *Losses) {
		for _, name := range s.DataStreams {
			delete(l.Streams, name)
		}
		for name := range l.Streams { // one that is gone
			if !slices.ContainsFunc(j.Streams, func(d opensearch.DataStream) bool { return d.Name == name }) {
				delete(l.Streams, name)
			}
		}
		maps.DeleteFunc(l.Indices, func(name string, _ int) bool {
			return !slices.ContainsFunc(j.LeftOut, func(x point.LeftOut) bool { return x.Name == name && x.Code == point.CodeFailing })
		})
	})
}

// aliases of the streams that the snapshot names by their backing indexes: reads and
// writes by the stream's name go on after a failover.
func aliases(c opensearch.Capsule, p point.Point, apart []string) opensearch.Capsule {
	for _, name := range apart {
		var of []string
		for _, i := range p.Indices {
			if i.DataStream == name {
				of = append(of, i.Name)
			}
		}
		slices.Sort(of) // the engine's names carry generation and order
		for n, i := range of {
			all := maps.Clone(c.Aliases)
			if all == nil {
				all = map[string]map[string]any{}
			}
			all[i] = maps.Clone(all[i])
			if all[i] == nil {
				all[i] = map[string]any{}
			}
			all[i][name] = map[string]any{"is_write_index": n == len(of)-1}
			c.Aliases = all
		}
	}
	return c
}
