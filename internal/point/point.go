// Package point keeps the recovery points: what a snapshot must be, in full, for
// somebody to trust a Region to it. A point exists only for a snapshot that
// ended in SUCCESS (PARTIAL makes none), and it is *whole* only while every
// object that it named is still in the bucket with its size, which can be told
// without any domain.
//
// Which objects a snapshot needs is read from the repository's own account, not
// taken from a listing. Seen on OpenSearch 3.4.0 with repository-s3 (paths under
// the base path):
//
//   - index-N and indices/<id>/<shard>/index-<generation> are replaced by every
//     snapshot and every deletion, so no point may name one; that some index-N is
//     there is asked instead.
//   - snap-<uuid>.dat, meta-<uuid>.dat and each shard's snap-<uuid>.dat are
//     written once and go with their snapshot only.
//   - indices/<id>/meta-<blob>.dat, the index's metadata, is shared by snapshots
//     between which it did not change; index-N says which one is whose.
//   - indices/<id>/<shard>/__<blob> are Lucene files, shared by snapshots. Those
//     of a snapshot are named in the shard's snap-<uuid>.dat. A deletion takes
//     those that no remaining snapshot names, what failed snapshots left among
//     them. v__<blob> has no object: its bytes are in snap-<uuid>.dat.
//
// So a point stays whole whatever later snapshots and prunings replace, and no
// pruning has to edit another point's list: a crash between the two cannot leave
// a good point that looks broken, nor a broken one that looks whole.
//
// Points are ordered by generation and sequence; times are for people (H34).
// The point object is the commit mark: it is written last, after its object list
// and its capsule, and deleted first (H17).
package point

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Keys under the product's own prefix.
const (
	Prefix     = "_dr/points/"
	PinsPrefix = "_dr/pins/"
)

// ID orders points.
type ID struct {
	Generation int64 `json:"generation"`
	Sequence   int64 `json:"sequence"`
}

// String such as 0000000002-0000000014, in which byte order is the order.
func (id ID) String() string { return fmt.Sprintf("%010d-%010d", id.Generation, id.Sequence) }

// Key of the point object; the object list and the capsule stand beside it.
func (id ID) Key() string { return Prefix + id.String() + ".json" }

// ObjectsKey such as _dr/points/0000000002-0000000014.objects.json: the list of
// the repository's objects that the point's snapshot needs.
func (id ID) ObjectsKey() string { return Prefix + id.String() + ".objects.json" }

// CapsuleKey such as _dr/points/0000000002-0000000014.capsule.json: what the
// snapshot does not carry, such as templates, roles and role mappings.
func (id ID) CapsuleKey() string { return Prefix + id.String() + ".capsule.json" }

// Less orders by generation, then sequence.
func (id ID) Less(o ID) bool {
	if id.Generation != o.Generation {
		return id.Generation < o.Generation
	}
	return id.Sequence < o.Sequence
}

// Shard of an index in a point. The snapshot caught the shard at some number in
// [Before, After]; the two are equal where nothing was written meanwhile.
type Shard struct {
	ID     int   `json:"id"`
	Before int64 `json:"before"`
	After  int64 `json:"after"`
	// TermBefore and TermAfter of the primary at those moments (H64); 0: unknown, as
	// in points of older releases.
	TermBefore int64 `json:"termBefore,omitempty"`
	TermAfter  int64 `json:"termAfter,omitempty"`
}

// Exact reports that nothing was written to the shard while the snapshot ran, and no other copy
// became its primary.
func (s Shard) Exact() bool { return s.Before == s.After && known(s.TermBefore, s.TermAfter) }

// At reports whether the snapshot caught the shard exactly as o is.
func (s Shard) At(o opensearch.Shard) bool {
	return s.Exact() && s.ID == o.ID && s.After == o.MaxSeqNo && known(s.TermBefore, o.Term) && known(s.TermAfter, o.Term)
}

// known terms are equal; one that is unknown is taken for equal, and the numbers
// alone decide.
func known(a, b int64) bool { return a == b || a == 0 || b == 0 }

// Index in a point.
type Index struct {
	Name            string  `json:"name"`
	UUID            string  `json:"uuid"`
	DataStream      string  `json:"dataStream,omitempty"`
	Open            bool    `json:"open"`
	MappingVersion  int64   `json:"mappingVersion"`
	SettingsVersion int64   `json:"settingsVersion"`
	AliasesVersion  int64   `json:"aliasesVersion"`
	Shards          []Shard `json:"shards"`
	// Primaries that the index has: as many Shards. 0: an older release did not note
	// it, or the index was gone before it was listed.
	Primaries int      `json:"primaries,omitempty"`
	Documents int64    `json:"documents"` // reported, never decided on (C3)
	Bytes     int64    `json:"bytes"`
	Blocks    []string `json:"blocks,omitempty"` // the user's
	// NotCarried are other blocks: the disk's own, and what only the source's nodes
	// can mean.
	NotCarried []string `json:"notCarried,omitempty"`
	// Bound, Replicas and AutoExpand as the domain had them (opensearch.Index): what
	// another domain may be unable to hold.
	Bound      map[string]string `json:"bound,omitempty"`
	Replicas   int               `json:"replicas,omitempty"`
	AutoExpand string            `json:"autoExpand,omitempty"`
	// Sorted and Files as the domain had them (opensearch.Index): see Foresee.
	Sorted bool     `json:"sorted,omitempty"`
	Files  []string `json:"files,omitempty"`
}

