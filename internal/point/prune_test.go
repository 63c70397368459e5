package point_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// world of a pruning: points of three tenures, in which the own cluster may have
// been active twice.
func world(t *rapid.T) (all []point.ID, known []point.Summary, pins []point.Pin, r point.Rules) {
	uuids := []string{rapid.SampledFrom([]string{own, "other"}).Draw(t, "tenure 1"), rapid.SampledFrom([]string{own, "other"}).Draw(t, "tenure 2"), own}
	at := day0
	for g, uuid := range uuids {
		for s := range rapid.IntRange(0, 8).Draw(t, "points") {
			id := point.ID{Generation: int64(g + 1), Sequence: int64(s + 1)}
			at = at.Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "hours")) * time.Hour)
			all = append(all, id)
			if rapid.IntRange(0, 9).Draw(t, "unread") > 0 {
				known = append(known, point.Summary{ID: id, ClusterUUID: uuid, Start: at})
			}
			if rapid.IntRange(0, 5).Draw(t, "pinned") == 0 {
				pins = append(pins, point.Pin{Point: id})
			}
		}
	}
	r = point.Rules{
		Keep: rapid.IntRange(0, 6).Draw(t, "keep"), Days: rapid.IntRange(0, 10).Draw(t, "days"), OwnUUID: own, OwnGen: 3,
		Now: at.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "later")) * time.Hour), Limit: rapid.IntRange(1, 4).Draw(t, "limit"),
	}
	if len(all) > 0 {
		r.Verified = &all[rapid.IntRange(0, len(all)-1).Draw(t, "verified")]
	}
	return all, known, pins, r
}

func TestH17_PlanNever(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, known, pins, r := world(t)
		plan := point.Plan(all, known, pins, r)
		if len(plan) > r.Limit || !slices.IsSortedFunc(plan, point.Compare) {
			t.Fatalf("not bounded, or not oldest first: %v", plan)
		}
		byID := map[point.ID]point.Summary{}
		var ours []point.ID
		for _, s := range known {
			byID[s.ID] = s
			if s.ClusterUUID == own {
				ours = append(ours, s.ID)
			}
		}
		for _, id := range plan {
			s, read := byID[id]
			newer := 0
			for _, o := range all {
				if k, ok := byID[o]; id.Less(o) && (ok && k.ClusterUUID == own || !ok && o.Generation == 3) {
					newer++
				}
			}
			switch {
			case !read || s.ClusterUUID != own:
				t.Fatalf("%s is not known to be ours", id)
			case slices.ContainsFunc(pins, func(p point.Pin) bool { return p.Point == id }):
				t.Fatalf("%s is pinned", id)
			case id == *r.Verified:
				t.Fatalf("%s is the newest verified one", id)
			case id.Generation < r.OwnGen && !slices.ContainsFunc(ours, func(o point.ID) bool { return o.Generation == id.Generation && id.Less(o) }):
				t.Fatalf("%s is what its tenure ended with", id)
			case newer < max(r.Keep, 1):
				t.Fatalf("%s is among the newest %d", id, r.Keep)
			case r.Now.Sub(s.Start) <= time.Duration(r.Days)*24*time.Hour:
				t.Fatalf("%s is %s old", id, r.Now.Sub(s.Start))
			}
		}
		// And what may go does go, in the end.
		if len(plan) == 0 && r.Verified != nil {
			for i, id := range ours {
				s := byID[id]
				if id.Generation < r.OwnGen && (i+1 == len(ours) || ours[i+1].Generation > id.Generation) {
					continue // what an earlier tenure ended with
				}
				if len(ours)-i-1 >= max(r.Keep, 1) && s.Start.Before(r.Now.AddDate(0, 0, -r.Days)) && id != *r.Verified &&
					!slices.ContainsFunc(pins, func(p point.Pin) bool { return p.Point == id }) {
					t.Fatalf("%s could go and stays", id)
				}
			}
		}
	})
}

func TestPlanWithoutAVerifiedPointNamesNone(t *testing.T) {
	all := []point.ID{{Generation: 1, Sequence: 1}, {Generation: 1, Sequence: 2}}
	known := []point.Summary{{ID: all[0], ClusterUUID: own, Start: day0}, {ID: all[1], ClusterUUID: own, Start: day0}}
	r := point.Rules{Keep: 1, OwnUUID: own, OwnGen: 1, Now: day0.AddDate(1, 0, 0), Limit: 3}
	if p := point.Plan(all, known, nil, r); p != nil {
		t.Fatal(p)
	}
	r.Verified = &all[1]
	if p := point.Plan(all, known, nil, r); !slices.Equal(p, all[:1]) {
		t.Fatal(p)
	}
}

func TestPrunableReadsFewPoints(t *testing.T) {
	ctx := context.Background()
	b := bucket()
	for n := range 30 {
		write(t, b, n)
	}
	before := b.Calls(storetest.Get)
	newest := point.ID{Generation: 2, Sequence: 30}
	plan, err := point.Prunable(ctx, b, point.Rules{Keep: 2, Days: 1, Now: day0.AddDate(0, 0, 10), OwnUUID: own, OwnGen: 2, Verified: &newest, Limit: 3})
	if err != nil || len(plan) != 3 || plan[0].Sequence != 1 {
		t.Fatal(plan, err)
	}
	if n := b.Calls(storetest.Get) - before; n > 3 {
		t.Errorf("%d points were read", n)
	}
	// H13: another cluster's points are left alone.
	plan, err = point.Prunable(ctx, b, point.Rules{Keep: 2, Days: 1, Now: day0.AddDate(0, 0, 10), OwnUUID: "new", OwnGen: 3, Verified: &newest, Limit: 3})
	if err != nil || len(plan) != 0 {
		t.Fatal(plan, err)
	}
}

