package opensearchtest

import (
	"context"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

var _ opensearch.Trial = (*Caller)(nil)

// CreateTrial makes an empty index.
func (v *Caller) CreateTrial(ctx context.Context, name string) error {
	step := "create index " + name
	return v.doOn(ctx, "CreateTrial", step, name, []string{"indices:admin/create"}, func(c *Cluster) error {
		if c.indices[name] != nil || c.streams[name] != nil {
			return fail(step, 400, "resource_already_exists_exception", "index [%s] already exists", name)
		}
		c.addIndex(name, IndexOptions{})
		return nil
	})
}

// WriteTrial of one document; an absent index is made where the setting lets it.
func (v *Caller) WriteTrial(ctx context.Context, name, id string) error {
	step := "write a document into " + name
	actions := []string{"indices:data/write/bulk", "indices:data/write/index", "indices:data/write/bulk[s]"}
	return v.doOn(ctx, "WriteTrial", step, name, actions, func(c *Cluster) error {
		if c.indices[name] == nil && c.streams[name] == nil {
			if err := c.autoCreates(step, name); err != nil {
				return err
			}
			c.addIndex(name, IndexOptions{})
		}
		s, err := c.write(step, name, id)
		if err != nil {
			return err
		}
		s.apply(id, `{"written_by":"osdr doctor"}`, false)
		return nil
	})
}

// OpenTrial opens it after a Close.
func (v *Caller) OpenTrial(ctx context.Context, name string) error {
	step := "open index " + name
	return v.doOn(ctx, "OpenTrial", step, name, []string{"indices:admin/open"}, func(c *Cluster) error {
		i, err := c.index(step, name)
		if err != nil || i.open {
			return err
		}
		i.open = true
		for _, s := range i.shards {
			s.term++
		}
		i.versions.Metadata++
		i.versions.Settings++
		return nil
	})
}

// RemoveRepository takes a registration away, unless it is in use.
func (v *Caller) RemoveRepository(ctx context.Context, name string) error {
	step := "remove repository " + name
	return v.do(ctx, "RemoveRepository", step, []string{"cluster:admin/repository/delete"}, func(c *Cluster) error {
		for _, r := range c.running {
			if r.repository.name == name {
				return fail(step, 500, "illegal_state_exception", "trying to modify or unregister repository that is currently used")
			}
		}
		delete(c.repos, name)
		return nil
	})
}

// RecoveryRate of the cluster.
func (v *Caller) RecoveryRate(ctx context.Context) (value string, set bool, err error) {
	err = v.do(ctx, "RecoveryRate", "read indices.recovery.max_bytes_per_sec", []string{"cluster:monitor/state"}, func(c *Cluster) error {
		value = "40mb"
		if p := c.recovery.rate; p != nil {
			value, set = *p, true
		}
		return nil
	})
	return value, set, err
}

// SetRecoveryRate of the cluster.
func (v *Caller) SetRecoveryRate(ctx context.Context, value string, set bool) error {
	return v.do(ctx, "SetRecoveryRate", "set indices.recovery.max_bytes_per_sec", []string{"cluster:admin/settings/update"}, func(c *Cluster) error {
		if err := c.refuseSetting("set indices.recovery.max_bytes_per_sec"); err != nil {
			return err
		}
		c.recovery.rate = nil
		if set {
			c.recovery.rate = &value
		}
		return nil
	})
}
