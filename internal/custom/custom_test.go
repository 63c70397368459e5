package custom_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
)

const (
	east = "us-east-1"
	west = "us-west-2"
)

// stage is CloudFormation, the framework and the controller around one handler.
type stage struct {
	t        *testing.T
	now      time.Time
	rollback bool
	throttle error                              // of DescribeStacks
	answers  map[string]contract.RecoveryStatus // by action
	err      error
	asked    []string
	snapErr  error
	snaps    []string
}

func (s *stage) Recovery(_ context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	s.asked = append(s.asked, req.Action+" "+region)
	return s.answers[req.Action], s.err
}

func (s *stage) Snapshot(_ context.Context, region string, req contract.SnapshotRequest) error {
	s.snaps = append(s.snaps, req.Reason+" "+region)
	return s.snapErr
}

func (s *stage) RollingBack(context.Context, string) (bool, error) { return s.rollback, s.throttle }

func newStage(t *testing.T) *stage {
	return &stage{t: t, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), answers: map[string]contract.RecoveryStatus{}}
}

func (s *stage) handle(e custom.Event) (custom.Answer, error) {
	return custom.Handler{
		Settings: contract.Settings{Name: "films", PrimaryRegion: east, SecondaryRegion: west}, Region: e.ResourceProperties["Region"].(string),
		Functions: s, Stacks: s, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now },
	}.Handle(s.t.Context(), e)
}

func event(kind string, request cfn.RequestType, region, active string, more ...string) custom.Event {
	p := map[string]any{"ServiceToken": "arn", "Region": region, "ActiveRegion": active}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	e := custom.Event{Event: cfn.Event{RequestType: request, ResourceType: kind, RequestID: "r", StackID: "stack", ResourceProperties: p}}
	if request != cfn.RequestCreate {
		e.PhysicalResourceID = "as it was"
	}
	return e
}

// begin is the framework's onEvent: its answer is merged into the event, through
// JSON, as framework.js does it.
func (s *stage) begin(e custom.Event) custom.Event {
	s.t.Helper()
	a, err := s.handle(e)
	if err != nil {
		s.t.Fatal(err)
	}
	if a.IsComplete != nil {
		s.t.Fatal("onEvent answered as isComplete")
	}
	merged := map[string]any{}
	for _, part := range []any{e, a} {
		body, _ := json.Marshal(part)
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			s.t.Fatal(err)
		}
		maps.Copy(merged, m)
	}
	body, _ := json.Marshal(merged)
	var out custom.Event
	if err := json.Unmarshal(body, &out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *stage) look(e custom.Event) (bool, error) {
	s.t.Helper()
	a, err := s.handle(e)
	if err != nil {
		return false, err
	}
	if a.IsComplete == nil {
		s.t.Fatal("isComplete answered as onEvent")
	}
	if !*a.IsComplete && len(a.Data) > 0 {
		s.t.Error("Data is not allowed while IsComplete is false")
	}
	return *a.IsComplete, nil
}

func TestPromotion(t *testing.T) {
	s := newStage(t)
	e := s.begin(event(contract.TypePromotion, cfn.RequestCreate, east, east))
	if len(s.asked) > 0 {
		t.Errorf("onEvent acted: %v", s.asked)
	}
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{WaitingFor: "the domain", Phase: "looking at the domain"}
	if done, err := s.look(e); done || err != nil {
		t.Errorf("%v %v", done, err)
	}
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{Done: true, Endpoint: "search-films", Generation: 1}
	if done, err := s.look(e); !done || err != nil {
		t.Errorf("%v %v", done, err)
	}
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{Refusal: "cdk.json says A"}
	if _, err := s.look(e); err == nil || err.Error() != "cdk.json says A" {
		t.Errorf("a refusal is the sentence itself: %v", err)
	}
}

