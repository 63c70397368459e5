package operator_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// served by east, generation 1, with a point in west.
func served() state {
	one := tenure{Generation: 1, Region: east, Cluster: "cluster-east"}
	return state{
		Ledgers: map[string]tenure{east: one, west: one}, Domains: map[string]string{east: "ready"},
		Points: []pointSpec{{In: west, Generation: 1, Cluster: "cluster-east", Age: "20m"}},
	}
}

// marked is served with a switch to west under way.
func marked() state {
	s := served()
	for region, t := range s.Ledgers {
		t.Intent = &ledger.Intent{Token: "ABCDEFGHIJKL", FromGeneration: 1, To: west, RequestID: "r-1", Phase: ledger.PhaseFence, Expires: now.Add(6 * time.Minute)}
		s.Ledgers[region] = t
	}
	return s
}

func plan(t *testing.T, o *operator.Operator, ask operator.Ask) operator.Plan {
	t.Helper()
	p, err := o.Plan(context.Background(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The command that a plan prints is one that the app takes, and means (H2).
func TestH2_PlannedCommandIsAcceptedAndMeant(t *testing.T) {
	silent := served()
	silent.Away = []string{east}
	for name, c := range map[string]struct {
		state state
		ask   operator.Ask
	}{
		"failover":       {silent, operator.Ask{Kind: operator.Failover}},
		"planned":        {served(), operator.Ask{Kind: operator.Planned}},
		"with overrides": {served(), operator.Ask{Kind: operator.Planned, Overrides: map[string]string{"dr.lostAfter": "5s", "dr.dns.adopt": "true"}}},
	} {
		o, _ := open(t, c.state, nil)
		p := plan(t, o, c.ask)
		if p.Refusal != "" {
			t.Fatalf("%s: %s", name, p.Refusal)
		}
		flags := map[string]any{}
		for n, word := range p.Args {
			if word == "-c" {
				key, value, _ := strings.Cut(p.Args[n+1], "=")
				flags[key] = value
			}
		}
		app, err := load(flags)
		if err != nil {
			t.Fatalf("%s: cdk would refuse %s: %v", name, p.Command, err)
		}
		if app.ActiveRegion != west || !app.Explicit && app.SwitchFrom == "" || app.AskedAt == "" {
			t.Errorf("%s: %s is not meant: %+v", name, p.Command, app.Flags)
		}
	}
}

// G5: a plan asks the lost Region for its ledger once, and knocks; it looks for
// nothing else there, and it writes nowhere.
func TestG5_APlanHardlyAsksTheLostRegion(t *testing.T) {
	s := served()
	s.Away = []string{east}
	o, w := open(t, s, nil)
	written := w.buckets[west].Calls(storetest.Put)
	plan(t, o, operator.Ask{Kind: operator.Failover})
	lost := w.buckets[east]
	if gets, lists := lost.Calls(storetest.Get), lost.Calls(storetest.List); gets != 1 || lists != 0 {
		t.Errorf("the lost bucket was asked %d times and listed %d times, want the ledger alone", gets, lists)
	}
	if got := w.buckets[west].Calls(storetest.Put) + w.buckets[west].Calls(storetest.Delete); got != written {
		t.Errorf("a plan wrote %d times", got-written)
	}
}

// A point of a newer engine than the target's is passed over by the plan as by the
// switch, and the window counts from the one before it (F6).
func TestF6_APlanPassesOverAPointOfANewerEngine(t *testing.T) {
	s := served()
	s.Away = []string{east}
	s.Points = append(s.Points, pointSpec{In: west, Generation: 1, Cluster: "cluster-east", Age: "5m", Engine: "3.4.0"})
	o, _ := open(t, s, nil)
	p := plan(t, o, operator.Ask{Kind: operator.Failover})
	if p.LossSeconds != 1200 || len(p.PassedOver) != 1 || !strings.Contains(p.PassedOver[0], "engine 3.4.0, the domain here is 3.3") {
		t.Errorf("%+v", p)
	}
}

// A Region that answers nothing costs two rounds of the given time, not more.
func TestG5_StatusIsBounded(t *testing.T) {
	s := marked()
	s.Away = []string{east}
	o, _ := open(t, s, nil)
	begin := time.Now()
	got := o.Status(context.Background(), 5)
	if took := time.Since(begin); took > 20*o.Timeout {
		t.Errorf("took %s with a time of %s", took, o.Timeout)
	}
	if got.InForce == nil || got.InForce.ActiveRegion != east || got.Switch == nil || len(got.Attention) == 0 {
		t.Errorf("what the other Region knows is missing: %+v", got)
	}
}

// The generation in force may be known by a point's copy alone (H14).
func TestH14_InForceByThePointsCopy(t *testing.T) {
	s := served()
	s.Away = []string{east}
	delete(s.Ledgers, west)
	o, _ := open(t, s, nil)
	if got := o.Status(context.Background(), 5); got.InForce == nil || got.InForce.Generation != 1 {
		t.Errorf("status: %+v", got.InForce)
	}
	if p := plan(t, o, operator.Ask{Kind: operator.Failover}); p.LossSeconds != 1200 {
		t.Errorf("plan: %+v", p)
	}
}

func TestAbort(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*state)
		want   string // error; empty: it is done
		notice string
	}{
		"done":                               {func(*state) {}, "", ""},
		"the controller is at work at first": {func(s *state) { s.Leased = 3 }, "", ""},
		"the active Region is away": {func(s *state) {
			s.Silent = []string{"controller " + east}
		}, "", "the controller of us-east-1: "},
		"H3 claimed meanwhile":           {func(s *state) { s.Claimed = true }, "too late: the switch was claimed, generation 2 names us-west-2", ""},
		"H3 another switch by now":       {func(s *state) { s.Another = true }, "another one is under way by now, to us-west-2 by request r-2", ""},
		"H3 the target's Region is away": {func(s *state) { s.Away = []string{west} }, "the ledger of us-west-2 does not answer", ""},
		"nobody removes it":              {func(s *state) { s.Deaf = true }, "still marked in the ledger of us-east-1", ""},
		"no controller answers":          {func(s *state) { s.Silent = []string{"controller " + east, "controller " + west} }, "still marked in the ledger of us-east-1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := marked()
			c.change(&s)
			o, _ := open(t, s, nil)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			a, err := o.PlanAbort(ctx)
			if err != nil || a.Done || a.Confirm != "ABCDEFGH" {
				t.Fatalf("%+v %v", a, err)
			}
			a, err = o.Abort(ctx, a)
			if c.want == "" && (err != nil || !a.Done) {
				t.Errorf("%+v %v", a, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("want %q, got %v", c.want, err)
			}
			if !strings.Contains(strings.Join(a.Notices, "\n"), c.notice) {
				t.Errorf("no notice with %q in %q", c.notice, a.Notices)
			}
		})
	}
}

// A domain that stays fenced, an old point, a domain that waits to be stood down:
// each is said with the Region's name.
func TestAttention(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*state)
		want   string
	}{
		"old point":  {func(s *state) { s.Points[0].Age = "2h" }, "us-west-2: the newest recovery point is 2h0m old, the objective is 1h0m"},
		"no point":   {func(s *state) { s.Points = nil }, "us-west-2: there is no recovery point of the active domain"},
		"superseded": {func(s *state) { s.Domains[west] = "ready" }, "us-west-2: a domain stands here although standby is cold"},
		"no domain":  {func(s *state) { delete(s.Domains, east) }, "us-east-1: the active domain: absent"},
		"behind":     {func(s *state) { s.Ledgers[east] = tenure{Generation: 2, Region: east, Cluster: "cluster-east"} }, "us-west-2: its ledger stands at generation 1, 2 is in force"},
		"expired":    {func(s *state) { *s = marked(); expire(s) }, "was not claimed; the active side lifts its fence"},
		"busy":       {func(s *state) { s.Domains[east] = "busy" }, "us-east-1: the active domain: the domain in us-east-1 is Processing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := served()
			c.change(&s)
			o, _ := open(t, s, nil)
			got := strings.Join(o.Status(context.Background(), 5).Attention, "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("want %q in:\n%s", c.want, got)
			}
		})
	}
}

