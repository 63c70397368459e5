package reader

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Role implements Roles.
func (a *AWS) Role(ctx context.Context, name string) (*Resource, error) {
	client := iam.NewFromConfig(a.cfg)
	step := "read role " + name
	out, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if absent(err, "NoSuchEntity") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	r := &Resource{Name: name, ARN: aws.ToString(out.Role.Arn), Properties: map[string]any{}}
	if r.Properties["AssumeRolePolicyDocument"], err = document(aws.ToString(out.Role.AssumeRolePolicyDocument)); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if b := out.Role.PermissionsBoundary; b != nil {
		r.Properties["PermissionsBoundary"] = aws.ToString(b.PermissionsBoundaryArn)
	}
	policies := map[string]any{}
	for pages := iam.NewListRolePoliciesPaginator(client, &iam.ListRolePoliciesInput{RoleName: &name}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: its policies: %w", step, err)
		}
		for _, p := range page.PolicyNames {
			one, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &p})
			if err != nil {
				return nil, fmt.Errorf("%s: its policy %s: %w", step, p, err)
			}
			if policies[p], err = document(aws.ToString(one.PolicyDocument)); err != nil {
				return nil, fmt.Errorf("%s: its policy %s: %w", step, p, err)
			}
		}
	}
	r.Properties["Policies"] = policies
	managed := []any{}
	for pages := iam.NewListAttachedRolePoliciesPaginator(client, &iam.ListAttachedRolePoliciesInput{RoleName: &name}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: its managed policies: %w", step, err)
		}
		for _, p := range page.AttachedPolicies {
			managed = append(managed, aws.ToString(p.PolicyArn))
		}
	}
	r.Properties["ManagedPolicyArns"] = managed
	return r, nil
}

// May implements Roles.
func (a *AWS) May(ctx context.Context, roleARN string, actions []string, resource string) ([]string, error) {
	out, err := iam.NewFromConfig(a.cfg).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &roleARN, ActionNames: actions, ResourceArns: []string{resource},
	})
	if err != nil {
		return nil, fmt.Errorf("simulate what %s may do: %w", roleARN, err)
	}
	var denied []string
	for _, e := range out.EvaluationResults {
		if e.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed {
			denied = append(denied, aws.ToString(e.EvalActionName))
		}
	}
	return denied, nil
}

// Key implements Keys.
func (a *AWS) Key(ctx context.Context, region, alias string) (*Key, error) {
	client := kms.NewFromConfig(a.cfg, func(o *kms.Options) { o.Region = region })
	step := "read key " + alias + " in " + region
	out, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &alias})
	if absent(err, "NotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	m := out.KeyMetadata
	k := &Key{ARN: aws.ToString(m.Arn), State: string(m.KeyState)}
	if m.DeletionDate != nil {
		k.Deletion = *m.DeletionDate
		return k, nil // of a key that is being deleted nothing more is told
	}
	rotation, err := client.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: m.KeyId})
	if err != nil {
		return nil, fmt.Errorf("%s: its rotation: %w", step, err)
	}
	k.Rotating = rotation.KeyRotationEnabled
	policy, err := client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: m.KeyId, PolicyName: new("default")})
	if err != nil {
		return nil, fmt.Errorf("%s: its policy: %w", step, err)
	}
	if k.Policy, err = document(aws.ToString(policy.Policy)); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return k, nil
}

// Certificate implements Certificates.
func (a *AWS) Certificate(ctx context.Context, region, arn string) (*Certificate, error) {
	client := acm.NewFromConfig(a.cfg, func(o *acm.Options) { o.Region = region })
	out, err := client.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	if absent(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe certificate %s: %w", arn, err)
	}
	d := out.Certificate
	c := &Certificate{ARN: arn, Domain: aws.ToString(d.DomainName), Names: d.SubjectAlternativeNames, Status: string(d.Status), NotAfter: aws.ToTime(d.NotAfter)}
	if s := d.RenewalSummary; s != nil {
		c.Renewal = string(s.RenewalStatus)
	}
	return c, nil
}

// Reach implements Reach: GetCallerIdentity needs no permission.
func (a *AWS) Reach(ctx context.Context, region string) error {
	client := sts.NewFromConfig(a.cfg, func(o *sts.Options) { o.Region = region })
	if _, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
		return fmt.Errorf("ask %s who asks: %w", region, err)
	}
	return nil
}