// Removal cut off at any request and repeated as documented ends complete, and
// at no moment is there a point whose snapshot is gone.
func TestH17_RemovalSurvivesACrash(t *testing.T) {
	ctx := context.Background()
	for at := range 14 {
		b := bucket()
		p := write(t, b, 0)
		write(t, b, 1)
		snapshot := own + "/snap-" + p.SnapshotUUID
		if _, err := b.Put(ctx, snapshot, nil, store.Condition{}); err != nil {
			t.Fatal(err)
		}
		remove := func(id point.ID) error {
			r, err := point.Withdraw(ctx, b, id)
			if err != nil {
				return err
			}
			if r.Snapshot != p.Snapshot || r.SnapshotUUID != p.SnapshotUUID || r.ClusterUUID != own {
				t.Fatalf("%+v", r)
			}
			if err := b.Delete(ctx, snapshot); err != nil {
				return err
			}
			return point.Finish(ctx, b, r)
		}
		calls := 0
		b.OnCall(func(storetest.Op, string) {
			if calls++; calls == at+1 {
				b.SetUnreachable(true)
			}
		})
		err := remove(p.ID)
		b.OnCall(nil)
		b.SetUnreachable(false)
		ids, _ := point.List(ctx, b)
		if _, gone := b.Get(ctx, snapshot); errors.Is(gone, store.ErrAbsent) && len(ids) != 1 {
			t.Fatalf("cut at request %d: the snapshot is gone and the point is not: %v", at+1, ids)
		}
		unfinished, uerr := point.Unfinished(ctx, b)
		if uerr != nil || err != nil && len(ids) == 1 && len(unfinished) != 1 {
			t.Fatalf("cut at request %d (%v): nobody will finish it: %v %v", at+1, err, ids, unfinished)
		}
		for _, id := range unfinished {
			if err := remove(id); err != nil {
				t.Fatal(err)
			}
		}
		if len(unfinished) > 0 || err == nil {
			for _, k := range b.Keys() {
				if k == snapshot || len(k) > len(p.ID.Key())-5 && k[:len(p.ID.Key())-5] == p.ID.Key()[:len(p.ID.Key())-5] {
					t.Fatalf("cut at request %d: %s is left", at+1, k)
				}
			}
		}
	}
}

// A pin and a removal at the same time: never do both succeed.
func TestH17_APinAndARemovalExcludeEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		b := bucket()
		p, err := point.Write(ctx, b, sample(0), some, capsule())
		if err != nil {
			t.Fatal(err)
		}
		errs := storetest.Interleave(b, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") },
			func(b store.Bucket) error { return point.PinFor(ctx, b, p.ID, "reader", time.Hour) },
			func(b store.Bucket) error { _, err := point.Withdraw(ctx, b, p.ID); return err })
		switch {
		case errs[0] == nil && errs[1] == nil:
			t.Fatal("pinned, and removed")
		case errs[0] != nil && !errors.Is(errs[0], point.ErrGone), errs[1] != nil && !errors.Is(errs[1], point.ErrPinned):
			t.Fatal(errs)
		case errs[0] == nil:
			if ids, err := point.List(ctx, b); err != nil || len(ids) != 1 {
				t.Fatalf("pinned, and not there: %v %v", ids, err)
			}
		}
	})
}

func TestH10_PinsEndByTheBucketsClock(t *testing.T) {
	ctx := context.Background()
	now := day0
	b := storetest.NewMemory("b", "us-west-2", func() time.Time { return now })
	p := write(t, b, 0)
	if err := point.PinFor(ctx, b, p.ID, "reader", time.Hour); err != nil {
		t.Fatal(err)
	}
	if pins, err := point.Pinned(ctx, b); err != nil || len(pins) != 1 || pins[0].Point != p.ID {
		t.Fatal(pins, err)
	}
	if _, err := point.Withdraw(ctx, b, p.ID); !errors.Is(err, point.ErrPinned) {
		t.Fatal(err)
	}
	if ids, err := point.List(ctx, b); err != nil || len(ids) != 1 {
		t.Fatalf("a refused removal leaves the point: %v %v", ids, err)
	}
	now = now.Add(time.Hour)
	if pins, err := point.Pinned(ctx, b); err != nil || len(pins) != 0 {
		t.Fatal(pins, err)
	}
	if err := point.PinFor(ctx, b, p.ID, "reader", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := point.Unpin(ctx, b, p.ID, "reader"); err != nil {
		t.Fatal(err)
	}
	if _, err := point.Withdraw(ctx, b, p.ID); err != nil {
		t.Fatal(err)
	}
	if err := point.PinFor(ctx, b, p.ID, "late", time.Hour); !errors.Is(err, point.ErrGone) {
		t.Fatal(err)
	}
}
