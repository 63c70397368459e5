package checks

import (
	"context"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/policy"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	bucketType       = "AWS::S3::Bucket"
	bucketPolicyType = "AWS::S3::BucketPolicy"
)

func (f *Facts) bucketChecks() []drift.Check {
	part := func(p reader.BucketPart, mend func(template.Located) string) finder {
		return f.differing(subject{bucketType, func(ctx context.Context, r template.Located, _ string) (*reader.Resource, error) {
			return f.bucket(ctx, r.Stack.Region, p)
		}}, func(r template.Located, _ string, _ []string) string { return mend(r) }, string(p))
	}
	return []drift.Check{
		{
			ID: "bucket.exists", Title: "the snapshot bucket of each Region is there", Scope: drift.EachRegion,
			Why:  "it receives the recovery points of the other Region, and holds the ledger",
			Find: f.bucketExists,
		},
		{
			ID: "bucket.versioning", Title: "versioning is on", Scope: drift.EachRegion,
			Why: "what is deleted or overwritten by mistake can be had back only while it is (F26)",
			Find: part(reader.Versioning, func(r template.Located) string {
				return aws(r.Stack.Region, "s3api put-bucket-versioning", "bucket", r.Text("BucketName"), "versioning-configuration", "Status=Enabled")
			}),
		},
		{
			ID: "bucket.lifecycle", Title: "no lifecycle rule expires or moves an object of a repository", Scope: drift.EachRegion,
			Why:  "a restore fails over the first blob that expired or lies in an archive, weeks after the rule was made (F3)",
			Find: f.lifecycle,
		},
		{
			ID: "bucket.encryption", Title: "the default encryption is the configured one", Scope: drift.EachRegion,
			Why: "snapshots name no encryption themselves (F8); another key is another way to lose every copy (F10)",
			Find: part(reader.Encryption, func(r template.Located) string {
				return aws(r.Stack.Region, "s3api put-bucket-encryption", "bucket", r.Text("BucketName"), "server-side-encryption-configuration", f.encryptionRules())
			}),
		},
		{
			ID: "bucket.public-access", Title: "public access is blocked", Scope: drift.EachRegion,
			Why: "every document that was ever indexed lies there",
			Find: part(reader.PublicAccess, func(r template.Located) string {
				return aws(r.Stack.Region, "s3api put-public-access-block", "bucket", r.Text("BucketName"), "public-access-block-configuration", compact(r.Properties[string(reader.PublicAccess)]))
			}),
		},
		{
			ID: "bucket.ownership", Title: "the bucket owns what is put into it", Scope: drift.EachRegion,
			Why: "an object that somebody else owns cannot be read at a failover",
			Find: part(reader.Ownership, func(r template.Located) string {
				return aws(r.Stack.Region, "s3api put-bucket-ownership-controls", "bucket", r.Text("BucketName"), "ownership-controls", compact(r.Properties[string(reader.Ownership)]))
			}),
		},
		{
			ID: "bucket.policy", Title: "the bucket policy is the template's", Scope: drift.EachRegion,
			Why:  "one that demands an encryption header fails every snapshot after an engine update (F8), one that denies a role hides the ledger",
			Find: f.bucketPolicy,
		},
		{
			ID: "bucket.replication", Title: "nothing replicates the bucket", Scope: drift.EachRegion,
			Why:  "replication knows no conditional puts: a ledger would be written over from behind (D11)",
			Find: f.replication,
		},
		{
			ID: "bucket.foreign", Title: "nothing lies in the bucket but the repositories of this installation's domains, and the product's own", Scope: drift.EachRegion, Limit: f.limit(),
			Why:  "whoever writes here is one wrong path away from a second writer, which corrupts a repository for all (F1)",
			Find: f.foreign,
		},
	}
}

