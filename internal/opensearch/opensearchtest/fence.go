package opensearchtest

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// write is one that passed the blocks and is not acknowledged yet (H8).
type write struct {
	id       int64
	index    *index
	shard    *shard
	document string
	source   string
	applied  bool
}

// BeginWrite passes a write through the blocks and leaves it there: a bulk under
// way. FinishWrite ends it with that number.
func (c *Cluster) BeginWrite(ctx context.Context, name, id, source string) (number int64, err error) {
	step := "index document into " + name
	err = c.change(ctx, "BeginWrite", step, func() error {
		s, err := c.write(step, name, id)
		if err != nil {
			return err
		}
		if d := c.streams[name]; d != nil {
			name = d.Indices[len(d.Indices)-1]
		} else if to := c.aliased(name); to != "" {
			name = to
		}
		c.recovery.writeID++
		number = c.recovery.writeID
		c.recovery.writes = append(c.recovery.writes, &write{id: number, index: c.indices[name], shard: s, document: id, source: source})
		return nil
	})
	return number, err
}

// FinishWrite answers nil for a write that is done and acknowledged, whatever
// block was set by a setting meanwhile, and 404 when its index has gone.
func (c *Cluster) FinishWrite(ctx context.Context, number int64) error {
	step := fmt.Sprintf("finish write %d", number)
	return c.change(ctx, "FinishWrite", step, func() error {
		at := slices.IndexFunc(c.recovery.writes, func(w *write) bool { return w.id == number })
		if at < 0 {
			return fail(step, 404, "resource_not_found_exception", "no such write")
		}
		w := c.recovery.writes[at]
		c.recovery.writes = slices.Delete(c.recovery.writes, at, at+1)
		if c.indices[w.index.name] != w.index {
			return fail(step, 404, "index_not_found_exception", "no such index [%s]", w.index.name)
		}
		w.apply()
		return nil
	})
}

func (w *write) apply() {
	if !w.applied {
		w.applied = true
		w.shard.apply(w.document, w.source, false)
	}
}

// Writing lists writes that are under way.
func (v *Caller) Writing(ctx context.Context) (list []string, err error) {
	err = v.do(ctx, "Writing", "list running writes", []string{"cluster:monitor/tasks/lists"}, func(c *Cluster) error {
		for _, w := range c.recovery.writes {
			if !w.applied {
				list = append(list, fmt.Sprintf("node:%d indices:data/write/bulk", w.id))
			}
		}
		slices.Sort(list)
		return nil
	})
	return list, err
}

// Restoring lists the restores that have not begun, as RestoresBegin has it.
func (v *Caller) Restoring(ctx context.Context) (list []string, err error) {
	err = v.do(ctx, "Restoring", "list restores that begin", []string{"cluster:monitor/tasks/lists"}, func(c *Cluster) error {
		for n := range c.recovery.waiting {
			list = append(list, fmt.Sprintf("node:%d cluster:admin/snapshot/restore", n+1))
		}
		return nil
	})
	return list, err
}

// Look at one index.
func (v *Caller) Look(ctx context.Context, name string) (out opensearch.Index, err error) {
	step := "look at index " + name
	err = v.do(ctx, "Look", step, []string{"cluster:monitor/state", "indices:monitor/stats"}, func(c *Cluster) error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		out = c.describe(i)
		out.Health, out.DataStream, out.WriteIndex = "", "", false
		return nil
	})
	return out, err
}

// RemoveIndex deletes one, if it is there.
func (v *Caller) RemoveIndex(ctx context.Context, name string) error {
	step := "delete index " + name
	return v.do(ctx, "RemoveIndex", step, []string{"indices:admin/delete"}, func(c *Cluster) error {
		i := c.indices[name]
		if i == nil {
			return nil
		}
		if i.blocks["read_only"] || i.blocks["metadata"] {
			return shut(step, i)
		}
		return c.remove(step, name)
	})
}

// RemoveDataStream deletes one with its backing indexes, if it is there.
func (v *Caller) RemoveDataStream(ctx context.Context, name string) error {
	step := "delete data stream " + name
	return v.do(ctx, "RemoveDataStream", step, []string{"indices:admin/data_stream/delete"}, func(c *Cluster) error {
		s := c.streams[name]
		if s == nil {
			return nil
		}
		for _, b := range s.Indices {
			if err := c.inSnapshot(step, b); err != nil {
				return err
			}
		}
		for _, b := range s.Indices {
			delete(c.indices, b)
		}
		delete(c.streams, name)
		return nil
	})
}

// shut is the refusal of an index whose metadata may not change.
func shut(step string, i *index) error {
	return fail(step, 403, "cluster_block_exception", "index [%s] blocked by: [FORBIDDEN/5/index read-only (api)];", i.name)
}

// floodStage is the disk watermark's own block.
const floodStage = opensearch.DiskBlock

// flooded is the refusal of an index that the disk's flood stage has made
// read-only. Only a deletion passes, and the change that lifts this block alone.
func flooded(step string, i *index) error {
	return fail(step, 429, "cluster_block_exception", "index [%s] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];", i.name)
}

