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
