package opensearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Block one index, drained.
func (c *Client) Block(ctx context.Context, index string) error {
	step := "block writes to index " + index
	var answer struct {
		Shards  bool `json:"shards_acknowledged"`
		Indices []struct {
			Name    string `json:"name"`
			Blocked bool   `json:"blocked"`
		} `json:"indices"`
	}
	err := c.call(ctx, c.changes, step, http.MethodPut, "/"+url.PathEscape(index)+"/_block/write", nil, &answer)
	if e, ok := asError(err); ok {
		switch {
		case strings.Contains(e.Reason, "data stream write indices"):
			return fmt.Errorf("%s: %w", step, ErrWriteIndex)
		case notOffered(err), strings.Contains(e.Reason, "is not allowed"): // the service's word for a path it does not pass on
			return fmt.Errorf("%s: %w", step, ErrNotOffered)
		}
	}
	if err != nil {
		return err
	}
	if len(answer.Indices) == 0 {
		return fmt.Errorf("%s: %w", step, ErrAlreadyBlocked)
	}
	if len(answer.Indices) != 1 || answer.Indices[0].Name != index || !answer.Indices[0].Blocked || !answer.Shards {
		return fmt.Errorf("%s: %w", step, ErrNotDrained)
	}
	return nil
}

// Close one index.
func (c *Client) Close(ctx context.Context, index string) error {
	step := "close index " + index
	var answer struct {
		Acknowledged bool `json:"acknowledged"`
		Indices      map[string]struct {
			Closed bool `json:"closed"`
		} `json:"indices"`
	}
	err := c.call(ctx, c.changes, step, http.MethodPost, "/"+url.PathEscape(index)+"/_close", nil, &answer)
	if e, ok := asError(err); ok {
		switch {
		case strings.Contains(e.Reason, "data stream write indices"):
			return fmt.Errorf("%s: %w", step, ErrWriteIndex)
		case notOffered(err), strings.Contains(e.Reason, "is not allowed"):
			return fmt.Errorf("%s: %w", step, ErrNotOffered)
		}
	}
	if err != nil {
		return err
	}
	// Of one that is closed already the engine names no index.
	if i, asked := answer.Indices[index]; !answer.Acknowledged || asked && !i.Closed {
		return fmt.Errorf("%s: the engine does not confirm it; ask again", step)
	}
	return nil
}

// SetWriteBlock by the setting.
func (c *Client) SetWriteBlock(ctx context.Context, indices []string, on bool) error {
	var value any // nil removes the setting, as if it had never been there
	if on {
		value = true
	}
	for some := range Lots(indices) {
		if err := c.settings(ctx, "set write block", names(some), map[string]any{"index.blocks.write": value}); err != nil {
			return err
		}
	}
	return nil
}

// LiftDiskBlock by the setting, which must be the only one of the call.
func (c *Client) LiftDiskBlock(ctx context.Context, indices []string) error {
	for some := range Lots(indices) {
		if err := c.settings(ctx, "lift the disk's block", names(some), map[string]any{"index.blocks." + DiskBlock: nil}); err != nil {
			return err
		}
	}
	return nil
}

