package opensearchtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	{"RemoveIsIdempotent", removeTwice},
	{"H8_BlockDrains", blockDrains},
	{"H8_SettingAndBlock", blockAnswers},
	{"H9_RolloverUnderTheBlock", rolloverUnderBlock},
	{"H24_SetBlocks", setBlocks},
	{"AutoCreate", autoCreate},
	{"ISMIsNotOffered", ismNotOffered},
	{"F11_AliasesInOneChange", aliases},
	{"H38_CapsuleIsPutAgain", replayCapsule},
	{"F9_SecurityCapsuleIsPutAgain", replaySecurity},
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

// recoveryCalls are every method, on an index that is there.
func (w *world) recoveryCalls(index string) map[string]func(context.Context) error {
	r := w.Recovery
	put := func(c opensearch.Capsule) func(context.Context) error {
		return func(ctx context.Context) error { _, err := r.PutCapsule(ctx, c); return err }
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
		"Writing":          func(ctx context.Context) error { _, err := r.Writing(ctx); return err },
		"SetAutoCreate":    func(ctx context.Context) error { return r.SetAutoCreate(ctx, "", false) },
		"PutAliases": func(ctx context.Context) error {
			return r.PutAliases(ctx, []opensearch.AliasAction{{Index: index, Alias: index + "-alias"}})
		},
		"PutPipeline":  put(opensearch.Capsule{IngestPipelines: only(map[string]any{"processors": []any{}})}),
		"PutComponent": put(opensearch.Capsule{ComponentTemplates: only(map[string]any{"template": map[string]any{}})}),
		"PutTemplate":  put(opensearch.Capsule{IndexTemplates: only(map[string]any{"index_patterns": []any{w.name + "-none-*"}})}),
		"PutLegacy":    put(opensearch.Capsule{LegacyTemplates: only(map[string]any{"index_patterns": []any{w.name + "-none-*"}})}),
	}
}

func recoveryRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
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

func restoreCopy(w *world) {
	w.mapRecovery()
	r := w.register()
	index := w.index("a", IndexOptions{Shards: 2}, 30)
	other := w.index("other", IndexOptions{}, 1)
	for n := range 10 {
		w.ok(w.Application.Index(w.Context(), index, fmt.Sprint("d", n), document(n+100)))
		w.ok(w.Application.Delete(w.Context(), index, fmt.Sprint("d", n+10)))
	}
	w.ok(w.Application.PutAlias(w.Context(), index, w.name+"-alias"))
	w.refresh(index)
	before, _ := w.find(index)
	s := w.snapshot("s1", index, other)
	w.ok(w.Recovery.RemoveIndex(w.Context(), index))
	w.ok(w.Recovery.RemoveIndex(w.Context(), other))
	_, ok := w.find(index)
	w.is(!ok, "it is not removed")

	// Through a read-only registration, as the other Region does.
	r.ReadOnly = true
	inbound := w.repo + "-inbound"
	w.ok(w.Domain.PutRepository(w.Context(), inbound, r))
	request := opensearch.RestoreRequest{Indices: []string{index}, All: s, WriteBlock: true, Replicas: new(int)}
	w.ok(w.Recovery.Restore(w.Context(), inbound, "s1", request))
	p := w.restored(index)
	w.is(len(p) == 1 && p[0].Index == index && p[0].Done && p[0].Failed == "", "%+v", p)
	w.is(p[0].ShardsTotal == 2 && p[0].ShardsDone == 2 && p[0].BytesRecovered > 0 && p[0].BytesTotal == p[0].BytesRecovered+p[0].BytesReused, "%+v", p)

	w.refresh(index)
	after, ok := w.find(index)
	w.is(ok && after.Open && after.Health == opensearch.Green, "%+v", after)
	w.is(after.UUID != before.UUID && len(after.UUID) == 22, "UUID %s, then %s", before.UUID, after.UUID)
	w.is(slices.Equal(after.Shards, before.Shards), "sequence numbers %+v, then %+v", before.Shards, after.Shards)
	w.is(after.Documents == before.Documents, "documents %d, then %d", before.Documents, after.Documents)
	w.is(slices.Equal(after.Blocks, []string{"write"}), "blocks %v", after.Blocks)
	w.is(after.MetadataVersion > 0 && after.MappingVersion > 0, "%+v", after)
	c, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(len(c.Aliases[index]) == 0, "aliases came with it: %v", c.Aliases[index])
	_, ok = w.find(other)
	w.is(!ok, "more came than was asked for")

	err = w.Application.Index(w.Context(), index, "x", document(1))
	w.is(opensearch.IsForbidden(err) && strings.Contains(err.Error(), "cluster_block_exception"), "a write under the block: %v", err)
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	w.ok(w.Application.Index(w.Context(), index, "x", document(1)))
}

