package opensearchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// recovery is the cluster's state beyond indexes and snapshots.
type recovery struct {
	restores   []*restore
	takes      time.Duration
	autoCreate *string // nil: the engine's default
	ismOff     bool
	writes     []*write
	writeID    int64
	rate       *string // nil: the engine's default
	waiting    []*slow
	begin      time.Duration   // until a restore that was asked for exists
	limit      int             // of shards; 0: none
	zones      int             // of forced awareness; 0: none
	files      map[string]bool // beside the nodes' configuration
	disks      int64           // of the node; 0: plenty
}

// slow is a restore that the engine has taken: it still reads the metadata of the
// indexes.
type slow struct {
	at  time.Time
	run func()
}

// RestoresBegin sets how long the engine reads metadata before a restore's indexes
// exist; from a minute on the call ends in the service's 504 (F34, H66).
func (c *Cluster) RestoresBegin(after time.Duration) {
	c.set(func(*faults) { c.recovery.begin = after })
}

// SetShardLimit is cluster.max_shards_per_node of this one node; 0: none.
func (c *Cluster) SetShardLimit(_ context.Context, n int) error {
	c.set(func(*faults) { c.recovery.limit = n })
	return nil
}

// BalanceReplicas makes each index's copies be a multiple of the zones, as
// cluster.routing.allocation.awareness.balance does; 0: no longer. One node cannot
// show it. Text: the engine's AwarenessReplicaBalance.validate.
func (c *Cluster) BalanceReplicas(zones int) { c.set(func(*faults) { c.recovery.zones = zones }) }

// AddFile puts a file beside the configuration of each node, as an associated
// package does.
func (c *Cluster) AddFile(path string) {
	c.set(func(*faults) {
		if c.recovery.files == nil {
			c.recovery.files = map[string]bool{}
		}
		c.recovery.files[path] = true
	})
}

// restore is one under way or over; shards come one after the other over the
// time it takes.
type restore struct {
	repository *repository
	start      time.Time
	takes      time.Duration
	plan       []*recovering
	done       int
}

// recovering is one shard's way back.
type recovering struct {
	index    *index
	shard    int
	id, uuid string // of the index in the repository, and of the snapshot
	bytes    int64
	done     bool
	failed   string
	damaged  bool // failed for want of files in the repository
}

// RestoresTake sets how long those that start from now on take; 0, the default,
// is over at once.
func (c *Cluster) RestoresTake(d time.Duration) { c.set(func(*faults) { c.recovery.takes = d }) }

// Restore starts one; it ends as time goes by (RestoresTake).
func (v *Caller) Restore(ctx context.Context, repo, name string, request opensearch.RestoreRequest) error {
	step := fmt.Sprintf("restore snapshot %s/%s", repo, name)
	for _, n := range request.Indices {
		if !slices.Contains(request.All.Indices, n) {
			return fail(step, 404, "index_not_found_exception", "index %s is not in the snapshot", n)
		}
	}
	for _, n := range request.DataStreams {
		if !slices.Contains(request.All.DataStreams, n) {
			return fail(step, 404, "index_not_found_exception", "data stream %s is not in the snapshot", n)
		}
	}
	if len(request.Indices)+len(request.DataStreams) == 0 {
		return nil
	}
	actions := []string{"cluster:admin/snapshot/restore", "indices:data/write/index", "indices:admin/create"}
	return v.do(ctx, "Restore", step, actions, func(c *Cluster) error {
		r, err := c.repository(step, repo)
		if err != nil {
			return err
		}
		now, err := r.load(ctx, step)
		if err != nil {
			return err
		}
		entry, ok := now.Snapshots[name]
		if !ok && v.admin {
			return fail(step, 500, "snapshot_restore_exception", "[%s:%s] snapshot does not exist", repo, name)
		}
		if !ok { // the security plugin resolves it to nothing
			return fail(step, 403, "security_exception", "no permissions for [] and User [name=%s, backend_roles=[%s], requestedTenant=null]", v.arn, v.arn)
		}
		blob, err := r.finished(ctx, step, entry)
		if err != nil {
			return err
		}
		if c.recovery.begin == 0 {
			return c.restore(ctx, step, r, now, blob, request)
		}
		c.recovery.waiting = append(c.recovery.waiting, &slow{c.options.Clock().Add(c.recovery.begin), func() {
			_ = c.restore(context.WithoutCancel(ctx), step, r, now, blob, request) // no caller hears its answer
		}})
		if c.recovery.begin >= time.Minute {
			return GatewayTimeout(step)
		}
		return nil
	})
}

