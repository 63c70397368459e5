package restore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Told is one decision about an alias that a person must know.
type Told struct {
	Alias, Text, Hint string
}

// holders of one alias: its properties by index.
type holders map[string]map[string]any

// Aliases of a recovery point for the indexes that are here. A snapshot holds the
// indexes of its begin, and the capsule the aliases of the begin and of the
// settling (H63): the later ones decide, and the earlier ones complete them where
// the later name no index that is here. names are all indexes and data streams of
// this domain, copies those that were restored: an alias of another index is not
// this point's to make.
func Aliases(c opensearch.Capsule, copies map[string]bool, names []string) ([]opensearch.AliasAction, []Told) {
	now, before := byAlias(c.Aliases), byAlias(c.Earlier)
	all := map[string]bool{}
	for _, m := range []map[string]holders{now, before} {
		for alias := range m {
			all[alias] = true
		}
	}
	var actions []opensearch.AliasAction
	var told []Told
	for _, alias := range sorted(all) {
		if slices.Contains(names, alias) {
			told = append(told, Told{alias, "the alias is not made: an index or a data stream of that name is here, as it was when the snapshot began", "Delete or reindex that index, then make the alias by POST _aliases"})
			continue
		}
		have, why := decide(now[alias], before[alias], copies)
		if why != "" {
			told = append(told, Told{alias, why, "Compare with `GET _alias/" + alias + "`, and change it by POST _aliases if it must be another"})
		}
		for _, index := range slices.Sorted(maps.Keys(have)) {
			actions = append(actions, opensearch.AliasAction{Index: index, Alias: alias, Properties: have[index]})
		}
	}
	return actions, told
}

// decide who holds an alias here, and what of it is to be told.
func decide(now, before holders, copies map[string]bool) (have holders, why string) {
	have, gone := here(now, copies)
	if len(have) == 0 {
		var lost []string
		if have, lost = here(before, copies); len(have) == 0 {
			gone = union(gone, lost)
			if len(gone) == 0 {
				return nil, ""
			}
			return nil, "the alias is not made: no index that it named is here: " + list(gone)
		}
		switch {
		case len(now) > 0:
			why = fmt.Sprintf("the alias goes to %s, which held it when the snapshot began: it moved to %s, which the recovery point does not hold", list(sortedNames(have)), list(gone))
		default:
			why = fmt.Sprintf("the alias goes to %s, which held it when the snapshot began; it was gone when the snapshot was settled", list(sortedNames(have)))
		}
	}
	had := writer(now)
	if had == "" && len(now) == 0 {
		had = writer(before)
	}
	if had == "" || have[had] != nil {
		return have, why // none ever had the mark, or the one that has it is here
	}
	next := writer(before)
	if have[next] == nil {
		next = sortedNames(have)[len(have)-1] // names of a rollover grow
	}
	have[next] = maps.Clone(have[next])
	have[next]["is_write_index"] = true
	return have, join(why, fmt.Sprintf("writes to the alias go to %s: its write index %s is not here", next, had))
}

// here are the holders among the copies, and gone the others.
func here(h holders, copies map[string]bool) (in holders, gone []string) {
	in = holders{}
	for _, index := range sortedNames(h) {
		if !copies[index] {
			gone = append(gone, index)
			continue
		}
		properties := maps.Clone(h[index])
		if properties == nil {
			properties = map[string]any{}
		}
		in[index] = properties
	}
	return in, gone
}

func writer(h holders) string {
	for _, index := range sortedNames(h) {
		if h[index]["is_write_index"] == true {
			return index
		}
	}
	return ""
}

func byAlias(aliases map[string]map[string]any) map[string]holders {
	out := map[string]holders{}
	for index, list := range aliases {
		for alias, p := range list {
			if out[alias] == nil {
				out[alias] = holders{}
			}
			properties, _ := p.(map[string]any)
			out[alias][index] = properties
		}
	}
	return out
}

func sortedNames(h holders) []string { return slices.Sorted(maps.Keys(h)) }

func union(a, b []string) []string {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}

func list(names []string) string {
	const shown = 5
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
