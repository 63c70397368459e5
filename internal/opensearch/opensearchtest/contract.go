package opensearchtest

import (
	"context"
	"errors"
	"fmt"
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
	OpenIndex(ctx context.Context, name string) error
	SetBlock(ctx context.Context, name, block string, on bool) error
	PutAlias(ctx context.Context, name, alias string) error
	// SetPipeline sets a setting of an index that names a pipeline.
	SetPipeline(ctx context.Context, name, setting, pipeline string) error
	PutScript(ctx context.Context, id, lang, source string) error
	// PutSetting of an index, such as an allocation filter.
	PutSetting(ctx context.Context, name, setting, value string) error
	// SetShardLimit is cluster.max_shards_per_node; 0: the engine's default.
	SetShardLimit(ctx context.Context, n int) error
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
		{"H77_AStreamThatRollsOverMeanwhile", rolledOver},
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

func isNotFound(err error) bool {
	e, ok := errors.AsType[*opensearch.Error](err)
	return ok && e.Is(opensearch.ErrNotFound)
}

// within is the time that the engine's clock and ours may differ in a test.
const within = 5 * time.Minute
