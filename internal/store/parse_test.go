package store_test

import (
	"errors"
	"testing"

	"github.com/opensearch-dr/osdr/internal/store"
)

func TestParseOnceWhereItIsKept(t *testing.T) {
	n := 0
	length := func(body []byte) (int, error) { n++; return len(body), nil }
	text := func(body []byte) (string, error) { return string(body), nil }
	plain := store.Object{Body: []byte("four")}
	for _, c := range []struct {
		name   string
		object store.Object
		times  int
	}{{"not kept", plain, 3}, {"kept", plain.Keep(), 1}, {"empty", store.Object{}.Keep(), 3}} {
		n = 0
		for range 3 {
			if got, err := store.Parse(c.object, length); err != nil || got != len(c.object.Body) {
				t.Errorf("%s: %d, %v", c.name, got, err)
			}
			if got, err := store.Parse(c.object, text); err != nil || got != string(c.object.Body) {
				t.Errorf("%s: %q, %v", c.name, got, err)
			}
		}
		if n != c.times {
			t.Errorf("%s: parsed %d times, not %d", c.name, n, c.times)
		}
	}
}

func TestParseKeepsNoErrorAndNoOtherBody(t *testing.T) {
	bad := errors.New("bad")
	o := store.Object{Body: []byte("four")}.Keep()
	if _, err := store.Parse(o, func([]byte) (int, error) { return 0, bad }); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
	length := func(body []byte) (int, error) { return len(body), nil }
	if n, err := store.Parse(o, length); n != 4 || err != nil {
		t.Errorf("after an error: %d, %v", n, err)
	}
	o.Body = []byte("another")
	if n, err := store.Parse(o, length); n != 7 || err != nil {
		t.Errorf("of another body: %d, %v", n, err)
	}
}
