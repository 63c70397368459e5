package opensearch

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// uuidShape is 16 bytes in URL-safe base64, the only thing that may become a
// path (H31).
var uuidShape = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// Info of GET /.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var answer struct {
		ClusterUUID string `json:"cluster_uuid"`
		Version     struct {
			Distribution string `json:"distribution"`
			Number       string `json:"number"`
		} `json:"version"`
	}
	if err := c.get(ctx, "read cluster info", "/", &answer); err != nil {
		return Info{}, err
	}
	if !uuidShape.MatchString(answer.ClusterUUID) {
		answer.ClusterUUID = ""
	}
	return Info{ClusterUUID: answer.ClusterUUID, Version: answer.Version.Number, Distribution: answer.Version.Distribution}, nil
}

type clusterHealth struct {
	Status  Health `json:"status"`
	Indices map[string]struct {
		Status Health `json:"status"`
	} `json:"indices"`
}

// Health of all indexes together.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var answer clusterHealth
	err := c.get(ctx, "read cluster health", "/_cluster/health?filter_path=status", &answer)
	return answer.Status, err
}

// metadata is the part of the cluster state that is asked for.
type metadata struct {
	Metadata struct {
		Indices map[string]struct {
			State    string `json:"state"`
			Version  int64  `json:"version"`
			Mapping  int64  `json:"mapping_version"`
			Settings int64  `json:"settings_version"`
			Aliases  int64  `json:"aliases_version"`
			// Terms of the primaries, by the number of the shard.
			Terms map[string]int64 `json:"primary_terms"`
			Index struct {
				Index indexSettings `json:"index"`
			} `json:"settings"`
		} `json:"indices"`
		DataStream struct {
			DataStream map[string]struct {
				Indices []struct {
					Name string `json:"index_name"`
				} `json:"indices"`
			} `json:"data_stream"`
		} `json:"data_stream"`
	} `json:"metadata"`
}

type indexSettings struct {
	UUID      string         `json:"uuid"`
	Hidden    string         `json:"hidden"`
	Primaries string         `json:"number_of_shards"`
	Blocks    map[string]any `json:"blocks"`
	Store     struct {
		Type string `json:"type"`
	} `json:"store"`
	Replicas string `json:"number_of_replicas"`
	Sort     struct {
		Field any `json:"field"` // one name, or a list
	} `json:"sort"`
	Analysis   any    `json:"analysis"` // of it, only what names files
	AutoExpand string `json:"auto_expand_replicas"`
	Routing    struct {
		Allocation struct {
			Require map[string]any `json:"require"`
			Include map[string]any `json:"include"`
			Exclude map[string]any `json:"exclude"`
			Total   string         `json:"total_shards_per_node"`
		} `json:"allocation"`
	} `json:"routing"`
}

// totalShards is the setting that bounds an index's shards on one node.
const totalShards = "index.routing.allocation.total_shards_per_node"

