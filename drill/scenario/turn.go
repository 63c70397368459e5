package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

// turn is one failover, from the Region that is active when it begins to the other.
type turn struct {
	*World
	from, to   string
	generation int64
	uuid       string // of the old domain
	away, back time.Time
	lost       workload.Comparison
	kept       workload.Contents // of the new domain after the failover
	salvage    point.Point
}

// begins with a load that writes, and a recovery point of it.
func (t *turn) begins(ctx context.Context) (string, error) {
	led, err := t.ledger(ctx, Primary)
	if err != nil {
		return "", err
	}
	t.from, t.to, t.generation = led.ActiveRegion, otherRegion(led.ActiveRegion), led.Generation
	said, err := t.startLoad(ctx)
	if err != nil {
		return "", err
	}
	if t.uuid, err = t.World.uuid(ctx, t.from); err != nil {
		return "", err
	}
	p, err := t.fullPoint(ctx, t.from, time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is active; %s; %s", t.from, said, describe(p)), nil
}

// writesOn for some seconds, so that no point has all.
func (t *turn) writesOn(ctx context.Context) error {
	before := t.work.Acknowledged()
	return t.await(ctx, time.Minute, "150 writes after the newest point", func() (bool, error) {
		return t.work.Acknowledged()-before >= 150, nil
	})
}

// isLost: the active Region is taken away in mid-write.
func (t *turn) isLost(ctx context.Context) (string, error) {
	if err := t.writesOn(ctx); err != nil {
		return "", err
	}
	t.away = time.Now()
	return t.from + " is silent", t.takeAway(t.from)
}

// serves: the new Region does, by the name, and what is missing there is known.
func (t *turn) serves(ctx context.Context) (string, error) {
	if err := t.moved(ctx, t.to, t.away); err != nil {
		return "", err
	}
	led, err := t.ledger(ctx, t.to)
	if err != nil {
		return "", err
	}
	if led.Generation != t.generation+1 || led.ActiveRegion != t.to {
		return "", fmt.Errorf("the ledger says %s, generation %d, not %s, %d", led.ActiveRegion, led.Generation, t.to, t.generation+1)
	}
	said, err := t.status(ctx, t.to)
	if err != nil {
		return "", err
	}
	if said.LastSwitch == nil || said.LastSwitch.Loss == nil || said.LastSwitch.Loss.Point == "" {
		return "", fmt.Errorf("the controller of %s does not tell what the failover lost: %+v", t.to, said)
	}
	loss := said.LastSwitch.Loss
	if t.kept, err = t.settledContents(ctx, t.to); err != nil {
		return "", err
	}
	t.lost = t.work.Compare(t.kept, t.from)
	if len(t.lost.Unexpected) > 0 {
		return "", fmt.Errorf("%s: unexpected %v", t.lost, t.lost.Unexpected[:min(10, len(t.lost.Unexpected))])
	}
	for _, key := range t.lost.Lost {
		if at := t.work.AcknowledgedAt(key); at.Before(loss.Since) {
			return "", fmt.Errorf("%s was acknowledged at %s and is lost; the window began at %s", key, at.Format(time.TimeOnly), loss.Since.Format(time.TimeOnly))
		}
	}
	return fmt.Sprintf("generation %d, served after %s; %s, none from before %s", led.Generation,
		workload.FirstOK(t.work.Ops(), workload.Write, t.to, t.away).Sub(t.away).Round(time.Second), t.lost, loss.Since.Format(time.TimeOnly)), nil
}

// isBack: the old Region answers again, and its domain fences itself.
func (t *turn) isBack(ctx context.Context) (string, error) {
	t.back = time.Now()
	if err := t.giveBack(t.from); err != nil {
		return "", err
	}
	return t.fencesItself(ctx)
}

func (t *turn) fencesItself(ctx context.Context) (string, error) {
	old, err := t.direct(t.from)
	if err != nil {
		return "", err
	}
	// A conflict, which writes nothing, while there is no fence.
	const probe = "/_doc/0?timeout=1s&if_seq_no=999999999&if_primary_term=1"
	if err := t.await(ctx, 4*time.Minute, "the old domain to refuse writes, in each index", func() (bool, error) {
		_, first := old.Do(ctx, http.MethodPut, "/"+movies+probe, map[string]any{"v": -1}, nil)
		if client.Status(first) != http.StatusForbidden || !strings.Contains(first.Error(), "cluster_block_exception") {
			return false, first
		}
		err := t.allBlocked(ctx, old)
		return err == nil, err
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("after %s", time.Since(t.back).Round(time.Second)), nil
}

// standsDown: the old domain goes, and its salvage holds what it alone had.
func (t *turn) standsDown(ctx context.Context) (string, error) {
	if err := t.commit(t.to); err != nil {
		return "", err
	}
	since := time.Now()
	if _, err := t.run(ctx, nil); err != nil {
		return "", err
	}
	calm, err := t.undisturbed(since)
	if err != nil {
		return "", err
	}
	if _, there := t.domain(t.from); there {
		return "", errors.New("the old domain is still there")
	}
	saved, err := t.points(ctx, t.from)
	if err != nil {
		return "", err
	}
	for _, p := range saved {
		if p.Kind == point.KindSalvage && p.ClusterUUID == t.uuid {
			t.salvage = p
		}
	}
	if t.salvage.Snapshot == "" {
		return "", fmt.Errorf("there is no salvage point of %s", t.uuid)
	}
	got, err := t.restored(ctx, t.to, t.salvage, ordersAll)
	if err != nil {
		return "", err
	}
	c := t.work.Compare(got, t.from)
	if len(c.Lost) > 0 || len(c.Unexpected) > 0 {
		return "", fmt.Errorf("the salvage %s does not hold what %s acknowledged: %s, such as %v", t.salvage.ID, t.from, c, append(c.Lost, c.Unexpected...)[:1])
	}
	t.work.Accept(t.kept, t.from)
	return fmt.Sprintf("salvage %s holds all of %d that were lost; %s", t.salvage.ID, len(t.lost.Lost), calm), nil
}

// status of a Region as its controller answers it: what the last switch to it lost,
// the fate of each index, and what needs attention.
func (w *World) status(ctx context.Context, region string) (contract.RecoveryStatus, error) {
	var s contract.RecoveryStatus
	return s, w.invoke(ctx, region, contract.Recovery, contract.RecoveryRequest{Action: contract.ActionStatus}, &s)
}
