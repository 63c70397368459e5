package recovery

import (
	"context"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// roomFor a point, before anything of it is restored: one that cannot fit would fill
// the disks in the middle of the switch, and the flood stage takes no writes. What
// cannot be asked refuses nothing.
func (r *run) roomFor(ctx context.Context, dom domain.Recovery, p point.Point) error {
	disks, err := dom.Disks(ctx)
	if err != nil {
		r.notice("whether recovery point %s fits is known by the volumes alone: %v", p.ID, err)
	}
	wanted, _ := restore.Choose(p, r.Settings.Restore).Without(names(r.state.Wish.Without))
	why := restore.Room{Volumes: r.desc.Volumes, Disks: disks}.Lacks(wanted.Bytes(p))
	if why == "" {
		return nil
	}
	return r.giveUp(ctx, r.intent, refuse("the domain of %s is too small for recovery point %s: %s. Nothing was restored. Raise dr.domain.volume.sizeGiB or dr.domain.dataNodes, or leave indexes behind by -c without=<index,...>; then run the command again",
		r.Region, p.ID, why))
}
