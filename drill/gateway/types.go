package gateway

import (
	"context"
	"errors"
)

// Identity is who an access key belongs to. Secret and Token never leave the
// gateway: not in an answer, not in the log.
type Identity struct {
	AccessKeyID  string
	Secret       string
	Token        string // empty for a user's long-lived key
	PrincipalARN string // as IAM names the caller: a user, or arn:aws:sts::...:assumed-role/role/session
	RoleARN      string // arn:aws:iam::...:role/...; empty for a user
	Account      string // 12 digits
	Region       string // where the caller runs; empty for one outside the two Regions
	Function     string // name of the Lambda function, if it is one
}

// name is how the security plugin knows the caller: the role, as the managed
// service maps it, else the user.
func (i Identity) name() string {
	if i.RoleARN != "" {
		return i.RoleARN
	}
	return i.PrincipalARN
}

// Question to IAM: may the caller do this?
type Question struct {
	PrincipalARN, RoleARN, Action, Resource string
	Context                                 map[string]string // condition keys
}

// Decision of IAM. Reason is for the log of the drill.
type Decision struct {
	Allowed bool
	Reason  string
}

// ErrUnknownKey says that no user, session or function has this access key.
var ErrUnknownKey = errors.New("unknown access key")

// Authority is IAM and STS as the emulator holds them.
type Authority interface {
	// Identify answers ErrUnknownKey for a key that is nobody's.
	Identify(ctx context.Context, accessKeyID string) (Identity, error)
	// Assume gives a session of a role, good for 15 minutes or longer.
	Assume(ctx context.Context, roleARN, session string) (Identity, error)
	Allowed(ctx context.Context, q Question) (Decision, error)
}

// ServiceAuthority is an Authority that can also judge a role's trust policy.
// Where it is implemented the nodes' sessions of TheSnapshotRole come from it,
// so that SourceAccount and SourceArn are tested.
type ServiceAuthority interface {
	// AssumeForService is sts:AssumeRole by a service principal such as
	// es.amazonaws.com for the resource sourceARN of the account.
	AssumeForService(ctx context.Context, roleARN, session, service, sourceARN, sourceAccount string) (Identity, error)
}

// Domain that exists. Address is host:port of the node's plain HTTP, empty
// while it does not run.
type Domain struct {
	Name, Region, Account, ARN string
	Endpoint                   string // search-...<region>.es.amazonaws.com
	CustomEndpoint             string // empty without one
	Address                    string
	Version                    string // that GET / shows; empty: the node's own
}

// Directory of the domains. Lookup takes an endpoint or a custom endpoint; where
// two domains share a custom endpoint the gateway reads List and the hosted zone.
type Directory interface {
	Lookup(host string) (Domain, bool)
	List() []Domain
}

// Record set of a hosted zone.
type Record struct {
	Zone   string // the hosted zone's name, without the last dot
	Name   string // without the last dot
	Type   string // CNAME, TXT, A, ...
	TTL    uint32 // seconds
	Values []string
}
