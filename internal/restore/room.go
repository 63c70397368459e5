package restore

import (
	"fmt"

	"github.com/opensearch-dr/osdr/internal/point"
)

// usable share of a disk in per cent: the engine allocates no shard to a node above
// the low watermark
// (https://docs.opensearch.org/latest/install-and-configure/configuring-opensearch/cluster-settings/).
const usable = 85

// Bytes of the primaries that are wanted. A point that counts none of its indexes'
// bytes counts as a whole.
func (w Wanted) Bytes(p point.Point) int64 {
	var bytes int64
	for _, i := range w.Indices {
		bytes += i.Bytes
	}
	if bytes == 0 && len(w.LeftOut) == 0 && len(w.Indices) == len(p.Indices) {
		return p.BytesTotal
	}
	return bytes
}

// Room of data nodes for primaries: the smaller of what their volumes and their own
// statistics say, of which zero is not known. The two differ while the service changes
// a volume, and where a node is away.
type Room struct {
	Volumes, Disks int64
}

// Bytes that shards can take; known is false where it is not reported.
func (r Room) Bytes() (bytes int64, known bool) {
	bytes = r.Volumes
	if r.Disks > 0 && (bytes == 0 || r.Disks < bytes) {
		bytes = r.Disks
	}
	return bytes / 100 * usable, bytes > 0
}

// Lacks says why primaries of so many bytes cannot come; empty when they can, or when
// nobody knows.
func (r Room) Lacks(need int64) string {
	room, known := r.Bytes()
	if !known || need <= room {
		return ""
	}
	said := "their volumes have " + mib(r.Volumes)
	switch {
	case r.Volumes == 0:
		said = "by their own statistics their disks have " + mib(r.Disks)
	case r.Disks > 0:
		said += ", by their own statistics their disks have " + mib(r.Disks)
	}
	return fmt.Sprintf("%s of primaries do not fit into the data nodes, which take %s: %s, and above %d%% of a disk the engine allocates no shard", mib(need), mib(room), said, usable)
}

func mib(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
