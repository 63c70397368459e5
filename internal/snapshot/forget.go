package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Clusters that notes in a domain's own bucket are of: its snapshots under way,
// and the security part of its capsule.
func Clusters(ctx context.Context, b store.Bucket) ([]string, error) {
	all, err := journals(ctx, b)
	if err != nil {
		return nil, err
	}
	var uuids []string
	for _, j := range all {
		uuids = append(uuids, j.ClusterUUID)
	}
	s, err := readSecurity(ctx, b)
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return nil, err
	}
	if s.ClusterUUID != "" {
		uuids = append(uuids, s.ClusterUUID)
	}
	slices.Sort(uuids)
	return slices.Compact(uuids), nil
}

// Forget the notes of a cluster that is gone: nobody settles its snapshots any
// more, and its roles lie in the capsules of its points.
func Forget(ctx context.Context, b store.Bucket, uuid string) error {
	all, err := journals(ctx, b)
	if err != nil {
		return err
	}
	for _, j := range all {
		if j.ClusterUUID != uuid {
			continue
		}
		if err := b.Delete(ctx, j.key()); err != nil {
			return fmt.Errorf("remove the journal of %s: %w", j.Name, err)
		}
	}
	s, err := readSecurity(ctx, b)
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return err
	}
	if s.ClusterUUID != uuid {
		return nil
	}
	if err := b.Delete(ctx, securityKey); err != nil {
		return fmt.Errorf("remove the roles of cluster %s: %w", uuid, err)
	}
	return nil
}

func readSecurity(ctx context.Context, b store.Bucket) (s security, err error) {
	o, err := b.Get(ctx, securityKey)
	if err != nil {
		return s, err
	}
	if s, err = store.Parse(o, store.JSON[security]); err != nil {
		return s, fmt.Errorf("read s3://%s/%s: %w", b.Name(), securityKey, err)
	}
	return s, nil
}
