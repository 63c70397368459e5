package opensearchtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Application puts documents into a cluster, as its users do.
type Application interface {
	CreateIndex(ctx context.Context, name string, o IndexOptions) error
	DeleteIndex(ctx context.Context, name string) error
	CloseIndex(ctx context.Context, name string) error
	SetBlock(ctx context.Context, name, block string, on bool) error
	PutAlias(ctx context.Context, name, alias string) error
	CreateDataStream(ctx context.Context, name string) error // deleted by the subject's own clean-up
	Rollover(ctx context.Context, name string) error
	// PutParts makes one of each part of the capsule under that name: a component,
	// an index and a legacy template for "<name>-*", and an ingest pipeline.
	PutParts(ctx context.Context, name string) error
	Index(ctx context.Context, name, id, source string) error
	Delete(ctx context.Context, name, id string) error
}

// Subject is one cluster under the contract. Several cases may share one
// cluster: each uses names of its own.
type Subject struct {
	Domain      opensearch.Domain           // as Agent
	Recovery    opensearch.Recovery         // as Agent too
	Trial       opensearch.Trial            // and too
	Security    opensearch.Security         // as the master
	Replay      opensearch.SecurityRecovery // as the master
	Stranger    opensearch.Domain           // as a role that nobody mapped
	Application Application
	Agent       string // the ARN that Domain signs as
	// Search documents of an index as Agent.
	Search func(ctx context.Context, index string) error
	// Repository is a registration that works; cases set their own BasePath.
	Repository opensearch.Repository
	Bucket     store.Bucket // the one that Repository names
	// OtherRegion registers a bucket of another Region in a form that S3 refuses;
	// empty Bucket: this subject cannot tell Regions apart.
	OtherRegion opensearch.Repository
	// Pass lets time go by while a case waits.
	Pass func()
	// AuditOffered says whether the security plugin has its audit API.
	AuditOffered bool
}

// world of one case.
type world struct {
	Subject
	*testing.T
	name string // prefix of every index, lower case
	repo string
}

type contractCase struct {
	name string
	run  func(*world)
}

