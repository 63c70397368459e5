package checks_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/checks"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/template"
)

func sum(body []byte) string {
	s := sha256.Sum256(body)
	return hex.EncodeToString(s[:])
}

func TestACleanSystemHasNoFinding(t *testing.T) {
	for name, v := range map[string]variant{"cold": cold, "warm": warm, "the secondary is active": reverse, "every option": third} {
		r := open(t, v).run(drift.Options{Ready: true})
		if r.ExitCode != drift.ExitInSync || len(ids(r)) != 0 {
			t.Errorf("%s: exit %d\n%s", name, r.ExitCode, dump(r))
		}
		if diff := cmp.Diff(r.Counts.Checks, r.Counts.InSync); diff != "" || r.Counts.Checks < 100 {
			t.Errorf("%s: %+v", name, r.Counts)
		}
	}
}

// A Region that is away costs its time limit and is said; the other one is
// checked in full, and what is wrong there is found all the same.
func TestH14_ARegionThatIsAway(t *testing.T) {
	for _, away := range []string{east, west} {
		w := open(t, cold)
		w.silent, w.limit = away, 300*time.Millisecond
		w.buckets[away].SetUnreachable(true)
		begun := time.Now()
		r := w.run(drift.Options{Ready: true})
		if took := time.Since(begun); took > 10*w.limit {
			t.Errorf("%s away: took %s, a look-up %s", away, took, w.limit)
		}
		if r.ExitCode != drift.ExitUnknown {
			t.Errorf("%s away: exit %d\n%s", away, r.ExitCode, dump(r))
		}
		var blind []string
		for _, c := range r.Checks {
			if c.Where == w.app.Other(away) && c.Outcome != drift.InSync && !slices.Contains(both, c.ID) {
				t.Errorf("%s away: %s in %s is %s", away, c.ID, c.Where, c.Outcome)
			}
			if c.Where == away && c.Outcome == drift.InSync {
				blind = append(blind, c.ID)
			}
		}
		if diff := cmp.Diff(elsewhere[away], blind); diff != "" {
			t.Errorf("%s away: in sync there, -want +got\n%s", away, diff)
		}
		if !slices.Contains(ids(r), "region.reach "+away) {
			t.Errorf("%s away is not said", away)
		}
	}
}

// both Regions are needed to tell these.
var both = []string{"cluster.version"}

// elsewhere is where these look, so that they can be told while their Region is
// away: IAM is global, and of what a Region shall not have nothing is asked.
var elsewhere = map[string][]string{
	east: {"role.pass", "role.snapshot", "schedule.stray"},
	west: {
		"domain.access-control", "domain.access-policy", "domain.encryption", "domain.endpoint", "domain.exists", "domain.logs", "domain.node-encryption",
		"domain.sizing", "domain.software-update", "domain.standby", "domain.tls", "domain.version", "role.pass", "role.snapshot", "standby.copy",
	},
}

// notes that a change makes the checks tell, without being a drift.
var notes = []struct {
	name string
	v    variant
	do   func(*world)
	want string
}{
	{"a salvage waits", cold, func(w *world) { w.point(9, time.Minute, point.KindSalvage, 5) }, "point.salvage us-west-2"},
	{"a pin without a switch", cold, func(w *world) {
		w.put(west, point.PinsPrefix+"x.json", point.Pin{Point: point.ID{Generation: 2, Sequence: 1}, Holder: "h", Expires: now.Add(time.Hour)})
	}, "leftover.pin us-west-2"},
	{"a standby is not copied yet", warm, func(w *world) {
		w.later(-48*time.Hour + time.Minute) // the tenure has just begun
		w.inside[west].Standby = &contract.StandbyStatus{Restoring: "0000000002-0000000003"}
	}, "standby.copy us-west-2"},
	{"dr.standby has just become warm", warm, func(w *world) {
		w.inside[west].Standby = &contract.StandbyStatus{Restoring: "0000000002-0000000003", Since: now.Add(-time.Minute)}
	}, "standby.copy us-west-2"},
	{"a yellow domain", cold, func(w *world) { w.inside[east].Health = "yellow" }, "cluster.health us-east-1"},
	{"a standby is red while it restores", warm, func(w *world) {
		w.inside[west].Health, w.inside[west].Standby.Restoring = "red", "0000000002-0000000003"
	}, "cluster.health us-west-2"},
	{"the target of a switch is red while it restores", warm, func(w *world) {
		w.inside[west].Health = "red"
		l := w.ledger()
		l.Intent = &ledger.Intent{Token: "t", FromGeneration: 2, To: west, RequestID: "r", Expires: now.Add(time.Hour)}
		w.put(east, ledger.Key, l)
		w.put(west, ledger.Key, l)
	}, "cluster.health us-west-2"},
	{"the control Region is one of the pair", cold, func(*world) {}, "ready.control global"},
	{"a switch is under way", cold, func(w *world) {
		l := w.ledger()
		l.Intent = &ledger.Intent{Token: "t", FromGeneration: 2, To: west, RequestID: "r", Expires: now.Add(time.Hour)}
		w.put(east, ledger.Key, l)
	}, "leftover.intent global"},
	{"nobody is subscribed, as nobody is named", cold, func(*world) {}, "topic.subscription us-east-1"},
	{"fewer documents", cold, func(w *world) { w.point(9, time.Minute, point.KindRegular, 30) }, "point.counts us-west-2"},
	{"a write block that no recovery point knows", cold, func(w *world) { w.block("movies") }, "cluster.blocks us-east-1"},
	{"a large shard", cold, func(w *world) { w.inside[east].Largest.Bytes = 60 << 30 }, "cluster.shard-size us-east-1"},
}