// HalfBlocked asks for the blocks of the cluster's state. A block that a _block call
// has begun and not completed has a UUID; a complete one, and one by the setting,
// has none. 8 is the engine's number of the write block
// (IndexMetadata.INDEX_WRITE_BLOCK).
func (c *Client) HalfBlocked(ctx context.Context) ([]string, error) {
	var answer struct {
		Blocks struct {
			Indices map[string]struct {
				Write struct {
					UUID string `json:"uuid"`
				} `json:"8"`
			} `json:"indices"`
		} `json:"blocks"`
	}
	if err := c.get(ctx, "read the cluster's blocks", "/_cluster/state/blocks?filter_path=blocks.indices.*.8.uuid", &answer); err != nil {
		return nil, err
	}
	var list []string
	for name, b := range answer.Blocks.Indices {
		if b.Write.UUID != "" {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, nil
}

// DiskBlock is what the disk's flood stage sets on an index: no document is
// written or deleted, and no other setting changes.
const DiskBlock = "read_only_allow_delete"

func (c *Client) settings(ctx context.Context, step, path string, body map[string]any) error {
	return c.change(ctx, step, http.MethodPut, "/"+path+"/_settings", body)
}

// ownBlocks are the ones that a user sets; read_only_allow_delete is not.
var ownBlocks = []string{"metadata", "read", "read_only", "write"}

// shut are the blocks under which the engine takes no other change of settings
// than to lift that one alone.
var shut = []string{"metadata", "read_only"}

// UserBlocks are those of a list that an index's user sets, and that travel with
// it; foreign are the others: the source disk's read_only_allow_delete, and what
// only the source's own nodes can mean, such as search_only.
func UserBlocks(blocks []string) (users, foreign []string) {
	for _, b := range blocks {
		if slices.Contains(ownBlocks, b) {
			users = append(users, b)
		} else {
			foreign = append(foreign, b)
		}
	}
	return users, foreign
}

// GiveBlocks to a lot.
func (c *Client) GiveBlocks(ctx context.Context, lot, blocks []string) error {
	const step = "give blocks back"
	if err := knownBlocks(step, blocks); err != nil || len(lot) == 0 {
		return err
	}
	return c.settings(ctx, step, names(lot), blockSettings(blocks))
}

func knownBlocks(step string, blocks []string) error {
	if _, foreign := UserBlocks(blocks); len(foreign) > 0 {
		return fmt.Errorf("%s: %q is none of %s", step, foreign[0], strings.Join(ownBlocks, ", "))
	}
	return nil
}

// blockSettings are exactly these blocks.
func blockSettings(blocks []string) map[string]any {
	body := map[string]any{}
	for _, b := range ownBlocks {
		body["index.blocks."+b] = nil
		if slices.Contains(blocks, b) {
			body["index.blocks."+b] = true
		}
	}
	return body
}

// SetBlocks of one index.
func (c *Client) SetBlocks(ctx context.Context, index string, blocks []string) error {
	step := "set blocks of index " + index
	if err := knownBlocks(step, blocks); err != nil {
		return err
	}
	has, err := c.blocks(ctx, step, index)
	if err != nil {
		return err
	}
	same := func(b string) bool { return slices.Contains(has, b) == slices.Contains(blocks, b) }
	if !slices.ContainsFunc(ownBlocks, func(b string) bool { return !same(b) }) {
		return nil
	}
	for _, b := range shut {
		if slices.Contains(has, b) {
			if err := c.settings(ctx, step, url.PathEscape(index), map[string]any{"index.blocks." + b: nil}); err != nil {
				return err
			}
		}
	}
	return c.settings(ctx, step, url.PathEscape(index), blockSettings(blocks))
}

func (c *Client) blocks(ctx context.Context, step, index string) ([]string, error) {
	var state metadata
	path := "/_cluster/state/metadata/" + url.PathEscape(index) + "?expand_wildcards=all&filter_path=" +
		"metadata.indices.*.state,metadata.indices.*.settings.index.blocks"
	if err := c.get(ctx, step, path, &state); err != nil {
		return nil, err
	}
	found, ok := state.Metadata.Indices[index]
	if !ok {
		return nil, &Error{Step: step, Status: http.StatusNotFound, Type: "index_not_found_exception", Reason: "no such index [" + index + "]"}
	}
	var list []string
	for b, on := range found.Index.Index.Blocks {
		if fmt.Sprint(on) == "true" {
			list = append(list, b)
		}
	}
	return list, nil
}

// The cluster settings of the fence.
const (
	autoCreate = "action.auto_create_index"
	ismEnabled = "plugins.index_state_management.enabled"
)

type clusterSettings struct {
	Persistent map[string]any `json:"persistent"`
	Transient  map[string]any `json:"transient"`
	Defaults   map[string]any `json:"defaults"`
}

// inForce is the first that is set: transient ones win.
func (s clusterSettings) inForce(key string) (string, bool) {
	for _, level := range []map[string]any{s.Transient, s.Persistent} {
		switch v := level[key].(type) {
		case nil:
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = fmt.Sprint(v[i])
			}
			return strings.Join(parts, ","), true
		default:
			return fmt.Sprint(v), true
		}
	}
	return "", false
}

const settingsPath = "/_cluster/settings?flat_settings=true"

// putClusterSetting persistently. A transient value, which would override it, is taken
// away where there is one, and not named else: the managed service lets through only
// the forms that it knows (H75).
func (c *Client) putClusterSetting(ctx context.Context, step, key string, value any) error {
	var have clusterSettings
	if err := c.get(ctx, step, settingsPath, &have); err != nil {
		return err
	}
	body := map[string]any{"persistent": map[string]any{key: value}}
	if _, set := have.Transient[key]; set {
		body["transient"] = map[string]any{key: nil}
	}
	return refusedSetting(step, c.change(ctx, step, http.MethodPut, "/_cluster/settings", body))
}

// refusedSetting maps a refusal that is the same the next time: the service does not
// take this payload, or settings of an earlier version make the engine refuse every one.
func refusedSetting(step string, err error) error {
	e, ok := asError(err)
	switch {
	case !ok:
		return err
	case IsForbidden(err) && e.Type != "security_exception" && strings.Contains(e.Reason, "is not allowed"): // the service's own word, not the engine's
		return fmt.Errorf("%s: %w: %w", step, ErrNotOffered, err)
	case e.Status == http.StatusBadRequest && strings.Contains(e.Reason, "["+archived):
		return fmt.Errorf("%s: %w: %w", step, ErrArchivedSettings, err)
	}
	return err
}

// archived begins the name of a setting that this engine does not know: it keeps it
// from an earlier version, and refuses every change while it is there
// (opensearch-project/OpenSearch#8714, #20835).
const archived = "archived."

// ArchivedSettings of the cluster, by their names.
func (c *Client) ArchivedSettings(ctx context.Context) ([]string, error) {
	var have clusterSettings
	if err := c.get(ctx, "read archived settings", settingsPath, &have); err != nil {
		return nil, err
	}
	names := []string{}
	for _, level := range []map[string]any{have.Persistent, have.Transient} {
		for name := range level {
			if strings.HasPrefix(name, archived) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// AutoCreate of indexes.
func (c *Client) AutoCreate(ctx context.Context) (value string, set bool, err error) {
	var answer clusterSettings
	if err := c.get(ctx, "read "+autoCreate, settingsPath, &answer); err != nil {
		return "", false, err
	}
	value, set = answer.inForce(autoCreate)
	return value, set, nil
}

// SetAutoCreate of indexes.
func (c *Client) SetAutoCreate(ctx context.Context, value string, set bool) error {
	const step = "set " + autoCreate
	if set {
		return c.putClusterSetting(ctx, step, autoCreate, value)
	}
	err := c.putClusterSetting(ctx, step, autoCreate, nil)
	if errors.Is(err, ErrNotOffered) {
		// The service may take a value and refuse to take one away
		// (phillbaker/terraform-provider-elasticsearch#288): this is the engine's default.
		return c.putClusterSetting(ctx, step, autoCreate, "true")
	}
	return err
}

// ISM reads the switch of index state management. A cluster without the plugin
// does not know the setting, not even its default.
func (c *Client) ISM(ctx context.Context) (bool, error) {
	const step = "read " + ismEnabled
	var answer clusterSettings
	path := "/_cluster/settings?include_defaults=true&flat_settings=true&filter_path=*." + ismEnabled
	if err := c.get(ctx, step, path, &answer); err != nil {
		return false, err
	}
	value, set := answer.inForce(ismEnabled)
	if !set {
		byDefault, ok := answer.Defaults[ismEnabled]
		if !ok {
			return false, fmt.Errorf("%s: %w", step, ErrNotOffered)
		}
		value = fmt.Sprint(byDefault)
	}
	return value == "true", nil
}

// SetISM switches index state management.
func (c *Client) SetISM(ctx context.Context, on bool) error {
	const step = "set " + ismEnabled
	err := c.putClusterSetting(ctx, step, ismEnabled, on)
	if e, ok := asError(err); ok && e.Status == http.StatusBadRequest && strings.Contains(e.Reason, "not recognized") {
		return fmt.Errorf("%s: %w", step, ErrNotOffered)
	}
	return err
}
