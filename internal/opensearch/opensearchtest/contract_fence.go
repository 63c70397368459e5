package opensearchtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

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

// floodedIndex is one that the disk's flood stage has made read-only: until that
// is lifted, by itself, it takes no write and no change, and refuses the change of
// the others in the same call.
func floodedIndex(w *world) {
	w.mapRecovery()
	full, other := w.index("full", IndexOptions{}, 1), w.index("other", IndexOptions{}, 1)
	w.ok(w.Application.SetBlock(w.Context(), full, floodStage, true))
	r, ctx := w.Recovery, w.Context()
	for what, err := range map[string]error{
		"write": w.Application.Index(ctx, full, "2", document(2)), "_block": r.Block(ctx, full), "_close": r.Close(ctx, full),
		"settings": r.SetWriteBlock(ctx, []string{full}, true), "a lift": r.SetWriteBlock(ctx, []string{full}, false),
		"settings of two": r.SetWriteBlock(ctx, []string{full, other}, true), "blocks of a lot": r.GiveBlocks(ctx, []string{other, full}, []string{"read_only"}),
		"blocks": r.SetBlocks(ctx, full, []string{"read"}),
	} {
		w.is(err != nil && strings.Contains(err.Error(), "TOO_MANY_REQUESTS/12") && strings.Contains(err.Error(), "429"), "%s: %v", what, err)
	}
	i, _ := w.find(other)
	w.is(len(i.Blocks) == 0, "a refused call left a part: %v", i.Blocks)
	w.ok(w.Application.SetBlock(ctx, full, floodStage, false))
	w.ok(w.Application.Index(ctx, full, "2", document(2)))

	// search_only refuses writes, and nothing of the administration.
	w.ok(w.Application.SetBlock(ctx, other, "search_only", true))
	err := w.Application.Index(ctx, other, "2", document(2))
	w.is(err != nil && strings.Contains(err.Error(), "FORBIDDEN/20"), "search_only: %v", err)
	w.ok(r.SetWriteBlock(ctx, []string{other}, true))
	w.ok(r.GiveBlocks(ctx, []string{other}, nil))
	i, _ = w.find(other)
	w.is(slices.Equal(i.Blocks, []string{"search_only"}), "%v", i.Blocks)
	w.is(r.SetBlocks(ctx, other, []string{"search_only"}) != nil, "not ours to set")
	w.ok(w.Application.SetBlock(ctx, other, "search_only", false))
}

func giveBlocks(w *world) {
	w.mapRecovery()
	a, b := w.index("a", IndexOptions{}, 1), w.index("b", IndexOptions{}, 1)
	both := []string{a, b}
	defer func() { // or the node cannot delete them
		w.ok(w.Recovery.SetBlocks(w.Context(), a, nil))
		w.ok(w.Recovery.SetBlocks(w.Context(), b, nil))
	}()
	has := func(want ...string) {
		w.Helper()
		for _, name := range both {
			i, _ := w.find(name)
			w.is(slices.Equal(i.Blocks, want), "blocks of %s %v, want %v", name, i.Blocks, want)
		}
	}
	w.ok(w.Recovery.SetWriteBlock(w.Context(), both, true))
	has("write")
	w.ok(w.Recovery.GiveBlocks(w.Context(), both, nil))
	has()
	w.ok(w.Recovery.SetWriteBlock(w.Context(), both, true))
	w.is(isNotFound(w.Recovery.GiveBlocks(w.Context(), []string{a, a + "-gone", b}, nil)), "an index that is gone")
	has("write")
	w.ok(w.Recovery.GiveBlocks(w.Context(), both, []string{"read", "read_only"}))
	has("read", "read_only")
	w.is(opensearch.IsBlocked(w.Recovery.GiveBlocks(w.Context(), both, nil)), "SetBlocks lifts a read_only first, this does not")
	w.is(w.Recovery.GiveBlocks(w.Context(), both, []string{floodStage}) != nil, "not ours to set")
	w.ok(w.Recovery.GiveBlocks(w.Context(), nil, nil))
}

