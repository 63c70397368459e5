package opensearchtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// The engine's layout below base_path (layout.go has the form of the blobs):
//
//	index-N, index.latest                    the root, replaced by each change
//	snap-<uuid>.dat, meta-<uuid>.dat         one snapshot
//	indices/<id>/meta-<x>.dat                metadata of an index
//	indices/<id>/<shard>/snap-<uuid>.dat     the files of a shard in one snapshot
//	indices/<id>/<shard>/index-<x>           all files of a shard
//	indices/<id>/<shard>/__<x>               a file
type root struct {
	Generation int64
	Snapshots  map[string]rootSnapshot     // by name
	Indices    map[string]*repositoryIndex // by name
}

type rootSnapshot struct {
	UUID  string
	State opensearch.SnapshotState
	// Metadata of each index, by name: the x of its meta-<x>.dat.
	Metadata map[string]string
}

type repositoryIndex struct {
	ID string
	// Generations are the x of the shards' index-<x>, by shard.
	Generations map[int]string
}

// snapshotBlob is snap-<uuid>.dat of the root.
type snapshotBlob struct {
	Name        string                   `json:"name"`
	UUID        string                   `json:"uuid"`
	State       opensearch.SnapshotState `json:"state"`
	Version     string                   `json:"version"`
	Indices     []string                 `json:"indices"`
	DataStreams map[string]stream        `json:"data_streams"`
	Start       time.Time                `json:"start"`
	End         time.Time                `json:"end"`
	Failures    []string                 `json:"failures,omitempty"`
	Shards      int                      `json:"shards"`
}

// indexBlob is meta-<x>.dat of an index.
type indexBlob struct {
	Name     string         `json:"name"`
	UUID     string         `json:"uuid"`
	Open     bool           `json:"open"`
	Hidden   bool           `json:"hidden"`
	Versions versions       `json:"versions"`
	Blocks   []string       `json:"blocks,omitempty"`
	Aliases  map[string]any `json:"aliases,omitempty"`
	Shards   int            `json:"shards"`
	// Pipelines are settings that name one.
	Pipelines map[string]string `json:"pipelines,omitempty"`
	settings
}

// shardBlob is snap-<uuid>.dat of a shard, and its index-<x>.
type shardBlob struct {
	MaxSeqNo    int64  `json:"max_seq_no"`
	Term        int64  `json:"term"`
	Files       []file `json:"files"`
	Incremental int64  `json:"incremental"` // bytes that this snapshot added
}

// repository is one registration at work.
type repository struct {
	name     string
	settings opensearch.Repository
	bucket   store.Bucket
}

func (c *Cluster) repository(step, name string) (*repository, error) {
	settings, ok := c.repos[name]
	if !ok {
		return nil, fail(step, 404, "repository_missing_exception", "[%s] missing", name)
	}
	r := &repository{name: name, settings: settings}
	if c.options.Bucket != nil {
		r.bucket = c.options.Bucket(settings.Bucket)
	}
	return r, nil
}

func (r *repository) key(parts ...string) string {
	if r.settings.BasePath != "" {
		parts = append([]string{r.settings.BasePath}, parts...)
	}
	return strings.Join(parts, "/")
}

func (r *repository) reach(step string) error {
	if r.bucket == nil {
		return fail(step, 500, "repository_exception", "[%s] The specified bucket does not exist (Service: S3, Status Code: 404)", r.name)
	}
	return nil
}

// get a blob, which is not to be changed.
func get[T any](ctx context.Context, r *repository, key string) (out T, err error) {
	object, err := r.bucket.Get(ctx, key)
	if err != nil {
		return out, err
	}
	return store.Parse(object, func(body []byte) (out T, err error) {
		err = decode(key, body, &out)
		return out, err
	})
}

// parseRoot of index-N.
func parseRoot(body []byte) (root, error) {
	in, err := store.JSON[engineRoot](body)
	if err != nil {
		return root{}, err
	}
	return in.root()
}

func (r *repository) put(ctx context.Context, key string, value any) error {
	body, err := encode(key, value)
	if err != nil {
		return err
	}
	_, err = r.bucket.Put(ctx, key, body, store.Condition{})
	return err
}

