package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// open this Region's domain as the one who may change it.
func (r *run) open(ctx context.Context) (domain.Recovery, error) {
	return r.Plane.OpenRecovery(ctx, r.Region, r.desc.Endpoint)
}

// guarded indexes: somebody's documents, each as its user sees it (H24).
func guarded(rec *fence.Record) func([]opensearch.Index) []opensearch.Index {
	return func(all []opensearch.Index) []opensearch.Index {
		var out []opensearch.Index
		for _, i := range all {
			if !sysindex.Is(i.Name) && !sysindex.Is(i.DataStream) {
				out = append(out, rec.Before(i))
			}
		}
		return out
	}
}

func (r *run) fence(dom domain.Recovery) fence.Fence {
	return r.fenceHere(dom, r.may)
}

// hot indexes are those that a fence blocks. A recovery point may hold fewer: see
// snapshot.Caught.
func hot(all []opensearch.Index) []opensearch.Index {
	var out []opensearch.Index
	for _, i := range all {
		if !sysindex.Is(i.Name) && !sysindex.Is(i.DataStream) && i.Tier == "" {
			out = append(out, i)
		}
	}
	return out
}

// firstPass restores the newest point while the other side still serves.
func (r *run) firstPass(ctx context.Context) error {
	if !r.switching() || r.state.Own || r.state.Final {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	if r.state.Target == nil {
		p, ok, err := r.choose(ctx, dom, anyPoint)
		if err != nil {
			return err
		}
		if !ok {
			return r.decide(ctx) // nothing to begin with; a fenced source makes its final point
		}
		if err := r.roomFor(ctx, dom, p); err != nil {
			return err
		}
		if err := r.aim(ctx, p, false); err != nil {
			return err
		}
	}
	err = r.bring(ctx, dom)
	var w waiting
	if errors.As(err, &w) { // probes go on while it restores
		if derr := r.decide(ctx); derr != nil && !errors.As(derr, new(waiting)) {
			return derr
		}
	}
	return err
}

// aim at a point. It is noted before it is pinned, so that no crash leaves a pin
// that nobody knows of.
func (r *run) aim(ctx context.Context, p point.Point, final bool) error {
	if !slices.Contains(r.state.Pinned, p.ID) {
		r.state.Pinned = append(r.state.Pinned, p.ID)
	}
	if t := r.state.Target; t == nil || *t != p.ID {
		r.state.Damaged, r.state.Older, r.state.Fates = nil, nil, nil
		if r.chosen.id == p.ID {
			r.state.Damaged = r.chosen.damaged
		}
	}
	r.state.Target, r.state.Final, r.state.Since = new(p.ID), final, p.Start
	if err := r.saveState(ctx); err != nil {
		return err
	}
	if err := r.pin(ctx, p.ID); err != nil {
		if errors.Is(err, point.ErrGone) {
			return r.spoiled(ctx, p, err.Error())
		}
		return err
	}
	return nil
}

// pinHolder and the Region: one restore at a time goes on in a Region, and the
// next switch takes over what a dead one has pinned.
const pinHolder = "restore in "

func (r *run) pin(ctx context.Context, id point.ID) error {
	ttl := pinFor
	if r.copying {
		ttl = copyPinFor
	}
	return point.PinFor(ctx, r.source(), id, pinHolder+r.Region, ttl)
}

// pass to the point that is aimed at.
func (r *run) pass(ctx context.Context, dom domain.Recovery) (restore.Pass, error) {
	p, err := point.Load(ctx, r.source(), *r.state.Target)
	if err != nil {
		return restore.Pass{}, err
	}
	return r.passTo(ctx, dom, p)
}

// passTo a point.
func (r *run) passTo(ctx context.Context, dom domain.Recovery, p point.Point) (restore.Pass, error) {
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return restore.Pass{}, err
	}
	saved, err := r.saved(ctx)
	if err != nil {
		return restore.Pass{}, err
	}
	older, err := r.olderPoints(ctx)
	if err != nil {
		return restore.Pass{}, err
	}
	return restore.Pass{
		Without: names(r.state.Wish.Without), Older: older, Damaged: r.state.Damaged, Try: r.try(p), Now: r.now,
		Bucket: r.Own, Domain: dom, ClusterUUID: r.uuidIs, Point: p, Select: r.Settings.Restore, Accepted: r.accepted(), Saved: saved,
		Abandoned: r.state.Wish.AbandonDomain == r.uuidIs, Untenured: r.replaceable(rec), Guarded: guarded(rec), May: r.may,
	}, nil
}

func (r *run) accepted() []string { return names(r.state.Wish.AcceptUnverified) }

