package opensearchtest

import (
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// dotNames of plain users: the engine takes a name for its own by what is registered,
// never by a prefix, and a snapshot carries them as any other index.
func dotNames(w *world) {
	w.mapRecovery()
	w.register()
	names := []string{".opensearch-" + w.name, ".plugins-" + w.name, ".opendistro-" + w.name, ".ql-" + w.name, ".kibana_1", "top_queries-2025.09.15-00412"}
	remove := func() {
		for _, name := range names {
			w.ok(w.Recovery.RemoveIndex(w.Context(), name))
		}
	}
	remove()
	for _, name := range names {
		w.ok(w.Application.CreateIndex(w.Context(), name, IndexOptions{}))
		w.ok(w.Application.Index(w.Context(), name, "1", document(1)))
	}
	w.refresh(names...)
	s := w.snapshot("s1", names...)
	w.is(s.State == opensearch.Success && len(s.Indices) == len(names), "%+v", s)
	remove()
	w.ok(w.Recovery.Restore(w.Context(), w.repo, "s1", opensearch.RestoreRequest{Indices: names, All: s, WriteBlock: true}))
	w.restored(names...)
	w.refresh(names...)
	for _, name := range names {
		i, ok := w.find(name)
		w.is(ok && i.Documents == 1, "%s: %+v", name, i)
	}
	remove()
}
