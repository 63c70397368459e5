package recovery

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// disputed: two domains claim one generation, since a claim is atomic in one
// bucket only (D12). Each fences itself when it sees that: whatever either of them
// took meanwhile is still there when a person decides, and nothing comes to it
// that the other lacks. The run fails for it, which is the alarm.
func (r *run) disputed(ctx context.Context) error {
	if err := r.describe(ctx); err != nil {
		return err
	}
	if !r.desc.Exists || r.desc.Deleted || !r.desc.Created || r.desc.Endpoint == "" {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	uuid, err := r.uuid(ctx)
	if err != nil || uuid == "" || !r.tenured(uuid) {
		return err
	}
	r.uuidIs = uuid
	rec, err := fence.Load(ctx, r.Own, uuid)
	if err != nil {
		return err
	}
	j, _, err := restore.LoadJournal(ctx, r.Own, uuid)
	if err != nil {
		return err
	}
	over := r.generationInDispute()
	token := fmt.Sprintf("dispute-g%d", over)
	if rec != nil && rec.State != fence.Quiet && rec.State != fence.Lifting {
		token = rec.Token
	}
	f := r.fenceHere(dom, r.stillDisputed)
	f.Before = j.Before
	if rec == nil {
		if rec, err = f.Quieten(ctx, rec, uuid, token, r.now); err != nil {
			return err
		}
	}
	if rec.Dispute != over { // before the first block: who comes back sees one ledger only
		rec.Dispute = over
		if err := rec.Save(ctx, r.Own); err != nil {
			return err
		}
	}
	rec, waiting, err := f.Raise(ctx, rec, uuid, token, r.now)
	if rec != nil {
		r.tellOdd(rec)
	}
	if err != nil {
		return err
	}
	r.notice("generation %d is disputed: cluster %s is fenced until a person decides", over, uuid)
	if waiting != "" {
		r.notice("fencing a disputed domain: waiting for %s", waiting)
	}
	return nil
}

// generationInDispute is the highest that anybody names.
func (r *run) generationInDispute() int64 {
	g := max(r.view.Own.Ledger.Generation, r.view.Other.Ledger.Generation)
	if p := r.view.FromPoints; p != nil {
		g = max(g, p.Generation)
	}
	return g
}

// stillDisputed is asked before each change.
func (r *run) stillDisputed(ctx context.Context) error {
	var copies []ledger.Ledger
	for _, p := range r.newest {
		copies = append(copies, p.Ledger)
	}
	if _, _, err := ledger.Read(ctx, r.Own, r.Other, copies).InForce(); !errors.Is(err, ledger.ErrDispute) {
		return wait("the ledgers, which are not seen to disagree any more")
	}
	return nil
}
