package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

const (
	east = "us-east-1"
	west = "us-west-2"
)

var (
	ctx   = context.Background()
	epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
)

// clock of both buckets, moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// world of two Regions' buckets.
type world struct {
	clock      clock
	east, west *storetest.Memory
}

func newWorld() *world {
	w := &world{clock: clock{epoch}}
	w.east = storetest.NewMemory("b-"+east, east, w.clock.now)
	w.west = storetest.NewMemory("b-"+west, west, w.clock.now)
	return w
}

// gen is a ledger of a generation, told apart by its domain.
func gen(n int64, uuid string) ledger.Ledger {
	l := ledger.Ledger{
		Version: ledger.FormatVersion, Generation: n, ActiveRegion: east, ClusterUUID: uuid,
		Endpoint: "search-" + uuid, Since: epoch, Token: "claim-of-" + uuid,
	}
	if n > 1 {
		l.PromotedFrom = "before-" + uuid
	}
	return l
}

type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func set(t failer, b store.Bucket, l ledger.Ledger) {
	t.Helper()
	body, err := json.Marshal(l)
	check(t, err)
	setRaw(t, b, string(body))
}

func setRaw(t failer, b store.Bucket, body string) {
	t.Helper()
	_, err := b.Put(ctx, ledger.Key, []byte(body), store.Condition{})
	check(t, err)
}

func check(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t failer, err, want error, parts ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Fatalf("error %q does not say %q", err, p)
		}
	}
}

func present(t failer, b store.Bucket) ledger.Ledger {
	t.Helper()
	r := ledger.ReadOne(ctx, b)
	if r.Answer != ledger.Present {
		t.Fatalf("ledger of %s: %s, %v", b.Region(), r.Answer, r.Err)
	}
	return r.Ledger
}

func TestH14_OnlyTwoAbsentAnswersAllowTheFirstSetUp(t *testing.T) {
	answers := map[ledger.Answer]func(*storetest.Memory){
		ledger.Absent:      func(*storetest.Memory) {},
		ledger.Present:     func(b *storetest.Memory) { set(t, b, gen(1, "a")) },
		ledger.Unreachable: func(b *storetest.Memory) { b.SetUnreachable(true) },
	}
	for own, makeOwn := range answers {
		for other, makeOther := range answers {
			w := newWorld()
			makeOwn(w.east)
			makeOther(w.west)
			v := ledger.Read(ctx, w.east, w.west, nil)
			if v.Own.Answer != own || v.Other.Answer != other || v.Own.Region != east || v.Other.Region != west {
				t.Fatalf("want %s and %s, got %+v", own, other, v)
			}
			err := v.FirstSetUp(false, false)
			if allowed := own == ledger.Absent && other == ledger.Absent; allowed != (err == nil) {
				t.Errorf("own %s, other %s: %v", own, other, err)
			}
			if own == ledger.Unreachable && !errors.Is(err, ledger.ErrUnknown) {
				t.Errorf("own unreachable: %v", err)
			}
			_, ok, err := v.InForce()
			switch {
			case own == ledger.Present || other == ledger.Present:
				if !ok || err != nil {
					t.Errorf("own %s, other %s: in force %t, %v", own, other, ok, err)
				}
			case own == ledger.Absent && other == ledger.Absent:
				if ok || err != nil {
					t.Errorf("both absent: in force %t, %v", ok, err)
				}
			default:
				if ok || !errors.Is(err, ledger.ErrUnknown) {
					t.Errorf("own %s, other %s: in force %t, %v", own, other, ok, err)
				}
			}
			if v.Complete() != (own != ledger.Unreachable && other != ledger.Unreachable) {
				t.Errorf("own %s, other %s: complete %t", own, other, v.Complete())
			}
		}
	}
}

func TestH14_TracesOfAnEarlierLifeStandAgainstTheFirstSetUp(t *testing.T) {
	w := newWorld()
	w.west.SetAbsent(true) // a bucket that was never made counts as absent
	v := ledger.Read(ctx, w.east, w.west, nil)
	check(t, v.FirstSetUp(false, false))
	if err := v.FirstSetUp(true, false); err == nil || !strings.Contains(err.Error(), "recovery points") {
		t.Error("with a point: ", err)
	}
	if err := v.FirstSetUp(false, true); err == nil || !strings.Contains(err.Error(), "documents") {
		t.Error("with documents in the other domain: ", err)
	}
	if err := ledger.Read(ctx, w.east, w.west, []ledger.Ledger{gen(1, "a")}).FirstSetUp(false, false); err == nil {
		t.Error("with a ledger copy in a point")
	}
	// The Region that the operator called unreachable is not asked, and so is not "absent".
	if err := ledger.Read(ctx, w.east, nil, nil).FirstSetUp(false, false); !errors.Is(err, ledger.ErrUnknown) {
		t.Error("with a Region that was not asked: ", err)
	}
}

