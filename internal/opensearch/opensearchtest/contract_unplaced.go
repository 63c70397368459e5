package opensearchtest

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

const requireName = "index.routing.allocation.require._name"

// unplacedShards: an index that no node may hold fails at once, beside one that
// comes, and nothing but another restore heals it.
func unplacedShards(w *world) {
	w.mapRecovery()
	w.register()
	good := w.index("good", IndexOptions{}, 2)
	filtered, crowded := w.index("filtered", IndexOptions{}, 2), w.index("crowded", IndexOptions{Shards: 2}, 20)
	sorted := w.index("sorted", IndexOptions{Sorted: true}, 5)
	w.ok(w.Application.PutSetting(w.Context(), filtered, requireName, "shrink-node-1"))
	w.ok(w.Application.PutSetting(w.Context(), crowded, totalShards, "1"))
	i, _ := w.find(filtered)
	w.is(len(i.Bound) == 1 && i.Bound[requireName] == "shrink-node-1" && i.Health == opensearch.Green, "%+v", i)
	i, _ = w.find(crowded)
	w.is(len(i.Bound) == 1 && i.Bound[totalShards] == "1" && i.Replicas == 0, "%+v", i)
	i, _ = w.find(sorted)
	plain, _ := w.find(good)
	w.is(i.Sorted && !plain.Sorted && len(i.Files)+len(plain.Files) == 0, "%+v, %+v", i, plain)
	all := []string{crowded, filtered, good, sorted}
	s := w.snapshot("s1", all...)
	for _, name := range all {
		w.ok(w.Recovery.RemoveIndex(w.Context(), name))
	}
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: all, All: s, WriteBlock: true}))
	p := w.restored(all...)
	w.is(p[2].Done && p[2].Failed == "", "%+v", p[2])
	for n, reason := range map[int]string{0: "too many shards", 1: "does not match index setting", 3: "no parent document field"} {
		w.is(!p[n].Done && strings.Contains(p[n].Failed, reason) && !p[n].Damaged, "%+v", p[n])
	}
	w.is(p[0].ShardsTotal == 2 && p[0].ShardsDone < 2, "%+v", p[0])
	w.ok(w.Application.PutSetting(w.Context(), filtered, requireName, ""))
	w.Pass()
	p = w.restored(filtered)
	w.is(!p[0].Done && p[0].Failed != "", "it healed by itself: %+v", p[0])
	w.ok(w.Recovery.RemoveIndex(w.Context(), filtered))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{filtered}, All: s, Unbind: true}))
	w.is(w.restored(filtered)[0].Done, "another restore does not heal it")
	begun, err := w.Recovery.Restoring(w.Context())
	w.ok(err)
	w.is(len(begun) == 0, "%v", begun)
}

// unboundRestore: what ties an index to its old nodes is left out, and nothing else.
func unboundRestore(w *world) {
	w.mapRecovery()
	w.register()
	filtered, crowded := w.index("filtered", IndexOptions{}, 2), w.index("crowded", IndexOptions{Shards: 2}, 20)
	for _, kind := range []string{"require", "include"} {
		w.ok(w.Application.PutSetting(w.Context(), filtered, filters+kind+"._name", "shrink-node-1"))
	}
	w.ok(w.Application.PutSetting(w.Context(), filtered, filters+"exclude._ip", "10.0.0.1"))
	w.ok(w.Application.PutSetting(w.Context(), crowded, totalShards, "1"))
	before, _ := w.find(filtered)
	w.is(len(before.Bound) == 3, "%+v", before)
	s := w.snapshot("s1", filtered, crowded)
	for _, name := range []string{filtered, crowded} {
		w.ok(w.Recovery.RemoveIndex(w.Context(), name))
	}
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{filtered, crowded}, All: s, WriteBlock: true, Unbind: true}))
	for _, p := range w.restored(filtered, crowded) {
		w.is(p.Done && p.Failed == "", "%+v", p)
	}
	for _, name := range []string{filtered, crowded} {
		i, _ := w.find(name)
		w.is(len(i.Bound) == 0 && slices.Equal(i.Blocks, []string{"write"}), "%+v", i)
	}
}