func restoreBlocks(w *world) {
	w.mapRecovery()
	w.register()
	index := w.index("a", IndexOptions{}, 3)
	w.ok(w.Application.SetBlock(w.Context(), index, "write", true))
	s := w.snapshot("s1", index)
	w.ok(w.Recovery.RemoveIndex(w.Context(), index))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{index}, All: s}))
	w.restored(index)
	i, _ := w.find(index)
	w.is(len(i.Blocks) == 0, "%+v", i)
}

func indexInTheWay(w *world) {
	w.mapRecovery()
	w.register()
	a, b := w.index("a", IndexOptions{}, 1), w.index("b", IndexOptions{}, 1)
	s := w.snapshot("s1", a, b)
	w.ok(w.Recovery.RemoveIndex(w.Context(), a))
	err := w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{a, b}, All: s})
	w.is(opensearch.IsIndexInTheWay(err) && strings.Contains(err.Error(), b), "%v", err)
	_, ok := w.find(a)
	w.is(!ok, "a refused restore brought something")
}

func restoreAbsent(w *world) {
	w.mapRecovery()
	w.register()
	index := w.index("a", IndexOptions{}, 1)
	s := w.snapshot("s1", index)
	w.ok(w.Recovery.RemoveIndex(w.Context(), index))
	request := opensearch.RestoreRequest{Indices: []string{index}, All: s}
	err := w.Recovery.Restore(w.Context(), w.repo, "absent", request)
	w.is(opensearch.IsForbidden(err), "an absent snapshot is a 403 with the security plugin: %v", err)
	err = w.Recovery.Restore(w.Context(), w.repo+"-absent", "s1", request)
	w.is(err != nil, "an absent repository")
	err = w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{w.name + "-b"}, All: s})
	w.is(errors.Is(err, opensearch.ErrNotFound), "an index that is not in the snapshot: %v", err)
	s.Indices = append(s.Indices, w.name+"-b")
	err = w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{w.name + "-b"}, All: s})
	w.is(isNotFound(err), "as the engine says it: %v", err)
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{All: s}))
	_, ok := w.find(index)
	w.is(!ok, "a restore of nothing brought everything")
	_, err = w.Recovery.Progress(w.Context(), []string{index})
	w.is(isNotFound(err), "progress of what is not there: %v", err)
}

func restoreStream(w *world) {
	w.mapRecovery()
	w.register()
	stream, longer := w.name+"-logs", w.name+"-logs-more"
	for _, s := range []string{stream, longer} {
		w.ok(w.Application.CreateDataStream(w.Context(), s))
		w.ok(w.Application.Index(w.Context(), s, "1", `{"@timestamp":"2026-01-01T00:00:00Z"}`))
	}
	w.ok(w.Application.Rollover(w.Context(), stream))
	w.ok(w.Application.Index(w.Context(), stream, "2", `{"@timestamp":"2026-01-02T00:00:00Z"}`))
	plain := w.index("plain", IndexOptions{}, 1)
	before := w.stream(stream)
	s := w.snapshot("s1", stream, longer, plain)
	for _, name := range []string{stream, longer} {
		w.ok(w.Recovery.RemoveDataStream(w.Context(), name))
	}
	w.ok(w.Recovery.RemoveIndex(w.Context(), plain))
	w.is(len(w.stream(stream)) == 0, "it is not removed")

	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{DataStreams: []string{stream}, All: s, WriteBlock: true}))
	w.restored(before...)
	w.is(slices.Equal(w.stream(stream), before), "backing indexes %v, then %v", before, w.stream(stream))
	for n, name := range before {
		i, ok := w.find(name)
		w.is(ok && i.DataStream == stream && i.WriteIndex == (n == 1) && slices.Equal(i.Blocks, []string{"write"}), "%+v", i)
		w.is(len(i.Shards) == 1 && i.Shards[0].MaxSeqNo == 0, "%+v", i)
	}
	w.is(len(w.stream(longer)) == 0, "another stream came with it")
	_, ok := w.find(plain)
	w.is(!ok, "an index came with it")
	err := w.Application.Index(w.Context(), stream, "3", `{"@timestamp":"2026-01-03T00:00:00Z"}`)
	w.is(opensearch.IsForbidden(err), "a write under the block: %v", err)

	// The rest, beside what is there.
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{plain}, DataStreams: []string{longer}, All: s}))
	w.restored(plain)
	w.is(len(w.stream(longer)) == 1, "%v", w.stream(longer))
	w.restored(w.stream(longer)...)
	w.ok(w.Application.Index(w.Context(), longer, "2", `{"@timestamp":"2026-01-02T00:00:00Z"}`))
	for _, name := range []string{stream, longer} {
		w.ok(w.Recovery.RemoveDataStream(w.Context(), name))
	}
}

