package stacks

import (
	"fmt"

	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/alarm"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// own alarm: on one of the product's metrics.
func (v Variables) own(scope constructs.Construct, region, id, what string, a alarm.Config) {
	a.Name, a.Runbook, a.Topic = v.Names.Alarm(what), what, v.Names.AlarmTopicARN(region)
	a.Namespace, a.Dimensions = contract.MetricNamespace, map[string]string{contract.MetricDimension: v.Names.App}
	a.Statistic = "Maximum"
	alarm.New(scope, id, a)
}

// foundationAlarms stand in each Region, whatever the flag says: an alarm that
// lives in the Region that dies tells nobody (D1).
func foundationAlarms(scope constructs.Construct, v Variables, region string) {
	n, topic := v.Names, v.Names.AlarmTopicARN(region)
	v.own(scope, region, "AlarmPointAge", "recovery-point-age", alarm.Config{
		Description: fmt.Sprintf("As seen from %s, the newest recovery point began more than %d minutes ago, or there is none, or nobody looks any more. A failover now loses what came after it. First: the log of %s in the active Region.",
			region, v.Config.RPOMinutes, n.Function(contract.Snapshot)),
		Metric: contract.MetricPointAge, Comparison: alarm.Above, Threshold: float64(v.Config.RPOMinutes * 60),
		PeriodSec: 60, Periods: 3, SilenceBreaches: true,
	})
	v.own(scope, region, "AlarmSnapshotFailed", "snapshot-failed", alarm.Config{
		Description: "A run could not take or settle a snapshot: it ended FAILED or PARTIAL, or the domain, a ledger, the repository or the bucket in the other Region was refused or out of reach. There is no new recovery point. First: the log of " + n.Function(contract.Snapshot) + " names the step and the reason.",
		Metric:      contract.MetricSnapshotFailed, Comparison: alarm.AtLeast, Threshold: 1, PeriodSec: 300, Periods: 1,
	})
	alarm.New(scope, "AlarmDeadLetters", alarm.Config{
		Name: n.Alarm("dead-letters"), Runbook: "dead-letters", Topic: topic,
		Description: "A run was not delivered or ended in an error; the message in " + n.DeadLetters() + " says which and why.",
		Namespace:   "AWS/SQS", Metric: "ApproximateNumberOfMessagesVisible", Dimensions: map[string]string{"QueueName": n.DeadLetters()},
		Statistic: "Maximum", Comparison: alarm.AtLeast, Threshold: 1, PeriodSec: 300, Periods: 1,
	})
	for _, what := range []string{contract.Snapshot, contract.Recovery, contract.Promotion, contract.Gate} {
		functionErrors(scope, n, "AlarmErrors"+title(what), what, topic)
	}
}

func functionErrors(scope constructs.Construct, n contract.Names, id, what, topic string) {
	alarm.New(scope, id, alarm.Config{
		Name: n.Alarm(what + "-errors"), Runbook: what + "-errors", Topic: topic,
		Description: "The function " + n.Function(what) + " ended in an error; its log names the step, the reason and what to do.",
		Namespace:   "AWS/Lambda", Metric: "Errors", Dimensions: map[string]string{"FunctionName": n.Function(what)},
		Statistic: "Sum", Comparison: alarm.AtLeast, Threshold: 1, PeriodSec: 300, Periods: 1,
	})
}

// standbyUnwell is how long a warm standby may be red or yellow, in minutes: the
// longest restore that a deployment waits for.
const standbyUnwell = 60

// domainAlarms are AWS's recommended ones
// (docs.aws.amazon.com/opensearch-service/latest/developerguide/cloudwatch-alarms.html),
// with its thresholds. A warm standby restores what changed at each recovery point,
// and is red and yellow for as long: there it must last.
func domainAlarms(scope constructs.Construct, v Variables, region string) {
	restoring := v.Config.ActiveRegion != region
	quarter := float64(v.Config.Domain.Volume.SizeGiB) * 1024 / 4 // MiB of one node
	for _, a := range []struct {
		id, what, metric, statistic, description string
		comparison                               alarm.Comparison
		threshold                                float64
		period, periods                          int
	}{
		{"AlarmRed", "domain-red", "ClusterStatus.red", "Maximum", "A primary shard is gone. Recovery points go on without its index, and nobody can switch away as planned. First: the shard's index, then restore it from the newest recovery point that holds it.", alarm.AtLeast, 1, 60, 1},
		{"AlarmYellow", "domain-yellow", "ClusterStatus.yellow", "Maximum", "A replica is missing for five minutes. First: nodes and free storage.", alarm.AtLeast, 1, 60, 5},
		{"AlarmFreeStorage", "domain-free-storage", "FreeStorageSpace", "Minimum", "A node has a quarter of its volume left or less; a full one blocks writes. First: remove indexes or enlarge dr.domain.volume.sizeGiB.", alarm.AtMost, quarter, 60, 1},
		{"AlarmWritesBlocked", "domain-writes-blocked", "ClusterIndexWritesBlocked", "Maximum", "The domain refuses writes, for want of storage or memory. First: free storage and memory pressure.", alarm.AtLeast, 1, 300, 1},
		{"AlarmKeyError", "domain-key-error", "KMSKeyError", "Maximum", "The key of the domain's storage is disabled: enable it before the domain is lost.", alarm.AtLeast, 1, 60, 1},
		{"AlarmKeyInaccessible", "domain-key-inaccessible", "KMSKeyInaccessible", "Maximum", "The key of the domain's storage is gone: the domain cannot be saved, only restored elsewhere. Prepare a failover.", alarm.AtLeast, 1, 60, 1},
		{"AlarmMemory", "domain-memory", "JVMMemoryPressure", "Maximum", "Memory pressure at 95 %: the domain is about to refuse work, and snapshots with it. First: larger or more nodes.", alarm.AtLeast, 95, 60, 3},
		{"AlarmProcessor", "domain-processor", "CPUUtilization", "Average", "Processors at 80 % for 45 minutes. First: larger or more nodes.", alarm.AtLeast, 80, 900, 3},
		{"AlarmAutomatedSnapshots", "domain-automated-snapshots", "AutomatedSnapshotFailure", "Maximum", "The service's own snapshots fail for 36 hours; they are apart from the recovery points. First: the domain's health.", alarm.AtLeast, 1, 60, 1},
	} {
		if restoring && (a.what == "domain-red" || a.what == "domain-yellow") {
			a.periods = standbyUnwell
			a.description += " This is the warm standby, which is so while it restores: it lasts for an hour."
		}
		// The two of the key have no data until there is a problem, and a domain that
		// is being made has none at all: silence is good news here, the age of the
		// recovery point tells the other kind.
		alarm.New(scope, a.id, alarm.Config{
			Name: v.Names.Alarm(a.what), Runbook: a.what, Topic: v.Names.AlarmTopicARN(region), Description: a.description,
			Namespace: "AWS/ES", Metric: a.metric,
			Dimensions: map[string]string{"DomainName": v.Names.Domain(), "ClientId": v.Config.Account},
			Statistic:  a.statistic, Comparison: a.comparison, Threshold: a.threshold, PeriodSec: a.period, Periods: a.periods,
		})
	}
}

func title(s string) string { return string(s[0]-'a'+'A') + s[1:] }
