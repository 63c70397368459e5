package opensearchtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

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
	w.is(opensearch.SameNumbers(after.Shards, before.Shards), "sequence numbers %+v, then %+v", before.Shards, after.Shards)
	for n := range after.Shards {
		w.is(before.Shards[n].Term > 0 && after.Shards[n].Term > before.Shards[n].Term, "H64: a copy has terms of its own: %+v, then %+v", before.Shards, after.Shards)
	}
	w.is(after.Documents == before.Documents, "documents %d, then %d", before.Documents, after.Documents)
	w.is(slices.Equal(after.Blocks, []string{"write"}), "blocks %v", after.Blocks)
	w.is(after.MappingVersion == before.MappingVersion && after.SettingsVersion == before.SettingsVersion &&
		after.AliasesVersion == before.AliasesVersion && after.MetadataVersion > before.MetadataVersion, "%+v, then %+v", before, after)
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
	w.is(p[0].Index == bad && !p[0].Done && p[0].Failed != "" && p[0].Damaged && p[0].ShardsDone == 0, "%+v", p)
	w.is(p[1].Index == good && p[1].Done && p[1].Failed == "", "%+v", p)
	i, _ := w.find(bad)
	w.is(i.Health == opensearch.Red && len(i.Shards) == 0 && i.Primaries == 1, "%+v", i)
	w.ok(w.Recovery.RemoveIndex(w.Context(), bad))
}
