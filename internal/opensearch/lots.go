package opensearch

import (
	"iter"
	"net/url"
)

// pathBytes of one request that the names in it may take: the engine reads 4,096
// bytes of a request line, the longest query of this package has 300, and a proxy
// may add some.
const pathBytes = 3200

// Lots cuts names into as few lists as fit into one request path each. The bound
// counts bytes as they are sent: a name that is not ASCII takes three for each of
// its own.
func Lots(names []string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		from, size := 0, 0
		for n, name := range names {
			bytes := len(url.PathEscape(name)) + len(",")
			if n > from && size+bytes > pathBytes {
				if !yield(names[from:n:n]) {
					return
				}
				from, size = n, 0
			}
			size += bytes
		}
		if from < len(names) {
			yield(names[from:])
		}
	}
}
