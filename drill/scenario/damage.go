package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/drill/node"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// AsService asks a Region's node as the service's own user, past the gateway and
// its list: watermarks, max_shards_per_node, a slow recovery, what a person on AWS
// has by the service's staff or by an accident.
func (w *World) AsService(ctx context.Context, region, method, path string, body, answer any) error {
	return w.Cloud.Service(ctx, region, w.Names.Domain(), method, path, body, answer)
}

// Flood puts a Region's domain past the flood stage of its disks, or back.
func (w *World) Flood(ctx context.Context, region string, on bool) error {
	return w.Cloud.SetFlood(ctx, region, w.Names.Domain(), on)
}

// NodeOptions of a Region's domain, for each start of its node from now on.
func (w *World) NodeOptions(region string, options node.Options) {
	w.Cloud.SetNodeOptions(region, w.Names.Domain(), options)
}

// DropObjects removes from the bucket what one index of a point needs and the
// older points do not: the index's copy in this point is gone, and theirs are
// whole.
func (w *World) DropObjects(ctx context.Context, p point.Point, index string, older ...point.Point) (int, error) {
	b := w.bucket(otherRegion(p.Region))
	id, err := repositoryID(ctx, b, p.BasePath, index)
	if err != nil {
		return 0, fmt.Errorf("drop the objects of %s: %w", index, err)
	}
	prefix := p.BasePath + "/indices/" + id + "/"
	needed, err := point.Objects(ctx, b, p)
	if err != nil {
		return 0, err
	}
	var others [][]point.Object
	for _, o := range older {
		list, err := point.Objects(ctx, b, o)
		if err != nil {
			return 0, err
		}
		others = append(others, list)
	}
	keys := onlyNewest(prefix, needed, others...)
	if len(keys) == 0 {
		return 0, fmt.Errorf("drop the objects of %s: point %s has none of its own", index, p.ID)
	}
	var faults []error
	for _, key := range keys {
		faults = append(faults, b.Delete(ctx, key))
	}
	return len(keys), errors.Join(faults...)
}

// repositoryID of an index, as the repository's newest index-<n> has it.
func repositoryID(ctx context.Context, b store.Bucket, basePath, index string) (string, error) {
	prefix := basePath + "/index-"
	listed, err := b.List(ctx, prefix)
	if err != nil {
		return "", err
	}
	newest := int64(-1)
	for _, e := range listed {
		if n, err := strconv.ParseInt(strings.TrimPrefix(e.Key, prefix), 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	o, err := b.Get(ctx, prefix+strconv.FormatInt(newest, 10))
	if err != nil {
		return "", err
	}
	var root struct {
		Indices map[string]struct {
			ID string `json:"id"`
		} `json:"indices"`
	}
	if err := json.Unmarshal(o.Body, &root); err != nil {
		return "", err
	}
	id := root.Indices[index].ID
	if id == "" {
		return "", fmt.Errorf("the repository under %s does not hold it", basePath)
	}
	return id, nil
}

// onlyNewest are the keys below prefix that no other list has.
func onlyNewest(prefix string, newest []point.Object, others ...[]point.Object) (keys []string) {
	shared := map[string]bool{}
	for _, list := range others {
		for _, o := range list {
			shared[o.Key] = true
		}
	}
	for _, o := range newest {
		if strings.HasPrefix(o.Key, prefix) && !shared[o.Key] {
			keys = append(keys, o.Key)
		}
	}
	return keys
}
