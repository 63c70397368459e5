package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// truth is what really happened, kept beside the product: each write that was
// applied to any domain, which index holds which of them, who was claimed. The
// checks hold the world against it.
type truth struct {
	w       *world
	writes  []*write
	held    map[string][]*write // by index UUID, in the order of sequence numbers
	owners  map[string]*standing
	claims  map[int64]*claimed
	top     int64
	dirty   map[string]*bucket // repositories whose root changed
	taken   map[string]*holding
	said    map[string]point.ID // what each Region's standby was last called a copy of
	broken  error
	pending []*bulk
	order   int
}

// write of a client to one document, or its removal.
type write struct {
	number    int
	index     string
	id        string
	acked     bool
	at        time.Time // of the answer
	made      time.Time // of the index
	forgotten bool      // somebody removed the index on purpose
}

func (o *write) String() string { return fmt.Sprintf("%s/%s (write %d)", o.index, o.id, o.number) }

// bulk is a write under way.
type bulk struct {
	d       *standing
	number  int64
	uuid    string
	write   *write
	applied bool
}

// claimed is one generation.
type claimed struct {
	ledger   ledger.Ledger
	d        *standing
	at       time.Time
	lossless bool
	fenced   map[string]bool // index UUIDs of the domain before, blocked at the claim
	before   *standing
	lost     []*write
}

// holding of a snapshot: index UUID and number of writes, by index name.
type holding struct {
	indices map[string]held
}

type held struct {
	uuid   string
	writes int
}

func newTruth(w *world) *truth {
	t := &truth{w: w, held: map[string][]*write{}, owners: map[string]*standing{}, claims: map[int64]*claimed{}, dirty: map[string]*bucket{}, taken: map[string]*holding{}, said: map[string]point.ID{}}
	for _, p := range w.places {
		b := p.bucket
		b.watch = func(key string, before, after *object) { t.changed(b, key, before, after) }
	}
	return t
}

func (t *truth) fail(format string, a ...any) {
	if t.broken == nil {
		t.broken = fmt.Errorf(format, a...)
	}
}

// check after each step.
func (t *truth) check() error {
	for base, b := range t.dirty {
		delete(t.dirty, base)
		for _, p := range t.points(b) {
			if p.BasePath == base && t.snapshot(b, p) == nil {
				t.fail("the snapshot of recovery point %s in %s is gone, and the point stands", p.ID, b.region)
			}
		}
	}
	return t.broken
}

// changed is told of each object.
func (t *truth) changed(b *bucket, key string, before, after *object) {
	if after != nil {
		t.order++
		after.order = t.order
	}
	switch {
	case key == ledger.Key && after != nil:
		t.claim(b, before, after.Body)
	case key == standbyNotes && after != nil:
		t.saysCopy(b)
	case strings.HasPrefix(key, point.Prefix) && before != nil && after == nil && strings.Count(key, ".") == 1:
		t.pruned(b, before)
	case strings.Contains(key, "/index-") && !strings.Contains(key, "/indices/"):
		base, _, _ := strings.Cut(key, "/")
		t.dirty[base] = b
	}
}

// wrote is G1: one writer a path.
func (t *truth) wrote(d *standing, b *bucket, key string) {
	path, _, _ := strings.Cut(key, "/")
	path = b.region + "/" + path
	if owner := t.owners[path]; owner != nil && owner != d {
		t.fail("G1: %s writes to %s, which is %s's", d.endpoint, path, owner.endpoint)
	}
	t.owners[path] = d
}

// setRecord is G2: the record only ever goes to the domain of a claim, and never
// back to an older generation.
func (w *world) setRecord(r route.Record) {
	old, had := route.ParseMark(w.record.Mark)
	m, ok := route.ParseMark(r.Mark)
	c := w.claims[m.Generation]
	switch {
	case !ok || c == nil || c.ledger.Endpoint != r.Target || c.ledger.ActiveRegion != m.Region:
		w.fail("G2: the record goes to %s (%s), which no claim names", r.Target, r.Mark)
	case had && m.Generation < old.Generation:
		w.fail("G2: the record goes back from generation %d to %d", old.Generation, m.Generation)
	}
	w.record = r
}

// mark of a switch. A later request that takes a switch over makes another one.
type mark struct{ token, request string }

