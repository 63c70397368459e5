package simulation

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Unkindness is one way in which the service and its users make it hard for the
// product, beside the faults of single calls. A history has each of them or not.
type Unkindness string

const (
	// LongTimes lets a restore take up to three hours and a snapshot up to one.
	LongTimes Unkindness = "long-times"
	// Size lets calls take the longer, the more indexes, pages and shards there are.
	Size Unkindness = "size"
	// OwnIndexes are those that the service makes by itself, in every new domain and
	// each day.
	OwnIndexes Unkindness = "own-indexes"
	// DotNames lets users keep documents under names that look like the engine's.
	DotNames Unkindness = "dot-names"
	// Automated snapshots of the service, each hour.
	Automated Unkindness = "automated-snapshots"
	// Aliases are rolled over, and take the place of an index.
	Aliases Unkindness = "aliases"
	// Administration of templates, roles and policies at any time.
	Administration Unkindness = "administration"
	// Blocks of each kind, set by users.
	Blocks Unkindness = "blocks"
	// FloodStage sets, among the blocks, those of a full disk.
	FloodStage Unkindness = "flood-stage"
	// Closing and opening of indexes.
	Closing Unkindness = "closing"
	// Deletion of an index between the claim and the hand-over.
	Deletion Unkindness = "deletion"
	// RedIndexes have shards whose node is away for a while.
	RedIndexes Unkindness = "red-indexes"
	// RefusedSettings lets the service take no cluster settings.
	RefusedSettings Unkindness = "refused-settings"
	// RefusedParts are aliases and templates that the target does not take.
	RefusedParts Unkindness = "refused-parts"
	// PartialStatistics come from a domain of which a node does not answer for its shards.
	PartialStatistics Unkindness = "partial-statistics"
	// LostNow forgives a loss only to a switch whose source is silent at the
	// claim, and the newest whole point is the one to be restored.
	LostNow Unkindness = "lost-now"
	// Alive demands that the record follows the claim, and that what took writes takes
	// them again, all in bounded time.
	Alive Unkindness = "alive"
	// ShortPause demands that a write outage behind a fence ends in bounded time.
	ShortPause Unkindness = "short-pause"
)

// shares of a hundred histories that have each of them.
var shares = map[Unkindness]int{
	LongTimes: 40, Size: 0, OwnIndexes: 50, DotNames: 40, Automated: 50, Aliases: 40, Administration: 40, Blocks: 30, FloodStage: 50, Closing: 40,
	Deletion: 30, RedIndexes: 30, RefusedSettings: 20, RefusedParts: 0, PartialStatistics: 30, LostNow: 100, Alive: 100, ShortPause: 0,
}

// Unkindnesses there are, by name.
func Unkindnesses() []Unkindness { return slices.Sorted(maps.Keys(shares)) }

// climate of a history: what it has, each drawn by itself, so that one more of them
// leaves the others as they were.
type climate map[Unkindness]*rand.Rand

func newClimate(seed uint64, override map[Unkindness]int) climate {
	c := climate{}
	for u, share := range shares {
		if n, ok := override[u]; ok {
			share = n
		}
		h := fnv.New64a()
		_, _ = h.Write([]byte(u))
		if r := rand.New(rand.NewPCG(seed, h.Sum64())); r.IntN(100) < share {
			c[u] = r
		}
	}
	return c
}

func (c climate) has(u Unkindness) bool { return c[u] != nil }

// upTo a duration, mostly far below.
func upTo(r *rand.Rand, usual, long, most time.Duration) time.Duration {
	switch n := r.IntN(10); {
	case n < 6:
		return time.Duration(r.Int64N(int64(usual)))
	case n < 9:
		return time.Duration(r.Int64N(int64(long)))
	default:
		return time.Duration(r.Int64N(int64(most)))
	}
}

// restoresTake of a new domain: of all that it restores at once.
func (w *world) restoresTake() time.Duration {
	if r := w.climate[LongTimes]; r != nil && !w.faults.quiet {
		return upTo(r, 3*time.Minute, 45*time.Minute, 3*time.Hour)
	}
	return time.Duration(w.random.IntN(180)) * time.Second
}

// snapshotTakes so long, the next one.
func (w *world) snapshotTakes() time.Duration {
	r := w.climate[LongTimes]
	if r == nil || w.faults.quiet {
		return time.Duration(w.random.IntN(120)) * time.Second
	}
	return upTo(r, 2*time.Minute, 6*time.Minute, time.Hour)
}
