package destruction_test

import (
	"testing"

	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

func index(numbers ...int64) opensearch.Index {
	i := opensearch.Index{Name: "movies", UUID: "u", Open: true, Primaries: len(numbers), Documents: 3, SettingsVersion: 4}
	for n, s := range numbers {
		i.Shards = append(i.Shards, opensearch.Shard{ID: n, MaxSeqNo: s})
	}
	return i
}

func saved(uuid string, bounds ...[2]int64) []point.Point {
	i := point.Index{Name: "movies", UUID: uuid, Open: true, SettingsVersion: 4}
	for n, b := range bounds {
		i.Shards = append(i.Shards, point.Shard{ID: n, Before: b[0], After: b[1]})
	}
	return []point.Point{{Indices: []point.Index{i}}}
}

func TestH1_H5_H6_TheRuleOfDestruction(t *testing.T) {
	ours := &destruction.Restored{UUID: "u", Done: true, Shards: index(5, 7).Shards}
	blocked := index(5, 7)
	blocked.Blocks = []string{"write"}
	half := index(5)
	half.Primaries = 2
	closed := opensearch.Index{Name: "movies", UUID: "u", Primaries: 1, SettingsVersion: 4}
	reopened := closed
	reopened.SettingsVersion = 6
	savedClosed := saved("u")
	savedClosed[0].Indices[0].Open = false
	for name, c := range map[string]struct {
		index opensearch.Index
		mine  *destruction.Restored
		saved []point.Point
		may   bool
	}{
		"a stranger":                        {index(5, 7), nil, nil, false},
		"our copy, untouched":               {index(5, 7), ours, nil, true},
		"our copy, written to since":        {index(5, 8), ours, nil, false},
		"our copy's name, another UUID":     {index(5, 7), &destruction.Restored{UUID: "x", Done: true, Shards: ours.Shards}, nil, false},
		"our copy, a shard tells nothing":   {half, ours, nil, false},
		"our copy, not done and blocked":    {blocked, &destruction.Restored{UUID: "u"}, nil, true},
		"our copy, not done and writable":   {index(5, 7), &destruction.Restored{UUID: "u"}, nil, false},
		"not seen yet, so not ours":         {blocked, &destruction.Restored{}, nil, false},
		"saved":                             {index(5, 7), nil, saved("u", [2]int64{5, 5}, [2]int64{7, 7}), true},
		"saved, and one more":               {index(5, 8), nil, saved("u", [2]int64{5, 5}, [2]int64{7, 7}), false},
		"saved while it was written to":     {index(5, 7), nil, saved("u", [2]int64{5, 5}, [2]int64{6, 7}), false},
		"saved under another UUID":          {index(5, 7), nil, saved("x", [2]int64{5, 5}, [2]int64{7, 7}), false},
		"never written to":                  {index(-1, -1), nil, nil, true},
		"never written to, as far as known": {opensearch.Index{Name: "movies", UUID: "u", Primaries: 2}, nil, nil, false},
		"closed and saved":                  {closed, nil, savedClosed, true},
		"closed, opened meanwhile":          {reopened, nil, savedClosed, false},
	} {
		if err := destruction.Allowed(c.index, c.mine, c.saved, false); (err == nil) != c.may {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Dashboards makes when it starts makes way in a domain that was never active, and
// nowhere else; nothing else does.
func TestH61_TheServicesOwnMakesWayWhereNobodyWasGivenAccess(t *testing.T) {
	named := func(name string, documents int64) opensearch.Index {
		i := index(3)
		i.Name, i.Documents = name, documents
		return i
	}
	unseen := named(".kibana_1", 1)
	unseen.Shards = nil
	closed := named(".kibana_1", 1)
	closed.Open = false
	for name, c := range map[string]struct {
		index     opensearch.Index
		untenured bool
		may       bool
	}{
		"Dashboards' first":           {named(".kibana_1", 1), true, true},
		"its next":                    {named(".kibana_12", 3), true, true},
		"in a domain that was active": {named(".kibana_1", 1), false, false},
		"with more than it writes":    {named(".kibana_1", 11), true, false},
		"a tenant's":                  {named(".kibana_92668751_admin_1", 1), true, false},
		"the audit log":               {named("security-auditlog-2026.11.29", 1), true, false},
		"another":                     {named("movies", 1), true, false},
		"which tells no numbers":      {unseen, true, false},
		"which somebody closed":       {closed, true, false},
	} {
		why, err := destruction.Why(c.index, nil, nil, c.untenured)
		if (err == nil) != c.may || c.may && why != destruction.OfTheService {
			t.Errorf("%s: %q, %v", name, why, err)
		}
	}
}

// under gives each shard of the index a term.
func under(i opensearch.Index, term int64) opensearch.Index {
	for n := range i.Shards {
		i.Shards[n].Term = term
	}
	return i
}

func TestH64_ANumberUnderAnotherTermIsAnotherOperation(t *testing.T) {
	at := func(before, after int64) []point.Point {
		p := saved("u", [2]int64{3, 3})
		p[0].Indices[0].Shards[0].TermBefore, p[0].Indices[0].Shards[0].TermAfter = before, after
		return p
	}
	blocked := under(index(3), 2)
	blocked.Blocks = []string{"write"}
	for name, c := range map[string]struct {
		index opensearch.Index
		mine  *destruction.Restored
		saved []point.Point
		may   bool
	}{
		"saved under the same term":                      {under(index(3), 1), nil, at(1, 1), true},
		"number 3 was given again by a promoted copy":    {under(index(3), 2), nil, at(1, 1), false},
		"promoted while the snapshot ran":                {under(index(3), 2), nil, at(1, 2), false},
		"a point of an older release":                    {under(index(3), 2), nil, at(0, 0), true},
		"our copy, written to under another term":        {under(index(3), 2), &destruction.Restored{UUID: "u", Done: true, Shards: under(index(3), 1).Shards, Settings: 4}, nil, false},
		"our copy, whose node started again":             {blocked, &destruction.Restored{UUID: "u", Done: true, Shards: under(index(3), 1).Shards, Settings: 4}, nil, true},
		"our copy, whose block was lifted and set again": {blocked, &destruction.Restored{UUID: "u", Done: true, Shards: under(index(3), 1).Shards, Settings: 2}, nil, false},
	} {
		if err := destruction.Allowed(c.index, c.mine, c.saved, false); (err == nil) != c.may {
			t.Errorf("%s: %v", name, err)
		}
	}
}
