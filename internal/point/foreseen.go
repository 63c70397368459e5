package point

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Foreseen names an index, or a data stream, that a restore into an engine would
// leave unplaced, as far as the point alone can say (H53).
type Foreseen struct {
	Unit  string // index or data stream
	Cause string
	Hint  string
}

// Foresee what a domain of an engine ("3.4.0", "3.4") cannot hold of the point.
//
// An index that is sorted (index.sort.field) is not restored by OpenSearch 3.3 and
// 3.4: its shards fail in recovery for want of a parent field
// (https://github.com/opensearch-project/OpenSearch/issues/20073, /20476, mended by
// /pull/20284). An analyzer that reads a file needs that file on each node; on the
// service it is a package, which is associated per domain
// (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/custom-packages.html).
func Foresee(p Point, engine string) []Foreseen {
	var out []Foreseen
	add := func(i Index, cause, hint string) {
		unit := i.Name
		if i.DataStream != "" {
			unit = i.DataStream
		}
		if !slices.ContainsFunc(out, func(f Foreseen) bool { return f.Unit == unit && f.Cause == cause }) {
			out = append(out, Foreseen{Unit: unit, Cause: cause, Hint: hint})
		}
	}
	for _, i := range p.Indices {
		if i.Sorted && sortedFails(engine) {
			add(i, "it is sorted (index.sort.field), and OpenSearch "+engine+" restores no sorted index", "Use another engine in dr.engineVersion, or reindex it into an index that is not sorted")
		}
		if len(i.Files) > 0 {
			add(i, fmt.Sprintf("its analyzers read %s", strings.Join(i.Files, ", ")), "Associate the package with the domain before the index is restored: a new domain has none")
		}
	}
	return out
}

// sortedFails in engines from 3.3 up to the first with the mend.
func sortedFails(engine string) bool {
	parts := strings.Split(engine, ".")
	if len(parts) < 2 || parts[0] != "3" {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && (minor == 3 || minor == 4)
}
