package recovery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// The second pass runs with all writes blocked. Its questions grow with the number of
// changed indexes, and not with its square.
func TestH65_ASecondPassListsTheDomainAFewTimes(t *testing.T) {
	w := newWorld(t)
	w.active()
	const many = 200
	for n := range many {
		w.put(east, fmt.Sprintf("tenant-%03d", n), "1")
	}
	w.pointOf(east)
	w.domain(west, 2)
	w.ticks()
	w.clusters[west].RestoresTake(30 * time.Second)
	_ = w.askFor(explicit(west), "one", w.clock()) // the first pass begins
	w.clusters[west].RestoresTake(0)
	for n := range many {
		w.put(east, fmt.Sprintf("tenant-%03d", n), "2")
	}
	calls := map[string]int{}
	w.settings.MaxWritePause = 3600
	w.clusters[west].Intercept(func(call string) opensearchtest.Verdict { calls[call]++; return opensearchtest.Verdict{} })
	w.done(w.until(explicit(west), "one"))
	if calls["RemoveIndex"] != many || calls["Look"] > many+5 || calls["Indices"] > 40 {
		t.Errorf("%d indexes that changed: %d deletions, %d looks, %d listings", many, calls["RemoveIndex"], calls["Look"], calls["Indices"])
	}
	w.holds(west, "tenant-007", "1", "2")
}
