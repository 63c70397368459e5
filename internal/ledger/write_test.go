package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

const ttl = 30 * time.Minute

func first(uuid string) ledger.Claim {
	return ledger.Claim{Region: east, ClusterUUID: uuid, Endpoint: "search-" + uuid, Token: "first-" + uuid}
}

func intent(token string) ledger.Intent {
	return ledger.Intent{Token: token, To: west, RequestID: "request-" + token}
}

func second(token string) ledger.Claim {
	return ledger.Claim{Region: west, ClusterUUID: "uuid-" + token, Endpoint: "search-" + token, Token: token}
}

// active: generation 1 stands in the east's bucket.
func active(t failer) (*world, ledger.Ledger) {
	t.Helper()
	w := newWorld()
	l, err := ledger.ClaimFirst(ctx, w.east, first("a"))
	check(t, err)
	return w, l
}

// switching: an intent stands in it too.
func switching(t failer, token string) (*world, ledger.Ledger) {
	t.Helper()
	w, l := active(t)
	l, err := ledger.PutIntent(ctx, w.east, l, intent(token), ttl)
	check(t, err)
	return w, l
}

func TestH15_CopyDown(t *testing.T) {
	w, _ := active(t)
	at := gen(2, "b")
	at.Intent = &ledger.Intent{Token: "x", FromGeneration: 2, To: west, Expires: epoch.Add(ttl)}
	for _, b := range []*storetest.Memory{w.east, w.west} { // over a lower one, and over none
		got, err := ledger.CopyDown(ctx, b, at)
		check(t, err)
		if !got.Same(at) || got.Intent != nil || present(t, b).Intent != nil || !present(t, b).Same(at) {
			t.Fatalf("%+v", got)
		}
	}
	writes := w.east.Calls(storetest.Put)
	_, err := ledger.CopyDown(ctx, w.east, at)
	check(t, err)
	if w.east.Calls(storetest.Put) != writes {
		t.Error("what stands there already was written again")
	}
	_, err = ledger.CopyDown(ctx, w.east, gen(1, "a"))
	wantErr(t, err, ledger.ErrSuperseded, "generation 2")
	_, err = ledger.CopyDown(ctx, w.east, gen(2, "z"))
	wantErr(t, err, ledger.ErrDispute, "domain b", "domain z")
	w.east.SetUnreachable(true)
	_, err = ledger.CopyDown(ctx, w.east, gen(3, "c"))
	wantErr(t, err, storetest.ErrUnreachable)
	w.east.SetUnreachable(false)
	if !present(t, w.east).Same(at) {
		t.Fatalf("%+v", present(t, w.east))
	}
}

// Between the look and the write another Region's claim of the same generation
// comes in: that is a dispute, not something to be tried again.
func TestH15_CopyDownMeetsADisputeInBetween(t *testing.T) {
	w := newWorld()
	w.west.OnCall(func(op storetest.Op, _ string) {
		if op == storetest.Put {
			w.west.OnCall(nil)
			set(t, w.west, gen(2, "z"))
		}
	})
	_, err := ledger.CopyDown(ctx, w.west, gen(2, "b"))
	wantErr(t, err, ledger.ErrDispute)
}

// The domain in force under another name: the next generation, in its own Region's
// bucket alone, by one conditional put, and by nobody who meets a switch (H13).
func TestH13_Adopt(t *testing.T) {
	w, l := active(t)
	again := ledger.Claim{Region: east, ClusterUUID: "b", Endpoint: "search-b", Token: "adopt"}
	_, err := ledger.Adopt(ctx, w.west, l, again)
	wantErr(t, err, err, "in its own Region's bucket only")
	there := again
	there.Region = west
	_, err = ledger.Adopt(ctx, w.west, l, there)
	wantErr(t, err, err, "us-east-1 is active")
	marked, err := ledger.PutIntent(ctx, w.east, l, intent("x"), ttl)
	check(t, err)
	_, err = ledger.Adopt(ctx, w.east, l, again)
	if held := (*ledger.IntentHeld)(nil); !errors.As(err, &held) || held.Intent.Token != "x" {
		t.Fatalf("over a switch: %v", err)
	}
	_, err = ledger.RemoveIntent(ctx, w.east, *marked.Intent)
	check(t, err)
	for range 2 { // asked again, it is its own
		next, err := ledger.Adopt(ctx, w.east, l, again)
		check(t, err)
		if next.Generation != 2 || next.ActiveRegion != east || next.ClusterUUID != "b" || next.PromotedFrom != "a" || !present(t, w.east).Same(next) {
			t.Fatalf("%+v", next)
		}
	}
	other := again
	other.ClusterUUID, other.Token = "c", "another"
	_, err = ledger.Adopt(ctx, w.east, l, other)
	wantErr(t, err, ledger.ErrSuperseded, "generation 2")
}
