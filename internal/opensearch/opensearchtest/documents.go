package opensearchtest

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"maps"
	"sort"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// IndexOptions of a new index.
type IndexOptions struct {
	Shards int // primaries, default 1
	Hidden bool
	Tier   string // "warm" or "cold", of UltraWarm
	Red    bool   // its primaries find no node
	// Replicas of each primary, which find no second node.
	Replicas int
	// Sorted by a field (index.sort.field).
	Sorted bool
	// Synonyms is a file that an analyzer reads on each node, from AddFile.
	Synonyms string
}

// Document as a test reads it.
type Document struct {
	ID      string
	Version int64
	SeqNo   int64
	Source  string
}

// index holds what a real one's metadata and shards do.
type index struct {
	name, uuid string
	open       bool
	hidden     bool
	health     opensearch.Health
	tier       string
	stream     string
	versions   versions
	blocks     map[string]bool
	half       bool // a _block call began here and was not completed (H78)
	aliases    map[string]any
	pipelines  map[string]string // setting -> id
	shards     []*shard
	settings
}

// settings that say where an index can be.
type settings struct {
	Bound    map[string]string `json:"bound,omitempty"`
	Replicas int               `json:"replicas,omitempty"`
	Sorted   bool              `json:"sorted,omitempty"`
	Synonyms string            `json:"synonyms,omitempty"`
}

// versions count the changes of an index's metadata, as the cluster state does.
type versions struct {
	Metadata int64 `json:"version"`
	Mapping  int64 `json:"mapping_version"`
	Settings int64 `json:"settings_version"`
	Aliases  int64 `json:"aliases_version"`
}

// operation is one numbered write, the unit of segments.
type operation struct {
	ID      string `json:"id"`
	SeqNo   int64  `json:"seq"`
	Version int64  `json:"v"`
	Source  string `json:"s,omitempty"`
	Deleted bool   `json:"d,omitempty"`
}

// segment is immutable: the body of one file of a shard.
type segment struct {
	name string // as in "__<name>", unique
	body []byte
}

type shard struct {
	documents map[string]operation // the living ones
	maxSeqNo  int64
	term      int64
	silent    bool        // its node does not answer the question for statistics
	pending   []operation // not in a segment yet
	segments  []segment
}

// mergeAt bounds the number of segments of a shard, as merges do.
const mergeAt = 8

type stream struct {
	Generation int
	Indices    []string // oldest first
}

func (c *Cluster) addIndex(name string, o IndexOptions) *index {
	i := &index{
		name: name, uuid: c.newUUID(), open: true, hidden: o.Hidden, tier: o.Tier, health: opensearch.Green,
		versions: versions{1, 1, 1, 1}, blocks: map[string]bool{}, aliases: map[string]any{},
		settings: settings{Replicas: o.Replicas, Sorted: o.Sorted, Synonyms: o.Synonyms},
	}
	if o.Red {
		i.health = opensearch.Red
	}
	for range max(o.Shards, 1) {
		i.shards = append(i.shards, &shard{documents: map[string]operation{}, maxSeqNo: -1, term: 1})
	}
	c.indices[name] = i
	return i
}

func (c *Cluster) describe(i *index) opensearch.Index {
	out := opensearch.Index{
		Name: i.name, UUID: i.uuid, Open: i.open, Hidden: i.hidden, Health: i.health, Tier: i.tier, DataStream: i.stream,
		Primaries: len(i.shards), MetadataVersion: i.versions.Metadata, MappingVersion: i.versions.Mapping,
		SettingsVersion: i.versions.Settings, AliasesVersion: i.versions.Aliases, Replicas: i.Replicas, Bound: maps.Clone(i.Bound), Sorted: i.Sorted, Files: i.files(),
	}
	if s := c.streams[i.stream]; s != nil {
		out.WriteIndex = s.Indices[len(s.Indices)-1] == i.name
	}
	if len(i.blocks) > 0 {
		out.Blocks = sortedKeys(i.blocks)
	}
	if i.health == opensearch.Red || i.blocks["metadata"] { // neither tells its numbers
		return out
	}
	for n, s := range i.shards {
		if s.silent {
			continue
		}
		out.Shards = append(out.Shards, opensearch.Shard{ID: n, MaxSeqNo: s.maxSeqNo, Term: s.term})
		out.Documents += int64(len(s.documents))
		for _, g := range s.segments {
			out.Bytes += int64(len(g.body))
		}
	}
	return out
}

// resolve names to indexes: data streams to their backing ones. An absent name
// is the engine's 404.
func (c *Cluster) resolve(step string, names []string) ([]*index, error) {
	var out []*index
	for _, name := range names {
		if s := c.streams[name]; s != nil {
			for _, b := range s.Indices {
				out = append(out, c.indices[b])
			}
			continue
		}
		i := c.indices[name]
		if i == nil {
			return nil, fail(step, 404, "index_not_found_exception", "no such index [%s]", name)
		}
		out = append(out, i)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].name < out[b].name })
	return out, nil
}

