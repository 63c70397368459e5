// Package fence stops all writes to a domain so that what it holds can be taken
// in full, and gives every index back exactly what its user had. Before the first
// block it writes down what stood there; whoever crashes in between goes on from
// that record (H8, H9, H24).
package fence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Prefix of the records: one a domain, by its cluster UUID, in its own Region's
// bucket. A domain has one fence, whatever it is up for.
const Prefix = "_dr/fence/"

// State of a fence.
type State string

// States. In Quiet only automatic creation and index management are off: the
// target of a switch.
const (
	Quiet    State = "quiet"
	Blocking State = "blocking"
	Fenced   State = "fenced"
	Lifting  State = "lifting"
)

// Record of one fence.
type Record struct {
	Version       int              `json:"version"` // of this format: 1
	ClusterUUID   string           `json:"clusterUuid"`
	Token         string           `json:"token"` // of the switch or stand-down it is up for
	State         State            `json:"state"`
	Since         time.Time        `json:"since"`
	AutoCreate    string           `json:"autoCreate,omitempty"` // the user's
	AutoCreateSet bool             `json:"autoCreateSet,omitempty"`
	ISMOffered    bool             `json:"ismOffered,omitempty"`
	ISM           bool             `json:"ism,omitempty"` // the user's
	Indices       map[string]Index `json:"indices,omitempty"`
	// Writing are the writes that ran when the last block was set; the fence is
	// drained when none of them is left.
	Writing []string `json:"writing,omitempty"`
	Drained bool     `json:"drained,omitempty"`
	// Snapshot is how far the final snapshot is, as the engine counts; nil while none
	// runs.
	Snapshot *Counted `json:"snapshot,omitempty"`
	// Round counts the final snapshots behind which mapping, settings or aliases
	// changed: what such a snapshot holds of them is not known (H68).
	Round int `json:"round,omitempty"`
	// Final point of a fence that is up for a switch.
	Final *point.ID `json:"final,omitempty"`
	// Alone: the switch's mark was only in the other Region's ledger.
	Alone bool `json:"alone,omitempty"`
	// Dispute is the generation that two domains claim, this one among them; 0: it
	// is not up for that. Who sees one ledger only does not see the dispute, so the
	// fence remembers it (D12).
	Dispute int64 `json:"dispute,omitempty"`
	// Refused are the settings that the domain does not take, by name.
	Refused map[string]Refusal `json:"refused,omitempty"`
	at      store.Version      // that was read or written last
}

// Index before the fence, and as it stood once fenced.
type Index struct {
	UUID    string   `json:"uuid"`
	Blocks  []string `json:"blocks,omitempty"` // the user's
	Setting int64    `json:"setting"`          // settings version before
	Blocked bool     `json:"blocked,omitempty"`
	// After is the settings version with our block; 0 until a listing has shown it.
	After  int64              `json:"after,omitempty"`
	Shards []opensearch.Shard `json:"shards,omitempty"` // as the final point saw them
	// Frozen versions of the same moment; nil in a record of an earlier release.
	Frozen *Versions `json:"frozen,omitempty"`
	// Refused is why the last try to block the index failed.
	Refused string `json:"refused,omitempty"`
}

// Versions of what a write block does not hold still (H68).
type Versions struct {
	Mapping  int64 `json:"mapping"`
	Settings int64 `json:"settings"`
	Aliases  int64 `json:"aliases"`
}

// Counted progress of a snapshot.
type Counted struct {
	Name        string `json:"name"`
	ShardsDone  int    `json:"shardsDone"`
	ShardsTotal int    `json:"shardsTotal"`
	Bytes       int64  `json:"bytes"`
}

// Begin notes the versions that the final snapshot of this round will find. One that
// has changed since the round began ends it: the next snapshot is another one.
func (r *Record) Begin(guarded []opensearch.Index) (changed bool) {
	moved := false
	for _, i := range guarded {
		n, v := r.Indices[i.Name], versions(i)
		if n.Frozen != nil && *n.Frozen == v {
			continue
		}
		moved = moved || n.Frozen != nil
		n.Frozen, changed = &v, true
		r.Indices[i.Name] = n
	}
	if moved {
		r.Round++
		r.Final, r.Snapshot = nil, nil
	}
	return changed
}

func versions(i opensearch.Index) Versions {
	return Versions{Mapping: i.MappingVersion, Settings: i.SettingsVersion, Aliases: i.AliasesVersion}
}

// Blocked counts the indexes that have a block, of all that the fence is for.
func (r *Record) Blocked() (n int) {
	for _, i := range r.Indices {
		if i.Blocked {
			n++
		}
	}
	return n
}

