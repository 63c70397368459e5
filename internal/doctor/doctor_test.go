package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestAHealthyDomain(t *testing.T) {
	p := newPatient(t)
	e := doctor.Examine(t.Context(), p.deps)
	for _, x := range e.Probes {
		if x.Verdict != contract.Works || x.Said == "" || x.Follows == "" {
			t.Errorf("%+v", x)
		}
	}
	if len(e.Probes) != 9 || e.ClusterUUID != p.UUID() || e.Version != "3.4.0" || e.Trial != trial {
		t.Errorf("%+v", e)
	}
	if x := find(t, e, "repository.forms"); x.Said != "region and endpoint: works; region: works; endpoint: works" || !strings.Contains(x.Follows, "registers by region and endpoint") {
		t.Errorf("%+v", x)
	}
	p.clean(t, e)
}

func TestX8_FormsAreToldOneByOne(t *testing.T) {
	p := newPatient(t)
	p.RefuseRepositories(func(action string, r opensearch.Repository) error {
		if action == "verify" && r.Endpoint != "" {
			return refusal(500, "repository_verification_exception", "PermanentRedirect (Service: S3, Status Code: 301)")
		}
		return nil
	})
	e := doctor.Examine(t.Context(), p.deps)
	x := find(t, e, "repository.forms")
	if x.Verdict != contract.Works || !strings.Contains(x.Said, "region: works") || strings.Count(x.Said, "PermanentRedirect") != 2 || !strings.Contains(x.Follows, "registers by region,") {
		t.Errorf("%+v", x)
	}
	p.clean(t, e)
}

// Each refusal is told by its own probe, with what follows, and takes nothing with it.
func TestEachRefusal(t *testing.T) {
	no := refusal(400, "illegal_argument_exception", "not allowed here")
	for name, c := range map[string]struct {
		hurt func(p *patient)
		want map[string]contract.Verdict // that do not work, and those not tried
		says string                      // by the first of them
	}{
		"no form": {func(p *patient) {
			p.RefuseRepositories(func(string, opensearch.Repository) error { return no })
		}, map[string]contract.Verdict{"repository.forms": contract.DoesNot, "repository.paths": contract.Untried}, "no recovery point can be made"},
		"base_path is dropped": {func(p *patient) { p.deps.Domain = forgetful{p.As(p.deps.Signer), true} },
			map[string]contract.Verdict{"repository.forms": contract.DoesNot, "repository.paths": contract.Untried}, "no recovery point can be made"},
		"a snapshot that cannot be read": {func(p *patient) {
			p.failed["Snapshot"] = refusal(500, "snapshot_exception", "no")
		}, map[string]contract.Verdict{"repository.forms": contract.DoesNot, "repository.paths": contract.Untried}, "no recovery point can be made"},
		"_block":        {func(p *patient) { p.failed["Block"] = opensearch.ErrNotOffered }, map[string]contract.Verdict{"index.block": contract.DoesNot}, "sets the block by index settings"},
		"_close":        {func(p *patient) { p.failed["Close"] = no }, map[string]contract.Verdict{"index.close": contract.DoesNot}, "closes no index"},
		"auto-create":   {func(p *patient) { p.failed["SetAutoCreate"] = no }, map[string]contract.Verdict{"cluster.auto-create": contract.DoesNot}, "lists the indexes again"},
		"recovery rate": {func(p *patient) { p.failed["SetRecoveryRate"] = no }, map[string]contract.Verdict{"cluster.recovery-rate": contract.DoesNot}, "40 MB/s on each data node"},
		"ISM":           {func(p *patient) { p.failed["SetISM"] = no }, map[string]contract.Verdict{"cluster.ism": contract.DoesNot}, "policies run on"},
		"no ISM at all": {func(p *patient) { p.SetCapsule(opensearch.Capsule{}) }, map[string]contract.Verdict{"cluster.ism": contract.DoesNot}, "there is none to stop"},
		"a wrong name": {func(p *patient) {
			p.deps.Certificate = func(context.Context, string, string) (time.Time, error) {
				return time.Time{}, errors.New("x509: not valid for search.example.com")
			}
		}, map[string]contract.Verdict{"domain.certificate": contract.DoesNot}, "custom endpoint"},
		"a probe breaks": {func(p *patient) { p.deps.Certificate = nil }, map[string]contract.Verdict{"domain.certificate": contract.DoesNot}, "custom endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			c.hurt(p)
			e := doctor.Examine(t.Context(), p.deps)
			got := verdicts(e)
			for id, v := range got {
				if v == contract.Works {
					delete(got, id)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s\n%+v", diff, e.Probes)
			}
			for id, v := range c.want {
				if x := find(t, e, id); v == contract.DoesNot && !strings.Contains(x.Follows, c.says) {
					t.Errorf("%+v", x)
				}
			}
			p.failed = map[string]error{}
			if name == "no ISM at all" {
				p.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{"p": {}}})
			}
			p.clean(t, e)
		})
	}
}

