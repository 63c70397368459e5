package opensearchtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// CreateSnapshot starts one; it ends as time goes by (SnapshotsTake).
func (v *Caller) CreateSnapshot(ctx context.Context, repo, name string, request opensearch.SnapshotRequest) error {
	step := fmt.Sprintf("create snapshot %s/%s", repo, name)
	return v.do(ctx, "CreateSnapshot", step, []string{"cluster:admin/snapshot/create"}, func(c *Cluster) error {
		r, err := c.repository(step, repo)
		if err != nil {
			return err
		}
		if r.settings.ReadOnly {
			return fail(step, 500, "repository_exception", "[%s] cannot create snapshot in a readonly repository", repo)
		}
		now, err := r.load(ctx, step)
		if err != nil {
			return err
		}
		if c.runs(repo, name) != nil {
			return fail(step, 400, "invalid_snapshot_name_exception", "[%s:%s] Invalid snapshot name [%s], snapshot with the same name is already in-progress", repo, name, name)
		}
		if _, taken := now.Snapshots[name]; taken {
			return fail(step, 400, "invalid_snapshot_name_exception", "[%s:%s] Invalid snapshot name [%s], snapshot with the same name already exists", repo, name, name)
		}
		list, err := c.resolve(step, request.Indices)
		if err != nil {
			return err
		}
		if err := c.busy(step, repo, name); err != nil {
			return err
		}
		for _, i := range list {
			if i.health == opensearch.Red {
				return fail(step, 500, "snapshot_exception", "[%s:%s] Indices don't have primary shards [%s]", repo, name, i.name)
			}
		}
		c.start(r, now, name, list, request.Indices)
		c.tick()
		return nil
	})
}

// RunningSnapshots in any repository, the service's automated one too.
func (v *Caller) RunningSnapshots(ctx context.Context) (list []string, err error) {
	err = v.do(ctx, "RunningSnapshots", "list running snapshots", []string{"cluster:admin/snapshot/status"}, func(c *Cluster) error {
		for _, s := range c.running {
			list = append(list, s.repository.name+"/"+s.blob.Name)
		}
		if c.faults.automated != "" {
			list = append(list, c.faults.automated)
		}
		return nil
	})
	return list, err
}

// Snapshots of a repository, oldest first, those under way too.
func (v *Caller) Snapshots(ctx context.Context, repo string) (list []opensearch.Snapshot, err error) {
	step := "list snapshots of " + repo
	err = v.do(ctx, "Snapshots", step, []string{"cluster:admin/snapshot/get"}, func(c *Cluster) error {
		r, err := c.repository(step, repo)
		if err != nil {
			return err
		}
		now, err := r.load(ctx, step)
		if err != nil {
			return err
		}
		for _, name := range sortedKeys(now.Snapshots) {
			blob, err := r.finished(ctx, step, now.Snapshots[name])
			if err != nil {
				return err
			}
			list = append(list, blob.snapshot())
		}
		for _, s := range c.running {
			if s.repository.name == repo {
				list = append(list, s.blob.snapshot())
			}
		}
		sortSnapshots(list)
		return nil
	})
	return list, err
}

func missing(step, repo, name string) error {
	return fail(step, 404, "snapshot_missing_exception", "[%s:%s] is missing", repo, name)
}

// Snapshot of that name.
func (v *Caller) Snapshot(ctx context.Context, repo, name string) (out opensearch.Snapshot, err error) {
	step := fmt.Sprintf("read snapshot %s/%s", repo, name)
	err = v.do(ctx, "Snapshot", step, []string{"cluster:admin/snapshot/get"}, func(c *Cluster) error {
		r, err := c.repository(step, repo)
		if err != nil {
			return err
		}
		if s := c.runs(repo, name); s != nil {
			out = s.blob.snapshot()
			return nil
		}
		now, err := r.load(ctx, step)
		if err != nil {
			return err
		}
		entry, ok := now.Snapshots[name]
		if !ok {
			return missing(step, repo, name)
		}
		blob, err := r.finished(ctx, step, entry)
		out = blob.snapshot()
		return err
	})
	return out, err
}

// SnapshotStatus of one, under way or over.
func (v *Caller) SnapshotStatus(ctx context.Context, repo, name string) (out opensearch.SnapshotStatus, err error) {
	step := fmt.Sprintf("read status of snapshot %s/%s", repo, name)
	err = v.do(ctx, "SnapshotStatus", step, []string{"cluster:admin/snapshot/status"}, func(c *Cluster) error {
		r, err := c.repository(step, repo)
		if err != nil {
			return err
		}
		if s := c.runs(repo, name); s != nil {
			out = s.stats
			out.State = opensearch.InProgress
			return nil
		}
		now, err := r.load(ctx, step)
		if err != nil {
			return err
		}
		entry, ok := now.Snapshots[name]
		if !ok {
			return missing(step, repo, name)
		}
		blob, err := r.finished(ctx, step, entry)
		if err != nil {
			return err
		}
		out.State, out.ShardsTotal, out.ShardsDone = blob.State, blob.Shards, blob.Shards-len(blob.Failures)
		for _, index := range blob.Indices {
			id := now.Indices[index]
			for n := range id.Generations {
				b, err := get[shardBlob](ctx, r, r.indexKey(id.ID, strconv.Itoa(n), "snap-"+blob.UUID+".dat"))
				if errors.Is(err, store.ErrAbsent) {
					continue // the shard failed
				} else if err != nil {
					return fail(step, 500, "snapshot_exception", "[%s] failed to read shard snapshot: %v", repo, err)
				}
				out.IncrementalBytes += b.Incremental
				for _, f := range b.Files {
					out.TotalBytes += f.Length
				}
			}
		}
		out.ProcessedBytes = out.IncrementalBytes
		return nil
	})
	return out, err
}

// DeleteSnapshot and every blob that only it needed; one under way is aborted.
func (v *Caller) DeleteSnapshot(ctx context.Context, repo, name string) error {
	step := fmt.Sprintf("delete snapshot %s/%s", repo, name)
	return v.do(ctx, "DeleteSnapshot", step, []string{"cluster:admin/snapshot/delete"}, func(c *Cluster) error {
		r, err := c.repository(step, repo)
		if err != nil {
			return err
		}
		if r.settings.ReadOnly {
			return fail(step, 500, "repository_exception", "[%s] cannot delete snapshot from a readonly repository", repo)
		}
		now, err := r.load(ctx, step)
		if err != nil {
			return err
		}
		if s := c.runs(repo, name); s != nil {
			c.running = slices.DeleteFunc(c.running, func(o *running) bool { return o == s })
			return r.collect(ctx, now)
		}
		if _, ok := now.Snapshots[name]; !ok {
			return missing(step, repo, name)
		}
		if err := c.busy(step, repo, name); err != nil {
			return err
		}
		now = now.clone()
		delete(now.Snapshots, name)
		for _, index := range sortedKeys(now.Indices) {
			used := false
			for _, s := range now.Snapshots {
				_, has := s.Metadata[index]
				used = used || has
			}
			if !used {
				delete(now.Indices, index)
			}
		}
		if err := c.regenerate(ctx, r, now); err != nil {
			return fail(step, 500, "repository_exception", "[%s] %v", repo, err)
		}
		if err := r.save(ctx, now); err != nil {
			return fail(step, 500, "repository_exception", "[%s] %v", repo, err)
		}
		if err := r.collect(ctx, now); err != nil {
			return fail(step, 500, "repository_exception", "[%s] %v", repo, err)
		}
		return nil
	})
}