func TestH15_TheHighestGenerationIsInForceWhereverItIs(t *testing.T) {
	for _, c := range []struct {
		what       string
		east, west *ledger.Ledger
		copies     []ledger.Ledger
		want       ledger.Ledger
	}{
		{"the own ledger", new(gen(3, "c")), new(gen(2, "b")), []ledger.Ledger{gen(1, "a")}, gen(3, "c")},
		{"the other ledger", new(gen(2, "b")), new(gen(3, "c")), []ledger.Ledger{gen(2, "b")}, gen(3, "c")},
		{"a point", new(gen(1, "a")), new(gen(1, "a")), []ledger.Ledger{gen(1, "a"), gen(2, "b"), gen(1, "a")}, gen(2, "b")},
		{"a point alone", nil, nil, []ledger.Ledger{gen(2, "b")}, gen(2, "b")},
		{"a dispute below it is history", new(gen(3, "c")), new(gen(2, "x")), []ledger.Ledger{gen(2, "y"), gen(1, "a")}, gen(3, "c")},
		{"as is one between points", new(gen(3, "c")), new(gen(3, "c")), []ledger.Ledger{gen(2, "x"), gen(2, "y"), gen(3, "c")}, gen(3, "c")},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld()
			if c.east != nil {
				set(t, w.east, *c.east)
			}
			if c.west != nil {
				set(t, w.west, *c.west)
			}
			got, ok, err := ledger.Read(ctx, w.east, w.west, c.copies).InForce()
			if err != nil || !ok || !got.Same(c.want) {
				t.Fatalf("got %+v, %t, %v", got, ok, err)
			}
		})
	}
}

func TestH15_D12_EqualGenerationsThatDifferAreADispute(t *testing.T) {
	for what, change := range map[string]func(*ledger.Ledger){
		"domain":        func(l *ledger.Ledger) { l.ClusterUUID = "z" },
		"region":        func(l *ledger.Ledger) { l.ActiveRegion = west },
		"endpoint":      func(l *ledger.Ledger) { l.Endpoint = "z" },
		"since":         func(l *ledger.Ledger) { l.Since = l.Since.Add(time.Second) },
		"promoted from": func(l *ledger.Ledger) { l.PromotedFrom = "z" },
		"claim's token": func(l *ledger.Ledger) { l.Token = "z" },
	} {
		a, b := gen(2, "b"), gen(2, "b")
		change(&b)
		for where, v := range map[string]func(*world) ledger.View{
			"two ledgers": func(w *world) ledger.View {
				set(t, w.east, a)
				set(t, w.west, b)
				return ledger.Read(ctx, w.east, w.west, []ledger.Ledger{gen(1, "a")})
			},
			"ledger and point": func(w *world) ledger.View {
				set(t, w.east, a)
				w.west.SetUnreachable(true)
				return ledger.Read(ctx, w.east, w.west, []ledger.Ledger{gen(1, "a"), b})
			},
			"two points": func(w *world) ledger.View {
				set(t, w.east, gen(1, "a"))
				return ledger.Read(ctx, w.east, w.west, []ledger.Ledger{a, gen(1, "a"), b})
			},
		} {
			view := v(newWorld())
			_, ok, err := view.InForce()
			if ok {
				t.Errorf("%s differs between %s: in force", what, where)
			}
			wantErr(t, err, ledger.ErrDispute, "generation 2", "us-east-1", "osdr status", ledger.Key)
			if view.Agreed() {
				t.Errorf("%s differs between %s: agreed", what, where)
			}
		}
	}
}

func TestAgreedAsksForTwoLedgersOfTheSameContent(t *testing.T) {
	w := newWorld()
	agreed := func() bool { return ledger.Read(ctx, w.east, w.west, nil).Agreed() }
	if agreed() {
		t.Error("two absent ones agree")
	}
	set(t, w.east, gen(2, "b"))
	if agreed() {
		t.Error("one alone agrees")
	}
	with := gen(2, "b")
	with.Intent = &ledger.Intent{Token: "t", FromGeneration: 2, To: west, Expires: epoch.Add(time.Hour)}
	set(t, w.west, with)
	if !agreed() {
		t.Error("an intent is no difference")
	}
	l, _, err := ledger.Read(ctx, w.east, w.west, nil).InForce()
	if err != nil || l.Intent == nil || l.Intent.Token != "t" {
		t.Errorf("the intent of the other Region's ledger is not seen: %+v, %v", l, err)
	}
	w.west.SetUnreachable(true)
	if agreed() {
		t.Error("an unreachable one agrees")
	}
}

