package recovery_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

func (w *world) OpenTrial(_ context.Context, region, _ string) (domain.Trial, error) {
	return w.clusters[region].As(w.settings.Names().FunctionRoleARN(contract.Recovery, region)), nil
}

func (w *world) doctor(region string) contract.RecoveryStatus {
	w.t.Helper()
	s, err := recovery.Handle(w.ctx, recovery.Deps{
		Knock: w.knock, Parameters: parameters{w, region}, Settings: w.settings, Region: region,
		Own: w.buckets[region], Other: w.buckets[w.settings.Other(region)], Plane: w, Peer: w, Zone: w.zone, Agent: opensearch.AgentPermissions(),
		Snapshot: w.snapshots(region), Metrics: w.metrics[region], Log: slog.New(slog.DiscardHandler), Holder: "doctor",
		Doctor: recovery.Doctor{
			Trials: w, Name: func() string { return "abcdefghij" },
			Certificate: func(context.Context, string, string) (time.Time, error) { return w.clock().AddDate(1, 0, 0), nil },
			Wait:        func(ctx context.Context, d time.Duration) error { w.pass(d); return ctx.Err() },
		},
	}, contract.RecoveryRequest{Action: contract.ActionDoctor})
	w.check(err)
	return s
}

func TestDoctorExaminesTheDomainInForce(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.check(w.clusters[east].Index(t.Context(), "movies", "1", "{}"))
	s := w.doctor(east)
	if !s.Done || s.Examination == nil || s.Examination.Region != east || s.Examination.ClusterUUID != w.clusters[east].UUID() {
		t.Fatalf("%+v", s)
	}
	for _, p := range s.Examination.Probes {
		// The fake has no index state management here.
		if p.Verdict != contract.Works && p.ID != "cluster.ism" {
			t.Errorf("%+v", p)
		}
	}
	if len(s.Examination.Left) > 0 {
		t.Errorf("left: %v", s.Examination.Left)
	}
	// The domain goes on as if nothing had been: a recovery point has none of it.
	res, err := w.run(east, snapshot.ReasonDemand)
	w.check(err)
	list, err := w.clusters[east].Snapshots(t.Context(), contract.Repository)
	w.check(err)
	if res.Started == "" || len(list) != 1 || len(list[0].Indices) != 1 || list[0].Indices[0] != "movies" {
		t.Errorf("%+v %+v", res, list)
	}
}

func TestDoctorIsInNobodysWay(t *testing.T) {
	for name, c := range map[string]struct {
		region string
		before func(w *world)
		says   string
	}{
		"before the first set-up": {east, func(w *world) { w.domain(east, 1) }, "nothing is in force yet"},
		"the other Region":        {west, func(w *world) { w.active(); w.domain(west, 2) }, "us-east-1 is active"},
		"a switch is under way": {east, func(w *world) {
			w.active()
			_, err := ledger.PutIntent(w.t.Context(), w.buckets[east], w.ledger(east).Ledger, ledger.Intent{Token: "t", To: west, RequestID: "r-1"}, time.Hour)
			w.check(err)
		}, "a switch to us-west-2 is under way by request r-1"},
		"the domain was made again": {east, func(w *world) { w.active(); w.domain(east, 3); w.tick(east) }, "H13"},
		"a fence is up": {east, func(w *world) {
			w.active()
			r := fence.Record{Version: 1, ClusterUUID: w.clusters[east].UUID(), Token: "t", State: fence.Fenced}
			w.check(r.Save(w.t.Context(), w.buckets[east]))
		}, "a fence of the domain is fenced"},
		"it changes": {east, func(w *world) {
			w.active()
			d := w.descs[east]
			d.Processing = true
			w.descs[east] = d
		}, "is Processing a change"},
		"a snapshot runs": {east, func(w *world) { w.active(); w.clusters[east].RunAutomatedSnapshot("cs-automated/one") }, "the end of snapshot cs-automated/one"},
		"the snapshot function runs": {east, func(w *world) {
			w.active()
			_, err := lease.Acquire(w.t.Context(), w.buckets[east], snapshot.LeaseName, "somebody", time.Minute)
			w.check(err)
		}, "a run of the snapshot function, somebody"},
		"the controller runs": {east, func(w *world) {
			w.active()
			_, err := lease.Acquire(w.t.Context(), w.buckets[east], recovery.LeaseName, "somebody", time.Minute)
			w.check(err)
		}, "another run of the controller, somebody"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.before(w)
			s := w.doctor(c.region)
			if s.Done || s.Examination != nil || !strings.Contains(s.Refusal+s.WaitingFor, c.says) {
				t.Errorf("%+v", s)
			}
			all, err := w.clusters[c.region].Indices(t.Context())
			w.check(err)
			for _, i := range all {
				if strings.HasPrefix(i.Name, contract.TrialPrefix) {
					t.Errorf("index %s stands", i.Name)
				}
			}
		})
	}
}