// load reads the newest root; none yet is an empty one of generation -1. It is
// not to be changed, but for a clone of it.
func (r *repository) load(ctx context.Context, step string) (*root, error) {
	if err := r.reach(step); err != nil {
		return nil, err
	}
	lost := func(err error) error {
		return fail(step, 500, "repository_exception", "[%s] Could not determine repository generation from root blobs: %v", r.name, err)
	}
	prefix := r.key("index-")
	list, err := r.bucket.List(ctx, prefix)
	if err != nil {
		return nil, lost(err)
	}
	newest := int64(-1)
	for _, e := range list {
		n, err := strconv.ParseInt(strings.TrimPrefix(e.Key, prefix), 10, 64)
		if err == nil && n > newest {
			newest = n
		}
	}
	if newest < 0 {
		return &root{Generation: -1, Snapshots: map[string]rootSnapshot{}, Indices: map[string]*repositoryIndex{}}, nil
	}
	object, err := r.bucket.Get(ctx, r.key(fmt.Sprintf("index-%d", newest)))
	if err != nil {
		return nil, lost(err)
	}
	out, err := store.Parse(object, parseRoot)
	if err != nil {
		return nil, lost(err)
	}
	out.Generation = newest
	return &out, nil
}

func (r *root) clone() *root {
	out := &root{r.Generation, maps.Clone(r.Snapshots), map[string]*repositoryIndex{}}
	for name, i := range r.Indices {
		out.Indices[name] = &repositoryIndex{i.ID, maps.Clone(i.Generations)}
	}
	return out
}

// save writes the next root; the one before goes.
func (r *repository) save(ctx context.Context, next *root) error {
	old := next.Generation
	next.Generation++
	if err := r.put(ctx, r.key(fmt.Sprintf("index-%d", next.Generation)), next.written()); err != nil {
		return err
	}
	if err := r.put(ctx, r.key("index.latest"), next.Generation); err != nil {
		return err
	}
	if old < 0 {
		return nil
	}
	return r.bucket.Delete(ctx, r.key(fmt.Sprintf("index-%d", old)))
}

func (r *repository) indexKey(id string, parts ...string) string {
	return r.key(append([]string{"indices", id}, parts...)...)
}

// collect deletes every blob that no snapshot of the root refers to.
func (r *repository) collect(ctx context.Context, now *root) error {
	keep := map[string]bool{r.key(fmt.Sprintf("index-%d", now.Generation)): true, r.key("index.latest"): true}
	for _, s := range now.Snapshots {
		keep[r.key("snap-"+s.UUID+".dat")] = true
		keep[r.key("meta-"+s.UUID+".dat")] = true
		for name, x := range s.Metadata {
			i := now.Indices[name]
			keep[r.indexKey(i.ID, "meta-"+x+".dat")] = true
			for n, generation := range i.Generations {
				shard := strconv.Itoa(n)
				keep[r.indexKey(i.ID, shard, "index-"+generation)] = true
				key := r.indexKey(i.ID, shard, "snap-"+s.UUID+".dat")
				blob, err := get[shardBlob](ctx, r, key)
				if errors.Is(err, store.ErrAbsent) {
					continue // a shard that failed, or one that the snapshot does not have
				} else if err != nil {
					return err
				}
				keep[key] = true
				for _, f := range blob.Files {
					keep[r.indexKey(i.ID, shard, f.blob())] = true
				}
			}
		}
	}
	list, err := r.bucket.List(ctx, r.key(""))
	if err != nil {
		return err
	}
	for _, e := range list {
		if !keep[e.Key] {
			if err := r.bucket.Delete(ctx, e.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// regenerate rewrites the shards' lists of files to what the snapshots that are
// left refer to, so that the next one does not count on a file that is deleted.
func (c *Cluster) regenerate(ctx context.Context, r *repository, now *root) error {
	for _, name := range sortedKeys(now.Indices) {
		i := now.Indices[name]
		for _, n := range slices.Sorted(maps.Keys(i.Generations)) {
			var known shardBlob
			for _, s := range sortedKeys(now.Snapshots) {
				blob, err := get[shardBlob](ctx, r, r.indexKey(i.ID, strconv.Itoa(n), "snap-"+now.Snapshots[s].UUID+".dat"))
				if errors.Is(err, store.ErrAbsent) {
					continue // not in this snapshot
				} else if err != nil {
					return err
				}
				for _, f := range blob.Files {
					if !slices.Contains(known.Files, f) {
						known.Files = append(known.Files, f)
					}
				}
			}
			i.Generations[n] = c.newUUID()
			if err := r.put(ctx, r.indexKey(i.ID, strconv.Itoa(n), "index-"+i.Generations[n]), known); err != nil {
				return err
			}
		}
	}
	return nil
}
