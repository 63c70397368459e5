package opensearch

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SetSettings of one index.
func (c *Client) SetSettings(ctx context.Context, index string, settings map[string]string) error {
	return c.change(ctx, "set settings of index "+index, http.MethodPut, "/"+url.PathEscape(index)+"/_settings", settings)
}

// Nodes with the role data.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	var answer struct {
		Nodes map[string]struct {
			Name       string            `json:"name"`
			Host       string            `json:"host"`
			IP         string            `json:"ip"`
			Roles      []string          `json:"roles"`
			Attributes map[string]string `json:"attributes"`
		} `json:"nodes"`
	}
	const path = "/_nodes?filter_path=nodes.*.name,nodes.*.host,nodes.*.ip,nodes.*.roles,nodes.*.attributes"
	if err := c.get(ctx, "list nodes", path, &answer); err != nil {
		return nil, err
	}
	var list []Node
	for id, n := range answer.Nodes {
		if !slices.Contains(n.Roles, "data") {
			continue
		}
		node := Node{Attributes: map[string]string{"_id": id, "_name": n.Name, "_host": n.Host, "_ip": n.IP, "_host_ip": n.IP, "_publish_ip": n.IP}}
		for k, v := range n.Attributes {
			node.Attributes[k] = v
		}
		list = append(list, node)
	}
	return list, nil
}

// Disks of the nodes with the role data.
func (c *Client) Disks(ctx context.Context) (int64, error) {
	var answer struct {
		Nodes map[string]struct {
			Roles []string `json:"roles"`
			FS    struct {
				Total struct {
					Bytes int64 `json:"total_in_bytes"`
				} `json:"total"`
			} `json:"fs"`
		} `json:"nodes"`
	}
	const path = "/_nodes/stats/fs?filter_path=nodes.*.roles,nodes.*.fs.total.total_in_bytes"
	if err := c.get(ctx, "read the nodes' disks", path, &answer); err != nil {
		return 0, err
	}
	var total int64
	for _, n := range answer.Nodes {
		if slices.Contains(n.Roles, "data") {
			total += n.FS.Total.Bytes
		}
	}
	return total, nil
}

// Fits reports whether nodes can hold an index that is bound by settings: some of
// them pass every filter, and they are enough for its shards by the limit of each.
// A wildcard in a filter fits nothing here, which is only told.
func (i Index) Fits(nodes []Node) bool {
	fit := 0
	for _, n := range nodes {
		passes := true
		for setting, value := range i.Bound {
			kind, attribute, ok := strings.Cut(strings.TrimPrefix(setting, "index.routing.allocation."), ".")
			if !ok {
				continue
			}
			has := slices.Contains(strings.Split(value, ","), n.Attributes[attribute]) && n.Attributes[attribute] != ""
			passes = passes && has != (kind == "exclude")
		}
		if passes {
			fit++
		}
	}
	if most, err := strconv.Atoi(i.Bound[totalShards]); err == nil {
		return fit*most >= i.Primaries*(1+i.Replicas)
	}
	return fit > i.Replicas
}
