package snapshot

import (
	"context"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/repository"
)

func (r *run) wish() repository.Wish {
	return repository.Wish{
		Name: contract.Repository, Bucket: r.Other.Name(), BucketRegion: r.Other.Region(), DomainRegion: r.Region,
		BasePath: r.info.ClusterUUID, RoleARN: r.Settings.Names().SnapshotRoleARN(r.Region),
	}
}

// sees makes sure that the snapshots under way can be seen at all before one of
// them is looked for: somebody may have removed or changed the registration, and
// a good snapshot would be taken for a lost one. One that stands is left as it
// is, as the engine lets nobody change it under a running snapshot.
func (r *run) sees(ctx context.Context, under []Journal) error {
	if len(under) == 0 {
		return nil
	}
	stands, err := repository.Stands(ctx, r.dom, r.wish())
	if err != nil || stands {
		return err
	}
	r.notice("repository %s was gone or changed while a snapshot was under way; it is registered again", contract.Repository)
	return r.register(ctx)
}
