package opensearch

import (
	"context"
	"errors"
	"strings"
)

// RestoreRequest names what comes back (H12). Both lists empty restores nothing,
// never everything.
type RestoreRequest struct {
	Indices     []string // by name; backing indexes of a stream come with it
	DataStreams []string // come whole
	// All is the snapshot as Domain.Snapshot answered it; its Indices and
	// DataStreams decide which form of the request means exactly those above.
	All Snapshot
	// WriteBlock makes every copy refuse writes from its first moment.
	WriteBlock bool
	// Unbind leaves out the settings that Index.Bound lists: the nodes here are
	// others.
	Unbind bool
	// Replicas of every copy; nil keeps the snapshot's own number, and what expands it.
	Replicas *int
}

// IndexProgress of one restored index, primaries only.
type IndexProgress struct {
	Index                   string
	ShardsTotal, ShardsDone int
	// Bytes of the index, of those the ones that came from the repository, and the
	// ones that were there already.
	BytesTotal, BytesRecovered, BytesReused int64
	Done                                    bool   // every primary has started
	Failed                                  string // the engine gave up on a primary, and why; only a new restore helps (H84)
	// Damaged: it gave up since it could not read the index's files in the
	// repository, so that another snapshot may help. Else another one of the same
	// index fails alike.
	Damaged bool
}

// Node that can hold shards, as allocation filters see it: _name, _ip and _host are
// among the attributes.
type Node struct {
	Attributes map[string]string
}

// AliasAction of one PutAliases call. Properties as the Capsule's Aliases have
// them: filter, index_routing, search_routing, is_write_index, is_hidden.
type AliasAction struct {
	Index, Alias string
	Remove       bool // absent is fine
	Properties   map[string]any
}

// MissingPipeline that an index names.
type MissingPipeline struct {
	Index, Setting, Pipeline string
}

// Recovery is what the controller changes in its domain for a switch. Domain
// reads; nothing outside of the recovery function has these rights
// (RecoveryPermissions). Nothing here reads or writes a document.
type Recovery interface {
	// Restore starts one and never waits for it. Global state and aliases never
	// come with it (F9, F11), and neither do the user's blocks, which SetBlocks puts
	// back (H24). IsIndexInTheWay (F12), IsTooNew (F6) and IsForbidden tell
	// refusals apart; an answer that was lost is asked for by Progress, not by a
	// second Restore.
	Restore(ctx context.Context, repository, snapshot string, r RestoreRequest) error
	// Restoring lists the calls of Restore that the engine has taken and not yet
	// carried out, named as in Writing: it reads the metadata of each index in turn
	// before the first one exists, for longer than a proxy waits (H66).
	Restoring(ctx context.Context) ([]string, error)
	// Progress of restored indexes, by name, in the order asked for. One that is
	// not there is ErrNotFound.
	Progress(ctx context.Context, indices []string) ([]IndexProgress, error)
	// Look at one index as Indices lists it, without its health and its data stream,
	// which the engine does not tell with one index. ErrNotFound.
	Look(ctx context.Context, index string) (Index, error)
	// RemoveIndex and RemoveDataStream delete with all documents: only after
	// destruction.Allowed (C2). Absent is a success. A stream's write index goes
	// only with its stream.
	RemoveIndex(ctx context.Context, index string) error
	RemoveDataStream(ctx context.Context, stream string) error

	// Block adds the write block to one index and answers when the writes that had
	// passed it before are through (H8): sequence numbers stand still from then
	// on. ErrWriteIndex for a stream's write index, ErrAlreadyBlocked for one that
	// has the block, where nothing was waited for; ErrNotOffered where the service
	// has no such call: SetWriteBlock and Writing are the way then. IsBlocked: the
	// user's own read_only or metadata block forbids it, and all writes; so does the
	// disk's read_only_allow_delete (IsDiskBlocked too).
	Block(ctx context.Context, index string) error
	// SetWriteBlock sets or lifts index.blocks.write. It waits for nothing: writes
	// that had passed the block are acknowledged later (H8).
	SetWriteBlock(ctx context.Context, indices []string, on bool) error
	// SetBlocks gives an index exactly these of write, read, metadata and
	// read_only. read_only_allow_delete is the disk watermark's and stays (H24).
	SetBlocks(ctx context.Context, index string, blocks []string) error
	// GiveBlocks is SetBlocks of one lot of Lots, in one change of the cluster's
	// state. It is all or nothing: one index that is gone, or whose metadata must not
	// change now, refuses it for the others, too.
	GiveBlocks(ctx context.Context, lot, blocks []string) error
	// SetSettings of an index, such as those of Index.Bound: IsRefused where the engine
	// does not take one of them, and none is changed then.
	SetSettings(ctx context.Context, index string, settings map[string]string) error
	// Nodes that can hold shards.
	Nodes(ctx context.Context) ([]Node, error)
	// LiftDiskBlock takes read_only_allow_delete away from indexes. While the disk
	// is above its flood stage the engine sets it again, within 30 s. Beside it no
	// other block can be set or lifted (429, IsDiskBlocked).
	LiftDiskBlock(ctx context.Context, indices []string) error
	// HalfBlocked lists the indexes on which a Block has begun and was not completed,
	// by name: they refuse writes, whatever their settings say. With the setting
	// lifted a complete Block ends it, and then the setting is lifted again (H78).
	HalfBlocked(ctx context.Context) ([]string, error)
	// Disks are the file systems of the nodes that hold shards together, in bytes, full or not.
	Disks(ctx context.Context) (int64, error)
	// Close an index, as its user had it: a restore opens what was closed. A closed
	// one stays closed. ErrWriteIndex for a stream's write index, which cannot be;
	// ErrNotOffered where the service has no such call.
	Close(ctx context.Context, index string) error
	// Writing lists the write tasks that run now, "node:number action", ordered.
	// Names are stable: the ones that were there at a block are through when none
	// of them is left (H8).
	Writing(ctx context.Context) ([]string, error)

	// MissingPipelines are ingest and search pipelines that an index's settings name
	// and that do not exist: the engine refuses each write, or each search, of it.
	MissingPipelines(ctx context.Context) ([]MissingPipeline, error)

	// AutoCreate reads action.auto_create_index; set is false where it is the
	// engine's default. A transient value is told as the value, as it is in force.
	AutoCreate(ctx context.Context) (value string, set bool, err error)
	// SetAutoCreate writes it persistently, or removes it; a transient one goes,
	// since it would override. It stops neither explicit creation nor rollovers (H9).
	// A refusal that is the same the next time is IsSettingRefused, of SetISM too.
	SetAutoCreate(ctx context.Context, value string, set bool) error
	// ArchivedSettings are those of an earlier version, while which the engine refuses
	// every change of cluster settings.
	ArchivedSettings(ctx context.Context) ([]string, error)
	// ISM says whether index state management runs; ErrNotOffered without it.
	ISM(ctx context.Context) (on bool, err error)
	SetISM(ctx context.Context, on bool) error

	// PutAliases does all or nothing, in one change of the cluster's state (F11).
	PutAliases(ctx context.Context, actions []AliasAction) error
	// PutCapsule puts scripts, templates, pipelines and ISM policies, again if need
	// be. What the engine does not take is reported and the others go on; an error is a
	// domain that does not answer, and then nothing is known of what follows.
	// Aliases, the two settings and security parts are not in it.
	PutCapsule(ctx context.Context, c Capsule) ([]Refused, error)
}

