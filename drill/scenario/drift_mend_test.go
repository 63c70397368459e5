package scenario

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/drift/checks"
)

// A mend is what is typed, and words for people after it.
func TestCommandsOfAMend(t *testing.T) {
	for mend, want := range map[string][]string{
		"aws s3api delete-bucket-replication --region r --bucket b":                                                                      {"aws s3api delete-bucket-replication --region r --bucket b"},
		"aws ssm put-parameter --value v --overwrite; the controller does it each minute":                                                {"aws ssm put-parameter --value v --overwrite"},
		"aws kms cancel-key-deletion --key-id k && aws kms enable-key --key-id k":                                                        {"aws kms cancel-key-deletion --key-id k", "aws kms enable-key --key-id k"},
		`aws sns subscribe --attributes '{"a, b":"c; d"}', or not`:                                                                       {`aws sns subscribe --attributes '{"a, b":"c; d"}'`},
		`PUT /x/_settings {"index.blocks.write": null} on the domain of us-east-1, as an admin`:                                          {`PUT /x/_settings {"index.blocks.write": null}`},
		"DELETE _snapshot/os-inbound on the domain of us-east-1, as an admin; a switch registers what it needs":                          {"DELETE _snapshot/os-inbound"},
		"look whether that run is still at work; if not, aws s3 rm --region r s3://b/k":                                                  {"aws s3 rm --region r s3://b/k"},
		"bring back the deleted versions: aws s3api list-object-versions --prefix k shows them; else let the next snapshot make a point": {"aws s3api list-object-versions --prefix k"},
		"cdk deploy movies-domain-us-east-1 --exclusively --revert-drift":                                                                {"cdk deploy movies-domain-us-east-1 --exclusively --revert-drift"},
		`aws x y --input '{"a":"the controller'\''s run, each minute"}' --z; more`:                                                       {`aws x y --input '{"a":"the controller'\''s run, each minute"}' --z`},
		"osdr abort; the controller lifts it":                                                                                            {"osdr abort"},
		"docs/runbooks/domain-identity.md":                                                                                               nil,
	} {
		if diff := cmp.Diff(want, commands(mend)); diff != "" {
			t.Errorf("%s: -want +got\n%s", mend, diff)
		}
	}
}

// README.md says how many changes a run plays.
func TestREADMECountsTheChanges(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	d := &drifts{World: &World{}}
	want := fmt.Sprintf("each of %d changes by hand", len(d.all())+len(d.afterASwitch()))
	if !strings.Contains(string(raw), want) {
		t.Errorf("README.md does not say %q", want)
	}
}

// Each check is found by a change that is made on a system that lives, or it is
// said why not.
func TestEveryCheckIsPlayed(t *testing.T) {
	d := &drifts{World: &World{}}
	played := map[string]bool{}
	for _, c := range append(d.all(), d.afterASwitch()...) {
		played[c.id] = true
	}
	for _, c := range checks.All(nil) {
		if (unplayed[c.ID] != "") == played[c.ID] {
			t.Errorf("%s: played %v, not played because %q", c.ID, played[c.ID], unplayed[c.ID])
		}
		delete(played, c.ID)
	}
	for id := range played {
		t.Errorf("%s is played and is no check", id)
	}
}