// bound settings tie an index to the nodes that it is on: a cluster with other
// nodes may be unable to hold it. nil: there are none.
func (s indexSettings) bound() map[string]string {
	a := s.Routing.Allocation
	out := map[string]string{}
	for kind, filters := range map[string]map[string]any{"require": a.Require, "include": a.Include, "exclude": a.Exclude} {
		for attribute, value := range filters {
			if text, ok := value.(string); ok && text != "" {
				out["index.routing.allocation."+kind+"."+attribute] = text
			}
		}
	}
	if a.Total != "" && a.Total != "-1" {
		out[totalShards] = a.Total
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// files that analyzers read: every leaf of what metadataPath asks for of analysis.
func files(analysis any) []string {
	var out []string
	switch v := analysis.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, x := range v {
			out = append(out, files(x)...)
		}
	case map[string]any:
		for _, x := range v {
			out = append(out, files(x)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tier of UltraWarm: its indexes are pinned to warm nodes, and the engine's
// searchable snapshots have a store of their own. A cold index is not part of
// the cluster and is in no list.
func (s indexSettings) tier() string {
	if t, _ := s.Routing.Allocation.Require["box_type"].(string); t == "warm" || t == "cold" {
		return t
	}
	if s.Store.Type == "remote_snapshot" {
		return "warm"
	}
	return ""
}

const metadataPath = "/_cluster/state/metadata?expand_wildcards=all&filter_path=" +
	"metadata.data_stream.data_stream.*.indices.index_name,metadata.indices.*.state,metadata.indices.*.version," +
	"metadata.indices.*.*_version,metadata.indices.*.primary_terms,metadata.indices.*.settings.index.uuid,metadata.indices.*.settings.index.hidden," +
	"metadata.indices.*.settings.index.number_of_shards,metadata.indices.*.settings.index.blocks," +
	"metadata.indices.*.settings.index.store.type,metadata.indices.*.settings.index.number_of_replicas," +
	"metadata.indices.*.settings.index.auto_expand_replicas,metadata.indices.*.settings.index.routing.allocation," +
	"metadata.indices.*.settings.index.sort.field,metadata.indices.*.settings.index.analysis.**.*_path," +
	"metadata.indices.*.settings.index.analysis.**.user_dictionary"

const statsQuery = "/_stats/docs,store?level=shards&expand_wildcards=all&forbid_closed_indices=false&filter_path=" +
	"indices.*.uuid,indices.*.shards.*.routing.primary,indices.*.shards.*.docs.count," +
	"indices.*.shards.*.store.size_in_bytes,indices.*.shards.*.seq_no.max_seq_no"

type stats struct {
	Indices map[string]struct {
		UUID   string `json:"uuid"`
		Shards map[string][]struct {
			Routing struct {
				Primary bool `json:"primary"`
			} `json:"routing"`
			Docs struct {
				Count int64 `json:"count"`
			} `json:"docs"`
			Store struct {
				Size int64 `json:"size_in_bytes"`
			} `json:"store"`
			SeqNo struct {
				Max int64 `json:"max_seq_no"`
			} `json:"seq_no"`
		} `json:"shards"`
	} `json:"indices"`
}

// hidden from everybody by index.blocks.metadata: one such index makes every
// question about all indexes a 403, so they are left out of it by name.
func (m metadata) hidden() []string {
	var names []string
	for name, i := range m.Metadata.Indices {
		if fmt.Sprint(i.Index.Index.Blocks["metadata"]) == "true" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// allBut is the path of all indexes but those that are hidden. More than one path
// takes are left out the other way round: the others are named (H67).
func (m metadata) allBut(hidden []string) []string {
	if len(hidden) == 0 {
		return []string{"/_all"}
	}
	if path := "/" + url.PathEscape("*,-"+strings.Join(hidden, ",-")); len(path) <= pathBytes {
		return []string{path}
	}
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(m.Metadata.Indices)), func(name string) bool { return slices.Contains(hidden, name) })
	var paths []string
	for some := range Lots(others) {
		paths = append(paths, "/"+names(some))
	}
	return paths
}

// Indices joins cluster state, health and statistics, by name. The state is
// what there is; an index that is made or deleted between the three questions
// lacks numbers or is left as the state had it. A node that does not answer the
// question for statistics is reported there by failed shards only, and its primaries
// are absent: such an index has fewer Shards than Primaries (H57).
func (c *Client) Indices(ctx context.Context) ([]Index, error) {
	var state metadata
	if err := c.get(ctx, "list indexes", metadataPath, &state); err != nil {
		return nil, err
	}
	var health clusterHealth
	err := c.get(ctx, "read health of indexes", "/_cluster/health?level=indices&expand_wildcards=all&filter_path=indices.*.status", &health)
	if err != nil {
		return nil, err
	}
	var numbers stats
	for _, path := range state.allBut(state.hidden()) {
		// Each answer is added to the map of those before it.
		if err := c.get(ctx, "read statistics of indexes", path+statsQuery, &numbers); err != nil {
			return nil, err
		}
	}
	return state.join(health, numbers)
}

// Look at one index, without its health and its data stream: two questions about this one, where a
// listing asks three about all (H65).
func (c *Client) Look(ctx context.Context, index string) (Index, error) {
	step := "look at index " + index
	var state metadata
	if err := c.get(ctx, step, strings.Replace(metadataPath, "/metadata?", "/metadata/"+url.PathEscape(index)+"?", 1), &state); err != nil {
		return Index{}, err
	}
	absent := &Error{Step: step, Status: http.StatusNotFound, Type: "index_not_found_exception", Reason: "no such index [" + index + "]"}
	if _, ok := state.Metadata.Indices[index]; !ok {
		return Index{}, absent
	}
	var numbers stats
	if len(state.hidden()) == 0 {
		if err := c.get(ctx, step, "/"+url.PathEscape(index)+statsQuery, &numbers); err != nil {
			return Index{}, err
		}
	}
	list, err := state.join(clusterHealth{}, numbers)
	if err != nil {
		return Index{}, err
	}
	at := slices.IndexFunc(list, func(i Index) bool { return i.Name == index })
	if at < 0 {
		return Index{}, absent
	}
	return list[at], nil
}

// join metadata, health and numbers, by name.
func (m metadata) join(health clusterHealth, numbers stats) ([]Index, error) {
	var err error
	state := m
	list := make([]Index, 0, len(state.Metadata.Indices))
	for name, m := range state.Metadata.Indices {
		s := m.Index.Index
		i := Index{
			Name: name, UUID: s.UUID, Open: m.State == "open", Hidden: s.Hidden == "true", Health: health.Indices[name].Status, Tier: s.tier(),
			MetadataVersion: m.Version, MappingVersion: m.Mapping, SettingsVersion: m.Settings, AliasesVersion: m.Aliases,
		}
		if i.Primaries, err = strconv.Atoi(s.Primaries); err != nil {
			return nil, fmt.Errorf("list indexes: number of shards of %s is %q", name, s.Primaries)
		}
		if i.Tier == "" { // a tier binds by a filter of the service's own
			i.Bound = s.bound()
		}
		i.Sorted, i.Files = s.Sort.Field != nil, files(s.Analysis)
		i.AutoExpand = strings.TrimPrefix(s.AutoExpand, "false")
		i.Replicas, _ = strconv.Atoi(s.Replicas) // an index of another tier may tell none
		for block, on := range s.Blocks {
			if fmt.Sprint(on) == "true" {
				i.Blocks = append(i.Blocks, block)
			}
		}
		sort.Strings(i.Blocks)
		if n := numbers.Indices[name]; n.UUID == s.UUID {
			for id, copies := range n.Shards {
				number, err := strconv.Atoi(id)
				if err != nil {
					return nil, fmt.Errorf("read statistics of indexes: shard %q of %s", id, name)
				}
				for _, copy := range copies {
					if copy.Routing.Primary {
						i.Shards = append(i.Shards, Shard{ID: number, MaxSeqNo: copy.SeqNo.Max, Term: m.Terms[id]})
						i.Documents += copy.Docs.Count
						i.Bytes += copy.Store.Size
					}
				}
			}
			sort.Slice(i.Shards, func(a, b int) bool { return i.Shards[a].ID < i.Shards[b].ID })
		}
		list = append(list, i)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Name < list[b].Name })
	state.markStreams(list)
	return list, nil
}

func (m metadata) markStreams(list []Index) {
	type member struct {
		stream string
		last   bool
	}
	members := map[string]member{}
	for stream, d := range m.Metadata.DataStream.DataStream {
		for n, i := range d.Indices {
			members[i.Name] = member{stream, n == len(d.Indices)-1}
		}
	}
	for n := range list {
		of := members[list[n].Name]
		list[n].DataStream, list[n].WriteIndex = of.stream, of.last
	}
}

// DataStreams by name, hidden ones too.
func (c *Client) DataStreams(ctx context.Context) ([]DataStream, error) {
	var state metadata
	if err := c.get(ctx, "list data streams", metadataPath, &state); err != nil {
		return nil, err
	}
	var list []DataStream
	for name, d := range state.Metadata.DataStream.DataStream {
		stream := DataStream{Name: name}
		for _, i := range d.Indices {
			stream.Indices = append(stream.Indices, i.Name)
		}
		list = append(list, stream)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Name < list[b].Name })
	return list, nil
}

// Refresh the named open indexes; a closed one is an error of the engine. None
// is none, not all. Some shards that fail are an error.
func (c *Client) Refresh(ctx context.Context, indices []string) error {
	const step = "refresh indexes"
	for some := range Lots(indices) {
		var answer struct {
			Shards shards `json:"_shards"`
		}
		if err := c.call(ctx, c.changes, step, http.MethodPost, "/"+names(some)+"/_refresh", nil, &answer); err != nil {
			return err
		}
		if s := answer.Shards; s.Failed > 0 {
			reason := "no reason given"
			if len(s.Failures) > 0 {
				reason = redact(s.Failures[0].Reason.sentence())
			}
			return fmt.Errorf("%s: %d of %d shards failed: %s", step, s.Failed, s.Total, reason)
		}
	}
	return nil
}

// names of a path: each escaped, commas between.
func names(list []string) string {
	escaped := make([]string, len(list))
	for i, n := range list {
		escaped[i] = url.PathEscape(n)
	}
	return strings.Join(escaped, ",")
}