// stream's backing indexes.
func (w *world) stream(name string) []string {
	w.Helper()
	list, err := w.Domain.DataStreams(w.Context())
	w.ok(err)
	for _, d := range list {
		if d.Name == name {
			return d.Indices
		}
	}
	return nil
}

func missingBlob(w *world) {
	w.mapRecovery()
	r := w.register()
	good := w.index("good", IndexOptions{}, 1)
	w.snapshot("s0", good)
	before := w.keys(r.BasePath)
	bad := w.index("bad", IndexOptions{}, 200)
	s := w.snapshot("s1", good, bad)
	for _, key := range w.keys(r.BasePath) {
		if strings.Contains(key, "/__") && !slices.Contains(before, key) {
			w.ok(w.Bucket.Delete(w.Context(), key))
		}
	}
	w.ok(w.Recovery.RemoveIndex(w.Context(), good))
	w.ok(w.Recovery.RemoveIndex(w.Context(), bad))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{good, bad}, All: s, WriteBlock: true}))
	p := w.restored(bad, good)
	w.is(p[0].Index == bad && !p[0].Done && p[0].Failed != "" && p[0].ShardsDone == 0, "%+v", p)
	w.is(p[1].Index == good && p[1].Done && p[1].Failed == "", "%+v", p)
	i, _ := w.find(bad)
	w.is(i.Health == opensearch.Red && len(i.Shards) == 0 && i.Primaries == 1, "%+v", i)
	w.ok(w.Recovery.RemoveIndex(w.Context(), bad))
}

func removeTwice(w *world) {
	w.mapRecovery()
	index, stream := w.index("a", IndexOptions{}, 1), w.name+"-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	err := w.Recovery.RemoveIndex(w.Context(), w.stream(stream)[0])
	w.is(err != nil, "H23: a write index was removed")
	for range 2 {
		w.ok(w.Recovery.RemoveIndex(w.Context(), index))
		w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
	}
	_, ok := w.find(index)
	w.is(!ok && len(w.stream(stream)) == 0, "something is left")
}

// blockDrains writes all the time: what is acknowledged is there when Block
// answers, and nothing comes after.
func blockDrains(w *world) {
	w.mapRecovery()
	index := w.index("a", IndexOptions{Shards: 2}, 1)
	var writers sync.WaitGroup
	var mu sync.Mutex
	acknowledged, refusals := 1, []error(nil)
	under := make(chan bool, 40)
	for writer := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				err := w.Application.Index(w.Context(), index, fmt.Sprintf("w%d-%d", writer, n), document(n))
				mu.Lock()
				if err != nil {
					refusals = append(refusals, err)
					mu.Unlock()
					return
				}
				acknowledged++
				mu.Unlock()
				select {
				case under <- true:
				default:
				}
			}
		})
	}
	for range cap(under) {
		<-under
	}
	err := w.Recovery.Block(w.Context(), index)
	at, _ := w.find(index)
	writers.Wait()
	w.ok(err)
	for _, err := range refusals {
		w.is(opensearch.IsForbidden(err), "%v", err)
	}
	w.refresh(index)
	after, _ := w.find(index)
	w.is(slices.Equal(at.Shards, after.Shards), "sequence numbers moved: %+v, then %+v", at.Shards, after.Shards)
	w.is(after.Documents == int64(acknowledged), "%d acknowledged, %d there", acknowledged, after.Documents)
	running, err := w.Recovery.Writing(w.Context())
	w.ok(err)
	w.is(len(running) == 0, "%v", running)
}

