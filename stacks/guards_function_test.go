package stacks_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
)

func TestX5_NoReservedConcurrency(t *testing.T) {
	eachOf(t, []string{"AWS::Lambda::Function"}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String(), r.property("ReservedConcurrentExecutions"), nil)
	})
}

func TestU2_TheWaitEndsBeforeCloudFormationDoes(t *testing.T) {
	eachOf(t, []string{"AWS::StepFunctions::StateMachine"}, func(t *testing.T, _ variant, r resource) {
		definition := text(r.property("DefinitionString"))
		for _, want := range []string{`IntervalSeconds:5`, `MaxAttempts:660`} { // 55 minutes
			// Whole numbers of a JSON text inside another one, so that 110 is not 1100.
			if !regexp.MustCompile(`\b` + want + `\b`).MatchString(strings.NewReplacer(`\`, "", `"`, "").Replace(definition)) {
				t.Errorf("%s: no %s in %s", r, want, definition)
			}
		}
	})
	eachOf(t, []string{contract.TypePromotion, contract.TypeGate}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String(), r.property("ServiceTimeout"), "3600")
	})
}

func TestU1_TheAskedMayTellARollbackFromAChange(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role") {
			name := fmt.Sprint(r.property("RoleName"))
			if !regexp.MustCompile(`^osdr-(promotion|gate|traffic)-(us|eu)-`).MatchString(name) {
				continue
			}
			may := false
			for _, s := range identityStatements(r) {
				may = may || strings.Contains(text(s["Action"]), "cloudformation:DescribeStacks") && strings.Contains(text(s["Resource"]), ":stack/osdr-")
			}
			if !may {
				t.Errorf("%s cannot describe its own stacks", name)
			}
		}
	})
}

func TestD2_EveryFunctionFailsOnceAndIntoTheDeadLetters(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		async := map[string]resource{}
		for _, r := range a.resources("AWS::Lambda::EventInvokeConfig") {
			async[r.stack+text(r.property("FunctionName"))] = r
		}
		for _, f := range a.resources("AWS::Lambda::Function") {
			if f.property("Runtime") != "provided.al2023" {
				continue // the CDK's framework
			}
			r, ok := async[f.stack+`{"Ref":"`+f.id+`"}`]
			if !ok {
				t.Errorf("%s is tried three times", f)
				continue
			}
			equal(t, "retries", r.property("MaximumRetryAttempts"), 0)
			equal(t, "age", r.property("MaximumEventAgeInSeconds"), 60)
			if r.property("DestinationConfig", "OnFailure", "Destination") == nil {
				t.Errorf("%s fails in silence", f)
			}
			watched := slices.ContainsFunc(a.resources("AWS::CloudWatch::Alarm"), func(alarm resource) bool {
				return alarm.stack == f.stack && alarm.property("MetricName") == "Errors" &&
					strings.Contains(text(alarm.property("Dimensions")), `"Value":"`+fmt.Sprint(f.property("FunctionName"))+`"`)
			})
			if !watched {
				t.Errorf("no alarm tells of the errors of %s", f)
			}
		}
		for _, s := range a.resources("AWS::Scheduler::Schedule") {
			if s.property("Target", "DeadLetterConfig", "Arn") == nil || s.property("Target", "RetryPolicy") == nil {
				t.Errorf("%s has no dead letters or retry policy", s)
			}
		}
	})
}

// The control Region is one of the pair by default, and may be a third one, where
// no foundation makes a topic or a queue: names must not clash in the one, and an
// alarm must have somebody to tell in the other.
func TestD2_TheTrafficFunctionTellsSomebodyInEveryControlRegion(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		region := func(stack string) string {
			return a.stacks[stack].Environment[strings.LastIndex(a.stacks[stack].Environment, "/")+1:]
		}
		made := map[string]string{} // queue, topic or alias in a Region: by whom
		for _, r := range a.resources("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::KMS::Alias") {
			for _, property := range []string{"QueueName", "TopicName", "AliasName"} {
				if name, ok := r.property(property).(string); ok {
					key := region(r.stack) + " " + r.kind + " " + name
					if by, twice := made[key]; twice {
						t.Errorf("%s and %s both make %s", by, r, key)
					}
					made[key] = r.String()
				}
			}
		}
		// The Region that is left out has its topic; whether this run makes it or not.
		isThird := !strings.HasPrefix(region("osdr-traffic"), "us-")
		_, topic := made[region("osdr-traffic")+" AWS::SNS::Topic osdr-alarms"]
		equal(t, "a topic made by the traffic stack", strings.HasPrefix(made[region("osdr-traffic")+" AWS::SNS::Topic osdr-alarms"], "osdr-traffic/"), isThird)
		if !topic {
			t.Errorf("the alarms of %s go to a topic that nobody makes", region("osdr-traffic"))
		}
	})
}

func TestB13_SchedulesAreEventBridgeSchedulers(t *testing.T) {
	each(t, func(t *testing.T, v variant, a *assembly) {
		if got := a.resources("AWS::Events::Rule"); len(got) > 0 {
			t.Errorf("%v", got)
		}
		for _, r := range a.resources("AWS::Scheduler::Schedule") {
			if strings.Contains(r.stack, "-domain-") {
				want := "rate(30 minutes)"
				if v.name == "options" {
					want = "rate(1 minute)" // half of two
				}
				equal(t, r.String(), r.property("ScheduleExpression"), want)
				// X4(a): no role of its own.
				if role, ok := r.property("Target", "RoleArn").(string); !ok || !strings.Contains(role, ":role/osdr-scheduler-") {
					t.Errorf("%s runs as %v", r, r.property("Target", "RoleArn"))
				}
			}
		}
	})
}
