package recovery

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/access"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
)

// promotion makes this Region the active one. Every step may be repeated, and the
// run that is asked again goes through all of them; those of a switch (intent,
// restore, fence, verify) belong between the access and the claim.
var promotion = []step{
	{"reading both ledgers", (*run).known},
	{"asking whether it is meant", (*run).meant},
	{"asking whether anybody else holds documents", (*run).alone},
	{"looking at the domain", (*run).ready},
	{"mapping access", (*run).mapped},
	{"looking at the DNS record", (*run).recordFree},
	{"marking the switch", (*run).marked},
	{"comparing versions", (*run).versionsFit},
	{"saving what stands here", (*run).rescued},
	{"restoring, first pass", (*run).firstPass},
	{"asking whether the active Region is lost", (*run).asked},
	{"asking about what cannot be restored", (*run).foreseen},
	{"fencing the active Region", (*run).behindFence},
	{"restoring, second pass", (*run).secondPass},
	{"verifying", (*run).verified},
	{"asking about what cannot be restored", (*run).placed},
	{"claiming", (*run).claim},
	{"claiming", (*run).taken},
	{"copying the ledger", (*run).copied},
	{"moving the DNS record and handing over", (*run).carriedOut},
}

// carriedOut: what follows from the claim. The record moves first, since the domain
// is verified and readers need no more than its name (H59); writers follow with the
// hand-over. No part waits for another one.
func (r *run) carriedOut(ctx context.Context) error {
	var failed, waits []error
	for _, s := range []step{
		{"moving the DNS record", (*run).recordRight},
		{"naming the active Region", (*run).told},
		{"handing over", (*run).finished},
	} {
		r.status.Phase = s.phase
		err := s.do(r, ctx)
		switch {
		case err == nil:
		case errors.As(err, new(waiting)), errors.As(err, new(refusal)):
			waits = append(waits, err)
		default:
			failed = append(failed, fmt.Errorf("%s: %w", s.phase, err))
		}
	}
	if len(failed) == 0 {
		return errors.Join(waits...)
	}
	for _, w := range waits {
		r.notice("waiting for %v", w)
	}
	return errors.Join(failed...)
}

// known: who is active is known, or it is known that nobody ever was (H14, H15).
func (r *run) known(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	if err := r.mend(ctx); err != nil && r.req.Action != contract.ActionTick { // of which it is a part of its own
		r.notice("%v", err)
	}
	other := r.other()
	switch {
	case errors.Is(r.ledErr, ledger.ErrUnknown) && r.givenUp():
		return refuse("nobody knows who is active: %s has no ledger and no recovery point, and %s is called unreachable. \"No ledger\" is also what a disaster looks like (H14); bring bucket %s back, or deploy without -c unreachableRegion",
			r.Region, other, r.Other.Name())
	case errors.Is(r.ledErr, ledger.ErrUnknown):
		return wait("the ledger of %s: %v", other, r.view.Other.Err)
	case r.ledErr != nil:
		return refuse("%v", r.ledErr)
	case len(r.unread) > 0 && !r.claimed:
		return wait("the recovery points to be readable: %v", errors.Join(r.unread...))
	case r.active() && !r.view.Complete() && !r.givenUp() && !r.ownClaim(ctx):
		return wait("the ledger of %s, which may know a newer generation than %d (H15): %v; if that Region is lost add -c unreachableRegion=%s",
			other, r.led.Generation, r.view.Other.Err, other)
	}
	return nil
}

// ownClaim: the claim in force was made here, so only a later one of the other
// Region could be newer, and the record would name that (H15). While it is not
// carried out yet the record may still be the old one.
func (r *run) ownClaim(ctx context.Context) bool {
	if err := r.loadState(ctx); err != nil || r.state == nil || r.state.Token != r.led.Token {
		return false
	}
	have, err := r.Zone.Read(ctx, r.Settings.DNS.Record)
	if err != nil {
		return !r.state.Over
	}
	m, ok := route.ParseMark(have.Mark)
	return !ok || !m.Stands(r.mark(r.led))
}