// closeAgain is the way of an index that was closed at the source: the restore
// opens it under our block, it is closed again, and the block goes. Its numbers
// are the same all the way.
func closeAgain(w *world) {
	w.mapRecovery()
	w.register()
	index, stream := w.index("a", IndexOptions{Shards: 2}, 5), w.name+"-logs"
	w.refresh(index)
	w.ok(w.Application.CloseIndex(w.Context(), index))
	var before opensearch.Index
	for range 600 { // its shards start again, closed
		if before, _ = w.find(index); len(before.Shards) == before.Primaries {
			break
		}
		w.Pass()
	}
	s := w.snapshot("s1", index)
	w.ok(w.Recovery.RemoveIndex(w.Context(), index))
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: []string{index}, All: s, WriteBlock: true}))
	w.restored(index)
	i, _ := w.find(index)
	w.is(i.Open && slices.Equal(i.Blocks, []string{"write"}), "a restore opens: %+v", i)
	for range 2 {
		w.ok(w.Recovery.Close(w.Context(), index))
	}
	closed, _ := w.find(index)
	w.is(!closed.Open && closed.UUID == i.UUID && slices.Equal(closed.Blocks, []string{"write"}), "%+v", closed)
	w.ok(w.Recovery.SetBlocks(w.Context(), index, nil))
	after, _ := w.find(index)
	w.is(!after.Open && len(after.Blocks) == 0 && opensearch.SameNumbers(after.Shards, before.Shards), "%+v, then %+v", before, after)
	w.ok(w.Recovery.SetBlocks(w.Context(), index, []string{"write"}))
	after, _ = w.find(index)
	w.is(!after.Open && slices.Equal(after.Blocks, []string{"write"}), "%+v", after)
	w.is(isNotFound(w.Recovery.Close(w.Context(), index+"-absent")), "an absent index")

	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	err := w.Recovery.Close(w.Context(), w.stream(stream)[0])
	w.is(errors.Is(err, opensearch.ErrWriteIndex), "H23: a write index: %v", err)
	w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
}