// Shard of that number.
func (i Index) Shard(id int) (Shard, bool) {
	at := slices.IndexFunc(i.Shards, func(s Shard) bool { return s.ID == id })
	if at < 0 {
		return Shard{}, false
	}
	return i.Shards[at], true
}

// LeftOut names an index that the point does not hold, and why (H12).
type LeftOut struct {
	Name   string `json:"name"`
	Code   string `json:"code,omitempty"` // why, for programs; empty for all other reasons
	Reason string `json:"reason"`
	// Documents that the engine counted; 0 too where it counts none, of a closed index
	// or in a point of an earlier version.
	Documents int64 `json:"documents,omitempty"`
}

// Codes of a LeftOut.
const (
	CodeRed     = "red"     // a primary shard is missing: an older point may hold the index
	CodeFailing = "failing" // its shards failed in the snapshots before: the same
	CodeApart   = "apart"   // a data stream whose documents are in the point without it (H77)
	CodeDeleted = "deleted" // the index was deleted before the snapshot reached it
)

// codeOf an entry. Versions before the codes wrote a reason only, in one of these
// forms; this is the one place that reads a reason.
func codeOf(l LeftOut) string {
	switch {
	case l.Code != "":
		return l.Code
	case l.Reason == "deleted before the snapshot reached it":
		return CodeDeleted
	case l.Reason == "red: a primary shard is missing", strings.HasPrefix(l.Reason, "its backing index ") && strings.HasSuffix(l.Reason, ": red: a primary shard is missing"):
		return CodeRed
	}
	return ""
}

// Gone says that the index did not exist any more.
func (l LeftOut) Gone() bool { return l.Code == CodeDeleted }

// InOlder says that the index still exists, and that an older point may hold it, for
// whatever reason this one does not: a user who blocks the metadata of an index after
// it was caught must not cost its last copy.
func (l LeftOut) InOlder() bool { return l.Code != CodeDeleted && l.Code != CodeApart }

// Point is one verified-as-written recovery point.
type Point struct {
	Version       int                     `json:"version"` // of this format: 1
	ID            ID                      `json:"id"`
	ClusterUUID   string                  `json:"clusterUuid"`
	Region        string                  `json:"region"` // of the domain
	Bucket        string                  `json:"bucket"`
	BasePath      string                  `json:"basePath"` // = ClusterUUID
	Snapshot      string                  `json:"snapshot"`
	SnapshotUUID  string                  `json:"snapshotUuid"`
	EngineVersion string                  `json:"engineVersion"`
	Start         time.Time               `json:"start"` // the loss window counts from here (H33)
	End           time.Time               `json:"end"`
	Indices       []Index                 `json:"indices"` // the snapshot's own list
	DataStreams   []opensearch.DataStream `json:"dataStreams,omitempty"`
	LeftOut       []LeftOut               `json:"leftOut,omitempty"`
	Documents     int64                   `json:"documents"`
	BytesTotal    int64                   `json:"bytesTotal"` // referenced by the snapshot
	BytesAdded    int64                   `json:"bytesAdded"`
	Objects       int                     `json:"objects"`          // in the object list
	Opaque        int                     `json:"opaque,omitempty"` // shards whose file list could not be read: their data is not in the object list
	Ledger        ledger.Ledger           `json:"ledger"`           // copy, without an intent (H14)
	// Kind is KindRegular, KindFinal or KindSalvage, and Switch the token of the
	// switch or stand-down that it was taken for.
	Kind   string `json:"kind,omitempty"`
	Switch string `json:"switch,omitempty"`
	Token  string `json:"token"` // of the writer, to tell a repeated put from a lost race
}

// Kinds of points.
const (
	KindRegular = ""
	KindFinal   = "final"   // of a fenced domain, for a planned switch
	KindSalvage = "salvage" // of a superseded domain, before anything of it goes
)

// Exact says that nothing was written while the snapshot ran, so it holds what the domain
// held, document by document.
func (p Point) Exact() bool {
	for _, i := range p.Indices {
		for _, s := range i.Shards {
			if !s.Exact() {
				return false
			}
		}
	}
	return true
}

// Serves tells whether a switch away from the domain in force may restore this
// point: it is that domain's; or, for the time until that has one of its own, it
// was written in the same Region one generation ago, before the domain was adopted
// under another UUID or restored in place (H13). What a cluster wrote in an
// earlier tenure does not count (H11).
func (p Point) Serves(l ledger.Ledger) bool {
	return p.ClusterUUID == l.ClusterUUID && p.ID.Generation >= l.Generation ||
		p.ClusterUUID == l.PromotedFrom && p.Region == l.ActiveRegion && p.ID.Generation == l.Generation-1
}

// Object of the repository that the point's snapshot needs.
type Object struct {
	Key  string `json:"k"`
	Size int64  `json:"s"`
}

// Pin keeps a point from being pruned while somebody restores it (H17).
type Pin struct {
	Point   ID        `json:"point"`
	Holder  string    `json:"holder"`
	Expires time.Time `json:"expires"`
	// Overlong: it outlasts any that the product gives, and keeps nothing.
	Overlong bool `json:"-"`
}
