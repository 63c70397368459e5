package recovery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// unbound is an index whose own settings this domain does not take.
type unbound struct {
	Index    string            `json:"index"`
	Settings map[string]string `json:"settings"`
	Why      string            `json:"why"`
}

// rebind gives the copies the settings that the restore left out: what ties an index
// to nodes, and its own number of replicas. Those that this domain cannot meet are
// told, and stay out: an index is served without them, and would not be with them.
// Nothing here holds the hand-over up.
func (r *run) rebind(ctx context.Context, dom domain.Recovery, j restore.Journal, all []opensearch.Index) error {
	if r.state == nil || r.state.Token != r.led.Token || r.state.Rebound {
		return nil
	}
	there := map[string]opensearch.Index{}
	for _, i := range all {
		there[i.Name] = i
	}
	var nodes []opensearch.Node
	for _, name := range slices.Sorted(maps.Keys(j.Items)) {
		item, i := j.Items[name], there[name]
		if len(item.Bound) == 0 && item.Reduced == nil || item.UUID == "" || item.UUID != i.UUID {
			continue
		}
		if nodes == nil {
			var err error
			if nodes, err = dom.Nodes(ctx); err != nil {
				r.notice("the nodes of this domain are not told, so that no allocation filter is given back: %v", err)
				nodes = []opensearch.Node{}
			}
		}
		if err := r.named(ctx); err != nil {
			return err
		}
		r.rebindOne(ctx, dom, item, i, nodes)
	}
	r.state.Rebound = true
	return r.saveState(ctx)
}

func (r *run) rebindOne(ctx context.Context, dom domain.Recovery, item restore.Item, i opensearch.Index, nodes []opensearch.Node) {
	refused := func(settings map[string]string, format string, a ...any) {
		r.state.Unbound = append(r.state.Unbound, unbound{i.Name, settings, fmt.Sprintf(format, a...)})
	}
	// A smaller number than the source's is given back; the copy has one that this
	// domain takes, and a larger one than the source's is none of its user's.
	if item.Reduced != nil && *item.Reduced != i.Replicas {
		settings := map[string]string{"index.number_of_replicas": fmt.Sprint(*item.Reduced)}
		if err := dom.SetSettings(ctx, i.Name, settings); err != nil {
			refused(settings, "it has %d replicas here: %v", i.Replicas, err)
		} else {
			i.Replicas = *item.Reduced
		}
	}
	if len(item.Bound) == 0 {
		return
	}
	if i.Bound = item.Bound; !i.Fits(nodes) {
		refused(item.Bound, "no node of this domain meets them, or too few do")
	} else if err := dom.SetSettings(ctx, i.Name, item.Bound); err != nil {
		refused(item.Bound, "%v", err)
	}
}

// tellUnbound says which settings are not here, to who hands the domain over and to
// who only looks.
func (r *run) tellUnbound() {
	for _, u := range r.state.Unbound {
		var list []string
		for _, k := range slices.Sorted(maps.Keys(u.Settings)) {
			list = append(list, k+"="+u.Settings[k])
		}
		r.attend(contract.AttentionSetting, u.Index, "Set what you need of it by PUT "+u.Index+"/_settings", "its own %s is left out here: %s", strings.Join(list, ", "), u.Why)
	}
}
