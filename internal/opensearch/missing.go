package opensearch

import "errors"

// A 404 says that something is not there, and its type says what. Who takes one
// for the other drops what is still good: a snapshot behind a registration that
// is gone is as whole as before. A 404 of a proxy has none of these types.
const (
	snapshotMissing   = "snapshot_missing_exception"
	repositoryMissing = "repository_missing_exception"
	indexMissing      = "index_not_found_exception"
)

// IsSnapshotMissing tells that the repository was read and holds no snapshot of
// that name.
func IsSnapshotMissing(err error) bool { return isMissing(err, snapshotMissing) }

// IsRepositoryMissing tells that the domain has no registration of that name,
// which says nothing about any snapshot.
func IsRepositoryMissing(err error) bool { return isMissing(err, repositoryMissing) }

// IsIndexMissing tells that an index or data stream that was named is not there
// (H43).
func IsIndexMissing(err error) bool { return isMissing(err, indexMissing) }

func isMissing(err error, kind string) bool {
	e, ok := asError(err)
	return ok && errors.Is(e, ErrNotFound) && e.Type == kind
}
