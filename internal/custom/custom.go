// Package custom translates CloudFormation's questions into the controller's
// answers. A rollback never acts and always succeeds (U1): it is CloudFormation
// taking a step back, and taking a domain or the record with it would be the
// opposite of that. Nothing is decided here; whoever refuses, refuses with the
// controller's sentence.
//
// Meant, Gate and Promotion come through the CDK Provider framework, whose
// onEvent and isComplete are the same function here: onEvent answers with
// Data.Asked, the framework hands its answer back with every later question, so
// an event that carries it is an isComplete. onEvent only writes down when it
// began; every look is a short call, and each has the deadline in view (U2).
package custom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
)

const (
	// deadline is ours, so that a person reads what is waited for; the framework's
	// total timeout (55 min) and CloudFormation's hour only say "timed out" (U2).
	deadline = 50 * time.Minute
	// patience with a controller that fails: a role or a function made seconds ago,
	// a blip. After it an error is an answer.
	patience = 5 * time.Minute
)

// Keys of Data that onEvent leaves for isComplete. CloudFormation gets them as
// attributes too; nobody reads them.
const (
	dataAsked    = "Asked"
	dataStarted  = "Started"  // Unix seconds
	dataRollback = "Rollback" // "true": the event is part of one; "unknown": CloudFormation did not say
)

// Functions asks the product's own functions.
type Functions interface {
	Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error)
	// Snapshot asks for a run and does not wait for it.
	Snapshot(ctx context.Context, region string, req contract.SnapshotRequest) error
}

// Stacks looks at CloudFormation.
type Stacks interface {
	RollingBack(ctx context.Context, stackID string) (bool, error)
}

// Event of the Provider framework: CloudFormation's, and from isComplete on what
// onEvent answered.
type Event struct {
	cfn.Event
	Data map[string]string `json:"Data,omitempty"`
}

// Answer to the framework. IsComplete is nil for an onEvent; Data must be empty
// while it is false.
type Answer struct {
	PhysicalResourceID string            `json:"PhysicalResourceId"`
	Data               map[string]string `json:"Data,omitempty"`
	IsComplete         *bool             `json:"IsComplete,omitempty"`
}

// Handler of Meant, Gate and Promotion in one Region.
type Handler struct {
	Settings  contract.Settings
	Region    string
	Functions Functions
	Stacks    Stacks
	Log       *slog.Logger
	Now       func() time.Time
}

// question is one event, decoded.
type question struct {
	event    Event
	wish     contract.WishProperties
	started  time.Time
	rollback bool
}

// verdict of one look.
type verdict struct {
	done    bool
	waiting string
	data    map[string]string
}

// Handle one event.
func (h Handler) Handle(ctx context.Context, e Event) (Answer, error) {
	a, err := h.handle(ctx, e)
	h.Log.InfoContext(ctx, "custom resource", "type", e.ResourceType, "request", e.RequestType, "requestId", e.RequestID,
		"asked", e.Data[dataAsked] != "", "answer", a, "failed", err != nil)
	return a, err
}

func (h Handler) handle(ctx context.Context, e Event) (Answer, error) {
	id, err := h.physicalID(e.ResourceType)
	if err != nil {
		return Answer{}, err
	}
	if e.PhysicalResourceID != "" && e.RequestType != cfn.RequestCreate {
		id = e.PhysicalResourceID // a changed id would be a Delete of the old one (H47)
	}
	if e.Data[dataAsked] == "" {
		return h.onEvent(ctx, e, id)
	}
	q, err := decode(e)
	if err != nil {
		return Answer{}, err
	}
	v, err := h.look(ctx, q)
	if err != nil {
		return Answer{}, err
	}
	return Answer{PhysicalResourceID: id, IsComplete: &v.done, Data: v.data}, nil
}

// physicalID is constant for each kind and Region (H47).
func (h Handler) physicalID(kind string) (string, error) {
	switch kind {
	case contract.TypeMeant:
		return h.Settings.Name + "-meant-" + h.Region, nil
	case contract.TypeGate:
		return h.Settings.Name + "-gate-" + h.Region, nil
	case contract.TypePromotion:
		return h.Settings.Name + "-promotion-" + h.Region, nil
	}
	return "", fmt.Errorf("custom resource type %q is not known here", kind)
}

