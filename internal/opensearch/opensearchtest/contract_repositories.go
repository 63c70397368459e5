package opensearchtest

import (
	"maps"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

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
