package checks

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	roleType   = "AWS::IAM::Role"
	policyType = "AWS::IAM::Policy"
)

func (f *Facts) roles() subject {
	return subject{roleType, func(ctx context.Context, _ template.Located, name string) (*reader.Resource, error) {
		return f.role(ctx, name)
	}}
}

func (f *Facts) roleChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "role.exists", Title: "each role is there", Scope: drift.Everywhere,
			Why:  "IAM cannot be changed while its Region is away: what a failover needs must exist before (X4)",
			Find: f.missing(f.roles(), func(r template.Located) string { return revert(r.Stack.Name) }),
		},
		{
			ID: "role.trust", Title: "each role trusts whom the template says", Scope: drift.Everywhere,
			Why:  "the service, the function or the schedule cannot assume it any more, or somebody else can",
			Find: f.trust,
		},
		{
			ID: "role.policies", Title: "each role may do what the template says, and no more", Scope: drift.Everywhere,
			Why:  "a right that is missing is found out at the failover, one too many breaks that only one domain writes a path (G1)",
			Find: f.policies,
		},
		{
			ID: "role.boundary", Title: "no permissions boundary cuts a role", Scope: drift.Everywhere,
			Why:  "it takes rights away that the policies show as given",
			Find: f.boundary,
		},
		{
			ID: "role.pass", Title: "the functions may pass TheSnapshotRole", Scope: drift.EachRegion,
			Why:  "without iam:PassRole no repository can be registered, at set-up or in a new domain (F14)",
			Find: f.pass,
		},
		{
			ID: "role.snapshot", Title: "TheSnapshotRole reads and writes the buckets", Scope: drift.EachRegion,
			Why:  "every snapshot and every restore goes by it; a deny from elsewhere counts, too",
			Find: f.snapshotRole,
		},
	}
}

// named roles of a Region, with what IAM answers; those that are not there are left
// out.
func (f *Facts) eachRole(ctx context.Context, region string, look func(r template.Located, name string, have *reader.Resource) []drift.Finding) ([]drift.Finding, error) {
	items, err := f.expected(region, roleType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		name, err := f.name(ctx, r)
		if err != nil || name == "" {
			return nil, err
		}
		have, err := f.role(ctx, name)
		if err != nil || have == nil {
			return nil, err
		}
		return look(r, name, have), nil
	})
}

func (f *Facts) trust(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachRole(ctx, region, func(r template.Located, name string, have *reader.Resource) []drift.Finding {
		want := r.Properties["AssumeRolePolicyDocument"]
		return policyFinding(name, want, have.Properties["AssumeRolePolicyDocument"],
			aws("", "iam update-assume-role-policy", "role-name", name, "policy-document", compact(want)))
	})
}

func (f *Facts) policies(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachRole(ctx, region, func(r template.Located, name string, have *reader.Resource) []drift.Finding {
		want := f.inline(r, name)
		is, _ := have.Properties["Policies"].(map[string]any)
		var out []drift.Finding
		for _, p := range slices.Sorted(maps.Keys(want)) {
			doc, ok := is[p]
			mend := aws("", "iam put-role-policy", "role-name", name, "policy-name", p, "policy-document", compact(want[p]))
			if unknown(want[p]) {
				mend = revert(r.Stack.Name)
			}
			if !ok {
				out = append(out, drift.Finding{Resource: name, Expected: "policy " + p, Found: "it has no such policy", Mend: mend})
				continue
			}
			out = append(out, policyFinding(name+"/"+p, want[p], doc, mend)...)
		}
		for _, p := range slices.Sorted(maps.Keys(is)) {
			if _, ok := want[p]; !ok {
				out = append(out, drift.Finding{Resource: name, Expected: "no policy but the template's", Found: "policy " + p + ": " + show(is[p]),
					Mend: aws("", "iam delete-role-policy", "role-name", name, "policy-name", p)})
			}
		}
		managed, _ := have.Properties["ManagedPolicyArns"].([]any)
		asked, _ := r.Properties["ManagedPolicyArns"].([]any)
		for _, arn := range managed {
			if !slices.Contains(asked, arn) {
				out = append(out, drift.Finding{Resource: name, Expected: "no managed policy", Found: show(arn) + " is attached",
					Mend: aws("", "iam detach-role-policy", "role-name", name, "policy-arn", show(arn))})
			}
		}
		return out
	})
}

