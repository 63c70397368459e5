package snapshot

import "github.com/opensearch-dr/osdr/internal/opensearch"

// Caught are the indexes of a listing that Select takes: the ones that a recovery
// point of now would hold. A fence compares its final point with these and no others.
func Caught(indices []opensearch.Index) []opensearch.Index {
	var streams []opensearch.DataStream
	seen := map[string]bool{}
	for _, i := range indices {
		if i.DataStream != "" && !seen[i.DataStream] {
			seen[i.DataStream] = true
			streams = append(streams, opensearch.DataStream{Name: i.DataStream})
		}
	}
	return Select(indices, streams).Indices
}