// TestH81_TheDeploymentPrintsWhatNeedsAttention: the output is there in each answer,
// also in a rollback, and names each index that is not as it was.
func TestH81_TheDeploymentPrintsWhatNeedsAttention(t *testing.T) {
	read := func(s *stage, e custom.Event) string {
		t.Helper()
		begun := s.begin(e)
		a, err := s.handle(begun)
		if err != nil {
			t.Fatal(err)
		}
		merged := maps.Clone(begun.Data)
		maps.Copy(merged, a.Data)
		return merged[contract.AttributeAttention]
	}
	ask := event(contract.TypePromotion, cfn.RequestUpdate, west, west)
	s := newStage(t)
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{
		Done: true, Generation: 2, ActiveRegion: west,
		Fates:     []contract.Fate{{Index: "movies", Fate: contract.FateRestored}, {Index: "sorted", Fate: contract.FateLeftOut}},
		Attention: []contract.Attention{{Code: contract.AttentionReplay, Subject: "alias films", Text: "it is refused", Hint: "Put it by hand"}},
	}
	got := read(s, ask)
	for _, part := range []string{"generation 2", "index sorted is left-out", "alias films: it is refused. Put it by hand"} {
		if !strings.Contains(got, part) {
			t.Errorf("the output lacks %q: %s", part, got)
		}
	}
	if strings.Contains(got, "movies") {
		t.Errorf("the output names what is as it was: %s", got)
	}
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{Done: true, Generation: 2, ActiveRegion: west}
	if got := read(s, ask); !strings.Contains(got, "nothing needs attention") {
		t.Error(got)
	}
	many := contract.RecoveryStatus{Done: true}
	for n := range 500 {
		many.Fates = append(many.Fates, contract.Fate{Index: fmt.Sprint("index-", n), Fate: contract.FateLeftOut})
	}
	s.answers[contract.ActionPromote] = many
	if got := read(s, ask); len(got) > 3000 {
		t.Errorf("the output has %d bytes; CloudFormation takes 4 KB for an answer", len(got))
	}
	s.rollback = true
	if got := read(s, ask); got == "" {
		t.Error("a rollback has no output: CloudFormation fails where an attribute is missing")
	}
}

func TestPromotionAsksNothing(t *testing.T) {
	for _, e := range []custom.Event{
		event(contract.TypePromotion, cfn.RequestDelete, east, east),
		event(contract.TypePromotion, cfn.RequestCreate, west, east),
		event(contract.TypeMeant, cfn.RequestDelete, east, east),
		event(contract.TypeGate, cfn.RequestUpdate, east, east, "DomainWanted", "true"),
	} {
		s := newStage(t)
		done, err := s.look(s.begin(e))
		if !done || err != nil || len(s.asked) > 0 {
			t.Errorf("%s %s: %v %v, asked %v", e.ResourceType, e.RequestType, done, err, s.asked)
		}
	}
}

func TestH4_U1_RollbackNeverActsAndSucceeds(t *testing.T) {
	for _, kind := range []string{contract.TypeMeant, contract.TypePromotion, contract.TypeGate} {
		for _, request := range []cfn.RequestType{cfn.RequestUpdate, cfn.RequestDelete} {
			s := newStage(t)
			s.rollback, s.err = true, errors.New("must not be asked")
			done, err := s.look(s.begin(event(kind, request, east, east)))
			if !done || err != nil || len(s.asked)+len(s.snaps) > 0 {
				t.Errorf("%s %s: %v %v, asked %v", kind, request, done, err, s.asked)
			}
		}
	}
}

func TestU2_OutlivingWaiterActsNoMore(t *testing.T) {
	s := newStage(t)
	e := s.begin(event(contract.TypePromotion, cfn.RequestUpdate, west, west))
	s.rollback = true
	if _, err := s.look(e); err == nil || len(s.asked) > 0 {
		t.Errorf("%v, asked %v", err, s.asked)
	}
}

func TestU2_OwnDeadlineAndMessage(t *testing.T) {
	s := newStage(t)
	e := s.begin(event(contract.TypePromotion, cfn.RequestCreate, east, east))
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{WaitingFor: "the domain: being created", Phase: "looking at the domain", Percent: 40}
	s.now = s.now.Add(49 * time.Minute)
	if done, err := s.look(e); done || err != nil {
		t.Errorf("%v %v", done, err)
	}
	s.now = s.now.Add(2 * time.Minute)
	_, err := s.look(e)
	if err == nil || !strings.Contains(err.Error(), "being created") || !strings.Contains(err.Error(), "run the same command again") || len(err.Error()) > 300 {
		t.Errorf("%v", err)
	}
}

