// Package opensearch is the product's view of one domain: exactly the calls the
// protocol makes, as plain structs. Client speaks to a real node or domain
// (SigV4-signed, opensearch-go); opensearchtest.Cluster is the in-memory one,
// and one contract suite holds both to the same behaviour.
package opensearch

import (
	"context"
	"slices"
	"time"
)

// Info of GET /. ClusterUUID is empty until the cluster has elected a manager:
// the engine says "_na_" then, which must never become a path (H31).
type Info struct {
	ClusterUUID  string
	Version      string // 3.4.0
	Distribution string
}

// Health is green, yellow or red.
type Health string

// Health values.
const (
	Green  Health = "green"
	Yellow Health = "yellow"
	Red    Health = "red"
)

// Shard numbers of one primary.
type Shard struct {
	ID       int   `json:"id"`
	MaxSeqNo int64 `json:"maxSeqNo"` // -1: no operation yet
	// Term of the primary. A promoted replica gives numbers that the old primary
	// gave to lost operations to others, under a higher term, so number and term
	// together say which operation it is (H64). 0: unknown, as in older notes. A
	// restore, a close, an open and the restart of a node raise it without a write.
	Term int64 `json:"term,omitempty"`
}

// Same shards, numbers and terms. An unknown term equals any.
func Same(a, b []Shard) bool {
	return slices.EqualFunc(a, b, func(a, b Shard) bool {
		return a.ID == b.ID && a.MaxSeqNo == b.MaxSeqNo && (a.Term == b.Term || a.Term == 0 || b.Term == 0)
	})
}

// SameNumbers of the shards, whatever their terms.
func SameNumbers(a, b []Shard) bool {
	return slices.EqualFunc(a, b, func(a, b Shard) bool { return a.ID == b.ID && a.MaxSeqNo == b.MaxSeqNo })
}

// Index as metadata and statistics tell it.
type Index struct {
	Name            string   `json:"name"`
	UUID            string   `json:"uuid"`
	Open            bool     `json:"open"`
	Hidden          bool     `json:"hidden,omitempty"`
	Health          Health   `json:"health,omitempty"`
	Tier            string   `json:"tier,omitempty"` // "", "warm" or "cold" (UltraWarm)
	DataStream      string   `json:"dataStream,omitempty"`
	WriteIndex      bool     `json:"writeIndex,omitempty"` // of its data stream
	MetadataVersion int64    `json:"metadataVersion"`
	MappingVersion  int64    `json:"mappingVersion"`
	SettingsVersion int64    `json:"settingsVersion"`
	AliasesVersion  int64    `json:"aliasesVersion"`
	Shards          []Shard  `json:"shards"`    // ordered by id; of closed indexes as far as known
	Primaries       int      `json:"primaries"` // fewer Shards than this: the others told no numbers
	Documents       int64    `json:"documents"`
	Bytes           int64    `json:"bytes"`
	Blocks          []string `json:"blocks,omitempty"` // index.blocks.* that are true, ordered
	// Bound are the settings that tie it to the nodes it is on, by their full name:
	// allocation filters and total_shards_per_node.
	Bound      map[string]string `json:"bound,omitempty"`
	Replicas   int               `json:"replicas,omitempty"`
	AutoExpand string            `json:"autoExpand,omitempty"` // of replicas, such as 0-1; empty: off
	// Sorted by index.sort.field.
	Sorted bool `json:"sorted,omitempty"`
	// Files that its analyzers read on each node, ordered; on the service the names of
	// packages.
	Files []string `json:"files,omitempty"`
}

// DataStream and its backing indexes, oldest first.
type DataStream struct {
	Name    string   `json:"name"`
	Indices []string `json:"indices"`
}

// Repository of type s3. BasePath empty means the bucket's root, which the
// product never uses.
type Repository struct {
	Bucket   string
	BasePath string
	Region   string // may be empty
	Endpoint string // may be empty
	RoleARN  string
	ReadOnly bool
	// ShardPathType is FIXED, so that all blobs stay under BasePath (H30).
	ShardPathType string
	// MaxSnapshotBytesPerSec such as "200mb"; empty: the engine's 40mb.
	MaxSnapshotBytesPerSec string
}

// SnapshotState as the engine names it.
type SnapshotState string

// Snapshot states.
const (
	Success      SnapshotState = "SUCCESS"
	InProgress   SnapshotState = "IN_PROGRESS"
	Partial      SnapshotState = "PARTIAL"
	Failed       SnapshotState = "FAILED"
	Incompatible SnapshotState = "INCOMPATIBLE"
	Aborted      SnapshotState = "ABORTED"
)

// Snapshot as the repository lists it.
type Snapshot struct {
	Name                      string
	UUID                      string
	State                     SnapshotState
	Version                   string
	Indices                   []string // the snapshot's own list, ordered
	DataStreams               []string
	Start, End                time.Time
	Failures                  []string // "index[shard]: reason"
	FailedIndices             []string // of which a shard failed, each once
	ShardsTotal, ShardsFailed int
}

// SnapshotStatus is the progress and the size of one snapshot.
type SnapshotStatus struct {
	State                   SnapshotState
	ShardsDone, ShardsTotal int
	IncrementalBytes        int64 // added by this one
	TotalBytes              int64 // referenced in all
	ProcessedBytes          int64
}

