// Package alarm makes one alarm on one metric.
package alarm

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
)

// Config of an alarm. It stands when Statistic over PeriodSec compares with
// Threshold in all of Periods periods.
type Config struct {
	Name        string
	Description string // what it means and what to do first
	Runbook     string // file below docs/runbooks, without .md
	Topic       string // ARN
	Namespace   string
	Metric      string
	Dimensions  map[string]string
	Statistic   string // Maximum, Minimum, Average, Sum
	Comparison  Comparison
	Threshold   float64
	PeriodSec   int
	Periods     int
	// Silence breaches: no data is as bad as bad data.
	SilenceBreaches bool
}

// Comparison of the statistic with the threshold.
type Comparison string

// The comparisons in use.
const (
	AtLeast Comparison = "GreaterThanOrEqualToThreshold"
	Above   Comparison = "GreaterThanThreshold"
	AtMost  Comparison = "LessThanOrEqualToThreshold"
)

// New alarm. It tells the topic when it stands and when it is over.
func New(scope constructs.Construct, id string, cfg Config) {
	missing := "notBreaching"
	if cfg.SilenceBreaches {
		missing = "breaching"
	}
	var dimensions []any
	for _, name := range slices.Sorted(maps.Keys(cfg.Dimensions)) {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: &name, Value: new(cfg.Dimensions[name])})
	}
	actions := &[]any{cfg.Topic}
	description := cfg.Description + " Runbook: docs/runbooks/" + cfg.Runbook + ".md"
	awscloudwatch.NewCfnAlarm(scope, &id, &awscloudwatch.CfnAlarmProps{
		AlarmName: &cfg.Name, AlarmDescription: &description,
		Namespace: &cfg.Namespace, MetricName: &cfg.Metric, Dimensions: &dimensions, Statistic: &cfg.Statistic,
		ComparisonOperator: new(string(cfg.Comparison)), Threshold: &cfg.Threshold,
		Period: new(float64(cfg.PeriodSec)), EvaluationPeriods: new(float64(cfg.Periods)),
		TreatMissingData: &missing, AlarmActions: actions, OkActions: actions,
	})
}
