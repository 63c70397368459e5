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

const domainType = "AWS::OpenSearchService::Domain"

func (f *Facts) domains() subject {
	return subject{domainType, func(ctx context.Context, r template.Located, _ string) (*reader.Resource, error) {
		d, err := f.domain(ctx, r.Stack.Region)
		if err != nil || d == nil {
			return nil, err
		}
		return &d.Resource, nil
	}}
}

func (f *Facts) domainChecks() []drift.Check {
	out := []drift.Check{
		{
			ID: "domain.exists", Title: "the domain that the flag wants is there", Scope: drift.EachRegion,
			Why:  "without it this Region serves nothing, or cannot take over warm",
			Find: f.missing(f.domains(), func(r template.Located) string { return revert(r.Stack.Name) }),
		},
		{
			ID: "domain.orphan", Title: "no domain stands that no stack has", Scope: drift.EachRegion,
			Why:  "it is paid for, nobody keeps it, and the stack that shall make it at a failover fails because its name is taken (U5)",
			Find: f.orphan,
		},
		{
			ID: "domain.state", Title: "the domain is not in the middle of a change", Scope: drift.EachRegion,
			Why:  "no snapshot is started while it is, and a failover or a switch waits for it (F23)",
			Find: f.domainState,
		},
	}
	update := func(properties ...string) func(template.Located, string, []string) string {
		return func(r template.Located, name string, differ []string) string {
			input := known(pick(r.Properties, differ))
			input["DomainName"] = name
			if policies, ok := input["AccessPolicies"]; ok && !unknown(policies) {
				input["AccessPolicies"] = compact(policies)
			}
			return awsInput(r.Stack.Region, "opensearch update-domain-config", input, revert(r.Stack.Name))
		}
	}
	for _, c := range []struct {
		id, title, why string
		properties     []string
	}{
		{"encryption", "encryption at rest is on", "data that was meant to be encrypted is not; turning it on later moves all data", []string{"EncryptionAtRestOptions"}},
		{"node-encryption", "encryption between nodes is on", "fine-grained access control needs it, and so does what was promised to the data's owner", []string{"NodeToNodeEncryptionOptions"}},
		{"logs", "slow, application and audit logs are published", "after an incident nobody can tell what happened before it", []string{"LogPublishingOptions"}},
		{"software-update", "the service does not update the engine by itself", "a domain whose engine is ahead of the other Region's cannot be restored there (F6, F25)", []string{"SoftwareUpdateOptions"}},
	} {
		out = append(out, drift.Check{
			ID: "domain." + c.id, Title: c.title, Why: c.why, Scope: drift.EachRegion,
			Find: f.differing(f.domains(), update(c.properties...), c.properties...),
		})
	}
	return append(out, []drift.Check{
		{
			ID: "domain.sizing", Title: "instances, zones and volumes are as configured", Scope: drift.EachRegion,
			Why:  "a smaller domain holds less and restores slower than the plan says",
			Find: f.sizing(update("ClusterConfig", "EBSOptions")),
		},
		{
			ID: "domain.standby", Title: "Multi-AZ with Standby is off", Scope: drift.EachRegion,
			Why:  "with it a restore asks for other numbers of replicas and fails (B6)",
			Find: f.inside("ClusterConfig", update("ClusterConfig"), standbyKey),
		},
		{
			ID: "domain.tls", Title: "HTTPS only, by the named TLS policy", Scope: drift.EachRegion,
			Why:  "clients that work with one Region would not with the other",
			Find: f.inside("DomainEndpointOptions", update("DomainEndpointOptions"), "EnforceHTTPS", "TLSSecurityPolicy"),
		},
		{
			ID: "domain.endpoint", Title: "the custom endpoint is the record's name, with the Region's certificate", Scope: drift.EachRegion,
			Why:  "after a failover clients come by that name, and the domain would not answer to it",
			Find: f.endpoint,
		},
		{
			ID: "domain.access-control", Title: "fine-grained access control is on, with no users of its own", Scope: drift.EachRegion,
			Why:  "roles and mappings are what a promotion replays; without it nothing guards the indexes",
			Find: f.inside("AdvancedSecurityOptions", update("AdvancedSecurityOptions"), "Enabled", "InternalUserDatabaseEnabled"),
		},
		{
			ID: "domain.access-policy", Title: "the access policy is the template's", Scope: drift.EachRegion,
			Why:  "a narrower one locks the functions out, a wider one lets strangers in",
			Find: f.accessPolicy,
		},
		{
			ID: "domain.version", Title: "the engine is the configured one", Scope: drift.EachRegion,
			Why:  "a restore goes forward only: a domain that is ahead cannot be restored in the other Region (F6)",
			Find: f.version,
		},
	}...)
}

