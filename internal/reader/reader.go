// Package reader asks AWS what is, and changes nothing. A thing that is not there
// is nil and no error; an error means that nobody knows (H14). What a service
// answers comes out under the names that CloudFormation gives the same properties,
// so that it can be compared with a template.
package reader

import (
	"context"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Resource as it stands.
type Resource struct {
	Name       string
	ARN        string
	Properties map[string]any
}

// Stack of CloudFormation.
type Stack struct {
	Name, ID, Status, Reason string
	Protected                bool
}

// StackResource is what a stack holds.
type StackResource struct{ ID, Physical, Type, Status string }

// ResourceDrift is one resource that CloudFormation's drift detection told of.
type ResourceDrift struct {
	ID, Physical, Type string
	Status             string // MODIFIED, DELETED
	Differences        []PropertyDrift
}

// PropertyDrift of a resource.
type PropertyDrift struct{ Path, Expected, Actual string }

// Stacks of a Region.
type Stacks interface {
	Stack(ctx context.Context, region, name string) (*Stack, error)
	StackTemplate(ctx context.Context, region, name string) ([]byte, error)
	StackResources(ctx context.Context, region, name string) ([]StackResource, error)
	// StackDrift runs a detection and waits for it, as long as ctx lets it.
	StackDrift(ctx context.Context, region, name string) ([]ResourceDrift, error)
}

// Domain of OpenSearch Service.
type Domain struct {
	Resource
	Endpoint                                string
	Created, Deleted, Processing, Upgrading bool
}

// Domains of a Region.
type Domains interface {
	Domain(ctx context.Context, region, name string) (*Domain, error)
	DomainNames(ctx context.Context, region string) ([]string, error)
}

// Function of Lambda. Reserved is its own concurrency, nil for none.
type Function struct {
	Resource
	Reserved *int
	CodeURL  string // of its package, for a few minutes
	State    string
}

// Functions of a Region.
type Functions interface {
	Function(ctx context.Context, region, name string) (*Function, error)
	// Async is how a failed asynchronous run is treated.
	Async(ctx context.Context, region, name string) (*Resource, error)
	// Code of a package: the SHA-256 of each file, in hex.
	Code(ctx context.Context, url string) (map[string]string, error)
	// Concurrency of the account in the Region: all of it, and what is left to
	// functions that reserve none.
	Concurrency(ctx context.Context, region string) (limit, unreserved int, err error)
}

// Schedules of EventBridge Scheduler.
type Schedules interface {
	Schedule(ctx context.Context, region, group, name string) (*Resource, error)
}

// BucketPart is one of the configurations of a bucket, by CloudFormation's name.
type BucketPart string

// Parts. The last two are no properties of the template's bucket: its policy is a
// resource of its own, and replication is never wanted (D11).
const (
	Versioning   BucketPart = "VersioningConfiguration"
	Lifecycle    BucketPart = "LifecycleConfiguration"
	Encryption   BucketPart = "BucketEncryption"
	PublicAccess BucketPart = "PublicAccessBlockConfiguration"
	Ownership    BucketPart = "OwnershipControls"
	Policy       BucketPart = "PolicyDocument"
	Replication  BucketPart = "ReplicationConfiguration"
)

// Buckets of S3.
type Buckets interface {
	// Bucket answers one part; its property is missing when it is not configured.
	Bucket(ctx context.Context, region, name string, part BucketPart) (*Resource, error)
	// Top of a bucket: the first step of every key, with a slash where more follows.
	Top(ctx context.Context, region, name string) ([]string, error)
}

// Roles of IAM. The properties of one are AssumeRolePolicyDocument, Policies,
// ManagedPolicyArns and PermissionsBoundary.
type Roles interface {
	Role(ctx context.Context, name string) (*Resource, error)
	// May simulates: the actions on a resource that the role's policies do not allow.
	May(ctx context.Context, roleARN string, actions []string, resource string) (denied []string, err error)
}

// Key of KMS.
type Key struct {
	ARN      string
	State    string // Enabled, Disabled, PendingDeletion, ...
	Deletion time.Time
	Rotating bool
	Policy   any
}

// Keys of KMS.
type Keys interface {
	Key(ctx context.Context, region, alias string) (*Key, error)
}

// Alarms of CloudWatch, by name.
type Alarms interface {
	Alarms(ctx context.Context, region string, names []string) (map[string]Resource, error)
}

// Subscription of a topic.
type Subscription struct {
	Protocol, Endpoint string
	Confirmed          bool
}

// Topics of SNS. Properties of one are Policy and KmsMasterKeyId.
type Topics interface {
	Topic(ctx context.Context, region, arn string) (*Resource, error)
	Subscriptions(ctx context.Context, region, arn string) ([]Subscription, error)
}

// Certificate of ACM.
type Certificate struct {
	ARN, Domain, Status, Renewal string
	Names                        []string
	NotAfter                     time.Time
}

// Certificates of ACM.
type Certificates interface {
	Certificate(ctx context.Context, region, arn string) (*Certificate, error)
}

// Logs of CloudWatch: the resource policies of a Region, by name.
type Logs interface {
	LogPolicies(ctx context.Context, region string) (map[string]any, error)
}

// Parameters of SSM. ok is false for one that is not there.
type Parameters interface {
	Parameter(ctx context.Context, region, name string) (value string, ok bool, err error)
}

// Zone of Route 53. Accelerated is the state of its accelerated recovery, empty
// when it has none.
type Zone struct {
	Private     bool
	Accelerated string
}

// Zones of Route 53.
type Zones interface {
	Zone(ctx context.Context, id string) (*Zone, error)
}

// Quotas of a service in a Region, by their names.
type Quotas interface {
	Quotas(ctx context.Context, region, service string) (map[string]float64, error)
}

// Inspector asks a Region's controller what only its domain can tell.
type Inspector interface {
	Inspect(ctx context.Context, region, functionARN string) (*contract.Inspection, error)
}

// Reach asks a Region for anything at all, by these credentials.
type Reach interface {
	Reach(ctx context.Context, region string) error
}

// Cloud is all of it.
type Cloud interface {
	Stacks
	Domains
	Functions
	Schedules
	Buckets
	Roles
	Keys
	Alarms
	Topics
	Certificates
	Logs
	Parameters
	Zones
	Quotas
	Inspector
	Reach
}