// SecurityRecovery is the part of a recovery that the master role signs.
type SecurityRecovery interface {
	// PutSecurityCapsule puts roles and mappings. Reserved ones and the product's
	// own are left alone; the mappings that let the product in (manage_snapshots,
	// all_access, security_manager) gain members and lose none. Refusals as in
	// PutCapsule.
	PutSecurityCapsule(ctx context.Context, c Capsule) ([]Refused, error)
}

// Answers of Block and Close beside *Error.
var (
	// ErrWriteIndex: the engine has no draining block for a data stream's write
	// index (H8): set the block by SetWriteBlock and wait for Writing. It does not
	// close one either.
	ErrWriteIndex = errors.New("a data stream's write index takes a block by setting only, and is never closed")
	// ErrAlreadyBlocked: the engine skips such an index and drains nothing (H8).
	ErrAlreadyBlocked = errors.New("the index has the block already and nothing was waited for")
	// ErrNotDrained: the block stands, but not every shard said that it is idle.
	ErrNotDrained = errors.New("the write block is not confirmed by every shard")
)

// IsIndexInTheWay tells that an open index has the name of one to restore (F12).
func IsIndexInTheWay(err error) bool {
	e, ok := asError(err)
	return ok && e.Type == "snapshot_restore_exception" && strings.Contains(e.Reason, "an open index with same name already exists")
}

// IsTooNew tells that the snapshot is of a newer engine than this one (F6). Texts: the
// engine's RestoreService.validateSnapshotRestorable.
func IsTooNew(err error) bool {
	e, ok := asError(err)
	return ok && contains(e, "which is higher than the version of this node", "cannot restore index from a newer version")
}

// IsDamage reports that the engine refuses a restore since it cannot read an object
// of the repository. One that lacks the metadata of a single index says that the
// snapshot is missing, and only the cause says what is.
func IsDamage(err error) bool {
	e, ok := asError(err)
	return ok && damaged(e.Reason)
}

// IsRefused reports that the engine refuses a call for what is in it: asked again it
// refuses again. Not one of them is a refusal for want of rights, for the state of
// the cluster as a whole, or an answer of a proxy (H79).
func IsRefused(err error) bool {
	e, ok := asError(err)
	if !ok || IsForbidden(err) || IsConcurrentSnapshot(err) || IsRepositoryMissing(err) || IsSnapshotMissing(err) && !IsDamage(err) || IsIndexInTheWay(err) || IsTooNew(err) {
		return false
	}
	switch e.Status {
	case 400, 404:
		return e.Type != "bad_request" && e.Type != "not_found" // a proxy's
	case 500:
		return e.Type != "internal_server_error"
	}
	return false
}

// IsBlocked tells that a block of the index or the cluster refuses the call.
func IsBlocked(err error) bool {
	e, ok := asError(err)
	return ok && e.Type == "cluster_block_exception"
}

// IsDiskBlocked reports that read_only_allow_delete refuses the call: the disk's
// flood stage set that block, or a user. Only its own lift, or a deletion of the
// whole index, passes.
func IsDiskBlocked(err error) bool {
	e, ok := asError(err)
	return ok && e.Status == 429 && e.Type == "cluster_block_exception"
}
