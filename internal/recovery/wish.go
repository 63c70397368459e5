package recovery

import (
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
)

// notMeant is H2's question: the flag differs from the ledger, and somebody must
// have meant it. It answers the sentence of a refusal, empty when the wish and
// the ledger agree. A pipeline with yesterday's default must never move anything.
func notMeant(w contract.WishProperties, l ledger.Ledger) string {
	if w.ActiveRegion == l.ActiveRegion {
		return ""
	}
	generation := fmt.Sprint(l.Generation)
	switch {
	case w.SwitchFrom != "" && w.SwitchFrom != generation:
		return fmt.Sprintf("switchFrom=%s is not the generation in force: the ledger says %s since %s (gen %s). To switch to %s now add -c switchFrom=%s",
			w.SwitchFrom, l.ActiveRegion, since(l), generation, w.ActiveRegion, generation)
	case w.SwitchFrom == "" && w.Explicit != "true":
		return fmt.Sprintf("cdk.json says %s, the ledger says %s since %s (gen %s). Set cdk.json to %s, or to switch now add -c switchFrom=%s",
			w.ActiveRegion, l.ActiveRegion, since(l), generation, l.ActiveRegion, generation)
	}
	return ""
}

func since(l ledger.Ledger) string { return l.Since.UTC().Format(time.RFC3339) }
