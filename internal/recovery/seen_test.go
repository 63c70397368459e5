package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// A long run of another must not silence the age, and changes nothing besides.
func TestD1_AgeIsPublishedWhileAnotherRunHoldsTheLease(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.snapshot()
	w.pass(5 * time.Minute)
	l, err := lease.Acquire(t.Context(), w.buckets[east], recovery.LeaseName, "another", time.Minute)
	w.check(err)
	n, puts := len(w.metrics[east].Values(contract.MetricPointAge)), w.buckets[east].Calls(storetest.Put)
	wantWaiting(t, w.tick(east), "another")
	ages := w.metrics[east].Values(contract.MetricPointAge)
	if len(ages) != n+1 || ages[n] < 300 {
		t.Errorf("ages %v, before %d of them", ages, n)
	}
	if now := w.buckets[east].Calls(storetest.Put); now != puts {
		t.Errorf("%d puts without the lease", now-puts)
	}
	w.check(l.Release(t.Context()))
}

func TestD1_APointSettledInThisMinuteCounts(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.snapshot()
	w.pass(50 * time.Minute)
	if _, err := snapshotRun(w, w.buckets[east], w.buckets[west]); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.tick(east)
	ages := w.metrics[east].Values(contract.MetricPointAge)
	if len(ages) < 2 || ages[len(ages)-2] < 3000 || ages[len(ages)-1] > 120 {
		t.Errorf("ages %v", ages)
	}
}

// What is slow or cut off after the measuring silences nothing.
func TestD1_AgeIsPublishedBeforeTheSlowParts(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.snapshot()
	n := len(w.metrics[east].Values(contract.MetricPointAge))
	told := false
	w.clusters[east].Intercept(func(string) opensearchtest.Verdict {
		told = told || len(w.metrics[east].Values(contract.MetricPointAge)) > n
		return opensearchtest.Verdict{}
	})
	w.tick(east)
	if !told {
		t.Error("the age is published only after the domain was asked")
	}
}

func TestD6_AuditTroubleStopsNeitherClaimNorCapsule(t *testing.T) {
	w := newWorld(t)
	c := w.domain(east, 1)
	c.Intercept(func(call string) opensearchtest.Verdict {
		if call == "EnableAudit" {
			return opensearchtest.Verdict{Before: &opensearch.Error{Step: "enable audit log", Status: 500, Reason: "no config"}}
		}
		return opensearchtest.Verdict{}
	})
	s := w.promote(wish(east))
	if !s.Done || !strings.Contains(strings.Join(s.Notices, " "), "audit log") {
		t.Fatalf("%+v", s)
	}
	if _, err := snapshot.ReadSecurity(t.Context(), w.buckets[east], c.UUID()); err != nil {
		t.Errorf("the capsule's security part: %v", err)
	}
	s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
	if err == nil || !strings.Contains(err.Error(), "audit log") || w.record().Target == "" {
		t.Errorf("the tick: %+v %v", s, err)
	}
}

func TestH14_StatusCarriesWhyTheLedgerIsNotKnown(t *testing.T) {
	w := newWorld(t)
	w.active()
	status := func() contract.RecoveryStatus {
		s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
		w.check(err)
		return s
	}
	if s := status(); s.LedgerError != "" || s.LedgerUnknown {
		t.Errorf("known: %+v", s)
	}
	w.check(w.buckets[west].Delete(t.Context(), ledger.Key))
	w.buckets[east].SetUnreachable(true)
	if s := status(); s.Generation != 0 || s.LedgerError == "" || !s.LedgerUnknown {
		t.Errorf("unknown: %+v", s)
	}
	w.buckets[east].SetUnreachable(false)
	for _, region := range []string{east, west} { // one good copy would be enough (H80)
		_, err := w.buckets[region].Put(t.Context(), ledger.Key, []byte("{}"), store.Condition{})
		w.check(err)
	}
	if s := status(); s.Generation != 0 || s.LedgerError == "" || s.LedgerUnknown {
		t.Errorf("malformed: %+v", s)
	}
}
