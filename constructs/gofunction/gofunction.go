// Package gofunction makes a function of a binary that was built before the
// synth. It is never tried again by Lambda: each run is level-triggered, the
// next one does what this one left, and what could not be run is put into the
// dead letters instead of going stale in a queue (D2).
package gofunction

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/role"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// Config of a function.
type Config struct {
	Code         string // what of <Assets>/<Code>/bootstrap
	Assets       string // absolute, so that the working directory is no part of it
	Name         string
	LogGroup     string
	RoleName     string
	Account      string
	Region       string
	Description  string
	Settings     string // contract.Settings, encoded
	Architecture string // arm64 or x86_64
	MemoryMiB    int
	TimeoutSec   int
	DeadLetters  string // ARN of a queue; empty for none
	Statements   []role.Statement
}

// Output of New.
type Output struct {
	ARN      string
	Function awslambda.Function
}

// maxEventAge is short because a run that is late is useless: the next one is
// due in a minute. 60 s is the least that Lambda takes.
const maxEventAge = 60

// New function with its role and its log group.
func New(scope constructs.Construct, id string, cfg Config) Output {
	parent := constructs.NewConstruct(scope, &id)
	logGroup := awslogs.NewLogGroup(parent, new("Logs"), &awslogs.LogGroupProps{
		LogGroupName: &cfg.LogGroup, Retention: awslogs.RetentionDays_THREE_MONTHS,
		// Its name is fixed: left behind it would be in the way of the next deployment.
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	statements := append([]role.Statement{{
		Sid: "Logs", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resources: []string{"arn:aws:logs:" + cfg.Region + ":" + cfg.Account + ":log-group:" + cfg.LogGroup + ":*"},
		Wildcard:  "Lambda names the streams of the function's own log group",
	}}, cfg.Statements...)
	if cfg.DeadLetters != "" {
		statements = append(statements, role.Statement{
			Sid: "DeadLetters", Actions: []string{"sqs:SendMessage"}, Resources: []string{cfg.DeadLetters},
		})
	}
	r := role.New(parent, "Role", role.Config{
		Name: cfg.RoleName, Description: "Execution role of " + cfg.Name,
		Service: "lambda.amazonaws.com", Statements: statements,
	})
	architecture := awslambda.Architecture_ARM_64()
	if cfg.Architecture == "x86_64" {
		architecture = awslambda.Architecture_X86_64()
	}
	fn := awslambda.NewFunction(parent, new("Function"), &awslambda.FunctionProps{
		FunctionName: &cfg.Name, Description: &cfg.Description, Role: r.Role,
		Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: new("bootstrap"), Architecture: architecture,
		Code:        awslambda.Code_FromAsset(new(filepath.Join(cfg.Assets, cfg.Code)), nil),
		MemorySize:  new(float64(cfg.MemoryMiB)),
		Timeout:     awscdk.Duration_Seconds(new(float64(cfg.TimeoutSec))),
		Environment: &map[string]*string{contract.SettingsVariable: &cfg.Settings},
		LogGroup:    logGroup,
	})
	async := &awslambda.CfnEventInvokeConfigProps{
		FunctionName: fn.FunctionName(), Qualifier: new("$LATEST"),
		MaximumRetryAttempts: new(0.0), MaximumEventAgeInSeconds: new(float64(maxEventAge)),
	}
	if cfg.DeadLetters != "" {
		async.DestinationConfig = &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: &cfg.DeadLetters},
		}
	}
	awslambda.NewCfnEventInvokeConfig(parent, new("Async"), async)
	return Output{ARN: *fn.FunctionArn(), Function: fn}
}
