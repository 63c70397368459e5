package workload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

const (
	east = "search-a.us-east-1.es.amazonaws.com"
	west = "search-b.us-west-2.es.amazonaws.com"
)

func newLoad() *Load {
	return &Load{cfg: Config{Prefix: "orders"}, docs: map[string]*document{}, started: time.Now()}
}

// put content of a document at an endpoint, answered with err.
func (l *Load) put(id string, content int64, endpoint string, err error) {
	d := l.docs["orders-000001/"+id]
	if d == nil {
		d = &document{index: "orders-000001", id: id}
	}
	l.settle(d, content, endpoint, err)
}

func TestEveryLossIsTold(t *testing.T) {
	l := newLoad()
	l.put("kept", 1, east, nil)
	l.put("gone", 2, east, nil)
	l.put("old", 3, east, nil)
	l.put("old", 4, east, nil)
	l.put("undead", 5, east, nil)
	l.put("undead", 0, east, nil)
	l.put("deleted", 6, east, nil)
	l.put("deleted", 0, east, nil)
	got := l.Compare(Contents{
		"orders-000001/kept": 1, "orders-000001/old": 3, "orders-000001/undead": 5, "orders-000001/stranger": 9,
	}, "us-east-1")
	want := Comparison{Acknowledged: 5, Kept: 2,
		Lost:       []string{"orders-000001/gone", "orders-000001/old", "orders-000001/undead"},
		Unexpected: []string{"orders-000001/stranger"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// An attempt without an answer may have been done or not; either is no loss, but
// a third state is one.
func TestUnansweredAttemptIsNeitherLossNorPromise(t *testing.T) {
	for have, want := range map[int64]Comparison{
		1: {Doubtful: 1},
		2: {Doubtful: 1},
		0: {Acknowledged: 1, Lost: []string{"orders-000001/a"}},
	} {
		l := newLoad()
		l.put("a", 1, east, nil)
		l.put("a", 2, east, context.DeadlineExceeded)
		if got := l.Compare(Contents{"orders-000001/a": have}, ""); !reflect.DeepEqual(got, want) && have != 0 {
			t.Errorf("content %d: got %+v, want %+v", have, got, want)
		} else if have == 0 && len(l.Compare(Contents{}, "").Lost) != 1 {
			t.Errorf("an acknowledged document that is gone is lost even after an unanswered attempt")
		}
		if got := l.Promised("orders-000001/a", have); got != (have != 0) {
			t.Errorf("content %d is promised: %v", have, got)
		}
		if len(l.live) != 0 {
			t.Error("a document with an unanswered attempt must not be touched again")
		}
	}
	l := newLoad()
	l.put("new", 1, east, errors.New("connection reset"))
	if got := l.Compare(Contents{}, ""); got.Doubtful != 1 || len(got.Lost) > 0 {
		t.Errorf("a document that was never acknowledged cannot be lost: %+v", got)
	}
}

func TestRefusalChangesNothing(t *testing.T) {
	l := newLoad()
	l.put("a", 1, east, nil)
	l.put("a", 2, east, fmt.Errorf("write: %w", &client.StatusError{Status: http.StatusForbidden}))
	if got := l.Compare(Contents{"orders-000001/a": 1}, ""); got.Kept != 1 || got.Doubtful != 0 {
		t.Errorf("a refused write leaves the acknowledged state: %+v", got)
	}
	if len(l.live) != 1 {
		t.Error("a refused document may be tried again")
	}
	l.put("a", 3, east, fmt.Errorf("write: %w", &client.StatusError{Status: http.StatusServiceUnavailable}))
	if got := l.Compare(Contents{"orders-000001/a": 3}, ""); got.Doubtful != 1 {
		t.Errorf("nobody knows what a 503 did: %+v", got)
	}
}

// What a lost domain acknowledged must not be changed by writes elsewhere, or the
// salvage could not be compared with it.
func TestDocumentsOfAnotherDomainAreLeftAlone(t *testing.T) {
	l := newLoad()
	for i := range 50 {
		l.put(fmt.Sprint(i), int64(i+1), east, nil)
	}
	l.put("new", 100, west, nil)
	if len(l.live) != 1 || l.live[0] != "orders-000001/new" {
		t.Fatalf("live documents after the move: %v", l.live)
	}
	if got := l.Compare(Contents{"orders-000001/new": 100}, "us-west-2"); got.Kept != 1 || got.Acknowledged != 1 {
		t.Errorf("of us-west-2: %+v", got)
	}
	if got := l.Compare(Contents{"orders-000001/new": 100}, "us-east-1"); len(got.Lost) != 50 {
		t.Errorf("of us-east-1: %+v", got)
	}
}

func TestBandsAndGaps(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	op := func(kind Kind, from, to int, ok bool, region string) Op {
		return Op{Kind: kind, Start: at(from), End: at(to), OK: ok, Region: region}
	}
	ops := []Op{
		op(Write, 0, 10, true, "us-east-1"), op(Read, 0, 5, true, "us-east-1"), op(Write, 50, 60, true, "us-east-1"),
		op(Write, 100, 2100, false, "us-east-1"), op(Write, 2150, 4150, false, ""),
		op(Write, 4200, 4210, true, "us-west-2"), op(Write, 4250, 4260, true, "us-west-2"),
	}
	bands := Bands(ops, Write)
	if len(bands) != 3 || bands[0].Ops != 2 || !bands[0].To.Equal(at(100)) || bands[1].OK || bands[1].Ops != 2 || bands[2].Region != "us-west-2" {
		t.Errorf("bands: %+v", bands)
	}
	if gap := LongestGap(ops, Write, at(55)); gap.Length() != 4150*time.Millisecond {
		t.Errorf("gap %+v of %s", gap, gap.Length())
	}
	if first := FirstOK(ops, Write, "us-west-2", at(100)); !first.Equal(at(4210)) {
		t.Errorf("first success after the move: %s", first)
	}
	if !FirstOK(ops, Read, "us-west-2", at(0)).IsZero() {
		t.Error("there was no read at us-west-2")
	}
}

func TestWriterChoosesAmongItsOwn(t *testing.T) {
	l := newLoad()
	kinds := map[string]int{}
	for range 600 {
		d, content := l.choose()
		switch {
		case content == 0:
			kinds["delete"]++
		case d.ever:
			kinds["update"]++
		default:
			kinds["new"]++
		}
		if content == 0 && !d.ever {
			t.Fatal("a document that is not there is deleted")
		}
		l.settle(d, content, east, nil)
	}
	for _, k := range []string{"new", "update", "delete"} {
		if kinds[k] < 50 {
			t.Errorf("%d of 600 writes are of the kind %q: %v", kinds[k], k, kinds)
		}
	}
	for _, key := range l.live {
		if l.docs[key].acked == 0 {
			t.Errorf("%s is deleted and would be touched again", key)
		}
	}
}

func TestLossIsAcceptedOnce(t *testing.T) {
	l := newLoad()
	l.put("gone", 1, east, nil)
	l.put("old", 2, east, nil)
	l.put("old", 3, east, nil)
	l.put("elsewhere", 4, west, nil)
	after := Contents{"orders-000001/old": 2}
	l.Accept(after, "us-east-1")
	if got := l.Compare(after, "us-east-1"); len(got.Lost) > 0 || len(got.Unexpected) > 0 {
		t.Errorf("what was accepted is told again: %+v", got)
	}
	if got := l.Compare(after, ""); len(got.Lost) != 1 || got.Lost[0] != "orders-000001/elsewhere" {
		t.Errorf("what another domain acknowledged was accepted, too: %+v", got)
	}
}

func TestStubbornLoadKeepsWhatItFoundFirst(t *testing.T) {
	for stubborn, want := range map[bool]string{true: east, false: west} {
		l := newLoad()
		l.cfg.Stubborn = stubborn
		if got := l.keep(&l.first, east); got != east {
			t.Errorf("stubborn %v: first %s", stubborn, got)
		}
		if got := l.keep(&l.first, west); got != want {
			t.Errorf("stubborn %v: then %s, want %s", stubborn, got, want)
		}
		if got := l.kept(&l.first); (got == east) != stubborn {
			t.Errorf("stubborn %v: kept %q", stubborn, got)
		}
	}
}
