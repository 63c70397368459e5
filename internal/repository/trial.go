package repository

import (
	"context"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Forms by which Ensure tries to reach the bucket, in its order.
func Forms(w Wish) []string {
	var out []string
	for _, f := range forms(w) {
		out = append(out, f.name)
	}
	return out
}

// Register by one form and no other, verify it and read it back: what each form is
// worth on this account, for the doctor. Ensure is for everybody else.
func Register(ctx context.Context, d opensearch.Domain, w Wish, name string, b Budget) (Result, error) {
	if !ValidUUID(w.BasePath) {
		return Result{}, fmt.Errorf("register repository %s: %q cannot be a path (H31)", w.Name, w.BasePath)
	}
	all := forms(w)
	at := slices.IndexFunc(all, func(f form) bool { return f.name == name })
	if at < 0 {
		return Result{}, fmt.Errorf("register repository %s: there is no form %q", w.Name, name)
	}
	notice, err := put(ctx, d, w, all[at], b)
	if err == nil {
		err = verify(ctx, d, w.Name, b)
	}
	if err != nil {
		return Result{}, explain("register repository "+w.Name+" by "+name, err, w)
	}
	return readBack(ctx, d, w, all[at], notice, nil)
}