// givenBack: the settings come again by a call of their own, all or none.
func givenBack(w *world) {
	w.mapRecovery()
	index := w.index("a", IndexOptions{}, 1)
	nodes, err := w.Recovery.Nodes(w.Context())
	w.ok(err)
	w.is(len(nodes) == 1 && nodes[0].Attributes["_name"] != "", "%+v", nodes)
	disks, err := w.Recovery.Disks(w.Context())
	w.ok(err)
	w.is(disks >= 1<<30, "the node's disk has %d bytes", disks)
	i := opensearch.Index{Primaries: 1, Bound: map[string]string{requireName: nodes[0].Attributes["_name"], totalShards: "1"}}
	w.is(i.Fits(nodes), "%+v does not fit %+v", i, nodes)
	w.ok(w.Recovery.SetSettings(w.Context(), index, i.Bound))
	now, _ := w.find(index)
	w.is(len(now.Bound) == 2 && now.Bound[totalShards] == "1", "%+v", now)
	i.Bound = map[string]string{requireName: "shrink-node-1"}
	w.is(!i.Fits(nodes), "%+v fits %+v", i, nodes)
	w.ok(w.Application.SetShardLimit(w.Context(), 1000))
	w.Cleanup(func() { w.ok(w.Application.SetShardLimit(context.Background(), 0)) })
	err = w.Recovery.SetSettings(w.Context(), index, map[string]string{"index.number_of_replicas": "1100"})
	w.is(opensearch.IsRefused(err), "%v", err)
	w.ok(w.Recovery.SetSettings(w.Context(), index, map[string]string{"index.number_of_replicas": "1"}))
	now, _ = w.find(index)
	w.is(now.Replicas == 1, "%+v", now)
}

// refusedRestore: one index above the shard limit refuses the whole call, nothing
// comes, and fewer replicas make it fit.
func refusedRestore(w *world) {
	w.mapRecovery()
	w.register()
	w.ok(w.Application.SetShardLimit(w.Context(), 3000))
	w.Cleanup(func() { w.ok(w.Application.SetShardLimit(context.Background(), 0)) })
	good, wide := w.index("good", IndexOptions{}, 1), w.index("wide", IndexOptions{Replicas: 1100}, 1)
	i, _ := w.find(wide)
	w.is(i.Replicas == 1100, "%+v", i)
	s := w.snapshot("s1", good, wide)
	for _, name := range []string{good, wide} {
		w.ok(w.Recovery.RemoveIndex(w.Context(), name))
	}
	w.ok(w.Application.SetShardLimit(w.Context(), 1000))
	err := w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{good, wide}, All: s, WriteBlock: true})
	w.is(opensearch.IsRefused(err) && strings.Contains(err.Error(), "maximum LOCAL_ONLY shards"), "%v", err)
	_, ok := w.find(good)
	w.is(!ok, "a refused restore brought something")
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{good}, All: s, WriteBlock: true}))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{wide}, All: s, WriteBlock: true, Replicas: new(int)}))
	w.is(w.restored(wide)[0].Done, "it does not come")
	i, _ = w.find(wide)
	w.is(i.Replicas == 0, "%+v", i)
}

// corruptBlob: a file of the same length with another content is damage, as a
// missing one is.
func corruptBlob(w *world) {
	w.mapRecovery()
	r := w.register()
	bad := w.index("bad", IndexOptions{}, 200)
	s := w.snapshot("s1", bad)
	for _, key := range w.keys(r.BasePath) {
		if strings.Contains(key, "/__") {
			o, err := w.Bucket.Get(w.Context(), key)
			w.ok(err)
			_, err = w.Bucket.Put(w.Context(), key, bytes.Repeat([]byte{0x55}, len(o.Body)), store.Condition{})
			w.ok(err)
		}
	}
	w.ok(w.Recovery.RemoveIndex(w.Context(), bad))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{bad}, All: s, WriteBlock: true}))
	p := w.restored(bad)
	w.is(!p[0].Done && p[0].Failed != "" && p[0].Damaged, "%+v", p)
	w.ok(w.Recovery.RemoveIndex(w.Context(), bad))
}

// lostMetadata of one index refuses the restore of all, and the others come by
// themselves.
func lostMetadata(w *world) {
	w.mapRecovery()
	r := w.register()
	good := w.index("good", IndexOptions{}, 1)
	w.snapshot("s0", good)
	of := func(key string) string { folder, _, _ := strings.Cut(key, "/meta-"); return folder + "/" }
	before := w.keys(r.BasePath)
	bad := w.index("bad", IndexOptions{}, 1)
	s := w.snapshot("s1", good, bad)
	for _, key := range w.keys(r.BasePath) {
		known := func(old string) bool { return strings.HasPrefix(old, of(key)) }
		if strings.Contains(key, "/indices/") && strings.Contains(key, "/meta-") && !slices.ContainsFunc(before, known) {
			w.ok(w.Bucket.Delete(w.Context(), key))
		}
	}
	for _, name := range []string{good, bad} {
		w.ok(w.Recovery.RemoveIndex(w.Context(), name))
	}
	err := w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{good, bad}, All: s, WriteBlock: true})
	w.is(opensearch.IsRefused(err) && opensearch.IsDamage(err), "%v", err)
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{good}, All: s, WriteBlock: true}))
	w.is(w.restored(good)[0].Done, "it does not come")
}
