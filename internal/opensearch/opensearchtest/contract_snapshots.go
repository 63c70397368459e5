package opensearchtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

func indicesTellAll(w *world) {
	open := w.index("open", IndexOptions{Shards: 2}, 5)
	hidden := w.index("hidden", IndexOptions{Hidden: true}, 1)
	closed := w.index("closed", IndexOptions{}, 3)
	blocked := w.index("blocked", IndexOptions{}, 1)
	w.ok(w.Application.CloseIndex(w.Context(), closed))
	w.ok(w.Application.SetBlock(w.Context(), blocked, "write", true))
	w.refresh(open, hidden, blocked)

	i, ok := w.find(open)
	w.is(ok && i.Open && !i.Hidden && i.Tier == "" && i.Health == opensearch.Green && i.DataStream == "", "%+v", i)
	w.is(len(i.UUID) == 22 && i.Primaries == 2 && i.Documents == 5 && i.Bytes >= 0, "%+v", i)
	w.is(len(i.Shards) == 2 && i.Shards[0].ID == 0 && i.Shards[1].ID == 1, "%+v", i.Shards)
	w.is(i.Shards[0].MaxSeqNo+i.Shards[1].MaxSeqNo == 3, "five operations on two shards: %+v", i.Shards)
	w.is(i.MetadataVersion > 0 && i.MappingVersion > 0 && i.SettingsVersion > 0 && i.AliasesVersion > 0, "%+v", i)

	i, ok = w.find(hidden)
	w.is(ok && i.Hidden, "%+v", i)
	i, ok = w.find(blocked)
	w.is(ok && slices.Equal(i.Blocks, []string{"write"}), "%+v", i)
	i, ok = w.find(closed)
	w.is(ok && !i.Open && len(i.Shards) == 1 && i.Shards[0].MaxSeqNo == 2, "closed: %+v", i)
	_, ok = w.find(".opendistro_security")
	w.is(ok, "the system index is not listed")

	err := w.Application.Index(w.Context(), blocked, "x", document(1))
	w.is(opensearch.IsForbidden(err), "a write under the block: %v", err)
	w.ok(w.Application.SetBlock(w.Context(), blocked, "write", false))
	i, _ = w.find(blocked)
	w.is(len(i.Blocks) == 0, "%+v", i)

	before, _ := w.find(open)
	w.ok(w.Application.PutAlias(w.Context(), open, w.name+"-alias"))
	after, _ := w.find(open)
	w.is(after.AliasesVersion > before.AliasesVersion && after.MetadataVersion > before.MetadataVersion, "%+v, %+v", before, after)
	health, err := w.Domain.Health(w.Context())
	w.ok(err)
	w.is(health != opensearch.Red, "health %s", health)
}

func metadataBlocked(w *world) {
	shut := w.index("shut", IndexOptions{}, 2)
	open := w.index("open", IndexOptions{}, 2)
	w.refresh(shut, open)
	w.ok(w.Application.PutAlias(w.Context(), open, w.name+"-alias"))
	w.ok(w.Application.SetBlock(w.Context(), shut, "metadata", true))
	i, ok := w.find(shut)
	w.is(ok && slices.Equal(i.Blocks, []string{"metadata"}) && len(i.Shards) < i.Primaries, "%+v", i)
	i, ok = w.find(open)
	w.is(ok && len(i.Shards) == 1 && i.Documents == 2, "%+v", i)
	got, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(got.Aliases[open] != nil, "aliases %v", got.Aliases)
	w.ok(w.Application.SetBlock(w.Context(), shut, "metadata", false))
}

func sequenceNumbers(w *world) {
	index := w.index("a", IndexOptions{}, 4)
	w.refresh(index)
	before, _ := w.find(index)
	w.ok(w.Application.Index(w.Context(), index, "d0", document(100))) // update
	w.ok(w.Application.Delete(w.Context(), index, "d1"))
	w.ok(w.Application.Index(w.Context(), index, "d9", document(9)))
	w.refresh(index)
	after, _ := w.find(index)
	w.is(before.Documents == 4 && after.Documents == 4, "documents %d, then %d", before.Documents, after.Documents)
	w.is(before.Shards[0].MaxSeqNo == 3 && after.Shards[0].MaxSeqNo == 6, "%+v, then %+v", before.Shards, after.Shards)
	empty := w.index("empty", IndexOptions{}, 0)
	i, _ := w.find(empty)
	w.is(len(i.Shards) == 1 && i.Shards[0].MaxSeqNo == -1, "%+v", i)

	// The same name again is another index.
	w.ok(w.Application.DeleteIndex(w.Context(), empty))
	w.ok(w.Application.CreateIndex(w.Context(), empty, IndexOptions{}))
	again, _ := w.find(empty)
	w.is(again.UUID != i.UUID, "%s", again.UUID)
}

