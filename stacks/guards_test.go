package stacks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Each test holds one row of the failure modes (F), or of the review of what
// AWS really does (X, U, D, N).

func eachOf(t *testing.T, kinds []string, f func(t *testing.T, v variant, r resource)) {
	t.Helper()
	each(t, func(t *testing.T, v variant, a *assembly) {
		for _, r := range a.resources(kinds...) {
			f(t, v, r)
		}
	})
}

func eachDomain(t *testing.T, f func(t *testing.T, v variant, r resource)) {
	t.Helper()
	eachOf(t, []string{"AWS::OpenSearchService::Domain"}, f)
}

func TestF2_X2_TheDomainIsNeverReplacedAndGoesOnlyByTheTemplate(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) {
		equal(t, "DomainName", r.property("DomainName"), "osdr")
		equal(t, "EnableVersionUpgrade", r.at("UpdatePolicy", "EnableVersionUpgrade"), true)
		equal(t, "DeletionPolicy", r.at("DeletionPolicy"), "Delete")
		equal(t, "UpdateReplacePolicy", r.at("UpdateReplacePolicy"), "Retain")
	})
}

func TestF2_StacksThatHoldDataAreProtected(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for name, s := range a.stacks {
			holds := strings.Contains(name, "-foundation-") || strings.Contains(name, "-domain-")
			equal(t, name+" termination protection", s.Properties.TerminationProtection, holds)
		}
	})
}

func TestB6_StandbyIsOffInSoManyWords(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) {
		equal(t, "MultiAZWithStandbyEnabled", r.property("ClusterConfig", "MultiAZWithStandbyEnabled"), false)
	})
}

func TestD7_TheDomainSpeaksTLSByName(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) {
		equal(t, "EnforceHTTPS", r.property("DomainEndpointOptions", "EnforceHTTPS"), true)
		equal(t, "TLSSecurityPolicy", r.property("DomainEndpointOptions", "TLSSecurityPolicy"), "Policy-Min-TLS-1-2-PFS-2023-10")
		equal(t, "node to node", r.property("NodeToNodeEncryptionOptions", "Enabled"), true)
		equal(t, "at rest", r.property("EncryptionAtRestOptions", "Enabled"), true)
		equal(t, "a key of its own", r.property("EncryptionAtRestOptions", "KmsKeyId"), nil) // F10
	})
}

func TestF24_X6_TheDomainsAccessPolicyIsInlineAndNamesNoRole(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) {
		for _, s := range list(r.property("AccessPolicies", "Statement")) {
			equal(t, "Principal", text(s.(object)["Principal"]), `{"AWS":"arn:aws:iam::`+account+`:root"}`)
		}
		options := r.property("AdvancedSecurityOptions").(object)
		equal(t, "fine-grained access control", options["Enabled"], true)
		equal(t, "internal users", options["InternalUserDatabaseEnabled"], false)
		if master := text(options["MasterUserOptions"]); !strings.Contains(master, ":role/osdr-master-us-") {
			t.Errorf("master is %s", master)
		}
	})
	each(t, func(t *testing.T, _ variant, a *assembly) {
		if got := a.resources("Custom::OpenSearchAccessPolicy", "AWS::CloudFormation::CustomResource"); len(got) > 0 {
			t.Errorf("the CDK added %v", got)
		}
	})
}

func TestD4_TheDomainIsPublic(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) { equal(t, "VPCOptions", r.property("VPCOptions"), nil) })
}

// F21: only a VPC domain needs the service-linked role, and nothing makes it.
func TestF21_NoServiceLinkedRole(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		if got := a.resources("AWS::IAM::ServiceLinkedRole"); len(got) > 0 {
			t.Errorf("%v", got)
		}
	})
}

func TestF25_WhatAWSChangesByItselfIsPinned(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) {
		equal(t, "automatic updates", r.property("SoftwareUpdateOptions", "AutoSoftwareUpdateEnabled"), false)
		equal(t, "AdvancedOptions", r.property("AdvancedOptions"), nil)
	})
}

func TestU3_NothingInTheDomainStackWorksInsideTheCluster(t *testing.T) {
	allowed := []string{"AWS::OpenSearchService::Domain", "AWS::Scheduler::Schedule", "AWS::CloudWatch::Alarm", contract.TypeGate, contract.TypeMeant}
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources() {
			if strings.Contains(r.stack, "-domain-") && !slices.Contains(allowed, r.kind) {
				t.Errorf("%s is a %s", r, r.kind)
			}
		}
	})
}

func TestH2_TheQuestionComesBeforeTheDomainAndTheGateAfter(t *testing.T) {
	eachDomain(t, func(t *testing.T, v variant, r resource) {
		equal(t, "the domain waits for", r.at("DependsOn"), []string{"Meant"})
		for _, g := range synth(t, v).resources(contract.TypeGate) {
			if g.stack == r.stack {
				equal(t, "the gate waits for", g.at("DependsOn"), []string{"Domain"})
				equal(t, "DomainWanted", g.property("DomainWanted"), "true")
			}
		}
	})
}

