package point_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const own = "kx0Yw5r3QeSLmT1aGZ8u2Q"

func capsule() opensearch.Capsule {
	return opensearch.Capsule{Aliases: map[string]map[string]any{"a": {"x": map[string]any{}}}}
}

// sample point of the n-th snapshot, an hour after the one before.
func sample(n int) point.Point {
	at := day0.Add(time.Duration(n) * time.Hour)
	return point.Point{
		ID: point.ID{Generation: 2}, ClusterUUID: own, BasePath: own, Snapshot: fmt.Sprintf("g2-%d", n),
		SnapshotUUID: fmt.Sprintf("uuid-%d", n), Token: fmt.Sprintf("uuid-%d", n), Start: at, End: at.Add(time.Minute),
		Ledger: ledger.Ledger{Version: 1, Generation: 2, ActiveRegion: "us-east-1", ClusterUUID: own, Since: day0, Token: "t"},
	}
}

var some = []point.Object{{Key: own + "/snap-x.dat", Size: 3}}

func write(t testing.TB, b store.Bucket, n int) point.Point {
	t.Helper()
	p, err := point.Write(context.Background(), b, sample(n), some, capsule())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWriteAndRead(t *testing.T) {
	ctx := context.Background()
	b := bucket()
	for n := range 3 {
		if p := write(t, b, n); p.ID != (point.ID{Generation: 2, Sequence: int64(n + 1)}) {
			t.Fatal(p.ID)
		}
	}
	ids, err := point.List(ctx, b)
	if err != nil || len(ids) != 3 || !slices.IsSortedFunc(ids, point.Compare) {
		t.Fatal(ids, err)
	}
	p, ok, err := point.LoadNewest(ctx, b)
	if err != nil || !ok || p.Snapshot != "g2-2" || p.Ledger.Intent != nil {
		t.Fatal(p, ok, err)
	}
	objects, err := point.Objects(ctx, b, p)
	if err != nil || !slices.Equal(objects, some) {
		t.Fatal(objects, err)
	}
	if c, err := point.LoadCapsule(ctx, b, p.ID); err != nil || len(c.Aliases) != 1 {
		t.Fatal(c, err)
	}
	absent := bucket()
	absent.SetAbsent(true)
	if ids, err := point.List(ctx, absent); err != nil || len(ids) != 0 {
		t.Fatal(ids, err)
	}
	b.SetUnreachable(true)
	if _, _, err := point.LoadNewest(ctx, b); !errors.Is(err, storetest.ErrUnreachable) {
		t.Fatal(err)
	}
}

// Cut off, or left without an answer, at any request, and then repeated: one
// point, complete.
func TestH25_WrittenAgainIsTheSamePoint(t *testing.T) {
	ctx := context.Background()
	for _, fault := range []string{"lost answer", "conflict after apply", "crash"} {
		for at := range 12 {
			b := bucket()
			write(t, b, 0)
			calls := 0
			b.OnCall(func(op storetest.Op, _ string) {
				if op != storetest.Put {
					return
				}
				if calls++; calls == at+1 {
					switch fault {
					case "lost answer":
						b.LoseAnswer(storetest.Put, 1)
					case "conflict after apply":
						b.ConflictAfterApply(1)
					case "crash":
						b.SetUnreachable(true)
					}
				}
			})
			_, err := point.Write(ctx, b, sample(1), some, capsule())
			b.SetUnreachable(false)
			b.OnCall(nil)
			if fault != "crash" && err != nil {
				t.Fatalf("%s at put %d: %v", fault, at+1, err)
			}
			p := write(t, b, 1)
			ids, _ := point.List(ctx, b)
			if len(ids) != 2 || p.ID.Sequence != 2 {
				t.Fatalf("%s at put %d: points %v, written %s", fault, at+1, ids, p.ID)
			}
			if _, err := point.Objects(ctx, b, p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Writers of several snapshots, and of the same one, at once, with faults: each
// snapshot has exactly one point, and each point its own sidecars.
func TestOnePointASnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		b := bucket()
		snapshots := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 6).Draw(t, "snapshots")
		var tasks []func(store.Bucket) error
		for _, n := range snapshots {
			p := sample(n)
			tasks = append(tasks, func(b store.Bucket) error {
				_, err := point.Write(ctx, b, p, []point.Object{{Key: p.SnapshotUUID}}, opensearch.Capsule{})
				return err
			})
		}
		errs := storetest.Interleave(b, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") }, tasks...)
		ids, err := point.List(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, id := range ids {
			p, err := point.Load(ctx, b, id)
			if err != nil {
				t.Fatal(err)
			}
			if seen[p.SnapshotUUID] {
				t.Fatalf("two points of %s: %v", p.SnapshotUUID, ids)
			}
			seen[p.SnapshotUUID] = true
			if o, err := point.Objects(ctx, b, p); err != nil || o[0].Key != p.SnapshotUUID {
				t.Fatal(o, err)
			}
		}
		for i, n := range snapshots {
			if errs[i] != nil || !seen[sample(n).SnapshotUUID] {
				t.Fatalf("no point of snapshot %d: %v, %v", n, ids, errs[i])
			}
		}
	})
}

func TestLoadIsStrict(t *testing.T) {
	ctx := context.Background()
	b := bucket()
	p := write(t, b, 0)
	o, err := b.Get(ctx, p.ID.Key())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"version":1,"id"`, `"version":2,"id"`},
		{`"snapshot":`, `"snapshut":`},
		{`"sequence":1`, `"sequence":7`},
		{`"basePath":"` + own, `"basePath":"other`},
	} {
		if !strings.Contains(string(o.Body), c[0]) {
			t.Fatalf("%s lacks %s", o.Body, c[0])
		}
		if _, err := b.Put(ctx, p.ID.Key(), []byte(strings.Replace(string(o.Body), c[0], c[1], 1)), store.Condition{}); err != nil {
			t.Fatal(err)
		}
		_, err := point.Load(ctx, b, p.ID)
		if !errors.Is(err, point.ErrMalformed) || c[1] == `"version":2,"id"` && !strings.Contains(err.Error(), "version 2") {
			t.Errorf("%s: %v", c[1], err)
		}
	}
}

// Newest is the highest number, whatever the clocks of two Regions said.
// Versions before the codes wrote a reason only.
func TestLeftOutOfAnEarlierVersionHasItsCode(t *testing.T) {
	b := bucket()
	p := sample(1)
	p.LeftOut = []point.LeftOut{
		{Name: "gone", Reason: "deleted before the snapshot reached it"},
		{Name: "red", Reason: "red: a primary shard is missing"},
		{Name: "logs", Reason: "its backing index .ds-logs-000001: red: a primary shard is missing"},
		{Name: "warm", Reason: "UltraWarm index: its documents are only in this domain; move it to hot to protect it"},
		{Name: "failing", Code: point.CodeFailing, Reason: "deleted before the snapshot reached it"},
	}
	if _, err := point.Write(t.Context(), b, p, nil, capsule()); err != nil {
		t.Fatal(err)
	}
	got, ok, err := point.LoadNewest(t.Context(), b)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for n, want := range []string{point.CodeDeleted, point.CodeRed, point.CodeRed, "", point.CodeFailing} {
		if l := got.LeftOut[n]; l.Code != want || l.Gone() != (want == point.CodeDeleted) || l.Reason != p.LeftOut[n].Reason {
			t.Errorf("%+v: want the code %q", l, want)
		}
	}
}

func TestH34_NewestIsByOrderNotByTime(t *testing.T) {
	b := bucket()
	write(t, b, 7)
	later := write(t, b, 3) // its clock is four hours behind
	got, ok, err := point.LoadNewest(context.Background(), b)
	if err != nil || !ok || got.ID != later.ID || got.ID.Sequence != 2 {
		t.Errorf("%+v %v %v", got.ID, ok, err)
	}
	next := sample(1)
	next.ID.Generation, next.Ledger.Generation, next.Ledger.PromotedFrom = 3, 3, "x"
	if _, err := point.Write(context.Background(), b, next, some, capsule()); err != nil {
		t.Fatal(err)
	}
	if got, _, err = point.LoadNewest(context.Background(), b); err != nil || got.ID != (point.ID{Generation: 3, Sequence: 1}) {
		t.Errorf("%+v %v", got.ID, err)
	}
}