// forgetful drops base_path without a word.
type forgetful struct {
	*opensearchtest.Caller
	path bool
}

func (f forgetful) Repository(ctx context.Context, name string) (opensearch.Repository, error) {
	r, err := f.Caller.Repository(ctx, name)
	if f.path {
		r.BasePath = ""
	}
	return r, err
}

// porous takes a block and blocks nothing.
type porous struct{ *opensearchtest.Caller }

func (porous) Block(context.Context, string) error { return nil }

// idle keeps a setting and does nothing by it.
type idle struct {
	*opensearchtest.Caller
	value string
	set   bool
}

func (i *idle) AutoCreate(context.Context) (string, bool, error) { return i.value, i.set, nil }
func (i *idle) SetAutoCreate(_ context.Context, value string, set bool) error {
	i.value, i.set = value, set
	if !set {
		i.value = ""
	}
	return nil
}

func TestASnapshotThatEndsBadly(t *testing.T) {
	p := newPatient(t)
	p.NextSnapshotEnds(opensearch.Partial)
	e := doctor.Examine(t.Context(), p.deps)
	x := find(t, e, "repository.forms")
	if x.Verdict != contract.Works || !strings.HasPrefix(x.Said, "region and endpoint: snapshot form-1 ended PARTIAL") || !strings.Contains(x.Follows, "registers by region,") {
		t.Errorf("%+v", x)
	}
	p.clean(t, e)
}

func TestWithoutAnIndexTheOthersAreTried(t *testing.T) {
	p := newPatient(t)
	p.failed["CreateTrial"] = refusal(403, "security_exception", "no permissions for [indices:admin/create]")
	e := doctor.Examine(t.Context(), p.deps)
	for id, v := range verdicts(e) {
		want := contract.Untried
		if slices.Contains([]string{"cluster.ism", "cluster.recovery-rate", "domain.certificate"}, id) {
			want = contract.Works
		}
		if v != want {
			t.Errorf("%s: %s", id, v)
		}
	}
	if x := find(t, e, "index.block"); !strings.Contains(x.Said, "no permissions for [indices:admin/create]") {
		t.Errorf("%+v", x)
	}
	p.clean(t, e)
}

// H30: shards that the engine spreads over the bucket are seen as such.
func TestH30_ShardsElsewhere(t *testing.T) {
	for part, says := range map[string]string{"/indices/": "shards lie elsewhere", "/index-": "the repository's own index is not among them"} {
		p := newPatient(t)
		p.deps.Bucket = without{p.bucket, part}
		x := find(t, doctor.Examine(t.Context(), p.deps), "repository.paths")
		if x.Verdict != contract.DoesNot || !strings.Contains(x.Said, says) || !strings.Contains(x.Follows, "H30") {
			t.Errorf("%+v", x)
		}
	}
}

// without hides objects.
type without struct {
	store.Bucket
	part string
}

func (w without) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	all, err := w.Bucket.List(ctx, prefix)
	return slices.DeleteFunc(all, func(e store.Entry) bool { return strings.Contains(e.Key, w.part) }), err
}

