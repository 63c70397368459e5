package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/drill/cdk"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// The page holds what the drill types, with no placeholder that the drill does not
// know.
func TestDocumentedCommands(t *testing.T) {
	x := &examples{World: &World{CDK: cdk.CLI{Dir: "../.."}, Names: contract.Names{App: "movies", Account: account}}}
	for heading, want := range map[string]string{
		"GitHub Actions": "--parameter-overrides Name=movies Repository=acme/search", "CodePipeline": pipelineTemplate,
		"Without a CI": "AlarmTopicArn=arn:aws:sns:us-west-2:" + account + ":movies-alarms", "The reader's policy": "--role-name reader ",
	} {
		got, err := x.documented(heading, "<role>", "reader")
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v: no %q in\n%s", heading, err, want, got)
		}
	}
	for _, heading := range []string{"The reader's policy", "Nowhere"} { // <role> is left, or there is no command
		if got, err := x.documented(heading); err == nil {
			t.Errorf("%s: %s", heading, got)
		}
	}
}

// What -c gives as text stands in cdk.json in its kind.
func TestFieldsOfCDKJSON(t *testing.T) {
	dr := map[string]any{"name": "osdr", "rpoMinutes": 60.0, "admins": []any{}, "dns": map[string]any{"ttl": 60.0}}
	for path, value := range map[string]string{"name": "movies", "rpoMinutes": "5", "admins": "a,b", "dns.ttl": "30", "dns.record": "search.example.com", "account": account} {
		set(dr, strings.Split(path, "."), value)
	}
	want := map[string]any{
		"name": "movies", "rpoMinutes": 5, "admins": []string{"a", "b"}, "account": account,
		"dns": map[string]any{"ttl": 30, "record": "search.example.com"},
	}
	if diff := cmp.Diff(want, dr); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