func blockAnswers(w *world) {
	w.mapRecovery()
	index, stream := w.index("a", IndexOptions{}, 1), w.name+"-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, true))
	err := w.Recovery.Block(w.Context(), index)
	w.is(errors.Is(err, opensearch.ErrAlreadyBlocked), "after the setting: %v", err)
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	w.ok(w.Recovery.Block(w.Context(), index))
	err = w.Recovery.Block(w.Context(), index)
	w.is(errors.Is(err, opensearch.ErrAlreadyBlocked), "again: %v", err)
	i, _ := w.find(index)
	w.is(slices.Equal(i.Blocks, []string{"write"}), "%v", i.Blocks)

	backing := w.stream(stream)[0]
	err = w.Recovery.Block(w.Context(), backing)
	w.is(errors.Is(err, opensearch.ErrWriteIndex), "write index: %v", err)
	w.is(isNotFound(w.Recovery.Block(w.Context(), stream)), "a stream's own name")
	w.is(isNotFound(w.Recovery.Block(w.Context(), index+"-absent")), "an absent index")
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{backing, index}, true))
	err = w.Application.Index(w.Context(), stream, "1", `{"@timestamp":"2026-01-01T00:00:00Z"}`)
	w.is(opensearch.IsForbidden(err), "%v", err)
	w.is(isNotFound(w.Recovery.SetWriteBlock(w.Context(), []string{index, index + "-absent"}, true)), "an absent index")
	w.ok(w.Recovery.SetWriteBlock(w.Context(), nil, true))
	w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
}

func rolloverUnderBlock(w *world) {
	w.mapRecovery()
	stream := w.name + "-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	w.ok(w.Recovery.SetAutoCreate(w.Context(), "+.*,-*", true))
	defer func() { w.ok(w.Recovery.SetAutoCreate(w.Context(), "", false)) }()
	w.ok(w.Recovery.SetWriteBlock(w.Context(), w.stream(stream), true))
	w.ok(w.Application.Rollover(w.Context(), stream))
	list := w.stream(stream)
	w.is(len(list) == 2, "%v", list)
	i, _ := w.find(list[1])
	w.is(i.WriteIndex && len(i.Blocks) == 0, "%+v", i)
	w.ok(w.Application.Index(w.Context(), stream, "1", `{"@timestamp":"2026-01-01T00:00:00Z"}`))
	w.ok(w.Recovery.SetWriteBlock(w.Context(), list, false))
	w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
}

func setBlocks(w *world) {
	w.mapRecovery()
	index := w.index("a", IndexOptions{}, 1)
	defer func() { w.ok(w.Recovery.SetBlocks(w.Context(), index, nil)) }() // or the node cannot delete it
	has := func(want ...string) {
		w.Helper()
		i, _ := w.find(index)
		w.is(slices.Equal(i.Blocks, want), "blocks %v, want %v", i.Blocks, want)
	}
	w.ok(w.Application.SetBlock(w.Context(), index, "read_only_allow_delete", true))
	w.ok(w.Recovery.SetBlocks(w.Context(), index, nil))
	has("read_only_allow_delete")
	w.ok(w.Application.SetBlock(w.Context(), index, "read_only_allow_delete", false))
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, true))
	for _, blocks := range [][]string{{"read_only"}, {"read_only"}, {"read_only", "write"}, {"read", "write"}, {"write"}, nil, nil, {"read", "read_only"}} {
		w.ok(w.Recovery.SetBlocks(w.Context(), index, blocks))
		has(blocks...)
	}
	// An index with this one makes the engine refuse the statistics of all.
	w.ok(w.Recovery.SetBlocks(w.Context(), index, []string{"metadata", "read"}))
	w.ok(w.Recovery.SetBlocks(w.Context(), index, []string{"metadata", "read"}))
	w.ok(w.Recovery.SetBlocks(w.Context(), index, []string{"read_only"}))
	has("read_only")
	w.is(opensearch.IsBlocked(w.Recovery.Block(w.Context(), index)), "the user's read_only goes before ours")
	w.is(opensearch.IsBlocked(w.Recovery.SetWriteBlock(w.Context(), []string{index}, true)), "by setting")
	w.is(opensearch.IsBlocked(w.Recovery.RemoveIndex(w.Context(), index)), "H23: it was removed")
	w.is(w.Recovery.SetBlocks(w.Context(), index, []string{"read_only_allow_delete"}) != nil, "not ours to set")
	w.is(isNotFound(w.Recovery.SetBlocks(w.Context(), index+"-absent", nil)), "an absent index")
}

