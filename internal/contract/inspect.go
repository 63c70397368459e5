package contract

// ActionInspect of the recovery function: what only the domain can tell. It
// changes nothing.
const ActionInspect = "inspect"

// LookAlias of the recovery function: what is asked through it may only look,
// whatever it asks for. So a reader's permission to invoke is no permission to
// promote.
const LookAlias = "look"

// LookARN is the recovery function's by LookAlias.
func (n Names) LookARN(region string) string {
	return n.FunctionARN(Recovery, region) + ":" + LookAlias
}

// Inspection of a Region's domain. A part that could not be looked at is named in
// Failed and says nothing by being empty.
type Inspection struct {
	Region      string `json:"region"`
	Domain      string `json:"domain"` // DomainAbsent, DomainReady, or why it is busy; the rest is empty then
	ClusterUUID string `json:"clusterUuid,omitempty"`
	// Version of the engine that answers, as 3.4.0.
	Version string `json:"version,omitempty"`
	// Health of all shards together: green, yellow or red.
	Health       string            `json:"health,omitempty"`
	Mappings     []MappingState    `json:"mappings,omitempty"`
	Repositories []RepositoryState `json:"repositories,omitempty"`
	Indices      []IndexState      `json:"indices,omitempty"` // that a recovery point of now would hold
	LeftOut      []LeftOutState    `json:"leftOut,omitempty"`
	Blocked      []BlockedIndex    `json:"blockedIndices,omitempty"`
	Fenced       bool              `json:"fenced,omitempty"` // a fence is up, which explains them
	// AutoCreate is action.auto_create_index; AutoCreateLeft: it is what a fence
	// sets.
	AutoCreate     string `json:"autoCreate,omitempty"`
	AutoCreateLeft bool   `json:"autoCreateLeft,omitempty"`
	// ArchivedSettings are those of an earlier version of the engine, by name: while
	// they are there it refuses every change of cluster settings.
	ArchivedSettings []string   `json:"archivedSettings,omitempty"`
	Largest          ShardState `json:"largest,omitzero"`
	// Standby is what the domain is a copy of; nil: it is none, or was none yet when
	// its controller last looked.
	Standby *StandbyStatus    `json:"standby,omitempty"`
	Failed  map[string]string `json:"failed,omitempty"` // part: why it could not be looked at
}

// Parts of an Inspection, the keys of Failed.
const (
	PartIdentity     = "identity"
	PartHealth       = "health"
	PartMappings     = "mappings"
	PartRepositories = "repositories"
	PartIndices      = "indices"
	PartSettings     = "settings"
	PartStandby      = "standby"
)

// MappingState of one role inside the domain.
type MappingState struct {
	Role    string   `json:"role"`
	Missing []string `json:"missing,omitempty"` // ARNs that should be mapped
	Absent  bool     `json:"absent,omitempty"`  // the role itself, or what it permits, is not as it should be
}

// RepositoryState of one registration.
type RepositoryState struct {
	Name     string `json:"name"`
	Bucket   string `json:"bucket,omitempty"`
	BasePath string `json:"basePath,omitempty"`
	Role     string `json:"role,omitempty"`
	Readonly bool   `json:"readonly"`
	// Refused is what the engine said when it was verified; empty: every node reads
	// it, or it is writable and was not asked, since that writes a blob.
	Refused string `json:"refused,omitempty"`
}

// IndexState is one index, and which of that name.
type IndexState struct {
	Name string `json:"name"`
	UUID string `json:"uuid"`
}

// LeftOutState is an index that recovery points do not hold.
type LeftOutState struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Worrying: it may hold somebody's data. A system index is not.
	Worrying bool `json:"worrying"`
	Warm     bool `json:"warm,omitempty"` // it lies in the warm or cold tier
}

// BlockedIndex refuses writes, by index.blocks.write. The engine does not tell who
// set it.
type BlockedIndex struct {
	Name string `json:"name"`
	UUID string `json:"uuid"`
}

// ShardState of the largest primary, as far as the engine tells: an index's size by
// its shards.
type ShardState struct {
	Index  string `json:"index"`
	Shards int    `json:"shards"` // primaries of the index
	Bytes  int64  `json:"bytes"`
}