// SnapshotRequest is an explicit list (H12): indexes and data streams by name.
// Global state is never part of it (F9). Both empty is a snapshot of nothing.
type SnapshotRequest struct {
	Indices []string
}

// Capsule is what a snapshot does not carry (F9, H12, H38), each part as the
// engine's JSON by name, ready to be put again: templates, pipelines, ISM
// policies, aliases, non-reserved roles and mappings. No password hashes. And the
// cluster settings that decide what makes and removes indexes by itself.
type Capsule struct {
	IndexTemplates     map[string]map[string]any `json:"indexTemplates,omitempty"`
	LegacyTemplates    map[string]map[string]any `json:"legacyTemplates,omitempty"`
	ComponentTemplates map[string]map[string]any `json:"componentTemplates,omitempty"`
	IngestPipelines    map[string]map[string]any `json:"ingestPipelines,omitempty"`
	StoredScripts      map[string]map[string]any `json:"storedScripts,omitempty"`
	ISMPolicies        map[string]map[string]any `json:"ismPolicies,omitempty"`
	Aliases            map[string]map[string]any `json:"aliases,omitempty"` // index -> aliases
	// Earlier are the aliases when the snapshot was asked for; Aliases, when it was
	// settled. Nil: they were not noted.
	Earlier      map[string]map[string]any `json:"earlierAliases,omitempty"`
	Roles        map[string]map[string]any `json:"roles,omitempty"`
	RoleMappings map[string]map[string]any `json:"roleMappings,omitempty"`
	// ActionGroups that roles are made of; points of earlier versions have none.
	ActionGroups map[string]map[string]any `json:"actionGroups,omitempty"`
	// AutoCreate is the cluster's action.auto_create_index; nil: it was not told.
	AutoCreate *AutoCreate `json:"autoCreate,omitempty"`
	// ISM says whether index state management runs; nil: it was not told, or this
	// domain has none.
	ISM         *bool    `json:"ism,omitempty"`
	Unavailable []string `json:"unavailable,omitempty"` // parts this domain does not offer, and why
}

// AutoCreate of indexes: the setting's value, or, not Set, the engine's default.
type AutoCreate struct {
	Value string `json:"value,omitempty"`
	Set   bool   `json:"set,omitempty"`
}

// Role of the security plugin.
type Role struct {
	ClusterPermissions []string          `json:"cluster_permissions"`
	IndexPermissions   []IndexPermission `json:"index_permissions"`
}

// IndexPermission of a Role.
type IndexPermission struct {
	IndexPatterns  []string `json:"index_patterns"`
	AllowedActions []string `json:"allowed_actions"`
}

// RoleMapping of the security plugin.
type RoleMapping struct {
	BackendRoles []string `json:"backend_roles"`
	Users        []string `json:"users"`
	Hosts        []string `json:"hosts"`
}

// Domain is what the snapshot and recovery functions use. Errors are *Error
// for an answer of the engine; see also the predicates beside it.
type Domain interface {
	Info(ctx context.Context) (Info, error)
	Health(ctx context.Context) (Health, error)
	// Indices lists every index there is: open, closed, hidden, system, with the
	// primaries' sequence numbers. One that blocks its metadata tells none.
	Indices(ctx context.Context) ([]Index, error)
	DataStreams(ctx context.Context) ([]DataStream, error)
	// Refresh so that counts are true; best effort is the caller's choice.
	Refresh(ctx context.Context, indices []string) error

	// Repository answers ErrNotFound when the name is not registered.
	Repository(ctx context.Context, name string) (Repository, error)
	// Repositories are all registrations of type s3, by name.
	Repositories(ctx context.Context) (map[string]Repository, error)
	// PutRepository registers and replaces all settings; it verifies nothing.
	PutRepository(ctx context.Context, name string, r Repository) error
	VerifyRepository(ctx context.Context, name string) error

	// RunningSnapshots of any repository, "repository/name", automated ones too.
	RunningSnapshots(ctx context.Context) ([]string, error)
	// CreateSnapshot never waits for completion (F34) and is never retried by the
	// transport. A name that is not there is ErrNotFound, and no snapshot (H43); a
	// red index is an error of type snapshot_exception.
	CreateSnapshot(ctx context.Context, repository, name string, r SnapshotRequest) error
	Snapshot(ctx context.Context, repository, name string) (Snapshot, error)
	Snapshots(ctx context.Context, repository string) ([]Snapshot, error)
	SnapshotStatus(ctx context.Context, repository, name string) (SnapshotStatus, error)
	DeleteSnapshot(ctx context.Context, repository, name string) error

	Capsule(ctx context.Context) (Capsule, error)
}

// Security is what the access step does, signed by the master role.
type Security interface {
	Role(ctx context.Context, name string) (Role, error) // ErrNotFound
	PutRole(ctx context.Context, name string, r Role) error
	RoleMapping(ctx context.Context, name string) (RoleMapping, error) // ErrNotFound
	PutRoleMapping(ctx context.Context, name string, m RoleMapping) error
	// SecurityCapsule is the part of the Capsule that needs this signer: Roles and
	// RoleMappings, without reserved, hidden and static ones, never a hash.
	SecurityCapsule(ctx context.Context) (Capsule, error)
	// EnableAudit switches the domain's audit log on (D6). ErrNotOffered where
	// the node has no such API.
	EnableAudit(ctx context.Context) error
}