// Odd lists the indexes that cannot be blocked, ordered.
func (r *Record) Odd() []string {
	var names []string
	for name, i := range r.Indices {
		if i.Refused != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func key(uuid string) string { return Prefix + uuid + ".json" }

// Load the record of a cluster; nil when there is none.
func Load(ctx context.Context, b store.Bucket, uuid string) (*Record, error) {
	o, err := b.Get(ctx, key(uuid))
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the fence of %s: %w", uuid, err)
	}
	r, err := store.Parse(o, store.JSON[Record])
	if err != nil {
		return nil, fmt.Errorf("read the fence s3://%s/%s: %w; it says what the user's blocks were, do not delete it", b.Name(), key(uuid), err)
	}
	// This reader's own; what is in it is replaced, never changed.
	if r.Indices = maps.Clone(r.Indices); r.Indices == nil {
		r.Indices = map[string]Index{} // left out when empty
	}
	r.Refused = maps.Clone(r.Refused)
	r.at = o.Version()
	return &r, nil
}

// Rename the record to the new name of its cluster (H13); Save writes it there.
func (r *Record) Rename(uuid string) { r.ClusterUUID, r.at = uuid, store.Version{} }

// Save the record, if nobody has changed it since. Only the lease's holder writes,
// and what a run before it sent may still be on its way.
func (r *Record) Save(ctx context.Context, b store.Bucket) error {
	r.Version = 1
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := store.Replace(ctx, b, key(r.ClusterUUID), body, &r.at); err != nil {
		return fmt.Errorf("write the fence of %s: %w", r.ClusterUUID, err)
	}
	return nil
}

// Remove the record: nothing of the fence is left.
func Remove(ctx context.Context, b store.Bucket, uuid string) error {
	if err := b.Delete(ctx, key(uuid)); err != nil {
		return fmt.Errorf("remove the fence of %s: %w", uuid, err)
	}
	return nil
}

// Clusters that have a record here.
func Clusters(ctx context.Context, b store.Bucket) ([]string, error) {
	entries, err := b.List(ctx, Prefix)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the fences: %w", err)
	}
	var uuids []string
	for _, e := range entries {
		uuids = append(uuids, strings.TrimSuffix(strings.TrimPrefix(e.Key, Prefix), ".json"))
	}
	return uuids, nil
}

// Before answers the index as its user sees it: without our block, and with the
// settings version that it would have without it, so that a point of a fenced
// domain compares with one of before (C3, H24).
func (r *Record) Before(i opensearch.Index) opensearch.Index {
	if r == nil {
		return i
	}
	f, ok := r.Indices[i.Name]
	switch {
	case !ok || f.UUID != i.UUID:
	case f.Blocked && r.State == Lifting && !slices.Contains(i.Blocks, "write"):
		// It is lifted, and what stands there is its user's.
	case f.Blocked && f.After != 0:
		i.Blocks = f.Blocks
		i.SettingsVersion -= f.After - f.Setting
	case slices.Contains(i.Blocks, "write") && !slices.Contains(f.Blocks, "write"):
		// Noted and blocked, but no listing has shown its version since.
		i.Blocks = f.Blocks
		i.SettingsVersion--
	}
	return i
}

// Stopped tells whether an index refuses writes.
func Stopped(i opensearch.Index) bool {
	return slices.Contains(i.Blocks, "write") || slices.Contains(i.Blocks, "read_only")
}

// Refusing reports whether an index takes no document now, for whatever reason. The
// disk's block and a scale-down end without us.
func Refusing(i opensearch.Index) bool {
	return Stopped(i) || slices.Contains(i.Blocks, opensearch.DiskBlock) || slices.Contains(i.Blocks, "search_only")
}

// Reopen a fence behind which something moved: it must be drained and captured
// once more.
func (r *Record) Reopen() { r.reopen() }

// Holds decides whether the fence stands as it was when it was complete: every
// index there is has a block, its fenced numbers and its fenced metadata, and none is
// new or gone. The answer is empty, or says what moved (H9, H10, H68).
func (r *Record) Holds(indices []opensearch.Index) string {
	if r == nil || r.State != Fenced {
		return "the fence is not complete"
	}
	seen := 0
	for _, i := range indices {
		f, ok := r.Indices[i.Name]
		switch {
		case !ok || f.UUID != i.UUID:
			return "index " + i.Name + " is new"
		case !Stopped(i):
			return "index " + i.Name + " takes writes"
		case i.Open && !opensearch.Same(f.Shards, i.Shards):
			return "the sequence numbers of index " + i.Name + " moved"
		case f.Frozen != nil && *f.Frozen != versions(i):
			return "the mapping, the settings or the aliases of index " + i.Name + " changed"
		}
		seen++
	}
	if seen != len(r.Indices) {
		return fmt.Sprintf("%d of %d indexes are gone", len(r.Indices)-seen, len(r.Indices))
	}
	return ""
}