// endpoint with the certificate that the foundation wrote down, where the template
// names only the parameter.
func (f *Facts) endpoint(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, domainType)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	have, err := f.domain(ctx, region)
	if err != nil || have == nil {
		return nil, err
	}
	whole, _ := items[0].Properties["DomainEndpointOptions"].(map[string]any)
	want := pick(whole, []string{"CustomEndpointEnabled", "CustomEndpoint", "CustomEndpointCertificateArn"})
	if unknown(want) {
		arn, err := f.certificateARN(ctx, region)
		if err != nil {
			return nil, err
		}
		want["CustomEndpointCertificateArn"] = arn
	}
	differences := template.Compare(want, have.Properties["DomainEndpointOptions"])
	if len(differences) == 0 {
		return nil, nil
	}
	expected, found, _ := say(differences)
	return []drift.Finding{{
		Resource: have.Name, Expected: expected, Found: found,
		Mend: aws(region, "opensearch update-domain-config", "domain-name", have.Name, "domain-endpoint-options", compact(want)),
	}}, nil
}

func (f *Facts) accessPolicy(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, domainType)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	have, err := f.domain(ctx, region)
	if err != nil || have == nil {
		return nil, err
	}
	want := items[0].Properties["AccessPolicies"]
	return policyFinding(have.Name, want, have.Properties["AccessPolicies"],
		aws(region, "opensearch update-domain-config", "domain-name", have.Name, "access-policies", compact(want))), nil
}

// version of both sides of the comparison, so that a domain that is ahead is told
// from one that is behind: the first cannot be mended by a command.
func (f *Facts) version(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, domainType)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	have, err := f.domain(ctx, region)
	if err != nil || have == nil {
		return nil, err
	}
	want, is := items[0].Text("EngineVersion"), fmt.Sprint(have.Properties["EngineVersion"])
	if want == is || want == "" {
		return nil, nil
	}
	mend := aws(region, "opensearch upgrade-domain", "domain-name", have.Name, "target-version", want) + "; the standby first"
	if newer(is, want) {
		mend = "set dr.engineVersion to " + is + " in cdk.json and deploy, so that the other Region can take its recovery points"
	}
	return []drift.Finding{{Resource: have.Name, Expected: want, Found: is, Mend: mend}}, nil
}

// newer engine: OpenSearch_<major>.<minor>.
func newer(a, b string) bool {
	var aMajor, aMinor, bMajor, bMinor int
	na, _ := fmt.Sscanf(strings.TrimPrefix(a, "OpenSearch_"), "%d.%d", &aMajor, &aMinor)
	nb, _ := fmt.Sscanf(strings.TrimPrefix(b, "OpenSearch_"), "%d.%d", &bMajor, &bMinor)
	return na == 2 && nb == 2 && (aMajor > bMajor || aMajor == bMajor && aMinor > bMinor)
}

func (f *Facts) domainState(ctx context.Context, region string) ([]drift.Finding, error) {
	have, err := f.domain(ctx, region)
	if err != nil || have == nil {
		return nil, err
	}
	var busy []string
	for _, s := range []struct {
		is   bool
		what string
	}{
		{have.Deleted, "it is being deleted"}, {!have.Created && !have.Deleted, "it is being created"},
		{have.Processing && have.Created && !have.Deleted, "it is Processing a change"}, {have.Upgrading, "it is being upgraded"},
	} {
		if s.is {
			busy = append(busy, s.what)
		}
	}
	if len(busy) == 0 {
		return nil, nil
	}
	return []drift.Finding{{
		Resource: have.Name, Expected: "at rest", Found: strings.Join(busy, ", "),
		Mend: "let it end; " + aws(region, "opensearch describe-domain-change-progress", "domain-name", have.Name) + " shows how far it is",
	}}, nil
}

func (f *Facts) orphan(ctx context.Context, region string) ([]drift.Finding, error) {
	have, err := f.domain(ctx, region)
	if err != nil || have == nil || have.Deleted {
		return nil, err
	}
	stack := f.names().DomainStack(region)
	held, err := f.stackResources(ctx, region, stack)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(held, func(r reader.StackResource) bool {
		return r.Type == domainType && r.Physical == have.Name && r.Status != "DELETE_COMPLETE"
	}) {
		return nil, nil
	}
	return []drift.Finding{{
		Resource: have.Name, Expected: "stack " + stack + " has it, or it is not there", Found: "it stands, and no stack has it",
		Mend: "docs/runbooks/orphan-domain.md: import it into " + stack + ", or delete it after a look at what it holds",
	}}, nil
}
