package opensearchtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// The parts of the engine's blobs that point.Essentials reads have the engine's
// own form, as seen on OpenSearch 3.4.0 (internal/point/testdata): the root is
// JSON; every .dat, and a shard's index-<x>, begins with Lucene's codec header
// and SMILE's ":)\n". What follows that is SMILE on the engine and JSON here, in
// which the name of a file has the byte before it that tells its length in
// SMILE, since that is what a name is found by.
const (
	codecHeader = "?\xd7l\x17\x08snapshot\x00\x00\x00\x01:)\n\x05"
	lengthOf24  = "W" // SMILE, short ASCII: 0x40 + 24 - 1, for "__" and 22 more
)

// binary tells whether the engine writes the blob in SMILE.
func binary(key string) bool {
	return strings.HasSuffix(key, ".dat") || strings.Contains(key, "/indices/")
}

func encode(key string, value any) ([]byte, error) {
	body, err := json.Marshal(value)
	if err == nil && binary(key) {
		body = append([]byte(codecHeader), body...)
	}
	return body, err
}

func decode(key string, body []byte, into any) error {
	if binary(key) {
		rest, ok := bytes.CutPrefix(body, []byte(codecHeader))
		if !ok {
			return fmt.Errorf("CorruptStateException: %s has no codec header", key)
		}
		body = rest
	}
	return json.Unmarshal(body, into)
}

// file of a shard, as its list on the engine names it.
type file struct {
	Marked string `json:"name"` // with lengthOf24
	Length int64  `json:"length"`
}

func fileOf(g segment) file { return file{lengthOf24 + "__" + g.name, int64(len(g.body))} }

// blob in which the file's bytes are.
func (f file) blob() string { return strings.TrimPrefix(f.Marked, lengthOf24) }

// engineRoot is index-N.
type engineRoot struct {
	Snapshots   []engineSnapshot       `json:"snapshots"`
	Indices     map[string]engineIndex `json:"indices"`
	Identifiers map[string]string      `json:"index_metadata_identifiers"` // identifier -> x of its meta-<x>.dat
}

type engineSnapshot struct {
	Name   string            `json:"name"`
	UUID   string            `json:"uuid"`
	State  int               `json:"state"`
	Lookup map[string]string `json:"index_metadata_lookup"` // index id -> identifier
}

type engineIndex struct {
	ID            string    `json:"id"`
	ShardPathType int       `json:"shard_path_type"` // 0 is FIXED
	Snapshots     []string  `json:"snapshots"`
	Generations   []*string `json:"shard_generations"` // by shard; null: not known
}

// states by the engine's number.
var states = []opensearch.SnapshotState{opensearch.InProgress, opensearch.Success, opensearch.Failed, opensearch.Partial}

// written form of the root: index-N.
func (r *root) written() engineRoot {
	out := engineRoot{Indices: map[string]engineIndex{}, Identifiers: map[string]string{}}
	for name, i := range r.Indices {
		e := engineIndex{ID: i.ID}
		for shard, generation := range i.Generations {
			for len(e.Generations) <= shard {
				e.Generations = append(e.Generations, nil)
			}
			e.Generations[shard] = &generation
		}
		out.Indices[name] = e
	}
	for _, name := range sortedKeys(r.Snapshots) {
		s := r.Snapshots[name]
		e := engineSnapshot{Name: name, UUID: s.UUID, State: slices.Index(states, s.State), Lookup: map[string]string{}}
		for _, index := range sortedKeys(s.Metadata) {
			i, x := out.Indices[index], s.Metadata[index]
			identifier := i.ID + "-_na_-" + x // on the engine: what the metadata depends on
			e.Lookup[i.ID], out.Identifiers[identifier] = identifier, x
			i.Snapshots = append(i.Snapshots, s.UUID)
			out.Indices[index] = i
		}
		out.Snapshots = append(out.Snapshots, e)
	}
	return out
}

// root that is written there; the generation is in its key.
func (in engineRoot) root() (root, error) {
	r := root{Snapshots: map[string]rootSnapshot{}, Indices: map[string]*repositoryIndex{}}
	names := map[string]string{}
	for name, e := range in.Indices {
		i := &repositoryIndex{ID: e.ID, Generations: map[int]string{}}
		for shard, generation := range e.Generations {
			if generation != nil {
				i.Generations[shard] = *generation
			}
		}
		r.Indices[name], names[e.ID] = i, name
	}
	for _, e := range in.Snapshots {
		if e.State < 0 || e.State >= len(states) {
			return root{}, fmt.Errorf("snapshot %s has state %d", e.Name, e.State)
		}
		s := rootSnapshot{UUID: e.UUID, State: states[e.State], Metadata: map[string]string{}}
		for id, identifier := range e.Lookup {
			s.Metadata[names[id]] = in.Identifiers[identifier]
		}
		r.Snapshots[e.Name] = s
	}
	return r, nil
}
