package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/access"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/doctor"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

const (
	east  = "us-east-1"
	west  = "us-west-2"
	trial = "osdr-doctor-abcdefghij"
)

var settings = contract.Settings{Name: "films", Account: "111122223333", PrimaryRegion: east, SecondaryRegion: west}

// patient is a domain with one user's index, as the product has mapped itself in it.
type patient struct {
	*opensearchtest.Cluster
	bucket *storetest.Memory
	deps   doctor.Deps
	now    time.Time
	failed map[string]error // by call
	calls  []string
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	n := settings.Names()
	p := &patient{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), failed: map[string]error{}}
	clock := func() time.Time { return p.now }
	p.bucket = storetest.NewMemory(n.Bucket(west), west, clock)
	p.Cluster = opensearchtest.New(opensearchtest.Options{
		Seed: 1, Clock: clock, Master: n.MasterRoleARN(east), Bucket: func(string) store.Bucket { return p.bucket },
	})
	master, signer := p.As(n.MasterRoleARN(east)), n.FunctionRoleARN(contract.Recovery, east)
	if _, err := access.Map(t.Context(), master, access.For(settings, east, opensearch.AgentPermissions())); err != nil {
		t.Fatal(err)
	}
	p.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{"p": {}}})
	for id := range 3 {
		if err := p.Index(t.Context(), "movies", fmt.Sprint(id), "{}"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.bucket.Put(t.Context(), p.UUID()+"/index-1", []byte("x"), store.Condition{}); err != nil {
		t.Fatal(err)
	}
	p.Intercept(func(call string) opensearchtest.Verdict {
		p.calls = append(p.calls, call)
		return opensearchtest.Verdict{Before: p.failed[call]}
	})
	p.deps = doctor.Deps{
		Domain: p.As(signer), Security: master, Bucket: p.bucket, Signer: signer, Trial: trial,
		Wish:     repository.Wish{Bucket: p.bucket.Name(), BucketRegion: west, DomainRegion: east, RoleARN: n.SnapshotRoleARN(east)},
		Endpoint: "search-films.us-east-1.es.amazonaws.com", Record: "search.example.com",
		Certificate: func(context.Context, string, string) (time.Time, error) { return p.now.AddDate(1, 0, 0), nil },
		Stop:        func(context.Context) string { return "" },
		Wait:        func(ctx context.Context, d time.Duration) error { p.now = p.now.Add(d); return ctx.Err() },
		Clock:       clock,
	}
	return p
}

func refusal(status int, kind, reason string) error {
	return &opensearch.Error{Step: "asked", Status: status, Type: kind, Reason: reason}
}

func verdicts(e contract.Examination) map[string]contract.Verdict {
	out := map[string]contract.Verdict{}
	for _, p := range e.Probes {
		out[p.ID] = p.Verdict
	}
	return out
}

func find(t *testing.T, e contract.Examination, id string) contract.Probe {
	t.Helper()
	at := slices.IndexFunc(e.Probes, func(p contract.Probe) bool { return p.ID == id })
	if at < 0 {
		t.Fatal("no probe", id)
	}
	return e.Probes[at]
}

// clean: nothing of the doctor's is left, and everything of others is.
func (p *patient) clean(t *testing.T, e contract.Examination) {
	t.Helper()
	if len(e.Left) > 0 {
		t.Errorf("left: %v", e.Left)
	}
	p.Intercept(nil)
	all, err := p.Indices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if strings.HasPrefix(i.Name, contract.TrialPrefix) {
			t.Errorf("index %s stands", i.Name)
		}
		if i.Name == "movies" && (i.Documents != 3 || len(i.Blocks) > 0 || !i.Open) {
			t.Errorf("the user's index: %+v", i)
		}
	}
	if _, err := p.Repository(t.Context(), contract.TrialRepository); !errors.Is(err, opensearch.ErrNotFound) {
		t.Errorf("registration: %v", err)
	}
	if value, set, _ := p.AutoCreate(t.Context()); set {
		t.Errorf("action.auto_create_index is %q", value)
	}
	if value, set, _ := p.RecoveryRate(t.Context()); set {
		t.Errorf("indices.recovery.max_bytes_per_sec is %q", value)
	}
	if on, _ := p.ISM(t.Context()); !on {
		t.Error("index state management is off")
	}
	if m, err := p.RoleMapping(t.Context(), contract.TrialRole); err == nil && len(m.BackendRoles) > 0 {
		t.Errorf("mapped: %v", m)
	}
	objects, err := p.bucket.List(t.Context(), "")
	if err != nil || len(objects) != 1 || !strings.HasPrefix(objects[0].Key, p.UUID()) {
		t.Errorf("objects: %v %v", objects, err)
	}
}