func TestB9_U4_CustomEndpointWithACertificateAndNoRecordOfItsOwn(t *testing.T) {
	eachDomain(t, func(t *testing.T, _ variant, r resource) {
		equal(t, "CustomEndpoint", r.property("DomainEndpointOptions", "CustomEndpoint"), "search.example.com")
		if r.property("DomainEndpointOptions", "CustomEndpointCertificateArn") == nil {
			t.Error("no certificate")
		}
	})
	each(t, func(t *testing.T, _ variant, a *assembly) {
		var got []string
		for _, r := range a.resources("AWS::Route53::RecordSet", "AWS::Route53::RecordSetGroup") {
			got = append(got, fmt.Sprint(r.stack, " ", r.property("Type"), " ", r.property("Name"), " ", r.property("TTL")))
			equal(t, r.String()+" DeletionPolicy", r.at("DeletionPolicy"), "Retain")
			equal(t, r.String()+" UpdateReplacePolicy", r.at("UpdateReplacePolicy"), "Retain")
			if values := text(r.property("ResourceRecords")); !strings.Contains(values, `"Fn::GetAtt":["Answer"`) {
				t.Errorf("%s says %s, not what the ledger says (G2)", r, values)
			}
		}
		equal(t, "records", got, []string{"osdr-traffic TXT _active.search.example.com. 60", "osdr-traffic CNAME search.example.com. 60"})
	})
}

func TestF20_D6_OneLogPolicyARegionInTheFoundation(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		count := map[string]int{}
		for _, r := range a.resources("AWS::Logs::ResourcePolicy") {
			count[r.stack]++
			doc := r.property("PolicyDocument").(string)
			for _, want := range []string{"es.amazonaws.com", `"aws:SourceAccount":"` + account + `"`, "aws:SourceArn", ":log-group:/aws/opensearch/osdr/*"} {
				if !strings.Contains(doc, want) {
					t.Errorf("%s does not hold %s: %s", r, want, doc)
				}
			}
		}
		for stack := range a.stacks {
			want := 0
			if strings.Contains(stack, "-foundation-") {
				want = 1
			}
			equal(t, stack+" log policies", count[stack], want)
		}
		groups := map[string]bool{}
		for _, r := range a.resources("AWS::Logs::LogGroup") {
			groups[fmt.Sprint(r.property("LogGroupName"))] = true
			if r.property("RetentionInDays") == nil {
				t.Errorf("%s is kept forever", r)
			}
		}
		for _, d := range a.resources("AWS::OpenSearchService::Domain") {
			options := d.property("LogPublishingOptions").(object)
			equal(t, "logs", len(options), 4)
			if options["AUDIT_LOGS"] == nil {
				t.Error("no audit logs")
			}
			for kind, o := range options {
				arn := o.(object)["CloudWatchLogsLogGroupArn"].(string)
				if !groups[arn[strings.LastIndex(arn, ":")+1:]] {
					t.Errorf("%s go to %s, which no foundation makes", kind, arn)
				}
			}
		}
	})
}

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
			if !strings.Contains(text(s["Resource"]), ":kms:") {
				continue
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
	// TheSnapshotRole, snapshot and recovery in two Regions, and traffic, with two keys each.
	equal(t, "statements about keys", found, 14)
	for _, r := range synth(t, byName("active-primary.cold")).resources("AWS::IAM::Role") {
		for _, s := range identityStatements(r) {
			if strings.Contains(text(s), "kms:") {
				t.Errorf("%s may use a key although there is none", r)
			}
		}
	}
}

func TestX5_NoReservedConcurrency(t *testing.T) {
	eachOf(t, []string{"AWS::Lambda::Function"}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String(), r.property("ReservedConcurrentExecutions"), nil)
	})
}

