package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Partition is a failover while the old domain lives on behind a cut link, and a
// planned switch, both beside a client that never resolves the name again: what the
// old domain acknowledges to it after the claim is in the salvage, and behind a fence
// it acknowledges nothing.
func Partition(ctx context.Context, w *World) error {
	p := &partitioned{turn: turn{World: w}}
	return w.play(ctx, []step{
		{"partition: a client writes, and a recovery point stands", p.begins},
		{"another client resolves the name once", p.stubborn},
		{"the link between the Regions is cut: both of them live", p.cut},
		// Whoever types it reaches both Regions, and must say that one is given up.
		{"make failover ARGS=--force", func(ctx context.Context) (string, error) {
			_, err := p.makes(ctx, makeFailover, p.to, "--force")
			return "", err
		}},
		{"the other Region serves, and only the announced window is missing", p.serves},
		{"the old domain goes on acknowledging what the stubborn client writes", p.goesOn},
		{"the link is mended: the old domain fences itself", p.mended},
		{"stand-down: the salvage holds what was lost", p.standsDown},
		{"and each write that the stubborn client was promised", p.salvaged},
		{"back by make failback, beside a stubborn client: nothing is acknowledged behind the fence", p.planned},
		{"no orphan is left", w.noOrphans},
	})
}

type partitioned struct {
	turn
	old *workload.Load // the stubborn client
}

// stubbornly is the prefix of its one index: one that it made behind a fence would be
// the hole that the README names.
const stubbornly = "stubborn"

func (p *partitioned) stubborn(ctx context.Context) (string, error) {
	dialer := p.Cloud.Gateway.Dialer()
	p.old = workload.Start(ctx, workload.Config{
		Record: record, Credentials: p.appKey, Dialer: dialer, TLS: p.transport().TLSClientConfig, Prefix: stubbornly,
		Limit: 5 * time.Second, Stubborn: true,
	})
	if err := p.promised(ctx, 100); err != nil {
		return "", err
	}
	// A point has its index, which therefore exists wherever a copy of it goes.
	_, err := p.awaitPoint(ctx, p.active(ctx), time.Now().UTC().Truncate(time.Second), func(x point.Point) bool {
		return slices.ContainsFunc(x.Indices, func(i point.Index) bool { return strings.HasPrefix(i.Name, stubbornly+"-") })
	})
	return fmt.Sprintf("%d writes acknowledged", p.old.Acknowledged()), err
}

// promised so many writes more.
func (p *partitioned) promised(ctx context.Context, n int) error {
	before := p.old.Acknowledged()
	return p.await(ctx, time.Minute, fmt.Sprintf("%d writes of the stubborn client", n), func() (bool, error) {
		ops := p.old.Ops()
		if last := len(ops) - 1; last >= 0 && !ops[last].OK {
			return false, errors.New(ops[last].Reason)
		}
		return p.old.Acknowledged()-before >= n, nil
	})
}

// active Region, as the ledger of the primary says.
func (p *partitioned) active(ctx context.Context) string {
	led, err := p.ledger(ctx, Primary)
	if err != nil {
		return p.from
	}
	return led.ActiveRegion
}

func (p *partitioned) cut(ctx context.Context) (string, error) {
	if err := p.writesOn(ctx); err != nil {
		return "", err
	}
	p.away = time.Now()
	p.Cloud.Gateway.SilenceLink(p.from, p.to)
	return "", nil
}

func (p *partitioned) goesOn(ctx context.Context) (string, error) {
	if err := p.promised(ctx, 50); err != nil {
		return "", err
	}
	n := 0
	served := workload.FirstOK(p.work.Ops(), workload.Write, p.to, p.away)
	for _, o := range p.old.Ops() {
		if o.Kind == workload.Write && o.OK && o.Start.After(served) {
			if o.Region != p.from {
				return "", fmt.Errorf("the stubborn client writes to %s", o.Region)
			}
			n++
		}
	}
	if n == 0 {
		return "", errors.New("no write was acknowledged after the other Region served: nothing is shown")
	}
	return fmt.Sprintf("%d writes since %s serves", n, p.to), nil
}

func (p *partitioned) mended(ctx context.Context) (string, error) {
	p.back = time.Now()
	p.Cloud.Gateway.SetLink(p.from, p.to, false)
	said, err := p.fencesItself(ctx)
	if err != nil {
		return "", err
	}
	last := lastWrite(p.old)
	time.Sleep(3 * time.Second) // the client goes on trying
	if late := lastWrite(p.old); late.After(last.Add(time.Second)) {
		return "", fmt.Errorf("a write was acknowledged at %s behind the fence", late.Format(time.TimeOnly))
	}
	return fmt.Sprintf("%s; the last acknowledged write was at %s", said, last.Format(time.TimeOnly)), nil
}

// lastWrite that was acknowledged.
func lastWrite(l *workload.Load) (last time.Time) {
	for _, o := range l.Ops() {
		if o.Kind == workload.Write && o.OK {
			last = o.End
		}
	}
	return last
}

func (p *partitioned) salvaged(ctx context.Context) (string, error) {
	p.old.Stop()
	got, err := p.restored(ctx, p.to, p.salvage, stubbornly+"-*")
	if err != nil {
		return "", err
	}
	c := p.old.Compare(got, "")
	if len(c.Lost) > 0 || len(c.Unexpected) > 0 {
		return "", fmt.Errorf("the salvage %s does not hold what %s acknowledged to the stubborn client: %s, such as %v", p.salvage.ID, p.from, c, append(c.Lost, c.Unexpected...)[:1])
	}
	active, err := p.direct(p.to)
	if err != nil {
		return "", err
	}
	// What the next client writes begins with nothing.
	_, err = active.Do(ctx, http.MethodDelete, "/"+stubbornly+"-*", nil, nil)
	return c.String(), err
}

func (p *partitioned) planned(ctx context.Context) (string, error) {
	from, to := p.to, p.from
	if _, err := p.stubborn(ctx); err != nil {
		return "", err
	}
	since := time.Now()
	said, err := p.switchesTo(ctx, to)
	if err != nil {
		return "", err
	}
	p.old.Stop()
	var fenced time.Time // the last block that was set before the record moved
	moved := p.watch.led(to, since)
	for _, c := range p.Cloud.Gateway.Calls(gateway.Filter{Since: since, Function: p.controller(), TargetRegion: from, Match: func(c gateway.Call) bool {
		return c.Method == http.MethodPut && c.Status == 200 && strings.Contains(c.Path, "/_block/")
	}}) {
		if ended(c).Before(moved) && ended(c).After(fenced) {
			fenced = ended(c)
		}
	}
	if fenced.IsZero() {
		return "", errors.New("no fence was seen")
	}
	if last := lastWrite(p.old); last.After(fenced.Add(time.Second)) {
		return "", fmt.Errorf("%s acknowledged a write at %s, behind the fence of %s", from, last.Format(time.TimeOnly), fenced.Format(time.TimeOnly))
	}
	c, err := p.direct(to)
	if err != nil {
		return "", err
	}
	all, err := workload.ReadAll(ctx, c, stubbornly+"-*", nil)
	if err != nil {
		return "", err
	}
	got := p.old.Compare(all, "")
	if len(got.Lost) > 0 || len(got.Unexpected) > 0 {
		return "", fmt.Errorf("the switch lost what the stubborn client was promised: %s, such as %v", got, append(got.Lost, got.Unexpected...)[:1])
	}
	if _, err := c.Do(ctx, http.MethodDelete, "/"+stubbornly+"-*", nil, nil); err != nil {
		return "", err
	}
	return said + "; stubborn: " + got.String(), nil
}
