package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// restore of indexes: the copies hold what the snapshot holds of the originals.
func (d *standing) restore(c *opensearchtest.Caller, repository, snapshot string, r opensearch.RestoreRequest) error {
	t := d.w.truth
	if d.w.has(LongTimes) { // by its share of what the snapshot holds
		all := max(1, len(r.All.Indices)+len(r.All.DataStreams))
		d.cluster.RestoresTake(d.restores * time.Duration(len(r.Indices)+len(r.DataStreams)) / time.Duration(all))
	} else {
		d.cluster.RestoresTake(d.restores)
	}
	if err := c.Restore(context.Background(), repository, snapshot, r); err != nil {
		return err
	}
	reg, err := d.cluster.Repository(context.Background(), repository)
	if err != nil {
		return err
	}
	for _, p := range d.w.places {
		if p.bucket.name != reg.Bucket {
			continue
		}
		o := rootOf(p.bucket, reg.BasePath)
		if o == nil {
			continue
		}
		root, err := store.Parse(o.Object, store.JSON[engineRoot])
		if err != nil {
			return err
		}
		for _, s := range root.Snapshots {
			if s.Name != snapshot {
				continue
			}
			from := root.read(p.bucket, reg.BasePath, s.UUID)
			for _, i := range indices(d) {
				if _, known := t.held[i.UUID]; known || from == nil {
					continue
				}
				if h, ok := from.indices[i.Name]; ok {
					t.held[i.UUID] = slices.Clone(t.held[h.uuid][:min(h.writes, len(t.held[h.uuid]))])
				}
			}
		}
	}
	d.w.stats.Restores++
	return nil
}

// remove an index by the product.
func (d *standing) remove(name string, f func() error) error {
	return d.removed(func(i opensearch.Index) bool { return i.Name == name }, f)
}

func (d *standing) removeStream(name string, f func() error) error {
	return d.removed(func(i opensearch.Index) bool { return i.DataStream == name }, f)
}

func (d *standing) removed(which func(opensearch.Index) bool, f func() error) error {
	before := indices(d)
	if err := f(); err != nil {
		return err
	}
	for _, i := range before {
		if c := d.w.inForce(); which(i) && c != nil && c.d == d {
			d.w.fail("H6: index %s of the domain in force, in %s, is removed by the product", i.Name, d.region)
		}
		if which(i) && i.Health != opensearch.Red {
			d.w.gone("index "+i.Name+" ("+i.UUID+") of "+d.endpoint, d.w.held[i.UUID])
		}
	}
	return nil
}

// block drains: writes under way are through then.
func (d *standing) block(name string, f func() error) error {
	if err := f(); err != nil {
		return err
	}
	t := d.w.truth
	for _, i := range indices(d) {
		if i.Name != name {
			continue
		}
		for _, b := range t.pending {
			if b.d == d && b.uuid == i.UUID && !b.applied {
				b.applied = true
				t.held[i.UUID] = append(t.held[i.UUID], b.write)
			}
		}
	}
	return nil
}

// removeDomain is CloudFormation's.
func (w *world) removeDomain(d *standing, abandoned bool) {
	had := sorted(w.holds(d))
	d.gone = true
	if p := w.places[d.region]; p.domain == d {
		p.domain = nil
	}
	if abandoned {
		return
	}
	if c := w.claims[w.top]; c != nil && c.d == d {
		w.fail("G3: the domain in force, generation %d in %s, is removed", w.top, d.region)
	}
	// An index made by hand after the gate's last look: nothing forbids its making
	// on a domain without cluster.blocks.create_index.
	had = slices.DeleteFunc(had, func(o *write) bool {
		if w.now.Sub(o.made) >= 2*time.Minute {
			return false
		}
		o.forgotten = true
		return true
	})
	w.gone("the domain "+d.endpoint, had)
	had = slices.DeleteFunc(had, func(o *write) bool { return o.forgotten }) // the service's own
	if c := w.claims[w.top]; c != nil && len(had) > 0 {
		b := w.places[d.region].bucket
		if !slices.ContainsFunc(w.points(b), func(p point.Point) bool {
			return p.ClusterUUID == c.ledger.ClusterUUID && w.truth.snapshot(b, p) != nil
		}) {
			w.fail("G3: the domain %s is removed before the active one has a recovery point in %s", d.endpoint, d.region)
		}
	}
}