// Contract is everything that the product relies on an engine for.
func Contract(t *testing.T, subject func(t *testing.T) Subject) {
	for n, c := range append([]contractCase{
		{"H31_UUIDIsAPathElement", uuidShape},
		{"AgentNeedsExactlyItsRoles", agentRights},
		{"AgentRoleHasNothingMore", leastRights},
		{"UnmappedRoleIs403", unmapped},
		{"RoleMappingIsIdempotent", mappingTwice},
		{"SecurityCapsuleHasNoReservedRoles", securityCapsule},
		{"D6_Audit", audit},
		{"RepositorySettingsAreKept", settingsKept},
		{"RepositoriesTellsAllThereAre", repositoriesTellAll},
		{"RepositoryAbsentIs404", repositoryAbsent},
		{"F15_WrongRegionIsAWrongForm", wrongRegion},
		{"IndicesTellsAllThereIs", indicesTellAll},
		{"AnIndexThatBlocksItsMetadataHidesNoOther", metadataBlocked},
		{"C3_SequenceNumbersGrowWhereCountsDoNot", sequenceNumbers},
		{"SnapshotOfAnExplicitList", explicitList},
		{"H12_DataStreamsByName", dataStreams},
		{"H12_ClosedAndHiddenIndexes", closedAndHidden},
		{"EmptyListIsASnapshotOfNothing", emptyList},
		{"H43_AbsentIndexIs404AndNoSnapshot", absentIndex},
		{"F17_NameIsTakenOnce", duplicateName},
		{"F18_UnderWay", underWay},
		{"RedIndexIsRefused", redIndex},
		{"IncrementalBytes", incremental},
		{"H30_BlobsStayUnderBasePath", fixedPath},
		{"F28_ReadOnlyRefusesWrites", readOnly},
		{"H32_ReaderSeesNewSnapshots", readerSeesNew},
		{"DeleteSnapshotKeepsWhatOthersNeed", deleteSnapshot},
		{"H12_Capsule", capsule},
	}, recoveryCases...) {
		t.Run(c.name, func(t *testing.T) {
			w := &world{Subject: subject(t), T: t, name: fmt.Sprintf("c%02d", n), repo: fmt.Sprintf("c%02d-repo", n)}
			w.mapAgent()
			c.run(w)
		})
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(ok bool, format string, a ...any) {
	w.Helper()
	if !ok {
		w.Fatalf(format, a...)
	}
}

// mapAgent is the product's access step: manage_snapshots and the least role.
func (w *world) mapAgent() {
	w.Helper()
	mapping := opensearch.RoleMapping{BackendRoles: []string{w.Agent}}
	w.ok(w.Security.PutRole(w.Context(), contract.AgentRole, opensearch.AgentPermissions()))
	w.ok(w.Security.PutRoleMapping(w.Context(), contract.AgentRole, mapping))
	w.ok(w.Security.PutRoleMapping(w.Context(), contract.ManageSnapshots, mapping))
}

// register this case's own repository and verify it.
func (w *world) register() opensearch.Repository {
	w.Helper()
	r := w.Repository
	r.BasePath = "path-of-" + w.name
	r.ShardPathType = "FIXED"
	w.ok(w.Domain.PutRepository(w.Context(), w.repo, r))
	w.ok(w.Domain.VerifyRepository(w.Context(), w.repo))
	return r
}

// index makes an index with n documents.
func (w *world) index(name string, o IndexOptions, n int) string {
	w.Helper()
	name = w.name + "-" + name
	w.ok(w.Application.CreateIndex(w.Context(), name, o))
	for i := range n {
		w.ok(w.Application.Index(w.Context(), name, fmt.Sprint("d", i), document(i)))
	}
	return name
}

func document(i int) string {
	return fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat(fmt.Sprintf("film %d ", i), 40))
}

func (w *world) refresh(indices ...string) {
	w.Helper()
	w.ok(w.Domain.Refresh(w.Context(), indices))
}

func (w *world) find(name string) (opensearch.Index, bool) {
	w.Helper()
	list, err := w.Domain.Indices(w.Context())
	w.ok(err)
	for _, i := range list {
		if i.Name == name {
			return i, true
		}
	}
	return opensearch.Index{}, false
}

// snapshot takes one and waits for its end.
func (w *world) snapshot(name string, indices ...string) opensearch.Snapshot {
	w.Helper()
	w.ok(w.Domain.CreateSnapshot(w.Context(), w.repo, name, opensearch.SnapshotRequest{Indices: indices}))
	for range 300 {
		s, err := w.Domain.Snapshot(w.Context(), w.repo, name)
		w.ok(err)
		if s.State != opensearch.InProgress {
			return s
		}
		w.Pass()
	}
	w.Fatalf("snapshot %s does not end", name)
	return opensearch.Snapshot{}
}

func (w *world) keys(prefix string) []string {
	w.Helper()
	list, err := w.Bucket.List(w.Context(), prefix)
	w.ok(err)
	keys := make([]string, len(list))
	for i, e := range list {
		keys[i] = e.Key
	}
	return keys
}

func uuidShape(w *world) {
	a, err := w.Domain.Info(w.Context())
	w.ok(err)
	w.is(len(a.ClusterUUID) == 22 && !strings.ContainsAny(a.ClusterUUID, "/+="), "cluster UUID %q", a.ClusterUUID)
	w.is(strings.Count(a.Version, ".") == 2 && a.Distribution == "opensearch", "version %+v", a)
	b, err := w.Domain.Info(w.Context())
	w.ok(err)
	w.is(a == b, "it changed: %+v, %+v", a, b)
}

func agentRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	w.register()
	w.snapshot("s1", index)
	d := w.Domain
	calls := w.agentCalls(index)
	calls["RunningSnapshots"] = func(ctx context.Context) error { _, err := d.RunningSnapshots(ctx); return err }
	calls["SnapshotStatus"] = func(ctx context.Context) error { _, err := d.SnapshotStatus(ctx, w.repo, "s1"); return err }
	calls["Repositories"] = func(ctx context.Context) error { _, err := d.Repositories(ctx); return err }
	calls["Repository"] = func(ctx context.Context) error { _, err := d.Repository(ctx, w.repo); return err }
	for name, call := range calls {
		if err := call(w.Context()); err != nil {
			w.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Search(w.Context(), index); !opensearch.IsForbidden(err) {
		w.Errorf("the agent may search documents: %v", err)
	}
	w.ok(d.DeleteSnapshot(w.Context(), w.repo, "s1"))
	// manage_snapshots alone is enough for these and for nothing else.
	w.ok(w.Security.PutRoleMapping(w.Context(), contract.AgentRole, opensearch.RoleMapping{}))
	_, err := d.Snapshots(w.Context(), w.repo)
	w.ok(err)
	for name, call := range w.agentCalls(index) {
		if err := call(w.Context()); !opensearch.IsForbidden(err) {
			w.Errorf("%s with manage_snapshots only: %v", name, err)
		}
	}
}

// agentCalls are the ones that manage_snapshots does not cover.
func (w *world) agentCalls(index string) map[string]func(context.Context) error {
	d := w.Domain
	return map[string]func(context.Context) error{
		"Info":        func(ctx context.Context) error { _, err := d.Info(ctx); return err },
		"Health":      func(ctx context.Context) error { _, err := d.Health(ctx); return err },
		"Indices":     func(ctx context.Context) error { _, err := d.Indices(ctx); return err },
		"DataStreams": func(ctx context.Context) error { _, err := d.DataStreams(ctx); return err },
		"Refresh":     func(ctx context.Context) error { return d.Refresh(ctx, []string{index}) },
		"Capsule":     func(ctx context.Context) error { c, err := d.Capsule(ctx); return cmp.Or(err, refusedPart(c)) },
	}
}

// refusedPart of a capsule, which names what the caller may not read.
func refusedPart(c opensearch.Capsule) error {
	for _, u := range c.Unavailable {
		if strings.Contains(u, "security_exception") {
			return &opensearch.Error{Step: "read capsule", Status: 403, Type: "security_exception", Reason: u}
		}
	}
	return nil
}

// leastRights takes each permission away in turn: a call must miss it.
func leastRights(w *world) {
	index := w.index("a", IndexOptions{}, 1)
	defer w.mapAgent()
	full := opensearch.AgentPermissions()
	refused := func(without string, r opensearch.Role) {
		w.Helper()
		w.ok(w.Security.PutRole(w.Context(), contract.AgentRole, r))
		for _, call := range w.agentCalls(index) {
			if opensearch.IsForbidden(call(w.Context())) {
				return
			}
		}
		w.Errorf("no call needs %s", without)
	}
	for n, p := range full.ClusterPermissions {
		if strings.Contains(p, "/ism/") {
			continue // a cluster without index state management never asks
		}
		refused(p, opensearch.Role{
			ClusterPermissions: slices.Delete(slices.Clone(full.ClusterPermissions), n, n+1), IndexPermissions: full.IndexPermissions,
		})
	}
	actions := full.IndexPermissions[0].AllowedActions
	for n, p := range actions {
		refused(p, opensearch.Role{ClusterPermissions: full.ClusterPermissions, IndexPermissions: []opensearch.IndexPermission{{
			IndexPatterns: []string{"*"}, AllowedActions: slices.Delete(slices.Clone(actions), n, n+1),
		}}})
	}
}

func unmapped(w *world) {
	w.register()
	_, err := w.Stranger.Snapshots(w.Context(), w.repo)
	w.is(opensearch.IsForbidden(err), "list: %v", err)
	err = w.Stranger.PutRepository(w.Context(), w.repo+"2", w.Repository)
	w.is(opensearch.IsForbidden(err), "register: %v", err)
	w.is(opensearch.Diagnose(err) == opensearch.UnmappedRole, "diagnosis of %v: %q", err, opensearch.Diagnose(err))
}

func mappingTwice(w *world) {
	w.mapAgent()
	w.mapAgent()
	m, err := w.Security.RoleMapping(w.Context(), contract.ManageSnapshots)
	w.ok(err)
	w.is(slices.Equal(m.BackendRoles, []string{w.Agent}), "%+v", m)
	r, err := w.Security.Role(w.Context(), contract.AgentRole)
	w.ok(err)
	want := opensearch.AgentPermissions()
	slices.Sort(want.ClusterPermissions)
	slices.Sort(r.ClusterPermissions)
	w.is(slices.Equal(r.ClusterPermissions, want.ClusterPermissions) && len(r.IndexPermissions) == 1, "%+v", r)
	_, err = w.Security.Role(w.Context(), w.name+"-absent")
	w.is(isNotFound(err), "absent role: %v", err)
	_, err = w.Security.RoleMapping(w.Context(), w.name+"-absent")
	w.is(isNotFound(err), "absent mapping: %v", err)
}

func securityCapsule(w *world) {
	c, err := w.Security.SecurityCapsule(w.Context())
	w.ok(err)
	w.is(c.Roles[contract.AgentRole] != nil && c.RoleMappings[contract.ManageSnapshots] != nil, "%+v", c)
	w.is(c.Roles["all_access"] == nil && c.Roles["manage_snapshots"] == nil, "the engine's own roles are in it")
	for _, mark := range []string{"reserved", "hidden", "static"} {
		_, has := c.Roles[contract.AgentRole][mark]
		w.is(!has, "a PUT refuses %q", mark)
	}
}

func audit(w *world) {
	for range 2 {
		err := w.Security.EnableAudit(w.Context())
		w.is(w.AuditOffered == (err == nil), "%v", err)
	}
}

func settingsKept(w *world) {
	r := w.Repository
	r.BasePath, r.ShardPathType, r.RoleARN, r.MaxSnapshotBytesPerSec = "path-of-"+w.name, "FIXED", "arn:aws:iam::000000000000:role/x", "200mb"
	w.ok(w.Domain.PutRepository(w.Context(), w.repo, r))
	got, err := w.Domain.Repository(w.Context(), w.repo)
	w.ok(err)
	w.is(got == r, "got %+v, want %+v", got, r)
	r.MaxSnapshotBytesPerSec, r.ReadOnly = "", true
	w.ok(w.Domain.PutRepository(w.Context(), w.repo, r))
	got, err = w.Domain.Repository(w.Context(), w.repo)
	w.ok(err)
	w.is(got == r, "a PUT replaces all: got %+v, want %+v", got, r)
}

func repositoriesTellAll(w *world) {
	w.is(len(w.mine()) == 0, "before any is registered: %+v", w.mine())
	a, b := w.register(), w.Repository
	b.BasePath, b.ReadOnly = "other-path-of-"+w.name, true
	w.ok(w.Domain.PutRepository(w.Context(), w.repo+"-by-hand", b))
	want := map[string]opensearch.Repository{w.repo: a, w.repo + "-by-hand": b}
	got := w.mine()
	w.is(maps.Equal(got, want), "got %+v, want %+v", got, want)
}

// mine are the registrations of this case among all.
func (w *world) mine() map[string]opensearch.Repository {
	w.Helper()
	all, err := w.Domain.Repositories(w.Context())
	w.ok(err)
	maps.DeleteFunc(all, func(name string, _ opensearch.Repository) bool { return !strings.HasPrefix(name, w.repo) })
	return all
}

func repositoryAbsent(w *world) {
	_, err := w.Domain.Repository(w.Context(), w.repo)
	w.is(isNotFound(err), "read: %v", err)
	w.is(isNotFound(w.Domain.VerifyRepository(w.Context(), w.repo)), "verify")
	_, err = w.Domain.Snapshots(w.Context(), w.repo)
	w.is(isNotFound(err), "list: %v", err)
	// What is missing is told by the error's type: of an absent registration
	// nobody may conclude that a snapshot is.
	noRepository := func(what string, err error) {
		w.Helper()
		w.is(opensearch.IsRepositoryMissing(err) && !opensearch.IsSnapshotMissing(err) && !opensearch.IsIndexMissing(err), "no registration: %s: %v", what, err)
	}
	_, err = w.Domain.Repository(w.Context(), w.repo)
	noRepository("read", err)
	_, err = w.Domain.Snapshot(w.Context(), w.repo, "absent")
	noRepository("snapshot", err)
	_, err = w.Domain.SnapshotStatus(w.Context(), w.repo, "absent")
	noRepository("status", err)
	noRepository("create", w.Domain.CreateSnapshot(w.Context(), w.repo, "s1", opensearch.SnapshotRequest{}))
	noRepository("delete", w.Domain.DeleteSnapshot(w.Context(), w.repo, "absent"))
	w.register()
	_, err = w.Domain.Snapshot(w.Context(), w.repo, "absent")
	w.is(opensearch.IsSnapshotMissing(err) && !opensearch.IsRepositoryMissing(err), "snapshot: %v", err)
	_, err = w.Domain.SnapshotStatus(w.Context(), w.repo, "absent")
	w.is(isNotFound(err), "status: %v", err)
	err = w.Domain.DeleteSnapshot(w.Context(), w.repo, "absent")
	w.is(opensearch.IsSnapshotMissing(err), "delete: %v", err)
	list, err := w.Domain.Snapshots(w.Context(), w.repo)
	w.ok(err)
	w.is(len(list) == 0, "a new path lists %+v", list)
}

func wrongRegion(w *world) {
	if w.OtherRegion.Bucket == "" {
		return
	}
	r := w.OtherRegion
	r.BasePath = "path-of-" + w.name
	w.ok(w.Domain.PutRepository(w.Context(), w.repo, r))
	err := w.Domain.VerifyRepository(w.Context(), w.repo)
	w.is(opensearch.IsWrongForm(err) && !opensearch.IsIAMPropagation(err), "%v", err)
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*opensearch.Error](err)
	return ok && e.Is(opensearch.ErrNotFound)
}

// within is the time that the engine's clock and ours may differ in a test.
const within = 5 * time.Minute