// meant: a switch that nobody meant is refused with the line to change (H2). One
// that is marked was meant when it was asked for.
func (r *run) meant(context.Context) error {
	if !r.claimed {
		return nil
	}
	if r.active() {
		return r.meanwhile(r.req.Wish)
	}
	if i := r.live(); i != nil && i.To == r.Region && r.req.RequestID == "" && r.req.Action == contract.ActionTick {
		return nil
	}
	if sentence := notMeant(r.req.Wish, r.led); sentence != "" {
		return refusal{sentence}
	}
	return nil
}

// alone: at the first set-up no point exists and the other Region's domain is
// absent or empty (H14). What cannot be told is waited for.
func (r *run) alone(ctx context.Context) error {
	if r.claimed {
		return nil
	}
	holds, err := r.otherHolds(ctx)
	if err != nil {
		return wait("%v", err)
	}
	if err := r.view.FirstSetUp(len(r.newest) > 0, holds); err != nil {
		return refuse("%v", err)
	}
	return nil
}

func (r *run) otherHolds(ctx context.Context) (bool, error) {
	desc, err := r.Plane.Describe(ctx, r.other())
	if err != nil {
		return false, fmt.Errorf("%s to say whether a domain stands there: %w", r.other(), err)
	}
	if !desc.Exists {
		return false, nil
	}
	status, err := r.Peer.Recovery(ctx, r.other(), contract.RecoveryRequest{Action: contract.ActionStatus, RequestID: r.req.RequestID})
	if err != nil {
		return false, fmt.Errorf("the controller of %s to say whether its domain holds documents: %w", r.other(), err)
	}
	return status.Documents > 0, nil
}

// ready: this Region's domain exists and nothing is being done to it (F23).
func (r *run) ready(ctx context.Context) error {
	if err := r.describe(ctx); err != nil {
		return err
	}
	if busy := r.desc.Busy(); busy != "" {
		return wait("the domain: %s", busy)
	}
	return nil
}

// mapped: the functions' roles may act in the domain, and it is the ledger's.
func (r *run) mapped(ctx context.Context) error {
	if err := r.access(ctx); err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	switch {
	case opensearch.IsForbidden(err):
		return wait("the domain to know the function's role: %v", err)
	case err != nil:
		return err
	case uuid == "":
		return wait("the cluster to elect a manager: it answers no UUID yet (H31)")
	}
	r.status.ClusterUUID, r.uuidIs = uuid, uuid
	if r.active() && uuid != r.led.ClusterUUID {
		return r.identity(ctx)
	}
	return nil
}