func (c *Cluster) restore(ctx context.Context, step string, r *repository, now *root, blob snapshotBlob, request opensearch.RestoreRequest) error {
	refuse := func(format string, a ...any) error {
		return fail(step, 500, "snapshot_restore_exception", "[%s:%s/%s] %s", r.name, blob.Name, blob.UUID, fmt.Sprintf(format, a...))
	}
	if blob.State != opensearch.Success && blob.State != opensearch.Partial {
		return refuse("unsupported snapshot state [%s]", blob.State)
	}
	if newer(blob.Version, c.options.Version) {
		return refuse("the snapshot was created with OpenSearch version [%s] which is higher than the version of this node [%s]", blob.Version, c.options.Version)
	}
	names := slices.Clone(request.Indices)
	streams := map[string]stream{}
	for _, s := range request.DataStreams {
		d, ok := blob.DataStreams[s]
		if !ok {
			return fail(step, 404, "index_not_found_exception", "no such index [%s]", s)
		}
		streams[s] = stream{d.Generation, slices.Clone(d.Indices)}
		names = append(names, d.Indices...)
	}
	slices.Sort(names)
	work := &restore{repository: r, start: c.options.Clock(), takes: c.recovery.takes}
	before := c.shardCount()
	for _, name := range slices.Compact(names) {
		if !slices.Contains(blob.Indices, name) {
			return fail(step, 404, "index_not_found_exception", "no such index [%s]", name)
		}
		if slices.ContainsFunc(blob.Failures, func(f string) bool { return strings.HasPrefix(f, name+"[") }) {
			return refuse("index [%s] wasn't fully snapshotted - cannot restore", name)
		}
		there := c.indices[name]
		if there != nil && there.open {
			return refuse("cannot restore index [%s] because an open index with same name already exists in the cluster. "+
				"Either close or delete the existing index or restore the index under a different name by providing a rename pattern and replacement name", name)
		}
		id := now.Indices[name]
		meta, err := get[indexBlob](ctx, r, r.indexKey(id.ID, "meta-"+now.Snapshots[blob.Name].Metadata[name]+".dat"))
		if err != nil {
			return fail(step, 404, "snapshot_missing_exception", "[%s:%s/%s] is missing; no_such_file_exception: Blob object [%v] not found", r.name, blob.Name, blob.UUID, err)
		}
		i := &index{
			name: name, uuid: c.newUUID(), open: true, hidden: meta.Hidden, health: opensearch.Red,
			versions: meta.Versions, blocks: map[string]bool{}, aliases: map[string]any{}, pipelines: meta.Pipelines,
		}
		i.settings = meta.settings
		if request.Unbind {
			i.Bound = nil
		}
		if request.Replicas != nil {
			i.Replicas = *request.Replicas
		}
		if err := c.mayHold(step, i.settings, meta.Shards, before); err != nil {
			return err
		}
		if there != nil { // over a closed one, whose files and UUID stay
			if len(there.shards) != meta.Shards {
				return refuse("cannot restore index [%s] with [%d] shards from a snapshot of index [%s] with [%d] shards", name, len(there.shards), name, meta.Shards)
			}
			i.uuid = there.uuid
		}
		i.versions.Metadata++
		if request.WriteBlock {
			i.blocks["write"] = true
		}
		for n := range meta.Shards {
			i.shards = append(i.shards, &shard{documents: map[string]operation{}, maxSeqNo: -1})
			work.plan = append(work.plan, &recovering{index: i, shard: n, id: id.ID, uuid: blob.UUID, failed: c.unplaced(i.settings, n)})
		}
	}
	for _, p := range work.plan {
		c.indices[p.index.name] = p.index
	}
	for name, s := range streams {
		for _, b := range s.Indices {
			c.indices[b].stream = name
		}
		c.streams[name] = &s
	}
	c.recovery.restores = append(c.recovery.restores, work)
	c.tick()
	return nil
}

// newer of two versions, by number.
func newer(a, b string) bool {
	number := func(s string) (n [3]int) {
		for i, p := range strings.SplitN(s, ".", 3) {
			n[i], _ = strconv.Atoi(p) // what is no number is 0
		}
		return n
	}
	x, y := number(a), number(b)
	return slices.Compare(x[:], y[:]) > 0
}

