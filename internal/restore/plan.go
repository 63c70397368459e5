package restore

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Plan of one pass.
type Plan struct {
	RemoveIndices []string
	RemoveStreams []string
	Indices       []string // to restore
	Streams       []string
	Unchanged     []string
	Running       []string // restores that have not ended
	Awaited       []string // asked for, and it is unknown whether they come
	// Forbidden: what is in the way and may not go, as the rule of destruction says.
	Forbidden []string
}

// Settled says that nothing is left to do or to wait for.
func (p Plan) Settled() bool {
	return len(p.RemoveIndices)+len(p.RemoveStreams)+len(p.Indices)+len(p.Streams)+len(p.Running)+len(p.Awaited)+len(p.Forbidden) == 0
}

// Make the plan that turns what the domain has into what is wanted. An index is
// left as it is only if it is our copy, untouched since, of the same index with
// equal sequence numbers and metadata versions; everything else is deleted and
// restored whole (H7, H23). What is in the domain and not in the point goes if
// the rule lets it go; a stranger that may not, and is not accepted, is forbidden. One
// that is accepted stays, or makes way for its copy where the point has one.
func Make(id point.ID, w Wanted, have []opensearch.Index, j Journal, saved []point.Point, accepted []string, abandoned, untenured bool) Plan {
	var out Plan
	wanted := map[string]point.Index{}
	for _, i := range w.Indices {
		wanted[i.Name] = i
	}
	there := map[string]opensearch.Index{}
	broken := map[string]bool{} // streams that come anew
	for _, i := range have {
		there[i.Name] = i
		want, ok := wanted[i.Name]
		if ok && want.DataStream != "" && i.DataStream != want.DataStream { // a plain one where a stream's is wanted (H77)
			broken[want.DataStream] = true
		}
		if i.DataStream != "" && (!ok || i.DataStream != want.DataStream || !j.Items[i.Name].unchanged(w.from(i.Name, id), want, i) && !j.Items[i.Name].running(w.from(i.Name, id), i)) {
			broken[i.DataStream] = true
		}
	}
	for _, i := range w.Indices {
		if _, ok := there[i.Name]; !ok && i.DataStream != "" && !j.Items[i.Name].awaited() {
			broken[i.DataStream] = true
		}
	}
	removed := map[string]bool{}
	for _, i := range have {
		want, ok := wanted[i.Name]
		item, id := j.Items[i.Name], w.from(i.Name, id)
		switch {
		case ok && i.DataStream != want.DataStream: // comes anew
		case i.DataStream == "" && ok && item.unchanged(id, want, i), i.DataStream != "" && ok && !broken[i.DataStream] && item.unchanged(id, want, i):
			out.Unchanged = append(out.Unchanged, i.Name)
			continue
		case ok && item.running(id, i) && !broken[i.DataStream]:
			out.Running = append(out.Running, i.Name)
			continue
		case !ok && slices.Contains(accepted, i.Name):
			continue
		}
		// A stranger that was accepted by its name, and whose copy comes, is given up.
		givenUp := abandoned || slices.Contains(accepted, i.Name)
		if err := destruction.Allowed(i, j.Mine(i.Name), saved, untenured); err != nil && !givenUp {
			out.Forbidden = append(out.Forbidden, err.Error())
			continue
		}
		if i.DataStream != "" {
			removed[i.DataStream] = true
		} else {
			out.RemoveIndices = append(out.RemoveIndices, i.Name)
		}
	}
	out.RemoveStreams = append(out.RemoveStreams, sorted(removed)...)
	settled := map[string]bool{}
	for _, name := range slices.Concat(out.Unchanged, out.Running) {
		settled[name] = true
	}
	for _, i := range w.Indices {
		_, ok := there[i.Name]
		switch {
		case !ok && j.Items[i.Name].awaited():
			out.Awaited = append(out.Awaited, i.Name)
		case i.DataStream == "" && !settled[i.Name]:
			out.Indices = append(out.Indices, i.Name)
		}
	}
	for _, d := range w.Streams {
		if broken[d.Name] || removed[d.Name] {
			out.Streams = append(out.Streams, d.Name)
		}
	}
	return out
}

// running: the restore of this point that has not ended, and has not failed.
func (i Item) running(id point.ID, have opensearch.Index) bool {
	return i.UUID != "" && i.UUID == have.UUID && !i.Done && i.Failed == "" && i.Point == id
}

