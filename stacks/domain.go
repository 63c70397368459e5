package stacks

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/opensearch-dr/osdr/constructs/question"
	"github.com/opensearch-dr/osdr/constructs/schedule"
	"github.com/opensearch-dr/osdr/constructs/searchdomain"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// askTimeout is how long CloudFormation waits for an answer: its own longest.
const askTimeout = 3600

// newDomain holds the domain while the flag and the standby give this Region
// one, and the gate always. Nothing in it works inside the cluster, so that a
// refusal there never rolls back a domain that took 40 minutes (U3).
func newDomain(app awscdk.App, v Variables, region string) (awscdk.Stack, error) {
	n, c := v.Names, v.Config
	stack := v.stack(app, n.DomainStack(region), region, "osdr: the OpenSearch domain in "+region+" and the gate before its removal", true)

	gate := v.wish(region)
	gate.AbandonDomain, gate.DomainWanted = c.AbandonDomain, fmt.Sprint(c.HasDomain(region))
	asked, err := question.New(stack, "Gate", question.Config{
		Type: contract.TypeGate, Asked: n.ProviderARN(contract.Gate, region), Properties: gate, TimeoutSec: askTimeout,
	})
	if err != nil {
		return nil, err
	}
	if !c.HasDomain(region) {
		return stack, nil
	}

	// A stale flag makes nothing, not even a domain (H2): asked before.
	meant, err := question.New(stack, "Meant", question.Config{
		Type: contract.TypeMeant, Asked: n.ProviderARN(contract.Gate, region), Properties: v.wish(region), TimeoutSec: askTimeout,
	})
	if err != nil {
		return nil, err
	}
	domain := searchdomain.New(stack, "Domain", searchdomain.Config{
		Name: n.Domain(), ARN: n.DomainARN(region), Account: c.Account, EngineVersion: c.EngineVersion,
		DataNodes: c.Domain.DataNodes, InstanceType: c.Domain.InstanceType, Zones: c.Domain.Zones,
		MasterCount: c.Domain.Masters.Count, MasterType: c.Domain.Masters.InstanceType,
		VolumeGiB: c.Domain.Volume.SizeGiB, VolumeType: c.Domain.Volume.Type, Throughput: c.Domain.Volume.Throughput,
		Endpoint: c.DNS.Record, Certificate: v.certificate(stack, region), MasterRoleARN: n.MasterRoleARN(region),
		Logs: map[string]string{
			"SEARCH_SLOW_LOGS": n.DomainLogGroupARN(contract.LogSearchSlow, region), "INDEX_SLOW_LOGS": n.DomainLogGroupARN(contract.LogIndexSlow, region),
			"ES_APPLICATION_LOGS": n.DomainLogGroupARN(contract.LogApplication, region), "AUDIT_LOGS": n.DomainLogGroupARN(contract.LogAudit, region),
		},
	})
	domain.Node().AddDependency(meant.Resource)
	// So that on deletion of the stack the gate is asked before the domain goes.
	asked.Resource.Node().AddDependency(domain)
	domainAlarms(stack, v, region)

	if region == c.ActiveRegion {
		schedule.New(stack, "SnapshotSchedule", schedule.Config{
			Name: n.Schedule(contract.Snapshot), Group: n.ScheduleGroup(),
			EveryMinutes: c.SnapshotEveryMinutes(),
			Description:  "Snapshots of the domain, while this Region is active",
			FunctionARN:  n.FunctionARN(contract.Snapshot, region), RoleARN: n.SchedulerRoleARN(region),
			DeadLetters: n.DeadLettersARN(region), Input: `{"reason":"schedule"}`,
		})
	}
	return stack, nil
}

// certificate of the Region: the given one, or what the foundation wrote down.
// CloudFormation reads the parameter when it deploys; the synth looks nothing up.
func (v Variables) certificate(stack awscdk.Stack, region string) string {
	if given := v.Config.DNS.Certificates[region]; given != "" {
		return given
	}
	return *awscdk.NewCfnParameter(stack, new("CertificateArn"), &awscdk.CfnParameterProps{
		Type: new("AWS::SSM::Parameter::Value<String>"), Default: new(v.Names.CertificateParameter()),
		Description: new("Where the foundation wrote the certificate's ARN"),
	}).ValueAsString()
}
