package restore_test

import (
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

func TestRoomIsTheSmallerOfVolumeAndStatistics(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		name  string
		room  restore.Room
		need  int64
		lacks []string // empty: it fits
	}{
		{"plenty", restore.Room{Volumes: 100 * gib, Disks: 99 * gib}, 50 * gib, nil},
		{"small volumes", restore.Room{Volumes: 10 * gib, Disks: 1000 * gib}, 9 * gib, []string{"9.0 GiB of primaries", "take 8.5 GiB", "volumes have 10.0 GiB", "disks have 1000.0 GiB"}},
		{"small disks", restore.Room{Volumes: 1000 * gib, Disks: 10 * gib}, 9 * gib, []string{"take 8.5 GiB", "volumes have 1000.0 GiB", "disks have 10.0 GiB"}},
		{"up to the watermark", restore.Room{Volumes: 100 * gib}, 85*gib - 100, nil},
		{"volumes alone", restore.Room{Volumes: 10 * gib}, 9 * gib, []string{"volumes have 10.0 GiB"}},
		{"statistics alone", restore.Room{Disks: 10 << 20}, 9 << 20, []string{"9.0 MiB", "8.5 MiB", "disks have 10.0 MiB"}},
		{"nobody knows", restore.Room{}, 1 << 50, nil},
	} {
		got := c.room.Lacks(c.need)
		if (got == "") != (len(c.lacks) == 0) {
			t.Errorf("%s: %q", c.name, got)
		}
		for _, part := range c.lacks {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q is not in %q", c.name, part, got)
			}
		}
	}
}

func TestBytesOfWhatIsWanted(t *testing.T) {
	p := point.Point{BytesTotal: 7, Indices: []point.Index{{Name: "a", Bytes: 2}, {Name: "b", Bytes: 3}}}
	all := restore.Choose(p, contract.Restore{})
	if got := all.Bytes(p); got != 5 {
		t.Errorf("all have %d bytes", got)
	}
	rest, _ := all.Without([]string{"b"})
	if got := rest.Bytes(p); got != 2 {
		t.Errorf("without b there are %d bytes", got)
	}
	if got := restore.Choose(p, contract.Restore{Exclude: []string{"a"}}).Bytes(p); got != 3 {
		t.Errorf("without a there are %d bytes", got)
	}
	p.Indices[0].Bytes, p.Indices[1].Bytes = 0, 0 // a point that counts them as a whole
	all = restore.Choose(p, contract.Restore{})
	if got := all.Bytes(p); got != 7 {
		t.Errorf("the whole has %d bytes", got)
	}
	rest, _ = all.Without([]string{"b"})
	if got := rest.Bytes(p); got != 0 {
		t.Errorf("nobody counted them, and there are %d bytes", got)
	}
}