func markOf(o *object) (mark, bool) {
	if o == nil {
		return mark{}, false
	}
	l, err := store.Parse(o.Object, store.JSON[ledger.Ledger])
	if err != nil || l.Intent == nil {
		return mark{}, false
	}
	return mark{l.Intent.Token, l.Intent.RequestID}, true
}

// claim sees each ledger that is written.
func (t *truth) claim(b *bucket, before *object, body []byte) {
	var l ledger.Ledger
	if err := json.Unmarshal(body, &l); err != nil {
		t.fail("a ledger in %s that is none: %v", b.region, err)
		return
	}
	t.w.places[b.region].marked = l.Intent != nil
	if known := t.claims[l.Generation]; known != nil {
		if !known.ledger.Same(l) {
			t.fail("two claims of generation %d: %s in %s, %s in %s", l.Generation, known.ledger.ClusterUUID, known.ledger.ActiveRegion, l.ClusterUUID, l.ActiveRegion)
		}
		return
	}
	d := t.w.byUUID(l.ClusterUUID)
	if d == nil || d.gone || d.region != l.ActiveRegion || d.endpoint != l.Endpoint {
		t.fail("generation %d names cluster %s in %s at %s, which does not stand there", l.Generation, l.ClusterUUID, l.ActiveRegion, l.Endpoint)
		return
	}
	c := &claimed{ledger: l.Copy(), d: d, at: t.w.now, fenced: map[string]bool{}}
	t.claims[l.Generation] = c
	if last := t.claims[t.top]; last != nil {
		if l.Generation < t.top {
			t.fail("generation %d is claimed after %d", l.Generation, t.top)
			return
		}
		t.switched(b, last, c, before)
	} else if o := t.w.places[t.w.other(d.region)].domain; o != nil && len(t.holds(o)) > 0 {
		t.fail("H14: %s claims generation 1 while the domain in %s holds documents", d.region, o.region)
	}
	t.top = l.Generation
	t.w.stats.Claims++
}

// switched holds the claimed domain against the one before. before is the ledger
// that the claim replaced.
func (t *truth) switched(where *bucket, last, c *claimed, before *object) {
	c.before = last.d
	if c.ledger.Generation > 1 && last.d == c.d {
		return
	}
	has := t.holds(c.d)
	for _, o := range sorted(t.holds(last.d)) {
		if o.acked && !o.forgotten && !has[o] && t.w.now.Sub(o.made) >= time.Minute {
			c.lost = append(c.lost, o)
		}
	}
	lossy := len(c.lost) > 0
	blocked := true
	for _, i := range indices(last.d) {
		switch {
		case t.w.unseen(i.UUID):
		case !slices.Contains(i.Blocks, "write") && !slices.Contains(i.Blocks, "read_only") && i.Open:
			blocked = false
		default:
			c.fenced[i.UUID] = true
		}
	}
	if at, ok := t.w.meant[c.d.region]; c.d.region != last.d.region && (!ok || at < last.ledger.Generation-1) {
		t.fail("H2: the switch to %s was meant by nobody", c.d.region)
		return
	}
	if consumed, ok := markOf(before); ok && t.w.aborted[consumed] {
		t.fail("H3: the switch to %s is claimed after it was aborted", c.d.region)
		return
	}
	lossless := !lossy && blocked
	// A claim that was made without the other Region's ledger went by its being
	// lost: what that one takes on, cut off, is in its salvage.
	c.lossless = lossless && where.region == last.d.region
	if t.w.now.Sub(t.w.lifted) < time.Minute {
		return // between the last look and the claim: nobody can know
	}
	if !lossless && !t.w.lost(c.d.region) {
		if lossy {
			t.fail("G6: the switch to %s loses %d acknowledged documents, such as %s, and nobody said that %s is lost", c.d.region, len(c.lost), c.lost[0], last.d.region)
		} else {
			t.fail("G6: %s is claimed while the domain in %s is not fenced, and nobody said that it is lost", c.d.region, last.d.region)
		}
		return
	}
	if !lossy {
		t.w.stats.Planned++
		return
	}
	t.w.stats.Unplanned++
	b := t.w.places[c.d.region].bucket
	t.announced(b, c)
	var newest *point.Point
	for _, p := range t.points(b) {
		if p.ClusterUUID == last.d.cluster.UUID() && t.snapshot(b, p) != nil && (newest == nil || newest.ID.Less(p.ID)) && b.objects[p.ID.Key()].Date.Before(t.w.now.Add(-30*time.Minute)) {
			newest = &p
		}
	}
	if newest == nil {
		return
	}
	for _, o := range c.lost {
		if o.at.Before(newest.Start) {
			t.fail("G6: the switch to %s loses %s, acknowledged at %s, before recovery point %s began at %s", c.d.region, o, stamp(o.at), newest.ID, stamp(newest.Start))
			return
		}
	}
}