// A user's own value of automatic creation goes on holding meanwhile, and stands
// after it.
func TestAutomaticCreationOfOthersGoesOn(t *testing.T) {
	for _, value := range []string{"", "true", "false", "-secret-*,+*"} {
		p := newPatient(t)
		if value != "" {
			if err := p.SetAutoCreate(t.Context(), value, true); err != nil {
				t.Fatal(err)
			}
		}
		var seen []string
		p.Intercept(func(call string) opensearchtest.Verdict {
			if call == "WriteTrial" {
				now, _, _ := p.AutoCreate(context.Background())
				seen = append(seen, now)
			}
			return opensearchtest.Verdict{}
		})
		e := doctor.Examine(t.Context(), p.deps)
		if x := find(t, e, "cluster.auto-create"); x.Verdict != contract.Works {
			t.Errorf("%q: %+v", value, x)
		}
		p.Intercept(nil)
		if got, set, _ := p.AutoCreate(t.Context()); got != value || set != (value != "") {
			t.Errorf("%q became %q", value, got)
		}
		meant := map[string]string{"": "+*", "true": "+*", "false": "-*", "-secret-*,+*": "-secret-*,+*"}[value]
		if want := "-osdr-doctor-*," + meant; !slices.Contains(seen, want) {
			t.Errorf("%q: %q was never set, but %q", value, want, seen)
		}
	}
}

// A doctor that died is tidied up by the next one.
func TestWhatADeadDoctorLeft(t *testing.T) {
	p := newPatient(t)
	died := false
	p.Intercept(func(call string) opensearchtest.Verdict {
		died = died || call == "SetISM" || call == "Block"
		if died {
			return opensearchtest.Verdict{Before: errors.New("gone")}
		}
		return opensearchtest.Verdict{}
	})
	first := doctor.Examine(t.Context(), p.deps)
	if len(first.Left) < 3 {
		t.Errorf("what is left is not told: %v", first.Left)
	}
	p.Intercept(nil)
	if err := p.SetAutoCreate(t.Context(), "-osdr-doctor-*,+*", true); err != nil {
		t.Fatal(err)
	}
	p.deps.Trial = "osdr-doctor-klmnopqrst"
	e := doctor.Examine(t.Context(), p.deps)
	for id, v := range verdicts(e) {
		if v != contract.Works {
			t.Errorf("%s: %s", id, v)
		}
	}
	p.clean(t, e)
}

// A snapshot of somebody else holds the index for a while.
func TestTheCleanUpWaitsForASnapshot(t *testing.T) {
	p := newPatient(t)
	held := 3
	p.Intercept(func(call string) opensearchtest.Verdict {
		if call == "RemoveIndex" && held > 0 {
			held--
			return opensearchtest.Verdict{Before: refusal(400, "snapshot_in_progress_exception", "Cannot delete indices that are being snapshotted")}
		}
		return opensearchtest.Verdict{}
	})
	p.clean(t, doctor.Examine(t.Context(), p.deps))
}

func TestItStopsWhenItIsTold(t *testing.T) {
	p := newPatient(t)
	n := 0
	p.deps.Stop = func(context.Context) string {
		if n++; n > 2 {
			return "a switch has begun"
		}
		return ""
	}
	e := doctor.Examine(t.Context(), p.deps)
	tried := 0
	for _, x := range e.Probes {
		if x.Verdict != contract.Untried {
			tried++
		} else if x.Said != "a switch has begun" {
			t.Errorf("%+v", x)
		}
	}
	if tried != 2 {
		t.Errorf("%d tried", tried)
	}
	p.clean(t, e)
}

// A deadline leaves time for the clean-up.
func TestTimeIsOver(t *testing.T) {
	p := newPatient(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	e := doctor.Examine(ctx, p.deps)
	for _, x := range e.Probes {
		if x.Verdict != contract.Untried {
			t.Errorf("%+v", x)
		}
	}
	p.clean(t, e)
}

// The docs have each probe as the code has it.
func TestDocs(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "doctor.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range doctor.Examine(t.Context(), newPatient(t).deps).Probes {
		if row := fmt.Sprintf("| `%s` | %s |", p.ID, p.Title); !strings.Contains(string(body), row) {
			t.Errorf("docs/doctor.md has no row %s", row)
		}
	}
}
