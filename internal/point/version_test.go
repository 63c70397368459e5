package point_test

import (
	"testing"

	"github.com/opensearch-dr/osdr/internal/point"
)

func TestF6_ARestoreGoesForwardByOneMajor(t *testing.T) {
	for _, c := range []struct {
		source, target string
		fits           bool
	}{
		{"3.4.0", "3.4.0", true}, {"3.4.0", "3.4.1", true}, {"3.4.1", "3.4.0", false}, {"1.3.15", "1.3.11", false},
		{"2.19.0", "3.4.0", true}, {"3.4.0", "2.19.0", false}, {"1.3.0", "3.0.0", false}, {"3.10.0", "3.9.0", false},
		{"3.3.2", "3.3", true}, {"3.4.0", "3.3", false}, {"2.19.3", "3.3", true},
	} {
		if why := point.TooNew(c.source, c.target); (why == "") != c.fits {
			t.Errorf("%s into %s: %q", c.source, c.target, why)
		}
	}
}