// settable: the engine takes a change of this index's settings.
func (i *index) settable(step string) error {
	switch {
	case i.blocks["read_only"] || i.blocks["metadata"]:
		return shut(step, i)
	case i.blocks[floodStage]:
		return flooded(step, i)
	}
	return nil
}

// onShards is the action of Block on each shard. A caller who lacks only this one
// leaves a block half done.
const onShards = "indices:admin/block/add[s]"

// Block one index and let the writes through that had passed (H8).
func (v *Caller) Block(ctx context.Context, name string) error {
	step := "block writes to index " + name
	return v.do(ctx, "Block", step, []string{"indices:admin/block/add"}, func(c *Cluster) error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		if c.writeIndex(i) {
			return fmt.Errorf("%s: %w", step, opensearch.ErrWriteIndex)
		}
		if err := i.settable(step); err != nil {
			return err
		}
		if i.blocks["write"] {
			return fmt.Errorf("%s: %w", step, opensearch.ErrAlreadyBlocked)
		}
		if v.authorize(step, "", []string{onShards}) != nil {
			i.half = true
			i.setBlock("write", true)
			return fmt.Errorf("%s: %w", step, opensearch.ErrNotDrained)
		}
		for _, w := range c.recovery.writes {
			if w.index == i {
				w.apply()
			}
		}
		i.setBlock("write", true)
		i.half = false
		return nil
	})
}

// LiftDiskBlock of some indexes.
func (v *Caller) LiftDiskBlock(ctx context.Context, indices []string) error {
	const step = "lift the disk's block"
	return v.do(ctx, "LiftDiskBlock", step, []string{"indices:admin/settings/update"}, func(c *Cluster) error {
		if len(indices) == 0 {
			return nil
		}
		list, err := c.resolve(step, indices)
		if err != nil {
			return err
		}
		for _, i := range list {
			i.setBlock(opensearch.DiskBlock, false)
		}
		return nil
	})
}

// HalfBlocked lists indexes with a block that was begun.
func (v *Caller) HalfBlocked(ctx context.Context) (list []string, err error) {
	err = v.do(ctx, "HalfBlocked", "read the cluster's blocks", []string{"cluster:monitor/state"}, func(c *Cluster) error {
		for _, name := range sortedKeys(c.indices) {
			if c.indices[name].half {
				list = append(list, name)
			}
		}
		return nil
	})
	return list, err
}

func (c *Cluster) writeIndex(i *index) bool {
	s := c.streams[i.stream]
	return s != nil && s.Indices[len(s.Indices)-1] == i.name
}

func (i *index) setBlock(block string, on bool) {
	if i.blocks[block] == on {
		return
	}
	if on {
		i.blocks[block] = true
	} else {
		delete(i.blocks, block)
	}
	i.versions.Metadata++
	i.versions.Settings++
}

// Close one index.
func (v *Caller) Close(ctx context.Context, name string) error {
	step := "close index " + name
	return v.do(ctx, "Close", step, []string{"indices:admin/close", "indices:admin/close[s]"}, func(c *Cluster) error {
		i, err := c.index(step, name)
		switch {
		case err != nil:
			return err
		case c.writeIndex(i):
			return fmt.Errorf("%s: %w", step, opensearch.ErrWriteIndex)
		}
		if err := i.settable(step); i.open && err != nil {
			return err
		}
		return c.close(step, i)
	})
}

// SetWriteBlock by the setting, which drains nothing.
func (v *Caller) SetWriteBlock(ctx context.Context, indices []string, on bool) error {
	const step = "set write block"
	if len(indices) == 0 {
		return nil
	}
	return v.do(ctx, "SetWriteBlock", step, []string{"indices:admin/settings/update"}, func(c *Cluster) error {
		list, err := c.resolve(step, indices)
		if err != nil {
			return err
		}
		for _, i := range list {
			if err := i.settable(step); err != nil {
				return err
			}
		}
		for _, i := range list {
			i.setBlock("write", on)
		}
		return nil
	})
}

// SetBlocks of one index.
func (v *Caller) SetBlocks(ctx context.Context, name string, blocks []string) error {
	step := "set blocks of index " + name
	if err := knownBlocks(step, blocks); err != nil {
		return err
	}
	return v.do(ctx, "SetBlocks", step, []string{"cluster:monitor/state", "indices:admin/settings/update"}, func(c *Cluster) error {
		i, err := c.index(step, name)
		if err != nil {
			return err
		}
		same := true
		for _, b := range ownBlocks {
			same = same && i.blocks[b] == slices.Contains(blocks, b)
		}
		if same {
			return nil
		}
		if i.blocks[floodStage] {
			return flooded(step, i)
		}
		i.give(blocks)
		return nil
	})
}

