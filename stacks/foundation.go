package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"

	"github.com/opensearch-dr/osdr/constructs/alarmtopic"
	"github.com/opensearch-dr/osdr/constructs/certificate"
	"github.com/opensearch-dr/osdr/constructs/deadletters"
	"github.com/opensearch-dr/osdr/constructs/domainlogs"
	"github.com/opensearch-dr/osdr/constructs/gofunction"
	"github.com/opensearch-dr/osdr/constructs/provider"
	"github.com/opensearch-dr/osdr/constructs/role"
	"github.com/opensearch-dr/osdr/constructs/schedule"
	"github.com/opensearch-dr/osdr/constructs/snapshotbucket"
	"github.com/opensearch-dr/osdr/constructs/snapshotrole"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift/permit"
)

// newFoundation holds all that must exist in a Region before a disaster. It is
// the same whatever the flag says (X4).
func newFoundation(app awscdk.App, v Variables, region string) (awscdk.Stack, error) {
	n, c := v.Names, v.Config
	other := c.Other(region)
	stack := v.stack(app, n.FoundationStack(region), region,
		"osdr: all that must exist in "+region+" before a disaster", true)

	bucket := snapshotbucket.Config{Name: n.Bucket(region)}
	if c.Encryption == "kms" {
		bucket.KeyAlias = n.BucketKeyAlias()
	}
	snapshotbucket.New(stack, "Snapshots", bucket)
	snapshotrole.New(stack, "TheSnapshotRole", snapshotrole.Config{
		Name: n.SnapshotRole(region), Account: c.Account, DomainARN: n.DomainARN(region),
		Outbound: n.Bucket(other), Inbound: n.Bucket(region), Own: contract.OwnPrefix,
		Keys: v.bucketKeys("kms:Decrypt", "kms:GenerateDataKey"),
	})
	role.New(stack, "MasterRole", masterRole(v, region))
	role.New(stack, "DriftRole", driftRole(v, region))

	alarmtopic.New(stack, "Alarms", alarmtopic.Config{
		Name: n.AlarmTopic(), KeyAlias: n.TopicKeyAlias(), Account: c.Account, Target: c.AlarmTarget,
	})
	queue := deadletters.New(stack, "DeadLetters", n.DeadLetters())
	err := domainlogs.New(stack, "DomainLogs", domainlogs.Config{
		PolicyName: n.App + "-domain-logs", Prefix: n.DomainLogGroupPrefix(),
		Region: region, Account: c.Account, DomainARN: n.DomainARN(region),
		Groups: map[string]string{
			"SearchSlow": n.DomainLogGroup(contract.LogSearchSlow), "IndexSlow": n.DomainLogGroup(contract.LogIndexSlow),
			"Application": n.DomainLogGroup(contract.LogApplication), "Audit": n.DomainLogGroup(contract.LogAudit),
		},
	})
	if err != nil {
		return nil, err
	}
	if c.DNS.Certificates[region] == "" {
		certificate.New(stack, "Certificate", certificate.Config{
			Record: c.DNS.Record, ZoneID: c.DNS.ZoneID, Parameter: n.CertificateParameter(),
		})
	}

	made := map[string]string{} // function: ARN
	for _, f := range functions(v, region) {
		f.DeadLetters = queue
		out := gofunction.New(stack, f.id, f.Config)
		made[f.Code] = out.ARN
		if f.Code == contract.Recovery {
			// What comes by it may only look: a reader's right to ask is none to promote.
			awslambda.NewCfnAlias(stack, new("Look"), &awslambda.CfnAliasProps{
				FunctionName: out.Function.FunctionName(), FunctionVersion: new("$LATEST"), Name: new(contract.LookAlias),
				Description: new("Asked by osdr drift; only looks"),
			})
		}
		if f.asked {
			provider.New(stack, f.id+"Provider", provider.Config{
				Name: n.Provider(f.Code), Region: region, Account: c.Account, Handler: out.Function,
				Roles: [2]string{n.FunctionRole(f.Code+"-ask", region), n.FunctionRole(f.Code+"-wait", region)},
			})
		}
	}
	schedules(stack, v, region, queue, made[contract.Recovery])
	foundationAlarms(stack, v, region)
	return stack, nil
}

// masterRole is fine-grained access control's master. Its trust names the
// account and narrows it by strings: a role that is named itself must exist, and
// one that is made again is another one to IAM (X6).
func masterRole(v Variables, region string) role.Config {
	n := v.Names
	return role.Config{
		Name: n.MasterRole(region), Description: "IAM master of the domain " + n.Domain(), Account: v.Config.Account,
		Conditions: map[string]any{"ArnEquals": map[string]any{
			"aws:PrincipalArn": append([]string{n.FunctionRoleARN(contract.Recovery, region)}, v.Config.Admins...),
		}},
		Statements: []role.Statement{{
			Sid: "DomainTalk", Actions: append(searchMethods(), "es:ESHttpPatch"), Resources: []string{n.DomainARN(region) + "/*"},
			Wildcard: "paths inside the one domain, of which it is the master",
		}},
	}
}

// driftRole is what osdr drift needs and no more, for a pipeline or a person whom
// the account's own policies let assume it.
func driftRole(v Variables, region string) role.Config {
	c := v.Config
	out := role.Config{
		Name: v.Names.DriftRole(region), Description: "Reads all that osdr drift compares, changes nothing", Account: c.Account,
	}
	for _, s := range permit.Statements(permit.Place{
		Names: v.Names, Regions: c.Regions(), Control: c.ControlRegion, ZoneID: c.DNS.ZoneID, Encrypted: c.Encryption == "kms",
	}) {
		out.Statements = append(out.Statements, role.Statement{
			Sid: s.Sid, Actions: s.Actions, Resources: s.Resources, Conditions: s.Conditions, Wildcard: s.Wildcard,
		})
	}
	return out
}

