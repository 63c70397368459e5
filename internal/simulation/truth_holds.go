package simulation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

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
	if c.before != nil && c.before != c.d {
		c.inherits = t.inheritance(c)
		t.w.dropsSoon(c)
	}
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
		case t.w.unseen(i.UUID), nobodys(i.Name):
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
		c.lossless = false
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
	notes := t.announced(c)
	if _, word := t.w.givenUp[last.d.region]; t.w.has(LostNow) && word {
		return // a source that lives makes points for ever, and one of them was taken
	}
	settled := 30 * time.Minute
	if t.w.has(LostNow) {
		settled = runFor
	}
	var newest *point.Point
	for _, p := range t.points(b) {
		if p.ClusterUUID == last.d.cluster.UUID() && t.snapshot(b, p) != nil && (newest == nil || newest.ID.Less(p.ID)) && b.objects[p.ID.Key()].Date.Before(t.w.now.Add(-settled)) {
			newest = &p
		}
	}
	if newest == nil {
		return
	}
	for _, o := range c.lost {
		if o.at.Before(newest.Start) && !notes.leaves(o.index) {
			t.fail("G6: the switch to %s loses %s, acknowledged at %s, before recovery point %s began at %s", c.d.region, o, stamp(o.at), newest.ID, stamp(newest.Start))
			return
		}
	}
}

// switchNotes are the controller's own, as far as they are read here.
type switchNotes struct {
	Token   string         `json:"token"`
	Loss    *contract.Loss `json:"loss"`
	Target  *point.ID      `json:"target"`
	Missing []string       `json:"missing"` // "name (why)"
	LeftOut []string       `json:"leftOut"`
	Fates   []contract.Fate
}

// notesOf the switch that made a claim; nil when there are none.
func (t *truth) notesOf(c *claimed) *switchNotes {
	var n switchNotes
	o := t.w.places[c.d.region].bucket.objects["_dr/journal/switch.json"]
	if o == nil || json.Unmarshal(o.Body, &n) != nil || n.Token != c.ledger.Token {
		return nil
	}
	return &n
}

// leaves an index behind, and says so.
func (n *switchNotes) leaves(index string) bool {
	return n != nil && (named(n.Missing, index) || named(n.LeftOut, index) ||
		slices.ContainsFunc(n.Fates, func(f contract.Fate) bool { return f.Index == index && f.Fate != contract.FateRestored }))
}

// announced: nothing is lost that was acknowledged before the loss window that the
// product speaks of begins (G6), but for what it names.
func (t *truth) announced(c *claimed) *switchNotes {
	notes := t.notesOf(c)
	if notes == nil || notes.Loss == nil {
		t.fail("G6: the switch to %s loses %d acknowledged documents, and no loss window was announced", c.d.region, len(c.lost))
		return notes
	}
	for _, o := range c.lost {
		if o.at.Before(notes.Loss.Since) && !notes.leaves(o.index) {
			t.fail("G6: the switch to %s loses %s, acknowledged at %s, and announced a loss since %s", c.d.region, o, stamp(o.at), stamp(notes.Loss.Since))
			break
		}
	}
	return notes
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