func explicitList(w *world) {
	w.register()
	a, b := w.index("a", IndexOptions{Shards: 2}, 3), w.index("b", IndexOptions{}, 2)
	w.index("not-asked", IndexOptions{}, 1)
	info, err := w.Domain.Info(w.Context())
	w.ok(err)
	s := w.snapshot("s1", b, a)
	w.is(s.State == opensearch.Success && slices.Equal(s.Indices, []string{a, b}) && len(s.DataStreams) == 0, "%+v", s)
	w.is(s.Name == "s1" && len(s.UUID) == 22 && s.Version == info.Version, "%+v", s)
	w.is(s.ShardsTotal == 3 && s.ShardsFailed == 0 && len(s.Failures) == 0, "%+v", s)
	w.is(!s.Start.IsZero() && !s.End.Before(s.Start) && s.End.Sub(s.Start) < within, "%s to %s", s.Start, s.End)
	list, err := w.Domain.Snapshots(w.Context(), w.repo)
	w.ok(err)
	w.is(len(list) == 1 && list[0].UUID == s.UUID, "%+v", list)
	running, err := w.Domain.RunningSnapshots(w.Context())
	w.ok(err)
	w.is(!slices.Contains(running, w.repo+"/s1"), "it is over and still runs: %v", running)
	status, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s1")
	w.ok(err)
	w.is(status.State == opensearch.Success && status.ShardsDone == 3 && status.ShardsTotal == 3, "%+v", status)
}

func dataStreams(w *world) {
	w.register()
	stream := w.name + "-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	w.ok(w.Application.Index(w.Context(), stream, "1", `{"@timestamp":"2026-01-01T00:00:00Z"}`))
	w.ok(w.Application.Rollover(w.Context(), stream))
	list, err := w.Domain.DataStreams(w.Context())
	w.ok(err)
	n := slices.IndexFunc(list, func(d opensearch.DataStream) bool { return d.Name == stream })
	w.is(n >= 0 && len(list[n].Indices) == 2, "%+v", list)
	for at, name := range list[n].Indices {
		i, ok := w.find(name)
		w.is(ok && i.DataStream == stream && i.WriteIndex == (at == 1) && i.Hidden, "%+v", i)
	}
	s := w.snapshot("s1", stream)
	w.is(slices.Equal(s.DataStreams, []string{stream}), "%+v", s)
	want := slices.Sorted(slices.Values(list[n].Indices))
	w.is(slices.Equal(s.Indices, want), "%+v, want %v", s, want)

	// Named by its backing indexes only, the snapshot knows no stream.
	s = w.snapshot("s2", list[n].Indices...)
	w.is(len(s.DataStreams) == 0 && slices.Equal(s.Indices, want), "%+v", s)
	err = w.Application.CloseIndex(w.Context(), list[n].Indices[1])
	w.is(err != nil, "H23: a write index was closed")
}

func closedAndHidden(w *world) {
	w.register()
	closed, hidden := w.index("closed", IndexOptions{}, 2), w.index("hidden", IndexOptions{Hidden: true}, 2)
	w.ok(w.Application.CloseIndex(w.Context(), closed))
	s := w.snapshot("s1", closed, hidden)
	w.is(s.State == opensearch.Success && slices.Equal(s.Indices, []string{closed, hidden}), "%+v", s)
}

func emptyList(w *world) {
	w.register()
	w.index("a", IndexOptions{}, 1)
	s := w.snapshot("s1")
	w.is(s.State == opensearch.Success && len(s.Indices) == 0 && len(s.DataStreams) == 0 && s.ShardsTotal == 0, "%+v", s)
	status, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s1")
	w.ok(err)
	w.is(status == opensearch.SnapshotStatus{State: opensearch.Success}, "%+v", status)
}

func absentIndex(w *world) {
	w.register()
	index := w.index("a", IndexOptions{}, 1)
	err := w.Domain.CreateSnapshot(w.Context(), w.repo, "s1", opensearch.SnapshotRequest{Indices: []string{index, w.name + "-absent"}})
	w.is(opensearch.IsIndexMissing(err) && strings.Contains(err.Error(), w.name+"-absent"), "%v", err)
	_, err = w.Domain.Snapshot(w.Context(), w.repo, "s1")
	w.is(isNotFound(err), "there is a snapshot: %v", err)
}