// GiveBlocks to a lot, or to none of it.
func (v *Caller) GiveBlocks(ctx context.Context, lot, blocks []string) error {
	const step = "give blocks back"
	if err := knownBlocks(step, blocks); err != nil || len(lot) == 0 {
		return err
	}
	return v.do(ctx, "GiveBlocks", step, []string{"indices:admin/settings/update"}, func(c *Cluster) error {
		list, err := c.resolve(step, lot)
		if err != nil {
			return err
		}
		for _, i := range list {
			if err := i.settable(step); err != nil {
				return err
			}
		}
		for _, i := range list {
			i.give(blocks)
		}
		return nil
	})
}

// ownBlocks are the ones that a user sets.
var ownBlocks = []string{"metadata", "read", "read_only", "write"}

func knownBlocks(step string, blocks []string) error {
	for _, b := range blocks {
		if !slices.Contains(ownBlocks, b) {
			return fmt.Errorf("%s: %q is none of %s", step, b, strings.Join(ownBlocks, ", "))
		}
	}
	return nil
}

// give exactly these, of the ones that a user sets.
func (i *index) give(blocks []string) {
	for _, b := range ownBlocks {
		i.setBlock(b, slices.Contains(blocks, b))
	}
}

// AutoCreate of indexes.
func (v *Caller) AutoCreate(ctx context.Context) (value string, set bool, err error) {
	err = v.do(ctx, "AutoCreate", "read action.auto_create_index", []string{"cluster:monitor/state"}, func(c *Cluster) error {
		if p := c.recovery.autoCreate; p != nil {
			value, set = *p, true
		}
		return nil
	})
	return value, set, err
}

// SetAutoCreate of indexes.
func (v *Caller) SetAutoCreate(ctx context.Context, value string, set bool) error {
	return v.do(ctx, "SetAutoCreate", "set action.auto_create_index", []string{"cluster:admin/settings/update"}, func(c *Cluster) error {
		if err := c.refuseSetting("set action.auto_create_index"); err != nil {
			return err
		}
		c.recovery.autoCreate = nil
		if set {
			c.recovery.autoCreate = &value
		}
		return nil
	})
}

// ArchivedSettings of the cluster.
func (v *Caller) ArchivedSettings(ctx context.Context) (names []string, err error) {
	err = v.do(ctx, "ArchivedSettings", "read archived settings", []string{"cluster:monitor/state"}, func(c *Cluster) error {
		names = []string{}
		if c.faults.settings == SettingsArchived {
			names = append(names, archivedSetting)
		}
		return nil
	})
	return names, err
}

const archivedSetting = "archived.plugins.index_state_management.template_migration.control"

// refuseSetting answers as the service or the engine does (SettingsRefusal).
func (c *Cluster) refuseSetting(step string) error {
	switch c.faults.settings {
	case SettingsNotAllowed:
		return fmt.Errorf("%s: %w: %w", step, opensearch.ErrNotOffered, fail(step, 401, "", "Your request: '/_cluster/settings' payload is not allowed."))
	case SettingsArchived:
		return fmt.Errorf("%s: %w: %w", step, opensearch.ErrArchivedSettings, fail(step, 400, "settings_exception",
			"unknown setting [%s] please check that any required plugins are installed, or check the breaking changes documentation for removed settings", archivedSetting))
	}
	return nil
}

// autoCreates refuses a name as the setting says: the first pattern that fits
// decides, and none is no.
func (c *Cluster) autoCreates(step, name string) error {
	if c.recovery.autoCreate == nil || *c.recovery.autoCreate == "true" {
		return nil
	}
	for _, p := range strings.Split(*c.recovery.autoCreate, ",") {
		pattern, forbids := strings.CutPrefix(strings.TrimSpace(p), "-")
		pattern = strings.TrimPrefix(pattern, "+")
		if ok, _ := path.Match(pattern, name); ok && !forbids { // what is no pattern fits nothing
			return nil
		} else if ok {
			break
		}
	}
	return fail(step, 404, "index_not_found_exception", "no such index [%s] and [action.auto_create_index] ([%s]) forbids automatic creation", name, *c.recovery.autoCreate)
}

const ismSetting = "plugins.index_state_management.enabled"

func (c *Cluster) ism(step string) error {
	if c.capsule.ISMPolicies == nil {
		return fmt.Errorf("%s: %w", step, opensearch.ErrNotOffered)
	}
	return nil
}

// ISM of a cluster that has policies (SetCapsule).
func (v *Caller) ISM(ctx context.Context) (on bool, err error) {
	const step = "read " + ismSetting
	err = v.do(ctx, "ISM", step, []string{"cluster:monitor/state"}, func(c *Cluster) error {
		on = !c.recovery.ismOff
		return c.ism(step)
	})
	return on && err == nil, err
}

// SetISM switches it.
func (v *Caller) SetISM(ctx context.Context, on bool) error {
	const step = "set " + ismSetting
	return v.do(ctx, "SetISM", step, []string{"cluster:admin/settings/update"}, func(c *Cluster) error {
		if err := c.ism(step); err != nil {
			return err
		}
		if err := c.refuseSetting(step); err != nil {
			return err
		}
		c.recovery.ismOff = !on
		return nil
	})
}
