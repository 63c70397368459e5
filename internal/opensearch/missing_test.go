package opensearch

import "testing"

// The bodies are a real 3.4.0 node's; the contract suite asks a node for the same.
func TestF17_A404SaysWhatIsMissing(t *testing.T) {
	body := func(kind, reason string) string {
		return `{"error":{"root_cause":[{"type":"` + kind + `","reason":"` + reason + `"}],"type":"` + kind + `","reason":"` + reason + `"},"status":404}`
	}
	for _, c := range []struct {
		name                        string
		status                      int
		body                        string
		snapshot, repository, index bool
	}{
		{name: "snapshot", status: 404, body: body("snapshot_missing_exception", "[r:s] is missing"), snapshot: true},
		{name: "registration", status: 404, body: body("repository_missing_exception", "[r] missing"), repository: true},
		{name: "index", status: 404, body: body("index_not_found_exception", "no such index [x]"), index: true},
		{name: "role", status: 404, body: `{"status":"NOT_FOUND","message":"role 'x' not found."}`},
		{name: "a proxy's page", status: 404, body: `<html>not found</html>`},
		{name: "the type with another status", status: 500, body: body("snapshot_missing_exception", "[r:s] is missing")},
	} {
		err := decodeError("look", c.status, []byte(c.body))
		if IsSnapshotMissing(err) != c.snapshot || IsRepositoryMissing(err) != c.repository || IsIndexMissing(err) != c.index {
			t.Errorf("%s: snapshot %v, repository %v, index %v", c.name, IsSnapshotMissing(err), IsRepositoryMissing(err), IsIndexMissing(err))
		}
	}
	if IsSnapshotMissing(nil) || IsRepositoryMissing(nil) || IsIndexMissing(nil) {
		t.Error("no error is something missing")
	}
}
