package change_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/change"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

// cloudFormation of some stacks, by Region and name.
type cloudFormation struct {
	reader.Stacks
	stacks map[string]reader.Stack
}

func (c cloudFormation) Stack(_ context.Context, region, name string) (*reader.Stack, error) {
	if s, ok := c.stacks[region+" "+name]; ok {
		return &s, nil
	}
	return nil, nil
}

func (c cloudFormation) StackTemplate(_ context.Context, _, name string) ([]byte, error) {
	if name == "osdr-broken" {
		return []byte("Resources:"), nil
	}
	return []byte(`{"Resources": {}}`), nil
}

func TestReadWhatIsDeployed(t *testing.T) {
	places := change.Places(contract.Names{App: "osdr", Account: account}, []string{primary, secondary}, "eu-west-1",
		[]template.Stack{{Name: "osdr-broken", Region: primary}, {Name: "osdr-traffic", Region: "eu-west-1"}})
	if len(places) != 10 {
		t.Errorf("%d places: %v", len(places), places)
	}
	side := change.Read(t.Context(), cloudFormation{stacks: map[string]reader.Stack{
		"us-east-1 osdr-foundation-us-east-1": {Status: "UPDATE_COMPLETE", Protected: true},
		"us-east-1 osdr-domain-us-east-1":     {Status: "UPDATE_ROLLBACK_COMPLETE"},
		"us-west-2 osdr-traffic":              {Status: "CREATE_COMPLETE"},
		// A change set that nobody executed, and a stack that is gone.
		"us-east-1 osdr-recovery-us-east-1": {Status: "REVIEW_IN_PROGRESS"},
		"us-west-2 osdr-domain-us-west-2":   {Status: "DELETE_COMPLETE"},
		"us-east-1 osdr-broken":             {Status: "CREATE_COMPLETE"},
	}}, account, places, time.Minute)
	protected := map[string]bool{}
	for _, s := range side.Stacks {
		protected[s.Region+" "+s.Name] = s.Protected
		if s.Account != account {
			t.Errorf("%s is of account %q", s.Name, s.Account)
		}
	}
	want := map[string]bool{"us-east-1 osdr-foundation-us-east-1": true, "us-east-1 osdr-domain-us-east-1": false, "us-west-2 osdr-traffic": false}
	if len(protected) != len(want) {
		t.Errorf("%v", protected)
	}
	for name, p := range want {
		if got, ok := protected[name]; !ok || got != p {
			t.Errorf("%s: protected %v, there %v", name, got, ok)
		}
	}
	if side.Failed[primary] == nil || side.Failed[secondary] != nil || errors.Is(side.Failed[primary], context.Canceled) {
		t.Errorf("failed: %v", side.Failed)
	}
}
