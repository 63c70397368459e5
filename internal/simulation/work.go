package simulation

import (
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// sizes of an installation: how many indexes, objects and shards each one that is
// played stands for.
func (w *world) scaled() int {
	r := w.climate[Size]
	switch n := r.IntN(10); {
	case n < 4:
		return 1 + r.IntN(10)
	case n < 8:
		return 10 + r.IntN(50)
	default:
		return 50 + r.IntN(100)
	}
}

// slowest call: the client's patience ends then, and the service's proxy's before.
const slowest = 55 * time.Second

// beginOfRestore, of each index: the engine reads its metadata first.
const beginOfRestore = 50 * time.Millisecond

// slowly begins what takes longer than the service's proxy waits: it is answered
// with 504, and happens nevertheless (F34).
func (w *world) slowly(indexes int, begin func() error) error {
	d := time.Duration(indexes*w.scale) * beginOfRestore
	if d <= slowest {
		return begin()
	}
	w.at(d-slowest, func() { w.log.say(w.now, begin(), "a restore that was answered with 504 begins") })
	return opensearchtest.GatewayTimeout("Restore")
}

// work of a call beside the way there and back, by what it has to do. The times are
// those that were measured or, for S3, a page of a thousand keys between Regions.
func (w *world) work(c *call) time.Duration {
	if c.sleeps > 0 || c.later != nil {
		return 0
	}
	if w.scale == 0 {
		w.scale = w.scaled()
	}
	n := max(c.size, 1) * w.scale
	d := time.Duration(0)
	switch c.op {
	case "list", "essentials":
		objects := w.places[c.to.region].bucket.under(c.what)
		if c.op == "essentials" {
			objects = len(w.places[c.to.region].bucket.keys)
		}
		d = time.Duration(objects*w.scale/1000) * 170 * time.Millisecond
	case "Indices", "Capsule", "Snapshots":
		d = time.Duration(w.indexesOf(c.to.region)*w.scale) * 3 * time.Millisecond
	case "Block", "SetBlocks", "Close", "RemoveIndex", "RemoveDataStream":
		d = time.Duration(n) * 150 * time.Millisecond
	case "SetWriteBlock", "PutAliases":
		d = time.Duration(n) * 10 * time.Millisecond
	case "Progress":
		d = time.Duration(n) * 10 * time.Millisecond
	case "Restore":
		d = time.Duration(n) * beginOfRestore
	}
	return min(d, slowest)
}

// indexesOf the domain that stands in a Region.
func (w *world) indexesOf(region string) int {
	if d := w.places[region].domain; d != nil {
		return d.cluster.Size()
	}
	return 0
}
