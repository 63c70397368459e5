package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
	"github.com/opensearch-dr/osdr/internal/route"
)

// stack with CloudFormation's behaviour: what did not change is not asked; a
// failure rolls back by an Update with the old properties, in reverse order; what
// is no longer in the template is deleted after success only; a waiter outlives
// the update that it belongs to.
type stack struct {
	name, region string
	status       string
	is           template
	cancelled    bool
	busy         bool
}

// template of any of the stacks.
type template struct {
	bucket    bool // foundation
	meant     *contract.WishProperties
	domain    bool
	gate      *contract.WishProperties
	schedule  bool
	promotion *contract.WishProperties
	traffic   *contract.TrafficProperties
}

func (s *stack) rollingBack() bool { return strings.Contains(s.status, "ROLLBACK") }

func (w *world) stack(name, region string) *stack {
	if w.stacks[name] == nil {
		w.stacks[name] = &stack{name: name, region: region}
	}
	return w.stacks[name]
}

var errBusy = errors.New("the stack is in progress")

// deploy one stack and wait for its end. The one who waits may die; the update
// goes on.
func (w *world) deploy(p *process, s *stack, to template) error {
	if s.busy {
		return errBusy
	}
	failed := s.status == "ROLLBACK_COMPLETE" || s.status == ""
	if !failed && reflect.DeepEqual(s.is, to) {
		return nil // cdk skips it
	}
	result := errors.New("nobody knows how it ended")
	s.busy, s.cancelled = true, false
	w.start("cloudformation "+s.name, "", false, func(q *process) {
		result = w.update(q, s, to)
		s.busy = false
	})
	for s.busy {
		p.sleep(5 * time.Second)
	}
	return result
}

// step of an update that can be taken back.
type undo struct {
	what string
	do   func(q *process) error
}

