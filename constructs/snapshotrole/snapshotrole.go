// Package snapshotrole makes the article's TheSnapshotRole: OpenSearch Service
// assumes it to reach S3, for this one domain and no other (the trust names it,
// facts "IAM": confused deputy). It writes to the bucket in the other Region and
// only reads the one in its own. The product's own objects in them are out of its
// reach: whoever may register a repository passes this role, and a base_path of
// _dr would give him the ledger else.
package snapshotrole

import (
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/role"
)

// Config of the role.
type Config struct {
	Name      string
	Account   string
	DomainARN string // of this Region; a string, so that it need not exist yet
	Outbound  string // bucket in the other Region, by name
	Inbound   string // bucket of this Region, by name
	Own       string // prefix of the product's own objects in both, with a final slash
	// Keys of the buckets, empty with SSE-S3.
	Keys []role.Statement
}

const (
	wholeBucket = "the repository's base path is the cluster's UUID, which nobody knows before the domain exists"
)

// New role.
func New(scope constructs.Construct, id string, cfg Config) {
	out, in := "arn:aws:s3:::"+cfg.Outbound, "arn:aws:s3:::"+cfg.Inbound
	role.New(scope, id, role.Config{
		Name: cfg.Name, Description: "OpenSearch Service reads and writes snapshots with it",
		Service: "es.amazonaws.com",
		Conditions: map[string]any{
			"StringEquals": map[string]string{"aws:SourceAccount": cfg.Account},
			"ArnLike":      map[string]string{"aws:SourceArn": cfg.DomainARN},
		},
		Statements: append([]role.Statement{
			{Sid: "OutboundList", Actions: []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}, Resources: []string{out}},
			// The article's three, and the two that a large file's upload needs.
			{Sid: "OutboundWrite", Actions: []string{
				"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
			}, Resources: []string{out + "/*"}, Wildcard: wholeBucket},
			{Sid: "InboundList", Actions: []string{"s3:ListBucket"}, Resources: []string{in}},
			{Sid: "InboundRead", Actions: []string{"s3:GetObject"}, Resources: []string{in + "/*"}, Wildcard: wholeBucket},
			{Sid: "NeverOwnObjects", Effect: role.Deny, Actions: []string{
				"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
			}, Resources: []string{out + "/" + cfg.Own + "*", in + "/" + cfg.Own + "*"}, Wildcard: "a Deny of everything below the prefix"},
		}, cfg.Keys...),
	})
}
