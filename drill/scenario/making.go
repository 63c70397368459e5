package scenario

import (
	"context"

	"github.com/opensearch-dr/osdr/drill/report"
)

// makes a Region the active one by `make failover` or `make failback`, with more words
// for the plan. text is all that was printed, also where it failed.
func (w *World) makes(ctx context.Context, target, to string, more ...string) (text string, err error) {
	end := w.watch.event(map[string]string{makeFailover: makeFailover, makeFailback: "switch"}[target], "make "+target+" TO="+to, report.Quiet)
	defer end()
	out, err := w.maker(more...).Run(ctx, target, "TO="+to)
	return out.Text, err
}
