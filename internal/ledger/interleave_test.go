package ledger_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// order of requests, drawn; and now and then a put whose answer is lost (H25).
func order(t *rapid.T, b *storetest.Memory) func(int) int {
	faults := rapid.SliceOfN(rapid.SampledFrom([]string{"none", "answer lost", "conflict after it was done"}), 0, 6).Draw(t, "faults of puts")
	b.OnCall(func(op storetest.Op, _ string) {
		if op != storetest.Put || len(faults) == 0 {
			return
		}
		switch faults[0] {
		case "answer lost":
			b.LoseAnswer(storetest.Put, 1)
		case "conflict after it was done":
			b.ConflictAfterApply(1)
		}
		faults = faults[1:]
	})
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") }
}

func TestInterleaved_ExactlyOneFirstClaimWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		var tasks []func(store.Bucket) error
		for i := range 3 {
			tasks = append(tasks, func(b store.Bucket) error {
				_, err := ledger.ClaimFirst(ctx, b, first(fmt.Sprint(i)))
				return err
			})
		}
		errs := storetest.Interleave(w.east, order(t, w.east), tasks...)
		w.east.OnCall(nil)
		winner := present(t, w.east).ClusterUUID
		for i, err := range errs {
			if fmt.Sprint(i) == winner {
				check(t, err)
			} else {
				wantErr(t, err, ledger.ErrSuperseded)
			}
		}
		if n := len(w.east.Versions(ledger.Key)); n != 1 {
			t.Fatalf("written %d times", n)
		}
	})
}

func TestH3_Interleaved_ClaimAgainstAbort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, l := switching(t, "x")
		errs := storetest.Interleave(w.east, order(t, w.east),
			func(b store.Bucket) error { _, err := ledger.ClaimSwitch(ctx, b, second("x")); return err },
			func(b store.Bucket) error { _, err := ledger.RemoveIntent(ctx, b, *l.Intent); return err })
		w.east.OnCall(nil)
		claim, abort := errs[0], errs[1]
		got := present(t, w.east)
		if (claim == nil) == (abort == nil) {
			t.Fatalf("claim: %v, abort: %v", claim, abort)
		}
		if claim == nil {
			wantErr(t, abort, ledger.ErrSuperseded)
		} else {
			wantErr(t, claim, ledger.ErrSuperseded)
		}
		if (got.Generation == 2) != (claim == nil) || got.Intent != nil {
			t.Fatalf("claim: %v, ledger %+v", claim, got)
		}
	})
}

// Two requests mark, claim or give up as they come: at most one claim a
// generation, and who is told of a success had it.
func TestH21_Interleaved_TwoSwitches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, l := active(t)
		var claimed [2]bool
		request := func(i int) func(store.Bucket) error {
			token := fmt.Sprint("switch-", i)
			return func(b store.Bucket) error {
				if _, err := ledger.PutIntent(ctx, b, l, intent(token), ttl); err != nil {
					return err
				}
				_, err := ledger.ClaimSwitch(ctx, b, second(token))
				claimed[i] = err == nil
				return err
			}
		}
		errs := storetest.Interleave(w.east, order(t, w.east), request(0), request(1))
		w.east.OnCall(nil)
		got := present(t, w.east)
		if claimed[0] == claimed[1] || got.Generation != 2 || got.Intent != nil {
			t.Fatalf("claimed %v, %v, ledger %+v", claimed, errs, got)
		}
		for i, err := range errs {
			_, held := errors.AsType[*ledger.IntentHeld](err)
			if claimed[i] != (got.Token == fmt.Sprint("switch-", i)) || !claimed[i] && !held && !errors.Is(err, ledger.ErrSuperseded) {
				t.Fatalf("request %d: %v, ledger %+v", i, err, got)
			}
		}
	})
}

func TestH15_Interleaved_CopyDownNeverLowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		if rapid.Bool().Draw(t, "one stands there") {
			set(t, w.west, gen(rapid.Int64Range(1, 3).Draw(t, "generation there"), "a"))
		}
		var tasks []func(store.Bucket) error
		for range rapid.IntRange(2, 4).Draw(t, "copies") {
			l := gen(rapid.Int64Range(1, 4).Draw(t, "generation"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "uuid"))
			tasks = append(tasks, func(b store.Bucket) error {
				got, err := ledger.CopyDown(ctx, b, l)
				switch {
				case err == nil && !got.Same(l):
					return fmt.Errorf("answered %+v for %+v", got, l)
				case errors.Is(err, ledger.ErrSuperseded), errors.Is(err, ledger.ErrDispute):
					return nil
				}
				return err
			})
		}
		for _, err := range storetest.Interleave(w.west, order(t, w.west), tasks...) {
			check(t, err)
		}
		w.west.OnCall(nil)
		var last ledger.Ledger
		for i, v := range w.west.Versions(ledger.Key) {
			b := storetest.NewMemory("b", west, w.clock.now)
			setRaw(t, b, string(v.Body))
			l := present(t, b)
			if i > 0 && l.Generation <= last.Generation {
				t.Fatalf("from %+v to %+v", last, l)
			}
			last = l
		}
	})
}
