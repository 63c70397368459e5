package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
)

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