func duplicateName(w *world) {
	w.register()
	index := w.index("a", IndexOptions{}, 1)
	first := w.snapshot("s1", index)
	err := w.Domain.CreateSnapshot(w.Context(), w.repo, "s1", opensearch.SnapshotRequest{Indices: []string{index}})
	w.is(opensearch.IsNameTaken(err), "%v", err)
	second, err := w.Domain.Snapshot(w.Context(), w.repo, "s1")
	w.ok(err)
	w.is(second.UUID == first.UUID, "it was replaced")
}

// underWay looks at a snapshot that takes its time, and aborts it.
func underWay(w *world) {
	r := w.register()
	r.MaxSnapshotBytesPerSec = "300kb"
	w.ok(w.Domain.PutRepository(w.Context(), w.repo, r))
	index := w.index("a", IndexOptions{}, 0)
	w.fill(index, 60)
	ask := opensearch.SnapshotRequest{Indices: []string{index}}
	w.ok(w.Domain.CreateSnapshot(w.Context(), w.repo, "s1", ask))
	running, err := w.Domain.RunningSnapshots(w.Context())
	w.ok(err)
	w.is(slices.Contains(running, w.repo+"/s1"), "%v", running)
	s, err := w.Domain.Snapshot(w.Context(), w.repo, "s1")
	w.ok(err)
	w.is(s.State == opensearch.InProgress && s.End.IsZero() && slices.Equal(s.Indices, []string{index}) && len(s.UUID) == 22, "%+v", s)
	list, err := w.Domain.Snapshots(w.Context(), w.repo)
	w.ok(err)
	w.is(len(list) == 1 && list[0].State == opensearch.InProgress, "%+v", list)
	status, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s1")
	w.ok(err)
	w.is(status.State == opensearch.InProgress && status.ShardsDone == 0 && status.ShardsTotal == 1, "%+v", status)
	err = w.Domain.CreateSnapshot(w.Context(), w.repo, "s1", ask)
	w.is(opensearch.IsNameTaken(err), "the same again: %v", err)
	for what, err := range map[string]error{
		"delete": w.Application.DeleteIndex(w.Context(), index), "close": w.Application.CloseIndex(w.Context(), index),
	} {
		w.is(err != nil && strings.Contains(err.Error(), "snapshot_in_progress_exception"), "%s the index: %v", what, err)
	}
	w.ok(w.Domain.DeleteSnapshot(w.Context(), w.repo, "s1"))
	_, err = w.Domain.Snapshot(w.Context(), w.repo, "s1")
	w.is(isNotFound(err), "%v", err)
	running, err = w.Domain.RunningSnapshots(w.Context())
	w.ok(err)
	w.is(!slices.Contains(running, w.repo+"/s1"), "%v", running)
}

// fill with documents of 20 kB that do not compress.
func (w *world) fill(index string, documents int) {
	noise := rand.New(rand.NewPCG(1, 2))
	for n := range documents {
		text := make([]byte, 20_000)
		for i := range text {
			text[i] = 'a' + byte(noise.IntN(26))
		}
		w.ok(w.Application.Index(w.Context(), index, fmt.Sprint(n), fmt.Sprintf(`{"@timestamp":"2026-01-01T00:00:00Z","t":"%s"}`, text)))
	}
}