func TestF13_AControllerThatFailsIsGivenMinutes(t *testing.T) {
	s := newStage(t)
	e := s.begin(event(contract.TypePromotion, cfn.RequestCreate, east, east))
	s.err = errors.New("AccessDenied")
	if done, err := s.look(e); done || err != nil {
		t.Errorf("%v %v", done, err)
	}
	s.now = s.now.Add(6 * time.Minute)
	if _, err := s.look(e); err == nil {
		t.Error("it waits for ever")
	}
}

func TestH47_PhysicalIDsAreConstant(t *testing.T) {
	s := newStage(t)
	for _, kind := range []string{contract.TypeMeant, contract.TypeGate, contract.TypePromotion} {
		a, err := s.handle(event(kind, cfn.RequestCreate, east, east))
		b, _ := s.handle(event(kind, cfn.RequestCreate, east, west))
		if err != nil || a.PhysicalResourceID == "" || a.PhysicalResourceID != b.PhysicalResourceID {
			t.Errorf("%s: %q %q %v", kind, a.PhysicalResourceID, b.PhysicalResourceID, err)
		}
		u, _ := s.handle(event(kind, cfn.RequestUpdate, east, west))
		if u.PhysicalResourceID != "as it was" {
			t.Errorf("%s: an update changes the id to %q", kind, u.PhysicalResourceID)
		}
	}
}

func TestH2_MeantRefusesBeforeADomainIsMade(t *testing.T) {
	s := newStage(t)
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Refusal: "cdk.json says A, the ledger says B"}
	_, err := s.look(s.begin(event(contract.TypeMeant, cfn.RequestCreate, east, east)))
	if err == nil || !strings.Contains(err.Error(), "cdk.json says A") {
		t.Errorf("%v", err)
	}
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true}
	if done, err := s.look(s.begin(event(contract.TypeMeant, cfn.RequestCreate, east, east))); !done || err != nil {
		t.Errorf("%v %v", done, err)
	}
}

func TestGateOnDelete(t *testing.T) {
	s := newStage(t)
	s.answers[contract.ActionRelease] = contract.RecoveryStatus{Refusal: "the domain is kept"}
	if _, err := s.look(s.begin(event(contract.TypeGate, cfn.RequestDelete, west, east))); err == nil {
		t.Error("the domain is let go")
	}
	s.answers[contract.ActionRelease] = contract.RecoveryStatus{Done: true}
	if done, err := s.look(s.begin(event(contract.TypeGate, cfn.RequestDelete, west, east))); !done || err != nil {
		t.Errorf("%v %v", done, err)
	}
}

func TestH14_H27_GateBringsTheLedgerAndBlocksNothing(t *testing.T) {
	s := newStage(t)
	s.answers[contract.ActionRelease] = contract.RecoveryStatus{Done: true}
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true, Generation: 1}
	s.snapErr = errors.New("the snapshot function is away")
	e := s.begin(event(contract.TypeGate, cfn.RequestCreate, west, east, "DomainWanted", "false"))
	if done, err := s.look(e); done || err != nil {
		t.Errorf("without the ledger: %v %v", done, err)
	}
	if got := s.asked[len(s.asked)-1]; got != "tick "+west {
		t.Errorf("asked %v", s.asked)
	}
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true, Generation: 1, OwnGeneration: 1}
	if done, err := s.look(e); !done || err != nil {
		t.Errorf("with the ledger: %v %v", done, err)
	}
	if len(s.snaps) != 1 || s.snaps[0] != "gate "+east {
		t.Errorf("snapshots %v", s.snaps)
	}
}

func TestGateKeepsADomainThatIsNoLongerWanted(t *testing.T) {
	s := newStage(t)
	s.answers[contract.ActionRelease] = contract.RecoveryStatus{Refusal: "it holds 3 documents"}
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true, Generation: 1, OwnGeneration: 1}
	if _, err := s.look(s.begin(event(contract.TypeGate, cfn.RequestUpdate, west, east, "DomainWanted", "false"))); err == nil {
		t.Error("let go")
	}
	if done, err := s.look(s.begin(event(contract.TypeGate, cfn.RequestUpdate, west, east, "DomainWanted", "true"))); !done || err != nil {
		t.Errorf("a warm standby: %v %v", done, err)
	}
}

