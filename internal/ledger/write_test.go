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

func TestAClaimIsWhatIsReadBack(t *testing.T) {
	w, l := active(t)
	if l.Generation != 1 || l.ActiveRegion != east || l.ClusterUUID != "a" || l.PromotedFrom != "" || !l.Since.Equal(epoch) || !present(t, w.east).Same(l) {
		t.Fatalf("%+v", l)
	}
	w.clock.at = epoch.Add(time.Minute)
	l, err := ledger.PutIntent(ctx, w.east, l, intent("x"), ttl)
	check(t, err)
	if i := present(t, w.east).Intent; i == nil || i.FromGeneration != 1 || !i.Expires.Equal(epoch.Add(time.Minute+ttl)) {
		t.Fatalf("%+v", i)
	}
	w.clock.at = epoch.Add(2 * time.Minute)
	next, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	check(t, err)
	if next.Generation != 2 || next.ActiveRegion != west || next.PromotedFrom != l.ClusterUUID || !next.Since.Equal(w.clock.at) || next.Intent != nil || !present(t, w.east).Same(next) {
		t.Fatalf("%+v", next)
	}
}

func TestD12_AFirstClaimGoesIntoThePromotedRegionsBucket(t *testing.T) {
	w := newWorld()
	if _, err := ledger.ClaimFirst(ctx, w.west, first("a")); err == nil || len(w.west.Keys()) > 0 {
		t.Fatal(err)
	}
}

func TestAClaimWithoutABucketNamesTheStack(t *testing.T) {
	w := newWorld()
	w.east.SetAbsent(true)
	_, err := ledger.ClaimFirst(ctx, w.east, first("a"))
	wantErr(t, err, store.ErrAbsent, "foundation", east)
}

func TestASecondFirstClaimIsSuperseded(t *testing.T) {
	w, l := active(t)
	_, err := ledger.ClaimFirst(ctx, w.east, first("b"))
	wantErr(t, err, ledger.ErrSuperseded, "domain a")
	if !present(t, w.east).Same(l) {
		t.Fatal("it was written over")
	}
}

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

