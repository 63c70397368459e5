package recovery

import (
	"context"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// notCarried is the advice for what people configured through a plugin.
const notCarried = "Export it by the plugin's API, and put it into the other domain after a switch"

// unprotected names what the newest recovery point of the domain in force does not
// hold: the documents of users, each, and what they configured through plugins (H51).
// It asks no domain.
func (r *run) unprotected() {
	if !r.active() {
		return
	}
	var newest *point.Point
	for _, p := range r.newest {
		if p.Kind != point.KindSalvage && p.Serves(r.led) && (newest == nil || newest.ID.Less(p.ID)) {
			newest = &p
		}
	}
	if newest == nil {
		return
	}
	for _, l := range newest.LeftOut {
		if r.misses(l) {
			if l.Code == point.CodeRed || l.Code == point.CodeFailing {
				r.attend(contract.AttentionNoPoint, l.Name, "Bring its primary shard back, or delete it; see docs/runbooks/domain-red.md", "it is not in recovery point %s; older ones may hold it: %s", newest.ID, l.Reason)
				continue
			}
			r.attend(contract.AttentionNoPoint, l.Name, "Settle the reason, or accept it by dr.restore.exclude", "it is in no recovery point: %s", l.Reason)
		}
	}
	r.configured(newest.LeftOut)
}

// misses: users' documents, wanted by dr.restore, that were there until the end of
// the snapshot and are not in it.
func (r *run) misses(l point.LeftOut) bool {
	w := restore.Choose(point.Point{Indices: []point.Index{{Name: l.Name}}}, r.Settings.Restore)
	return !sysindex.Is(l.Name) && len(w.Indices) > 0 && !l.Gone() && l.Code != point.CodeApart
}

// configured through plugins: nothing carries it, nothing refuses for it, and people
// see its names.
func (r *run) configured(left []point.LeftOut) {
	if names := configured(left); len(names) > 0 {
		r.attend(contract.AttentionNotCarried, "", notCarried, "no recovery point carries what is configured in %s", strings.Join(first(names, 20), ", "))
	}
}

// configured holds documents and what they are, by name.
func configured(left []point.LeftOut) []string {
	var names []string
	for _, l := range left {
		if what, is := sysindex.Configured(l.Name); is && l.Documents > 0 {
			names = append(names, l.Name+" ("+what+")")
		}
	}
	return names
}

// nowhere names what dies with this domain although it may be let go.
func (r *run) nowhere(ctx context.Context, dom opensearch.Domain) error {
	indices, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	streams, err := dom.DataStreams(ctx)
	if err != nil {
		return err
	}
	r.configured(snapshot.Select(indices, streams).LeftOut)
	return nil
}
