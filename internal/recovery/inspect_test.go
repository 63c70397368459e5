package recovery_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func (w *world) inspect(region string) contract.Inspection {
	w.t.Helper()
	s, err := w.ask(region, contract.RecoveryRequest{Action: contract.ActionInspect})
	w.check(err)
	if s.Inspection == nil || !s.Done {
		w.t.Fatalf("no inspection: %+v", s)
	}
	return *s.Inspection
}

func TestInspectLooksAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	if i := w.inspect(east); i.Domain != contract.DomainAbsent || len(i.Failed) > 0 {
		t.Errorf("no domain: %+v", i)
	}
	w.active()
	w.put(east, "movies", "1", "2")
	w.snapshot()
	c := w.clusters[east]
	puts := func() int { return w.buckets[east].Calls(storetest.Put) + w.buckets[west].Calls(storetest.Put) }
	before := puts()

	i := w.inspect(east)
	if i.Domain != contract.DomainReady || i.ClusterUUID != c.UUID() || len(i.Failed) > 0 || len(i.Mappings) > 0 || len(i.Blocked) > 0 || i.Fenced || i.AutoCreateLeft {
		t.Errorf("a domain at rest: %+v", i)
	}
	at := slices.IndexFunc(i.Repositories, func(r contract.RepositoryState) bool { return r.Name == contract.Repository })
	if at < 0 || i.Repositories[at].Refused != "" || i.Repositories[at].Readonly || i.Repositories[at].BasePath != c.UUID() {
		t.Errorf("repositories %+v", i.Repositories)
	}

	master := c.As(w.settings.Names().MasterRoleARN(east))
	w.check(master.PutRoleMapping(t.Context(), contract.ManageSnapshots, opensearch.RoleMapping{}))
	w.check(c.SetBlock(t.Context(), "movies", "write", true))
	w.check(c.As(w.settings.Names().FunctionRoleARN(contract.Recovery, east)).SetAutoCreate(t.Context(), fence.NoAutoCreate, true))
	w.check(c.CreateIndex(t.Context(), "cold", opensearchtest.IndexOptions{}))
	w.check(c.CloseIndex(t.Context(), "cold"))
	i = w.inspect(east)
	if len(i.Mappings) != 1 || i.Mappings[0].Role != contract.ManageSnapshots || len(i.Mappings[0].Missing) != 3 {
		t.Errorf("mappings %+v", i.Mappings)
	}
	at = slices.IndexFunc(i.Indices, func(x contract.IndexState) bool { return x.Name == "movies" })
	if len(i.Indices) != 2 || at < 0 || i.Indices[at].UUID != i.Blocked[0].UUID {
		t.Errorf("indexes %+v", i.Indices)
	}
	if len(i.Blocked) != 1 || i.Blocked[0].Name != "movies" || i.Blocked[0].UUID == "" || !i.AutoCreateLeft {
		t.Errorf("%+v", i)
	}
	if m, err := master.RoleMapping(t.Context(), contract.ManageSnapshots); err != nil || len(m.BackendRoles) > 0 {
		t.Errorf("it mapped them: %+v %v", m, err)
	}
	if puts() != before {
		t.Errorf("it wrote %d objects", puts()-before)
	}
}

// F1, G1: whoever registers a bucket of the pair is told, by whatever name and path;
// what leads elsewhere is nobody's business.
func TestInspectTellsEveryRegistrationOfASnapshotBucket(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.snapshot()
	own, hand := w.settings.Names(), w.clusters[east].As(w.settings.Names().FunctionRoleARN(contract.Snapshot, east))
	for name, r := range map[string]opensearch.Repository{
		"my-backup":                {Bucket: own.Bucket(west), BasePath: "backups"},
		"my-reader":                {Bucket: own.Bucket(east), BasePath: "backups", ReadOnly: true},
		"cs-automated":             {Bucket: "the-services-own"},
		contract.InboundRepository: {Bucket: "somebody-elses", ReadOnly: true},
	} {
		w.check(hand.PutRepository(t.Context(), name, r))
	}
	i := w.inspect(east)
	got := map[string]bool{}
	for _, r := range i.Repositories {
		got[r.Name] = r.Readonly
	}
	if want := map[string]bool{"my-backup": false, "my-reader": true, contract.InboundRepository: true, contract.Repository: false}; !maps.Equal(got, want) || len(i.Failed) > 0 {
		t.Errorf("read-only by name: %v, want %v; %v", got, want, i.Failed)
	}
}

// Only who asks for the health costs the call: a switch asks for the status, too.
func TestTheHealthOfADomain(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.put(east, "movies", "1")
	w.clusters[east].SetHealth("movies", opensearch.Red)
	if i := w.inspect(east); i.Health != "red" {
		t.Errorf("inspected as %q", i.Health)
	}
	asked := w.watched(east, "Health")
	for asks, want := range map[bool]string{false: "", true: "red"} {
		before := len(*asked)
		s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionStatus, Health: asks})
		if err != nil || s.Health != want || (len(*asked) > before) != asks {
			t.Errorf("asked %v: %q, %d calls, %v", asks, s.Health, len(*asked)-before, err)
		}
	}
}

func TestInspectSaysWhatItCouldNotSee(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.clusters[east].Kill()
	i := w.inspect(east)
	for _, part := range []string{contract.PartIdentity, contract.PartHealth, contract.PartIndices, contract.PartRepositories, contract.PartSettings} {
		if i.Failed[part] == "" {
			t.Errorf("%s of a dead domain counts as seen: %+v", part, i)
		}
	}
}

func TestTheAliasOnlyLooks(t *testing.T) {
	arn := "arn:aws:lambda:us-east-1:111122223333:function:films-recovery"
	for action, may := range map[string]bool{
		contract.ActionInspect: true, contract.ActionStatus: true, contract.ActionTick: false, contract.ActionPromote: false,
		contract.ActionRelease: false, contract.ActionAbort: false, contract.ActionRecheck: false, "": false,
	} {
		if err := recovery.MayLook(arn+":"+contract.LookAlias, contract.RecoveryRequest{Action: action}); (err == nil) != may {
			t.Errorf("%q through the alias: %v", action, err)
		}
		if err := recovery.MayLook(arn, contract.RecoveryRequest{Action: action}); err != nil {
			t.Errorf("%q by the function itself: %v", action, err)
		}
	}
}

// A Region that is silent holds up the inspection of no other: it is not asked.
func TestH14_AnInspectionAsksNothingOfTheOtherRegion(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"cold": func(*world) {},
		"warm": func(w *world) { w.copied(west) },
	} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			prepare(w)
			for _, region := range []string{east, west} {
				var asked []string
				w.buckets[w.settings.Other(region)].OnCall(func(op storetest.Op, key string) { asked = append(asked, fmt.Sprint(op, " ", key)) })
				i := w.inspect(region)
				w.buckets[w.settings.Other(region)].OnCall(nil)
				if len(asked) > 0 || len(i.Failed) > 0 {
					t.Errorf("%s asked the other Region for %v, failed %v", region, asked, i.Failed)
				}
				if told := i.Standby != nil && i.Standby.Copy != ""; told != (name == "warm" && region == west) {
					t.Errorf("%s: standby %+v", region, i.Standby)
				}
			}
		})
	}
}
