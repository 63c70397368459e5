// Package restore brings a domain to what a recovery point holds, and proves it:
// never over a document that is only there (the rule of destruction decides),
// never by a guess about what is equal (sequence numbers and metadata versions,
// not counts), and so that a cut at any moment leaves a journal that tells what
// in the domain is ours (C2, C3).
package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// JournalKey of what the controller restored into its own domain, in its own
// Region's bucket. It goes when the domain has been claimed and lifted.
const JournalKey = "_dr/journal/restore.json"

// Item is one index that we restored.
type Item struct {
	UUID       string        `json:"uuid,omitempty"` // of the copy; empty until it is seen
	DataStream string        `json:"dataStream,omitempty"`
	Point      point.ID      `json:"point"`
	Snapshot   string        `json:"snapshot"`
	Source     string        `json:"source"` // UUID of the index that it is a copy of
	Mapping    int64         `json:"mapping"`
	Settings   int64         `json:"settings"`
	Open       bool          `json:"open"`                 // at the source
	Bounds     []point.Shard `json:"bounds,omitempty"`     // of the point
	Blocks     []string      `json:"blocks,omitempty"`     // the user's, to be given back
	NotCarried []string      `json:"notCarried,omitempty"` // blocks of the source's own disks and nodes
	// OwnSettings and OwnMapping are versions of the copy when it was first seen,
	// blocked: another one says that somebody was at it. 0: it was not noted.
	OwnSettings int64  `json:"ownSettings,omitempty"`
	OwnMapping  int64  `json:"ownMapping,omitempty"`
	Done        bool   `json:"done,omitempty"`
	Failed      string `json:"failed,omitempty"`
	// Asked is when the restore was asked for, while it is not known whether the
	// engine took the request (H66).
	Asked time.Time `json:"asked,omitzero"`
	// Bound are the source's settings that the restore leaves out, and Reduced the
	// source's number of replicas where the copy has another one: both are given
	// back after the claim, as far as this domain can hold them.
	Bound   map[string]string `json:"bound,omitempty"`
	Reduced *int              `json:"reduced,omitempty"`
	// Shards right after the restore.
	Shards []opensearch.Shard `json:"shards,omitempty"`
}

// Journal of one domain.
type Journal struct {
	Version     int             `json:"version"` // of this format: 1
	ClusterUUID string          `json:"clusterUuid"`
	Items       map[string]Item `json:"items"` // by index
	// Unplaced are the indexes and data streams that the engine refused or gave up on.
	Unplaced map[string]Unplaced `json:"unplaced,omitempty"`

	at *store.Version // that was read or written last, of all copies of this one
}

// Unplaced is why an index, or a data stream as one unit, did not come.
type Unplaced struct {
	Point point.ID `json:"point"`
	Try   string   `json:"try,omitempty"` // of Pass: another one tries again
	Cause string   `json:"cause"`         // in the engine's words
	// Damaged: its objects of that point cannot be read, so another point may help.
	Damaged bool `json:"damaged,omitempty"`
}

// LoadJournal of this cluster; one of another cluster, which is gone, counts as
// none. ok is false when there is none.
func LoadJournal(ctx context.Context, b store.Bucket, uuid string) (j Journal, ok bool, err error) {
	have, ok, err := readJournal(ctx, b)
	j = Journal{Version: 1, ClusterUUID: uuid, Items: map[string]Item{}, Unplaced: map[string]Unplaced{}, at: have.at}
	if err != nil || !ok || have.ClusterUUID != uuid || have.Items == nil {
		return j, false, err
	}
	return have, true, nil
}

// Condemn indexes that a point brings and that do not match it, by cause: their units
// count as unplaced in this try.
func Condemn(ctx context.Context, b store.Bucket, uuid string, p point.Point, try string, causes map[string]string) error {
	j, _, err := LoadJournal(ctx, b, uuid)
	if err != nil {
		return err
	}
	for name, cause := range causes {
		u := name
		for _, d := range p.DataStreams {
			if slices.Contains(d.Indices, name) {
				u = d.Name
			}
		}
		j.Unplaced[u] = Unplaced{Point: p.ID, Try: try, Cause: cause}
	}
	return j.Save(ctx, b)
}

// Cluster that the journal is of, empty when there is none.
func Cluster(ctx context.Context, b store.Bucket) (string, error) {
	j, _, err := readJournal(ctx, b)
	return j.ClusterUUID, err
}

