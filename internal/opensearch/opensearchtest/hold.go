package opensearchtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

const (
	filters     = "index.routing.allocation."
	totalShards = "index.routing.allocation.total_shards_per_node"
)

// PutSetting gives an index one of the settings that tie it to its nodes. Its
// shards stay where they are, though none may be put there again.
func (c *Cluster) PutSetting(ctx context.Context, name, setting, value string) error {
	step := "put setting " + setting + " of index " + name
	return c.change(ctx, "PutSetting", step, func() error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		i.bind(setting, value)
		return nil
	})
}

func (i *index) bind(setting, value string) {
	bound := map[string]string{}
	for k, v := range i.Bound {
		bound[k] = v
	}
	bound[setting] = value
	if value == "" {
		delete(bound, setting)
	}
	i.Bound = bound
	i.versions.Metadata++
	i.versions.Settings++
}

// SortIndex makes an index a sorted one, as a template does at its creation.
func (c *Cluster) SortIndex(name string) {
	c.set(func(*faults) { c.indices[name].Sorted = true })
}

// SetSettings of one index.
func (v *Caller) SetSettings(ctx context.Context, name string, settings map[string]string) error {
	step := "set settings of index " + name
	return v.do(ctx, "SetSettings", step, []string{"indices:admin/settings/update"}, func(c *Cluster) error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		if text, ok := settings["index.number_of_replicas"]; ok {
			after := i.settings
			if after.Replicas, err = strconv.Atoi(text); err != nil {
				return fail(step, 400, "illegal_argument_exception", "Failed to parse value [%s] for setting [index.number_of_replicas]", text)
			}
			if err := c.mayHold(step, after, len(i.shards), c.shardCount()-len(i.shards)*(1+i.Replicas)); err != nil {
				return err
			}
			i.Replicas = after.Replicas
			i.versions.Settings++
		}
		for _, setting := range sortedKeys(settings) {
			if strings.HasPrefix(setting, filters) {
				i.bind(setting, settings[setting])
			}
		}
		return nil
	})
}

// Nodes is the one there is.
func (v *Caller) Nodes(ctx context.Context) (list []opensearch.Node, err error) {
	err = v.do(ctx, "Nodes", "list nodes", []string{"cluster:monitor/nodes/info"}, func(*Cluster) error {
		list = []opensearch.Node{{Attributes: map[string]string{"_name": "node"}}}
		return nil
	})
	return list, err
}

// Disks of the one node; 1 TiB unless SetDisks said otherwise.
func (v *Caller) Disks(ctx context.Context) (total int64, err error) {
	err = v.do(ctx, "Disks", "read the nodes' disks", []string{"cluster:monitor/nodes/stats"}, func(c *Cluster) error {
		total = c.recovery.disks
		if total == 0 {
			total = 1 << 40
		}
		return nil
	})
	return total, err
}

// SetDisks gives the node a disk of so many bytes. Nothing here fills it.
func (c *Cluster) SetDisks(total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recovery.disks = total
}

func (c *Cluster) shardCount() int {
	n := 0
	for _, i := range c.indices {
		if i.open {
			n += len(i.shards) * (1 + i.Replicas)
		}
	}
	return n
}

// mayHold is what the engine asks of each index of a restore before it begins: a
// refusal ends the whole call. The limit is asked of each by itself, so indexes
// that pass it only together are taken (H79).
func (c *Cluster) mayHold(step string, s settings, primaries, there int) error {
	copies := 1 + s.Replicas
	if limit := c.recovery.limit; limit > 0 && there+primaries*copies > limit {
		return fail(step, 400, "validation_exception", "Validation Failed: 1: this action would add [%d] total LOCAL_ONLY shards, but this cluster currently has [%d]/[%d] maximum LOCAL_ONLY shards open;", primaries*copies, there, limit)
	}
	if zones := c.recovery.zones; zones > 0 && copies%zones != 0 {
		return fail(step, 400, "validation_exception", "Validation Failed: 1: expected total copies needs to be a multiple of total awareness attributes [%d];", zones)
	}
	return nil
}

// unplaced is why the one node, named "node", does not take a shard of an index
// that is restored; empty: it does.
func (c *Cluster) unplaced(s settings, shard int) string {
	for setting, value := range s.Bound {
		kind, attribute, _ := strings.Cut(strings.TrimPrefix(setting, filters), ".")
		fits := attribute == "_name" && slices.Contains(strings.Split(value, ","), "node")
		if kind == "require" && !fits || kind == "include" && !fits || kind == "exclude" && fits {
			return fmt.Sprintf("no node may hold it: node does not match index setting [%s] filters [%s:%q]", filters+kind, attribute, value)
		}
	}
	if most, err := strconv.Atoi(s.Bound[totalShards]); err == nil && most >= 0 && shard >= most {
		return fmt.Sprintf("no node may hold it: too many shards [%d] allocated to this node for index, index setting [%s=%d]", most, totalShards, most)
	}
	if s.Synonyms != "" && !c.recovery.files[s.Synonyms] {
		return fmt.Sprintf("IllegalArgumentException[IOException while reading synonyms_path: %s]", s.Synonyms)
	}
	// OpenSearch 3.3 and 3.4 want a parent field that a restored shard does not have
	// (https://github.com/opensearch-project/OpenSearch/issues/20073).
	if s.Sorted && slices.ContainsFunc([]string{"3.3.", "3.4."}, func(v string) bool { return strings.HasPrefix(c.options.Version, v) }) {
		return "IllegalArgumentException[can't add field [__nested_parent] as parent document field; this IndexWriter has no parent document field configured]"
	}
	return ""
}
