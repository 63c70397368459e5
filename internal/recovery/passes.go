package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/destruction"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
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
			if !snapshot.System(i.Name) && !snapshot.System(i.DataStream) {
				out = append(out, rec.Before(i))
			}
		}
		return out
	}
}

func (r *run) fence(dom domain.Recovery) fence.Fence {
	return fence.Fence{Bucket: r.Own, Domain: dom, Guarded: hot, May: r.may}
}

// hot indexes are those that a snapshot takes and that can be blocked.
func hot(all []opensearch.Index) []opensearch.Index {
	var out []opensearch.Index
	for _, i := range all {
		if !snapshot.System(i.Name) && !snapshot.System(i.DataStream) && i.Tier == "" {
			out = append(out, i)
		}
	}
	return out
}

// usable tells why a point cannot be restored here, empty when it can: F6 wants
// the target at or above the source, within one major.
func (r *run) usable(p point.Point, version string) string {
	if !p.Serves(r.led) || p.Kind == point.KindSalvage {
		return "another tenure"
	}
	if r.state != nil && r.state.bad(p.ID) {
		return "its restore failed"
	}
	return point.TooNew(p.EngineVersion, version)
}

// choose the newest whole point that can be restored here; what is passed over is
// said aloud, since the loss window grows by it.
func (r *run) choose(ctx context.Context, dom domain.Recovery, only func(point.Point) bool) (point.Point, bool, error) {
	info, err := dom.Info(ctx)
	if err != nil {
		return point.Point{}, false, err
	}
	var passed []string
	p, ok, skipped, err := point.NewestWhole(ctx, r.source(), func(p point.Point) bool {
		if !p.Serves(r.led) || !only(p) {
			return false
		}
		why := r.usable(p, info.Version)
		if why != "" && p.Kind != point.KindSalvage {
			passed = append(passed, fmt.Sprintf("recovery point %s is passed over: %s", p.ID, why))
		}
		return why == ""
	})
	r.passOver(append(skipped, passed...))
	return p, ok, err
}

// passOver is said in this run's answer, and in every later one of the switch: the
// run that ends it is seldom the one that chose.
func (r *run) passOver(reasons []string) {
	for _, s := range reasons {
		r.notice("%s", s)
		if r.state != nil && !slices.Contains(r.state.PassedOver, s) {
			r.state.PassedOver = append(r.state.PassedOver, s)
		}
	}
}

func anyPoint(point.Point) bool { return true }

