package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
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
	metadata
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
	inherits *inherits // nil: nothing, or looked at
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
	t := &truth{w: w, held: map[string][]*write{}, owners: map[string]*standing{}, claims: map[int64]*claimed{}, dirty: map[string]*bucket{}, taken: map[string]*holding{}, said: map[string]point.ID{}, metadata: metadata{}}
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

// indices that clients use.
func indices(d *standing) []opensearch.Index {
	all, _ := d.cluster.Indices(context.Background())
	return slices.DeleteFunc(all, func(i opensearch.Index) bool { return i.Name == ".opendistro_security" })
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