// names of a list that commas separate.
func names(list string) []string {
	var out []string
	for n := range strings.SplitSeq(list, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// try of what did not come before: each request of a person tries once more, and so
// does each new point of a warm standby.
func (r *run) try(p point.Point) string {
	if r.copying || r.intent == nil {
		return p.ID.String()
	}
	return r.intent.RequestID
}

// bring the domain to the point that is aimed at, as far as it goes now.
func (r *run) bring(ctx context.Context, dom domain.Recovery) error {
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return err
	}
	if _, err := r.fence(dom).Quieten(ctx, rec, r.uuidIs, r.state.Token, r.now); err != nil {
		return err
	}
	if _, err := point.Load(ctx, r.source(), *r.state.Target); errors.Is(err, store.ErrAbsent) || errors.Is(err, point.ErrMalformed) {
		// Its pin ended in a long outage, and retention took it.
		return r.spoiled(ctx, point.Point{ID: *r.state.Target}, err.Error())
	}
	pass, err := r.pass(ctx, dom)
	if err != nil {
		return err
	}
	p := pass.Point
	if err := r.pin(ctx, p.ID); err != nil {
		if !errors.Is(err, point.ErrGone) {
			return err
		}
		return r.spoiled(ctx, p, err.Error())
	}
	if len(p.Indices) > 0 {
		_, err = repository.Ensure(ctx, dom, repository.Wish{
			Name: contract.InboundRepository, Bucket: p.Bucket, BucketRegion: r.source().Region(), DomainRegion: r.Region,
			BasePath: p.BasePath, RoleARN: r.Settings.Names().SnapshotRoleARN(r.Region), ReadOnly: true,
		}, r.Snapshot.Budget)
		if err != nil {
			return err
		}
	}
	r.seekLeftOut(&pass)
	out, err := r.carried(ctx, &pass)
	r.status.Percent, r.status.BytesDone, r.status.BytesTotal = out.Percent, out.BytesDone, out.BytesTotal
	if len(out.Wanted.LeftOut) > 0 {
		r.state.LeftOut = out.Wanted.LeftOut
		r.notice("left out by dr.restore: %s", strings.Join(first(out.Wanted.LeftOut, 20), ", "))
	}
	r.state.Missing = append(r.missing(p), configured(p.LeftOut)...)
	for _, name := range out.Removed {
		r.notice("removed %s, as the rule of destruction allows", name)
	}
	if err != nil {
		return err
	}
	if err := r.moved(ctx, "restore", "%s %d%% %d bytes %d items %v", p.ID, out.Percent, out.BytesDone, len(out.Journal.Items), out.Done); err != nil {
		return err
	}
	switch {
	case out.Refused != "":
		return r.spoiled(ctx, p, out.Refused)
	case len(out.Disowned) > 0:
		return wait("the next run, which saves what others wrote to %s before it was restored", strings.Join(first(out.Disowned, 5), ", "))
	case len(out.Forbidden) > 0 && r.copying:
		return refuse("it holds what the restore would destroy: %s. Look at it, and delete it if nobody needs it", strings.Join(first(out.Forbidden, 5), "; "))
	case len(out.Forbidden) > 0:
		return r.giveUp(ctx, r.intent, refuse("the domain of %s, cluster %s, holds what the restore would destroy: %s. Give an index up by -c acceptUnverified=<index>, which replaces it by its copy and lets one stay that is not in the recovery point; or let it stay, and leave behind what the recovery point has under its name, by -c without=<index,...>; or give up all that the domain holds by -c abandonDomain=%s; then run the command again",
			r.Region, r.uuidIs, strings.Join(first(out.Forbidden, 5), "; "), r.uuidIs))
	case !out.Done:
		return wait("%s, from recovery point %s", out.Waiting, p.ID)
	}
	return r.noteFates(ctx, p, out)
}

// spoiled: this point cannot be restored; another one is taken.
func (r *run) spoiled(ctx context.Context, p point.Point, why string) error {
	r.passOver([]string{fmt.Sprintf("recovery point %s is passed over: %s", p.ID, why)})
	r.state.Bad, r.state.Target, r.state.Final, r.state.Copy = append(r.state.Bad, p.ID), nil, false, nil
	if err := r.saveState(ctx); err != nil {
		return err
	}
	return wait("another recovery point, since %s cannot be restored: %s", p.ID, why)
}

// window says what a switch to the lost Region's newest point gives up.
func (r *run) window() {
	l := &contract.Loss{Since: r.state.Since, Seconds: int64(max(0, r.now.Sub(r.state.Since)) / time.Second)}
	from := "the own content"
	if r.state.Target != nil {
		l.Point, from = r.state.Target.String(), "recovery point "+r.state.Target.String()
	}
	r.status.Loss, r.state.Loss = l, l
	r.notice("loss window: what %s acknowledged after %s (%s ago) is not in %s; what the old domain still holds or accepts will be in its salvage",
		r.state.From, l.Since.UTC().Format(time.RFC3339), (time.Duration(l.Seconds) * time.Second), from)
}