func expire(s *state) {
	for _, t := range s.Ledgers {
		t.Intent.Expires = now.Add(-time.Second)
	}
}

// Without any point the target's own content may go on, if it is the one that was
// promoted from; the loss is said by the ledger's time.
func TestH11_OwnContentIsNoRefusal(t *testing.T) {
	s := state{
		Ledgers: map[string]tenure{west: {Generation: 2, Region: east, Cluster: "cluster-east"}},
		Away:    []string{east}, Domains: map[string]string{west: "ready"},
	}
	o, _ := open(t, s, nil)
	p := plan(t, o, operator.Ask{Kind: operator.Failover, To: west})
	if p.Refusal != "" || p.LossSeconds != 48*3600 || !strings.Contains(strings.Join(p.Warnings, "\n"), "H11") {
		t.Errorf("%+v", p)
	}
	delete(s.Domains, west)
	o, _ = open(t, s, nil)
	if p := plan(t, o, operator.Ask{Kind: operator.Failover, To: west}); p.Refusal == "" || p.Command != "" {
		t.Errorf("nothing to restore, and no refusal: %+v", p)
	}
}

// TestH81_StatusAndPlanAgree: what refuses a plan needs attention, with the same
// words, and the advice is one that the app takes.
func TestH81_StatusAndPlanAgree(t *testing.T) {
	s := served()
	s.Points[0].Engine = "3.4.0"
	for name, domains := range map[string]map[string]string{
		"cold": {east: "ready"},
		"warm": {east: "ready", west: "ready"},
	} {
		s.Domains = domains
		o, _ := open(t, s, nil)
		p := plan(t, o, operator.Ask{Kind: operator.Failover, Force: true})
		if p.Refusal == "" {
			t.Fatalf("%s: a plan restores a point of a newer engine: %+v", name, p)
		}
		got := strings.Join(o.Status(context.Background(), 5).Attention, "\n")
		if !strings.Contains(got, p.Refusal) {
			t.Errorf("%s: the plan refuses (%s), the status says only: %s", name, p.Refusal, got)
		}
		if name == "cold" {
			if !strings.Contains(p.Refusal, "-c dr.engineVersion=OpenSearch_3.4") {
				t.Errorf("the refusal names no way out: %s", p.Refusal)
			}
			o, _ = open(t, s, map[string]any{"dr.engineVersion": "OpenSearch_3.4"})
			if p := plan(t, o, operator.Ask{Kind: operator.Failover, Force: true}); p.Refusal != "" {
				t.Errorf("the advice does not help: %s", p.Refusal)
			}
		} else if strings.Contains(p.Refusal, "-c dr.engineVersion") || !strings.Contains(p.Refusal, "Upgrade it") {
			t.Errorf("%s: %s", name, p.Refusal)
		}
	}
}

