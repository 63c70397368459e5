// Package routetest holds the in-memory zone of the tests and the contract that
// it and a real hosted zone pass.
package routetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/opensearch-dr/osdr/internal/route"
)

// ErrUnreachable is what a Zone that is cut off answers.
var ErrUnreachable = errors.New("route 53 does not answer")

// Zone in memory.
type Zone struct {
	mu          sync.Mutex
	records     map[string]route.Record
	refuseReads bool
	refuseWrite bool
	changes     int
}

// New answers an empty zone.
func New() *Zone { return &Zone{records: map[string]route.Record{}} }

// Set a record by hand, as somebody else would.
func (z *Zone) Set(name string, r route.Record) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records[name] = r
}

// Refuse reads, changes, or both.
func (z *Zone) Refuse(reads, changes bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.refuseReads, z.refuseWrite = reads, changes
}

// Changes that were made.
func (z *Zone) Changes() int { z.mu.Lock(); defer z.mu.Unlock(); return z.changes }

// Read implements route.Zone.
func (z *Zone) Read(ctx context.Context, name string) (route.Record, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.refuseReads {
		return route.Record{}, ErrUnreachable
	}
	return z.records[name], ctx.Err()
}

// Upsert implements route.Zone.
func (z *Zone) Upsert(ctx context.Context, name string, w route.Wish) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.refuseWrite {
		return ErrUnreachable
	}
	if t := z.records[name].Type; t != "" && t != "CNAME" {
		return errors.New("InvalidChangeBatch: CNAME beside " + t)
	}
	z.records[name] = route.Record{Type: "CNAME", Target: w.Endpoint, TTL: w.TTL, Mark: w.Mark.String(), MarkTTL: w.TTL}
	z.changes++
	return ctx.Err()
}

// Contract is what every route.Zone must do. open answers an empty zone and a
// name in it.
func Contract(t *testing.T, open func(*testing.T) (route.Zone, string)) {
	ctx := context.Background()
	wish := func(g int64, endpoint string) route.Wish {
		return route.Wish{Endpoint: endpoint, TTL: 60, Mark: route.Mark{Name: "search", Region: "us-west-2", Generation: g}}
	}
	read := func(t *testing.T, z route.Zone, name string) route.Record {
		t.Helper()
		r, err := z.Read(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Run("nothing stands in an empty zone", func(t *testing.T) {
		z, name := open(t)
		if r := read(t, z, name); r != (route.Record{}) {
			t.Fatalf("%+v", r)
		}
	})
	t.Run("what was put is read, both records, and replaced in place", func(t *testing.T) {
		z, name := open(t)
		for g, endpoint := range []string{"one.example.com", "two.example.com"} {
			w := wish(int64(g+1), endpoint)
			if err := z.Upsert(ctx, name, w); err != nil {
				t.Fatal(err)
			}
			want := route.Record{Type: "CNAME", Target: endpoint, TTL: 60, Mark: w.Mark.String(), MarkTTL: 60}
			if r := read(t, z, name); r != want {
				t.Fatalf("got %+v, want %+v", r, want)
			}
			if s := route.Decide(read(t, z, name), w); s != route.Right {
				t.Fatal(s)
			}
		}
	})
	t.Run("another name is not touched", func(t *testing.T) {
		z, name := open(t)
		if err := z.Upsert(ctx, "a."+name, wish(1, "one.example.com")); err != nil {
			t.Fatal(err)
		}
		if r := read(t, z, name); r != (route.Record{}) {
			t.Fatalf("%+v", r)
		}
	})
}