// unchanged is C3. Aliases are not asked: they come from the capsule, never from
// a restore. Of an index that was closed at the source no numbers are known; the
// versions of its metadata say that nobody opened it.
func (i Item) unchanged(id point.ID, want point.Index, have opensearch.Index) bool {
	switch {
	case i.UUID == "" || i.UUID != have.UUID || !i.Done || len(have.Shards) != have.Primaries || !opensearch.SameNumbers(i.Shards, have.Shards):
		return false
	case !opensearch.Same(i.Shards, have.Shards) && (i.OwnSettings == 0 || !slices.Contains(have.Blocks, "write")):
		return false // a term moves when a node restarts, too; only a block that stood all the time says that no write came with it (H64)
	case !i.asItCame(have):
		return false // somebody closed it, or changed its settings or mappings
	case i.Point == id:
		return true // a copy of this very point
	case want.UUID == "" || i.Source != want.UUID || i.Mapping != want.MappingVersion || i.Settings != want.SettingsVersion || i.Open != want.Open:
		return false
	case !want.Open:
		return true
	}
	// The copy has terms of its own, so the terms of the two points are compared.
	for _, s := range want.Shards {
		at := slices.IndexFunc(i.Bounds, func(b point.Shard) bool { return b.ID == s.ID })
		if at >= 0 && !sameTerms(i.Bounds[at], s) {
			return false
		}
	}
	return within(i.Shards, want.Shards, true)
}

// sameTerms: one term, as far as it is known, from before the one snapshot to after
// the other. What was written under two terms may have given one number twice (H64).
func sameTerms(a, b point.Shard) bool {
	terms := slices.DeleteFunc([]int64{a.TermBefore, a.TermAfter, b.TermBefore, b.TermAfter}, func(t int64) bool { return t == 0 })
	slices.Sort(terms)
	return len(slices.Compact(terms)) <= 1
}

// asItCame: nobody changed settings or mappings of the copy, or closed it.
func (i Item) asItCame(have opensearch.Index) bool {
	return (i.OwnSettings == 0 || i.OwnSettings == have.SettingsVersion) && (i.OwnMapping == 0 || i.OwnMapping == have.MappingVersion)
}

// untouched since its first moment, as far as its settings tell: it is blocked, and
// nobody has lifted that and set it again.
func (i Item) untouched(have opensearch.Index) bool {
	return slices.Contains(have.Blocks, "write") && i.asItCame(have)
}

// within the bounds; exact: on them. Shards are paired by their number. A shard that
// the point does not name, since its statistics lacked it, is bounded by nothing and
// is never exact (H57).
func within(have []opensearch.Shard, want []point.Shard, exact bool) bool {
	bounds := map[int]point.Shard{}
	for _, w := range want {
		bounds[w.ID] = w
	}
	for _, s := range have {
		w, ok := bounds[s.ID]
		delete(bounds, s.ID)
		if ok && (s.MaxSeqNo < w.Before || s.MaxSeqNo > w.After) || exact && (!ok || !w.Exact()) {
			return false
		}
	}
	return len(bounds) == 0
}

// Problem that keeps a domain from being verified.
type Problem struct {
	Index, Why string
	// Final: no other restore of this point makes it better.
	Final bool
}

// Verify that the domain holds what is wanted, and nothing else (H20): the same
// set of indexes, every shard recovered, every sequence number within what the
// snapshot may have caught. exact is for a fenced point: on the number itself.
func Verify(w Wanted, have []opensearch.Index, j Journal, exact bool) []Problem {
	var out []Problem
	say := func(name, format string, a ...any) {
		out = append(out, Problem{Index: name, Why: fmt.Sprintf(format, a...)})
	}
	final := func() { out[len(out)-1].Final = true }
	wanted := map[string]point.Index{}
	for _, i := range w.Indices {
		wanted[i.Name] = i
	}
	seen := map[string]bool{}
	for _, i := range have {
		want, ok := wanted[i.Name]
		item := j.Items[i.Name]
		seen[i.Name] = true
		switch {
		case !ok:
			say(i.Name, "it is in the domain and not in the recovery point")
		case item.UUID != i.UUID:
			say(i.Name, "it is not the copy that was restored")
		case !item.Done || len(i.Shards) != i.Primaries:
			say(i.Name, "%d of %d shards are recovered", len(i.Shards), i.Primaries)
		case !slices.Contains(i.Blocks, "write"):
			say(i.Name, "it takes writes")
		case !item.asItCame(i):
			say(i.Name, "its settings or mappings were changed here")
		case want.Open && !within(i.Shards, want.Shards, false):
			say(i.Name, "its sequence numbers %s are not within the recovery point's %s", numbers(i.Shards), bounds(want.Shards))
			final()
		case want.Open && exact && !w.older(i.Name) && !within(i.Shards, want.Shards, true):
			say(i.Name, "its fenced copy is not exact: %s", bounds(want.Shards))
		case i.DataStream != want.DataStream:
			say(i.Name, "it belongs to data stream %q, not %q", i.DataStream, want.DataStream)
		}
	}
	for _, i := range w.Indices {
		if !seen[i.Name] {
			say(i.Name, "it is missing")
		}
	}
	return out
}

func numbers(s []opensearch.Shard) string {
	var out []string
	for _, x := range s {
		out = append(out, fmt.Sprint(x.MaxSeqNo))
	}
	return strings.Join(out, ",")
}

func bounds(s []point.Shard) string {
	var out []string
	for _, x := range s {
		if x.After == math.MaxInt64 {
			out = append(out, fmt.Sprintf("[%d,]", x.Before))
		} else {
			out = append(out, fmt.Sprintf("[%d,%d]", x.Before, x.After))
		}
	}
	return strings.Join(out, ",")
}

func sorted(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
