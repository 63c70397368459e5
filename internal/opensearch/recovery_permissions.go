package opensearch

// RecoveryPermissions is the role (contract.RecoveryRole) of the recovery
// function alone, beside manage_snapshots and AgentPermissions. Each action is
// one that a method of Recovery sends; the contract suite runs each method with
// these three roles and nothing more on a real node, and takes each permission
// away in turn. No document can be read or written with it, but indexes can be
// deleted: who may be mapped is decided by the access step only.
func RecoveryPermissions() Role {
	return Role{
		ClusterPermissions: []string{
			"cluster:monitor/tasks/lists",               // Writing, Restoring
			"cluster:monitor/nodes/info",                // Nodes
			"cluster:monitor/nodes/stats",               // Disks
			"cluster:monitor/allocation/explain",        // Progress, of what has failed
			"cluster:admin/settings/update",             // SetAutoCreate, SetISM
			"indices:admin/index_template/put",          // PutCapsule
			"indices:admin/template/put",                // PutCapsule
			"cluster:admin/component_template/put",      // PutCapsule
			"cluster:admin/ingest/pipeline/put",         // PutCapsule
			"cluster:admin/script/put",                  // PutCapsule
			"cluster:admin/opendistro/ism/policy/get",   // PutCapsule
			"cluster:admin/opendistro/ism/policy/write", // PutCapsule
		},
		IndexPermissions: []IndexPermission{{
			IndexPatterns: []string{"*"},
			AllowedActions: []string{
				"indices:monitor/recovery",         // Progress
				"indices:admin/block/add*",         // Block, and its action on shards
				"indices:admin/settings/update",    // SetWriteBlock, SetBlocks, GiveBlocks, SetSettings
				"indices:admin/close*",             // Close, and its action on shards
				"indices:admin/aliases",            // PutAliases
				"indices:admin/delete",             // RemoveIndex
				"indices:admin/data_stream/delete", // RemoveDataStream
			},
		}},
	}
}