// announced: nothing is lost that was acknowledged before the loss window that the
// product speaks of begins (G6).
func (t *truth) announced(b *bucket, c *claimed) {
	var notes struct {
		Token string         `json:"token"`
		Loss  *contract.Loss `json:"loss"`
	}
	o := b.objects["_dr/journal/switch.json"]
	if o == nil || json.Unmarshal(o.Body, &notes) != nil || notes.Token != c.ledger.Token || notes.Loss == nil {
		t.fail("G6: the switch to %s loses %d acknowledged documents, and no loss window was announced", c.d.region, len(c.lost))
		return
	}
	for _, o := range c.lost {
		if o.at.Before(notes.Loss.Since) {
			t.fail("G6: the switch to %s loses %s, acknowledged at %s, and announced a loss since %s", c.d.region, o, stamp(o.at), stamp(notes.Loss.Since))
			return
		}
	}
}

// indices that clients use.
func indices(d *standing) []opensearch.Index {
	all, _ := d.cluster.Indices(context.Background())
	return slices.DeleteFunc(all, func(i opensearch.Index) bool { return strings.HasPrefix(i.Name, ".opendistro") })
}

// holds of a domain: every write that its present indexes have taken.
func (t *truth) holds(d *standing) map[*write]bool {
	out := map[*write]bool{}
	t.holdsInto(d, out)
	return out
}

func (t *truth) holdsInto(d *standing, out map[*write]bool) {
	if d.gone {
		return
	}
	for _, i := range indices(d) {
		if i.Health == opensearch.Red {
			continue // has not come
		}
		for _, o := range t.held[i.UUID] {
			out[o] = true
		}
	}
}

func sorted(m map[*write]bool) []*write {
	out := make([]*write, 0, len(m))
	for o := range m {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *write) int { return a.number - b.number })
	return out
}

// saved is every write that some domain or some recovery point has.
func (t *truth) saved() map[*write]bool {
	out := map[*write]bool{}
	for _, d := range t.w.made {
		t.holdsInto(d, out)
	}
	for _, r := range []string{east, west} {
		b := t.w.places[r].bucket
		for _, p := range t.points(b) {
			t.inPoint(b, p, out)
		}
	}
	return out
}

func (t *truth) inPoint(b *bucket, p point.Point, out map[*write]bool) {
	h := t.snapshot(b, p)
	if h == nil {
		return
	}
	for _, i := range h.indices {
		for _, o := range t.held[i.uuid][:min(i.writes, len(t.held[i.uuid]))] {
			out[o] = true
		}
	}
}

// points that stand in a bucket and are not being removed.
func (t *truth) points(b *bucket) []point.Point {
	var out []point.Point
	entries, _ := b.List(context.Background(), point.Prefix)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Key, ".json")
		if strings.Contains(strings.TrimPrefix(name, point.Prefix), ".") || b.objects[name+".removing.json"] != nil {
			continue
		}
		if p, err := store.Parse(b.objects[e.Key].Object, store.JSON[point.Point]); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// gone is asked after something was removed that held these writes: each of them
// must be somewhere else (G3).
func (t *truth) gone(what string, had []*write) {
	saved := t.saved()
	n, one := 0, (*write)(nil)
	for _, o := range had {
		if o.acked && !o.forgotten && !saved[o] {
			n++
			one = o
		}
	}
	if n > 0 {
		t.fail("G3: %s is removed with %d acknowledged documents that nothing else holds, such as %s", what, n, one)
	}
}

