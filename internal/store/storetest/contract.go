package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
)

// Contract is what every store.Bucket must do. open answers an existing, empty
// bucket; absent one that does not exist.
func Contract(t *testing.T, open, absent func(*testing.T) store.Bucket) {
	ctx := context.Background()
	body := func(s string) []byte { return []byte(s) }
	get := func(t *testing.T, b store.Bucket, key string) store.Object {
		t.Helper()
		o, err := b.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	put := func(t *testing.T, b store.Bucket, key, value string, c store.Condition) store.Object {
		t.Helper()
		o, err := b.Put(ctx, key, body(value), c)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	wantErr := func(t *testing.T, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}

	t.Run("what was put is got, with the same tag", func(t *testing.T) {
		b := open(t)
		o := put(t, b, "a/x.json", "1", store.Condition{})
		g := get(t, b, "a/x.json")
		if string(g.Body) != "1" || g.ETag == "" || g.ETag != o.ETag {
			t.Fatalf("put %q, got %q with tag %q", o.ETag, g.Body, g.ETag)
		}
	})
	t.Run("an absent key is absent", func(t *testing.T) {
		b := open(t)
		_, err := b.Get(ctx, "none")
		wantErr(t, err, store.ErrAbsent)
		if errors.Is(err, store.ErrBucketAbsent) {
			t.Fatal("the bucket is there")
		}
	})
	t.Run("H14_an absent bucket is told from an absent key, and counts as absent", func(t *testing.T) {
		b := absent(t)
		_, err := b.Get(ctx, "k")
		wantErr(t, err, store.ErrBucketAbsent)
		wantErr(t, err, store.ErrAbsent)
		_, err = b.List(ctx, "")
		wantErr(t, err, store.ErrBucketAbsent)
		_, err = b.Now(ctx)
		wantErr(t, err, store.ErrBucketAbsent)
		_, err = b.Put(ctx, "k", body("1"), store.Condition{IfAbsent: true})
		wantErr(t, err, store.ErrBucketAbsent)
	})
	t.Run("if absent writes once", func(t *testing.T) {
		b := open(t)
		put(t, b, "k", "1", store.Condition{IfAbsent: true})
		_, err := b.Put(ctx, "k", body("2"), store.Condition{IfAbsent: true})
		wantErr(t, err, store.ErrConflict)
		if g := get(t, b, "k"); string(g.Body) != "1" {
			t.Fatalf("the loser wrote %q", g.Body)
		}
	})
	t.Run("if match writes over that version only", func(t *testing.T) {
		b := open(t)
		first := put(t, b, "k", "1", store.Condition{})
		second := put(t, b, "k", "2", store.Condition{IfMatch: first.ETag})
		_, err := b.Put(ctx, "k", body("3"), store.Condition{IfMatch: first.ETag})
		wantErr(t, err, store.ErrConflict)
		if g := get(t, b, "k"); string(g.Body) != "2" || g.ETag != second.ETag {
			t.Fatalf("got %q", g.Body)
		}
	})
	t.Run("D11_if match of a missing key is a lost race", func(t *testing.T) {
		b := open(t)
		o := put(t, b, "k", "1", store.Condition{})
		if err := b.Delete(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		_, err := b.Put(ctx, "k", body("2"), store.Condition{IfMatch: o.ETag})
		wantErr(t, err, store.ErrConflict)
		_, err = b.Get(ctx, "k")
		wantErr(t, err, store.ErrAbsent)
	})
	t.Run("D11_a deleted key counts as absent", func(t *testing.T) {
		b := open(t)
		put(t, b, "k", "1", store.Condition{})
		if err := b.Delete(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(ctx, "k"); err != nil {
			t.Fatalf("deleting what is absent: %v", err)
		}
		put(t, b, "k", "2", store.Condition{IfAbsent: true})
	})
	t.Run("a listing has all keys of the prefix in byte order, across pages", func(t *testing.T) {
		b := open(t)
		var want []string
		for i := range 1100 {
			want = append(want, fmt.Sprintf("p/%04d", i))
		}
		want = append(want, "p/B", "p/_", "p/a")
		var wg sync.WaitGroup
		gate := make(chan struct{}, 8)
		for _, k := range want {
			gate <- struct{}{}
			wg.Go(func() {
				defer func() { <-gate }()
				if _, err := b.Put(ctx, k, body(k), store.Condition{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		put(t, b, "q/other", "", store.Condition{})
		entries, err := b.List(ctx, "p/")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Key)
			if e.Size != int64(len(e.Key)) || e.Modified.IsZero() {
				t.Fatalf("%s: size %d, modified %s", e.Key, e.Size, e.Modified)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got %d keys, want %d", len(got), len(want))
		}
	})
	t.Run("H10_the clock is the bucket's, in each answer, and does not go back", func(t *testing.T) {
		b := open(t)
		last, err := b.Now(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, next := range []time.Time{put(t, b, "k", "1", store.Condition{}).Date, get(t, b, "k").Date} {
			if next.IsZero() || next.Before(last) {
				t.Fatalf("%s after %s", next, last)
			}
			last = next
		}
	})
	t.Run("of many conditional puts at once exactly one wins", func(t *testing.T) {
		b := open(t)
		for _, cond := range []func() store.Condition{
			func() store.Condition { return store.Condition{IfAbsent: true} },
			func() store.Condition { return store.Condition{IfMatch: get(t, b, "race").ETag} },
		} {
			c := cond()
			var wg sync.WaitGroup
			won := make(chan string, 8)
			for i := range 8 {
				wg.Go(func() {
					v := fmt.Sprintf("%s %d", c.IfMatch, i)
					_, err := b.Put(ctx, "race", body(v), c)
					if err == nil {
						won <- v
					} else if !errors.Is(err, store.ErrConflict) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			close(won)
			var winners []string
			for v := range won {
				winners = append(winners, v)
			}
			if g := get(t, b, "race"); len(winners) != 1 || string(g.Body) != winners[0] {
				t.Fatalf("winners %q, there is %q", winners, g.Body)
			}
		}
	})
	t.Run("a deadline that is over is an error and nothing else", func(t *testing.T) {
		b := open(t)
		done, cancel := context.WithCancel(ctx)
		cancel()
		_, err := b.Get(done, "k")
		if err == nil || errors.Is(err, store.ErrAbsent) || errors.Is(err, store.ErrConflict) {
			t.Fatalf("got %v", err)
		}
	})
}