func TestAClaimAsksForItsOwnIntent(t *testing.T) {
	w, l := active(t)
	_, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	wantErr(t, err, ledger.ErrSuperseded, "no longer marked")
	_, err = ledger.PutIntent(ctx, w.east, l, intent("x"), ttl)
	check(t, err)
	_, err = ledger.ClaimSwitch(ctx, w.east, second("y"))
	wantErr(t, err, ledger.ErrSuperseded, "request-x")
	wrong := second("x")
	wrong.Region = east
	_, err = ledger.ClaimSwitch(ctx, w.east, wrong)
	wantErr(t, err, ledger.ErrSuperseded, west)
	if got := present(t, w.east); got.Generation != 1 || got.Intent == nil {
		t.Fatalf("%+v", got)
	}
	_, err = ledger.ClaimSwitch(ctx, w.west, second("x"))
	wantErr(t, err, store.ErrAbsent) // no ledger there: nothing to claim
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

// Every write, with its answer lost and with a 412 after the SDK repeated a put
// that was done: it is read back, and it was ours (H25).
func TestH25_AnAnswerThatWasLost(t *testing.T) {
	writes := map[string]func(t *testing.T, faulty func(*storetest.Memory)) (*world, error){
		"first claim": func(t *testing.T, faulty func(*storetest.Memory)) (*world, error) {
			w := newWorld()
			faulty(w.east)
			_, err := ledger.ClaimFirst(ctx, w.east, first("a"))
			if err == nil && present(t, w.east).ClusterUUID != "a" {
				t.Error("not claimed")
			}
			return w, err
		},
		"intent": func(t *testing.T, faulty func(*storetest.Memory)) (*world, error) {
			w, l := active(t)
			faulty(w.east)
			_, err := ledger.PutIntent(ctx, w.east, l, intent("x"), ttl)
			if err == nil && present(t, w.east).Intent == nil {
				t.Error("not marked")
			}
			return w, err
		},
		"removal": func(t *testing.T, faulty func(*storetest.Memory)) (*world, error) {
			w, l := switching(t, "x")
			faulty(w.east)
			_, err := ledger.RemoveIntent(ctx, w.east, *l.Intent)
			if err == nil && present(t, w.east).Intent != nil {
				t.Error("not removed")
			}
			return w, err
		},
		"expiry": func(t *testing.T, faulty func(*storetest.Memory)) (*world, error) {
			w, _ := switching(t, "x")
			w.clock.at = epoch.Add(ttl)
			faulty(w.east)
			i, err := ledger.DropExpired(ctx, w.east)
			if err == nil && (i == nil || present(t, w.east).Intent != nil) {
				t.Error("not dropped")
			}
			return w, err
		},
		"claim": func(t *testing.T, faulty func(*storetest.Memory)) (*world, error) {
			w, _ := switching(t, "x")
			faulty(w.east)
			_, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
			if err == nil && present(t, w.east).Generation != 2 {
				t.Error("not claimed")
			}
			return w, err
		},
		"copy": func(t *testing.T, faulty func(*storetest.Memory)) (*world, error) {
			w, _ := active(t)
			faulty(w.east)
			_, err := ledger.CopyDown(ctx, w.east, gen(2, "b"))
			if err == nil && present(t, w.east).Generation != 2 {
				t.Error("not copied")
			}
			return w, err
		},
	}
	refused := errors.New("slow down")
	for what, write := range writes {
		t.Run(what, func(t *testing.T) {
			for _, faulty := range []func(*storetest.Memory){
				func(b *storetest.Memory) { b.LoseAnswer(storetest.Put, 1) },
				func(b *storetest.Memory) { b.ConflictAfterApply(1) },
			} {
				w, err := write(t, faulty)
				if err != nil || len(w.east.Versions(ledger.Key)) == 0 {
					t.Error(err)
				}
			}
			// A put that was not done is an error, and not "superseded".
			_, err := write(t, func(b *storetest.Memory) { b.FailNext(storetest.Put, 1, refused) })
			if !errors.Is(err, refused) || errors.Is(err, ledger.ErrSuperseded) {
				t.Error(err)
			}
			// Neither the answer nor the reading back: it is not known.
			_, err = write(t, func(b *storetest.Memory) {
				b.LoseAnswer(storetest.Put, 1)
				b.OnCall(func(op storetest.Op, _ string) {
					if op == storetest.Put {
						b.FailNext(storetest.Get, 1, refused)
					}
				})
			})
			if err == nil || !strings.Contains(err.Error(), "not known") {
				t.Error(err)
			}
		})
	}
}

// The claim whose answer was lost twice is asked for again, later.
func TestH25_AClaimIsAskedForAgain(t *testing.T) {
	w := newWorld()
	for range 2 {
		l, err := ledger.ClaimFirst(ctx, w.east, first("a"))
		check(t, err)
		if !l.Since.Equal(epoch) {
			t.Fatalf("since %s", l.Since)
		}
		w.clock.at = w.clock.at.Add(time.Minute)
	}
	l, err := ledger.PutIntent(ctx, w.east, present(t, w.east), intent("x"), ttl)
	check(t, err)
	made, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	check(t, err)
	w.clock.at = l.Intent.Expires.Add(time.Hour)
	again, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	check(t, err)
	if !again.Same(made) || present(t, w.east).Generation != 2 {
		t.Fatalf("%+v", again)
	}
	other := second("x")
	other.ClusterUUID = "z"
	_, err = ledger.ClaimSwitch(ctx, w.east, other)
	wantErr(t, err, ledger.ErrSuperseded)
}

// The next switch is marked between a claim's put and its reading back.
func TestH25_AClaimStaysOursUnderTheNextIntent(t *testing.T) {
	w, _ := switching(t, "x")
	w.east.LoseAnswer(storetest.Put, 1)
	gets := 0
	w.east.OnCall(func(op storetest.Op, _ string) {
		if op != storetest.Get {
			return
		}
		if gets++; gets == 2 {
			w.east.OnCall(nil)
			_, err := ledger.PutIntent(ctx, w.east, present(t, w.east), ledger.Intent{Token: "y", To: east}, ttl)
			check(t, err)
		}
	})
	l, err := ledger.ClaimSwitch(ctx, w.east, second("x"))
	check(t, err)
	if l.Generation != 2 || l.Intent == nil {
		t.Fatalf("%+v", l)
	}
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

// Nothing forbids an index to be made behind a fence, so that a claim must follow
// the last look at it.
func TestH9_AClaimOnAnOldLookIsRefused(t *testing.T) {
	w, _ := switching(t, "x")
	c := second("x")
	c.Looked = epoch
	w.clock.at = epoch.Add(16 * time.Second)
	_, err := ledger.ClaimSwitch(ctx, w.east, c)
	wantErr(t, err, ledger.ErrLookedLongAgo)
	if got := present(t, w.east); got.Generation != 1 || got.Intent == nil {
		t.Fatalf("%+v", got)
	}
	c.Looked = epoch.Add(14 * time.Second)
	_, err = ledger.ClaimSwitch(ctx, w.east, c)
	check(t, err)
}

// A claim of whose first try nobody knows is made in the second bucket: it must be
// the same claim, or the two are a dispute when the first Region is back.
func TestD12_AClaimThatIsMadeInBothBucketsIsOne(t *testing.T) {
	w, l := switching(t, "x")
	_, err := ledger.CopyDown(ctx, w.west, l)
	check(t, err)
	_, err = ledger.PutIntent(ctx, w.west, l.Copy(), intent("x"), ttl)
	check(t, err)
	c := second("x")
	c.Since = epoch
	_, err = ledger.ClaimSwitch(ctx, w.east, c)
	check(t, err)
	w.clock.at = epoch.Add(5 * time.Minute)
	_, err = ledger.ClaimSwitch(ctx, w.west, c)
	check(t, err)
	if _, ok, err := ledger.Read(ctx, w.west, w.east, nil).InForce(); !ok || err != nil {
		t.Fatalf("the two are not one: %v", err)
	}
}
