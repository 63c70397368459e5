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

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/doctor"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/store"
)

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
		"_block": {func(p *patient) { p.failed["Block"] = opensearch.ErrNotOffered }, map[string]contract.Verdict{"index.block": contract.DoesNot}, "sets the block by index settings"},
		"a block that blocks nothing": {func(p *patient) { p.deps.Domain = porous{p.As(p.deps.Signer)} },
			map[string]contract.Verdict{"index.block": contract.DoesNot}, "sets the block by index settings"},
		"a setting that does nothing": {func(p *patient) { p.deps.Domain = &idle{Caller: p.As(p.deps.Signer)} },
			map[string]contract.Verdict{"cluster.auto-create": contract.DoesNot}, "lists the indexes again"},
		"_close":        {func(p *patient) { p.failed["Close"] = no }, map[string]contract.Verdict{"index.close": contract.DoesNot}, "closes no index"},
		"auto-create":   {func(p *patient) { p.failed["SetAutoCreate"] = no }, map[string]contract.Verdict{"cluster.auto-create": contract.DoesNot}, "lists the indexes again"},
		"recovery rate": {func(p *patient) { p.failed["SetRecoveryRate"] = no }, map[string]contract.Verdict{"cluster.recovery-rate": contract.DoesNot}, "40 MB/s on each data node"},
		"ISM":           {func(p *patient) { p.failed["SetISM"] = no }, map[string]contract.Verdict{"cluster.ism": contract.DoesNot}, "policies run on"},
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
			p.clean(t, e)
		})
	}
}

// The rate of restores is the service's alone: nobody can attend to that. Any other
// refusal needs attention.
func TestH75_WhatTheServiceRefusesToEverybodyIsMarked(t *testing.T) {
	for _, row := range []struct {
		call, id   string
		err        error
		everywhere bool
	}{
		{"SetRecoveryRate", "cluster.recovery-rate", opensearch.ErrNotOffered, true},
		{"SetRecoveryRate", "cluster.recovery-rate", refusal(500, "exception", "no"), false},
		{"SetAutoCreate", "cluster.auto-create", opensearch.ErrNotOffered, false},
	} {
		p := newPatient(t)
		p.failed[row.call] = row.err
		x := find(t, doctor.Examine(t.Context(), p.deps), row.id)
		if x.Verdict != contract.DoesNot || x.AsEverywhere != row.everywhere {
			t.Errorf("%s refused with %v: %+v", row.call, row.err, x)
		}
	}
}

// Where there is no index state management, nothing needs attention.
func TestADomainWithoutISM(t *testing.T) {
	p := newPatient(t)
	p.SetCapsule(opensearch.Capsule{})
	x := find(t, doctor.Examine(t.Context(), p.deps), "cluster.ism")
	if x.Verdict != contract.Works || x.Said != "this domain has none" || x.Follows != "nothing: there is none to stop" {
		t.Errorf("%+v", x)
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