func (h Handler) onEvent(ctx context.Context, e Event, id string) (Answer, error) {
	data := map[string]string{dataAsked: "true", dataStarted: strconv.FormatInt(h.Now().Unix(), 10)}
	back, err := h.rollingBack(ctx, e)
	switch {
	case err != nil: // an error here would fail the rollback that this may be (U1)
		h.Log.WarnContext(ctx, "CloudFormation does not say whether this is a rollback; each look asks it again", "error", err.Error())
		data[dataRollback] = rollbackUnknown
	case back:
		data[dataRollback] = "true"
	}
	if e.ResourceType == contract.TypePromotion {
		// CloudFormation reads the attribute for the stack's output, also where nothing
		// is asked, as in a rollback. What is asked answers over it.
		data[contract.AttributeAttention] = "nothing was asked: `osdr status` reports what needs attention"
	}
	return Answer{PhysicalResourceID: id, Data: data}, nil
}

// rollingBack: CloudFormation never creates in a rollback.
func (h Handler) rollingBack(ctx context.Context, e Event) (bool, error) {
	if e.RequestType == cfn.RequestCreate {
		return false, nil
	}
	return h.Stacks.RollingBack(ctx, e.StackID)
}

func decode(e Event) (question, error) {
	q := question{event: e, rollback: e.Data[dataRollback] == "true"}
	seconds, err := strconv.ParseInt(e.Data[dataStarted], 10, 64)
	if err != nil {
		return q, fmt.Errorf("read when the request began: %w", err)
	}
	q.started = time.Unix(seconds, 0)
	raw, err := json.Marshal(e.ResourceProperties)
	if err != nil {
		return q, fmt.Errorf("read the properties: %w", err)
	}
	if err := json.Unmarshal(raw, &q.wish); err != nil {
		return q, fmt.Errorf("read the properties of %s: %w", e.ResourceType, err)
	}
	return q, nil
}

// look once.
func (h Handler) look(ctx context.Context, q question) (verdict, error) {
	if q.rollback {
		return verdict{done: true}, nil
	}
	back, err := h.Stacks.RollingBack(ctx, q.event.StackID)
	if err != nil {
		return h.untold(ctx, q, err)
	}
	if back && q.event.Data[dataRollback] == rollbackUnknown {
		return verdict{done: true}, nil // the rollback's own event, or one that nobody waits for any more
	}
	if back { // the waiter of a deployment that CloudFormation has given up (U2, H3)
		return verdict{}, errors.New("the stack is rolling back: this request is over and asks for nothing more")
	}
	v, err := h.ask(ctx, q)
	age := h.Now().Sub(q.started)
	switch {
	case err != nil && age < patience && !errors.As(err, new(refused)):
		h.Log.WarnContext(ctx, "the controller does not answer yet", "error", err.Error())
		return verdict{}, nil
	case err != nil:
		return verdict{}, err
	case !v.done && age > deadline:
		return verdict{}, fmt.Errorf("after %d minutes still waiting for %s. Nothing is lost; run the same command again, it goes on where it is", int(deadline.Minutes()), v.waiting)
	}
	if !v.done {
		h.Log.InfoContext(ctx, "waiting", "for", v.waiting)
		v.data = nil
	}
	return v, nil
}

// refused is the controller's sentence.
type refused string

func (r refused) Error() string { return string(r) }

func (h Handler) ask(ctx context.Context, q question) (verdict, error) {
	switch q.event.ResourceType {
	case contract.TypeMeant:
		return h.meant(ctx, q)
	case contract.TypePromotion:
		return h.promotion(ctx, q)
	}
	return h.gate(ctx, q)
}

// recovery asks a controller; what it waits for and refuses is sorted here.
func (h Handler) recovery(ctx context.Context, q question, action string) (contract.RecoveryStatus, verdict, error) {
	s, err := h.Functions.Recovery(ctx, h.Region, contract.RecoveryRequest{Action: action, Wish: q.wish, RequestID: q.event.RequestID, RequestedAt: q.started.UTC()})
	switch {
	case err != nil:
		return s, verdict{}, err
	case s.Refusal != "":
		return s, verdict{}, refused(s.Refusal)
	case s.WaitingFor != "":
		if s.Loss != nil {
			h.Log.WarnContext(ctx, "loss window", "seconds", s.Loss.Seconds, "since", s.Loss.Since, "point", s.Loss.Point)
		}
		return s, verdict{waiting: fmt.Sprintf("%s (%s, %d %%)", s.WaitingFor, s.Phase, s.Percent)}, nil
	}
	return s, verdict{done: s.Done, waiting: s.Phase}, nil
}