// pruned is a recovery point that was taken away.
func (t *truth) pruned(b *bucket, before *object) {
	p, err := store.Parse(before.Object, store.JSON[point.Point])
	if err != nil {
		return
	}
	t.w.stats.Pruned++
	if mark := b.objects[point.Prefix+p.ID.String()+".removing.json"]; mark != nil {
		pins, _ := b.List(context.Background(), point.PinsPrefix+p.ID.String()+"-")
		for _, e := range pins {
			pin, err := store.Parse(b.objects[e.Key].Object, store.JSON[point.Pin])
			if err == nil && pin.Expires.After(t.w.now) && b.objects[e.Key].order < mark.order {
				t.fail("H17: recovery point %s in %s is pruned while %s has it pinned", p.ID, b.region, pin.Holder)
			}
		}
	}
	c := t.claims[t.top]
	if c == nil {
		return
	}
	if p.ClusterUUID == c.ledger.ClusterUUID {
		newer := false
		for _, o := range t.points(b) {
			newer = newer || o.ClusterUUID == p.ClusterUUID && p.ID.Less(o.ID) && t.snapshot(b, o) != nil
		}
		if !newer {
			t.fail("recovery point %s in %s, the newest one, is pruned", p.ID, b.region)
		}
	}
	had := map[*write]bool{}
	t.inPoint(b, p, had)
	t.gone("recovery point "+p.ID.String(), sorted(had))
}

// snapshot answers what is in the snapshot of a point, nil when the repository
// does not have it.
func (t *truth) snapshot(b *bucket, p point.Point) *holding {
	o := rootOf(b, p.BasePath)
	if o == nil || !bytes.Contains(o.Body, []byte(p.SnapshotUUID)) { // the root says it of living ones only
		return nil
	}
	if h := t.taken[p.SnapshotUUID]; h != nil {
		return h
	}
	root, err := store.Parse(o.Object, store.JSON[engineRoot])
	if err != nil {
		return nil
	}
	h := root.read(b, p.BasePath, p.SnapshotUUID)
	if h != nil {
		t.taken[p.SnapshotUUID] = h
	}
	return h
}

// engineRoot is the part of index-N that is read here.
type engineRoot struct {
	Snapshots []struct {
		Name   string            `json:"name"`
		UUID   string            `json:"uuid"`
		Lookup map[string]string `json:"index_metadata_lookup"`
	} `json:"snapshots"`
	Indices map[string]struct {
		ID string `json:"id"`
	} `json:"indices"`
	Identifiers map[string]string `json:"index_metadata_identifiers"`
}

// rootOf a repository: its newest index-N, nil when it has none.
func rootOf(b *bucket, base string) *object {
	entries, _ := b.List(context.Background(), base+"/index-")
	if len(entries) == 0 {
		return nil
	}
	newest := entries[0]
	for _, e := range entries[1:] {
		if len(e.Key) > len(newest.Key) || len(e.Key) == len(newest.Key) && e.Key > newest.Key {
			newest = e
		}
	}
	return b.objects[newest.Key]
}

func (r engineRoot) read(b *bucket, base, uuid string) *holding {
	out := &holding{indices: map[string]held{}}
	for _, s := range r.Snapshots {
		if s.UUID != uuid {
			continue
		}
		for name, i := range r.Indices {
			identifier, ok := s.Lookup[i.ID]
			if !ok {
				continue
			}
			var meta struct {
				UUID string `json:"uuid"`
			}
			var shard struct {
				MaxSeqNo int `json:"max_seq_no"`
			}
			if !blob(b, base+"/indices/"+i.ID+"/meta-"+r.Identifiers[identifier]+".dat", &meta) || !blob(b, base+"/indices/"+i.ID+"/0/snap-"+uuid+".dat", &shard) {
				return nil
			}
			out.indices[name] = held{meta.UUID, shard.MaxSeqNo + 1}
		}
	}
	return out
}

func blob(b *bucket, key string, into any) bool {
	o := b.objects[key]
	if o == nil {
		return false
	}
	_, body, found := bytes.Cut(o.Body, []byte(":)\n\x05"))
	return found && json.Unmarshal(body, into) == nil
}

// restore of indexes: the copies hold what the snapshot holds of the originals.
func (d *standing) restore(c *opensearchtest.Caller, repository, snapshot string, r opensearch.RestoreRequest) error {
	t := d.w.truth
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
	if c := w.claims[w.top]; c != nil && len(had) > 0 {
		b := w.places[d.region].bucket
		if !slices.ContainsFunc(w.points(b), func(p point.Point) bool {
			return p.ClusterUUID == c.ledger.ClusterUUID && w.truth.snapshot(b, p) != nil
		}) {
			w.fail("G3: the domain %s is removed before the active one has a recovery point in %s", d.endpoint, d.region)
		}
	}
}