// rolledOver: a snapshot that names a stream is gone at its end when the stream rolled
// over meanwhile; one that names its backing indexes is there.
func rolledOver(w *world) {
	r := w.register()
	r.MaxSnapshotBytesPerSec = "300kb"
	w.ok(w.Domain.PutRepository(w.Context(), w.repo, r))
	stream := w.name + "-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	w.fill(stream, 40)
	ended := func(name string, names ...string) (s opensearch.Snapshot, err error) {
		w.ok(w.Domain.CreateSnapshot(w.Context(), w.repo, name, opensearch.SnapshotRequest{Indices: names}))
		s, err = w.Domain.Snapshot(w.Context(), w.repo, name)
		w.ok(err)
		w.is(s.State == opensearch.InProgress, "%+v", s)
		w.ok(w.Application.Rollover(w.Context(), stream))
		for range 600 {
			if s, err = w.Domain.Snapshot(w.Context(), w.repo, name); err != nil || s.State != opensearch.InProgress {
				break
			}
			w.Pass()
		}
		return s, err
	}
	backing := func() []string {
		list, err := w.Domain.DataStreams(w.Context())
		w.ok(err)
		return list[slices.IndexFunc(list, func(d opensearch.DataStream) bool { return d.Name == stream })].Indices
	}
	_, err := ended("s1", stream)
	w.is(opensearch.IsSnapshotMissing(err), "by the stream's name: %v", err)
	list, err := w.Domain.Snapshots(w.Context(), w.repo)
	w.ok(err)
	w.is(len(list) == 0, "%+v", list)
	names := backing()
	s, err := ended("s2", names...)
	w.ok(err)
	w.is(s.State == opensearch.Success && slices.Equal(s.Indices, slices.Sorted(slices.Values(names))) && len(s.DataStreams) == 0, "%+v", s)
	s, err = w.Domain.Snapshot(w.Context(), w.repo, "s2")
	w.ok(err)
	// What it holds comes back as plain indexes, and an alias of the stream's name serves
	// reads and writes.
	w.mapRecovery()
	w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s2", opensearch.RestoreRequest{Indices: s.Indices, All: s, WriteBlock: true}))
	w.restored(s.Indices...)
	for _, name := range s.Indices {
		i, ok := w.find(name)
		w.is(ok && i.DataStream == "" && i.Open && i.Health == opensearch.Green, "%+v", i)
	}
	w.ok(w.Recovery.SetWriteBlock(w.Context(), s.Indices, false))
	var actions []opensearch.AliasAction
	for n, name := range s.Indices {
		actions = append(actions, opensearch.AliasAction{Index: name, Alias: stream, Properties: map[string]any{"is_write_index": n == len(s.Indices)-1}})
	}
	w.ok(w.Recovery.PutAliases(w.Context(), actions))
	last := s.Indices[len(s.Indices)-1]
	before, _ := w.find(last)
	w.ok(w.Application.Index(w.Context(), stream, "after", `{"@timestamp":"2026-01-01T00:00:00Z"}`))
	after, _ := w.find(last)
	w.is(after.Shards[0].MaxSeqNo == before.Shards[0].MaxSeqNo+1, "%+v, then %+v", before, after)
}

func redIndex(w *world) {
	w.register()
	good, red := w.index("a", IndexOptions{}, 1), w.index("red", IndexOptions{Red: true}, 0)
	defer func() { w.ok(w.Application.DeleteIndex(w.Context(), red)) }()
	i, ok := w.find(red)
	w.is(ok && i.Health == opensearch.Red && i.Primaries == 1 && len(i.Shards) == 0, "%+v", i)
	health, err := w.Domain.Health(w.Context())
	w.ok(err)
	w.is(health == opensearch.Red, "health %s", health)
	err = w.Domain.CreateSnapshot(w.Context(), w.repo, "s1", opensearch.SnapshotRequest{Indices: []string{good, red}})
	w.is(err != nil && strings.Contains(err.Error(), "snapshot_exception"), "%v", err)
	_, err = w.Domain.Snapshot(w.Context(), w.repo, "s1")
	w.is(isNotFound(err), "there is a snapshot: %v", err)
	s := w.snapshot("s2", good)
	w.is(s.State == opensearch.Success, "%+v", s)
}

func incremental(w *world) {
	w.register()
	index := w.index("a", IndexOptions{}, 60)
	w.snapshot("s1", index)
	first, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s1")
	w.ok(err)
	w.is(first.IncrementalBytes > 0 && first.IncrementalBytes == first.TotalBytes, "%+v", first)
	w.is(first.ProcessedBytes == first.IncrementalBytes, "%+v", first)

	w.snapshot("s2", index)
	same, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s2")
	w.ok(err)
	w.is(same.IncrementalBytes == 0 && same.TotalBytes == first.TotalBytes, "nothing changed: %+v", same)

	w.ok(w.Application.Index(w.Context(), index, "new", document(7)))
	w.snapshot("s3", index)
	third, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s3")
	w.ok(err)
	w.is(third.IncrementalBytes > 0 && third.IncrementalBytes < third.TotalBytes, "%+v", third)
}

func fixedPath(w *world) {
	r := w.register()
	before := w.keys("")
	w.snapshot("s1", w.index("a", IndexOptions{Shards: 2}, 20))
	s, err := w.Domain.Snapshot(w.Context(), w.repo, "s1")
	w.ok(err)
	shards := 0
	for _, key := range w.keys("") {
		if slices.Contains(before, key) {
			continue
		}
		w.is(strings.HasPrefix(key, r.BasePath+"/"), "outside of base_path: %s", key)
		if strings.HasPrefix(key, r.BasePath+"/indices/") && strings.HasSuffix(key, "/snap-"+s.UUID+".dat") {
			shards++
		}
	}
	w.is(shards == 2, "%d shard snapshots", shards)
	w.is(slices.Contains(w.keys(r.BasePath), r.BasePath+"/snap-"+s.UUID+".dat"), "no snap-<uuid>.dat")
	w.is(len(w.keys(r.BasePath+"/tests-")) == 0, "verification left something")
}

