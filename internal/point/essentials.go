package point

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/opensearch-dr/osdr/internal/store"
)

// ErrIncomplete says that the repository lacks something that the snapshot needs, or its
// index does not name the snapshot. SUCCESS alone is not enough (F5).
var ErrIncomplete = errors.New("snapshot is not complete in the repository")

// Listing of a repository: key to size.
type Listing map[string]int64

// ListRepository reads all keys of one cluster's path.
func ListRepository(ctx context.Context, b store.Bucket, basePath string) (Listing, error) {
	entries, err := b.List(ctx, basePath+"/")
	if err != nil {
		return nil, fmt.Errorf("list repository s3://%s/%s/: %w", b.Name(), basePath, err)
	}
	out := make(Listing, len(entries))
	for _, e := range entries {
		out[e.Key] = e.Size
	}
	return out, nil
}

// repositoryIndex is the part of the root's index-N that is read here.
type repositoryIndex struct {
	Snapshots []repositorySnapshot `json:"snapshots"`
	Indices   map[string]struct {
		ID        string   `json:"id"`
		Snapshots []string `json:"snapshots"`
	} `json:"indices"`
	Identifiers map[string]string `json:"index_metadata_identifiers"` // identifier -> blob
}

type repositorySnapshot struct {
	Name   string            `json:"name"`
	UUID   string            `json:"uuid"`
	Lookup map[string]string `json:"index_metadata_lookup"` // index id -> identifier
}

// Essentials answers the objects that a restore of the point's snapshot reads,
// and only those, ordered by key. It asks of p the base path, the snapshot's name
// and UUID, and the indexes with their shards. opaque counts the shards whose file list could not be
// read (a compression that is not known here); of those only the list itself is
// essential, and the engine's own checks at the restore are the rest.
//
// ErrIncomplete: an essential object is missing already; make no point.
func Essentials(ctx context.Context, b store.Bucket, p Point) (objects []Object, opaque int, err error) {
	step := "find what snapshot " + p.Snapshot + " needs"
	all, err := ListRepository(ctx, b, p.BasePath)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", step, err)
	}
	index, err := rootIndex(ctx, b, p.BasePath, all)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", step, err)
	}
	need, err := metadata(index, p.BasePath, p.SnapshotUUID)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", step, err)
	}
	lists, err := shardLists(index, all, p)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", step, err)
	}
	data, opaque, err := dataBlobs(ctx, b, all, lists)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", step, err)
	}
	need = append(append(need, lists...), data...)
	slices.Sort(need)
	var missing []string
	for _, key := range slices.Compact(need) {
		size, ok := all[key]
		if !ok {
			missing = append(missing, key)
			continue
		}
		objects = append(objects, Object{Key: key, Size: size})
	}
	if len(missing) > 0 {
		return nil, 0, fmt.Errorf("%s: %w: %d objects are missing, such as %s", step, ErrIncomplete, len(missing), missing[0])
	}
	return objects, opaque, nil
}

// rootIndex reads the newest index-N of the repository.
func rootIndex(ctx context.Context, b store.Bucket, basePath string, all Listing) (repositoryIndex, error) {
	var out repositoryIndex
	key, ok := newestIndex(all, basePath)
	if !ok {
		return out, fmt.Errorf("%w: s3://%s/%s/ has no index-N", ErrIncomplete, b.Name(), basePath)
	}
	o, err := b.Get(ctx, key)
	if err != nil {
		return out, err
	}
	out, err = store.Parse(o, store.JSON[repositoryIndex])
	if err != nil {
		return out, fmt.Errorf("%w: read s3://%s/%s: %w", ErrIncomplete, b.Name(), key, err)
	}
	return out, nil
}

func newestIndex(all Listing, basePath string) (key string, ok bool) {
	top := int64(-1)
	for k := range all {
		if n, found := strings.CutPrefix(k, basePath+"/index-"); found {
			if g, err := strconv.ParseInt(n, 10, 64); err == nil && g > top {
				top, key = g, k
			}
		}
	}
	return key, top >= 0
}

