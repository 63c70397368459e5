package opensearch_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

func TestLotsAreCutByTheBytesOfARequestLine(t *testing.T) {
	var small, wide []string
	for n := range 1000 {
		small = append(small, fmt.Sprintf("tenant-%04d", n))
	}
	for n := range 15 {
		wide = append(wide, strings.Repeat("日", 79)+fmt.Sprintf("%02d", n))
	}
	for _, c := range []struct {
		names []string
		most  int // lots
	}{{nil, 0}, {[]string{"a"}, 1}, {small, 4}, {wide, 4}, {append(slices.Clone(wide), small...), 8}} {
		var all []string
		lots := 0
		for some := range opensearch.Lots(c.names) {
			lots++
			all = append(all, some...)
			path := ""
			for _, n := range some {
				path += url.PathEscape(n) + ","
			}
			if len(path) > 3700 {
				t.Errorf("%d names take %d bytes of a request line of 4,096", len(some), len(path))
			}
		}
		if !slices.Equal(all, c.names) || lots > c.most {
			t.Errorf("%d names in %d lots, want %d at most", len(all), lots, c.most)
		}
	}
}
