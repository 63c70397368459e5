package simulation

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

// warmEvery so many seeds one plays with a warm standby. By the seed itself, so
// that the others draw what they always drew.
const warmEvery = 5

// standbyNotes are the product's own, of what its standby is.
const standbyNotes = "_dr/journal/standby.json"

// standby as the schedule of the minute run tells it. With a cold one nothing is
// told: nobody did before there was a warm one.
func (w *world) standby() string {
	if w.warm {
		return contract.StandbyWarm
	}
	return ""
}

// copyNotes is what is read of the notes here. While the next point is restored
// the domain is on its way from the one to the other.
type copyNotes struct {
	Copy *struct {
		Point point.ID `json:"point"`
	} `json:"copy"`
	Target *point.ID `json:"target"`
}

// copyOf answers the point that the standby is called a copy of, if of any.
func (b *bucket) copyOf() (id point.ID, ok bool) {
	var notes copyNotes
	o := b.objects[standbyNotes]
	if o == nil || json.Unmarshal(o.Body, &notes) != nil || notes.Copy == nil || notes.Target != nil {
		return id, false
	}
	return notes.Copy.Point, true
}

// saysCopy: whoever calls a standby a copy of a recovery point must be right.
func (t *truth) saysCopy(b *bucket) {
	id, ok := b.copyOf()
	d := t.w.places[b.region].domain
	if !ok || d == nil || t.said[b.region] == id {
		return
	}
	t.said[b.region] = id
	t.w.stats.Copies++
	t.isCopy(b, d, id)
}

// isCopy holds the domain against the point, write by write.
func (t *truth) isCopy(b *bucket, d *standing, id point.ID) {
	for _, p := range t.points(b) {
		if p.ID != id {
			continue
		}
		h := t.snapshot(b, p)
		if h == nil {
			t.fail("the standby in %s is called a copy of recovery point %s, whose snapshot is gone", b.region, id)
			return
		}
		here := map[string]bool{}
		for _, i := range indices(d) {
			if nobodys(i.Name) {
				continue
			}
			here[i.Name] = true
			from, ok := h.indices[i.Name]
			switch {
			case !ok && !t.w.unseen(i.UUID):
				t.fail("the standby in %s is called a copy of recovery point %s, which has no index %s", b.region, id, i.Name)
			case ok && !slices.Equal(t.held[i.UUID], t.held[from.uuid][:min(from.writes, len(t.held[from.uuid]))]):
				t.fail("the standby in %s is called a copy of recovery point %s, and its index %s is none: %d writes, not %d", b.region, id, i.Name, len(t.held[i.UUID]), from.writes)
			}
		}
		for name := range h.indices {
			if !here[name] && !nobodys(name) {
				t.fail("the standby in %s is called a copy of recovery point %s and has no index %s", b.region, id, name)
			}
		}
		return
	}
	// It was pruned between the last look at the copy and this note, which needs it
	// no more.
}

// currentCopy: the standby is called a copy of a recovery point that is not old.
func (w *world) currentCopy(region string) bool {
	b := w.places[region].bucket
	id, ok := b.copyOf()
	return ok && slices.ContainsFunc(w.points(b), func(p point.Point) bool { return p.ID == id && w.now.Sub(p.Start) < 40*time.Minute })
}

// copyStands at the end: a domain that takes no writes and holds what the active
// one held within its objective.
func (w *world) copyStands(region string) {
	d, b := w.places[region].domain, w.places[region].bucket
	if d == nil {
		w.fail("G4: no standby stands in %s", region)
		return
	}
	id, ok := b.copyOf()
	if !ok {
		w.fail("G4: the standby in %s is no copy at the end", region)
		return
	}
	w.isCopy(b, d, id)
	if !w.currentCopy(region) {
		w.fail("G4: the standby in %s is a copy of recovery point %s, which is gone or old", region, id)
	}
	for _, i := range indices(d) {
		if !slices.Contains(i.Blocks, "write") && !nobodys(i.Name) {
			w.fail("G4: index %s of the standby takes writes at the end", i.Name)
		}
	}
}
