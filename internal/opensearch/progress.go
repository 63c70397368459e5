package opensearch

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// routing of primaries, and why one has no node.
type routing struct {
	Table struct {
		Indices map[string]struct {
			Shards map[string][]copyOf `json:"shards"`
		} `json:"indices"`
	} `json:"routing_table"`
}

// copyOf a shard.
type copyOf struct {
	State      string `json:"state"`
	Primary    bool   `json:"primary"`
	Unassigned struct {
		Details string `json:"details"`
		Status  string `json:"allocation_status"`
	} `json:"unassigned_info"`
}

type recoveries map[string]struct {
	Shards []struct {
		Primary bool `json:"primary"`
		Index   struct {
			Size struct {
				Total     int64 `json:"total_in_bytes"`
				Reused    int64 `json:"reused_in_bytes"`
				Recovered int64 `json:"recovered_in_bytes"`
			} `json:"size"`
		} `json:"index"`
	} `json:"shards"`
}

// Progress joins the routing table, which says what has started and what was
// given up, and the recoveries, which count bytes.
func (c *Client) Progress(ctx context.Context, indices []string) ([]IndexProgress, error) {
	const step = "read progress of restore"
	var list []IndexProgress
	for some := range Lots(indices) {
		var table routing
		path := "/_cluster/state/routing_table/" + names(some) + "?expand_wildcards=all&filter_path=routing_table.indices.*.shards.*.state," +
			"routing_table.indices.*.shards.*.primary,routing_table.indices.*.shards.*.unassigned_info"
		if err := c.get(ctx, step, path, &table); err != nil {
			return nil, err
		}
		var bytes recoveries
		path = "/" + names(some) + "/_recovery?filter_path=*.shards.primary,*.shards.index.size"
		if err := c.get(ctx, step, path, &bytes); err != nil {
			return nil, err
		}
		for _, name := range some {
			found, ok := table.Table.Indices[name]
			if !ok {
				return nil, &Error{Step: step, Status: http.StatusNotFound, Type: "index_not_found_exception", Reason: "no such index [" + name + "]"}
			}
			p := IndexProgress{Index: name}
			given := p.count(found.Shards)
			for _, shard := range bytes[name].Shards {
				if shard.Primary {
					p.BytesTotal += shard.Index.Size.Total
					p.BytesReused += shard.Index.Size.Reused
					p.BytesRecovered += shard.Index.Size.Recovered
				}
			}
			p.Done = p.ShardsTotal > 0 && p.ShardsDone == p.ShardsTotal
			if given != "" {
				if err := c.explain(ctx, &p, given); err != nil {
					return nil, err
				}
			}
			list = append(list, p)
		}
	}
	return list, nil
}

// count the primaries that have started, and answer the number of the first that
// the engine gave up on: after five attempts, or where no node may hold it, it
// ends the restore of the shard for good (RestoreService.unassignedInfoUpdated).
func (p *IndexProgress) count(shards map[string][]copyOf) (given string) {
	for _, number := range slices.Sorted(maps.Keys(shards)) {
		for _, shard := range shards[number] {
			if !shard.Primary {
				continue
			}
			p.ShardsTotal++
			switch {
			case shard.State == "STARTED" || shard.State == "RELOCATING":
				p.ShardsDone++
			case shard.State == "UNASSIGNED" && shard.Unassigned.Status == "deciders_no" && given == "":
				given = number
			}
		}
	}
	return given
}

// explanation of a shard that has no node, as far as it is asked for.
type explanation struct {
	Unassigned struct {
		Details string `json:"details"`
	} `json:"unassigned_info"`
	Nodes []struct {
		Deciders []struct {
			Decider     string `json:"decider"`
			Decision    string `json:"decision"`
			Explanation string `json:"explanation"`
		} `json:"deciders"`
	} `json:"node_allocation_decisions"`
}

// explain why the engine gave up on a shard: the failure of the last attempt, or
// what each node has against it. The routing table has no reason for a shard that
// was never tried, only that it waits for a restore (H84).
func (c *Client) explain(ctx context.Context, p *IndexProgress, shard string) error {
	number, err := strconv.Atoi(shard)
	if err != nil {
		return fmt.Errorf("read progress of restore: shard %q of %s", shard, p.Index)
	}
	var answer explanation
	body := map[string]any{"index": p.Index, "shard": number, "primary": true}
	err = c.call(ctx, c.reads, "explain the allocation of "+p.Index, http.MethodPost, "/_cluster/allocation/explain", body, &answer)
	switch e, ok := asError(err); {
	case ok && (IsForbidden(err) || e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound):
		// Not offered here, or the shard has a node by now.
	case err != nil:
		return err
	}
	p.Failed = "shard " + shard + ": " + answer.reason()
	p.Damaged = damaged(answer.Unassigned.Details)
	return nil
}

// reason in the engine's words: the innermost cause of a failed attempt, else each
// decider's no. Two deciders only repeat that the shard failed before.
func (x explanation) reason() string {
	const inner = "nested: "
	if details := x.Unassigned.Details; strings.Contains(details, "failed") {
		if at := strings.LastIndex(details, inner); at >= 0 {
			details = details[at+len(inner):]
		}
		return redact(details)
	}
	var no []string
	for _, node := range x.Nodes {
		for _, d := range node.Deciders {
			if d.Decision == "NO" && d.Decider != "restore_in_progress" && d.Decider != "max_retry" && !slices.Contains(no, d.Explanation) {
				no = append(no, d.Explanation)
			}
		}
	}
	if len(no) == 0 {
		return "no node may hold it"
	}
	return "no node may hold it: " + redact(strings.Join(no, "; "))
}

// damaged tells from the engine's chain of causes that it found a file of the
// repository missing, cut or changed. The names are those of its exceptions, which
// the contract suite holds to.
func damaged(details string) bool {
	if strings.Contains(details, "failed to create index") {
		return false // its settings name a file that is not here
	}
	return slices.ContainsFunc([]string{"NoSuchFileException", "no_such_file_exception", "CorruptIndexException", "corrupt_index_exception", "CorruptStateException", "SnapshotMissingException"},
		func(name string) bool { return strings.Contains(details, name) })
}
