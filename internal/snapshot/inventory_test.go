package snapshot

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

func TestH12_Select(t *testing.T) {
	s := Select([]opensearch.Index{
		{Name: "movies", Open: true},
		{Name: "closed", Open: false},
		{Name: "hidden", Open: true, Hidden: true},
		{Name: ".kibana_1", Open: true},
		{Name: "security-auditlog-2026.11.23", Open: true},
		{Name: ".opendistro_security", Open: true},
		{Name: ".plugins-ml-config", Open: true},
		{Name: ".tasks", Open: true},
		{Name: ".tasks-of-ours", Open: true},
		{Name: "old", Open: true, Tier: "warm"},
		{Name: "older", Tier: "cold"},
		{Name: "broken", Open: true, Health: opensearch.Red},
		{Name: "shut", Open: true, Blocks: []string{"metadata", "write"}},
		{Name: ".ds-logs-000001", Open: true, DataStream: "logs"},
		{Name: ".ds-logs-000002", Open: true, DataStream: "logs", WriteIndex: true},
		{Name: ".ds-aged-000001", Open: true, DataStream: "aged", Tier: "warm"},
		{Name: ".ds-aged-000002", Open: true, DataStream: "aged"},
	}, []opensearch.DataStream{{Name: "logs"}, {Name: "aged"}})
	want := []string{".kibana_1", ".tasks-of-ours", "closed", "hidden", "logs", "movies", "security-auditlog-2026.11.23"}
	if d := cmp.Diff(want, s.Names); d != "" {
		t.Errorf("asked for (-want +got)\n%s", d)
	}
	var left, worrying []string
	for _, l := range s.LeftOut {
		if l.Reason == "" {
			t.Errorf("%s is left out without a reason", l.Name)
		}
		left = append(left, l.Name)
	}
	for _, l := range s.Worrying() {
		worrying = append(worrying, l.Name)
	}
	if d := cmp.Diff([]string{".opendistro_security", ".plugins-ml-config", ".tasks", "aged", "broken", "old", "older", "shut"}, left); d != "" {
		t.Errorf("left out (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"aged", "broken", "old", "older", "shut"}, worrying); d != "" {
		t.Errorf("worrying (-want +got)\n%s", d)
	}
	if len(s.Indices) != 8 {
		t.Errorf("%d indexes behind the names", len(s.Indices))
	}
}

// What cannot be known of an index is left open on the safe side (H7, H20).
func TestH20_IndexBounds(t *testing.T) {
	shards := func(n int64) []opensearch.Shard { return []opensearch.Shard{{ID: 0, MaxSeqNo: n}} }
	old := map[string]opensearch.Index{"i": {Name: "i", UUID: "a", Shards: shards(5)}}
	for _, c := range []struct {
		name          string
		before, after map[string]opensearch.Index
		uuid          string
		want          point.Shard
	}{
		{"written to", old, map[string]opensearch.Index{"i": {UUID: "a", Shards: shards(9)}}, "a", point.Shard{Before: 5, After: 9}},
		{"deleted meanwhile", old, nil, "a", point.Shard{Before: 5, After: math.MaxInt64}},
		{"made again meanwhile", old, map[string]opensearch.Index{"i": {UUID: "b", Shards: shards(1)}}, "", point.Shard{Before: -1, After: math.MaxInt64}},
		{"rolled over meanwhile", nil, map[string]opensearch.Index{"i": {UUID: "c", Shards: shards(2)}}, "c", point.Shard{Before: -1, After: 2}},
	} {
		got := indexOf("i", c.before, c.after)
		if got.UUID != c.uuid || got.Shards[0] != c.want {
			t.Errorf("%s: %q %+v", c.name, got.UUID, got.Shards)
		}
	}
}

func TestF17_SnapshotNamesAreUniqueAndOurs(t *testing.T) {
	name := snapshotName(12, time.Date(2026, 11, 23, 9, 5, 7, 0, time.UTC), 0xbeef)
	if name != "g12-20261123t090507z-0000beef" || !ours.MatchString(name) {
		t.Errorf("name %q", name)
	}
	for _, other := range []string{"2023-11-18", "g12-20261123t090507z-0000beef-FINAL", "g12-mine", "cs-automated"} {
		if ours.MatchString(other) {
			t.Errorf("%q is taken for ours", other)
		}
	}
}