func TestNotesAreNoDrift(t *testing.T) {
	for _, c := range notes {
		w := open(t, c.v)
		c.do(w)
		r := w.run(drift.Options{Ready: true})
		if r.ExitCode != drift.ExitInSync || !slices.Contains(ids(r, drift.Note), c.want) {
			t.Errorf("%s: exit %d, notes %v\n%s", c.name, r.ExitCode, ids(r, drift.Note), dump(r))
		}
	}
}

func TestWithoutTemplatesTheRestIsChecked(t *testing.T) {
	w := open(t, cold)
	w.facts.Expected, w.facts.ExpectedErr = nil, template.ErrNone
	r := w.run(drift.Options{})
	if r.ExitCode != drift.ExitUnknown || r.Counts.InSync < 20 {
		t.Errorf("exit %d, %+v", r.ExitCode, r.Counts)
	}
	w = open(t, cold)
	w.facts.Expected, w.facts.ExpectedErr = nil, template.ErrNone
	w.record(func(r *route.Record) { r.TTL = 1 })
	if r := w.run(drift.Options{}); r.ExitCode != drift.ExitDrift {
		t.Errorf("a drift that needs no templates: exit %d", r.ExitCode)
	}
}

// A function of before there was such a question answers without it: not well, not
// known.
func TestAHealthThatIsNotToldIsNotKnown(t *testing.T) {
	w := open(t, cold)
	w.inside[east].Health = ""
	if r := w.run(drift.Options{}); r.ExitCode != drift.ExitUnknown || !slices.Contains(ids(r, drift.Unknown), "cluster.health us-east-1") {
		t.Errorf("exit %d\n%s", r.ExitCode, dump(r))
	}
}

func TestEveryCheckIsWellFormed(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+\.[a-z][a-z-]*$`)
	seen := map[string]bool{}
	for _, c := range checks.All(nil) {
		if !form.MatchString(c.ID) || seen[c.ID] || c.Title == "" || c.Why == "" || c.Scope == "" || c.Ready != (c.Family() == "ready") {
			t.Errorf("check %+v", c)
		}
		seen[c.ID] = true
	}
}

var update = flag.Bool("update", false, "rewrite the table of checks in docs/drift.md")

func TestTheDocsListEveryCheck(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "drift.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(raw), checks.ReferenceBegin)
	have, after, ok2 := strings.Cut(rest, checks.ReferenceEnd)
	if !ok1 || !ok2 {
		t.Fatal("docs/drift.md has lost the marks of its table")
	}
	want := checks.Reference()
	if *update {
		if err := os.WriteFile(path, []byte(before+checks.ReferenceBegin+want+checks.ReferenceEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("make golden writes it\n%s", diff)
	}
}

// A warm standby restores now and then: its pin is no leftover.
func TestThePinOfACopyIsNoLeftover(t *testing.T) {
	w := open(t, warm)
	w.put(west, point.PinsPrefix+"x.json", point.Pin{Point: point.ID{Generation: 2, Sequence: 1}, Holder: "restore in " + west, Expires: now.Add(time.Hour)})
	if r := w.run(drift.Options{}); slices.Contains(ids(r, drift.Note), "leftover.pin us-west-2") {
		t.Error(dump(r))
	}
}
