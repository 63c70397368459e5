package opensearch

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound is the engine's 404 for a repository, snapshot, role or index.
var ErrNotFound = errors.New("not found")

// ErrNotOffered says that this engine or service has no such API.
var ErrNotOffered = errors.New("not offered by this domain")

// ErrArchivedSettings says that the engine refuses every change of cluster settings
// while it keeps some that it does not know, of an earlier version. What mends it:
// RemoveArchived.
var ErrArchivedSettings = errors.New("archived settings of an earlier version are in the way")

// RemoveArchived is the one call that takes archived settings away, for people.
const RemoveArchived = `PUT _cluster/settings {"persistent":{"archived.*":null},"transient":{"archived.*":null}}`

// IsSettingRefused reports that a change of cluster settings is refused, and will be the
// next time: who can do without it goes on.
func IsSettingRefused(err error) bool {
	return errors.Is(err, ErrNotOffered) || errors.Is(err, ErrArchivedSettings)
}

// IsArchived reports that archived settings are what refuses it.
func IsArchived(err error) bool { return errors.Is(err, ErrArchivedSettings) }

// ErrNotAcknowledged says that the cluster took a change and not every node has
// applied it within the engine's time for it (30 s): a node that lags goes on
// without it. The caller looks at the state and asks again (H69).
var ErrNotAcknowledged = errors.New("the change is not acknowledged by every node; ask again")

// Error is an answer of the engine that is not a success.
type Error struct {
	Step   string // what was asked, lower case: "register repository os-snapshot-repo"
	Status int    // HTTP
	Type   string // the engine's error type, such as security_exception
	Reason string // with the root causes' reasons
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.Step, e.Status, e.Type, e.Reason)
}

// Is lets errors.Is(err, ErrNotFound) read well.
func (e *Error) Is(target error) bool { return target == ErrNotFound && e.Status == 404 }

func asError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// IsGatewayTimeout tells a 504: the state is unknown and the caller looks again (F34).
func IsGatewayTimeout(err error) bool {
	e, ok := asError(err)
	return ok && e.Status == 504
}

// IsUnanswered reports that it is unknown whether the engine did what it was asked: a
// proxy answered in its place, or nothing came back.
func IsUnanswered(err error) bool {
	if err == nil {
		return false
	}
	e, ok := asError(err)
	return !ok || e.Status == 502 || e.Status == 503 || e.Status == 504
}

// IsForbidden tells a 401 or 403. Which of the four causes of F14 it is, the step says.
func IsForbidden(err error) bool {
	e, ok := asError(err)
	return ok && (e.Status == 403 || e.Status == 401)
}

// IsConcurrentSnapshot tells that another snapshot or deletion is under way (F17).
func IsConcurrentSnapshot(err error) bool {
	e, ok := asError(err)
	return ok && strings.Contains(e.Type+e.Reason, "concurrent_snapshot_execution")
}

// IsSnapshotRunning tells that a snapshot copies the index, so that it can be neither
// closed nor deleted now.
func IsSnapshotRunning(err error) bool {
	e, ok := asError(err)
	return ok && e.Type == "snapshot_in_progress_exception"
}

// IsNameTaken tells that a snapshot of that name exists already or is under way; after a
// lost answer it may be one's own (F17, F34).
func IsNameTaken(err error) bool {
	e, ok := asError(err)
	return ok && e.Type == "invalid_snapshot_name_exception" && strings.Contains(e.Reason, "with the same name")
}
