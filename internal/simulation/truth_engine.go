package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

func (t *truth) inPoint(b *bucket, p point.Point, out map[*write]bool) {
	h := t.snapshot(b, p)
	if h == nil {
		return
	}
	for _, i := range h.indices {
		for _, o := range t.held[i.uuid][:min(i.writes, len(t.held[i.uuid]))] {
			out[o] = true
		}
	}
}

// points that stand in a bucket and are not being removed.
func (t *truth) points(b *bucket) []point.Point {
	var out []point.Point
	entries, _ := b.List(context.Background(), point.Prefix)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Key, ".json")
		if strings.Contains(strings.TrimPrefix(name, point.Prefix), ".") || b.objects[name+".removing.json"] != nil {
			continue
		}
		if p, err := store.Parse(b.objects[e.Key].Object, store.JSON[point.Point]); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// snapshot answers what is in the snapshot of a point, nil when the repository
// does not have it.
func (t *truth) snapshot(b *bucket, p point.Point) *holding {
	o := rootOf(b, p.BasePath)
	if o == nil || !bytes.Contains(o.Body, []byte(p.SnapshotUUID)) { // the root says it of living ones only
		return nil
	}
	if h := t.taken[p.SnapshotUUID]; h != nil {
		return h
	}
	root, err := store.Parse(o.Object, store.JSON[engineRoot])
	if err != nil {
		return nil
	}
	h := root.read(b, p.BasePath, p.SnapshotUUID)
	if h != nil {
		t.taken[p.SnapshotUUID] = h
	}
	return h
}

// engineRoot is the part of index-N that is read here.
type engineRoot struct {
	Snapshots []struct {
		Name   string            `json:"name"`
		UUID   string            `json:"uuid"`
		Lookup map[string]string `json:"index_metadata_lookup"`
	} `json:"snapshots"`
	Indices map[string]struct {
		ID string `json:"id"`
	} `json:"indices"`
	Identifiers map[string]string `json:"index_metadata_identifiers"`
}

// rootOf a repository: its newest index-N, nil when it has none.
func rootOf(b *bucket, base string) *object {
	entries, _ := b.List(context.Background(), base+"/index-")
	if len(entries) == 0 {
		return nil
	}
	newest := entries[0]
	for _, e := range entries[1:] {
		if len(e.Key) > len(newest.Key) || len(e.Key) == len(newest.Key) && e.Key > newest.Key {
			newest = e
		}
	}
	return b.objects[newest.Key]
}

func (r engineRoot) read(b *bucket, base, uuid string) *holding {
	out := &holding{indices: map[string]held{}}
	for _, s := range r.Snapshots {
		if s.UUID != uuid {
			continue
		}
		for name, i := range r.Indices {
			identifier, ok := s.Lookup[i.ID]
			if !ok {
				continue
			}
			var meta struct {
				UUID string `json:"uuid"`
			}
			var shard struct {
				MaxSeqNo int `json:"max_seq_no"`
			}
			if !blob(b, base+"/indices/"+i.ID+"/meta-"+r.Identifiers[identifier]+".dat", &meta) || !blob(b, base+"/indices/"+i.ID+"/0/snap-"+uuid+".dat", &shard) {
				return nil
			}
			out.indices[name] = held{meta.UUID, shard.MaxSeqNo + 1}
		}
	}
	return out
}

func blob(b *bucket, key string, into any) bool {
	o := b.objects[key]
	if o == nil {
		return false
	}
	_, body, found := bytes.Cut(o.Body, []byte(":)\n\x05"))
	return found && json.Unmarshal(body, into) == nil
}
