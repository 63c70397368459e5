package opensearchtest

import (
	"context"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// recoveryCases are of opensearch.Recovery.
var recoveryCases = []contractCase{
	{"RecoveryNeedsExactlyItsRoles", recoveryRights},
	{"RecoveryRoleHasNothingMore", leastRecoveryRights},
	{"H7_RestoreKeepsSequenceNumbersAndNothingElse", restoreCopy},
	{"H24_UsersBlocksDoNotComeBack", restoreBlocks},
	{"F12_IndexInTheWay", indexInTheWay},
	{"RestoreOfWhatIsNotThere", restoreAbsent},
	{"H12_StreamsComeWhole", restoreStream},
	{"MissingBlobIsARedIndex", missingBlob},
	{"H84_WhatNoNodeMayHoldFailsForGood", unplacedShards},
	{"H53_BindingSettingsStayBehind", unboundRestore},
	{"H53_BindingSettingsAreGivenBack", givenBack},
	{"H79_ARestoreIsRefusedAsAWhole", refusedRestore},
	{"H71_CorruptBlobIsDamage", corruptBlob},
	{"H71_LostMetadataRefusesTheWhole", lostMetadata},
	{"RemoveIsIdempotent", removeTwice},
	{"H8_BlockDrains", blockDrains},
	{"H8_SettingAndBlock", blockAnswers},
	{"H9_RolloverUnderTheBlock", rolloverUnderBlock},
	{"H24_SetBlocks", setBlocks},
	{"H72_FloodStage", flooding},
	{"H65_LookAtOneIndex", lookAtOne},
	{"H72_SearchOnly", searchOnly},
	{"H78_AHalfDoneBlock", halfDone},
	{"H23_CloseAgain", closeAgain},
	{"AnIndexOpensAsItWasClosed", opensAgain},
	{"AutoCreate", autoCreate},
	{"ISMIsNotOffered", ismNotOffered},
	{"F11_AliasesInOneChange", aliases},
	{"H54_H73_AliasesThatAreRefused", aliasesRefused},
	{"H52_FloodStage", floodedIndex},
	{"H59_BlocksOfALot", giveBlocks},
	{"H38_CapsuleIsPutAgain", replayCapsule},
	{"PipelinesThatAreMissing", missingPipelines},
	{"F9_SecurityCapsuleIsPutAgain", replaySecurity},
	{"TrialOnItsOwnNamesOnly", trial},
	{"H51_NamesLikeTheEnginesAreUsers", dotNames},
}

// mapRecovery maps the recovery role too, until the case is over: a node is
// shared with cases that prove what goes without it.
func (w *world) mapRecovery() {
	w.Helper()
	w.ok(w.Security.PutRole(w.Context(), contract.RecoveryRole, opensearch.RecoveryPermissions()))
	w.ok(w.Security.PutRoleMapping(w.Context(), contract.RecoveryRole, opensearch.RoleMapping{BackendRoles: []string{w.Agent}}))
	w.Cleanup(func() {
		w.ok(w.Security.PutRoleMapping(context.Background(), contract.RecoveryRole, opensearch.RoleMapping{}))
	})
}

// restored waits until each is done or failed.
func (w *world) restored(names ...string) []opensearch.IndexProgress {
	w.Helper()
	var list []opensearch.IndexProgress
	for range 600 {
		var err error
		list, err = w.Recovery.Progress(w.Context(), names)
		w.ok(err)
		if !slices.ContainsFunc(list, func(p opensearch.IndexProgress) bool { return !p.Done && p.Failed == "" }) {
			return list
		}
		w.Pass()
	}
	w.Fatalf("restore does not end: %+v", list)
	return nil
}

// recoveryCalls are every method, on an index that is there, and on one beside it
// to be closed.
func (w *world) recoveryCalls(index string) map[string]func(context.Context) error {
	r := w.Recovery
	put := func(c opensearch.Capsule) func(context.Context) error {
		return func(ctx context.Context) error {
			refused, err := r.PutCapsule(ctx, c)
			if len(refused) > 0 && strings.Contains(refused[0].Reason, ": 403 ") { // each part is a call of its own
				return &opensearch.Error{Status: 403, Reason: refused[0].Reason}
			}
			return err
		}
	}
	only := func(content map[string]any) map[string]map[string]any {
		return map[string]map[string]any{w.name: content}
	}
	return map[string]func(context.Context) error{
		"Progress":         func(ctx context.Context) error { _, err := r.Progress(ctx, []string{index}); return err },
		"RemoveIndex":      func(ctx context.Context) error { return r.RemoveIndex(ctx, index+"-absent") },
		"RemoveDataStream": func(ctx context.Context) error { return r.RemoveDataStream(ctx, index+"-absent") },
		"SetWriteBlock":    func(ctx context.Context) error { return r.SetWriteBlock(ctx, []string{index}, false) },
		"Block":            func(ctx context.Context) error { return r.Block(ctx, index) },
		"SetBlocks":        func(ctx context.Context) error { return r.SetBlocks(ctx, index, []string{"read"}) },
		"GiveBlocks":       func(ctx context.Context) error { return r.GiveBlocks(ctx, []string{index}, nil) },
		"SetSettings":      func(ctx context.Context) error { return r.SetSettings(ctx, index, map[string]string{totalShards: "7"}) },
		"Nodes":            func(ctx context.Context) error { _, err := r.Nodes(ctx); return err },
		"Disks":            func(ctx context.Context) error { _, err := r.Disks(ctx); return err },
		"Restoring":        func(ctx context.Context) error { _, err := r.Restoring(ctx); return err },
		"Writing":          func(ctx context.Context) error { _, err := r.Writing(ctx); return err },
		"Close":            func(ctx context.Context) error { return r.Close(ctx, index+"-shut") },
		"SetAutoCreate":    func(ctx context.Context) error { return r.SetAutoCreate(ctx, "", false) },
		"PutAliases": func(ctx context.Context) error {
			return r.PutAliases(ctx, []opensearch.AliasAction{{Index: index, Alias: index + "-alias"}})
		},
		"PutScript":    put(opensearch.Capsule{StoredScripts: only(map[string]any{"lang": "painless", "source": "1"})}),
		"PutPipeline":  put(opensearch.Capsule{IngestPipelines: only(map[string]any{"processors": []any{}})}),
		"PutComponent": put(opensearch.Capsule{ComponentTemplates: only(map[string]any{"template": map[string]any{}})}),
		"PutTemplate":  put(opensearch.Capsule{IndexTemplates: only(map[string]any{"index_patterns": []any{w.name + "-none-*"}})}),
		"PutLegacy":    put(opensearch.Capsule{LegacyTemplates: only(map[string]any{"index_patterns": []any{w.name + "-none-*"}})}),
	}
}

func recoveryRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	w.index("a-shut", IndexOptions{}, 1)
	w.register()
	s := w.snapshot("s1", index)
	for name, call := range w.recoveryCalls(index) {
		if err := call(w.Context()); !opensearch.IsForbidden(err) {
			w.Errorf("%s without the recovery role: %v", name, err)
		}
	}
	w.mapRecovery()
	calls := w.recoveryCalls(index)
	delete(calls, "Block") // comes after the lift, whatever the order of a map
	calls["AutoCreate"] = func(ctx context.Context) error { _, _, err := w.Recovery.AutoCreate(ctx); return err }
	for name, call := range calls {
		if err := call(w.Context()); err != nil {
			w.Errorf("%s: %v", name, err)
		}
	}
	w.ok(w.Recovery.SetBlocks(w.Context(), index, nil))
	w.ok(w.Recovery.Block(w.Context(), index))
	w.ok(w.Recovery.RemoveIndex(w.Context(), index))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{index}, All: s, WriteBlock: true}))
	w.restored(index)
	if err := w.Search(w.Context(), index); !opensearch.IsForbidden(err) {
		w.Errorf("the recovery function may search documents: %v", err)
	}
}

func leastRecoveryRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	w.index("a-shut", IndexOptions{}, 1)
	w.mapRecovery()
	full := opensearch.RecoveryPermissions()
	refused := func(without string, r opensearch.Role) {
		w.Helper()
		w.ok(w.Security.PutRole(w.Context(), contract.RecoveryRole, r))
		for _, call := range w.recoveryCalls(index) {
			if opensearch.IsForbidden(call(w.Context())) {
				return
			}
		}
		w.Errorf("no call needs %s", without)
	}
	for n, p := range full.ClusterPermissions {
		if strings.Contains(p, "/ism/") {
			continue // a cluster without index state management never asks
		}
		if strings.Contains(p, "allocation/explain") {
			continue // Progress does without the reason; H84_WhatNoNodeMayHoldFailsForGood needs it
		}
		refused(p, opensearch.Role{
			ClusterPermissions: slices.Delete(slices.Clone(full.ClusterPermissions), n, n+1), IndexPermissions: full.IndexPermissions,
		})
	}
	actions := full.IndexPermissions[0].AllowedActions
	for n, p := range actions {
		w.ok(w.Application.SetBlock(w.Context(), index, "write", false))
		refused(p, opensearch.Role{ClusterPermissions: full.ClusterPermissions, IndexPermissions: []opensearch.IndexPermission{{
			IndexPatterns: []string{"*"}, AllowedActions: slices.Delete(slices.Clone(actions), n, n+1),
		}}})
	}
}