// recover does what is due of each restore.
func (c *Cluster) recover(ctx context.Context, now time.Time) {
	for len(c.recovery.waiting) > 0 && !c.recovery.waiting[0].at.After(now) {
		due := c.recovery.waiting[0]
		c.recovery.waiting = c.recovery.waiting[1:]
		due.run()
	}
	for _, w := range c.recovery.restores {
		due := len(w.plan)
		if elapsed := now.Sub(w.start); elapsed < w.takes {
			due = int(int64(due) * int64(elapsed) / int64(w.takes))
		}
		for ; w.done < due; w.done++ {
			p := w.plan[w.done]
			if c.indices[p.index.name] != p.index || p.failed != "" {
				continue // deleted meanwhile, or given up
			}
			if err := p.read(ctx, w.repository); err != nil {
				p.damaged = true
				p.failed = fmt.Sprintf("failed shard on node [n]: failed recovery, failure RecoveryFailedException: restore failed: %v", err)
				continue
			}
			p.done = true
			if !slices.ContainsFunc(w.plan, func(o *recovering) bool { return o.index == p.index && !o.done }) {
				p.index.health = opensearch.Green
			}
		}
	}
	c.recovery.restores = slices.DeleteFunc(c.recovery.restores, func(w *restore) bool {
		return !slices.ContainsFunc(w.plan, func(p *recovering) bool { return c.indices[p.index.name] == p.index })
	})
}

// read one shard's files. One that is missing or cut is the end of it.
func (p *recovering) read(ctx context.Context, r *repository) error {
	if r.bucket == nil {
		return store.ErrBucketAbsent
	}
	number := strconv.Itoa(p.shard)
	blob, err := get[shardBlob](ctx, r, r.indexKey(p.id, number, "snap-"+p.uuid+".dat"))
	if err != nil {
		return err
	}
	out := shard{documents: map[string]operation{}, maxSeqNo: blob.MaxSeqNo, term: blob.Term + 1}
	for _, f := range blob.Files {
		object, err := r.bucket.Get(ctx, r.indexKey(p.id, number, f.blob()))
		if err != nil {
			return err
		}
		if int64(len(object.Body)) != f.Length {
			return fmt.Errorf("file %s has %d bytes, not %d", f.blob(), len(object.Body), f.Length)
		}
		decoder := json.NewDecoder(strings.NewReader(string(object.Body)))
		for {
			var op operation
			if err := decoder.Decode(&op); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
			if op.Deleted {
				delete(out.documents, op.ID)
			} else {
				out.documents[op.ID] = op
			}
		}
		out.segments = append(out.segments, segment{strings.TrimPrefix(f.blob(), "__"), object.Body})
		p.bytes += f.Length
	}
	*p.index.shards[p.shard] = out
	return nil
}

// forgetRestores is what a node that died knows of them: nothing. Shards that
// had not come stay without a copy.
func (c *Cluster) forgetRestores() {
	for _, w := range c.recovery.restores {
		for _, p := range w.plan {
			if !p.done && p.failed == "" {
				p.failed = "restore is no longer in progress"
			}
		}
		w.done = len(w.plan)
	}
}

// Progress of restored indexes; any other open index is complete.
func (v *Caller) Progress(ctx context.Context, indices []string) (list []opensearch.IndexProgress, err error) {
	const step = "read progress of restore"
	actions := []string{"cluster:monitor/state", "indices:monitor/recovery"}
	err = v.do(ctx, "Progress", step, actions, func(c *Cluster) error {
		for _, name := range indices {
			i, err := c.index(step, name)
			if err != nil {
				return err
			}
			list = append(list, c.progress(i))
		}
		return nil
	})
	return list, err
}

func (c *Cluster) progress(i *index) opensearch.IndexProgress {
	out := opensearch.IndexProgress{Index: i.name, ShardsTotal: len(i.shards)}
	open := len(i.shards)
	for _, w := range c.recovery.restores {
		for _, p := range w.plan {
			if p.index != i {
				continue
			}
			out.BytesTotal += p.bytes
			out.BytesRecovered += p.bytes
			if !p.done {
				open--
			}
			if p.failed != "" && out.Failed == "" {
				out.Failed, out.Damaged = fmt.Sprintf("shard %d: %s", p.shard, p.failed), p.damaged
			}
		}
	}
	out.ShardsDone = open
	if i.health == opensearch.Red && open == len(i.shards) { // made without a node, by Red or SetHealth
		out.ShardsDone = 0
	}
	out.Done = out.ShardsDone == out.ShardsTotal
	return out
}
