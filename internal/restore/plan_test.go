package restore_test

import (
	"slices"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

var first, second = point.ID{Generation: 1, Sequence: 1}, point.ID{Generation: 1, Sequence: 2}

func wanted(name, uuid string, before, after int64) point.Index {
	return point.Index{Name: name, UUID: uuid, Open: true, MappingVersion: 1, SettingsVersion: 1, Shards: []point.Shard{{Before: before, After: after}}}
}

func copyOf(name string, number int64) opensearch.Index {
	return opensearch.Index{
		Name: name, UUID: "copy-" + name, Open: true, Primaries: 1, Shards: []opensearch.Shard{{MaxSeqNo: number}}, Blocks: []string{"write"}, Documents: 1,
	}
}

func item(name, source string, number int64) restore.Item {
	return restore.Item{
		UUID: "copy-" + name, Point: first, Source: source, Mapping: 1, Settings: 1, Open: true, Done: true, Shards: []opensearch.Shard{{MaxSeqNo: number}},
	}
}

func journal(items map[string]restore.Item) restore.Journal {
	return restore.Journal{Version: 1, ClusterUUID: "target", Items: items}
}

func TestH7_H23_OnlyWhatIsEqualStays(t *testing.T) {
	mapped := wanted("movies", "s", 5, 5)
	mapped.MappingVersion = 2
	for name, c := range map[string]struct {
		want     point.Index
		have     int64
		restored int64
		stays    bool
	}{
		"equal":                               {wanted("movies", "s", 5, 5), 5, 5, true},
		"updated documents, equal counts":     {wanted("movies", "s", 9, 9), 5, 5, false},
		"written to while it was captured":    {wanted("movies", "s", 4, 5), 5, 5, false},
		"made again under the name":           {wanted("movies", "other", 5, 5), 5, 5, false},
		"deleted and made again meanwhile":    {wanted("movies", "", 5, 5), 5, 5, false},
		"another mapping":                     {mapped, 5, 5, false},
		"our copy was written to: never ours": {wanted("movies", "s", 5, 5), 6, 5, false},
	} {
		j := journal(map[string]restore.Item{"movies": item("movies", "s", c.restored)})
		p := restore.Make(second, restore.Wanted{Indices: []point.Index{c.want}}, []opensearch.Index{copyOf("movies", c.have)}, j, nil, nil, false, false)
		if c.stays != p.Settled() {
			t.Errorf("%s: %+v", name, p)
		}
		if c.have != c.restored && len(p.Forbidden) != 1 {
			t.Errorf("%s: it may be destroyed: %+v", name, p)
		}
	}
}

func TestH23_WhatIsGoneAtTheSourceGoesIfItIsOurs(t *testing.T) {
	j := journal(map[string]restore.Item{"old": item("old", "s", 5)})
	p := restore.Make(second, restore.Wanted{}, []opensearch.Index{copyOf("old", 5), copyOf("stranger", 5)}, j, nil, nil, false, false)
	if !slices.Equal(p.RemoveIndices, []string{"old"}) || len(p.Forbidden) != 1 {
		t.Errorf("%+v", p)
	}
	p = restore.Make(second, restore.Wanted{}, []opensearch.Index{copyOf("stranger", 5)}, j, nil, []string{"stranger"}, false, false)
	if !p.Settled() {
		t.Errorf("accepted: %+v", p)
	}
}

func TestH23_ADataStreamComesWhole(t *testing.T) {
	stream := opensearch.DataStream{Name: "logs", Indices: []string{".ds-logs-000001", ".ds-logs-000002"}}
	p := point.Point{Indices: []point.Index{wanted(stream.Indices[0], "a", 5, 5), wanted(stream.Indices[1], "b", 6, 6)}, DataStreams: []opensearch.DataStream{stream}}
	have := copyOf(stream.Indices[0], 5)
	have.DataStream = "logs"
	j := journal(map[string]restore.Item{stream.Indices[0]: item(stream.Indices[0], "a", 5)})
	plan := restore.Make(second, restore.Choose(p, contract.Restore{}), []opensearch.Index{have}, j, nil, nil, false, false)
	if !slices.Equal(plan.RemoveStreams, []string{"logs"}) || !slices.Equal(plan.Streams, []string{"logs"}) || len(plan.Indices)+len(plan.RemoveIndices) > 0 {
		t.Errorf("%+v", plan)
	}
}

func TestH20_Verify(t *testing.T) {
	w := restore.Wanted{Indices: []point.Index{wanted("movies", "s", 4, 6)}}
	good := journal(map[string]restore.Item{"movies": item("movies", "s", 5)})
	open := copyOf("movies", 5)
	open.Blocks = nil
	red := copyOf("movies", 5)
	red.Shards = nil
	for name, c := range map[string]struct {
		have  []opensearch.Index
		exact bool
		ok    bool
	}{
		"within the bounds, whatever it counts": {[]opensearch.Index{copyOf("movies", 5)}, false, true},
		"not exact behind a fence":              {[]opensearch.Index{copyOf("movies", 5)}, true, false},
		"beyond the bounds":                     {[]opensearch.Index{copyOf("movies", 7)}, false, false},
		"missing":                               {nil, false, false},
		"one too many":                          {[]opensearch.Index{copyOf("movies", 5), copyOf("stray", -1)}, false, false},
		"it takes writes already":               {[]opensearch.Index{open}, false, false},
		"a shard is missing":                    {[]opensearch.Index{red}, false, false},
	} {
		if got := restore.Verify(w, c.have, good, c.exact); (len(got) == 0) != c.ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSelectionByPattern(t *testing.T) {
	p := point.Point{
		Indices:     []point.Index{{Name: "logs-1"}, {Name: "logs-debug"}, {Name: "movies"}, {Name: ".ds-audit-000001"}},
		DataStreams: []opensearch.DataStream{{Name: "audit", Indices: []string{".ds-audit-000001"}}},
	}
	w := restore.Choose(p, contract.Restore{Indices: []string{"logs-*", "audit"}, Exclude: []string{"*-debug"}})
	if len(w.Indices) != 2 || len(w.Streams) != 1 || !slices.Equal(w.LeftOut, []string{"logs-debug", "movies"}) {
		t.Errorf("%+v", w)
	}
}

// A recovery point of an earlier version holds what the engine and its plugins make for
// themselves: nothing waits for it.
func TestH82_APointOfAnEarlierVersionIsRestoredWithoutTheEnginesOwn(t *testing.T) {
	p := point.Point{Indices: []point.Index{{Name: "movies"}, {Name: "top_queries-2025.09.15-00412"}, {Name: ".replication-metadata-store"}}}
	w := restore.Choose(p, contract.Restore{})
	if len(w.Indices) != 1 || w.Indices[0].Name != "movies" || len(w.LeftOut) > 0 {
		t.Errorf("%+v", w)
	}
}

func TestH61_AnAcceptedStrangerMakesWayForItsCopy(t *testing.T) {
	w := restore.Wanted{Indices: []point.Index{wanted("movies", "s", 4, 6)}}
	have := []opensearch.Index{copyOf("movies", 9), copyOf("extra", 9)}
	p := restore.Make(second, w, have, journal(nil), nil, nil, false, false)
	if len(p.Forbidden) != 2 {
		t.Errorf("%+v", p)
	}
	p = restore.Make(second, w, have, journal(nil), nil, []string{"movies", "extra"}, false, false)
	if len(p.Forbidden) > 0 || !slices.Equal(p.RemoveIndices, []string{"movies"}) || !slices.Equal(p.Indices, []string{"movies"}) {
		t.Errorf("%+v", p)
	}
}

func TestH64_ACopyOfAnotherTermIsNotEqual(t *testing.T) {
	bounds := func(before, after int64) []point.Shard {
		return []point.Shard{{Before: 5, After: 5, TermBefore: before, TermAfter: after}}
	}
	for name, c := range map[string]struct {
		had, want []point.Shard
		stays     bool
	}{
		"one term all the time":                {bounds(2, 2), bounds(2, 2), true},
		"promoted between the two points":      {bounds(1, 1), bounds(2, 2), false},
		"promoted while the first was taken":   {bounds(1, 2), bounds(2, 2), false},
		"promoted while the second was taken":  {bounds(2, 2), bounds(2, 3), false},
		"the first knows no terms":             {bounds(0, 0), bounds(2, 2), true},
		"a journal of an older release":        {nil, bounds(2, 2), true},
		"neither knows any":                    {bounds(0, 0), bounds(0, 0), true},
		"the second does not, and had another": {bounds(1, 2), bounds(0, 0), false},
	} {
		i := item("movies", "s", 5)
		i.Bounds = c.had
		want := wanted("movies", "s", 5, 5)
		want.Shards = c.want
		have := copyOf("movies", 5)
		have.Shards[0].Term = 9 // a copy has terms of its own
		p := restore.Make(second, restore.Wanted{Indices: []point.Index{want}}, []opensearch.Index{have}, journal(map[string]restore.Item{"movies": i}), nil, nil, false, false)
		if p.Settled() != c.stays {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestH57_ShardsArePairedByTheirNumber(t *testing.T) {
	have := copyOf("movies", 0)
	have.Primaries, have.Shards = 3, []opensearch.Shard{{ID: 0, MaxSeqNo: 12}, {ID: 1, MaxSeqNo: 14}, {ID: 2, MaxSeqNo: 11}}
	i := item("movies", "s", 0)
	i.Shards = have.Shards
	j := journal(map[string]restore.Item{"movies": i})
	want := wanted("movies", "s", 0, 0)
	for name, c := range map[string]struct {
		shards       []point.Shard
		exact, fails bool
	}{
		"all":                       {[]point.Shard{{ID: 0, Before: 12, After: 12}, {ID: 1, Before: 14, After: 14}, {ID: 2, Before: 11, After: 11}}, true, false},
		"one was not noted":         {[]point.Shard{{ID: 0, Before: 12, After: 12}, {ID: 2, Before: 11, After: 11}}, false, false},
		"one was not noted, fenced": {[]point.Shard{{ID: 0, Before: 12, After: 12}, {ID: 2, Before: 11, After: 11}}, true, true},
		"another number":            {[]point.Shard{{ID: 0, Before: 12, After: 12}, {ID: 1, Before: 15, After: 15}, {ID: 2, Before: 11, After: 11}}, false, true},
		"one too many":              {[]point.Shard{{ID: 0, Before: 12, After: 12}, {ID: 3, Before: 14, After: 14}}, false, true},
	} {
		want.Shards = c.shards
		problems := restore.Verify(restore.Wanted{Indices: []point.Index{want}}, []opensearch.Index{have}, j, c.exact)
		if (len(problems) > 0) != c.fails {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}

func TestH77_APlainCopyMakesRoomForTheStream(t *testing.T) {
	name := ".ds-logs-000001"
	plain, of := wanted(name, "s", 5, 5), copyOf(name, 5)
	inStream := plain
	inStream.DataStream = "logs"
	member := of
	member.DataStream = "logs"
	j := journal(map[string]restore.Item{name: item(name, "s", 5)})
	streams := []opensearch.DataStream{{Name: "logs", Indices: []string{name}}}
	p := restore.Make(second, restore.Wanted{Indices: []point.Index{inStream}, Streams: streams}, []opensearch.Index{of}, j, nil, nil, false, false)
	if !slices.Equal(p.RemoveIndices, []string{name}) || !slices.Equal(p.Streams, []string{"logs"}) || len(p.Unchanged)+len(p.Indices) > 0 {
		t.Errorf("the stream over its plain copies: %+v", p)
	}
	p = restore.Make(second, restore.Wanted{Indices: []point.Index{plain}}, []opensearch.Index{member}, j, nil, nil, false, false)
	if !slices.Equal(p.RemoveStreams, []string{"logs"}) || !slices.Equal(p.Indices, []string{name}) || len(p.Unchanged)+len(p.Streams) > 0 {
		t.Errorf("plain copies over the stream: %+v", p)
	}
	w := restore.Choose(point.Point{Indices: []point.Index{inStream}}, contract.Restore{Exclude: []string{"log*"}})
	if len(w.Indices) > 0 || !slices.Equal(w.LeftOut, []string{"logs"}) {
		t.Errorf("excluded by the stream's name: %+v", w)
	}
}