// TestH81_AStatusReportsWhatTheControllersNoted, each with what to do.
func TestH81_AStatusReportsWhatTheControllersNoted(t *testing.T) {
	s := served()
	s.Controllers = map[string]contract.RecoveryStatus{west: {
		Phase: "standby",
		Attention: []contract.Attention{
			{Code: contract.AttentionReplay, Subject: "alias films", Text: "it is refused", Hint: "Put it by hand"},
			{Code: contract.AttentionNotCarried, Text: "no recovery point carries monitors"},
		},
		Fates: []contract.Fate{{Index: "sorted", Fate: contract.FateUnplaced, Point: "1-2", Cause: "no node holds it"}, {Index: "movies", Fate: contract.FateRestored}},
	}}
	o, _ := open(t, s, nil)
	got := o.Status(context.Background(), 5)
	if !slices.Contains(got.Attention, west+": alias films: it is refused. Put it by hand") {
		t.Errorf("%q", got.Attention)
	}
	if len(got.Attention) != 1 || len(got.Known) != 1 {
		t.Errorf("what is only to know needs attention: %q, %q", got.Attention, got.Known)
	}
	var page strings.Builder
	if err := got.Print(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "sorted: unplaced, recovery point 1-2: no node holds it") || strings.Contains(page.String(), "movies: restored") {
		t.Error(page.String())
	}
}

