package drift_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/drift"
)

func TestChoose(t *testing.T) {
	ready := check("r.ready", drift.Once)
	ready.Ready = true
	all := []drift.Check{check("a.one", drift.Once), check("a.two", drift.Once), check("b.one", drift.Once), ready}
	for name, c := range map[string]struct {
		only, skip []string
		ready      bool
		want       []string
		says       string
	}{
		"all but readiness":                     {nil, nil, false, []string{"a.one", "a.two", "b.one"}, ""},
		"with readiness":                        {nil, nil, true, []string{"a.one", "a.two", "b.one", "r.ready"}, ""},
		"a readiness check named":               {[]string{"r.ready"}, nil, false, []string{"r.ready"}, ""},
		"a family of readiness":                 {[]string{"r"}, nil, true, []string{"r.ready"}, ""},
		"a family of readiness, not asked for":  {[]string{"r"}, nil, false, nil, `"r" names checks of readiness only; give --ready`},
		"a pattern of readiness, not asked for": {[]string{"r.*"}, nil, false, nil, `"r.*" names checks of readiness only; give --ready`},
		"one such beside another":               {[]string{"a", "r.*"}, nil, false, nil, "give --ready"},
		"a pattern of both kinds":               {[]string{"*"}, nil, false, []string{"a.one", "a.two", "b.one"}, ""},
		"an id":                                 {[]string{"a.one"}, nil, false, []string{"a.one"}, ""},
		"a family":                              {[]string{"a"}, nil, false, []string{"a.one", "a.two"}, ""},
		"a pattern":                             {[]string{"*.one"}, nil, false, []string{"a.one", "b.one"}, ""},
		"a family but one":                      {[]string{"a.*"}, []string{"a.two"}, false, []string{"a.one"}, ""},
		"a pattern that is no id":               {[]string{"x.*"}, nil, false, nil, `"x.*" names none`},
		"nothing left":                          {[]string{"a"}, []string{"a"}, false, nil, "none is left; give fewer --skip"},
		"a skip that is no check ":              {nil, []string{"a.three"}, false, nil, `"a.three" names none`},
	} {
		o := options()
		o.Only, o.Skip, o.Ready = c.only, c.skip, c.ready
		r, err := drift.Run(t.Context(), all, at, o)
		var got []string
		for _, x := range r.Checks {
			got = append(got, x.ID)
		}
		if (err != nil) != (c.want == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}
