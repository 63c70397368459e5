package restore

import (
	"path"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// Wanted of a point: what dr.restore selects, data streams by the stream's name
// and whole.
type Wanted struct {
	Indices []point.Index // backing ones too
	Streams []opensearch.DataStream
	LeftOut []string // names that the selection leaves out
	// Older names the point that an index comes from, where it is not the one that
	// is aimed at: its objects there are damaged (H71).
	Older map[string]point.Point
}

// Choose what the settings select. An empty list of indices is all.
func Choose(p point.Point, s contract.Restore) Wanted {
	var w Wanted
	stream := map[string]string{}
	for _, d := range p.DataStreams {
		for _, i := range d.Indices {
			stream[i] = d.Name
		}
		if sysindex.Is(d.Name) {
			continue
		}
		if selected(d.Name, s) {
			w.Streams = append(w.Streams, d)
		} else {
			w.LeftOut = append(w.LeftOut, d.Name)
		}
	}
	for _, i := range p.Indices {
		name := i.Name
		if d, ok := stream[i.Name]; ok {
			name, i.DataStream = d, d
		} else if i.DataStream != "" { // its stream is not in the snapshot (H77): selected by its name all the same
			name, i.DataStream = i.DataStream, ""
		}
		switch {
		case sysindex.Is(name): // in a point of an earlier version: no user misses it
		case selected(name, s):
			w.Indices = append(w.Indices, i)
		case !slices.Contains(w.LeftOut, name):
			w.LeftOut = append(w.LeftOut, name)
		}
	}
	return w
}

func selected(name string, s contract.Restore) bool {
	fits := func(p string) bool { ok, err := path.Match(p, name); return err == nil && ok }
	return (len(s.Indices) == 0 || slices.ContainsFunc(s.Indices, fits)) && !slices.ContainsFunc(s.Exclude, fits)
}

// unit of an index: its data stream, which comes whole or not at all, or itself.
func unit(i point.Index) string {
	if i.DataStream != "" {
		return i.DataStream
	}
	return i.Name
}

// Units of what is wanted, in order: indexes, and data streams by their name.
func (w Wanted) Units() []string {
	var out []string
	seen := map[string]bool{}
	for _, i := range w.Indices {
		if u := unit(i); !seen[u] {
			seen[u] = true
			out = append(out, u)
		}
	}
	for _, d := range w.Streams {
		if !seen[d.Name] {
			seen[d.Name] = true
			out = append(out, d.Name)
		}
	}
	return out
}

// minus the units that which names.
func (w Wanted) minus(which func(unit string) bool) Wanted {
	w.Indices = slices.DeleteFunc(slices.Clone(w.Indices), func(i point.Index) bool { return which(unit(i)) })
	w.Streams = slices.DeleteFunc(slices.Clone(w.Streams), func(d opensearch.DataStream) bool { return which(d.Name) })
	return w
}

// Without what a person leaves behind. An index of a data stream names the whole.
func (w Wanted) Without(names []string) (rest Wanted, left []string) {
	gone := map[string]bool{}
	for _, i := range w.Indices {
		if slices.Contains(names, i.Name) || slices.Contains(names, unit(i)) {
			gone[unit(i)] = true
		}
	}
	for _, d := range w.Streams {
		if slices.Contains(names, d.Name) {
			gone[d.Name] = true
		}
	}
	return w.minus(func(u string) bool { return gone[u] }), sorted(gone)
}

// Indexes of a unit in a point, by name.
func Indexes(p point.Point, name string) []string {
	for _, d := range p.DataStreams {
		if d.Name == name {
			return d.Indices
		}
	}
	if slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == name }) {
		return []string{name}
	}
	return nil
}

// replace a unit by what an older point has of it.
func (w Wanted) replace(name string, p point.Point) Wanted {
	names := Indexes(p, name)
	w = w.minus(func(u string) bool { return u == name })
	older := map[string]point.Point{}
	for k, v := range w.Older {
		older[k] = v
	}
	for _, d := range p.DataStreams {
		if d.Name == name {
			w.Streams = append(w.Streams, d)
		}
	}
	for _, i := range p.Indices {
		if slices.Contains(names, i.Name) {
			if i.DataStream = ""; i.Name != name {
				i.DataStream = name
			}
			w.Indices, older[i.Name] = append(w.Indices, i), p
		}
	}
	w.Older = older
	return w
}

// from is the point that an index comes from.
func (w Wanted) from(index string, main point.ID) point.ID {
	if p, ok := w.Older[index]; ok {
		return p.ID
	}
	return main
}

func (w Wanted) older(index string) bool { _, ok := w.Older[index]; return ok }