// versionsFit refuses before anything is touched, when no point could be restored
// into this engine and there are some (F6).
func (r *run) versionsFit(ctx context.Context) error {
	if !r.switching() || r.state.Target != nil || r.state.Own {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	info, err := dom.Info(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.newest {
		if !p.Serves(r.led) {
			continue
		}
		if why := point.TooNew(p.EngineVersion, info.Version); why != "" {
			if _, ok, err := r.choose(ctx, dom, anyPoint); err != nil || ok {
				return err
			}
			return r.giveUp(ctx, r.intent, refuse("recovery point %s cannot be restored in %s: %s. Nothing was changed; upgrade the domain of %s, then run the command again", p.ID, r.Region, why, r.Region))
		}
	}
	return nil
}

// saved are whole points of this domain that cover what stands in it: salvage, in
// the other Region's bucket (rule (b)).
func (r *run) saved(ctx context.Context) ([]point.Point, error) {
	if r.view.Other.Answer == ledger.Unreachable {
		return nil, nil
	}
	p, ok, _, err := point.NewestWhole(ctx, r.Other, func(p point.Point) bool { return p.ClusterUUID == r.uuidIs })
	if err != nil {
		return nil, fmt.Errorf("look for the salvage of cluster %s: %w", r.uuidIs, err)
	}
	if !ok {
		return nil, nil
	}
	return []point.Point{p}, nil
}

// onlyHere lists what stands here and is only here: neither restored by us, nor
// saved, nor empty. Those that may stay are left out: a restore that would go over
// one of them asks the rule of destruction itself.
func (r *run) onlyHere(ctx context.Context, dom domain.Recovery, rec *fence.Record, stay []string) ([]string, error) {
	j, _, err := restore.LoadJournal(ctx, r.Own, r.uuidIs)
	if err != nil {
		return nil, err
	}
	saved, err := r.saved(ctx)
	if err != nil {
		return nil, err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return nil, err
	}
	have := guarded(rec)(all)
	j.Adopt(have)
	var out []string
	for _, i := range have {
		if slices.Contains(stay, i.Name) {
			continue
		}
		if err := destruction.Allowed(i, j.Mine(i.Name), saved); err != nil {
			out = append(out, err.Error())
		}
	}
	return out, nil
}

// rescued: what stands here and is only here is saved before anything is restored
// over it (H1, C2). If this domain is the one that the lost one was promoted from,
// and no point of that tenure came, its own content is what goes on (H11).
func (r *run) rescued(ctx context.Context) error {
	if !r.switching() || r.state.Own || r.state.Wish.AbandonDomain == r.uuidIs {
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
	names, err := r.onlyHere(ctx, dom, rec, r.accepted())
	if err != nil || len(names) == 0 && r.uuidIs != r.led.PromotedFrom {
		return err
	}
	if r.uuidIs == r.led.PromotedFrom && r.state.Target == nil {
		_, ok, err := r.choose(ctx, dom, anyPoint)
		if err != nil {
			return err
		}
		if !ok {
			if err := r.decide(ctx); err != nil {
				return err
			}
			if r.state.Lost != "" {
				r.state.Own, r.state.Since = true, r.led.Since
				r.notice("no recovery point of generation %d came here: cluster %s, from which it was promoted, goes on with its own content (H11)", r.led.Generation, r.uuidIs)
				return r.saveState(ctx)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return r.salvage(ctx, dom, rec, names)
}

// salvage point of this Region's domain, in the other Region's bucket.
func (r *run) salvage(ctx context.Context, dom domain.Recovery, rec *fence.Record, names []string) error {
	what := strings.Join(first(names, 5), "; ")
	if r.view.Other.Answer == ledger.Unreachable {
		return r.giveUp(ctx, r.intent, refuse("the domain in %s, cluster %s, holds what is saved nowhere and the bucket of %s does not answer: %s. Wait for that bucket, or delete those indexes, or let one stay that is not in the recovery point by -c acceptUnverified=<index>, or give all of them up by -c abandonDomain=%s; then run the command again",
			r.Region, r.uuidIs, r.other(), what, r.uuidIs))
	}
	f := r.fence(dom)
	p, waiting, err := r.save(ctx, f, dom, rec)
	if err != nil {
		return err
	}
	if waiting != "" {
		return wait("the salvage of cluster %s before anything is restored over it: %s", r.uuidIs, waiting)
	}
	r.notice("salvage of cluster %s: recovery point %s in %s", r.uuidIs, p.ID, r.Other.Name())
	return nil
}

// save fences this Region's domain, for good, and takes a point that holds it
// exactly, always (C7).
func (r *run) save(ctx context.Context, f fence.Fence, dom domain.Recovery, rec *fence.Record) (point.Point, string, error) {
	token := fmt.Sprintf("salvage-g%d", r.led.Generation)
	if rec != nil && rec.State != fence.Quiet && rec.State != fence.Lifting {
		token = rec.Token // it stands already, whatever for
	}
	rec, waiting, err := f.Raise(ctx, rec, r.uuidIs, token, r.now)
	if err != nil || waiting != "" {
		return point.Point{}, waiting, err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return point.Point{}, "", err
	}
	have := guarded(rec)(all)
	covers := func(p point.Point) bool {
		return !slices.ContainsFunc(have, func(i opensearch.Index) bool { return !destruction.Covers(p, i) })
	}
	d := r.Snapshot
	d.Holder = r.Holder
	t, err := snapshot.Take(ctx, d, snapshot.Special{
		Kind: point.KindSalvage, Token: fmt.Sprintf("g%d", r.led.Generation), ClusterUUID: r.uuidIs, Ledger: r.led, Good: covers,
	})
	r.status.Notices = append(r.status.Notices, t.Notices...)
	if err != nil {
		return point.Point{}, "", err
	}
	if t.Point == nil {
		return point.Point{}, t.Waiting, nil
	}
	return *t.Point, "", nil
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
	return point.PinFor(ctx, r.source(), id, pinHolder+r.Region, pinFor)
}

// pass to the point that is aimed at.
func (r *run) pass(ctx context.Context, dom domain.Recovery) (restore.Pass, error) {
	p, err := point.Load(ctx, r.source(), *r.state.Target)
	if err != nil {
		return restore.Pass{}, err
	}
	rec, err := fence.Load(ctx, r.Own, r.uuidIs)
	if err != nil {
		return restore.Pass{}, err
	}
	saved, err := r.saved(ctx)
	if err != nil {
		return restore.Pass{}, err
	}
	return restore.Pass{
		Bucket: r.Own, Domain: dom, ClusterUUID: r.uuidIs, Point: p, Select: r.Settings.Restore, Accepted: r.accepted(), Saved: saved,
		Abandoned: r.state.Wish.AbandonDomain == r.uuidIs, Guarded: guarded(rec), May: r.may,
	}, nil
}

func (r *run) accepted() []string {
	var out []string
	for _, n := range strings.Split(r.state.Wish.AcceptUnverified, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	return out
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
	out, err := pass.Run(ctx)
	r.status.Percent, r.status.BytesDone, r.status.BytesTotal = out.Percent, out.BytesDone, out.BytesTotal
	if len(out.Wanted.LeftOut) > 0 {
		r.state.LeftOut = out.Wanted.LeftOut
		r.notice("left out by dr.restore: %s", strings.Join(first(out.Wanted.LeftOut, 20), ", "))
	}
	r.state.Missing = r.beyond(p)
	for _, name := range out.Removed {
		r.notice("removed %s, which was ours or is saved", name)
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
	case len(out.Failed) > 0:
		return r.spoiled(ctx, p, strings.Join(first(out.Failed, 3), "; "))
	case len(out.Forbidden) > 0:
		return r.giveUp(ctx, r.intent, refuse("in the domain of %s, cluster %s, stands in the way what the restore would destroy: %s. Delete it, or leave it out by dr.restore.exclude, or accept an index that is not in the recovery point by -c acceptUnverified=<index>, then run the command again",
			r.Region, r.uuidIs, strings.Join(first(out.Forbidden, 5), "; ")))
	case !out.Done:
		return wait("%s, from recovery point %s", out.Waiting, p.ID)
	}
	return nil
}

// spoiled: this point cannot be restored; another one is taken.
func (r *run) spoiled(ctx context.Context, p point.Point, why string) error {
	r.passOver([]string{fmt.Sprintf("recovery point %s is passed over: %s", p.ID, why)})
	r.state.Bad, r.state.Target, r.state.Final = append(r.state.Bad, p.ID), nil, false
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
