package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
)

// release answers whether this Region's domain may be removed. In this release
// there is no salvage, so only a domain that nobody can miss may go: one that
// does not exist, or that was never active and holds no document (G3).
var release = []step{
	{"looking at the domain", (*run).standing},
	{"reading both ledgers", (*run).notNamed},
	{"looking for documents", (*run).empty},
}

func (r *run) standing(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	return r.describe(ctx)
}

// gone: nothing stands here that could be lost.
func (r *run) gone() bool { return !r.desc.Exists || r.desc.Deleted }

func (r *run) notNamed(context.Context) error {
	switch {
	case r.gone():
		return nil
	case r.ledErr != nil:
		return refuse("the domain in %s is kept: %v", r.Region, r.ledErr)
	case !r.view.Complete():
		return refuse("the domain in %s is kept: the ledger of %s cannot be read and may name it: %v; deploy again when that Region answers", r.Region, r.other(), r.view.Other.Err)
	case r.claimed && r.led.Intent != nil && r.led.Intent.Live(r.now):
		return refuse("the domain in %s is kept: a switch to %s is under way until %s (H21); wait for its end", r.Region, r.led.Intent.To, r.led.Intent.Expires.UTC().Format(time.RFC3339))
	case r.active():
		return refuse("the domain in %s is the active one (gen %d since %s): every document since its last recovery point would be lost. Set activeRegion to %s again, or make %s the active Region first",
			r.Region, r.led.Generation, since(r.led), r.Region, r.other())
	}
	return nil
}

func (r *run) empty(ctx context.Context) error {
	if r.gone() {
		return nil
	}
	kept := func(why string) error {
		return refuse("the domain in %s is kept: %s. This release cannot save a domain before it removes it; standby: warm in cdk.json keeps it, or delete what is in it that nobody needs and deploy again", r.Region, why)
	}
	if r.desc.Endpoint == "" {
		return kept("it does not answer yet, so nobody knows what it holds")
	}
	dom, err := r.Plane.Open(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	if err != nil || uuid == "" {
		return kept(fmt.Sprintf("it does not answer, so nobody knows what it holds (%v)", err))
	}
	if r.tenured(uuid) {
		return kept(fmt.Sprintf("cluster %s was active once and may hold documents that no recovery point has", uuid))
	}
	n, names, err := r.holdings(ctx, dom)
	if err != nil {
		return kept(fmt.Sprintf("its indexes cannot be listed (%v)", err))
	}
	if n > 0 {
		return kept(fmt.Sprintf("cluster %s holds %d documents that would be lost, in %s", uuid, n, strings.Join(first(names, 10), ", ")))
	}
	return nil
}

// tenured: this cluster is or was the active one, as far as ledgers and points
// tell.
func (r *run) tenured(uuid string) bool {
	for _, l := range []ledger.Ledger{r.led, r.view.Own.Ledger, r.view.Other.Ledger} {
		if l.ClusterUUID == uuid || l.PromotedFrom == uuid {
			return true
		}
	}
	for _, p := range r.newest {
		if p.ClusterUUID == uuid {
			return true
		}
	}
	return false
}

func first(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(names[:n:n], fmt.Sprintf("and %d more", len(names)-n))
}