func TestU2_TheWaitEndsBeforeCloudFormationDoes(t *testing.T) {
	eachOf(t, []string{"AWS::StepFunctions::StateMachine"}, func(t *testing.T, _ variant, r resource) {
		definition := text(r.property("DefinitionString"))
		for _, want := range []string{`\"IntervalSeconds\":5`, `\"MaxAttempts\":660`} { // 55 minutes
			if !strings.Contains(strings.ReplaceAll(definition, `\\`, `\`), want) && !strings.Contains(definition, strings.ReplaceAll(want, `\`, `\\\`)) {
				t.Errorf("%s: no %s in %s", r, want, definition)
			}
		}
	})
	eachOf(t, []string{contract.TypePromotion, contract.TypeGate}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String(), r.property("ServiceTimeout"), "3600")
	})
}

func TestU1_TheAskedMayTellARollbackFromAChange(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role") {
			name := fmt.Sprint(r.property("RoleName"))
			if !regexp.MustCompile(`^osdr-(promotion|gate|traffic)-(us|eu)-`).MatchString(name) {
				continue
			}
			may := false
			for _, s := range identityStatements(r) {
				may = may || strings.Contains(text(s["Action"]), "cloudformation:DescribeStacks") && strings.Contains(text(s["Resource"]), ":stack/osdr-")
			}
			if !may {
				t.Errorf("%s cannot describe its own stacks", name)
			}
		}
	})
}

func TestD1_EachRegionWatchesAgeAndSilenceBreaches(t *testing.T) {
	each(t, func(t *testing.T, v variant, a *assembly) {
		cfg, _ := configOf(t, v.flags)
		for stack := range a.stacks {
			if !strings.Contains(stack, "-foundation-") {
				continue
			}
			watch, schedule := false, false
			for _, r := range a.resources("AWS::CloudWatch::Alarm", "AWS::Scheduler::Schedule") {
				if r.stack != stack {
					continue
				}
				if r.property("MetricName") == contract.MetricPointAge {
					watch = true
					equal(t, "TreatMissingData", r.property("TreatMissingData"), "breaching")
					equal(t, "Threshold", r.property("Threshold"), cfg.RPOMinutes*60)
				}
				schedule = schedule || r.property("ScheduleExpression") == "rate(1 minute)"
			}
			if !watch || !schedule {
				t.Errorf("%s: alarm %v, schedule %v", stack, watch, schedule)
			}
		}
	})
}

func TestD2_EveryFunctionFailsOnceAndIntoTheDeadLetters(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		async := map[string]resource{}
		for _, r := range a.resources("AWS::Lambda::EventInvokeConfig") {
			async[r.stack+text(r.property("FunctionName"))] = r
		}
		for _, f := range a.resources("AWS::Lambda::Function") {
			if f.property("Runtime") != "provided.al2023" {
				continue // the CDK's framework
			}
			r, ok := async[f.stack+`{"Ref":"`+f.id+`"}`]
			if !ok {
				t.Errorf("%s is tried three times", f)
				continue
			}
			equal(t, "retries", r.property("MaximumRetryAttempts"), 0)
			equal(t, "age", r.property("MaximumEventAgeInSeconds"), 60)
			if strings.Contains(f.stack, "-foundation-") && r.property("DestinationConfig", "OnFailure", "Destination") == nil {
				t.Errorf("%s fails in silence", f)
			}
		}
		for _, s := range a.resources("AWS::Scheduler::Schedule") {
			if s.property("Target", "DeadLetterConfig", "Arn") == nil || s.property("Target", "RetryPolicy") == nil {
				t.Errorf("%s has no dead letters or retry policy", s)
			}
		}
	})
}

func TestB13_SchedulesAreEventBridgeSchedulers(t *testing.T) {
	each(t, func(t *testing.T, v variant, a *assembly) {
		if got := a.resources("AWS::Events::Rule"); len(got) > 0 {
			t.Errorf("%v", got)
		}
		for _, r := range a.resources("AWS::Scheduler::Schedule") {
			if strings.Contains(r.stack, "-domain-") {
				want := "rate(30 minutes)"
				if v.name == "options" {
					want = "rate(1 minute)" // half of one minute is none
				}
				equal(t, r.String(), r.property("ScheduleExpression"), want)
				// X4(a): no role of its own.
				if role, ok := r.property("Target", "RoleArn").(string); !ok || !strings.Contains(role, ":role/osdr-scheduler-") {
					t.Errorf("%s runs as %v", r, r.property("Target", "RoleArn"))
				}
			}
		}
	})
}

func TestD3_CloudWatchMayUseTheTopicsKey(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, topic := range a.resources("AWS::SNS::Topic") {
			key := topic.property("KmsMasterKeyId").(object)["Fn::GetAtt"].([]any)[0].(string)
			for _, r := range a.resources("AWS::KMS::Key", "AWS::SNS::TopicPolicy") {
				if r.stack != topic.stack || r.kind == "AWS::KMS::Key" && r.id != key {
					continue
				}
				doc, action := text(r.property("KeyPolicy")), "kms:GenerateDataKey*"
				if r.kind == "AWS::SNS::TopicPolicy" {
					doc, action = text(r.property("PolicyDocument")), "sns:Publish"
				}
				for _, want := range []string{action, `"Service":"cloudwatch.amazonaws.com"`, `"aws:SourceAccount":"` + account + `"`} {
					if !strings.Contains(doc, want) {
						t.Errorf("%s does not hold %s: %s", r, want, doc)
					}
				}
			}
		}
		for _, r := range a.resources("AWS::CloudWatch::Alarm") {
			if !strings.HasSuffix(list(r.property("AlarmActions"))[0].(string), ":osdr-alarms") {
				t.Errorf("%s tells %v", r, r.property("AlarmActions"))
			}
		}
	})
}

func TestEveryAlarmLeadsToItsRunbook(t *testing.T) {
	eachOf(t, []string{"AWS::CloudWatch::Alarm"}, func(t *testing.T, _ variant, r resource) {
		what := strings.TrimPrefix(fmt.Sprint(r.property("AlarmName")), "osdr-")
		path := "docs/runbooks/" + what + ".md"
		if !strings.Contains(fmt.Sprint(r.property("AlarmDescription")), path) {
			t.Errorf("%s does not name %s", r, path)
		}
		if _, err := os.Stat(filepath.Join("..", path)); err != nil {
			t.Error(err)
		}
	})
}

// Least privilege: no action is a pattern, and where a resource is everything
// a condition narrows it.
func TestNoRoleMayDoEverything(t *testing.T) {
	eachOf(t, []string{"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String()+" managed policies", r.property("ManagedPolicyArns"), nil)
		for _, s := range identityStatements(r) {
			if strings.Contains(text(s["Action"]), "*") {
				t.Errorf("%s may %s", r, text(s["Action"]))
			}
			for _, on := range list(s["Resource"]) {
				if on == "*" && text(s["Action"]) != `"cloudwatch:PutMetricData"` {
					t.Errorf("%s may %s on everything", r, text(s["Action"]))
				}
			}
			if strings.Contains(text(s["Action"]), "PutMetricData") && !strings.Contains(text(s["Condition"]), `"cloudwatch:namespace":"OSDR"`) {
				t.Errorf("%s may publish into any namespace", r)
			}
		}
	})
}

func TestN_PassRoleIsExactlyOneRoleAndOnlyForTheSigners(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role") {
			for _, s := range identityStatements(r) {
				if text(s["Action"]) != `"iam:PassRole"` {
					continue
				}
				region := a.stacks[r.stack].Environment[strings.LastIndex(a.stacks[r.stack].Environment, "/")+1:]
				equal(t, r.String(), s["Resource"], "arn:aws:iam::"+account+":role/osdr-TheSnapshotRole-"+region)
				equal(t, r.String(), s["Condition"], nil) // no iam:PassedToService
				if name := fmt.Sprint(r.property("RoleName")); name != "osdr-snapshot-"+region && name != "osdr-recovery-"+region {
					t.Errorf("%s may pass a role", name)
				}
			}
		}
	})
}

func TestN_TheSnapshotRole(t *testing.T) {
	a := synth(t, byName("active-primary.cold"))
	for _, r := range a.resources("AWS::IAM::Role") {
		name := fmt.Sprint(r.property("RoleName"))
		if !strings.Contains(name, "TheSnapshotRole") {
			continue
		}
		region := name[len("osdr-TheSnapshotRole-"):]
		other := primary
		if region == primary {
			other = secondary
		}
		trust := text(r.property("AssumeRolePolicyDocument"))
		for _, want := range []string{`"Service":"es.amazonaws.com"`, `"aws:SourceAccount":"` + account + `"`, `"aws:SourceArn":"arn:aws:es:` + region + ":" + account + `:domain/osdr"`} {
			if !strings.Contains(trust, want) {
				t.Errorf("%s does not trust by %s: %s", name, want, trust)
			}
		}
		for _, s := range identityStatements(r) {
			writes := strings.Contains(text(s["Action"]), "Put") || strings.Contains(text(s["Action"]), "Delete")
			if writes && !strings.Contains(text(s["Resource"]), other) {
				t.Errorf("%s writes to %s", name, text(s["Resource"]))
			}
			if writes {
				for _, want := range []string{"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"} {
					if !strings.Contains(text(s["Action"]), want) {
						t.Errorf("%s may not %s", name, want)
					}
				}
			}
		}
	}
}

// X4: a function may write the product's two records and no other.
func TestX4_OnlyTheControllerWritesDNSAndOnlyItsRecords(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role") {
			for _, s := range identityStatements(r) {
				if !strings.Contains(text(s["Action"]), "ChangeResourceRecordSets") {
					continue
				}
				if name := fmt.Sprint(r.property("RoleName")); !strings.HasPrefix(name, "osdr-recovery-") {
					t.Errorf("%s may write DNS", name)
				}
				condition, err := json.Marshal(s["Condition"])
				if err != nil {
					t.Fatal(err)
				}
				if want := `"route53:ChangeResourceRecordSetsNormalizedRecordNames":["search.example.com","_active.search.example.com"]`; !strings.Contains(string(condition), want) {
					t.Errorf("%s: %s", r, condition)
				}
			}
		}
	})
}
