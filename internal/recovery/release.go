package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// release answers whether this Region's domain may be removed: one that does not
// exist, that nobody can miss, or that is saved, while the active one has a
// verified recovery point here (G3).
var release = []step{
	{"looking at the domain", (*run).standing},
	{"reading both ledgers", (*run).notNamed},
	{"looking for documents", (*run).missable},
	{"saving what the domain holds", (*run).salvaged},
	{"looking for a recovery point of the active domain", (*run).backedUp},
	{"looking at the domain once more", (*run).stillSaved},
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
	case r.claimed && r.live() != nil:
		return refuse("the domain in %s is kept: a switch to %s is under way by request %s until %s (H21); wait for its end, or run `osdr abort`", r.Region, r.live().To, r.live().RequestID, r.live().Expires.UTC().Format(time.RFC3339))
	case r.active():
		// A pipeline's old flag may meet this gate first, when the other Region's stacks
		// are still as they were before the failover (H2).
		how := notMeant(r.req.Wish, r.led)
		if how == "" {
			how = fmt.Sprintf("Set activeRegion to %s again, or make %s the active Region first", r.Region, r.other())
		}
		return refuse("the domain in %s is the active one (gen %d since %s): every document since its last recovery point would be lost. %s",
			r.Region, r.led.Generation, since(r.led), how)
	}
	return nil
}

// abandoned: the operator named this cluster; what dies is listed.
func (r *run) abandoned() bool {
	return r.req.Wish.AbandonDomain != "" && r.req.Wish.AbandonDomain == r.uuidIs
}

// kept says why, and what would die by the flag that gives it up.
func (r *run) kept(why string) error {
	uuid := r.uuidIs
	if uuid == "" {
		uuid = "<cluster UUID>"
	}
	return refuse("the domain in %s is kept: %s. Put that right and deploy again, or give up everything in it%s by -c abandonDomain=%s", r.Region, why, r.holds, uuid)
}

