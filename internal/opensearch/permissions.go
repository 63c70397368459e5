package opensearch

// The security plugin's own names.
const (
	// PermissionManageSnapshots is the action group behind the engine's role
	// manage_snapshots: cluster:admin/snapshot/* and cluster:admin/repository/*.
	PermissionManageSnapshots = "manage_snapshots"
)

// AgentPermissions is the role (contract.AgentRole) that the functions need
// beside manage_snapshots, which covers repositories and snapshots and nothing
// else. Each action is one that a method of Domain sends, and the contract suite
// runs every method with exactly these two roles on a real node. No document can
// be read or written with it.
func AgentPermissions() Role {
	return Role{
		ClusterPermissions: []string{
			"cluster:monitor/main",                       // Info
			"cluster:monitor/health",                     // Health, Indices
			"cluster:monitor/state",                      // Indices, DataStreams
			"indices:admin/index_template/get",           // Capsule
			"indices:admin/template/get",                 // Capsule
			"cluster:admin/component_template/get",       // Capsule
			"cluster:admin/ingest/pipeline/get",          // Capsule
			"cluster:admin/opendistro/ism/policy/search", // Capsule
		},
		IndexPermissions: []IndexPermission{{
			IndexPatterns: []string{"*"},
			AllowedActions: []string{
				"indices:monitor/stats",     // Indices
				"indices:admin/refresh*",    // Refresh, and its action on shards, indices:admin/refresh[s]
				"indices:admin/aliases/get", // Capsule
			},
		}},
	}
}
