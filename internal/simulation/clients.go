package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// client writes through the DNS name, and remembers an address longer than it
// should.
type client struct {
	w       *world
	number  int
	address string
	until   time.Time
	keeps   time.Duration
}

// archive has a write block of its user's own (H24).
const archive = "archive-2020"

// keepArchive is a user who fills an index and closes it for writes for good.
func (w *world) keepArchive() {
	c := &client{w: w}
	if d := c.domain(); d != nil {
		c.write(d, archive, "d0")
		_ = d.cluster.SetBlock(context.Background(), archive, "write", true)
		w.log.say(w.now, nil, "a user blocks %s on %s", archive, d.endpoint)
	}
}

func (c *client) domain() *standing {
	if !c.w.now.Before(c.until) || c.address == "" {
		c.address, c.until = c.w.record.Target, c.w.now.Add(c.keeps)
	}
	d := c.w.byEndpoint(c.address)
	if d == nil || d.gone || c.w.reachable("", target{d.region, domains}) != nil {
		c.until = time.Time{} // asks again
		return nil
	}
	return d
}

// act once: mostly a write, now and then something that only a user does.
func (c *client) act() {
	w := c.w
	d := c.domain()
	if d == nil {
		return
	}
	ctx := context.Background()
	names := []string{"movies", "logs-1", "events"}
	name := names[w.random.IntN(len(names))]
	id := fmt.Sprint("d", w.random.IntN(5))
	switch n := w.random.IntN(100); {
	case n < 55:
		c.write(d, name, id)
	case n < 68:
		c.remove(d, name, id)
	case n < 86:
		c.bulk(d, name, id)
	case n < 92:
		_ = d.cluster.CreateDataStream(ctx, "events")
		if err := d.cluster.Rollover(ctx, "events"); err == nil {
			w.log.say(w.now, nil, "client%d rolls events over on %s", c.number, d.endpoint)
			w.born(d)
		}
	case n < 95:
		w.later++
		name := fmt.Sprint("logs-new-", w.later)
		if err := d.cluster.CreateIndex(ctx, name, opensearchtest.IndexOptions{}); err == nil {
			w.born(d)
			c.write(d, name, id)
		}
	case n < 97:
		_ = d.cluster.PutAlias(ctx, "movies", fmt.Sprint("alias-", w.random.IntN(3)))
	default:
		c.drop(d)
	}
}

func (w *world) indexOf(d *standing, name string) opensearch.Index {
	i, _ := d.cluster.Describe(d.cluster.Behind(name))
	return i
}

func (w *world) newWrite(index, id string) *write {
	o := &write{number: len(w.writes) + 1, index: index, id: id}
	w.writes = append(w.writes, o)
	return o
}

func (c *client) write(d *standing, name, id string) {
	w := c.w
	o := w.newWrite(name, id)
	err := d.cluster.Index(context.Background(), name, id, fmt.Sprint("w", o.number))
	w.log.say(w.now, err, "client%d writes %s to %s", c.number, o, d.endpoint)
	if err != nil {
		return
	}
	w.applied(d, name, o)
	w.acknowledged(d, name, o)
}

func (c *client) remove(d *standing, name, id string) {
	w := c.w
	o := w.newWrite(name, id)
	if err := d.cluster.Delete(context.Background(), name, id); err != nil {
		return
	}
	w.log.say(w.now, nil, "client%d deletes %s on %s", c.number, o, d.endpoint)
	w.applied(d, name, o)
	w.acknowledged(d, name, o)
}

// bulk passes the block now, and is through later.
func (c *client) bulk(d *standing, name, id string) {
	w := c.w
	o := w.newWrite(name, id)
	number, err := d.cluster.BeginWrite(context.Background(), name, id, fmt.Sprint("w", o.number))
	w.log.say(w.now, err, "client%d begins %s on %s", c.number, o, d.endpoint)
	if err != nil {
		return
	}
	i := w.indexOf(d, name)
	b := &bulk{d: d, number: number, uuid: i.UUID, write: o}
	w.pending = append(w.pending, b)
	takes := time.Duration(w.random.IntN(90_000)) * time.Millisecond
	if w.random.IntN(8) == 0 {
		takes *= 8 // by a query, or of a client that streams
	}
	w.at(takes, func() {
		w.pending = slices.DeleteFunc(w.pending, func(p *bulk) bool { return p == b })
		if d.gone {
			return
		}
		err := d.cluster.FinishWrite(context.Background(), number)
		w.log.say(w.now, err, "%s on %s is through", o, d.endpoint)
		if err != nil {
			return
		}
		if !b.applied {
			w.held[b.uuid] = append(w.held[b.uuid], o)
		}
		if w.reachable("", target{d.region, domains}) == nil {
			w.acknowledged(d, i.Name, o)
		}
	})
}

// drop an index on purpose: nobody misses what was in it.
func (c *client) drop(d *standing) {
	w := c.w
	for _, i := range indices(d) {
		if !strings.HasPrefix(i.Name, "logs-new-") {
			continue
		}
		err := d.cluster.DeleteIndex(context.Background(), i.Name)
		w.log.say(w.now, err, "client%d drops %s on %s", c.number, i.Name, d.endpoint)
		if err == nil {
			for _, o := range w.held[i.UUID] {
				o.forgotten = true
			}
		}
		return
	}
}

// born: what is new in a domain, and no copy, was made just now.
func (w *world) born(d *standing) {
	for _, i := range indices(d) {
		_, known := w.age[i.UUID]
		if _, held := w.held[i.UUID]; !known && !held {
			w.age[i.UUID] = w.now
		}
	}
}

// unseen: an index of a client that was made after the last look before a claim,
// which nothing forbids on a domain without cluster.blocks.create_index (H9). The
// product bounds that time; what is written to it comes with the salvage.
func (w *world) unseen(uuid string) bool {
	at, known := w.age[uuid]
	return known && w.now.Sub(at) < time.Minute
}

// applied to the index of that name.
func (w *world) applied(d *standing, name string, o *write) {
	i := w.indexOf(d, name)
	if len(w.held[i.UUID]) == 0 {
		w.born(d)
	}
	o.made = w.age[i.UUID]
	w.held[i.UUID] = append(w.held[i.UUID], o)
	if len(i.Shards) == 1 && i.Shards[0].MaxSeqNo+1 != int64(len(w.held[i.UUID])) {
		panic(fmt.Sprintf("%s: index %s stands at %d, the truth has %d writes", stamp(w.now), name, i.Shards[0].MaxSeqNo, len(w.held[i.UUID])))
	}
}

// acknowledged to its client. In a planned switch nothing may be that the new
// domain does not have.
func (w *world) acknowledged(d *standing, name string, o *write) {
	o.acked, o.at = true, w.now
	w.stats.Acknowledged++
	i := w.indexOf(d, name)
	if c := w.claims[w.top]; c != nil && c.before == d && c.d != d && c.lossless && c.fenced[i.UUID] && !o.forgotten && !w.holds(c.d)[o] {
		w.fail("G6: %s is acknowledged by the domain in %s after the planned switch to %s", o, d.region, c.d.region)
	}
}