type function struct {
	gofunction.Config
	id    string
	asked bool // by custom resources, through the Provider framework
}

// functions of a Region. Those that talk to a domain have time for its slow
// answers; those that ask another function have more than that one.
func functions(v Variables, region string) []function {
	n, c := v.Names, v.Config
	base := func(what string, memory, timeout int, description string, statements ...[]role.Statement) gofunction.Config {
		cfg := gofunction.Config{
			Code: what, Assets: v.Assets, Name: n.Function(what), LogGroup: n.FunctionLogGroup(what),
			RoleName: n.FunctionRole(what, region), Account: c.Account, Region: region, Description: description,
			Settings: v.Settings, Architecture: c.FunctionArchitecture, MemoryMiB: memory, TimeoutSec: timeout,
		}
		for _, s := range statements {
			cfg.Statements = append(cfg.Statements, s...)
		}
		return cfg
	}
	one := func(s ...role.Statement) []role.Statement { return s }
	return []function{
		{id: "Snapshot", Config: base(contract.Snapshot, 512, 300, "Takes and settles snapshots of the domain here",
			v.ownDomain(region), v.snapshotObjects(region), one(metrics()))},
		{id: "Recovery", Config: base(contract.Recovery, 512, 300, "Controller: the next safe step of this Region's recovery",
			v.ownDomain(region), v.ownObjects(), v.recordsWrite(), one(
				v.recordsRead(), metrics(), v.doctorTidies(region),
				role.Statement{Sid: "MasterForAccess", Actions: []string{"sts:AssumeRole"}, Resources: []string{n.MasterRoleARN(region)}},
				// The other Region's controller is asked what it sees; its domain itself is
				// only described, never talked to (D4).
				invoke("AskPeer", n.FunctionARN(contract.Recovery, c.Other(region)), n.FunctionARN(contract.Snapshot, c.Other(region))),
				// A recovery point that is due begins when the domain is calm (H76).
				invoke("SnapshotDue", n.FunctionARN(contract.Snapshot, region)),
				role.Statement{
					Sid: "NameTheActive", Actions: []string{"ssm:GetParameter", "ssm:PutParameter"},
					Resources: []string{"arn:aws:ssm:" + region + ":" + c.Account + ":parameter" + n.ActiveParameter()},
				},
				role.Statement{Sid: "PeerDescribe", Actions: []string{"es:DescribeDomain"}, Resources: []string{n.DomainARN(c.Other(region))}},
			))},
		{id: "Promotion", asked: true, Config: base(contract.Promotion, 256, 360, "Answers deployments that want this Region active",
			one(invoke("AskRecovery", n.FunctionARN(contract.Recovery, region)), ownStacks(c.Account, region, n.RecoveryStack(region))))},
		{id: "Gate", asked: true, Config: base(contract.Gate, 256, 360, "Answers deployments that would remove the domain here",
			one(
				invoke("AskRecovery", n.FunctionARN(contract.Recovery, region)),
				invoke("SnapshotNow", n.FunctionARN(contract.Snapshot, c.PrimaryRegion), n.FunctionARN(contract.Snapshot, c.SecondaryRegion)),
				ownStacks(c.Account, region, n.DomainStack(region)),
			))},
	}
}

// schedules of a Region that never stop, and what the others need: the group
// and the role that the domain stack's schedule names.
func schedules(stack awscdk.Stack, v Variables, region, queue, recovery string) {
	n, c := v.Names, v.Config
	group := awsscheduler.NewCfnScheduleGroup(stack, new("ScheduleGroup"), &awsscheduler.CfnScheduleGroupProps{Name: new(n.ScheduleGroup())})
	scheduler := role.New(stack, "SchedulerRole", role.Config{
		Name: n.SchedulerRole(region), Description: "EventBridge Scheduler starts the functions of " + region + " with it",
		Service: "scheduler.amazonaws.com",
		Conditions: map[string]any{"StringEquals": map[string]string{
			"aws:SourceAccount": c.Account,
			"aws:SourceArn":     "arn:aws:scheduler:" + region + ":" + c.Account + ":schedule-group/" + n.ScheduleGroup(),
		}},
		Statements: []role.Statement{
			invoke("Start", n.FunctionARN(contract.Snapshot, region), n.FunctionARN(contract.Recovery, region)),
			{Sid: "DeadLetters", Actions: []string{"sqs:SendMessage"}, Resources: []string{queue}},
		},
	})
	schedule.New(stack, "RecoverySchedule", schedule.Config{
		Name: n.Schedule(contract.Recovery), Group: *group.Ref(), EveryMinutes: 1,
		Description: "The controller's run, in each Region, always",
		// References, so that nothing is started before it exists: the dead letters
		// would have one on the first day.
		FunctionARN: recovery, RoleARN: scheduler.ARN, DeadLetters: queue,
		Input: minuteRun(c.Standby),
	})
}

// minuteRun is what the controller is asked each minute. That the standby is to be
// a copy goes with it, since a function must not change for that (X4).
func minuteRun(standby string) string {
	if standby == contract.StandbyWarm {
		return `{"action":"` + contract.ActionTick + `","standby":"` + standby + `"}`
	}
	return `{"action":"` + contract.ActionTick + `"}`
}
