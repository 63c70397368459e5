package recovery

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
)

// spoilers names what spoils snapshots of the active domain: a stream that rolls over
// while they run, an index whose shards fail, a point that cannot be read.
func (r *run) spoilers(ctx context.Context) error {
	if !r.active() {
		return nil
	}
	losses, err := snapshot.ReadLosses(ctx, r.Own, r.led.ClusterUUID)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(losses.Streams)) {
		r.attend(contract.AttentionNoPoint, name, "Roll over less often than a snapshot takes; see docs/runbooks/snapshot-errors.md",
			"this data stream rolled over while snapshots ran, and the engine dropped them (%d in a row): the next one names its backing indexes, which come back as plain indexes under an alias of its name", losses.Streams[name])
	}
	for _, name := range slices.Sorted(maps.Keys(losses.Indices)) {
		r.attend(contract.AttentionNoPoint, name, "Look for the failed shard in the domain's error log; see docs/runbooks/snapshot-errors.md",
			"its shards failed in %d snapshots in a row; after two of them the others are taken without it", losses.Indices[name])
	}
	return r.unreadable(ctx)
}

// unreadable points newer than the newest good one, of either bucket (H88).
func (r *run) unreadable(ctx context.Context) error {
	buckets := []store.Bucket{r.Own, r.Other}
	if len(r.unread) == 0 { // look has loaded the newest of each
		return nil
	}
	for _, b := range buckets {
		_, _, bad, err := point.NewestReadable(ctx, b)
		if err != nil {
			return fmt.Errorf("look for recovery points that cannot be read: %w", err)
		}
		for _, x := range slices.Backward(bad) {
			r.attend(contract.AttentionNoPoint, b.Name()+"/"+x.ID.Key(), "Deploy the release that wrote it, or bring back the object's earlier version; see docs/runbooks/snapshot-errors.md",
				"recovery point %s cannot be read and is passed over; snapshots go on: %v", x.ID, x.Err)
		}
	}
	return nil
}
