package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestF3_F26_NoLiveObjectOfABucketEverExpires(t *testing.T) {
	eachOf(t, []string{"AWS::S3::Bucket"}, func(t *testing.T, _ variant, r resource) {
		for _, rule := range list(r.property("LifecycleConfiguration", "Rules")) {
			for key := range rule.(object) {
				if !slices.Contains([]string{"AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "ExpiredObjectDeleteMarker", "Id", "Status"}, key) {
					t.Errorf("%s has a rule with %s", r, key)
				}
			}
		}
		equal(t, "versioning", r.property("VersioningConfiguration", "Status"), "Enabled")
		equal(t, "DeletionPolicy", r.at("DeletionPolicy"), "Retain")
		equal(t, "UpdateReplacePolicy", r.at("UpdateReplacePolicy"), "Retain")
		equal(t, "replication (D11)", r.property("ReplicationConfiguration"), nil)
		for _, key := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			equal(t, key, r.property("PublicAccessBlockConfiguration", key), true)
		}
	})
}

// H41: a key that goes takes every recovery point with it.
func TestH41_TheKeyOutlivesItsStack(t *testing.T) {
	found := 0
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, bucket := range a.resources("AWS::S3::Bucket") {
			for _, key := range a.resources("AWS::KMS::Key") {
				if key.stack != bucket.stack || !strings.Contains(text(bucket.property("BucketEncryption")), `"`+key.id+`"`) {
					continue
				}
				found++
				equal(t, key.String()+" DeletionPolicy", key.at("DeletionPolicy"), "Retain")
				equal(t, key.String()+" UpdateReplacePolicy", key.at("UpdateReplacePolicy"), "Retain")
				equal(t, key.String()+" PendingWindowInDays", key.property("PendingWindowInDays"), nil) // 30, the longest
			}
		}
	})
	some(t, found, "a bucket with a key of its own")
}

func TestF8_NoPolicyDemandsAnEncryptionHeader(t *testing.T) {
	eachOf(t, []string{"AWS::S3::BucketPolicy"}, func(t *testing.T, _ variant, r resource) {
		policy := text(r.property("PolicyDocument"))
		if strings.Contains(policy, "x-amz-server-side-encryption") {
			t.Errorf("%s demands a header: %s", r, policy)
		}
		if !strings.Contains(policy, `"aws:SecureTransport":"false"`) {
			t.Errorf("%s lets plain HTTP in", r)
		}
	})
	eachOf(t, []string{"AWS::S3::Bucket"}, func(t *testing.T, v variant, r resource) {
		want := "AES256"
		if v.name == "options" {
			want = "aws:kms"
		}
		if got := text(r.property("BucketEncryption")); !strings.Contains(got, want) {
			t.Errorf("%s is encrypted by %s", r, got)
		}
	})
}

func TestX6_NoResourcePolicyNamesARole(t *testing.T) {
	kinds := []string{"AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::OpenSearchService::Domain"}
	eachOf(t, kinds, func(t *testing.T, _ variant, r resource) {
		for _, path := range [][]string{{"PolicyDocument"}, {"KeyPolicy"}, {"AccessPolicies"}} {
			doc, _ := r.property(path...).(object)
			for _, s := range list(doc["Statement"]) {
				if p := text(s.(object)["Principal"]); strings.Contains(p, ":role/") || strings.Contains(p, "GetAtt") {
					t.Errorf("%s names %s", r, p)
				}
			}
		}
	})
	eachOf(t, []string{"AWS::IAM::Role"}, func(t *testing.T, _ variant, r resource) {
		if trust := text(r.property("AssumeRolePolicyDocument")); strings.Contains(trust, `"AWS":"arn:aws:iam::`+account+`:role/`) {
			t.Errorf("%s trusts a role that must exist: %s", r, trust)
		}
	})
}

func TestX7_NamesOfGlobalThingsCarryTheRegion(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		seen := map[string]string{}
		for _, r := range a.resources("AWS::IAM::Role", "AWS::S3::Bucket") {
			name := fmt.Sprint(r.property("RoleName"))
			if r.kind == "AWS::S3::Bucket" {
				name = fmt.Sprint(r.property("BucketName"))
			}
			if name == "<nil>" {
				continue // CloudFormation chooses a name with random letters
			}
			region := a.stacks[r.stack].Environment[strings.LastIndex(a.stacks[r.stack].Environment, "/")+1:]
			if !strings.HasSuffix(name, region) {
				t.Errorf("%s is called %s", r, name)
			}
			if other, twice := seen[name]; twice {
				t.Errorf("%s and %s are both called %s", r, other, name)
			}
			seen[name] = r.String()
		}
	})
}

func TestX7_KeysAreNamedByAliasAndByS3(t *testing.T) {
	a := synth(t, byName("options"))
	found := 0
	for _, r := range a.resources("AWS::IAM::Role") {
		for _, s := range identityStatements(r) {
			if !strings.Contains(text(s["Resource"]), ":kms:") || !strings.Contains(text(s["Action"]), "kms:Decrypt") {
				continue // others look at a key and cannot use it
			}
			found++
			condition := text(s["Condition"])
			for _, want := range []string{`"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/osdr-snapshots"}`, `"kms:ViaService":"s3.us-`} {
				if !strings.Contains(condition, want) {
					t.Errorf("%s: no %s in %s", r, want, condition)
				}
			}
		}
	}
	// TheSnapshotRole, snapshot, recovery and drift in two Regions, and traffic, with
	// two keys each.
	equal(t, "statements about keys", found, 18)
	for _, r := range synth(t, byName("active-primary.cold")).resources("AWS::IAM::Role") {
		for _, s := range identityStatements(r) {
			if strings.Contains(text(s), "kms:Decrypt") {
				t.Errorf("%s may use a key although there is none", r)
			}
		}
	}
}
