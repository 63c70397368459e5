package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/telemetry"
)

// limit of a function's run.
const limit = 5 * time.Minute

var errFunction = errors.New("the function ended without an answer")

var silentLog = slog.New(slog.DiscardHandler)

type noMetrics struct{}

func (noMetrics) Publish(context.Context, ...telemetry.Metric) error { return nil }

// bucket of a Region as a process sees it.
func (w *world) seen(p *process, region string) store.Bucket {
	b := store.Bucket(seen{p, w.places[region].bucket})
	if w.mutation.Bucket != nil {
		b = w.mutation.Bucket(p, b)
	}
	return b
}

// essentials are read in one call: how a listing is read has tests of its own.
func (w *world) essentials(p *process) func(context.Context, store.Bucket, point.Point) ([]point.Object, int, error) {
	return func(ctx context.Context, b store.Bucket, pt point.Point) (out []point.Object, n int, err error) {
		raw := w.places[b.Region()].bucket
		err = p.call(&call{ctx: ctx, op: "essentials", what: pt.Snapshot, to: target{b.Region(), buckets}, effect: func() (err error) {
			out, n, err = point.Essentials(context.Background(), raw, pt)
			return err
		}})
		return out, n, err
	}
}

func (w *world) snapshotDeps(p *process, function string) snapshot.Deps {
	d := snapshot.Deps{
		Settings: w.settings, Region: p.region, Own: w.seen(p, p.region), Other: w.seen(p, w.other(p.region)),
		Plane: plane{w, p, function}, Metrics: noMetrics{}, Log: silentLog, Holder: p.String(),
		Random: func() uint32 { w.tokens++; return uint32(w.tokens) },
		Budget: repository.Budget{}, Essentials: w.essentials(p), Sleep: p.pause,
	}
	if w.mutation.Snapshot != nil {
		w.mutation.Snapshot(p, &d)
	}
	return d
}

func (w *world) recoveryDeps(p *process) recovery.Deps {
	d := recovery.Deps{
		Settings: w.settings, Region: p.region, Own: w.seen(p, p.region), Other: w.seen(p, w.other(p.region)),
		Plane: plane{w, p, contract.Recovery}, Peer: caller{w, p}, Zone: zone{w, p}, Agent: opensearch.AgentPermissions(),
		Knock: func(ctx context.Context, endpoint string) error { return w.knock(ctx, p, endpoint) }, Parameters: parameters{w, p},
		Snapshot: w.snapshotDeps(p, contract.Recovery), Metrics: noMetrics{}, Log: silentLog, Holder: p.String(),
		Token: func() string { w.tokens++; return fmt.Sprint("token-", w.tokens) },
	}
	if w.mutation.Recovery != nil {
		w.mutation.Recovery(p, &d)
	}
	return d
}

// invoke a function and wait for its answer. It may run twice, die, outlive the
// one who asked, or answer into a link that is cut.
func invoke[T any](ctx context.Context, w *world, p *process, name, region, what string, body func(q *process) (T, error)) (out T, err error) {
	err = p.call(&call{ctx: ctx, op: "invoke", what: name + " " + region + " " + what, writes: true, to: target{region, functions}, later: func(answer func(error)) {
		var result T
		var failed error
		back := func(err error) {
			w.at(w.faults.latency(w.random, &call{}), func() {
				if w.reachable(p.region, target{region, functions}) != nil {
					err = errLost
				}
				out = result
				answer(err)
			})
		}
		q := w.begin(name, region, func(q *process) { result, failed = body(q) })
		q.done = func() { back(failed) }
		q.killed = func() { back(errFunction) }
		if !w.faults.quiet && w.random.IntN(200) == 0 { // the client repeats, the first one runs on
			w.at(time.Duration(w.random.IntN(30))*time.Second, func() {
				w.begin(name, region, func(q *process) { _, _ = body(q) })
			})
		}
	}})
	return out, err
}

// begin a function's run. It knows when its time is over.
func (w *world) begin(name, region string, body func(q *process)) *process {
	q := w.start(name, region, true, body)
	q.ctx, _ = w.WithDeadline(q.ctx, w.now.Add(limit))
	w.at(limit, func() { w.kill(q, "its time is over") })
	return q
}

// caller asks the product's functions for a process.
type caller struct {
	w *world
	p *process
}

func (c caller) Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	if u := req.Wish.UnreachableRegion; u != "" {
		c.w.givenUp[u] = c.w.now
	}
	return invoke(ctx, c.w, c.p, contract.Recovery, region, req.Action, func(q *process) (contract.RecoveryStatus, error) {
		return c.w.recovery(q, req)
	})
}

func (w *world) recovery(q *process, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	if w.mutation.Request != nil {
		w.mutation.Request(w, q.region, &req)
	}
	s, err := recovery.Handle(q.ctx, w.recoveryDeps(q), req)
	if w.mutation.Told != nil {
		w.mutation.Told(&s)
	}
	w.heard(q, req.Action, s, err)
	return s, err
}