func autoCreate(w *world) {
	w.mapRecovery()
	defer func() { w.ok(w.Recovery.SetAutoCreate(w.Context(), "", false)) }()
	is := func(want string, wantSet bool) {
		w.Helper()
		value, set, err := w.Recovery.AutoCreate(w.Context())
		w.ok(err)
		w.is(value == want && set == wantSet, "%q, %v", value, set)
	}
	is("", false)
	for _, value := range []string{"-" + w.name + "-secret*,+*", "+.*,-*"} {
		w.ok(w.Recovery.SetAutoCreate(w.Context(), value, true))
		is(value, true)
		err := w.Application.Index(w.Context(), w.name+"-secret", "1", document(1))
		w.is(err != nil && strings.Contains(err.Error(), "auto_create_index"), "automatic creation under %s: %v", value, err)
	}
	_, ok := w.find(w.name + "-secret")
	w.is(!ok, "it was made")
	w.index("explicit", IndexOptions{}, 1) // H9: this the setting does not stop
	w.ok(w.Recovery.SetAutoCreate(w.Context(), "", false))
	is("", false)
	w.ok(w.Application.Index(w.Context(), w.name+"-auto", "1", document(1)))
}

func ismNotOffered(w *world) {
	w.mapRecovery()
	_, err := w.Recovery.ISM(w.Context())
	w.is(errors.Is(err, opensearch.ErrNotOffered), "%v", err)
	err = w.Recovery.SetISM(w.Context(), false)
	w.is(errors.Is(err, opensearch.ErrNotOffered), "%v", err)
}

func aliases(w *world) {
	w.mapRecovery()
	a, b := w.index("a", IndexOptions{}, 0), w.index("b", IndexOptions{}, 0)
	name := w.name + "-alias"
	writer := map[string]any{"is_write_index": true}
	put := func(actions ...opensearch.AliasAction) error { return w.Recovery.PutAliases(w.Context(), actions) }
	read := func() map[string]map[string]any {
		w.Helper()
		c, err := w.Domain.Capsule(w.Context())
		w.ok(err)
		return c.Aliases
	}
	w.ok(put())
	for range 2 {
		w.ok(put(opensearch.AliasAction{Index: a, Alias: name, Properties: writer}, opensearch.AliasAction{Index: b, Alias: name},
			opensearch.AliasAction{Index: b, Alias: name + "-absent", Remove: true}))
	}
	properties, _ := read()[a][name].(map[string]any)
	w.is(properties["is_write_index"] == true, "%v", read()[a])
	_, has := read()[b][name]
	w.is(has, "%v", read()[b])

	err := put(opensearch.AliasAction{Index: b, Alias: name + "-2"}, opensearch.AliasAction{Index: b, Alias: name, Properties: writer})
	w.is(err != nil && strings.Contains(err.Error(), "more than one write index"), "%v", err)
	_, has = read()[b][name+"-2"]
	w.is(!has, "a refused change left a part")
	err = put(opensearch.AliasAction{Index: b, Alias: name + "-2"}, opensearch.AliasAction{Index: b + "-absent", Alias: name})
	w.is(isNotFound(err), "%v", err)

	// The write alias moves with nobody without it in between.
	w.ok(put(opensearch.AliasAction{Index: a, Alias: name, Remove: true}, opensearch.AliasAction{Index: b, Alias: name, Properties: writer}))
	properties, _ = read()[b][name].(map[string]any)
	w.is(properties["is_write_index"] == true && len(read()[a]) == 0, "%v", read())
}