func readJournal(ctx context.Context, b store.Bucket) (j Journal, ok bool, err error) {
	o, err := b.Get(ctx, JournalKey)
	if errors.Is(err, store.ErrAbsent) {
		return Journal{at: new(store.Version)}, false, nil
	}
	if err != nil {
		return j, false, fmt.Errorf("read the journal of restores: %w", err)
	}
	if j, err = store.Parse(o, store.JSON[Journal]); err != nil {
		return j, false, fmt.Errorf("read the journal of restores s3://%s/%s: %w; it says which indexes are ours, do not delete it", b.Name(), JournalKey, err)
	}
	j.Items = maps.Clone(j.Items) // its items are replaced, never changed
	if j.Unplaced = maps.Clone(j.Unplaced); j.Unplaced == nil {
		j.Unplaced = map[string]Unplaced{}
	}
	j.at = new(o.Version())
	return j, true, nil
}

// Save it, if nobody has changed it since it was read: what an earlier run sent may
// still be on its way.
func (j Journal) Save(ctx context.Context, b store.Bucket) error {
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	at := j.at
	if at == nil { // one that was not read
		at = new(store.Version)
	}
	if err := store.Replace(ctx, b, JournalKey, body, at); err != nil {
		return fmt.Errorf("write the journal of restores: %w", err)
	}
	return nil
}

// RemoveJournal when nothing restored is blocked any more.
func RemoveJournal(ctx context.Context, b store.Bucket) error {
	if err := b.Delete(ctx, JournalKey); err != nil {
		return fmt.Errorf("remove the journal of restores: %w", err)
	}
	return nil
}

// Mine answers what the rule of destruction asks of an index, nil for a stranger.
func (j Journal) Mine(name string) *destruction.Restored {
	i, ok := j.Items[name]
	if !ok {
		return nil
	}
	return &destruction.Restored{UUID: i.UUID, Done: i.Done, Shards: i.Shards, Settings: i.OwnSettings}
}

// Before the restore's own block: an index as its user sees it. Until the
// hand-over is done, the block that stands there is ours (H24, H46).
func (j Journal) Before(i opensearch.Index) opensearch.Index {
	if item, ok := j.Items[i.Name]; ok && item.UUID == i.UUID && slices.Contains(i.Blocks, "write") {
		i.Blocks = item.Blocks
	}
	return i
}

// Adopt what came of the restores that were asked for: an index of a name that
// was free before, and that refuses writes since its first moment, is the copy.
// One that never came is forgotten, unless it may still come (Overdue). It answers
// whether the journal changed.
func (j Journal) Adopt(indices []opensearch.Index) bool {
	changed := false
	places := make(map[string]int, len(indices))
	for n, i := range indices {
		places[i.Name] = n
	}
	for name, item := range j.Items {
		at, ok := places[name]
		if !ok {
			at = -1
		}
		switch {
		case at < 0 && item.awaited():
		case at < 0:
			delete(j.Items, name)
			changed = true
		case item.UUID == "" && slices.Contains(indices[at].Blocks, "write"):
			item.Asked = time.Time{}
			item.UUID, item.OwnSettings, item.OwnMapping = indices[at].UUID, indices[at].SettingsVersion, indices[at].MappingVersion
			j.Items[name] = item
			changed = true
		case item.UUID != indices[at].UUID: // somebody else's of that name
			delete(j.Items, name)
			changed = true
		}
	}
	return changed
}

// awaited: it is not known whether the engine took the request.
func (i Item) awaited() bool { return i.UUID == "" && !i.Asked.IsZero() }

// Patience with a request whose answer was lost: the engine reads the metadata of
// each index before the first one exists (H66).
const (
	patience      = 3 * time.Minute
	patienceIndex = 100 * time.Millisecond
)

// Overdue are the awaited items that no patience covers any more.
func (j Journal) Overdue(now time.Time) []string {
	var awaited []string
	for name, item := range j.Items {
		if item.awaited() {
			awaited = append(awaited, name)
		}
	}
	wait := max(patience, time.Duration(len(awaited))*patienceIndex)
	return slices.DeleteFunc(awaited, func(name string) bool { return now.Before(j.Items[name].Asked.Add(wait)) })
}

// unplaced answers why a unit did not come from a point, in this try.
func (j Journal) unplaced(unit string, from point.ID, try string) (Unplaced, bool) {
	u, ok := j.Unplaced[unit]
	return u, ok && u.Point == from && u.Try == try
}
