package permit_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift/permit"
)

var place = permit.Place{
	Names: contract.Names{App: "osdr", Account: "123456789012"}, Regions: []string{"us-east-1", "us-west-2"}, Control: "eu-west-1", ZoneID: "Z1", Encrypted: true,
}

// reads are the verbs of actions that change nothing. DetectStackDrift writes down
// what it saw, in CloudFormation's own record; InvokeFunction is of the alias that
// only looks; Decrypt and Simulate compute.
var reads = regexp.MustCompile(`^[a-z0-9]+:(Get|List|Describe|BatchDescribe|Simulate)[A-Za-z]+$|^cloudformation:DetectStack(Resource)?Drift$|^kms:Decrypt$`)

func TestItCanChangeNothing(t *testing.T) {
	for _, s := range permit.Statements(place) {
		for _, a := range s.Actions {
			if a == "lambda:InvokeFunction" {
				if !slices.Equal(s.Resources, []string{"arn:aws:lambda:us-east-1:123456789012:function:osdr-recovery:look", "arn:aws:lambda:us-west-2:123456789012:function:osdr-recovery:look"}) {
					t.Errorf("%s on %v", a, s.Resources)
				}
				continue
			}
			if !reads.MatchString(a) {
				t.Errorf("%s: %s", s.Sid, a)
			}
		}
		if strings.Contains(strings.Join(s.Resources, ""), "*") != (s.Wildcard != "") {
			t.Errorf("%s: resources %v, reason %q", s.Sid, s.Resources, s.Wildcard)
		}
	}
}

func TestItReadsNoDocument(t *testing.T) {
	for _, s := range permit.Statements(place) {
		if slices.Contains(s.Actions, "s3:GetObject") {
			for _, r := range s.Resources {
				if !strings.HasSuffix(r, "/_dr/*") {
					t.Errorf("objects %s", r)
				}
			}
		}
	}
}

// An inline policy of a role has at most 10,240 characters without spaces
// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func TestItFitsIntoARole(t *testing.T) {
	p := place
	p.Names.App, p.Regions, p.Control = strings.Repeat("a", 28), []string{"ap-northeast-1", "ap-southeast-2"}, "ap-northeast-2"
	body, err := json.Marshal(permit.Document(p))
	if err != nil || len(body) > 10240 {
		t.Errorf("%d characters, %v", len(body), err)
	}
	sids := map[string]bool{}
	for _, s := range permit.Statements(p) {
		if sids[s.Sid] {
			t.Errorf("%s twice", s.Sid)
		}
		sids[s.Sid] = true
	}
}