func readOnly(w *world) {
	r := w.register()
	index := w.index("a", IndexOptions{}, 1)
	w.snapshot("s1", index)
	r.ReadOnly = true
	inbound := w.repo + "-inbound"
	w.ok(w.Domain.PutRepository(w.Context(), inbound, r))
	w.ok(w.Domain.VerifyRepository(w.Context(), inbound))
	before := w.keys(r.BasePath)
	err := w.Domain.CreateSnapshot(w.Context(), inbound, "s2", opensearch.SnapshotRequest{Indices: []string{index}})
	w.is(err != nil && strings.Contains(err.Error(), "readonly"), "create: %v", err)
	err = w.Domain.DeleteSnapshot(w.Context(), inbound, "s1")
	w.is(err != nil && strings.Contains(err.Error(), "readonly"), "delete: %v", err)
	w.is(slices.Equal(before, w.keys(r.BasePath)), "something was written")
}

func readerSeesNew(w *world) {
	r := w.register()
	r.ReadOnly = true
	inbound := w.repo + "-inbound"
	w.ok(w.Domain.PutRepository(w.Context(), inbound, r))
	list, err := w.Domain.Snapshots(w.Context(), inbound)
	w.ok(err)
	w.is(len(list) == 0, "%+v", list)
	index := w.index("a", IndexOptions{}, 1)
	for n := 1; n <= 2; n++ {
		s := w.snapshot(fmt.Sprint("s", n), index)
		list, err = w.Domain.Snapshots(w.Context(), inbound)
		w.ok(err)
		w.is(len(list) == n && list[n-1].UUID == s.UUID, "after %d: %+v", n, list)
	}
}

func deleteSnapshot(w *world) {
	r := w.register()
	index := w.index("a", IndexOptions{}, 30)
	first := w.snapshot("s1", index)
	w.ok(w.Application.Index(w.Context(), index, "new", document(7)))
	w.snapshot("s2", index)
	before, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s2")
	w.ok(err)
	w.ok(w.Domain.DeleteSnapshot(w.Context(), w.repo, "s1"))
	list, err := w.Domain.Snapshots(w.Context(), w.repo)
	w.ok(err)
	w.is(len(list) == 1 && list[0].Name == "s2", "%+v", list)
	for _, key := range w.keys(r.BasePath) {
		w.is(!strings.Contains(key, first.UUID), "%s is left", key)
	}
	after, err := w.Domain.SnapshotStatus(w.Context(), w.repo, "s2")
	w.ok(err)
	w.is(after.TotalBytes == before.TotalBytes, "%+v, then %+v", before, after)
	third := w.snapshot("s3", index)
	w.is(third.State == opensearch.Success, "%+v", third)
}

func capsule(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	w.ok(w.Application.PutAlias(w.Context(), index, w.name+"-alias"))
	c, err := w.Domain.Capsule(w.Context())
	w.ok(err)
	_, has := c.Aliases[index][w.name+"-alias"]
	w.is(has, "%+v", c.Aliases)
	w.is(c.IndexTemplates[w.name] == nil && c.IngestPipelines[w.name] == nil, "%+v", c)
	w.ok(w.Application.PutParts(w.Context(), w.name))
	c, err = w.Domain.Capsule(w.Context())
	w.ok(err)
	w.is(c.IndexTemplates[w.name]["index_patterns"] != nil, "index templates: %+v", c.IndexTemplates)
	w.is(c.LegacyTemplates[w.name]["index_patterns"] != nil, "legacy templates: %+v", c.LegacyTemplates)
	w.is(c.ComponentTemplates[w.name]["template"] != nil, "component templates: %+v", c.ComponentTemplates)
	w.is(c.IngestPipelines[w.name]["processors"] != nil, "pipelines: %+v", c.IngestPipelines)
	w.is((c.ISMPolicies == nil) == (len(c.Unavailable) == 1), "policies: %+v, %v", c.ISMPolicies, c.Unavailable)
	w.is((c.ISMPolicies == nil) == (c.ISM == nil), "index state management: %+v, %v", c.ISMPolicies, c.ISM)
	w.is(len(c.Roles) == 0 && len(c.RoleMappings) == 0, "roles are the master's to read")
}
