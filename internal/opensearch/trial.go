package opensearch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Trial is what `osdr doctor` does with an index of its own, beside what Domain and
// Recovery offer. Nothing else of the product makes, writes or opens an index.
type Trial interface {
	CreateTrial(ctx context.Context, index string) error
	// WriteTrial of one document.
	WriteTrial(ctx context.Context, index, id string) error
	OpenTrial(ctx context.Context, index string) error
	// RemoveRepository takes a registration away, not what it wrote. Absent is a
	// success.
	RemoveRepository(ctx context.Context, name string) error
	// RecoveryRate reads indices.recovery.max_bytes_per_sec; set is false where it is
	// the engine's default.
	RecoveryRate(ctx context.Context) (value string, set bool, err error)
	// SetRecoveryRate writes it persistently, or removes it.
	SetRecoveryRate(ctx context.Context, value string, set bool) error
}

var _ Trial = (*Client)(nil)

// TrialPermissions are on indexes of the doctor's own names and no others. They are
// mapped while it is at work, beside the recovery function's own roles.
func TrialPermissions(pattern string) Role {
	return Role{
		ClusterPermissions: []string{
			"indices:data/write/bulk", // WriteTrial: the engine writes one document as a bulk of one
		},
		IndexPermissions: []IndexPermission{{
			IndexPatterns: []string{pattern},
			AllowedActions: []string{
				"indices:admin/create",                             // CreateTrial
				"indices:data/write/index",                         // WriteTrial
				"indices:data/write/bulk*",                         // WriteTrial
				"indices:admin/open*",                              // OpenTrial
				"indices:admin/delete", "indices:admin/block/add*", // the clean-up, and the block
				"indices:admin/settings/update", // its lift
			},
		}},
	}
}

// CreateTrial makes it with one shard; its document's fields are not mapped, so
// that no write changes the cluster's state.
func (c *Client) CreateTrial(ctx context.Context, index string) error {
	body := map[string]any{
		"settings": map[string]any{"index.number_of_shards": 1}, "mappings": map[string]any{"dynamic": false},
	}
	return c.change(ctx, "create index "+index, http.MethodPut, "/"+url.PathEscape(index), body)
}

// WriteTrial of one document.
func (c *Client) WriteTrial(ctx context.Context, index, id string) error {
	path := "/" + url.PathEscape(index) + "/_doc/" + url.PathEscape(id)
	return c.change(ctx, "write a document into "+index, http.MethodPut, path, map[string]any{"written_by": "osdr doctor"})
}

// OpenTrial opens it after a Close.
func (c *Client) OpenTrial(ctx context.Context, index string) error {
	return c.change(ctx, "open index "+index, http.MethodPost, "/"+url.PathEscape(index)+"/_open", nil)
}

// RemoveRepository takes a registration away.
func (c *Client) RemoveRepository(ctx context.Context, name string) error {
	err := c.change(ctx, "remove repository "+name, http.MethodDelete, repositoryPath(name), nil)
	if IsRepositoryMissing(err) {
		return nil
	}
	return err
}

const recoveryRate = "indices.recovery.max_bytes_per_sec"

// RecoveryRate of a node's recoveries, restores among them.
func (c *Client) RecoveryRate(ctx context.Context) (value string, set bool, err error) {
	var answer clusterSettings
	// The filter takes a dot for a step, and a flat name is one: a star stands for them.
	path := "/_cluster/settings?include_defaults=true&flat_settings=true&filter_path=*." + strings.ReplaceAll(recoveryRate, ".", "*")
	if err := c.get(ctx, "read "+recoveryRate, path, &answer); err != nil {
		return "", false, err
	}
	if value, set = answer.inForce(recoveryRate); set {
		return value, true, nil
	}
	byDefault, ok := answer.Defaults[recoveryRate]
	if !ok {
		return "", false, fmt.Errorf("read %s: %w", recoveryRate, ErrNotOffered)
	}
	return fmt.Sprint(byDefault), false, nil
}

// SetRecoveryRate of a node's recoveries.
func (c *Client) SetRecoveryRate(ctx context.Context, value string, set bool) error {
	var put any
	if set {
		put = value
	}
	return c.putClusterSetting(ctx, "set "+recoveryRate, recoveryRate, put)
}
