package stacks_test

import "testing"

// Each test holds one row of the failure modes (F), or of the review of what
// AWS really does (X, U, D, N).

func eachOf(t *testing.T, kinds []string, f func(t *testing.T, v variant, r resource)) {
	t.Helper()
	found := 0
	each(t, func(t *testing.T, v variant, a *assembly) {
		for _, r := range a.resources(kinds...) {
			found++
			f(t, v, r)
		}
	})
	some(t, found, kinds)
}

// some must have been looked at: a test of nothing proves nothing.
func some(t *testing.T, found int, what any) {
	t.Helper()
	if found == 0 {
		t.Errorf("nothing was looked at: no template holds %v", what)
	}
}
