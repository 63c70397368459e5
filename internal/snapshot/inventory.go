package snapshot

import (
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// Selection is what one snapshot asks for and what it does not, with reasons.
type Selection struct {
	Names   []string           // to ask for: indexes and data streams by name, ordered
	Indices []opensearch.Index // behind the names, backing indexes too
	Streams []opensearch.DataStream
	LeftOut []point.LeftOut
}

// Select makes the explicit list (H12): every index there is, closed and hidden
// ones too, data streams by the stream's name (naming only the backing indexes
// would lose the stream), minus what is left out by name and reason. A stream is
// taken whole or not at all.
func Select(indices []opensearch.Index, streams []opensearch.DataStream) Selection {
	var s Selection
	bad := map[string]point.LeftOut{} // stream -> why
	for _, i := range indices {
		if reason := unfit(i); reason != "" && i.DataStream != "" {
			bad[i.DataStream] = point.LeftOut{Name: i.DataStream, Code: code(i), Reason: "its backing index " + i.Name + ": " + reason}
		}
	}
	taken := map[string]bool{}
	for _, ds := range streams {
		if why, no := bad[ds.Name]; no {
			s.LeftOut = append(s.LeftOut, why)
			continue
		}
		if reason := sysindex.Reason(ds.Name); reason != "" {
			s.LeftOut = append(s.LeftOut, point.LeftOut{Name: ds.Name, Reason: reason})
			continue
		}
		taken[ds.Name] = true
		s.Names = append(s.Names, ds.Name)
		s.Streams = append(s.Streams, ds)
	}
	for _, i := range indices {
		switch {
		case i.DataStream != "":
			if taken[i.DataStream] {
				s.Indices = append(s.Indices, i)
			}
		case sysindex.Reason(i.Name) != "":
			s.LeftOut = append(s.LeftOut, point.LeftOut{Name: i.Name, Reason: sysindex.Reason(i.Name), Documents: i.Documents})
		case unfit(i) != "":
			s.LeftOut = append(s.LeftOut, point.LeftOut{Name: i.Name, Code: code(i), Reason: unfit(i), Documents: i.Documents})
		default:
			s.Names = append(s.Names, i.Name)
			s.Indices = append(s.Indices, i)
		}
	}
	slices.Sort(s.Names)
	slices.SortFunc(s.Indices, func(a, b opensearch.Index) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.LeftOut, func(a, b point.LeftOut) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// unfit indexes cannot be in a manual snapshot of hot ones.
func unfit(i opensearch.Index) string {
	switch {
	case i.Tier == "warm":
		return "UltraWarm index: its documents are only in this domain; move it to hot to protect it"
	case i.Tier != "":
		return i.Tier + " storage: its documents are only in this domain; move it to hot to protect it"
	case slices.Contains(i.Blocks, "metadata"):
		return "it blocks its metadata (index.blocks.metadata), so nothing can be told of it: remove that block to protect it"
	case i.Health == opensearch.Red: // a closed one, too: the engine refuses the snapshot as a whole
		return "red: a primary shard is missing"
	}
	return ""
}

// code of an unfit index.
func code(i opensearch.Index) string {
	if i.Health == opensearch.Red && i.Tier == "" && !slices.Contains(i.Blocks, "metadata") {
		return point.CodeRed
	}
	return ""
}

// Worrying are the left-out entries that hold documents nobody else has: what
// a gate refuses for and a run warns of.
func (s Selection) Worrying() []point.LeftOut {
	var out []point.LeftOut
	for _, l := range s.LeftOut {
		if !sysindex.Is(l.Name) && l.Code != point.CodeApart && !l.Gone() {
			out = append(out, l)
		}
	}
	return out
}
