package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// What a run sent that gave up waiting may arrive after the next run has written:
// it must not undo that.
func TestH25_ALatePutUndoesNothing(t *testing.T) {
	b := storetest.NewMemory("b", "us-east-1", time.Now)
	var first, late store.Version // two runs that saw nothing
	for _, c := range []struct {
		body string
		at   *store.Version
		want error
	}{
		{"new", &first, nil},
		{"old", &late, store.ErrConflict}, // arrives now
		{"new", &late, nil},               // the same bytes: whoever wrote them
		{"newer", &first, nil},
		{"old", &late, store.ErrConflict},
	} {
		if err := store.Replace(t.Context(), b, "k", []byte(c.body), c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.body, err, c.want)
		}
	}
	if o, err := b.Get(t.Context(), "k"); err != nil || string(o.Body) != "newer" {
		t.Errorf("%q %v", o.Body, err)
	}
}
