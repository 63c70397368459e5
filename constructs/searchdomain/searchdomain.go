// Package searchdomain makes the OpenSearch domain so that CloudFormation can
// never replace it: its name is fixed, an engine upgrade happens in place, and
// what a replacement would leave behind is kept (F2). It can be deleted by
// leaving it out of the template, which only a stand-down does, behind the gate
// (X2).
package searchdomain

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsopensearchservice"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/nag"
)

// Config of a domain.
type Config struct {
	Name          string
	ARN           string
	Account       string
	EngineVersion string
	DataNodes     int
	InstanceType  string
	MasterCount   int // 0 for none
	MasterType    string
	VolumeGiB     int
	VolumeType    string // gp3 or gp2
	Throughput    int    // MiB/s, gp3 only
	Zones         int
	Endpoint      string            // custom endpoint, the record's name
	Certificate   string            // ARN
	MasterRoleARN string            // fine-grained access control's master
	Logs          map[string]string // log type: log group ARN
}

// tlsPolicy is written out: "the newest" is ambiguous, and the FIPS one of the
// service breaks common clients (D7).
const tlsPolicy = "Policy-Min-TLS-1-2-PFS-2023-10"

// methods are every HTTP method of the service, for es:ESHttp<method>.
var methods = []string{"Delete", "Get", "Head", "Patch", "Post", "Put"}

// New domain.
func New(scope constructs.Construct, id string, cfg Config) awsopensearchservice.CfnDomain {
	cluster := &awsopensearchservice.CfnDomain_ClusterConfigProperty{
		InstanceCount: new(float64(cfg.DataNodes)), InstanceType: &cfg.InstanceType,
		// The CDK's feature flag flips its default, and a restore needs other replica
		// counts with it (B6): off, in so many words.
		MultiAzWithStandbyEnabled: false,
		DedicatedMasterEnabled:    cfg.MasterCount > 0,
		ZoneAwarenessEnabled:      cfg.Zones > 1,
	}
	if cfg.MasterCount > 0 {
		cluster.DedicatedMasterCount, cluster.DedicatedMasterType = new(float64(cfg.MasterCount)), &cfg.MasterType
	}
	if cfg.Zones > 1 {
		cluster.ZoneAwarenessConfig = &awsopensearchservice.CfnDomain_ZoneAwarenessConfigProperty{
			AvailabilityZoneCount: new(float64(cfg.Zones)),
		}
	}
	ebs := &awsopensearchservice.CfnDomain_EBSOptionsProperty{
		EbsEnabled: true, VolumeSize: new(float64(cfg.VolumeGiB)), VolumeType: &cfg.VolumeType,
	}
	if cfg.VolumeType == "gp3" {
		ebs.Throughput = new(float64(cfg.Throughput))
	}
	logs := map[string]any{}
	for kind, arn := range cfg.Logs {
		logs[kind] = map[string]any{"cloudWatchLogsLogGroupArn": arn, "enabled": true}
	}
	var actions []string
	for _, m := range methods {
		actions = append(actions, "es:ESHttp"+m)
	}
	d := awsopensearchservice.NewCfnDomain(scope, &id, &awsopensearchservice.CfnDomainProps{
		DomainName: &cfg.Name, EngineVersion: &cfg.EngineVersion,
		ClusterConfig: cluster, EbsOptions: ebs, LogPublishingOptions: logs,
		// Inline: as a custom resource of its own it races with IAM (F24). The account
		// root only (X6): identity policies and fine-grained access control decide.
		AccessPolicies: map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]string{"AWS": "arn:aws:iam::" + cfg.Account + ":root"},
				"Action": actions, "Resource": cfg.ARN + "/*",
			}},
		},
		AdvancedSecurityOptions: &awsopensearchservice.CfnDomain_AdvancedSecurityOptionsInputProperty{
			Enabled: true, InternalUserDatabaseEnabled: false,
			MasterUserOptions: &awsopensearchservice.CfnDomain_MasterUserOptionsProperty{MasterUserArn: &cfg.MasterRoleARN},
		},
		DomainEndpointOptions: &awsopensearchservice.CfnDomain_DomainEndpointOptionsProperty{
			EnforceHttps: true, TlsSecurityPolicy: new(tlsPolicy),
			CustomEndpointEnabled: true, CustomEndpoint: &cfg.Endpoint, CustomEndpointCertificateArn: &cfg.Certificate,
		},
		NodeToNodeEncryptionOptions: &awsopensearchservice.CfnDomain_NodeToNodeEncryptionOptionsProperty{Enabled: true},
		// The service's own key: not the bucket's, so that no one key is all there is
		// (F10). A change of it is a replacement.
		EncryptionAtRestOptions: &awsopensearchservice.CfnDomain_EncryptionAtRestOptionsProperty{Enabled: true},
		// Pinned, because AWS changing it behind the template's back fails the next
		// update (F25), and a version ahead of the other Region's cannot be restored
		// there (F6).
		SoftwareUpdateOptions: &awsopensearchservice.CfnDomain_SoftwareUpdateOptionsProperty{AutoSoftwareUpdateEnabled: false},
	})
	options := d.CfnOptions()
	options.SetUpdatePolicy(&awscdk.CfnUpdatePolicy{EnableVersionUpgrade: new(true)})
	options.SetDeletionPolicy(awscdk.CfnDeletionPolicy_DELETE)
	options.SetUpdateReplacePolicy(awscdk.CfnDeletionPolicy_RETAIN)
	nag.Suppress(d, reasons(cfg)...)
	return d
}

func reasons(cfg Config) []nag.Suppression {
	out := []nag.Suppression{
		{Rule: "AwsSolutions-OS1", Reason: "public endpoint with TLS, signed requests and fine-grained access control; VPC domains are refused for now (D4)"},
		{Rule: "AwsSolutions-OS3", Reason: "clients are told apart by IAM and fine-grained access control, not by address: after a failover they come from the other Region"},
	}
	if cfg.MasterCount == 0 {
		out = append(out, nag.Suppression{Rule: "AwsSolutions-OS4", Reason: "dr.domain.masters.count is 0, a choice of the configuration"})
	}
	if cfg.Zones == 1 {
		out = append(out, nag.Suppression{Rule: "AwsSolutions-OS7", Reason: "dr.domain.zones is 1, a choice of the configuration"})
	}
	return out
}
