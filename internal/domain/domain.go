// Package domain is the product's view of one managed domain from the outside:
// what the OpenSearch Service API says of it, and how to get in. Absent and
// unreachable are two different answers here too (H14): a domain that does not
// exist is a Description, an API that does not answer is an error.
package domain

import (
	"context"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Description is one answer of DescribeDomain
// (https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_DomainStatus.html).
type Description struct {
	Region  string
	Exists  bool
	Created bool // creation is complete
	Deleted bool // deletion is under way
	// Endpoint of the domain itself, without a scheme: never the custom one,
	// whose DNS name may point elsewhere.
	Endpoint string
	// Processing: a configuration change, or the creation, is under way (F23).
	Processing bool
	Upgrading  bool
	Version    string // OpenSearch_3.1
	// Volumes of all data nodes together in bytes; 0 is not known, as for nodes with
	// disks of their own.
	Volumes int64
}

// Busy says why nothing should be started on this domain now; empty when it may.
func (d Description) Busy() string {
	switch {
	case !d.Exists:
		return "no domain exists in " + d.Region
	case d.Deleted:
		return "the domain in " + d.Region + " is being deleted"
	case !d.Created || d.Endpoint == "":
		return "the domain in " + d.Region + " is being created"
	case d.Upgrading:
		return "the domain in " + d.Region + " is being upgraded"
	case d.Processing:
		return "the domain in " + d.Region + " is Processing a change"
	}
	return ""
}

// Plane reaches the domains of the installation.
type Plane interface {
	// Describe the domain in region; Exists is false for a ResourceNotFound.
	Describe(ctx context.Context, region string) (Description, error)
	// Open a client that signs as the function itself.
	Open(ctx context.Context, region, endpoint string) (opensearch.Domain, error)
	// OpenSecurity opens one that signs as the Region's master role.
	OpenSecurity(ctx context.Context, region, endpoint string) (opensearch.Security, error)
}

// Controlled is Plane for the one who changes its own Region's domain.
type Controlled interface {
	Plane
	// OpenRecovery signs as the recovery function.
	OpenRecovery(ctx context.Context, region, endpoint string) (Recovery, error)
	// OpenMaster signs as the Region's master role.
	OpenMaster(ctx context.Context, region, endpoint string) (opensearch.SecurityRecovery, error)
}

// Recovery reads and changes a domain.
type Recovery interface {
	opensearch.Domain
	opensearch.Recovery
}

// Trials opens a domain for the doctor.
type Trials interface {
	// OpenTrial signs as the recovery function.
	OpenTrial(ctx context.Context, region, endpoint string) (Trial, error)
}

// Trial reads a domain and tries it out.
type Trial interface {
	Recovery
	opensearch.Trial
}