// TestH87_ASilentRegionIsNamedWithWhatADeploymentDoes, and the advice is one that the
// app takes.
func TestH87_ASilentRegionIsNamedWithWhatADeploymentDoes(t *testing.T) {
	for region, advice := range map[string]string{east: "`make failover`", west: "-c unreachableRegion=" + west} {
		s := served()
		s.Away = []string{region}
		o, _ := open(t, s, nil)
		got := strings.Join(o.Status(context.Background(), 5).Attention, "\n")
		if !strings.Contains(got, "`cdk deploy --all` hangs") || !strings.Contains(got, advice) {
			t.Errorf("%s: %s", region, got)
		}
	}
	if _, err := load(map[string]any{"unreachableRegion": west}); err != nil {
		t.Error(err)
	}
}

// TestH89_APlannedSwitchIntoASilentRegionIsRefused, with when to try again.
func TestH89_APlannedSwitchIntoASilentRegionIsRefused(t *testing.T) {
	s := served()
	s.Silent = []string{"api " + west}
	o, _ := open(t, s, nil)
	p := plan(t, o, operator.Ask{Kind: operator.Planned})
	if !strings.Contains(p.Refusal, "does not answer") || !strings.Contains(p.Refusal, "again when `osdr status`") || p.Command != "" {
		t.Errorf("%+v", p)
	}
}

// TestH53_APlanAndAStatusForeseeWhatStaysBehind.
func TestH53_APlanAndAStatusForeseeWhatStaysBehind(t *testing.T) {
	s := served()
	s.Points[0].Sorted = true
	o, _ := open(t, s, nil)
	p := plan(t, o, operator.Ask{Kind: operator.Failover, Force: true})
	if !slices.Equal(p.Unplaced, []string{"movies"}) || !strings.Contains(strings.Join(p.Warnings, "\n"), "movies cannot be restored: it is sorted") {
		t.Errorf("the plan: %+v", p)
	}
	if got := strings.Join(o.Status(context.Background(), 5).Attention, "\n"); !strings.Contains(got, "movies cannot be restored") {
		t.Errorf("the status: %s", got)
	}
	o, _ = open(t, s, map[string]any{"dr.restore.exclude": "movies"})
	if p := plan(t, o, operator.Ask{Kind: operator.Failover, Force: true}); len(p.Unplaced) > 0 {
		t.Errorf("what is left out anyway: %+v", p.Unplaced)
	}
}

// TestH71_APlanTakesAPointOfWhichOneIndexIsDamaged, as the switch does, and names it.
func TestH71_APlanTakesAPointOfWhichOneIndexIsDamaged(t *testing.T) {
	s := served()
	o, w := open(t, s, nil)
	// The repository's own account names the index of the object that is missing.
	b := w.buckets[west]
	for key, body := range map[string]string{
		"cluster-east/index-8":          `{"snapshots":[{"name":"snapshot-0","uuid":"uuid-0"},{"name":"newest","uuid":"uuid-newest"}],"indices":{"movies":{"id":"m"},"flights":{"id":"f"}}}`,
		"cluster-east/indices/f/0/data": "abc",
	} {
		if _, err := b.Put(t.Context(), key, []byte(body), store.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := point.Write(t.Context(), b, point.Point{
		ID: point.ID{Generation: 1}, ClusterUUID: "cluster-east", BasePath: "cluster-east", Region: east, Bucket: b.Name(), Snapshot: "newest",
		SnapshotUUID: "uuid-newest", Token: "uuid-newest", EngineVersion: "3.3.0", Start: now.Add(-time.Minute), End: now,
		Indices: []point.Index{{Name: "movies", UUID: "u"}, {Name: "flights", UUID: "v"}}, Ledger: s.Ledgers[east].ledger().Copy(),
	}, []point.Object{{Key: "cluster-east/indices/m/0/data", Size: 3}, {Key: "cluster-east/indices/f/0/data", Size: 3}}, opensearch.Capsule{}); err != nil {
		t.Fatal(err)
	}
	p := plan(t, o, operator.Ask{Kind: operator.Failover, Force: true})
	if p.Refusal != "" || p.Point == nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "index movies") {
		t.Errorf("%+v", p)
	}
}
