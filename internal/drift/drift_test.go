package drift_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opensearch-dr/osdr/internal/drift"
)

var at = drift.Regions{Pair: []string{"us-east-1", "us-west-2"}, Active: "us-east-1", Control: "us-west-2"}

func options() drift.Options { return drift.Options{Limit: time.Minute, Clock: time.Now} }

// check that finds this, wherever it runs.
func check(id string, scope drift.Scope, found ...drift.Finding) drift.Check {
	return drift.Check{ID: id, Title: "title of " + id, Why: "because", Scope: scope,
		Find: func(context.Context, string) ([]drift.Finding, error) { return found, nil }}
}

func failing(id string, err error) drift.Check {
	c := check(id, drift.EachRegion)
	c.Find = func(context.Context, string) ([]drift.Finding, error) { return nil, err }
	return c
}

func run(t *testing.T, o drift.Options, checks ...drift.Check) drift.Report {
	t.Helper()
	r, err := drift.Run(t.Context(), checks, at, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerdict(t *testing.T) {
	ok := check("a.ok", drift.EachRegion)
	bad := check("a.bad", drift.EachRegion, drift.Finding{Found: "x"})
	broken := failing("b.broken", errors.New("no"))
	note := check("c.note", drift.Once, drift.Finding{Kind: drift.Note, Found: "x"})
	for name, c := range map[string]struct {
		checks  []drift.Check
		strict  bool
		verdict string
		code    int
	}{
		"clean":                           {[]drift.Check{ok}, false, "in-sync", 0},
		"a note is no drift":              {[]drift.Check{ok, note}, true, "in-sync", 0},
		"drift":                           {[]drift.Check{ok, bad}, false, "drift", 1},
		"could not check":                 {[]drift.Check{ok, broken}, false, "could-not-check", 2},
		"drift wins over could not check": {[]drift.Check{bad, broken}, false, "drift", 1},
		"strict":                          {[]drift.Check{ok, broken}, true, "could-not-check", 1},
	} {
		o := options()
		o.Strict = c.strict
		if r := run(t, o, c.checks...); r.Verdict != c.verdict || r.ExitCode != c.code {
			t.Errorf("%s: %s, exit %d; want %s, exit %d", name, r.Verdict, r.ExitCode, c.verdict, c.code)
		}
	}
}

func TestWhereACheckRuns(t *testing.T) {
	places := func(at drift.Regions, s drift.Scope) string {
		r, err := drift.Run(t.Context(), []drift.Check{check("a.x", s)}, at, options())
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range r.Checks {
			out = append(out, c.Where)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	third := at
	third.Control = "eu-west-1"
	away := at
	away.Away = "us-east-1"
	nobody := at
	nobody.Active = ""
	for _, c := range []struct {
		at    drift.Regions
		scope drift.Scope
		want  string
	}{
		{at, drift.EachRegion, "us-east-1 us-west-2"}, {at, drift.Everywhere, "us-east-1 us-west-2"}, {third, drift.Everywhere, "eu-west-1 us-east-1 us-west-2"},
		{at, drift.Active, "us-east-1"}, {at, drift.Standby, "us-west-2"}, {third, drift.Control, "eu-west-1"}, {at, drift.Once, "global"},
		{away, drift.EachRegion, "us-east-1 us-west-2"}, {nobody, drift.Active, "global"},
	} {
		if got := places(c.at, c.scope); got != c.want {
			t.Errorf("%s: %q, want %q", c.scope, got, c.want)
		}
	}
	r, err := drift.Run(t.Context(), []drift.Check{check("a.x", drift.EachRegion), check("a.y", drift.Active)}, nobody, options())
	if err != nil || r.ExitCode != drift.ExitUnknown {
		t.Errorf("H14: who is active is not known, exit %d, %v", r.ExitCode, err)
	}
	if r, _ := drift.Run(t.Context(), []drift.Check{check("a.x", drift.EachRegion)}, away, options()); r.ExitCode != drift.ExitUnknown || r.Findings[0].Check != "region.reach" {
		t.Errorf("a Region that is not asked counts as in sync: %+v", r)
	}
}

// A look-up that hangs, even one that ignores its deadline, costs its time limit
// once, however many checks wait for it; the other Region is checked in full.
func TestH14_ARegionThatIsSilentIsAFindingAndNoHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		memo := drift.NewMemo(ctx, 10*time.Second)
		var calls atomic.Int32
		var checks []drift.Check
		for _, id := range []string{"a.one", "a.two", "b.three"} {
			c := check(id, drift.EachRegion)
			c.Find = func(ctx context.Context, region string) ([]drift.Finding, error) {
				_, err := drift.Get(ctx, memo, region, func(context.Context) (int, error) {
					calls.Add(1)
					if region == "us-east-1" {
						<-t.Context().Done() // deaf to its own deadline
					}
					return 1, nil
				})
				return nil, err
			}
			checks = append(checks, c)
		}
		begun := time.Now()
		r := run(t, options(), checks...)
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("took %s, the slowest look-up 10 s", took)
		}
		if calls.Load() != 2 || r.Counts.InSync != 3 || r.Counts.Unknown != 3 || r.ExitCode != drift.ExitUnknown {
			t.Errorf("%d look-ups, %+v, exit %d", calls.Load(), r.Counts, r.ExitCode)
		}
		for _, f := range r.Findings {
			if f.Where != "us-east-1" || f.Found != "no answer within 10s" || !strings.Contains(f.Mend, "us-east-1") {
				t.Errorf("%+v", f)
			}
		}
		cancel()
	})
}

func TestACheckThatHangsOrBreaksStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf, broken := check("a.deaf", drift.Once), check("a.broken", drift.Once)
		deaf.Find = func(context.Context, string) ([]drift.Finding, error) { <-t.Context().Done(); return nil, nil }
		broken.Find = func(context.Context, string) ([]drift.Finding, error) { panic("oops") }
		r := run(t, options(), deaf, broken, check("a.well", drift.Once))
		if r.Counts.InSync != 1 || r.Counts.Unknown != 2 || !strings.Contains(r.Findings[0].Found, "oops") {
			t.Errorf("%+v", r)
		}
	})
}

func TestExceptions(t *testing.T) {
	bad := check("a.bad", drift.EachRegion, drift.Finding{Resource: "arn:x/one", Found: "x"})
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	for name, c := range map[string]struct {
		e    drift.Exception
		code int
		note string
	}{
		"covers both":           {drift.Exception{ID: "a.bad", Expires: day(1)}, 0, ""},
		"its last day":          {drift.Exception{ID: "a.bad", Expires: day(0)}, 0, ""},
		"one Region":            {drift.Exception{ID: "a.bad", Where: "us-e*", Expires: day(1)}, 1, ""},
		"by resource":           {drift.Exception{ID: "a.bad", Resource: "arn:*/one", Expires: day(1)}, 0, ""},
		"over":                  {drift.Exception{ID: "a.bad", Expires: day(-1)}, 1, "over since " + day(-1)},
		"covers nothing":        {drift.Exception{ID: "a.bad", Resource: "other", Expires: day(1)}, 1, "covers nothing"},
		"of a check not run":    {drift.Exception{ID: "a.other", Expires: day(1)}, 1, ""},
		"of what was not told":  {drift.Exception{ID: "b.broken", Expires: day(1)}, 1, ""},
		"of a check that is ok": {drift.Exception{ID: "c.ok", Expires: day(1)}, 1, "covers nothing"},
	} {
		c.e.Reason = "reviewed"
		o := options()
		o.Exceptions, o.Skip = []drift.Exception{c.e}, []string{"a.other"}
		checks := []drift.Check{bad, check("a.other", drift.Once), check("c.ok", drift.Once)}
		if c.e.ID == "b.broken" {
			checks = append(checks, failing("b.broken", errors.New("no")))
		}
		r := run(t, o, checks...)
		note := ""
		for _, f := range r.Findings {
			if f.Kind == drift.Note {
				note = f.Found
			}
		}
		if r.ExitCode != c.code || !strings.Contains(note, c.note) || (note == "") != (c.note == "") {
			t.Errorf("%s: exit %d, note %q", name, r.ExitCode, note)
		}
	}
	o := options()
	o.Exceptions = []drift.Exception{{ID: "a.renamed", Reason: "r", Expires: day(1)}}
	if _, err := drift.Run(t.Context(), []drift.Check{bad}, at, o); err == nil || !strings.Contains(err.Error(), "a.renamed") {
		t.Errorf("an exception of no check: %v", err)
	}
}

func TestReadExceptions(t *testing.T) {
	dir := t.TempDir()
	if e, err := drift.ReadExceptions(filepath.Join(dir, drift.IgnoreFile), false); e != nil || err != nil {
		t.Errorf("no file, not named: %v %v", e, err)
	}
	if _, err := drift.ReadExceptions(filepath.Join(dir, "x.json"), true); err == nil {
		t.Error("a named file that is missing")
	}
	entry := func(id, reason, expires string) string {
		return `{"version":1,"ignore":[{"id":"` + id + `","reason":"` + reason + `","expires":"` + expires + `"}]}`
	}
	for body, want := range map[string]string{
		entry("a.bad", "why", "2027-01-31"): "", entry("", "why", "2027-01-31"): "no id", entry("a", " ", "2027-01-31"): "no reason",
		entry("a", "why", ""): "expires", entry("a", "why", "31.1.2027"): "expires", `{"version":2}`: "version", `{"version":1,"ignored":[]}`: "unknown field",
		"": "is empty", "\n": "is empty", `{"version":1`: "unexpected EOF",
		entry("a", "why", "2027-01-31") + "\n": "", entry("a", "why", "2027-01-31") + entry("b", "why", "2027-01-31"): "more behind its end",
		entry("a", "why", "2027-01-31") + "]": "more behind its end", entry("a", "why", "2027-01-31") + " # reviewed": "more behind its end",
	} {
		path := filepath.Join(dir, "e.json")
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := drift.ReadExceptions(path, true)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}