// aliased answers the index that takes the writes of an alias: the marked one, or the
// only one; empty: none.
func (c *Cluster) aliased(alias string) string {
	var of []string
	for _, name := range sortedKeys(c.indices) {
		p, ok := c.indices[name].aliases[alias]
		if !ok {
			continue
		}
		if m, _ := p.(map[string]any); m["is_write_index"] == true {
			return name
		}
		of = append(of, name)
	}
	if len(of) != 1 {
		return ""
	}
	return of[0]
}

// write finds the shard that an id belongs to, for a write to an index or to a
// data stream's write index.
func (c *Cluster) write(step, name, id string) (*shard, error) {
	if s := c.streams[name]; s != nil {
		name = s.Indices[len(s.Indices)-1]
	}
	if to := c.aliased(name); to != "" {
		name = to
	}
	i, err := c.index(step, name)
	if err != nil {
		return nil, err
	}
	switch {
	case i.blocks[floodStage]:
		return nil, flooded(step, i)
	case i.blocks["search_only"]:
		return nil, fail(step, 403, "cluster_block_exception", "index [%s] blocked by: [FORBIDDEN/20/index scaled down];", name)
	case i.half:
		return nil, fail(step, 403, "cluster_block_exception", "index [%s] blocked by: [FORBIDDEN/8/moving to block index write (api)];", name)
	}
	for _, b := range []string{"write", "read_only"} {
		if i.blocks[b] {
			return nil, fail(step, 403, "cluster_block_exception", "index [%s] blocked by: [FORBIDDEN/8/index %s (api)];", name, b)
		}
	}
	if !i.open {
		return nil, fail(step, 400, "index_closed_exception", "closed")
	}
	if i.health == opensearch.Red {
		return nil, fail(step, 503, "unavailable_shards_exception", "[%s][0] primary shard is not active", name)
	}
	for _, setting := range []string{"index.default_pipeline", "index.final_pipeline"} {
		if id := i.pipelines[setting]; id != "" && id != "_none" && c.capsule.IngestPipelines[id] == nil {
			return nil, fail(step, 400, "illegal_argument_exception", "pipeline with id [%s] does not exist", id)
		}
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	return i.shards[int(h.Sum32()%uint32(len(i.shards)))], nil
}

func (s *shard) apply(id, source string, deleted bool) {
	s.maxSeqNo++
	op := operation{ID: id, SeqNo: s.maxSeqNo, Version: s.documents[id].Version + 1, Source: source, Deleted: deleted}
	s.pending = append(s.pending, op)
	if deleted {
		delete(s.documents, id)
	} else {
		s.documents[id] = op
	}
}

// Index writes a document, new or again; an absent index is made, as the engine
// does by default.
func (c *Cluster) Index(ctx context.Context, name, id, source string) error {
	step := "index document into " + name
	return c.change(ctx, "Index", step, func() error {
		if c.indices[name] == nil && c.streams[name] == nil && c.aliased(name) == "" {
			if err := c.autoCreates(step, name); err != nil {
				return err
			}
			c.addIndex(name, IndexOptions{})
		}
		s, err := c.write(step, name, id)
		if err != nil {
			return err
		}
		s.apply(id, source, false)
		return nil
	})
}

// Delete removes a document.
func (c *Cluster) Delete(ctx context.Context, name, id string) error {
	step := "delete document from " + name
	return c.change(ctx, "Delete", step, func() error {
		s, err := c.write(step, name, id)
		if err != nil {
			return err
		}
		if _, ok := s.documents[id]; !ok {
			return fail(step, 404, "not_found", "no such document")
		}
		s.apply(id, "", true)
		return nil
	})
}

// Documents of one index or data stream, by id, for whoever may search.
func (v *Caller) Documents(ctx context.Context, name string) (out []Document, err error) {
	step := "read documents of " + name
	err = v.do(ctx, "Documents", step, []string{"indices:data/read/search"}, func(c *Cluster) error {
		list, err := c.resolve(step, []string{name})
		if err != nil {
			return err
		}
		for _, i := range list {
			for _, s := range i.shards {
				for _, d := range s.documents {
					out = append(out, Document{ID: d.ID, Version: d.Version, SeqNo: d.SeqNo, Source: d.Source})
				}
			}
		}
		sort.Slice(out, func(a, b int) bool { return out[a].ID < out[b].ID })
		return nil
	})
	return out, err
}

// flush makes the pending operations a segment, and merges when there are many.
func (s *shard) flush(newName func() string) {
	if len(s.pending) == 0 {
		return
	}
	operations := s.pending
	s.pending = nil
	if len(s.segments)+1 >= mergeAt {
		s.segments, operations = nil, nil
		for _, id := range sortedKeys(s.documents) {
			operations = append(operations, s.documents[id])
		}
	}
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	for _, op := range operations {
		_ = encoder.Encode(op) // a strings.Builder and strings cannot fail
	}
	s.segments = append(s.segments, segment{name: newName(), body: []byte(body.String())})
}

// files that its analyzers read.
func (s settings) files() []string {
	if s.Synonyms == "" {
		return nil
	}
	return []string{s.Synonyms}
}
