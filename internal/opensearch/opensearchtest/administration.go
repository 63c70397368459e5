package opensearchtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// change runs an application's or administrator's operation.
func (c *Cluster) change(ctx context.Context, call, step string, f func() error) error {
	return c.do(ctx, call, step, nil, func(*Cluster) error { return f() })
}

func (c *Cluster) index(step, name string) (*index, error) {
	i := c.indices[name]
	if i == nil {
		return nil, fail(step, 404, "index_not_found_exception", "no such index [%s]", name)
	}
	return i, nil
}

// CreateIndex makes an empty index. The name of one that exists is a 400.
func (c *Cluster) CreateIndex(ctx context.Context, name string, o IndexOptions) error {
	step := "create index " + name
	return c.change(ctx, "CreateIndex", step, func() error {
		if c.indices[name] != nil || c.streams[name] != nil {
			return fail(step, 400, "resource_already_exists_exception", "index [%s] already exists", name)
		}
		c.addIndex(name, o)
		return nil
	})
}

// DeleteIndex removes it with all its documents.
func (c *Cluster) DeleteIndex(ctx context.Context, name string) error {
	step := "delete index " + name
	return c.change(ctx, "DeleteIndex", step, func() error {
		return c.remove(step, name)
	})
}

func (c *Cluster) remove(step, name string) error {
	i, err := c.index(step, name)
	if err != nil {
		return err
	}
	if err := c.inSnapshot(step, name); err != nil {
		return err
	}
	if i.stream != "" {
		s := c.streams[i.stream]
		if s.Indices[len(s.Indices)-1] == name {
			return fail(step, 400, "illegal_argument_exception", "index [%s] is the write index for data stream [%s] and cannot be deleted", name, i.stream)
		}
		s.Indices = slices.DeleteFunc(slices.Clone(s.Indices), func(b string) bool { return b == name })
	}
	delete(c.indices, name)
	return nil
}

// inSnapshot refuses to delete or close what a snapshot is about to copy.
func (c *Cluster) inSnapshot(step, name string) error {
	for _, s := range c.running {
		if s.indices[name] != nil {
			return fail(step, 400, "snapshot_in_progress_exception", "Cannot delete or close indices that are being snapshotted: [[%s]]", name)
		}
	}
	return nil
}

// CloseIndex closes it; a data stream's write index cannot be (H23).
func (c *Cluster) CloseIndex(ctx context.Context, name string) error {
	step := "close index " + name
	return c.change(ctx, "CloseIndex", step, func() error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		if c.writeIndex(i) {
			return fail(step, 400, "illegal_argument_exception", "cannot close the following data stream write indices [%s]", name)
		}
		return c.close(step, i)
	})
}

// OpenIndex opens it again, with what was in it and the blocks it had.
func (c *Cluster) OpenIndex(ctx context.Context, name string) error {
	step := "open index " + name
	return c.change(ctx, "OpenIndex", step, func() error {
		i, err := c.index(step, name)
		switch {
		case err != nil:
			return err
		case i.open:
			return nil
		case i.blocks["read_only"] || i.blocks["metadata"]:
			return shut(step, i)
		}
		i.open = true
		i.versions.Metadata++
		i.versions.Settings++
		return nil
	})
}

func (c *Cluster) close(step string, i *index) error {
	if !i.open {
		return nil
	}
	if err := c.inSnapshot(step, i.name); err != nil {
		return err
	}
	i.open = false
	for _, s := range i.shards {
		s.term++ // its shards start again, closed
	}
	i.versions.Metadata++
	i.versions.Settings++
	return nil
}

// SetBlock sets or clears one of index.blocks.*, such as "write", by settings.
func (c *Cluster) SetBlock(ctx context.Context, name, block string, on bool) error {
	step := "set block of index " + name
	return c.change(ctx, "SetBlock", step, func() error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		i.setBlock(block, on)
		return nil
	})
}

// SetPipeline sets a setting that names a pipeline, such as index.default_pipeline.
// The engine does not ask whether it exists.
func (c *Cluster) SetPipeline(ctx context.Context, name, setting, pipeline string) error {
	step := "set " + setting + " of index " + name
	return c.change(ctx, "SetPipeline", step, func() error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		if i.pipelines == nil {
			i.pipelines = map[string]string{}
		}
		i.pipelines[setting] = pipeline
		i.versions.Metadata++
		i.versions.Settings++
		return nil
	})
}

// PutScript stores one.
func (c *Cluster) PutScript(ctx context.Context, id, lang, source string) error {
	return c.change(ctx, "PutScript", "put script "+id, func() error {
		next := maps.Clone(c.capsule.StoredScripts)
		if next == nil {
			next = map[string]map[string]any{}
		}
		next[id] = map[string]any{"lang": lang, "source": source}
		c.capsule.StoredScripts = next
		return nil
	})
}

// PutAlias adds an alias to one index.
func (c *Cluster) PutAlias(ctx context.Context, name, alias string) error {
	step := "put alias " + alias
	return c.change(ctx, "PutAlias", step, func() error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		i.aliases[alias] = map[string]any{}
		i.versions.Metadata++
		i.versions.Aliases++
		return nil
	})
}

// CreateDataStream makes the stream and its first backing index.
func (c *Cluster) CreateDataStream(ctx context.Context, name string) error {
	step := "create data stream " + name
	return c.change(ctx, "CreateDataStream", step, func() error {
		if c.streams[name] != nil || c.indices[name] != nil {
			return fail(step, 400, "resource_already_exists_exception", "data_stream [%s] already exists", name)
		}
		c.streams[name] = &stream{}
		c.rollover(name)
		return nil
	})
}

// Rollover gives the stream a new write index.
func (c *Cluster) Rollover(ctx context.Context, name string) error {
	step := "roll over data stream " + name
	return c.change(ctx, "Rollover", step, func() error {
		if c.streams[name] == nil {
			return fail(step, 404, "index_not_found_exception", "no such index [%s]", name)
		}
		c.rollover(name)
		return nil
	})
}

func (c *Cluster) rollover(name string) {
	for _, under := range c.running {
		if _, named := under.blob.DataStreams[name]; named {
			under.rolledOver = true
		}
	}
	s := c.streams[name]
	s.Generation++
	i := c.addIndex(fmt.Sprintf(".ds-%s-%06d", name, s.Generation), IndexOptions{Hidden: true})
	i.stream = name
	s.Indices = append(s.Indices, i.name)
}