// missable: nothing in the domain is only there.
func (r *run) missable(ctx context.Context) error {
	if r.gone() {
		return nil
	}
	if r.desc.Endpoint == "" {
		return r.kept("it does not answer yet, so nobody knows what it holds")
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	if err != nil || uuid == "" {
		return r.silent(ctx, err)
	}
	r.uuidIs = uuid
	r.status.ClusterUUID = uuid
	if err := r.nowhere(ctx, dom); err != nil {
		r.notice("what no recovery point carries of this domain is not known: %v", err)
	}
	n, names, err := r.holdings(ctx, dom)
	if err == nil {
		r.holds = fmt.Sprintf(": %d documents%s,", n, list(", ", first(names, 20)))
	}
	switch {
	case err != nil && r.abandoned():
		r.nothing = true
		r.notice("cluster %s is abandoned; its indexes cannot be listed: %v", uuid, err)
		return nil
	case err != nil:
		return r.kept(fmt.Sprintf("its indexes cannot be listed (%v)", err))
	case r.abandoned():
		r.nothing = true
		r.notice("cluster %s is abandoned with %d documents, in %s", uuid, n, strings.Join(first(names, 50), ", "))
		return nil
	}
	rec, err := fence.Load(ctx, r.Own, uuid)
	if err != nil {
		return err
	}
	if r.tenured(uuid) || was(rec) {
		return nil
	}
	// Never active: what is ours by the journal, or empty, nobody can miss.
	only, err := r.onlyHere(ctx, dom, rec, nil, r.untenured(rec))
	if err != nil {
		return err
	}
	r.nothing = len(only) == 0
	return nil
}

// silent: the domain does not answer. Only its name gives it up.
func (r *run) silent(ctx context.Context, cause error) error {
	want := r.req.Wish.AbandonDomain
	if want != "" {
		rec, err := fence.Load(ctx, r.Own, want)
		if err != nil {
			return err
		}
		if rec != nil || r.tenured(want) && want != r.led.ClusterUUID {
			r.nothing = true
			r.notice("cluster %s does not answer and is abandoned: what it took after its last recovery point is lost (%v)", want, cause)
			return nil
		}
	}
	r.uuidIs = r.led.PromotedFrom
	return r.kept(fmt.Sprintf("it does not answer, so nobody knows what it holds (%v)", cause))
}

// salvaged: a point in the active Region's bucket holds the domain exactly, always
// taken, never "if newer" (C7); PARTIAL is none.
func (r *run) salvaged(ctx context.Context) error {
	if r.gone() || r.nothing {
		return nil
	}
	if !r.claimed || r.led.ActiveRegion == r.Region {
		return r.kept("it holds documents and no other Region is active, so nobody has them")
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return r.kept(fmt.Sprintf("its indexes cannot be listed (%v)", err))
	}
	streams, err := dom.DataStreams(ctx)
	if err != nil {
		return err
	}
	if names := unsaveable(all, streams); len(names) > 0 {
		return r.kept("no snapshot takes " + strings.Join(first(names, 10), ", "))
	}
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	f := r.fenceHere(dom, r.stillStandby)
	p, waiting, err := r.save(ctx, f, dom, rec)
	if err != nil {
		return err
	}
	if waiting != "" {
		return wait("the salvage of cluster %s: %s", r.uuidIs, waiting)
	}
	r.notice("salvage of cluster %s: recovery point %s, %d documents, in %s", r.uuidIs, p.ID, p.Documents, r.Other.Name())
	return nil
}

// unsaveable is what no snapshot takes, and somebody may miss.
func unsaveable(all []opensearch.Index, streams []opensearch.DataStream) []string {
	var names []string
	for _, l := range snapshot.Select(all, streams).Worrying() {
		names = append(names, l.Name+" ("+l.Reason+")")
	}
	return names
}

// stillStandby before each change: the ledger has not named this domain meanwhile.
func (r *run) stillStandby(ctx context.Context) error {
	v := ledger.ReadOne(ctx, r.Own)
	if v.Answer == ledger.Present && (v.Ledger.Generation > r.led.Generation || v.Ledger.Intent != nil && v.Ledger.Intent.Live(v.Date)) {
		return wait("the ledger, which has moved on meanwhile")
	}
	return nil
}

// backedUp: before a domain goes, the active one has a whole recovery point of its
// own in this Region's bucket, which this domain itself reads and lists (H26).
func (r *run) backedUp(ctx context.Context) error {
	if r.gone() || r.nothing && !r.tenured(r.uuidIs) || !r.claimed {
		return nil
	}
	p, ok, skipped, err := point.NewestWhole(ctx, r.Own, func(p point.Point) bool {
		return p.ClusterUUID == r.led.ClusterUUID && p.ID.Generation >= r.led.Generation
	})
	for _, s := range skipped {
		r.notice("%s", s)
	}
	if err != nil {
		return err
	}
	if !ok {
		if err := r.Peer.Snapshot(ctx, r.led.ActiveRegion, contract.SnapshotRequest{Reason: snapshot.ReasonGate}); err != nil {
			r.notice("%s could not be asked for a snapshot: %v", r.led.ActiveRegion, err)
		}
		return wait("a whole recovery point of the active domain %s in %s", r.led.ClusterUUID, r.Own.Name())
	}
	if r.nothing {
		return nil // given up; it may not answer
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	if _, err := repository.Ensure(ctx, dom, repository.Wish{
		Name: contract.InboundRepository, Bucket: p.Bucket, BucketRegion: r.Region, DomainRegion: r.Region,
		BasePath: p.BasePath, RoleARN: r.Settings.Names().SnapshotRoleARN(r.Region), ReadOnly: true,
	}, r.Snapshot.Budget); err != nil {
		return err
	}
	s, err := dom.Snapshot(ctx, contract.InboundRepository, p.Snapshot)
	if err != nil {
		return err
	}
	if s.UUID != p.SnapshotUUID || s.State != opensearch.Success {
		return wait("recovery point %s to be readable in the repository: snapshot %s is %s", p.ID, p.Snapshot, s.State)
	}
	r.notice("recovery point %s of the active domain is whole and can be read here", p.ID)
	return nil
}

// stillSaved is the last look before the answer. Nothing forbids an index to be
// made on a fenced domain (H9), and the steps before may have taken minutes.
func (r *run) stillSaved(ctx context.Context) error {
	if r.gone() || r.abandoned() || r.uuidIs == "" {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	only, err := r.onlyHere(ctx, dom, rec, nil, r.untenured(rec))
	if err != nil {
		return err
	}
	if len(only) > 0 {
		return wait("another salvage of cluster %s, in which something came meanwhile: %s", r.uuidIs, strings.Join(first(only, 3), "; "))
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
		// A standby that never was active has salvage points, too.
		if p.ClusterUUID == uuid && (p.Kind != point.KindSalvage || p.Ledger.ClusterUUID == uuid || p.Ledger.PromotedFrom == uuid) {
			return true
		}
	}
	return false
}

// list after a sentence, in brackets; empty for none.
func list(between string, items []string) string {
	if len(items) == 0 {
		return ""
	}
	return " (" + strings.Join(items, between) + ")"
}

func first(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(names[:n:n], fmt.Sprintf("and %d more", len(names)-n))
}
