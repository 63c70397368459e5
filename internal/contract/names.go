// Package contract holds what the stacks write and the functions read: every
// deterministic name, the settings a function starts with, the properties of
// the custom resources and the messages between functions.
//
// It is the one place where either side may learn such a thing, which is why
// it imports neither the CDK nor the AWS SDK: stacks never hand each other
// references (no exports, no cross-Region look-ups, facts F22), they agree on
// these names.
package contract

// Names derives each name of one installation. Names of global things (IAM
// roles, S3 buckets) carry the Region (aws-review X7); names of Regional things
// are the same in both Regions.
type Names struct {
	App     string // dr.name, also the domain's name in both Regions
	Account string // 12 digits
}

// FoundationStack is <name>-foundation-<region>.
func (n Names) FoundationStack(region string) string { return n.App + "-foundation-" + region }

// DomainStack is <name>-domain-<region>.
func (n Names) DomainStack(region string) string { return n.App + "-domain-" + region }

// RecoveryStack is <name>-recovery-<region>.
func (n Names) RecoveryStack(region string) string { return n.App + "-recovery-" + region }

// TrafficStack is <name>-traffic; it stands in the control Region only.
func (n Names) TrafficStack() string { return n.App + "-traffic" }

// Domain is the domain's name in either Region. It is always given: a custom
// name makes CloudFormation refuse a replacement (F2).
func (n Names) Domain() string { return n.App }

// DomainARN is arn:aws:es:<region>:<account>:domain/<name>, without the /* that
// stands for its HTTP paths.
func (n Names) DomainARN(region string) string {
	return "arn:aws:es:" + region + ":" + n.Account + ":domain/" + n.Domain()
}

// Bucket of a Region receives the snapshots of the domain in the other Region,
// and holds the product's own objects of this Region under OwnPrefix.
func (n Names) Bucket(region string) string {
	return n.App + "-snapshots-" + n.Account + "-" + region
}

func (n Names) role(what, region string) string { return n.App + "-" + what + "-" + region }

func (n Names) roleARN(name string) string { return "arn:aws:iam::" + n.Account + ":role/" + name }

// SnapshotRole is the article's TheSnapshotRole: assumed by the service to
// reach S3, passed by the signing role, never used by a function itself.
func (n Names) SnapshotRole(region string) string { return n.role("TheSnapshotRole", region) }

// SnapshotRoleARN is arn:aws:iam::<account>:role/<name>-TheSnapshotRole-<region>.
func (n Names) SnapshotRoleARN(region string) string {
	return n.roleARN(n.SnapshotRole(region))
}

// MasterRole is the domain's IAM master; the recovery function assumes it for
// the access step only.
func (n Names) MasterRole(region string) string { return n.role("master", region) }

// MasterRoleARN is arn:aws:iam::<account>:role/<name>-master-<region>.
func (n Names) MasterRoleARN(region string) string { return n.roleARN(n.MasterRole(region)) }

// FunctionRole is the execution role of one function,
// <name>-<function>-<region>.
func (n Names) FunctionRole(function, region string) string { return n.role(function, region) }

// FunctionRoleARN is arn:aws:iam::<account>:role/<name>-<function>-<region>.
func (n Names) FunctionRoleARN(function, region string) string {
	return n.roleARN(n.FunctionRole(function, region))
}

// DriftRole may read all that osdr drift compares, and change nothing.
func (n Names) DriftRole(region string) string { return n.role("drift", region) }

// SchedulerRole lets EventBridge Scheduler invoke the Region's functions.
func (n Names) SchedulerRole(region string) string { return n.role("scheduler", region) }

// SchedulerRoleARN is arn:aws:iam::<account>:role/<name>-scheduler-<region>.
func (n Names) SchedulerRoleARN(region string) string { return n.roleARN(n.SchedulerRole(region)) }

// The functions. Snapshot, Recovery, Promotion and Gate stand in the foundation
// of each Region, Traffic in the control Region's traffic stack (X1).
const (
	Snapshot  = "snapshot"
	Recovery  = "recovery"
	Promotion = "promotion"
	Gate      = "gate"
	Traffic   = "traffic"
)

// Function is <name>-<what>, what being one of the five above.
func (n Names) Function(what string) string { return n.App + "-" + what }

// FunctionARN is arn:aws:lambda:<region>:<account>:function:<name>-<what>, without
// a version.
func (n Names) FunctionARN(what, region string) string {
	return "arn:aws:lambda:" + region + ":" + n.Account + ":function:" + n.Function(what)
}

