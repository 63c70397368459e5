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
	found := 0
	each(t, func(t *testing.T, v variant, a *assembly) {
		for _, r := range a.resources(kinds...) {
			found++
			f(t, v, r)
		}
	})
	some(t, found, kinds)
}

// some must have been looked at: a test of nothing proves nothing.
func some(t *testing.T, found int, what any) {
	t.Helper()
	if found == 0 {
		t.Errorf("nothing was looked at: no template holds %v", what)
	}
}

func eachDomain(t *testing.T, f func(t *testing.T, v variant, r resource)) {
	t.Helper()
	eachOf(t, []string{"AWS::OpenSearchService::Domain"}, f)
}

func TestF2_X2_H22_TheDomainIsNeverReplacedAndGoesOnlyByTheTemplate(t *testing.T) {
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

func TestX5_NoReservedConcurrency(t *testing.T) {
	eachOf(t, []string{"AWS::Lambda::Function"}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String(), r.property("ReservedConcurrentExecutions"), nil)
	})
}

func TestU2_TheWaitEndsBeforeCloudFormationDoes(t *testing.T) {
	eachOf(t, []string{"AWS::StepFunctions::StateMachine"}, func(t *testing.T, _ variant, r resource) {
		definition := text(r.property("DefinitionString"))
		for _, want := range []string{`IntervalSeconds:5`, `MaxAttempts:660`} { // 55 minutes
			// Whole numbers of a JSON text inside another one, so that 110 is not 1100.
			if !regexp.MustCompile(`\b` + want + `\b`).MatchString(strings.NewReplacer(`\`, "", `"`, "").Replace(definition)) {
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
			if r.property("DestinationConfig", "OnFailure", "Destination") == nil {
				t.Errorf("%s fails in silence", f)
			}
			watched := slices.ContainsFunc(a.resources("AWS::CloudWatch::Alarm"), func(alarm resource) bool {
				return alarm.stack == f.stack && alarm.property("MetricName") == "Errors" &&
					strings.Contains(text(alarm.property("Dimensions")), `"Value":"`+fmt.Sprint(f.property("FunctionName"))+`"`)
			})
			if !watched {
				t.Errorf("no alarm tells of the errors of %s", f)
			}
		}
		for _, s := range a.resources("AWS::Scheduler::Schedule") {
			if s.property("Target", "DeadLetterConfig", "Arn") == nil || s.property("Target", "RetryPolicy") == nil {
				t.Errorf("%s has no dead letters or retry policy", s)
			}
		}
	})
}

// The control Region is one of the pair by default, and may be a third one, where
// no foundation makes a topic or a queue: names must not clash in the one, and an
// alarm must have somebody to tell in the other.
func TestD2_TheTrafficFunctionTellsSomebodyInEveryControlRegion(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		region := func(stack string) string {
			return a.stacks[stack].Environment[strings.LastIndex(a.stacks[stack].Environment, "/")+1:]
		}
		made := map[string]string{} // queue, topic or alias in a Region: by whom
		for _, r := range a.resources("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::KMS::Alias") {
			for _, property := range []string{"QueueName", "TopicName", "AliasName"} {
				if name, ok := r.property(property).(string); ok {
					key := region(r.stack) + " " + r.kind + " " + name
					if by, twice := made[key]; twice {
						t.Errorf("%s and %s both make %s", by, r, key)
					}
					made[key] = r.String()
				}
			}
		}
		// The Region that is left out has its topic; whether this run makes it or not.
		isThird := !strings.HasPrefix(region("osdr-traffic"), "us-")
		_, topic := made[region("osdr-traffic")+" AWS::SNS::Topic osdr-alarms"]
		equal(t, "a topic made by the traffic stack", strings.HasPrefix(made[region("osdr-traffic")+" AWS::SNS::Topic osdr-alarms"], "osdr-traffic/"), isThird)
		if !topic {
			t.Errorf("the alarms of %s go to a topic that nobody makes", region("osdr-traffic"))
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
					want = "rate(1 minute)" // half of two
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

// wildcards are all resources with a pattern that a role may act on, each with
// the actions that may have it. Regions and the account are cut out of them.
var wildcards = []struct{ resource, actions string }{
	{`\*`, `cloudwatch:PutMetricData`}, // knows no resources; the namespace narrows it
	{`arn:aws:logs:R:A:log-group:/aws/lambda/osdr-[a-z-]+:\*`, `logs:(CreateLogStream|PutLogEvents)`},
	{`arn:aws:cloudformation:R:A:stack/osdr-(traffic|(domain|recovery)-R)/\*`, `cloudformation:DescribeStacks`},
	{`arn:aws:es:R:A:domain/osdr/\*`, `es:ESHttp(Delete|Get|Head|Patch|Post|Put)`},
	{`arn:aws:s3:::osdr-snapshots-A-R/\*`, `s3:(GetObject|PutObject|DeleteObject|AbortMultipartUpload|ListMultipartUploadParts)`},
	{`arn:aws:s3:::osdr-snapshots-A-R/_dr/(|lease/|journal/|fence/|points/|pins/)\*`, `s3:(GetObject|PutObject|DeleteObject)`},
	{`arn:aws:s3:::osdr-snapshots-A-R/osdr-doctor-\*`, `s3:DeleteObject`},
	{`arn:aws:kms:R:A:key/\*`, `kms:(Decrypt|GenerateDataKey)`}, // by alias and service, TestX7
	// The reader of osdr drift, none of which changes anything (internal/drift/permit).
	{`\*`, `cloudformation:(BatchDescribeTypeConfigurations|DescribeStackDriftDetectionStatus)|es:ListDomainNames|lambda:GetAccountSettings|logs:DescribeResourcePolicies|servicequotas:ListServiceQuotas`},
	{`arn:aws:cloudformation:R:A:stack/osdr-\*/\*`, `cloudformation:(DescribeStacks|GetTemplate|ListStackResources|DetectStack(Resource)?Drift|DescribeStackResourceDrifts)`},
	{`arn:aws:lambda:R:A:function:osdr-\*`, `lambda:(GetFunction|GetFunctionEventInvokeConfig)`},
	{`arn:aws:scheduler:R:A:schedule/osdr/osdr-\*`, `scheduler:GetSchedule`},
	{`arn:aws:iam::A:role/osdr-\*`, `iam:(GetRole|ListRolePolicies|GetRolePolicy|ListAttachedRolePolicies|SimulatePrincipalPolicy)`},
	{`arn:aws:kms:R:A:key/\*`, `kms:(DescribeKey|GetKeyRotationStatus|GetKeyPolicy)`},
	{`arn:aws:cloudwatch:R:A:alarm:osdr-\*`, `cloudwatch:DescribeAlarms`},
	{`arn:aws:acm:R:A:certificate/\*`, `acm:DescribeCertificate`},
	{`arn:aws:ssm:R:A:parameter/(osdr/\*|cdk-bootstrap/\*/version)`, `ssm:GetParameter`},
	{`arn:aws:sqs:R:A:osdr-\*`, `sqs:(GetQueueAttributes|ListQueueTags)`},
	{`arn:aws:states:R:A:stateMachine:(Gate|Promotion)Provider\*`, `states:(DescribeStateMachine|ListTagsForResource)`},
	{`arn:aws:logs:R:A:log-group:\*`, `logs:DescribeLogGroups`},
	// The CDK's framework: every version of the one function, of the same stack.
	{`\{"Fn::Join":\["",\[\{"Fn::GetAtt":\["\w+(Function|framework)\w*","Arn"\]\},":\*"\]\]\}`, `lambda:InvokeFunction`},
}

func mayBePattern(resource, action string) bool {
	resource = strings.NewReplacer(account, "A", primary, "R", secondary, "R", "eu-west-1", "R").Replace(resource)
	for _, w := range wildcards {
		if regexp.MustCompile(`^(?:`+w.resource+`)$`).MatchString(resource) && regexp.MustCompile(`^(?:`+w.actions+`)$`).MatchString(action) {
			return true
		}
	}
	return false
}

// Least privilege: no action is a pattern, and a resource is one only where it
// stands in the list above.
func TestNoRoleMayDoEverything(t *testing.T) {
	patterns := 0
	eachOf(t, []string{"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}, func(t *testing.T, _ variant, r resource) {
		equal(t, r.String()+" managed policies", r.property("ManagedPolicyArns"), nil)
		for _, s := range identityStatements(r) {
			if s["NotAction"] != nil || s["NotResource"] != nil {
				t.Errorf("%s may do all but something: %s", r, text(s))
			}
			if s["Effect"] == "Deny" {
				continue // the wider, the less
			}
			for _, action := range list(s["Action"]) {
				if strings.Contains(text(action), "*") {
					t.Errorf("%s may %s", r, text(action))
				}
				for _, on := range list(s["Resource"]) {
					resource, plain := on.(string)
					if !plain {
						resource = text(on)
					}
					if !strings.Contains(resource, "*") {
						continue
					}
					patterns++
					if !mayBePattern(resource, fmt.Sprint(action)) {
						t.Errorf("%s may %s on %s", r, action, resource)
					}
				}
			}
			if strings.Contains(text(s["Action"]), "PutMetricData") && !strings.Contains(text(s["Condition"]), `"cloudwatch:namespace":"OSDR"`) {
				t.Errorf("%s may publish into any namespace", r)
			}
		}
	})
	some(t, patterns, "a resource with a pattern")
}

// The list must bite.
func TestMayBePattern(t *testing.T) {
	for _, c := range []struct {
		resource, action string
		want             bool
	}{
		{"*", "cloudwatch:PutMetricData", true},
		{"*", "s3:GetObject", false},
		{"arn:aws:s3:::*", "s3:GetObject", false},
		{"arn:aws:s3:::osdr-snapshots-" + account + "-us-east-1/*", "s3:GetObject", true},
		{"arn:aws:s3:::osdr-snapshots-" + account + "-us-east-1/*", "s3:PutBucketPolicy", false},
		{"arn:aws:s3:::osdr-snapshots-" + account + "-us-east-1/_dr/ledger*", "s3:PutObject", false},
		{"arn:aws:es:us-east-1:" + account + ":domain/*", "es:ESHttpGet", false},
	} {
		if got := mayBePattern(c.resource, c.action); got != c.want {
			t.Errorf("%s on %s: %v", c.action, c.resource, got)
		}
	}
}

// allows says whether a role of these statements may do action on resource; a
// condition counts as met.
func allows(statements []object, action, resource string) bool {
	matches := func(pattern any, s string) bool {
		text, _ := pattern.(string)
		return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$").MatchString(s)
	}
	hit := func(effect string) bool {
		return slices.ContainsFunc(statements, func(s object) bool {
			return s["Effect"] == effect &&
				slices.ContainsFunc(list(s["Action"]), func(a any) bool { return matches(a, action) }) &&
				slices.ContainsFunc(list(s["Resource"]), func(on any) bool { return matches(on, resource) })
		})
	}
	return hit("Allow") && !hit("Deny")
}

// The object rights of each role, as what it can do: the ledger decides who is
// active, so only the controller writes it, and nobody that writes repositories
// reaches the product's own objects.
func TestWhoMayDoWhatWithObjects(t *testing.T) {
	const get, put, del, abort = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"
	looked := 0
	eachOf(t, []string{"AWS::IAM::Role"}, func(t *testing.T, _ variant, r resource) {
		name := fmt.Sprint(r.property("RoleName"))
		m := regexp.MustCompile(`^osdr-(snapshot|recovery|TheSnapshotRole|traffic)-(us-.*|eu-.*)$`).FindStringSubmatch(name)
		if m == nil || strings.HasPrefix(m[2], "eu-") {
			return
		}
		looked++
		region, other := m[2], primary
		if region == primary {
			other = secondary
		}
		own, far := "arn:aws:s3:::osdr-snapshots-"+account+"-"+region, "arn:aws:s3:::osdr-snapshots-"+account+"-"+other
		const uuid = "/abcdefghijklmnopqrstuv/index-1"
		statements := identityStatements(r)
		for key, may := range map[string]map[string]string{ // object: who may do what
			own + "/_dr/ledger.json":     {"snapshot": "g", "recovery": "gpd", "traffic": "g"},
			far + "/_dr/ledger.json":     {"snapshot": "g", "recovery": "gpd", "traffic": "g"},
			own + "/_dr/lease/x.json":    {"snapshot": "gpd", "recovery": "gpd"},
			far + "/_dr/lease/x.json":    {"snapshot": "g", "recovery": "gpd"},
			own + "/_dr/journal/x.json":  {"snapshot": "gpd", "recovery": "gpd"},
			far + "/_dr/journal/x.json":  {"snapshot": "g", "recovery": "gpd"},
			own + "/_dr/fence/x.json":    {"snapshot": "g", "recovery": "gpd"},
			own + "/_dr/points/1-1.json": {"snapshot": "g", "recovery": "gpd", "traffic": "g"},
			far + "/_dr/points/1-1.json": {"snapshot": "gpd", "recovery": "gpd", "traffic": "g"},
			own + "/_dr/pins/1-1-x.json": {"recovery": "gpd"},
			far + "/_dr/pins/1-1-x.json": {"snapshot": "gpd", "recovery": "gpd"},
			own + uuid:                   {"TheSnapshotRole": "g", "recovery": "g"},
			far + uuid:                   {"TheSnapshotRole": "gpda", "snapshot": "g", "recovery": "g"},
		} {
			got := ""
			for _, a := range []string{get, put, del, abort} {
				if allows(statements, a, key) {
					got += strings.ToLower(strings.TrimPrefix(a, "s3:")[:1])
				}
			}
			equal(t, name+" on "+key, got, may[m[1]])
		}
		for _, bucket := range []string{own, far} {
			equal(t, name+" lists "+bucket, allows(statements, "s3:ListBucket", bucket), true)
		}
	})
	some(t, looked, "a role that reaches objects")
}

func TestN_PassRoleIsExactlyOneRoleAndOnlyForTheSigners(t *testing.T) {
	found := 0
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy") {
			for _, s := range identityStatements(r) {
				if !strings.Contains(text(s["Action"]), "PassRole") {
					continue
				}
				found++
				region := a.stacks[r.stack].Environment[strings.LastIndex(a.stacks[r.stack].Environment, "/")+1:]
				equal(t, r.String(), text(s["Action"]), `"iam:PassRole"`) // beside nothing
				equal(t, r.String(), s["Resource"], "arn:aws:iam::"+account+":role/osdr-TheSnapshotRole-"+region)
				equal(t, r.String(), s["Condition"], nil) // no iam:PassedToService
				if name := fmt.Sprint(r.property("RoleName")); name != "osdr-snapshot-"+region && name != "osdr-recovery-"+region {
					t.Errorf("%s may pass a role", name)
				}
			}
		}
	})
	some(t, found, "iam:PassRole")
}

func TestN_TheSnapshotRole(t *testing.T) {
	a := synth(t, byName("active-primary.cold"))
	found := 0
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
			if !writes || s["Effect"] == "Deny" {
				continue
			}
			found++
			if !strings.Contains(text(s["Resource"]), other) {
				t.Errorf("%s writes to %s", name, text(s["Resource"]))
			}
			for _, want := range []string{"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"} {
				if !strings.Contains(text(s["Action"]), want) {
					t.Errorf("%s may not %s", name, want)
				}
			}
		}
	}
	equal(t, "statements that write, one a Region", found, 2)
}

// X4: a function may write the product's two records and no other.
func TestX4_OnlyTheControllerWritesDNSAndOnlyItsRecords(t *testing.T) {
	found := 0
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role") {
			for _, s := range identityStatements(r) {
				if !strings.Contains(text(s["Action"]), "ChangeResourceRecordSets") {
					continue
				}
				found++
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
	some(t, found, "ChangeResourceRecordSets")
}
