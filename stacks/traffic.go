package stacks

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/opensearch-dr/osdr/constructs/alarmtopic"
	"github.com/opensearch-dr/osdr/constructs/deadletters"
	"github.com/opensearch-dr/osdr/constructs/gofunction"
	"github.com/opensearch-dr/osdr/constructs/question"
	"github.com/opensearch-dr/osdr/constructs/record"
	"github.com/opensearch-dr/osdr/constructs/role"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// newTraffic stands in the control Region and needs nothing of a foundation
// there: its function, role, log and dead letters are its own (X1). The two records say what
// the ledger says, so DNS never points at a domain that was not restored and
// verified (G2).
func newTraffic(app awscdk.App, v Variables) (awscdk.Stack, error) {
	n, c := v.Names, v.Config
	region := c.ControlRegion
	stack := v.stack(app, n.TrafficStack(), region, "osdr: the DNS record, which follows the ledger", false)

	fn := gofunction.New(stack, "Traffic", gofunction.Config{
		Code: contract.Traffic, Assets: v.Assets, Name: n.Function(contract.Traffic), LogGroup: n.FunctionLogGroup(contract.Traffic),
		RoleName: n.FunctionRole(contract.Traffic, region), Account: c.Account, Region: region,
		Description: "Answers what the ledger says", Settings: v.Settings, Architecture: c.FunctionArchitecture,
		MemoryMiB: 256, TimeoutSec: 120, DeadLetters: deadletters.New(stack, "DeadLetters", n.TrafficDeadLetters()),
		Statements: append(v.ledgers(), v.recordsRead(), ownStacks(c.Account, region, n.TrafficStack())),
	})
	// A Region of the pair has a topic, which need not exist yet: an alarm names it.
	// A third one has no foundation, so that the topic of this name is made here.
	if !slices.Contains(c.Regions(), region) {
		alarmtopic.New(stack, "Alarms", alarmtopic.Config{
			Name: n.AlarmTopic(), KeyAlias: n.TopicKeyAlias(), Account: c.Account, Target: c.AlarmTarget,
		})
	}
	functionErrors(stack, n, "AlarmErrors", contract.Traffic, n.AlarmTopicARN(region))
	properties := contract.TrafficProperties{ActiveRegion: c.ActiveRegion, AskedAt: c.AskedAt}
	answer, err := question.New(stack, "Answer", question.Config{
		Type: contract.TypeTraffic, Asked: fn.ARN, Properties: properties, TimeoutSec: 300,
	})
	if err != nil {
		return nil, err
	}
	record.New(stack, "Record", record.Config{
		ZoneID: c.DNS.ZoneID, Name: c.DNS.Record, Type: "CNAME", TTL: c.DNS.TTL, Value: answer.Attribute(contract.AttributeEndpoint),
	})
	record.New(stack, "Active", record.Config{
		ZoneID: c.DNS.ZoneID, Name: "_active." + c.DNS.Record, Type: "TXT", TTL: c.DNS.TTL, Value: answer.Attribute(contract.AttributeActive),
	})
	return stack, nil
}

// ledgers of both Regions, and the copies in the recovery points, to be read.
func (v Variables) ledgers() []role.Statement {
	var buckets, objects []string
	for _, r := range v.Config.Regions() {
		arn := bucketARN(v.Names.Bucket(r))
		buckets = append(buckets, arn)
		objects = append(objects, arn+"/"+contract.OwnPrefix+"ledger.json", arn+"/"+contract.OwnPrefix+"points/*")
	}
	return append([]role.Statement{
		{Sid: "BucketList", Actions: []string{"s3:ListBucket"}, Resources: buckets},
		{Sid: "LedgerRead", Actions: []string{"s3:GetObject"}, Resources: objects, Wildcard: "recovery points are numbered"},
	}, v.bucketKeys("kms:Decrypt")...)
}