func (f *Facts) encryptionRules() string {
	rule := map[string]any{"ApplyServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}}
	if f.App.Encryption == "kms" {
		rule = map[string]any{
			"ApplyServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f.names().BucketKeyAlias()},
			"BucketKeyEnabled":                   true,
		}
	}
	return compact(map[string]any{"Rules": []any{rule}})
}

func (f *Facts) bucketExists(ctx context.Context, region string) ([]drift.Finding, error) {
	have, err := f.bucket(ctx, region, reader.Versioning)
	if err != nil || have != nil {
		return nil, err
	}
	stack := f.names().FoundationStack(region)
	return []drift.Finding{{Resource: f.names().Bucket(region), Expected: "it is there", Found: "there is no such bucket", Mend: revert(stack)}}, nil
}

// lifecycle: what the template asks for is there, and nothing else that touches a
// current object.
func (f *Facts) lifecycle(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, bucketType)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	have, err := f.bucket(ctx, region, reader.Lifecycle)
	if err != nil || have == nil {
		return nil, err
	}
	want, _ := items[0].Properties[string(reader.Lifecycle)].(map[string]any)
	rules := func(v any) []any {
		m, _ := v.(map[string]any)
		list, _ := m["Rules"].([]any)
		return list
	}
	mend := aws(region, "s3api put-bucket-lifecycle-configuration", "bucket", have.Name, "lifecycle-configuration", compact(map[string]any{"Rules": s3Rules(rules(want))}))
	var out []drift.Finding
	left := slices.Clone(rules(have.Properties[string(reader.Lifecycle)]))
	for _, w := range rules(want) {
		at := slices.IndexFunc(left, func(h any) bool { return len(template.Compare(w, h)) == 0 && harmless(h) == "" })
		if at >= 0 {
			left = slices.Delete(left, at, at+1)
			continue
		}
		out = append(out, drift.Finding{Resource: have.Name, Expected: show(w), Found: "no such rule: versions and uploads that were left behind stay for ever", Mend: mend})
	}
	for _, h := range left {
		harm := harmless(h)
		if harm == "" {
			harm = "it is not the template's"
		}
		out = append(out, drift.Finding{Resource: have.Name, Expected: "no rule but the template's", Found: harm + ": " + show(h), Mend: mend})
	}
	return out, nil
}

// harmless is empty when a rule leaves current objects where they are.
func harmless(rule any) string {
	m, _ := rule.(map[string]any)
	if m["Status"] != "Enabled" {
		return ""
	}
	for _, key := range []string{"ExpirationInDays", "ExpirationDate", "Transitions"} {
		if _, ok := m[key]; ok {
			return "a rule that takes current objects away (" + key + ")"
		}
	}
	return ""
}

// s3Rules under S3's own names.
func s3Rules(rules []any) []any {
	var out []any
	for _, r := range rules {
		m, _ := r.(map[string]any)
		rule := pick(m, []string{"Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"})
		rule["ID"], rule["Filter"] = m["Id"], map[string]any{"Prefix": ""}
		if m["ExpiredObjectDeleteMarker"] == true {
			rule["Expiration"] = map[string]any{"ExpiredObjectDeleteMarker": true}
		}
		out = append(out, rule)
	}
	return out
}

func (f *Facts) bucketPolicy(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, bucketPolicyType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		have, err := f.bucket(ctx, region, reader.Policy)
		if err != nil || have == nil {
			return nil, err
		}
		want := r.Properties["PolicyDocument"]
		return policyFinding(have.Name, want, have.Properties[string(reader.Policy)],
			aws(region, "s3api put-bucket-policy", "bucket", have.Name, "policy", compact(want))), nil
	})
}

// policyFinding of a document that differs in meaning.
func policyFinding(resource string, want, have any, mend string) []drift.Finding {
	missing, extra := policy.Differences(want, have)
	if len(missing)+len(extra) == 0 {
		return nil
	}
	out := drift.Finding{Resource: resource, Expected: "the template's policy", Mend: mend}
	var found []string
	if len(missing) > 0 {
		found = append(found, "it lacks "+strings.Join(missing, " "))
	}
	if len(extra) > 0 {
		found = append(found, "it has "+strings.Join(extra, " "))
	}
	out.Found = strings.Join(found, "; ")
	return []drift.Finding{out}
}

func (f *Facts) replication(ctx context.Context, region string) ([]drift.Finding, error) {
	have, err := f.bucket(ctx, region, reader.Replication)
	if err != nil || have == nil || have.Properties[string(reader.Replication)] == nil {
		return nil, err
	}
	return []drift.Finding{{
		Resource: have.Name, Expected: "no replication", Found: show(have.Properties[string(reader.Replication)]),
		Mend: aws(region, "s3api delete-bucket-replication", "bucket", have.Name),
	}}, nil
}
