package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func TestH3_ARemovedIntentCannotBeClaimed(t *testing.T) {
	w, l := switching(t, "x")
	_, err := ledger.RemoveIntent(ctx, w.east, *l.Intent)
	check(t, err)
	_, err = ledger.ClaimSwitch(ctx, w.east, second("x"))
	wantErr(t, err, ledger.ErrSuperseded)
	if got := present(t, w.east); got.Generation != 1 || got.Intent != nil {
		t.Fatalf("%+v", got)
	}
	_, err = ledger.RemoveIntent(ctx, w.east, *l.Intent)
	check(t, err) // once more is a success
}

// What was claimed cannot be aborted, not even after the next switch has begun
// or ended: its fence must stay.
func TestH3_AClaimedIntentCannotBeRemoved(t *testing.T) {
	w, l := switching(t, "x")
	mine := *l.Intent
	next, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	check(t, err)
	refused := func() {
		t.Helper()
		before := present(t, w.east)
		_, err := ledger.RemoveIntent(ctx, w.east, mine)
		wantErr(t, err, ledger.ErrSuperseded)
		if after := present(t, w.east); !after.Same(before) || (after.Intent == nil) != (before.Intent == nil) {
			t.Fatalf("changed to %+v", after)
		}
	}
	refused()
	_, err = ledger.PutIntent(ctx, w.east, next, ledger.Intent{Token: "y", To: east}, ttl)
	check(t, err)
	refused()
	_, err = ledger.ClaimSwitch(ctx, w.east, ledger.Claim{Region: east, ClusterUUID: "third", Token: "y"})
	check(t, err)
	refused()
}

func TestH3_AnotherIntentIsNotRemoved(t *testing.T) {
	w, l := switching(t, "x")
	other := *l.Intent
	other.Token = "y"
	_, err := ledger.RemoveIntent(ctx, w.east, other)
	wantErr(t, err, ledger.ErrSuperseded, "request-x")
	if present(t, w.east).Intent == nil {
		t.Fatal("it is gone")
	}
}

func TestH10_IntentsExpireByS3sClock(t *testing.T) {
	w, l := switching(t, "x")
	for _, c := range []struct {
		after time.Duration
		live  bool
	}{{ttl - time.Second, true}, {ttl, false}, {ttl + time.Hour, false}} {
		w.clock.at = epoch.Add(c.after)
		if l.Intent.Live(ledger.ReadOne(ctx, w.east).Date) != c.live {
			t.Fatalf("after %s: live %t", c.after, !c.live)
		}
	}
	_, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	wantErr(t, err, ledger.ErrIntentExpired)
	if present(t, w.east).Generation != 1 {
		t.Fatal("it was claimed")
	}
}

func TestH10_DropExpired(t *testing.T) {
	w, l := switching(t, "x")
	for range 2 {
		i, err := ledger.DropExpired(ctx, w.east)
		check(t, err)
		if i != nil || present(t, w.east).Intent == nil {
			t.Fatalf("a live intent was dropped: %+v", i)
		}
		w.clock.at = epoch.Add(ttl - time.Second)
	}
	w.clock.at = epoch.Add(ttl)
	i, err := ledger.DropExpired(ctx, w.east)
	check(t, err)
	if i == nil || i.Token != "x" || present(t, w.east).Intent != nil || !present(t, w.east).Same(l) {
		t.Fatalf("dropped %+v, left %+v", i, present(t, w.east))
	}
	if i, err = ledger.DropExpired(ctx, w.east); err != nil || i != nil {
		t.Fatalf("once more: %+v, %v", i, err)
	}
	_, err = ledger.DropExpired(ctx, w.west)
	wantErr(t, err, store.ErrAbsent)
}

// The claim that came in between wins: the fence stays.
func TestH10_DropExpiredAgainstARenewal(t *testing.T) {
	w, l := switching(t, "x")
	w.clock.at = epoch.Add(ttl)
	w.east.OnCall(func(op storetest.Op, _ string) {
		if op != storetest.Put {
			return
		}
		w.east.OnCall(nil)
		_, err := ledger.PutIntent(ctx, w.east, l, intent("x"), ttl)
		check(t, err)
	})
	_, err := ledger.DropExpired(ctx, w.east)
	wantErr(t, err, ledger.ErrSuperseded)
	if i := present(t, w.east).Intent; i == nil || !i.Live(w.clock.at) {
		t.Fatalf("%+v", i)
	}
}

func TestH21_OneSwitchAtATime(t *testing.T) {
	w, l := switching(t, "x")
	_, err := ledger.PutIntent(ctx, w.east, l, intent("y"), ttl)
	held, ok := errors.AsType[*ledger.IntentHeld](err)
	if !ok || held.Intent.Token != "x" || !strings.Contains(err.Error(), "request-x") {
		t.Fatal(err)
	}
	w.clock.at = epoch.Add(ttl - time.Second)
	renewed, err := ledger.PutIntent(ctx, w.east, l, intent("x"), ttl)
	check(t, err)
	if !renewed.Intent.Expires.Equal(w.clock.at.Add(ttl)) {
		t.Fatalf("not renewed: %+v", renewed.Intent)
	}
	w.clock.at = w.clock.at.Add(ttl)
	_, err = ledger.PutIntent(ctx, w.east, l, intent("y"), ttl)
	check(t, err)
	_, err = ledger.ClaimSwitch(ctx, w.east, second("x"))
	wantErr(t, err, ledger.ErrSuperseded, "request-y")
}

func TestAnIntentIsForTheLedgerInForceOnly(t *testing.T) {
	w, l := active(t)
	for _, other := range []ledger.Ledger{gen(2, "b"), gen(1, "b"), {}} {
		_, err := ledger.PutIntent(ctx, w.east, other, intent("x"), ttl)
		wantErr(t, err, ledger.ErrSuperseded)
	}
	_, err := ledger.PutIntent(ctx, w.west, l, intent("x"), ttl)
	wantErr(t, err, store.ErrAbsent)
	if present(t, w.east).Intent != nil {
		t.Fatal("marked")
	}
}
