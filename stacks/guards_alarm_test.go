package stacks_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
)

func TestD1_EachRegionWatchesAgeAndSilenceBreaches(t *testing.T) {
	each(t, func(t *testing.T, v variant, a *assembly) {
		cfg, _ := configOf(t, v.flags)
		for stack := range a.stacks {
			if !strings.Contains(stack, "-foundation-") {
				continue
			}
			watch, schedule := false, false
			for _, r := range a.resources("AWS::CloudWatch::Alarm", "AWS::Scheduler::Schedule") {
				if r.stack != stack {
					continue
				}
				if r.property("MetricName") == contract.MetricPointAge {
					watch = true
					equal(t, "TreatMissingData", r.property("TreatMissingData"), "breaching")
					equal(t, "Threshold", r.property("Threshold"), cfg.RPOMinutes*60)
				}
				schedule = schedule || r.property("ScheduleExpression") == "rate(1 minute)"
			}
			if !watch || !schedule {
				t.Errorf("%s: alarm %v, schedule %v", stack, watch, schedule)
			}
		}
	})
}

func TestD3_CloudWatchMayUseTheTopicsKey(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, topic := range a.resources("AWS::SNS::Topic") {
			key := topic.property("KmsMasterKeyId").(object)["Fn::GetAtt"].([]any)[0].(string)
			for _, r := range a.resources("AWS::KMS::Key", "AWS::SNS::TopicPolicy") {
				if r.stack != topic.stack || r.kind == "AWS::KMS::Key" && r.id != key {
					continue
				}
				doc, action := text(r.property("KeyPolicy")), "kms:GenerateDataKey*"
				if r.kind == "AWS::SNS::TopicPolicy" {
					doc, action = text(r.property("PolicyDocument")), "sns:Publish"
				}
				for _, want := range []string{action, `"Service":"cloudwatch.amazonaws.com"`, `"aws:SourceAccount":"` + account + `"`} {
					if !strings.Contains(doc, want) {
						t.Errorf("%s does not hold %s: %s", r, want, doc)
					}
				}
			}
		}
		for _, r := range a.resources("AWS::CloudWatch::Alarm") {
			if !strings.HasSuffix(list(r.property("AlarmActions"))[0].(string), ":osdr-alarms") {
				t.Errorf("%s tells %v", r, r.property("AlarmActions"))
			}
		}
	})
}

func TestEveryAlarmLeadsToItsRunbook(t *testing.T) {
	eachOf(t, []string{"AWS::CloudWatch::Alarm"}, func(t *testing.T, _ variant, r resource) {
		what := strings.TrimPrefix(fmt.Sprint(r.property("AlarmName")), "osdr-")
		path := "docs/runbooks/" + what + ".md"
		if !strings.Contains(fmt.Sprint(r.property("AlarmDescription")), path) {
			t.Errorf("%s does not name %s", r, path)
		}
		if _, err := os.Stat(filepath.Join("..", path)); err != nil {
			t.Error(err)
		}
	})
}