func (w *world) update(q *process, s *stack, to template) error {
	was := s.is
	created := s.status == "" || s.status == "ROLLBACK_COMPLETE"
	s.status = "UPDATE_IN_PROGRESS"
	if created {
		s.status = "CREATE_IN_PROGRESS"
	}
	w.log.add(w.now, q, s.status, nil)
	var done []undo
	err := w.forward(q, s, was, to, &done)
	if err == nil && s.cancelled {
		err = errors.New("cancelled")
	}
	if err != nil {
		s.status = "UPDATE_ROLLBACK_IN_PROGRESS"
		if created {
			s.status = "ROLLBACK_IN_PROGRESS"
		}
		w.log.add(w.now, q, s.status, err)
		for n := len(done) - 1; n >= 0; n-- {
			for try := 0; ; try++ {
				uerr := done[n].do(q)
				if uerr == nil {
					break
				}
				// continue-update-rollback, by a person
				w.log.add(w.now, q, "roll back "+done[n].what, uerr)
				w.stats.StuckRollbacks++
				q.sleep(2 * time.Minute)
			}
		}
		s.status = "UPDATE_ROLLBACK_COMPLETE"
		if created {
			s.status, s.is = "ROLLBACK_COMPLETE", template{bucket: s.is.bucket}
		}
		w.log.add(w.now, q, s.status, nil)
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.is = to
	s.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	if was.domain && !to.domain {
		w.cleanUp(q, s, to)
	}
	if was.promotion != nil && to.promotion == nil {
		_ = w.custom(q, s, contract.Promotion, contract.TypePromotion, cfn.RequestDelete, was.promotion, nil)
	}
	if was.meant != nil && to.meant == nil {
		_ = w.custom(q, s, contract.Gate, contract.TypeMeant, cfn.RequestDelete, was.meant, nil)
	}
	s.status = "UPDATE_COMPLETE"
	w.log.add(w.now, q, s.status, nil)
	return nil
}

// cleanUp deletes the domain; after three failures CloudFormation forgets it.
func (w *world) cleanUp(q *process, s *stack, to template) {
	for range 3 {
		_ = q.call(&call{ctx: context.Background(), op: "delete domain", what: s.region, to: target{s.region, control}, effect: func() error {
			if d := w.places[s.region].domain; d != nil {
				w.removeDomain(d, to.gate != nil && to.gate.AbandonDomain == d.cluster.UUID())
			}
			return nil
		}})
		if w.places[s.region].domain == nil {
			return
		}
		q.sleep(10 * time.Second)
	}
}

func (w *world) forward(q *process, s *stack, was, to template, done *[]undo) error {
	q.sleep(time.Duration(2+w.random.IntN(20)) * time.Second)
	if to.bucket && !was.bucket {
		w.places[s.region].bucket.absent = false
		s.is.bucket = true
	}
	ask := func(function, kind string, old, now *contract.WishProperties) error {
		if now == nil || old != nil && *old == *now {
			return nil
		}
		request := cfn.RequestCreate
		if old != nil {
			request = cfn.RequestUpdate
			*done = append(*done, undo{kind, func(q *process) error {
				return w.custom(q, s, function, kind, cfn.RequestUpdate, old, now)
			}})
		} else {
			*done = append(*done, undo{kind, func(q *process) error {
				return w.custom(q, s, function, kind, cfn.RequestDelete, now, nil)
			}})
		}
		return w.custom(q, s, function, kind, request, now, old)
	}
	if err := ask(contract.Gate, contract.TypeMeant, was.meant, to.meant); err != nil {
		return err
	}
	if to.domain && !was.domain {
		if w.places[s.region].domain != nil {
			return fmt.Errorf("domain %s already exists in %s", w.settings.Name, s.region)
		}
		d := w.makeDomain(s.region, time.Duration(30+w.random.IntN(600))*time.Second)
		w.log.add(w.now, q, "creates domain "+d.endpoint+" "+d.cluster.UUID(), nil)
		*done = append(*done, undo{"domain", func(*process) error {
			if !d.gone {
				w.removeDomain(d, false)
			}
			return nil
		}})
		for w.now.Before(d.ready) {
			q.sleep(10 * time.Second)
			if s.cancelled {
				return errors.New("cancelled")
			}
		}
	}
	if err := ask(contract.Gate, contract.TypeGate, was.gate, to.gate); err != nil {
		return err
	}
	if err := ask(contract.Promotion, contract.TypePromotion, was.promotion, to.promotion); err != nil {
		return err
	}
	if to.traffic != nil && (was.traffic == nil || *was.traffic != *to.traffic) {
		return w.forwardTraffic(q, s, was, done)
	}
	return nil
}

// forwardTraffic asks what the ledger says and sets the record to it, when it
// differs from what this stack set last.
func (w *world) forwardTraffic(q *process, s *stack, was template, done *[]undo) error {
	set := func(q *process, request cfn.RequestType) error {
		w.opened++
		event := cfn.Event{RequestType: request, RequestID: fmt.Sprint("traffic-", w.opened), StackID: s.name, ResourceType: contract.TypeTraffic}
		data, err := w.traffic(context.Background(), q, s.region, event)
		if err != nil {
			return err
		}
		endpoint, _ := data[contract.AttributeEndpoint].(string)
		mark, _ := data[contract.AttributeActive].(string)
		return q.call(&call{ctx: context.Background(), op: "cloudformation sets record", what: endpoint, to: target{part: nobody}, effect: func() error {
			r := route.Record{Type: "CNAME", Target: endpoint, TTL: 60, Mark: strings.Trim(mark, `"`), MarkTTL: 60}
			if r == w.lastSet {
				return nil
			}
			if w.routeOff {
				return errors.New("route 53 takes no changes")
			}
			w.setRecord(r)
			w.lastSet = r
			return nil
		}})
	}
	if was.traffic != nil {
		*done = append(*done, undo{"traffic", func(q *process) error { return set(q, cfn.RequestUpdate) }})
		return set(q, cfn.RequestUpdate)
	}
	return set(q, cfn.RequestCreate)
}

// custom resource behind the Provider framework. Whoever waits here may be called
// off; the framework's own waiter goes on to its end.
func (w *world) custom(q *process, s *stack, function, kind string, request cfn.RequestType, now, old *contract.WishProperties) error {
	w.opened++
	e := custom.Event{Event: cfn.Event{
		RequestType: request, RequestID: fmt.Sprint("request-", w.opened), StackID: s.name, ResourceType: kind,
		ResourceProperties: properties(now), OldResourceProperties: properties(old),
	}}
	if request != cfn.RequestCreate {
		e.PhysicalResourceID = w.settings.Name + "-" + strings.ToLower(strings.TrimPrefix(kind, "Custom::")) + "-" + s.region
	}
	var err error
	over := false
	w.start("waiter "+e.RequestID, s.region, false, func(p *process) {
		err = w.wait(p, s, function, e)
		over = true
	})
	for !over {
		q.sleep(5 * time.Second)
		if s.cancelled && !s.rollingBack() {
			return errors.New("cancelled")
		}
	}
	return err
}

func (w *world) wait(p *process, s *stack, function string, e custom.Event) error {
	ctx := context.Background()
	first, err := w.asked(ctx, p, function, s.region, e)
	if err != nil {
		return err
	}
	e.Data, e.PhysicalResourceID = first.Data, first.PhysicalResourceID
	for began := w.now; w.now.Sub(began) < 55*time.Minute; {
		p.sleep(time.Duration(20+w.random.IntN(50)) * time.Second)
		next, err := w.asked(ctx, p, function, s.region, e)
		if err != nil {
			return err
		}
		if *next.IsComplete {
			return nil
		}
	}
	return errors.New("the waiter's time is over")
}

func properties(w *contract.WishProperties) map[string]any {
	if w == nil {
		return nil
	}
	raw, _ := json.Marshal(w) // strings only
	var out map[string]any
	_ = json.Unmarshal(raw, &out)
	return out
}