// metadata blobs of the snapshot and of its indexes.
func metadata(index repositoryIndex, basePath, snapshotUUID string) ([]string, error) {
	for _, s := range index.Snapshots {
		if s.UUID != snapshotUUID {
			continue
		}
		need := []string{basePath + "/snap-" + s.UUID + ".dat", basePath + "/meta-" + s.UUID + ".dat"}
		for id, identifier := range s.Lookup {
			blob, ok := index.Identifiers[identifier]
			if !ok {
				return nil, fmt.Errorf("%w: the repository's index has no blob for the metadata of index %s", ErrIncomplete, id)
			}
			need = append(need, basePath+"/indices/"+id+"/meta-"+blob+".dat")
		}
		return need, nil
	}
	return nil, fmt.Errorf("%w: the repository's index does not name it", ErrIncomplete)
}

// shardLists answers the snapshot's own file list of each shard, present or not.
// How many shards an index had, the point tells; the repository's index keeps one
// entry a name, whatever became of its number of shards since.
func shardLists(index repositoryIndex, all Listing, p Point) ([]string, error) {
	shards := map[string]int{}
	for _, i := range p.Indices {
		shards[i.Name] = len(i.Shards)
		if !slices.Contains(index.Indices[i.Name].Snapshots, p.SnapshotUUID) {
			return nil, fmt.Errorf("%w: the repository's index has it without index %s", ErrIncomplete, i.Name)
		}
	}
	var out []string
	for name, i := range index.Indices {
		if !slices.Contains(i.Snapshots, p.SnapshotUUID) {
			continue
		}
		for shard := 0; ; shard++ {
			key := fmt.Sprintf("%s/indices/%s/%d/snap-%s.dat", p.BasePath, i.ID, shard, p.SnapshotUUID)
			if _, ok := all[key]; !ok && shard >= max(shards[name], 1) {
				break
			}
			out = append(out, key)
		}
	}
	return out, nil
}

// dataBlobs of the shards whose lists are given, read eight at a time: the
// bucket is in another Region.
func dataBlobs(ctx context.Context, b store.Bucket, all Listing, lists []string) (need []string, opaque int, err error) {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, key := range lists {
		g.Go(func() error {
			if _, ok := all[key]; !ok {
				return nil // reported as missing
			}
			o, err := b.Get(ctx, key)
			if err != nil {
				return err
			}
			names, ok := blobNames(o.Body)
			mu.Lock()
			defer mu.Unlock()
			if !ok {
				opaque++
			}
			for _, name := range names {
				need = append(need, parts(all, key[:strings.LastIndexByte(key, '/')+1]+name)...)
			}
			return nil
		})
	}
	err = g.Wait()
	return need, opaque, err
}

// blobRef is a file's blob in a shard's list: the text values of SMILE stand
// there as they are, after one byte that tells their length (0x57 for 24, 0x58
// for 25). A virtual blob, v__, has its bytes in the list itself.
var blobRef = regexp.MustCompile(`(?s)W(__[A-Za-z0-9_-]{22})|X(v__[A-Za-z0-9_-]{22})`)

// blobNames of a shard's snap-<uuid>.dat; false when it cannot be read.
func blobNames(body []byte) ([]string, bool) {
	if i := bytes.Index(body, []byte("DFL\x00")); i >= 0 && i < 64 {
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(body[i+4:])))
		if err != nil {
			return nil, false
		}
		body = plain
	}
	if i := bytes.Index(body, []byte(":)\n")); i < 0 || i >= 64 {
		return nil, false
	}
	var out []string
	for _, m := range blobRef.FindAllSubmatch(body, -1) {
		if len(m[1]) > 0 {
			out = append(out, string(m[1]))
		}
	}
	return out, true
}

// parts of a blob: one object, or several when it is above the chunk size.
func parts(all Listing, key string) []string {
	if _, ok := all[key]; ok {
		return []string{key}
	}
	var out []string
	for i := 0; ; i++ {
		part := fmt.Sprintf("%s.part%d", key, i)
		if _, ok := all[part]; !ok {
			break
		}
		out = append(out, part)
	}
	if len(out) == 0 {
		return []string{key} // to be reported as missing
	}
	return out
}
