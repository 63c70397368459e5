// Package provider puts a function behind the CDK's Provider framework, which
// asks it again and again until it is done, for at most 55 minutes: less than
// the hour that CloudFormation waits, so that the framework and not a silent
// deadline ends the wait (U2). The function stands in the same Region, since
// the framework can call no other (X1).
package provider

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/customresources"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/nag"
	"github.com/opensearch-dr/osdr/constructs/role"
)

// Config of a provider.
type Config struct {
	Name    string // of the framework's entry function, the ServiceToken's
	Roles   [2]string
	Region  string
	Account string
	Handler awslambda.Function // onEvent and isComplete in one
}

// New provider.
func New(scope constructs.Construct, id string, cfg Config) {
	parent := constructs.NewConstruct(scope, &id)
	group := "/aws/lambda/" + cfg.Name
	logGroup := awslogs.NewLogGroup(parent, new("Logs"), &awslogs.LogGroupProps{
		LogGroupName: &group, Retention: awslogs.RetentionDays_THREE_MONTHS, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	frameworkRole := func(id, name, what string) awsiam.IRole {
		return role.New(parent, id, role.Config{
			Name: name, Description: "Provider framework of " + cfg.Name + ", " + what, Service: "lambda.amazonaws.com",
			Statements: []role.Statement{{
				Sid: "Logs", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
				Resources: []string{"arn:aws:logs:" + cfg.Region + ":" + cfg.Account + ":log-group:" + group + ":*"},
				Wildcard:  "Lambda names the streams of the framework's own log group",
			}},
		}).Role
	}
	customresources.NewProvider(parent, new("Provider"), &customresources.ProviderProps{
		OnEventHandler: cfg.Handler, IsCompleteHandler: cfg.Handler,
		ProviderFunctionName:            &cfg.Name,
		QueryInterval:                   awscdk.Duration_Seconds(new(5.0)),
		TotalTimeout:                    awscdk.Duration_Minutes(new(55.0)),
		LogGroup:                        logGroup,
		FrameworkOnEventRole:            frameworkRole("AskRole", cfg.Roles[0], "asking"),
		FrameworkCompleteAndTimeoutRole: frameworkRole("WaitRole", cfg.Roles[1], "waiting"),
		// The event of the waiter holds CloudFormation's answer address (a signed
		// one): it is kept out of the logs.
		DisableWaiterStateMachineLogging: new(true),
	})
	const framework = "the CDK's own framework for custom resources, which grants its functions every version of the one handler"
	nag.SuppressBelow(parent, "AWS::IAM::Policy", nag.Suppression{Rule: "AwsSolutions-IAM5", Reason: framework})
	nag.SuppressBelow(parent, "AWS::Lambda::Function", nag.Suppression{Rule: "AwsSolutions-L1", Reason: "the CDK chooses the Node runtime of its framework"})
	nag.SuppressBelow(parent, "AWS::StepFunctions::StateMachine",
		nag.Suppression{Rule: "AwsSolutions-SF1", Reason: "its events hold CloudFormation's signed answer address, which belongs in no log"},
		nag.Suppression{Rule: "AwsSolutions-SF2", Reason: "the CDK's waiter calls one function; there is no path to trace"})
}