// access maps the roles by the master role, and leaves the capsule's security
// part where the snapshot function finds it.
func (r *run) access(ctx context.Context) error {
	sec, err := r.Plane.OpenSecurity(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	res, err := access.Map(ctx, sec, access.For(r.Settings, r.Region, r.Agent))
	for _, c := range res.Changed {
		r.notice("access: %s", c)
	}
	r.status.Notices = append(r.status.Notices, res.Notices...)
	if err != nil {
		return err
	}
	if res.Audit != nil {
		r.later = append(r.later, res.Audit)
	}
	uuid, err := r.uuid(ctx)
	if err != nil || uuid == "" {
		return nil //nolint:nilerr // said by whoever needs it
	}
	capsule, err := sec.SecurityCapsule(ctx)
	if err != nil {
		return fmt.Errorf("read roles and role mappings for the capsule: %w", err)
	}
	if err := snapshot.WriteSecurity(ctx, r.Own, uuid, capsule); err != nil {
		return fmt.Errorf("keep roles and role mappings for the capsule: %w", err)
	}
	return nil
}

// uuid of this Region's cluster, read back as the function itself; empty before
// there is one.
func (r *run) uuid(ctx context.Context) (string, error) {
	dom, err := r.Plane.Open(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return "", err
	}
	info, err := dom.Info(ctx)
	if err != nil || !repository.ValidUUID(info.ClusterUUID) {
		return "", err
	}
	return info.ClusterUUID, nil
}

// recordFree: a foreign record is found before the claim, not after it (U4).
func (r *run) recordFree(ctx context.Context) error {
	have, err := r.Zone.Read(ctx, r.Settings.DNS.Record)
	if err != nil {
		return fmt.Errorf("read record %s: %w", r.Settings.DNS.Record, err)
	}
	led := r.led
	if !r.claimed {
		led = ledger.Ledger{Generation: 1, ActiveRegion: r.Region, Endpoint: r.desc.Endpoint}
	}
	if route.Decide(have, r.recordWish(led)) == route.Foreign && !r.Settings.DNS.Adopt {
		return refuse("record %s is not ours: %s %s stands there. To take it over add -c dr.dns.adopt=true, or choose another dr.dns.record; nothing was changed (U4)",
			r.Settings.DNS.Record, have.Type, have.Target)
	}
	return nil
}

func (r *run) recordWish(l ledger.Ledger) route.Wish {
	return route.Wish{
		Endpoint: l.Endpoint, TTL: int64(r.Settings.DNS.TTL), Mark: r.mark(l),
	}
}

func (r *run) mark(l ledger.Ledger) route.Mark {
	return route.Mark{Name: r.Settings.Name, Region: l.ActiveRegion, Generation: l.Generation}
}

// claim generation 1, after looking once more.
func (r *run) claim(ctx context.Context) error {
	if r.claimed {
		return nil
	}
	uuid := r.status.ClusterUUID
	if err := r.known(ctx); err != nil {
		return err
	}
	if r.claimed {
		return wait("another run, which claimed at the same time")
	}
	if err := r.view.FirstSetUp(len(r.newest) > 0, false); err != nil {
		return refuse("%v", err)
	}
	l, err := ledger.ClaimFirst(ctx, r.Own, ledger.Claim{Region: r.Region, ClusterUUID: uuid, Endpoint: r.desc.Endpoint, Token: r.Token()})
	if errors.Is(err, ledger.ErrSuperseded) {
		return wait("another run, which claimed at the same time")
	}
	if err != nil {
		return err
	}
	r.led, r.claimed = l, true
	r.notice("claimed generation 1 for cluster %s", uuid)
	return nil
}

// copied: the other bucket knows what is in force, or does not exist yet; then
// the other Region's gate writes it (H14).
func (r *run) copied(ctx context.Context) error {
	if err := r.copyTo(ctx, r.Own); err != nil {
		return err
	}
	if r.givenUp() {
		r.notice("the ledger is not copied to %s, which is called unreachable", r.other())
		return nil
	}
	err := r.copyTo(ctx, r.Other)
	if err != nil && r.led.Generation > 1 && !errors.Is(err, ledger.ErrDispute) && !errors.Is(err, ledger.ErrSuperseded) {
		// It was lost; the next run that reaches it writes it down there (G5).
		r.notice("the ledger is not in the bucket of %s yet: %v", r.other(), err)
		return nil
	}
	if errors.Is(err, store.ErrAbsent) {
		r.notice("bucket %s does not exist yet; the foundation and the gate of %s bring the ledger there", r.Other.Name(), r.other())
		return nil
	}
	return err
}

// copyTo one bucket what is in force, when it has less.
func (r *run) copyTo(ctx context.Context, b store.Bucket) error {
	l, err := ledger.CopyDown(ctx, b, r.led)
	if err == nil && b == r.Own {
		r.view.Own.Answer, r.view.Own.Ledger = ledger.Present, l
	}
	return err
}

// recordRight is a state of its own: the claim stands, and the record follows as
// soon as Route 53 takes changes (X4).
func (r *run) recordRight(ctx context.Context) error {
	was, err := route.Ensure(ctx, r.Zone, r.Settings.DNS.Record, r.recordWish(r.led), r.Settings.DNS.Adopt)
	switch {
	case errors.Is(err, route.ErrForeign), errors.Is(err, route.ErrNewer), errors.Is(err, route.ErrDispute):
		return refuse("%v", err)
	case err != nil:
		return wait("Route 53: %v; generation %d is claimed, clients can be pointed at %s by hand", err, r.led.Generation, r.led.Endpoint)
	case was != route.Right:
		r.notice("record %s points at %s", r.Settings.DNS.Record, r.led.Endpoint)
	}
	return nil
}
