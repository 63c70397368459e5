package simulation

import (
	"context"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// engine is all that the product may ask of a domain.
type engine interface {
	opensearch.Domain
	opensearch.Recovery
	opensearch.Security
	opensearch.SecurityRecovery
}

var _ engine = (*seat)(nil)

// seat is a domain as one process sees it: each request is a call.
type seat struct {
	p    *process
	d    *standing
	c    *opensearchtest.Caller
	size int // indexes that the next call is about
}

// of so many indexes.
func (v *seat) of(n int) *seat { return &seat{v.p, v.d, v.c, n} }

func (v *seat) call(ctx context.Context, op, what string, writes bool, f func() error) error {
	return v.p.call(&call{ctx: ctx, op: op, what: what, size: v.size, writes: writes, to: target{v.d.region, domains}, effect: func() error {
		if v.d.gone {
			return errRefused
		}
		return f()
	}})
}

// answer of a request that returns something.
func answer[T any](ctx context.Context, v *seat, op, what string, f func(context.Context) (T, error)) (out T, err error) {
	err = v.call(ctx, op, what, false, func() (err error) { out, err = f(context.Background()); return err })
	return out, err
}

func (v *seat) Info(ctx context.Context) (opensearch.Info, error) {
	return answer(ctx, v, "Info", "", func(ctx context.Context) (opensearch.Info, error) { return v.c.Info(ctx) })
}
func (v *seat) Health(ctx context.Context) (opensearch.Health, error) {
	return answer(ctx, v, "Health", "", func(ctx context.Context) (opensearch.Health, error) { return v.c.Health(ctx) })
}
func (v *seat) Indices(ctx context.Context) ([]opensearch.Index, error) {
	return answer(ctx, v, "Indices", "", func(ctx context.Context) ([]opensearch.Index, error) { return v.c.Indices(ctx) })
}
func (v *seat) DataStreams(ctx context.Context) ([]opensearch.DataStream, error) {
	return answer(ctx, v, "DataStreams", "", func(ctx context.Context) ([]opensearch.DataStream, error) { return v.c.DataStreams(ctx) })
}
func (v *seat) Refresh(ctx context.Context, indices []string) error {
	return v.call(ctx, "Refresh", "", true, func() error { return v.c.Refresh(context.Background(), indices) })
}
func (v *seat) Repository(ctx context.Context, name string) (opensearch.Repository, error) {
	return answer(ctx, v, "Repository", name, func(ctx context.Context) (opensearch.Repository, error) { return v.c.Repository(ctx, name) })
}
func (v *seat) Repositories(ctx context.Context) (map[string]opensearch.Repository, error) {
	return answer(ctx, v, "Repositories", "", func(ctx context.Context) (map[string]opensearch.Repository, error) { return v.c.Repositories(ctx) })
}
func (v *seat) PutRepository(ctx context.Context, name string, r opensearch.Repository) error {
	return v.call(ctx, "PutRepository", name, true, func() error { return v.c.PutRepository(context.Background(), name, r) })
}
func (v *seat) VerifyRepository(ctx context.Context, name string) error {
	return v.call(ctx, "VerifyRepository", name, true, func() error { return v.c.VerifyRepository(context.Background(), name) })
}
func (v *seat) RunningSnapshots(ctx context.Context) ([]string, error) {
	return answer(ctx, v, "RunningSnapshots", "", func(ctx context.Context) ([]string, error) { return v.c.RunningSnapshots(ctx) })
}
func (v *seat) CreateSnapshot(ctx context.Context, repository, name string, r opensearch.SnapshotRequest) error {
	return v.call(ctx, "CreateSnapshot", name, true, func() error {
		v.d.cluster.SnapshotsTake(v.d.w.snapshotTakes())
		return v.c.CreateSnapshot(context.Background(), repository, name, r)
	})
}
func (v *seat) Snapshot(ctx context.Context, repository, name string) (opensearch.Snapshot, error) {
	return answer(ctx, v, "Snapshot", name, func(ctx context.Context) (opensearch.Snapshot, error) { return v.c.Snapshot(ctx, repository, name) })
}
func (v *seat) Snapshots(ctx context.Context, repository string) ([]opensearch.Snapshot, error) {
	return answer(ctx, v, "Snapshots", "", func(ctx context.Context) ([]opensearch.Snapshot, error) { return v.c.Snapshots(ctx, repository) })
}
func (v *seat) SnapshotStatus(ctx context.Context, repository, name string) (opensearch.SnapshotStatus, error) {
	return answer(ctx, v, "SnapshotStatus", name, func(ctx context.Context) (opensearch.SnapshotStatus, error) {
		return v.c.SnapshotStatus(ctx, repository, name)
	})
}
func (v *seat) DeleteSnapshot(ctx context.Context, repository, name string) error {
	return v.call(ctx, "DeleteSnapshot", name, true, func() error { return v.c.DeleteSnapshot(context.Background(), repository, name) })
}
func (v *seat) Capsule(ctx context.Context) (opensearch.Capsule, error) {
	return answer(ctx, v, "Capsule", "", func(ctx context.Context) (opensearch.Capsule, error) { return v.c.Capsule(ctx) })
}
func (v *seat) Role(ctx context.Context, name string) (opensearch.Role, error) {
	return answer(ctx, v, "Role", name, func(ctx context.Context) (opensearch.Role, error) { return v.c.Role(ctx, name) })
}
func (v *seat) PutRole(ctx context.Context, name string, r opensearch.Role) error {
	return v.call(ctx, "PutRole", name, true, func() error { return v.c.PutRole(context.Background(), name, r) })
}
func (v *seat) RoleMapping(ctx context.Context, name string) (opensearch.RoleMapping, error) {
	return answer(ctx, v, "RoleMapping", name, func(ctx context.Context) (opensearch.RoleMapping, error) { return v.c.RoleMapping(ctx, name) })
}
func (v *seat) PutRoleMapping(ctx context.Context, name string, m opensearch.RoleMapping) error {
	return v.call(ctx, "PutRoleMapping", name, true, func() error { return v.c.PutRoleMapping(context.Background(), name, m) })
}
func (v *seat) SecurityCapsule(ctx context.Context) (opensearch.Capsule, error) {
	return answer(ctx, v, "SecurityCapsule", "", func(ctx context.Context) (opensearch.Capsule, error) { return v.c.SecurityCapsule(ctx) })
}
func (v *seat) EnableAudit(ctx context.Context) error {
	return v.call(ctx, "EnableAudit", "", true, func() error { return v.c.EnableAudit(context.Background()) })
}
func (v *seat) Restore(ctx context.Context, repository, snapshot string, r opensearch.RestoreRequest) error {
	return v.of(len(r.Indices)+len(r.DataStreams)).call(ctx, "Restore", snapshot+" "+strings.Join(append(r.Indices, r.DataStreams...), ","), true, func() error {
		return v.d.w.slowly(len(r.Indices)+len(r.DataStreams), func() error { return v.d.restore(v.c, repository, snapshot, r) })
	})
}
func (v *seat) Progress(ctx context.Context, indices []string) ([]opensearch.IndexProgress, error) {
	return answer(ctx, v.of(len(indices)), "Progress", "", func(ctx context.Context) ([]opensearch.IndexProgress, error) { return v.c.Progress(ctx, indices) })
}
func (v *seat) Look(ctx context.Context, index string) (opensearch.Index, error) {
	return answer(ctx, v, "Look", index, func(ctx context.Context) (opensearch.Index, error) { return v.c.Look(ctx, index) })
}
func (v *seat) RemoveIndex(ctx context.Context, index string) error {
	return v.call(ctx, "RemoveIndex", index, true, func() error {
		return v.d.remove(index, func() error { return v.c.RemoveIndex(context.Background(), index) })
	})
}
func (v *seat) RemoveDataStream(ctx context.Context, stream string) error {
	return v.call(ctx, "RemoveDataStream", stream, true, func() error {
		return v.d.removeStream(stream, func() error { return v.c.RemoveDataStream(context.Background(), stream) })
	})
}
func (v *seat) Block(ctx context.Context, index string) error {
	return v.call(ctx, "Block", index, true, func() error { return v.d.block(index, func() error { return v.c.Block(context.Background(), index) }) })
}
func (v *seat) SetWriteBlock(ctx context.Context, indices []string, on bool) error {
	return v.of(len(indices)).call(ctx, "SetWriteBlock", strings.Join(indices, ",")+" "+strconv.FormatBool(on), true, func() error { return v.c.SetWriteBlock(context.Background(), indices, on) })
}
func (v *seat) MissingPipelines(ctx context.Context) ([]opensearch.MissingPipeline, error) {
	return answer(ctx, v, "MissingPipelines", "", func(ctx context.Context) ([]opensearch.MissingPipeline, error) { return v.c.MissingPipelines(ctx) })
}
func (v *seat) GiveBlocks(ctx context.Context, lot, blocks []string) error {
	return v.call(ctx, "GiveBlocks", strings.Join(lot, ",")+" "+strings.Join(blocks, ","), true, func() error { return v.c.GiveBlocks(context.Background(), lot, blocks) })
}
func (v *seat) SetBlocks(ctx context.Context, index string, blocks []string) error {
	return v.call(ctx, "SetBlocks", index+" "+strings.Join(blocks, ","), true, func() error { return v.c.SetBlocks(context.Background(), index, blocks) })
}
func (v *seat) LiftDiskBlock(ctx context.Context, indices []string) error {
	return v.call(ctx, "LiftDiskBlock", strings.Join(indices, ","), true, func() error { return v.c.LiftDiskBlock(context.Background(), indices) })
}
func (v *seat) HalfBlocked(ctx context.Context) ([]string, error) {
	return answer(ctx, v, "HalfBlocked", "", func(ctx context.Context) ([]string, error) { return v.c.HalfBlocked(ctx) })
}
func (v *seat) Writing(ctx context.Context) ([]string, error) {
	return answer(ctx, v, "Writing", "", func(ctx context.Context) ([]string, error) { return v.c.Writing(ctx) })
}
func (v *seat) Nodes(ctx context.Context) ([]opensearch.Node, error) {
	return answer(ctx, v, "Nodes", "", func(ctx context.Context) ([]opensearch.Node, error) { return v.c.Nodes(ctx) })
}
func (v *seat) Disks(ctx context.Context) (int64, error) {
	return answer(ctx, v, "Disks", "", func(ctx context.Context) (int64, error) { return v.c.Disks(ctx) })
}
func (v *seat) SetSettings(ctx context.Context, index string, settings map[string]string) error {
	return v.call(ctx, "SetSettings", index, true, func() error { return v.c.SetSettings(context.Background(), index, settings) })
}
func (v *seat) Restoring(ctx context.Context) ([]string, error) {
	return answer(ctx, v, "Restoring", "", func(ctx context.Context) ([]string, error) { return v.c.Restoring(ctx) })
}
func (v *seat) AutoCreate(ctx context.Context) (value string, set bool, err error) {
	err = v.call(ctx, "AutoCreate", "", false, func() (err error) { value, set, err = v.c.AutoCreate(context.Background()); return err })
	return value, set, err
}
func (v *seat) Close(ctx context.Context, index string) error {
	return v.call(ctx, "Close", index, true, func() error { return v.c.Close(context.Background(), index) })
}

func (v *seat) SetAutoCreate(ctx context.Context, value string, set bool) error {
	return v.call(ctx, "SetAutoCreate", value, true, func() error { return v.c.SetAutoCreate(context.Background(), value, set) })
}
func (v *seat) ISM(ctx context.Context) (bool, error) {
	return answer(ctx, v, "ISM", "", func(ctx context.Context) (bool, error) { return v.c.ISM(ctx) })
}
func (v *seat) ArchivedSettings(ctx context.Context) ([]string, error) {
	return answer(ctx, v, "ArchivedSettings", "", func(ctx context.Context) ([]string, error) { return v.c.ArchivedSettings(ctx) })
}
func (v *seat) SetISM(ctx context.Context, on bool) error {
	return v.call(ctx, "SetISM", strconv.FormatBool(on), true, func() error { return v.c.SetISM(context.Background(), on) })
}
func (v *seat) PutAliases(ctx context.Context, actions []opensearch.AliasAction) error {
	return v.of(len(actions)).call(ctx, "PutAliases", "", true, func() error { return v.c.PutAliases(context.Background(), actions) })
}
func (v *seat) PutCapsule(ctx context.Context, c opensearch.Capsule) (refused []opensearch.Refused, err error) {
	err = v.call(ctx, "PutCapsule", "", true, func() (err error) { refused, err = v.c.PutCapsule(context.Background(), c); return err })
	return refused, err
}
func (v *seat) PutSecurityCapsule(ctx context.Context, c opensearch.Capsule) (refused []opensearch.Refused, err error) {
	err = v.call(ctx, "PutSecurityCapsule", "", true, func() (err error) { refused, err = v.c.PutSecurityCapsule(context.Background(), c); return err })
	return refused, err
}