// What stands there and is no ledger of this format may be the highest: nobody
// decides without it, and nothing is written over it.
func TestAMalformedLedgerRefusesEverything(t *testing.T) {
	good, err := json.Marshal(gen(2, "b"))
	check(t, err)
	edit := func(old, fresh string) string {
		s := strings.Replace(string(good), old, fresh, 1)
		if s == string(good) {
			t.Fatalf("nothing to edit: %s in %s", old, good)
		}
		return s
	}
	for what, body := range map[string]string{
		"nothing":               "",
		"no JSON":               "<html>",
		"null":                  "null",
		"a later format":        `{"version":2,"epoch":9}`,
		"no format":             edit(`"version":1,`, ""),
		"an unknown field":      edit(`"generation"`, `"colour":"red","generation"`),
		"something after it":    string(good) + "{}",
		"half of it":            string(good[:len(good)/2]),
		"generation 0":          edit(`"generation":2`, `"generation":0`),
		"no domain":             edit(`"clusterUuid":"b"`, `"clusterUuid":""`),
		"no token":              edit(`"token":"claim-of-b"`, `"token":""`),
		"a first one with past": edit(`"generation":2`, `"generation":1`),
		"another's intent":      edit(`"token":"claim-of-b"`, `"token":"c","intent":{"token":"t","fromGeneration":1,"to":"x","requestId":"","expires":"2026-11-23T09:00:00Z"}`),
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld()
			set(t, w.east, gen(1, "a"))
			setRaw(t, w.west, body)
			v := ledger.Read(ctx, w.east, w.west, nil)
			if v.Other.Answer != ledger.Malformed || v.Complete() || v.Agreed() {
				t.Fatalf("read as %+v", v.Other)
			}
			// The good one is enough, unless somebody knows of a newer one (H80).
			if l, ok, err := v.InForce(); err != nil || !ok || l.Generation != 1 {
				t.Fatal("the good copy is not in force: ", l, ok, err)
			}
			for _, more := range []ledger.Witness{{Generation: 2, ActiveRegion: west}, {Generation: 1, ActiveRegion: "elsewhere"}} {
				v.Witness = &more
				_, ok, err := v.InForce()
				if ok {
					t.Fatal("in force against a witness")
				}
				wantErr(t, err, ledger.ErrMalformed, "s3://b-us-west-2/_dr/ledger.json")
			}
			v = ledger.Read(ctx, w.west, w.west, []ledger.Ledger{gen(1, "a")})
			if _, ok, err := v.InForce(); ok || !errors.Is(err, ledger.ErrMalformed) {
				t.Fatal("points alone are enough: ", err)
			}
			_, err := ledger.CopyDown(ctx, w.west, gen(3, "c"))
			wantErr(t, err, ledger.ErrMalformed)
			_, err = ledger.ClaimFirst(ctx, w.west, ledger.Claim{Region: west, ClusterUUID: "c", Token: "t"})
			if err == nil || string(w.west.Versions(ledger.Key)[0].Body) != body || len(w.west.Versions(ledger.Key)) != 1 {
				t.Fatal("written over: ", err)
			}
		})
	}
}

// In force is at least every readable generation, and where there is an answer
// everybody of that generation has that content.
func TestH15_InForceIsTheHighest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) ledger.Ledger {
			return gen(rapid.Int64Range(1, 4).Draw(t, "generation"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "uuid"))
		})
		w := newWorld()
		copies := rapid.SliceOfN(one, 0, 5).Draw(t, "copies")
		all := append([]ledger.Ledger(nil), copies...)
		for _, b := range []*storetest.Memory{w.east, w.west} {
			switch rapid.IntRange(0, 2).Draw(t, b.Region()) {
			case 0:
				l := one.Draw(t, "ledger")
				set(t, b, l)
				all = append(all, l)
			case 1:
				b.SetUnreachable(true)
			}
		}
		got, ok, err := ledger.Read(ctx, w.east, w.west, copies).InForce()
		var top int64
		for _, l := range all {
			top = max(top, l.Generation)
		}
		disputed := false
		for _, l := range all {
			for _, o := range all {
				disputed = disputed || l.Generation == top && o.Generation == top && !l.Same(o)
			}
		}
		if disputed != errors.Is(err, ledger.ErrDispute) {
			t.Fatalf("disputed %t: %v", disputed, err)
		}
		if !disputed && len(all) > 0 && (err != nil || !ok || got.Generation != top) {
			t.Fatalf("want generation %d, got %+v, %t, %v", top, got, ok, err)
		}
	})
}
