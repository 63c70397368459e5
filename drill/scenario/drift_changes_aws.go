package scenario

import (
	"context"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

// filled in: names of the installation in a command line.
func (d *drifts) filled(lines ...string) []string {
	n := d.Names
	with := strings.NewReplacer("{P}", Primary, "{S}", Secondary, "{bP}", n.Bucket(Primary), "{bS}", n.Bucket(Secondary), "{name}", n.App, "{account}", n.Account,
		"{topic}", n.AlarmTopicARN(Primary), "{zone}", d.CDK.Context["dr.dns.zoneId"], "{record}", record)
	var out []string
	for _, l := range lines {
		out = append(out, with.Replace(l))
	}
	return out
}

const (
	updateDomain = "aws opensearch update-domain-config --region {P} --domain-name {name} "
	updateRecord = "aws route53 change-resource-record-sets --hosted-zone-id {zone} --change-batch "
	aRole        = "--role-name {name}-snapshot-{P} "
)

// inDomains are changes of the domain's configuration.
func (d *drifts) inDomains() []change {
	var out []change
	for _, c := range []struct{ id, does, options string }{
		{"domain.sizing", "another number of data nodes", "--cluster-config InstanceCount=6"},
		{"domain.standby", "Multi-AZ with Standby", "--cluster-config MultiAZWithStandbyEnabled=true"},
		{"domain.encryption", "no encryption at rest", "--encryption-at-rest-options Enabled=false"},
		{"domain.node-encryption", "no encryption between nodes", "--node-to-node-encryption-options Enabled=false"},
		{"domain.logs", "the audit log off", `--log-publishing-options '{"AUDIT_LOGS":{"Enabled":false}}'`},
		{"domain.software-update", "automatic engine updates", "--software-update-options AutoSoftwareUpdateEnabled=true"},
		{"domain.tls", "an older TLS policy", "--domain-endpoint-options TLSSecurityPolicy=Policy-Min-TLS-1-0-2019-07"},
		{"domain.endpoint", "another custom endpoint", "--domain-endpoint-options CustomEndpoint=old.example.com"},
		{"domain.access-control", "users inside the domain", "--advanced-security-options InternalUserDatabaseEnabled=true"},
		{"domain.access-policy", "an access policy for everybody", `--access-policies '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"es:*","Resource":"arn:aws:es:{P}:{account}:domain/{name}/*"}]}'`},
	} {
		out = append(out, change{id: c.id, where: Primary, resource: d.Names.Domain(), does: c.does, by: d.filled(updateDomain + c.options)})
	}
	// It is being made while it is found, and being deleted for a while; the
	// controller maps its roles in between.
	remove := d.filled("aws opensearch delete-domain --region {S} --domain-name {name}")
	return append(out, change{
		id: "domain.orphan", where: Secondary, resource: d.Names.Domain(), does: "a domain made by hand where none belongs", by: d.filled(
			"aws opensearch create-domain --region {S} --domain-name {name} --engine-version OpenSearch_3.3 --advanced-security-options " +
				"'Enabled=true,InternalUserDatabaseEnabled=false,MasterUserOptions={MasterUserARN=arn:aws:iam::{account}:role/{name}-master-{S}}'"),
		also: []string{"domain.state", "cluster.mappings"}, act: remove[0], mend: func(ctx context.Context, _ drift.Finding) error {
			return d.carryOut(ctx, d.admin, Secondary, remove...)
		},
	})
}

// inFunctions are changes of functions and schedules; CloudFormation sees those of a
// function, too.
func (d *drifts) inFunctions() []change {
	n := d.Names
	update := "aws lambda update-function-configuration --region {P} --function-name {name}-snapshot "
	return []change{
		{id: "function.settings", where: Primary, resource: n.Function(contract.Snapshot), does: "a shorter time limit", by: d.filled(update + "--timeout 3"), also: []string{"stack.drift"}},
		{id: "function.environment", where: Primary, resource: n.Function(contract.Snapshot), does: "another setting", by: d.filled(update + "--environment 'Variables={OSDR_OTHER=1}'"), also: []string{"stack.drift"}},
		{id: "function.role", where: Primary, resource: n.Function(contract.Snapshot), does: "another role", by: d.filled(update + "--role arn:aws:iam::{account}:role/" + appRole), also: []string{"stack.drift"}},
		{id: "function.code", where: Secondary, resource: n.Function(contract.Gate), does: "other code", by: d.filled(
			"aws lambda update-function-code --region {S} --function-name {name}-gate --zip-file fileb://other.zip")},
		{id: "function.concurrency", where: Secondary, resource: n.Function(contract.Promotion), does: "no concurrency", by: d.filled(
			"aws lambda put-function-concurrency --region {S} --function-name {name}-promotion --reserved-concurrent-executions 0")},
		{id: "function.async", where: Secondary, resource: n.Function(contract.Recovery), does: "failed runs are repeated", by: d.filled(
			"aws lambda put-function-event-invoke-config --region {S} --function-name {name}-recovery --maximum-retry-attempts 2")},
		{id: "function.exists", where: Secondary, resource: n.Function(contract.Gate), does: "a function deleted", by: d.filled(
			"aws lambda delete-function --region {S} --function-name {name}-gate"), also: []string{"stack.drift", "function.async"}},
		{id: "schedule.state", where: Primary, resource: n.Schedule(contract.Snapshot), does: "the snapshots' schedule disabled", do: d.reschedule(Primary, contract.Snapshot, disabled)},
		{id: "schedule.rate", where: Primary, resource: n.Schedule(contract.Snapshot), does: "snapshots once a day", do: d.reschedule(Primary, contract.Snapshot, daily)},
		{id: "schedule.target", where: Secondary, resource: n.Schedule(contract.Recovery), does: "another input", do: d.reschedule(Secondary, contract.Recovery, otherInput)},
		{id: "schedule.dead-letters", where: Secondary, resource: n.Schedule(contract.Recovery), does: "no dead letters", do: d.reschedule(Secondary, contract.Recovery, noDeadLetters)},
		{id: "schedule.exists", where: Primary, resource: n.Schedule(contract.Snapshot), does: "a schedule deleted", by: d.filled(
			"aws scheduler delete-schedule --region {P} --group-name {name} --name {name}-snapshot")},
		{id: "schedule.stray", where: Secondary, resource: n.Schedule(contract.Snapshot), does: "a schedule where none belongs", by: d.filled(
			`aws scheduler create-schedule --region {S} --group-name {name} --name {name}-snapshot --schedule-expression 'rate(1 day)' --flexible-time-window Mode=OFF --target '{"Arn":"arn:aws:lambda:{S}:{account}:function:{name}-snapshot","RoleArn":"arn:aws:iam::{account}:role/{name}-scheduler-{S}"}'`)},
	}
}

// inBuckets are changes of what a bucket is, not of what it holds.
func (d *drifts) inBuckets() []change {
	n := d.Names
	bucket := func(id, does, line string, also ...string) change {
		return change{id: id, where: Secondary, resource: n.Bucket(Secondary), does: does, by: d.filled(line), also: also}
	}
	return []change{
		bucket("bucket.versioning", "versioning suspended", "aws s3api put-bucket-versioning --region {S} --bucket {bS} --versioning-configuration Status=Suspended", "stack.drift"),
		bucket("bucket.lifecycle", "a rule that expires blobs", `aws s3api put-bucket-lifecycle-configuration --region {S} --bucket {bS} --lifecycle-configuration '{"Rules":[{"ID":"cheap","Status":"Enabled","Filter":{"Prefix":""},"Expiration":{"Days":30}}]}'`),
		bucket("bucket.encryption", "another default encryption", `aws s3api put-bucket-encryption --region {S} --bucket {bS} --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]}'`),
		bucket("bucket.public-access", "public access not blocked", "aws s3api delete-public-access-block --region {S} --bucket {bS}"),
		bucket("bucket.ownership", "objects of others stay theirs", `aws s3api put-bucket-ownership-controls --region {S} --bucket {bS} --ownership-controls '{"Rules":[{"ObjectOwnership":"ObjectWriter"}]}'`),
		bucket("bucket.policy", "a policy that asks for an encryption header", `aws s3api put-bucket-policy --region {S} --bucket {bS} --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::{bS}/none/*","Condition":{"Null":{"s3:x-amz-server-side-encryption":"true"}}}]}'`),
		bucket("bucket.replication", "a replication", `aws s3api put-bucket-replication --region {S} --bucket {bS} --replication-configuration '{"Role":"arn:aws:iam::{account}:role/x","Rules":[{"ID":"x","Priority":1,"Status":"Enabled","Filter":{"Prefix":""},"DeleteMarkerReplication":{"Status":"Disabled"},"Destination":{"Bucket":"arn:aws:s3:::{bP}"}}]}'`),
		{id: "bucket.foreign", where: Secondary, resource: "other-team/", does: "somebody else's object", by: d.filled("aws s3 cp --region {S} other.zip s3://{bS}/other-team/file")},
		{id: "bucket.foreign", where: Secondary, resource: "SSSSSSSSSSSSSSSSSSSSSS/", does: "a repository of a cluster that nobody here knows", by: d.filled("aws s3 cp --region {S} other.zip s3://{bS}/SSSSSSSSSSSSSSSSSSSSSS/index-0")},
	}
}