// inline policies of a role: its own, and those of the stack that name it.
func (f *Facts) inline(r template.Located, name string) map[string]any {
	out := map[string]any{}
	own, _ := r.Properties["Policies"].([]any)
	for _, p := range own {
		m, _ := p.(map[string]any)
		if n, ok := m["PolicyName"].(string); ok {
			out[n] = m["PolicyDocument"]
		}
	}
	for _, p := range r.Stack.Resources {
		if p.Type != policyType {
			continue
		}
		roles, _ := p.Properties["Roles"].([]any)
		for _, to := range roles {
			// An unnamed role comes out by its logical id.
			u, byID := to.(template.Unknown)
			if to == name || byID && u.Expression == r.ID {
				out[p.Text("PolicyName")] = p.Properties["PolicyDocument"]
			}
		}
	}
	return out
}

func (f *Facts) boundary(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.eachRole(ctx, region, func(r template.Located, name string, have *reader.Resource) []drift.Finding {
		is, _ := have.Properties["PermissionsBoundary"].(string)
		want := r.Text("PermissionsBoundary")
		if is == want {
			return nil
		}
		mend := aws("", "iam delete-role-permissions-boundary", "role-name", name)
		if want != "" {
			mend = aws("", "iam put-role-permissions-boundary", "role-name", name, "permissions-boundary", want)
		}
		return []drift.Finding{{Resource: name, Expected: "boundary " + or(want, "none"), Found: or(is, "none"), Mend: mend}}
	})
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (f *Facts) pass(ctx context.Context, region string) ([]drift.Finding, error) {
	n := f.names()
	return all([]string{contract.Snapshot, contract.Recovery}, func(what string) ([]drift.Finding, error) {
		return f.may(ctx, region, n.FunctionRole(what, region), n.FunctionRoleARN(what, region), []string{"iam:PassRole"}, n.SnapshotRoleARN(region))
	})
}

func (f *Facts) snapshotRole(ctx context.Context, region string) ([]drift.Finding, error) {
	n := f.names()
	type right struct {
		actions  []string
		resource string
	}
	out, in := "arn:aws:s3:::"+n.Bucket(f.App.Other(region)), "arn:aws:s3:::"+n.Bucket(region)
	// A path such as a repository has: the role may never touch the product's own.
	const path = "/AAAAAAAAAAAAAAAAAAAAAA/index-0"
	return all([]right{
		{[]string{"s3:ListBucket"}, out}, {[]string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, out + path},
		{[]string{"s3:ListBucket"}, in}, {[]string{"s3:GetObject"}, in + path},
	}, func(r right) ([]drift.Finding, error) {
		return f.may(ctx, region, n.SnapshotRole(region), n.SnapshotRoleARN(region), r.actions, r.resource)
	})
}

// may simulates a role's rights. A role that is not there is another check's.
func (f *Facts) may(ctx context.Context, region, role, arn string, actions []string, resource string) ([]drift.Finding, error) {
	have, err := f.role(ctx, role)
	if err != nil || have == nil {
		return nil, err
	}
	denied, err := get(ctx, f, func(ctx context.Context) ([]string, error) {
		return f.Cloud.May(ctx, arn, actions, resource)
	}, "may", role, strings.Join(actions, " "), resource)
	if err != nil || len(denied) == 0 {
		return nil, err
	}
	return []drift.Finding{{
		Resource: role, Expected: "it may " + strings.Join(actions, ", ") + " on " + resource, Found: "it may not " + strings.Join(denied, ", "),
		Mend: "look at role.policies and role.boundary for this role, and at the organization's policies; what the template says comes back by " + revert(f.names().FoundationStack(region)),
	}}, nil
}
