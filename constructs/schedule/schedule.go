// Package schedule runs a function at a fixed rate by EventBridge Scheduler.
// Its role is given and never made here: a flip of the flag adds and removes
// schedules, and must touch no IAM (X4).
package schedule

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
)

// Config of a schedule.
type Config struct {
	Name         string
	Group        string
	Description  string
	EveryMinutes int
	FunctionARN  string
	RoleARN      string
	DeadLetters  string // ARN of the queue
	Input        string // JSON
}

// New schedule. Scheduler's retries and its dead letters see only delivery;
// what fails inside the function is the function's own destination (D2).
func New(scope constructs.Construct, id string, cfg Config) {
	unit := "minutes"
	if cfg.EveryMinutes == 1 {
		unit = "minute"
	}
	awsscheduler.NewCfnSchedule(scope, &id, &awsscheduler.CfnScheduleProps{
		Name: &cfg.Name, GroupName: &cfg.Group, Description: &cfg.Description, State: new("ENABLED"),
		ScheduleExpression: new(fmt.Sprintf("rate(%d %s)", cfg.EveryMinutes, unit)),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: new("OFF")},
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn: &cfg.FunctionARN, RoleArn: &cfg.RoleARN, Input: &cfg.Input,
			DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: &cfg.DeadLetters},
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: new(60.0), MaximumRetryAttempts: new(2.0),
			},
		},
	})
}
