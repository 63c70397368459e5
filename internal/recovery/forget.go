package recovery

import (
	"context"
	"slices"

	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// forget the notes of clusters that were removed: fence, journals, roles. A UUID
// never comes back, but the note of a domain that stands may be all that tells its
// user's blocks from ours, or that it may be given up by name. So a note goes only
// when it was there before this Region's API said that nothing stands here, or the
// domain here said that it is another cluster; and never while a switch is under
// way, a ledger cannot be read, or a ledger names its cluster (H13: a domain may
// have changed its UUID and nothing else).
func (r *run) forget(ctx context.Context) error {
	if !r.claimed || r.ledErr != nil || !r.view.Complete() || r.live() != nil {
		return nil //nolint:nilerr // the tick tells why the ledger is not known
	}
	noted, err := r.noted(ctx)
	if err != nil {
		return err
	}
	named := []string{r.led.ClusterUUID, r.uuidIs}
	for _, v := range []ledger.Reading{r.view.Own, r.view.Other} {
		named = append(named, v.Ledger.ClusterUUID)
	}
	noted = slices.DeleteFunc(noted, func(uuid string) bool { return slices.Contains(named, uuid) })
	if len(noted) == 0 {
		return nil // nearly every minute
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	here := ""
	if r.desc.Exists {
		if r.desc.Deleted || !r.desc.Created || r.desc.Endpoint == "" {
			return nil
		}
		if here, err = r.uuid(ctx); err != nil || here == "" {
			return err // who it is, is not known
		}
	}
	for _, uuid := range noted {
		if uuid == here {
			continue
		}
		if err := r.forgetOne(ctx, uuid); err != nil {
			return err
		}
		r.notice("cluster %s is gone: its notes are removed", uuid)
	}
	return nil
}

// noted clusters in the bucket of their own Region.
func (r *run) noted(ctx context.Context) ([]string, error) {
	uuids, err := fence.Clusters(ctx, r.Own)
	if err != nil {
		return nil, err
	}
	more, err := snapshot.Clusters(ctx, r.Own)
	if err != nil {
		return nil, err
	}
	uuids = append(uuids, more...)
	restored, err := restore.Cluster(ctx, r.Own)
	if err != nil {
		return nil, err
	}
	if restored != "" {
		uuids = append(uuids, restored)
	}
	slices.Sort(uuids)
	return slices.Compact(uuids), nil
}

func (r *run) forgetOne(ctx context.Context, uuid string) error {
	if err := fence.Remove(ctx, r.Own, uuid); err != nil {
		return err
	}
	if err := snapshot.Forget(ctx, r.Own, uuid); err != nil {
		return err
	}
	restored, err := restore.Cluster(ctx, r.Own)
	if err != nil || restored != uuid {
		return err
	}
	return restore.RemoveJournal(ctx, r.Own)
}
