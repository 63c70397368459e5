package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	aliasType = "AWS::KMS::Alias"
	keyType   = "AWS::KMS::Key"
)

func (f *Facts) keyChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "key.exists", Title: "each key has its alias", Scope: drift.Everywhere,
			Why:  "policies name the key by its alias: without it nobody may use the key (X7)",
			Find: f.keyExists,
		},
		{
			ID: "key.enabled", Title: "each key is enabled", Scope: drift.Everywhere,
			Why:  "with a bucket's key disabled every recovery point is unreadable; with the topic's, alarms reach nobody (F10, D3)",
			Find: f.keyEnabled,
		},
		{
			ID: "key.deletion", Title: "no key is about to be deleted", Scope: drift.Everywhere,
			Why:  "what it encrypted is lost for good on that day (F10)",
			Find: f.keyDeletion,
		},
		{
			ID: "key.rotation", Title: "each key rotates", Scope: drift.Everywhere,
			Why:  "it was promised to whoever audits this; it costs nothing",
			Find: f.keyRotation,
		},
		{
			ID: "key.policy", Title: "each key's policy is the template's", Scope: drift.Everywhere,
			Why:  "an alarm cannot be published under a key that CloudWatch may not use: it fires and nobody hears it (D3)",
			Find: f.keyPolicy,
		},
	}
}

// eachKey of a Region, by its alias, with the template's key. have is nil when no
// key has the alias.
func (f *Facts) eachKey(ctx context.Context, region string, look func(alias string, want *template.Resource, have *reader.Key) []drift.Finding) ([]drift.Finding, error) {
	items, err := f.expected(region, aliasType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		alias := r.Text("AliasName")
		have, err := f.key(ctx, region, alias)
		if err != nil {
			return nil, err
		}
		var want *template.Resource
		if u, ok := r.Properties["TargetKeyId"].(template.Unknown); ok {
			id := strings.TrimSuffix(u.Expression, ".Arn")
			for i := range r.Stack.Resources {
				if r.Stack.Resources[i].ID == id && r.Stack.Resources[i].Type == keyType {
					want = &r.Stack.Resources[i]
				}
			}
		}
		return look(alias, want, have), nil
	})
}

func (f *Facts) keyExists(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachKey(ctx, region, func(alias string, want *template.Resource, have *reader.Key) []drift.Finding {
		if have != nil {
			return nil
		}
		stack := f.names().FoundationStack(region)
		mend := revert(stack)
		// The key itself is as the stack made it, mostly.
		if held, err := f.stackResources(ctx, region, stack); err == nil && want != nil {
			if at := slices.IndexFunc(held, func(h reader.StackResource) bool { return h.ID == want.ID && h.Physical != "" }); at >= 0 {
				mend = aws(region, "kms create-alias", "alias-name", alias, "target-key-id", held[at].Physical)
			}
		}
		return []drift.Finding{{Resource: alias, Expected: "a key has the alias", Found: "none has", Mend: mend}}
	})
}

func (f *Facts) keyEnabled(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachKey(ctx, region, func(alias string, _ *template.Resource, have *reader.Key) []drift.Finding {
		if have == nil || have.State == "Enabled" || have.State == "PendingDeletion" {
			return nil
		}
		return []drift.Finding{{Resource: alias, Expected: "Enabled", Found: have.State, Mend: aws(region, "kms enable-key", "key-id", have.ARN)}}
	})
}

func (f *Facts) keyDeletion(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachKey(ctx, region, func(alias string, _ *template.Resource, have *reader.Key) []drift.Finding {
		if have == nil || have.State != "PendingDeletion" && have.Deletion.IsZero() {
			return nil
		}
		return []drift.Finding{{
			Resource: alias, Expected: "no deletion", Found: fmt.Sprintf("it will be deleted on %s", have.Deletion.UTC().Format("2006-01-02")),
			Mend: aws(region, "kms cancel-key-deletion", "key-id", have.ARN) + " && " + aws(region, "kms enable-key", "key-id", have.ARN),
		}}
	})
}

func (f *Facts) keyRotation(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachKey(ctx, region, func(alias string, want *template.Resource, have *reader.Key) []drift.Finding {
		if have == nil || want == nil || want.Properties["EnableKeyRotation"] != true || have.Rotating || !have.Deletion.IsZero() {
			return nil
		}
		return []drift.Finding{{Resource: alias, Expected: "rotation on", Found: "off", Mend: aws(region, "kms enable-key-rotation", "key-id", have.ARN)}}
	})
}

func (f *Facts) keyPolicy(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachKey(ctx, region, func(alias string, want *template.Resource, have *reader.Key) []drift.Finding {
		if have == nil || want == nil || !have.Deletion.IsZero() {
			return nil
		}
		doc := want.Properties["KeyPolicy"]
		return policyFinding(alias, doc, have.Policy, aws(region, "kms put-key-policy", "key-id", have.ARN, "policy-name", "default", "policy", compact(doc)))
	})
}
