package opensearchtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// running is one snapshot under way. Its shards are captured one after the
// other over the time it takes, so what is written meanwhile may or may not be
// in it, as on the engine.
type running struct {
	repository *repository
	blob       snapshotBlob
	takes      time.Duration
	plan       []planned
	captured   int
	held       bool // until ReleaseSnapshots
	rolledOver bool // a stream of it: it goes at its end, without a word (H77)
	ends       opensearch.SnapshotState
	indices    map[string]*index
	ids        map[string]*repositoryIndex
	stats      opensearch.SnapshotStatus
}

type planned struct {
	index string
	shard int
}

func (c *Cluster) start(r *repository, now *root, name string, list []*index, asked []string) {
	s := &running{
		repository: r, takes: c.faults.takes, held: c.faults.hold, ends: c.faults.ends,
		indices: map[string]*index{}, ids: map[string]*repositoryIndex{},
		blob: snapshotBlob{
			Name: name, UUID: c.newUUID(), State: opensearch.InProgress, Version: c.options.Version,
			DataStreams: map[string]stream{}, Start: c.options.Clock(),
		},
	}
	c.faults.ends = ""
	for _, a := range asked {
		if d := c.streams[a]; d != nil {
			s.blob.DataStreams[a] = stream{d.Generation, slices.Clone(d.Indices)}
		}
	}
	for _, i := range list {
		s.blob.Indices = append(s.blob.Indices, i.name)
		s.indices[i.name] = i
		id := now.Indices[i.name]
		if id == nil {
			id = &repositoryIndex{ID: c.newUUID()}
		}
		s.ids[i.name] = &repositoryIndex{ID: id.ID, Generations: map[int]string{}}
		for n, g := range id.Generations {
			s.ids[i.name].Generations[n] = g
		}
		for n := range i.shards {
			s.plan = append(s.plan, planned{i.name, n})
		}
	}
	s.blob.Shards = len(s.plan)
	s.stats.ShardsTotal = len(s.plan)
	c.running = append(c.running, s)
}

// busy refuses a second one at a time, as the service says it does (F17). A bare
// 3.4 node accepts it and lets it wait; the product asks first, for both.
func (c *Cluster) busy(step, repo, name string) error {
	if len(c.running) > 0 || c.faults.automated != "" {
		return fail(step, 503, "concurrent_snapshot_execution_exception", "[%s:%s] a snapshot is already running", repo, name)
	}
	return nil
}

func (c *Cluster) runs(repo, name string) *running {
	for _, s := range c.running {
		if s.repository.name == repo && s.blob.Name == name {
			return s
		}
	}
	return nil
}

// tick does what the time since the last call has done: captures shards, ends
// snapshots.
func (c *Cluster) tick() {
	ctx := context.Background() // the cluster's own work, no caller's
	now := c.options.Clock()
	c.recover(ctx, now)
	c.running = slices.DeleteFunc(c.running, func(s *running) bool {
		due := len(s.plan)
		elapsed := now.Sub(s.blob.Start)
		over := elapsed >= s.takes
		if !over {
			due = int(int64(len(s.plan)) * int64(elapsed) / int64(s.takes))
		}
		for ; s.captured < due; s.captured++ {
			p := s.plan[s.captured]
			if err := c.capture(ctx, s, p); err != nil {
				s.blob.Failures = append(s.blob.Failures, fmt.Sprintf("%s[%d]: %v", p.index, p.shard, err))
			}
			s.stats.ShardsDone = s.captured + 1
		}
		if !over || s.held {
			return false
		}
		if s.rolledOver {
			return true
		}
		s.blob.End = now
		// A snapshot whose end cannot be written is no snapshot: it disappears,
		// and its shards' blobs stay for the next deletion to collect.
		_ = c.finish(ctx, s)
		return true
	})
}

// capture writes what is new of one shard.
func (c *Cluster) capture(ctx context.Context, s *running, p planned) error {
	r, id, sh := s.repository, s.ids[p.index], s.indices[p.index].shards[p.shard]
	if r.bucket == nil {
		return store.ErrBucketAbsent
	}
	if c.faults.failing[p.index] {
		return errors.New("failed to read the shard's files")
	}
	sh.flush(c.newUUID)
	number := strconv.Itoa(p.shard)
	var known shardBlob
	if g := id.Generations[p.shard]; g != "" {
		var err error
		if known, err = get[shardBlob](ctx, r, r.indexKey(id.ID, number, "index-"+g)); err != nil {
			return err
		}
		known.Files = slices.Clip(known.Files)
	}
	blob := shardBlob{MaxSeqNo: sh.maxSeqNo, Term: sh.term}
	var total int64
	for _, g := range sh.segments {
		f := fileOf(g)
		total += f.Length
		blob.Files = append(blob.Files, f)
		if slices.Contains(known.Files, f) {
			continue
		}
		if _, err := r.bucket.Put(ctx, r.indexKey(id.ID, number, f.blob()), g.body, store.Condition{}); err != nil {
			return err
		}
		blob.Incremental += f.Length
		known.Files = append(known.Files, f)
	}
	if err := r.put(ctx, r.indexKey(id.ID, number, "snap-"+s.blob.UUID+".dat"), blob); err != nil {
		return err
	}
	generation := c.newUUID()
	if err := r.put(ctx, r.indexKey(id.ID, number, "index-"+generation), known); err != nil {
		return err
	}
	id.Generations[p.shard] = generation
	s.stats.IncrementalBytes += blob.Incremental
	s.stats.ProcessedBytes += blob.Incremental
	s.stats.TotalBytes += total
	return nil
}

// finish writes the snapshot's own blobs and then the root, which is what makes
// it a snapshot.
func (c *Cluster) finish(ctx context.Context, s *running) error {
	r := s.repository
	s.blob.State = opensearch.Success
	if len(s.blob.Failures) > 0 {
		s.blob.State = opensearch.Partial
	}
	if s.ends != "" {
		s.blob.State = s.ends
		if len(s.plan) > 0 && len(s.blob.Failures) == 0 {
			s.blob.Failures = []string{fmt.Sprintf("%s[%d]: node left the cluster during snapshot", s.plan[0].index, s.plan[0].shard)}
		}
	}
	now, err := r.load(ctx, "finish snapshot")
	if err != nil {
		return err
	}
	now = now.clone()
	entry := rootSnapshot{UUID: s.blob.UUID, State: s.blob.State, Metadata: map[string]string{}}
	for _, name := range s.blob.Indices {
		i, x := s.indices[name], c.newUUID()
		meta := indexBlob{i.name, i.uuid, i.open, i.hidden, i.versions, sortedKeys(i.blocks), copyMap(i.aliases), len(i.shards), maps.Clone(i.pipelines), i.settings}
		if err := r.put(ctx, r.indexKey(s.ids[name].ID, "meta-"+x+".dat"), meta); err != nil {
			return err
		}
		entry.Metadata[name] = x
		now.Indices[name] = s.ids[name]
	}
	if err := r.put(ctx, r.key("meta-"+s.blob.UUID+".dat"), struct{}{}); err != nil {
		return err
	}
	if err := r.put(ctx, r.key("snap-"+s.blob.UUID+".dat"), s.blob); err != nil {
		return err
	}
	now.Snapshots[s.blob.Name] = entry
	return r.save(ctx, now)
}