func replayCapsule(w *world) {
	w.mapRecovery()
	w.ok(w.Application.PutParts(w.Context(), w.name))
	c, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	as := w.name + "-again"
	under := func(part map[string]map[string]any) map[string]map[string]any {
		content := copyMap(part[w.name])
		if content["index_patterns"] != nil { // two templates of one priority may not meet
			content["index_patterns"] = []any{as + "-*"}
		}
		return map[string]map[string]any{as: content}
	}
	again := opensearch.Capsule{
		IndexTemplates: under(c.IndexTemplates), LegacyTemplates: under(c.LegacyTemplates),
		ComponentTemplates: under(c.ComponentTemplates), IngestPipelines: under(c.IngestPipelines),
	}
	for range 2 {
		notices, err := w.Recovery.PutCapsule(w.Context(), again)
		w.ok(err)
		w.is(len(notices) == 0, "%v", notices)
	}
	got, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	for what, part := range map[string]map[string]map[string]any{
		"index template": got.IndexTemplates, "legacy template": got.LegacyTemplates, "component": got.ComponentTemplates, "pipeline": got.IngestPipelines,
	} {
		w.is(part[as] != nil && part[w.name] != nil, "%s: %v", what, part)
	}
	composed, _ := got.IndexTemplates[as]["composed_of"].([]any)
	w.is(len(composed) == 1 && composed[0] == w.name, "%v", got.IndexTemplates[as])

	// One that cannot be is told, and the others go on.
	again.IndexTemplates[as+"-broken"] = map[string]any{"index_patterns": []any{as + "-broken-*"}, "composed_of": []any{w.name + "-absent"}, "priority": 300}
	again.ISMPolicies = map[string]map[string]any{as: {"states": []any{}}}
	again.LegacyTemplates[as+"-z"] = map[string]any{"index_patterns": []any{as + "-z-*"}}
	notices, err := w.Recovery.PutCapsule(w.Context(), again)
	w.ok(err)
	w.is(len(notices) == 2 && strings.Contains(notices[0], as+"-broken") && strings.Contains(notices[1], "ISM policy "+as), "%q", notices)
	got, err = w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(got.LegacyTemplates[as+"-z"] != nil && got.IndexTemplates[as+"-broken"] == nil, "%v", got.LegacyTemplates)
}

func replaySecurity(w *world) {
	role := w.name + "-reader"
	other := "arn:aws:iam::000000000000:role/other-region"
	in := opensearch.Capsule{
		Roles: map[string]map[string]any{
			role:               {"cluster_permissions": []any{"cluster:monitor/main"}, "index_permissions": []any{}},
			contract.AgentRole: {"cluster_permissions": []any{"*"}, "index_permissions": []any{}},
			"manage_snapshots": {"cluster_permissions": []any{"*"}, "index_permissions": []any{}},
		},
		RoleMappings: map[string]map[string]any{
			role:                     {"backend_roles": []any{"x"}, "users": []any{"u"}, "hosts": []any{}},
			contract.AgentRole:       {"backend_roles": []any{other}},
			contract.ManageSnapshots: {"backend_roles": []any{other}},
			w.name + "-absent":       {"backend_roles": []any{"x"}},
		},
	}
	for range 2 {
		notices, err := w.Replay.PutSecurityCapsule(w.Context(), in)
		w.ok(err)
		w.is(len(notices) == 2 && strings.Contains(notices[0], "manage_snapshots") && strings.Contains(notices[1], w.name+"-absent"), "%q", notices)
	}
	r, err := w.Security.Role(w.Context(), role)
	w.ok(err)
	w.is(slices.Equal(r.ClusterPermissions, []string{"cluster:monitor/main"}), "%+v", r)
	m, err := w.Security.RoleMapping(w.Context(), role)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{"x"}) && slices.Equal(m.Users, []string{"u"}), "%+v", m)
	m, err = w.Security.RoleMapping(w.Context(), contract.AgentRole)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{w.Agent}), "the own role's members: %+v", m)
	r, err = w.Security.Role(w.Context(), contract.AgentRole)
	w.ok(err)
	w.is(!slices.Contains(r.ClusterPermissions, "*"), "the own role: %+v", r)
	m, err = w.Security.RoleMapping(w.Context(), contract.ManageSnapshots)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{w.Agent, other}), "the product's own members: %+v", m)
	_, err = w.Security.Role(w.Context(), "manage_snapshots")
	w.ok(err)
	in = opensearch.Capsule{Roles: map[string]map[string]any{role: {"cluster_permissions": []any{"cluster:monitor/main"}, "index_permissions": []any{}}}}
	_, err = w.Stranger.(opensearch.SecurityRecovery).PutSecurityCapsule(w.Context(), in)
	w.is(opensearch.IsForbidden(err), "a stranger puts roles: %v", err)
}
