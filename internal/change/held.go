package change

import (
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	domainType = "AWS::OpenSearchService::Domain"
	bucketType = "AWS::S3::Bucket"
	keyType    = "AWS::KMS::Key"
	aliasType  = "AWS::KMS::Alias"
	roleType   = "AWS::IAM::Role"
)

// kinds that must not go, by what people call them. A key is used by its alias,
// and a role's permission to use it names that (X7): without the alias the key is
// as good as gone.
var kinds = map[string]string{domainType: "domain", bucketType: "bucket", keyType: "key", aliasType: "key alias", roleType: "role"}

// held resources of a stack that must not go.
func held(s template.Stack) []template.Resource {
	var out []template.Resource
	for _, r := range s.Resources {
		if kinds[r.Type] != "" {
			out = append(out, r)
		}
	}
	return out
}

// called is a resource as people know it.
func called(r template.Resource) string {
	if name := r.Text(template.Named(r.Type)); name != "" {
		return "the " + kinds[r.Type] + " " + name
	}
	return "the " + kinds[r.Type] + " " + r.ID
}

// at is where a finding's resource is found in a template.
func at(s template.Stack, id string) string { return s.Name + "/" + id }

// keeps tells how well a policy keeps a resource. RetainExceptOnCreate keeps all
// that was ever made to its end.
func keeps(policy string) int {
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		return 2
	case "Snapshot":
		return 1
	}
	return 0
}
