package opensearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	_ Recovery         = (*Client)(nil)
	_ SecurityRecovery = (*Client)(nil)
)

// Restore starts one.
func (c *Client) Restore(ctx context.Context, repository, snapshot string, r RestoreRequest) error {
	step := fmt.Sprintf("restore snapshot %s/%s", repository, snapshot)
	selected, err := r.selection(step)
	if err != nil {
		return err
	}
	if len(selected) == 0 {
		return nil
	}
	settings := map[string]any{}
	if r.WriteBlock {
		settings["index.blocks.write"] = true
	}
	if r.Replicas != nil {
		settings["index.number_of_replicas"], settings["index.auto_expand_replicas"] = *r.Replicas, "false"
	}
	ignored := []string{"index.blocks.*"}
	if r.Unbind {
		ignored = append(ignored, "index.routing.allocation.require.*", "index.routing.allocation.include.*", "index.routing.allocation.exclude.*", totalShards)
	}
	body := map[string]any{
		"indices": selected, "ignore_unavailable": false, "partial": false, "include_global_state": false, "include_aliases": false,
		"index_settings": settings, "ignore_index_settings": ignored,
	}
	return c.change(ctx, step, http.MethodPost, snapshotPath(repository, snapshot)+"/_restore?wait_for_completion=false", body)
}

// selection is the list that the engine with the security plugin understands.
// The plugin knows a snapshot's indexes and not its streams: a stream's name is a
// 404 to it, while the engine takes backing indexes alone for plain ones. So a
// stream is named twice: by its backing indexes for the plugin, and by a pattern
// that fits its name and no other one, which the plugin lets pass unmatched
// (seen on 3.4.0). Exclusions do not work: a stream's name in one is a 404, its
// backing indexes in one are a 500.
func (r RestoreRequest) selection(step string) ([]string, error) {
	wanted := map[string]bool{}
	var list []string
	add := func(name string) {
		if !wanted[name] {
			wanted[name] = true
			list = append(list, name)
		}
	}
	for _, name := range r.Indices {
		if !slices.Contains(r.All.Indices, name) {
			return nil, &Error{Step: step, Status: http.StatusNotFound, Type: indexMissing, Reason: "index " + name + " is not in the snapshot"}
		}
		add(name)
	}
	for _, stream := range r.DataStreams {
		if !slices.Contains(r.All.DataStreams, stream) {
			return nil, &Error{Step: step, Status: http.StatusNotFound, Type: indexMissing, Reason: "data stream " + stream + " is not in the snapshot"}
		}
		backing := regexp.MustCompile(`^\.ds-` + regexp.QuoteMeta(stream) + `-[0-9]{6,}$`)
		for _, name := range r.All.Indices {
			if backing.MatchString(name) {
				add(name)
			}
		}
	}
	for _, stream := range r.DataStreams {
		pattern, err := r.pattern(step, stream, wanted)
		if err != nil {
			return nil, err
		}
		list = append(list, pattern)
	}
	return list, nil
}

// pattern with one star that fits stream and, of the snapshot's names, only ones
// that are wanted too.
func (r RestoreRequest) pattern(step, stream string, wanted map[string]bool) (string, error) {
	fits := func(head, tail string) func(string) bool {
		return func(name string) bool {
			return len(name) >= len(stream) && strings.HasPrefix(name, head) && strings.HasSuffix(name, tail)
		}
	}
	for at := len(stream); at >= 0; at-- {
		fit := fits(stream[:at], stream[at:])
		strange := func(name string) bool { return fit(name) && !wanted[name] }
		other := func(name string) bool { return fit(name) && !slices.Contains(r.DataStreams, name) }
		if !slices.ContainsFunc(r.All.Indices, strange) && !slices.ContainsFunc(r.All.DataStreams, other) {
			return stream[:at] + "*" + stream[at:], nil
		}
	}
	return "", &Error{Step: step, Status: http.StatusBadRequest, Type: "illegal_argument_exception", Reason: "no pattern tells data stream " + stream + " from the snapshot's other names; restore those too"}
}

// RemoveIndex deletes it.
func (c *Client) RemoveIndex(ctx context.Context, index string) error {
	return c.remove(ctx, "delete index "+index, "/", index)
}

// RemoveDataStream deletes it and its backing indexes.
func (c *Client) RemoveDataStream(ctx context.Context, stream string) error {
	return c.remove(ctx, "delete data stream "+stream, "/_data_stream/", stream)
}

// remove one thing by its exact name: a pattern here would be a catastrophe.
func (c *Client) remove(ctx context.Context, step, path, name string) error {
	if name == "" || name == "_all" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "*,") {
		return fmt.Errorf("%s: that is not the name of one thing", step)
	}
	err := c.change(ctx, step, http.MethodDelete, path+url.PathEscape(name), nil)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Writing of all nodes.
func (c *Client) Writing(ctx context.Context) ([]string, error) {
	return c.tasks(ctx, "list running writes", "indices:data/write/*")
}

// Restoring of the manager.
func (c *Client) Restoring(ctx context.Context) ([]string, error) {
	return c.tasks(ctx, "list restores that begin", "cluster:admin/snapshot/restore*")
}

func (c *Client) tasks(ctx context.Context, step, actions string) ([]string, error) {
	var answer struct {
		Nodes map[string]struct {
			Tasks map[string]struct {
				Action string `json:"action"`
			} `json:"tasks"`
		} `json:"nodes"`
		NodeFailures []cause `json:"node_failures"`
		TaskFailures []struct {
			Reason cause `json:"reason"`
		} `json:"task_failures"`
	}
	if err := c.get(ctx, step, "/_tasks?actions="+actions, &answer); err != nil {
		return nil, err
	}
	if n := len(answer.NodeFailures) + len(answer.TaskFailures); n > 0 {
		return nil, errors.New(step + ": " + strconv.Itoa(n) + " nodes or tasks did not answer; ask again")
	}
	var list []string
	for _, node := range answer.Nodes {
		for id, task := range node.Tasks {
			list = append(list, id+" "+task.Action)
		}
	}
	slices.Sort(list)
	return list, nil
}
