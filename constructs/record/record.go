// Package record makes one DNS record. It stays when its stack goes: clients
// must not lose the name because somebody tidied up (U4).
package record

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Config of a record.
type Config struct {
	ZoneID string
	Name   string // without a final dot
	Type   string // CNAME or TXT
	TTL    int    // seconds
	Value  string
}

// New record.
func New(scope constructs.Construct, id string, cfg Config) {
	r := awsroute53.NewCfnRecordSet(scope, &id, &awsroute53.CfnRecordSetProps{
		HostedZoneId: &cfg.ZoneID, Name: new(cfg.Name + "."), Type: &cfg.Type,
		Ttl: new(strconv.Itoa(cfg.TTL)), ResourceRecords: jsii.Strings(cfg.Value),
	})
	r.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
}
