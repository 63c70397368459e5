package recovery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
)

// look reads both ledgers and the newest points. What cannot be read is part of
// the picture, not an error; only the own Region's clock is needed.
func (r *run) look(ctx context.Context) error {
	now, err := r.Own.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the clock of %s: %w; deploy the foundation stack of %s", r.Own.Name(), err, r.Region)
	}
	r.now, r.newest, r.unread = now, nil, nil
	other := r.Other
	buckets := []store.Bucket{r.Own, r.Other}
	if r.givenUp() {
		other = nil
	}
	// A Region whose ledger cannot be read is asked for nothing more (G5).
	r.view = ledger.Read(ctx, r.Own, other, nil)
	if r.view.Other.Answer == ledger.Unreachable {
		buckets = buckets[:1]
	}
	var copies []ledger.Ledger
	for _, b := range buckets {
		p, ok, bad, err := point.NewestReadable(ctx, b)
		for _, x := range bad {
			r.unread = append(r.unread, fmt.Errorf("newest recovery point in %s: %w", b.Region(), x.Err))
		}
		if err != nil {
			r.unread = append(r.unread, fmt.Errorf("newest recovery point in %s: %w", b.Region(), err))
		}
		if ok {
			r.newest = append(r.newest, p)
			copies = append(copies, p.Ledger)
		}
	}
	r.view = r.view.With(copies)
	r.view.Other.Region = r.other()
	if r.view.Malformed() {
		r.witness(ctx)
	}
	r.led, r.claimed, r.ledErr = r.view.InForce()
	return nil
}

// active: the ledger in force names this Region.
func (r *run) active() bool { return r.claimed && r.led.ActiveRegion == r.Region }

// describe this Region's domain.
func (r *run) describe(ctx context.Context) error {
	desc, err := r.Plane.Describe(ctx, r.Region)
	if err != nil {
		return err
	}
	r.desc, r.described = desc, true
	return nil
}

// holdings counts the documents of this Region's domain and names its indexes.
// Those that no snapshot takes count as one at least: nobody may think them empty.
func (r *run) holdings(ctx context.Context, dom opensearch.Domain) (documents int64, names []string, err error) {
	indices, err := dom.Indices(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("list the indexes: %w", err)
	}
	streams, err := dom.DataStreams(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("list the data streams: %w", err)
	}
	sel := snapshot.Select(indices, streams)
	for _, i := range sel.Indices {
		n := i.Documents
		if !i.Open {
			n = max(n, 1) // the engine does not count closed ones
		}
		if n > 0 {
			documents += n
			names = append(names, i.Name)
		}
	}
	for _, l := range sel.Worrying() {
		documents++
		names = append(names, l.Name+" ("+l.Reason+")")
	}
	return documents, names, nil
}

// report is ActionStatus: it looks, and changes nothing. With a wish for this
// Region it only says what a promotion by it would be refused for: the domain need
// not exist yet.
func (r *run) report(ctx context.Context) error {
	r.status.Phase = "status"
	if err := r.look(ctx); err != nil {
		return err
	}
	if r.ledErr != nil {
		r.notice("%v", r.ledErr)
	}
	r.malformed()
	if r.req.Wish.ActiveRegion != "" && r.req.Wish.ActiveRegion == r.Region {
		for _, s := range []func(*run, context.Context) error{(*run).known, (*run).meant} {
			if err := s(r, ctx); err != nil {
				return err
			}
		}
		r.status.Done = true
		return nil
	}
	if r.req.Preflight {
		return r.preflight(ctx)
	}
	if i := r.live(); r.active() || i != nil && i.To == r.Region {
		if err := r.loadState(ctx); err != nil {
			r.notice("%v", err)
		}
		r.status.LastSwitch = r.lastSwitch()
		if i != nil && r.state != nil && r.state.Token == i.Token {
			r.status.Preflight = r.state.Preflight
		}
		if r.state != nil && r.state.Token == r.led.Token {
			r.cost() // of the switch that made this Region the active one
		}
	}
	r.unprotected()
	r.recallAttention(ctx)
	if err := r.givenUpFates(ctx); err != nil {
		r.notice("%v", err)
	}
	if err := r.leases(ctx); err != nil {
		return err
	}
	r.pins(ctx)
	if err := r.points(ctx); err != nil {
		return err
	}
	if err := r.spoilers(ctx); err != nil {
		r.notice("%v", err)
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	r.status.Done = true
	if !r.desc.Exists || r.desc.Endpoint == "" {
		return nil
	}
	dom, err := r.Plane.Open(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	if r.req.Health {
		// A health that is not told does not hide the rest.
		if h, err := dom.Health(ctx); err != nil {
			r.notice("the domain's health is not known: %v", err)
		} else {
			r.status.Health = string(h)
		}
	}
	if r.status.Documents, _, err = r.holdings(ctx, dom); err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	if err != nil {
		return err
	}
	if r.warm() && r.claimed && !r.active() {
		if r.status.Standby, err = r.standsBy(ctx, uuid); err != nil {
			return err
		}
	}
	rec, err := fence.Load(ctx, r.Own, uuid)
	if err != nil || rec == nil {
		return err
	}
	r.refusedSettings(rec)
	r.status.Fence = &contract.FenceStatus{Token: rec.Token, State: string(rec.State), Indices: rec.Blocked(), Refused: rec.Odd()}
	r.tellOdd(rec)
	if rec.Final != nil {
		r.status.Fence.Final = rec.Final.String()
	}
	return nil
}

// pointsShown of this Region's bucket in a status.
const pointsShown = 20

// points of this Region's bucket, newest first, and what a switch to this Region
// would lose now.
func (r *run) points(ctx context.Context) error {
	ids, err := point.List(ctx, r.Own)
	if err != nil {
		return err
	}
	for n, id := range slices.Backward(ids) {
		if len(ids)-n > pointsShown {
			break
		}
		p, err := point.Load(ctx, r.Own, id)
		if err != nil {
			r.notice("%v", err)
			continue
		}
		age := int64(r.now.Sub(p.Start) / time.Second)
		r.status.Points = append(r.status.Points, contract.PointStatus{
			ID: id.String(), Kind: p.Kind, ClusterUUID: p.ClusterUUID, Start: p.Start, AgeSeconds: age, Documents: p.Documents, Bytes: p.BytesTotal,
		})
		if r.status.Loss == nil && r.claimed && !r.active() && p.Kind != point.KindSalvage && p.Serves(r.led) {
			r.status.Loss = &contract.Loss{Point: id.String(), Since: p.Start, Seconds: age}
		}
	}
	return nil
}