// Provider is the CDK Provider framework's entry for the promotion or the gate:
// the ServiceToken of its custom resources.
func (n Names) Provider(what string) string { return n.App + "-" + what + "-provider" }

// ProviderARN is arn:aws:lambda:<region>:<account>:function:<name>-<what>-provider.
func (n Names) ProviderARN(what, region string) string {
	return "arn:aws:lambda:" + region + ":" + n.Account + ":function:" + n.Provider(what)
}

// ScheduleGroup is <name>: the schedules stand in a group of their own.
func (n Names) ScheduleGroup() string { return n.App }

// Schedule is <name>-<function>, in ScheduleGroup.
func (n Names) Schedule(function string) string { return n.App + "-" + function }

// AlarmTopic is the SNS topic that a Region's alarms go to, <name>-alarms.
func (n Names) AlarmTopic() string { return n.App + "-alarms" }

// AlarmTopicARN is arn:aws:sns:<region>:<account>:<name>-alarms.
func (n Names) AlarmTopicARN(region string) string {
	return "arn:aws:sns:" + region + ":" + n.Account + ":" + n.AlarmTopic()
}

// DeadLetters is the SQS queue of invocations that came to nothing,
// <name>-dead-letters.
func (n Names) DeadLetters() string { return n.App + "-dead-letters" }

// DeadLettersARN is arn:aws:sqs:<region>:<account>:<name>-dead-letters.
func (n Names) DeadLettersARN(region string) string {
	return "arn:aws:sqs:" + region + ":" + n.Account + ":" + n.DeadLetters()
}

// TrafficDeadLetters is the queue of the traffic function,
// <name>-traffic-dead-letters. It is its own: the control Region may be one of the
// pair, which has DeadLetters, or a third one, which has nothing else.
func (n Names) TrafficDeadLetters() string { return n.App + "-traffic-dead-letters" }

// DomainLogGroupPrefix is /aws/opensearch/<name>, without a final slash. All logs
// of the domain are under it, so that one resource policy serves all (F20).
func (n Names) DomainLogGroupPrefix() string { return "/aws/opensearch/" + n.App }

// DomainLogGroup is /aws/opensearch/<name>/<kind>.
func (n Names) DomainLogGroup(kind string) string { return n.DomainLogGroupPrefix() + "/" + kind }

// FunctionLogGroup is /aws/lambda/<name>-<function>.
func (n Names) FunctionLogGroup(function string) string {
	return "/aws/lambda/" + n.Function(function)
}

// DomainLogGroupARN is arn:aws:logs:<region>:<account>:log-group:/aws/opensearch/<name>/<kind>,
// without the :* that stands for its streams.
func (n Names) DomainLogGroupARN(kind, region string) string {
	return "arn:aws:logs:" + region + ":" + n.Account + ":log-group:" + n.DomainLogGroup(kind)
}

// ActiveParameter is the SSM parameter that names the active Region.
func (n Names) ActiveParameter() string { return "/" + n.App + "/active-region" }

// Names inside a domain and a bucket.
const (
	Repository        = "os-snapshot-repo" // the article's name; the one writer
	InboundRepository = "os-inbound"       // read-only registration of the other side's path
	ManageSnapshots   = "manage_snapshots" // the engine's own role, mapped to the signer
	AgentRole         = "osdr_agent"       // what manage_snapshots does not cover
	RecoveryRole      = "osdr_recovery"    // what only the recovery function may do
	OwnPrefix         = "_dr/"             // the product's own objects in each bucket
)

// MetricNamespace of everything the product publishes; the dimension is
// MetricDimension = App.
const (
	MetricNamespace = "OSDR"
	MetricDimension = "Name"
)

// Metrics. Ages are seconds, sizes bytes.
const (
	MetricPointAge         = "RecoveryPointAge"   // seconds since the newest point's start, as seen from this Region
	MetricSnapshotFailed   = "SnapshotFailed"     // 1 a run that could not take or settle a snapshot, FAILED and PARTIAL among them; 0 for a success
	MetricSnapshotSkipped  = "SnapshotSkipped"    // 1 a run that could not start one
	MetricSnapshotDuration = "SnapshotDuration"   // seconds
	MetricSnapshotBytes    = "SnapshotBytesAdded" // bytes
	MetricSnapshotDocs     = "SnapshotDocuments"
	MetricAttention        = "NeedsAttention"  // how many things the last minute run noted for people
	MetricIdentityChanged  = "IdentityChanged" // 1: the ledger names this Region and not the domain in it (H13); of the active Region only
	MetricActive           = "Active"          // 1: this Region is the active one (H42)
)