// heard is what the history says of an answer.
func (w *world) heard(q *process, action string, s contract.RecoveryStatus, err error) {
	if q.dead {
		return
	}
	if s.Phase == "active" { // whatever it does then, it says all that there is to say
		w.names(q.region, s)
	}
	if w.log == nil {
		return
	}
	w.log.add(w.now, q, fmt.Sprintf("%s answers: %s done=%t gen=%d waits=%q refuses=%q notices=%q", action, s.Phase, s.Done, s.Generation, s.WaitingFor, s.Refusal, s.Notices), err)
}

// Snapshot is asked for and not waited for; it may come late, and twice.
func (c caller) Snapshot(ctx context.Context, region string, req contract.SnapshotRequest) error {
	return c.p.call(&call{ctx: ctx, op: "ask snapshot", what: region, to: target{region, functions}, effect: func() error {
		c.w.snapshotSoon(region, req.Reason)
		return nil
	}})
}

func (w *world) snapshotSoon(region, reason string) {
	times := 1
	if !w.faults.quiet && w.random.IntN(20) == 0 {
		times = 2
	}
	for range times {
		d := time.Duration(w.random.IntN(3000)) * time.Millisecond
		if !w.faults.quiet && w.random.IntN(20) == 0 {
			d += time.Duration(w.random.IntN(120)) * time.Second
		}
		w.at(d, func() { w.snapshot(region, reason) })
	}
}

func (w *world) snapshot(region, reason string) {
	if w.reachable(region, target{region, functions}) != nil {
		return
	}
	w.begin(contract.Snapshot, region, func(q *process) {
		r, err := snapshot.Run(q.ctx, w.snapshotDeps(q, contract.Snapshot), contract.SnapshotRequest{Reason: reason})
		if w.log != nil && !q.dead {
			w.log.add(w.now, q, fmt.Sprintf("answers: started=%q settled=%q skipped=%q pruned=%q notices=%q", r.Started, r.Settled, r.Skipped, r.Pruned, r.Notices), err)
		}
	})
}

func (w *world) tick(region string) {
	if w.reachable(region, target{region, functions}) != nil {
		return
	}
	w.begin(contract.Recovery, region, func(q *process) {
		_, _ = w.recovery(q, contract.RecoveryRequest{Action: contract.ActionTick, Standby: w.standby()})
	})
}

// asked is a custom resource's function: promotion or gate.
func (w *world) asked(ctx context.Context, p *process, function, region string, e custom.Event) (custom.Answer, error) {
	return invoke(ctx, w, p, function, region, string(e.RequestType)+" "+e.ResourceType, func(q *process) (custom.Answer, error) {
		skew := w.places[region].skew
		h := custom.Handler{
			Settings: w.settings, Region: region, Functions: caller{w, q}, Stacks: stackStatus{w, q}, Log: silentLog,
			Now: func() time.Time { return w.now.Add(skew) },
		}
		if w.mutation.Custom != nil {
			w.mutation.Custom(q, &h)
		}
		return h.Handle(q.ctx, e)
	})
}

func (w *world) traffic(ctx context.Context, p *process, region string, e cfn.Event) (map[string]any, error) {
	return invoke(ctx, w, p, contract.Traffic, region, string(e.RequestType), func(q *process) (map[string]any, error) {
		_, data, err := custom.Traffic{
			Settings: w.settings, Primary: w.seen(q, east), Secondary: w.seen(q, west), Zone: zone{w, q}, Stacks: stackStatus{w, q}, Log: silentLog,
		}.Handle(q.ctx, e)
		return data, err
	})
}

// stackStatus is CloudFormation as a function sees it.
type stackStatus struct {
	w *world
	p *process
}

func (s stackStatus) RollingBack(ctx context.Context, id string) (back bool, err error) {
	st := s.w.stacks[id]
	err = s.p.call(&call{ctx: ctx, op: "describe stack", what: id, to: target{st.region, control}, effect: func() error {
		back = st.rollingBack()
		return nil
	}})
	return back, err
}

// knock at a domain: whatever HTTP answers is an answer.
func (w *world) knock(ctx context.Context, p *process, endpoint string) error {
	d := w.byEndpoint(endpoint)
	if d == nil {
		return errRefused
	}
	return p.call(&call{ctx: ctx, op: "knock", what: endpoint, to: target{d.region, domains}, effect: func() error {
		if d.gone {
			return errRefused
		}
		return nil
	}})
}

// parameters of the process's own Region.
type parameters struct {
	w *world
	p *process
}

func (v parameters) Parameter(ctx context.Context, name string) (out string, err error) {
	err = v.p.call(&call{ctx: ctx, op: "get parameter", to: target{v.p.region, control}, effect: func() error {
		out = v.w.places[v.p.region].parameter
		return nil
	}})
	return out, err
}

func (v parameters) PutParameter(ctx context.Context, name, value string) error {
	return v.p.call(&call{ctx: ctx, op: "put parameter", what: value, writes: true, to: target{v.p.region, control}, effect: func() error {
		v.w.places[v.p.region].parameter = value
		return nil
	}})
}
