package opensearchtest

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Repository reads the settings of one registration.
func (v *Caller) Repository(ctx context.Context, name string) (out opensearch.Repository, err error) {
	step := "read repository " + name
	err = v.do(ctx, "Repository", step, []string{"cluster:admin/repository/get"}, func(c *Cluster) error {
		r, err := c.repository(step, name)
		if err != nil {
			return err
		}
		out = r.settings
		return nil
	})
	return out, err
}

// Repositories reads all registrations.
func (v *Caller) Repositories(ctx context.Context) (out map[string]opensearch.Repository, err error) {
	err = v.do(ctx, "Repositories", "list repositories", []string{"cluster:admin/repository/get"}, func(c *Cluster) error {
		out = maps.Clone(c.repos)
		return nil
	})
	return out, err
}

// PutRepository replaces all settings and looks at nothing.
func (v *Caller) PutRepository(ctx context.Context, name string, settings opensearch.Repository) error {
	step := "register repository " + name
	return v.do(ctx, "PutRepository", step, []string{"cluster:admin/repository/put"}, func(c *Cluster) error {
		for _, r := range c.running {
			was, is := r.repository.settings, settings
			was.MaxSnapshotBytesPerSec, is.MaxSnapshotBytesPerSec = "", "" // may change at any time
			if r.repository.name == name && was != is {
				return fail(step, 500, "illegal_state_exception", "trying to modify or unregister repository that is currently used")
			}
		}
		if c.faults.refuse != nil {
			if err := c.faults.refuse("put", settings); err != nil {
				return err
			}
		}
		c.repos[name] = settings
		return nil
	})
}

// VerifyRepository writes and removes a small object, as the nodes do; of a
// read-only registration it only reads.
func (v *Caller) VerifyRepository(ctx context.Context, name string) error {
	step := "verify repository " + name
	return v.do(ctx, "VerifyRepository", step, []string{"cluster:admin/repository/verify"}, func(c *Cluster) error {
		r, err := c.repository(step, name)
		if err != nil {
			return err
		}
		inaccessible := func(cause string) error {
			return fail(step, 500, "repository_verification_exception", "[%s] path [%s] is not accessible on cluster-manager node: %s", name, r.settings.BasePath, cause)
		}
		if c.faults.propagation > 0 {
			c.faults.propagation--
			return inaccessible("User: arn:aws:sts::000000000000:assumed-role/cp-sts-grant-role/swift is not authorized to perform: sts:AssumeRole")
		}
		if c.faults.refuse != nil {
			if err := c.faults.refuse("verify", r.settings); err != nil {
				return err
			}
		}
		if r.settings.ReadOnly {
			_, err := r.load(ctx, step)
			return err
		}
		if r.bucket == nil {
			return inaccessible("The specified bucket does not exist (Service: S3, Status Code: 404)")
		}
		key := r.key("tests-"+c.newUUID(), "master.dat")
		if err := r.put(ctx, key, name); err != nil {
			return inaccessible(err.Error())
		}
		if err := r.bucket.Delete(ctx, key); err != nil {
			return inaccessible(err.Error())
		}
		return nil
	})
}

// finished reads one snapshot's own blob.
func (r *repository) finished(ctx context.Context, step string, s rootSnapshot) (snapshotBlob, error) {
	blob, err := get[snapshotBlob](ctx, r, r.key("snap-"+s.UUID+".dat"))
	if err != nil {
		return blob, fail(step, 500, "snapshot_exception", "[%s] failed to get snapshots: %v", r.name, err)
	}
	return blob, nil
}

func (b snapshotBlob) snapshot() opensearch.Snapshot {
	if b.State == opensearch.InProgress { // the list tells no shards then
		b.Shards, b.Failures = 0, nil
	}
	var failed []string
	for _, f := range b.Failures {
		if index, _, ok := strings.Cut(f, "["); ok && !slices.Contains(failed, index) {
			failed = append(failed, index)
		}
	}
	return opensearch.Snapshot{
		FailedIndices: failed,
		Name:          b.Name, UUID: b.UUID, State: b.State, Version: b.Version, Indices: slices.Clone(b.Indices),
		DataStreams: slices.Sorted(maps.Keys(b.DataStreams)), Start: b.Start, End: b.End,
		Failures: slices.Clone(b.Failures), ShardsTotal: b.Shards, ShardsFailed: len(b.Failures),
	}
}

func sortSnapshots(list []opensearch.Snapshot) {
	sort.SliceStable(list, func(a, b int) bool { return list[a].Start.Before(list[b].Start) })
}