// trial is what the doctor does: with its role it goes, on its own names and no
// others, and without it it does not.
func trial(w *world) {
	ctx, own, others := w.Context(), w.name+"-trial-a", w.index("b", IndexOptions{}, 1)
	w.mapRecovery()
	if err := w.Trial.OpenTrial(ctx, others); !opensearch.IsForbidden(err) {
		w.Errorf("open without the role: %v", err)
	}
	w.ok(w.Security.PutRole(ctx, contract.TrialRole, opensearch.TrialPermissions(w.name+"-trial-*")))
	w.ok(w.Security.PutRoleMapping(ctx, contract.TrialRole, opensearch.RoleMapping{BackendRoles: []string{w.Agent}}))
	w.Cleanup(func() {
		w.ok(w.Security.PutRoleMapping(context.Background(), contract.TrialRole, opensearch.RoleMapping{}))
	})
	w.ok(w.Trial.CreateTrial(ctx, own))
	w.ok(w.Trial.WriteTrial(ctx, own, "1"))
	w.ok(w.Recovery.Block(ctx, own))
	if err := w.Trial.WriteTrial(ctx, own, "2"); !opensearch.IsBlocked(err) {
		w.Errorf("a write behind the block: %v", err)
	}
	w.ok(w.Recovery.SetWriteBlock(ctx, []string{own}, false))
	w.ok(w.Recovery.Close(ctx, own))
	w.ok(w.Trial.OpenTrial(ctx, own))
	if err := w.Trial.OpenTrial(ctx, others); !opensearch.IsForbidden(err) {
		w.Errorf("open of another's index: %v", err)
	}

	w.ok(w.Recovery.SetAutoCreate(ctx, "-"+w.name+"-trial-*,+*", true))
	if err := w.Trial.WriteTrial(ctx, own+"-auto", "1"); !opensearch.IsIndexMissing(err) {
		w.Errorf("a write to an index that may not be made: %v", err)
	}
	w.ok(w.Recovery.SetAutoCreate(ctx, "", false))

	value, set, err := w.Trial.RecoveryRate(ctx)
	w.ok(err)
	w.is(value != "" && !set, "rate %q, set %v", value, set)
	w.ok(w.Trial.SetRecoveryRate(ctx, value, true))
	_, set, err = w.Trial.RecoveryRate(ctx)
	w.ok(err)
	w.is(set, "the rate is not set")
	w.ok(w.Trial.SetRecoveryRate(ctx, "", false))

	w.register()
	w.ok(w.Trial.RemoveRepository(ctx, w.repo))
	w.ok(w.Trial.RemoveRepository(ctx, w.repo))
	w.ok(w.Recovery.RemoveIndex(ctx, own))
}