// A DescribeStacks that fails must neither fail a rollback nor let anything act.
func TestU1_CloudFormationThatDoesNotSayWhetherItRollsBack(t *testing.T) {
	throttled := errors.New("Throttling: Rate exceeded")
	for _, kind := range []string{contract.TypeMeant, contract.TypeGate, contract.TypePromotion} {
		s := newStage(t)
		s.rollback, s.throttle = true, throttled
		e := s.begin(event(kind, cfn.RequestUpdate, east, east))
		if done, err := s.look(e); done || err != nil {
			t.Errorf("%s, throttled: %v %v", kind, done, err)
		}
		s.throttle = nil
		if done, err := s.look(e); !done || err != nil {
			t.Errorf("%s: the rollback fails: %v %v", kind, done, err)
		}
		s.throttle, s.now = throttled, s.now.Add(deadlineAndMore)
		if done, err := s.look(e); !done || err != nil {
			t.Errorf("%s: never told, the rollback fails: %v %v", kind, done, err)
		}
		if len(s.asked)+len(s.snaps) > 0 {
			t.Errorf("%s: it acted: %v %v", kind, s.asked, s.snaps)
		}
	}

	s := newStage(t)
	s.throttle = throttled
	e := s.begin(event(contract.TypePromotion, cfn.RequestUpdate, east, east))
	s.throttle = nil
	s.answers[contract.ActionPromote] = contract.RecoveryStatus{Done: true}
	if done, err := s.look(e); !done || err != nil || len(s.asked) != 1 {
		t.Errorf("told late that it is none: %v %v, asked %v", done, err, s.asked)
	}
}

const deadlineAndMore = 51 * time.Minute

func TestU1_ForwardOrRemovalThatNobodyCanTellKeepsEverything(t *testing.T) {
	s := newStage(t)
	e := s.begin(event(contract.TypePromotion, cfn.RequestUpdate, east, east))
	s.throttle = errors.New("Throttling: Rate exceeded")
	if done, err := s.look(e); done || err != nil {
		t.Errorf("it asks again: %v %v", done, err)
	}
	s.now = s.now.Add(deadlineAndMore)
	if _, err := s.look(e); err == nil {
		t.Error("a step forward that was not taken is no error")
	}

	s = newStage(t)
	s.throttle = errors.New("Throttling: Rate exceeded")
	s.answers[contract.ActionRelease] = contract.RecoveryStatus{Done: true}
	e = s.begin(event(contract.TypeGate, cfn.RequestDelete, west, east))
	s.now = s.now.Add(deadlineAndMore)
	if done, err := s.look(e); done || err == nil || len(s.asked) > 0 {
		t.Errorf("a removal: %v %v, asked %v", done, err, s.asked)
	}
}

func TestH14_GateDoesNotTakeAnUnknownLedgerForNone(t *testing.T) {
	e := event(contract.TypeGate, cfn.RequestCreate, west, east, "DomainWanted", "true")
	s := newStage(t)
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true, LedgerError: "the ledger of us-east-1 cannot be read", LedgerUnknown: true}
	begun := s.begin(e)
	if done, err := s.look(begun); done || err != nil {
		t.Errorf("unknown: %v %v", done, err)
	}
	s.now = s.now.Add(deadlineAndMore)
	if _, err := s.look(begun); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("unknown for good: %v", err)
	}
	s = newStage(t)
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true, LedgerError: "dispute over generation 2"}
	if _, err := s.look(s.begin(e)); err == nil || !strings.Contains(err.Error(), "dispute over generation 2") {
		t.Errorf("dispute: %v", err)
	}
	s = newStage(t)
	s.answers[contract.ActionStatus] = contract.RecoveryStatus{Done: true}
	if done, err := s.look(s.begin(e)); !done || err != nil {
		t.Errorf("nobody was promoted yet: %v %v", done, err)
	}
}