func autoCreate(w *world) {
	w.mapRecovery()
	defer func() { w.ok(w.Recovery.SetAutoCreate(w.Context(), "", false)) }()
	is := func(want string, wantSet bool) {
		w.Helper()
		value, set, err := w.Recovery.AutoCreate(w.Context())
		w.ok(err)
		w.is(value == want && set == wantSet, "%q, %v", value, set)
		c, err := w.Domain.Capsule(w.Context())
		w.ok(err)
		w.is(c.AutoCreate != nil && *c.AutoCreate == opensearch.AutoCreate{Value: want, Set: wantSet}, "in the capsule %+v, want %q", c.AutoCreate, want)
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

// opensAgain: an index that its user closes and opens has its UUID, its numbers and
// its blocks, and other versions of its metadata and settings.
func opensAgain(w *world) {
	index := w.index("a", IndexOptions{}, 2)
	w.ok(w.Application.SetBlock(w.Context(), index, "write", true))
	before, _ := w.find(index)
	w.ok(w.Application.CloseIndex(w.Context(), index))
	closed, _ := w.find(index)
	w.is(!closed.Open && closed.UUID == before.UUID, "%+v", closed)
	w.ok(w.Application.OpenIndex(w.Context(), index))
	w.ok(w.Application.OpenIndex(w.Context(), index))
	var after opensearch.Index
	for range 600 { // its shards start again
		if after, _ = w.find(index); len(after.Shards) == after.Primaries {
			break
		}
		w.Pass()
	}
	w.is(after.Open && after.UUID == before.UUID && opensearch.SameNumbers(after.Shards, before.Shards) && slices.Equal(after.Blocks, before.Blocks), "%+v, and was %+v", after, before)
	w.is(after.SettingsVersion > closed.SettingsVersion && after.MetadataVersion > closed.MetadataVersion, "%+v, and was %+v", after, closed)
}

// flooding is what the disk's watermark does to an index (H72): no document is
// written or deleted, no other setting changes, and only the block itself can be
// lifted. It can come beside our own block.
func flooding(w *world) {
	w.mapRecovery()
	index := w.index("a", IndexOptions{}, 2)
	w.ok(w.Application.SetBlock(w.Context(), index, opensearch.DiskBlock, true))
	refused := func(what string, err error) {
		w.Helper()
		w.is(opensearch.IsDiskBlocked(err) && opensearch.IsBlocked(err), "%s: %v", what, err)
	}
	status := func(what string, err error) {
		w.Helper()
		e, ok := errors.AsType[*opensearch.Error](err)
		w.is(ok && e.Status == 429, "%s: %v", what, err)
	}
	status("a document", w.Application.Index(w.Context(), index, "d9", document(9)))
	status("the deletion of a document", w.Application.Delete(w.Context(), index, "d0"))
	refused("Block", w.Recovery.Block(w.Context(), index))
	refused("SetWriteBlock", w.Recovery.SetWriteBlock(w.Context(), []string{index}, true))
	refused("SetBlocks", w.Recovery.SetBlocks(w.Context(), index, []string{"write"}))
	refused("Close", w.Recovery.Close(w.Context(), index))
	w.ok(w.Recovery.LiftDiskBlock(w.Context(), []string{index}))
	w.ok(w.Recovery.Block(w.Context(), index))
	w.ok(w.Application.SetBlock(w.Context(), index, opensearch.DiskBlock, true))
	i, _ := w.find(index)
	w.is(slices.Equal(i.Blocks, []string{opensearch.DiskBlock, "write"}), "%v", i.Blocks)
	refused("the lift of ours beside it", w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	w.ok(w.Recovery.LiftDiskBlock(w.Context(), []string{index}))
	w.ok(w.Recovery.LiftDiskBlock(w.Context(), []string{index}))
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	w.ok(w.Application.Index(w.Context(), index, "d9", document(9)))
	w.is(isNotFound(w.Recovery.LiftDiskBlock(w.Context(), []string{index + "-absent"})), "an absent index")
	w.ok(w.Application.SetBlock(w.Context(), index, opensearch.DiskBlock, true))
	w.ok(w.Recovery.RemoveIndex(w.Context(), index)) // "allow delete" means the whole index
}

// searchOnly refuses writes and lets our block be set and lifted beside it.
func searchOnly(w *world) {
	w.mapRecovery()
	index := w.index("a", IndexOptions{}, 1)
	w.ok(w.Application.SetBlock(w.Context(), index, "search_only", true))
	err := w.Application.Index(w.Context(), index, "d9", document(9))
	w.is(opensearch.IsForbidden(err), "%v", err)
	w.ok(w.Recovery.Block(w.Context(), index))
	w.ok(w.Recovery.SetBlocks(w.Context(), index, nil))
	i, _ := w.find(index)
	w.is(slices.Equal(i.Blocks, []string{"search_only"}), "%v", i.Blocks)
	w.ok(w.Application.SetBlock(w.Context(), index, "search_only", false))
	w.ok(w.Application.Index(w.Context(), index, "d9", document(9)))
}

// halfDone is a _block call that was not completed, here because its caller lacks
// the right on the shards (H78): no change of settings lifts what it leaves.
func halfDone(w *world) {
	w.mapRecovery()
	index, other := w.index("a", IndexOptions{}, 1), w.index("b", IndexOptions{}, 1)
	w.ok(w.Recovery.Block(w.Context(), other))
	lacks := opensearch.RecoveryPermissions()
	lacks.IndexPermissions = []opensearch.IndexPermission{lacks.IndexPermissions[0]}
	lacks.IndexPermissions[0].AllowedActions = slices.Clone(lacks.IndexPermissions[0].AllowedActions)
	for n, a := range lacks.IndexPermissions[0].AllowedActions {
		if a == "indices:admin/block/add*" {
			lacks.IndexPermissions[0].AllowedActions[n] = "indices:admin/block/add"
		}
	}
	w.ok(w.Security.PutRole(w.Context(), contract.RecoveryRole, lacks))
	err := w.Recovery.Block(w.Context(), index)
	w.is(errors.Is(err, opensearch.ErrNotDrained), "%v", err)
	w.mapRecovery()

	half := func(want bool) {
		w.Helper()
		list, err := w.Recovery.HalfBlocked(w.Context())
		w.ok(err)
		w.is(slices.Contains(list, index) == want && !slices.Contains(list, other), "half blocked: %v", list)
	}
	half(true)
	i, _ := w.find(index)
	w.is(slices.Equal(i.Blocks, []string{"write"}), "%v", i.Blocks)
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	i, _ = w.find(index)
	w.is(len(i.Blocks) == 0, "%v", i.Blocks)
	half(true)
	err = w.Application.Index(w.Context(), index, "d9", document(9))
	w.is(opensearch.IsForbidden(err), "settings look clean: %v", err)
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, true))
	err = w.Recovery.Block(w.Context(), index)
	w.is(errors.Is(err, opensearch.ErrAlreadyBlocked), "with the setting the engine skips it: %v", err)
	half(true)
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	w.ok(w.Recovery.Block(w.Context(), index))
	half(false)
	w.ok(w.Recovery.SetWriteBlock(w.Context(), []string{index}, false))
	w.ok(w.Application.Index(w.Context(), index, "d9", document(9)))
}

// lookAtOne reports of one index what the listing reports, and asks about no other.
func lookAtOne(w *world) {
	w.mapRecovery()
	index, stream := w.index("a", IndexOptions{Shards: 2}, 3), w.name+"-logs"
	w.ok(w.Application.CreateDataStream(w.Context(), stream))
	w.refresh(index)
	like := func(name string) {
		w.Helper()
		want, _ := w.find(name)
		want.Health, want.DataStream, want.WriteIndex = "", "", false
		got, err := w.Recovery.Look(w.Context(), name)
		w.ok(err)
		diff := cmp.Diff(want, got)
		w.is(diff == "", "%s: %s", name, diff)
	}
	like(index)
	like(w.stream(stream)[0])
	w.ok(w.Recovery.SetBlocks(w.Context(), index, []string{"metadata", "write"}))
	like(index)
	w.ok(w.Recovery.SetBlocks(w.Context(), index, nil))
	_, err := w.Recovery.Look(w.Context(), index+"-absent")
	w.is(isNotFound(err), "an absent index: %v", err)
	_, err = w.Recovery.Look(w.Context(), stream)
	w.is(isNotFound(err), "a stream's own name: %v", err)
	w.ok(w.Recovery.RemoveDataStream(w.Context(), stream))
}
