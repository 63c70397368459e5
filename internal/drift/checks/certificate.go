package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const logPolicyType = "AWS::Logs::ResourcePolicy"

// renewalDays before its end: ACM renews 60 days ahead, so that one which is as
// near as this was not renewed
// (docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html).
const renewalDays = 30

func (f *Facts) certificateChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "certificate.known", Title: "the certificate of each Region is written down", Scope: drift.EachRegion,
			Why:  "the domain stack reads its ARN from there when it is deployed, which may be at a failover",
			Find: f.certificateKnown,
		},
		{
			ID: "certificate.status", Title: "the certificate of each Region is issued, for the record's name", Scope: drift.EachRegion,
			Why:  "a domain cannot be made with a custom endpoint whose certificate is not there, and clients would not trust it",
			Find: f.certificateStatus,
		},
		{
			ID: "certificate.expiry", Title: "no certificate is near its end", Scope: drift.EachRegion,
			Why:  "clients refuse the domain on that day; ACM could not renew it",
			Find: f.certificateExpiry,
		},
		{
			ID: "log.policy", Title: "the service may write the domain's logs", Scope: drift.EachRegion,
			Why:  "CreateDomain fails without it, which is found out at a failover (D6)",
			Find: f.logPolicy,
		},
	}
}

var errNoCertificate = errors.New("the certificate's ARN is not written down")

// certificateARN of a Region: the configuration's, or what the foundation wrote.
func (f *Facts) certificateARN(ctx context.Context, region string) (string, error) {
	if arn := f.App.DNS.Certificates[region]; arn != "" {
		return arn, nil
	}
	name := f.names().CertificateParameter()
	arn, ok, err := f.parameter(ctx, region, name)
	if err == nil && (!ok || arn == "") {
		err = fmt.Errorf("read parameter %s in %s: %w", name, region, errNoCertificate)
	}
	return arn, err
}

func (f *Facts) certificateKnown(ctx context.Context, region string) ([]drift.Finding, error) {
	if _, err := f.certificateARN(ctx, region); !errors.Is(err, errNoCertificate) {
		return nil, err
	}
	return []drift.Finding{{Resource: f.names().CertificateParameter(), Expected: "the certificate's ARN", Found: "no such parameter", Mend: revert(f.names().FoundationStack(region))}}, nil
}

func (f *Facts) certificate(ctx context.Context, region string, look func(arn string, have *reader.Certificate) []drift.Finding) ([]drift.Finding, error) {
	arn, err := f.certificateARN(ctx, region)
	if errors.Is(err, errNoCertificate) {
		return nil, nil // certificate.known says so
	}
	if err != nil {
		return nil, err
	}
	have, err := get(ctx, f, func(ctx context.Context) (*reader.Certificate, error) { return f.Cloud.Certificate(ctx, region, arn) }, "certificate", arn)
	if err != nil {
		return nil, err
	}
	return look(arn, have), nil
}

func (f *Facts) certificateStatus(ctx context.Context, region string) ([]drift.Finding, error) {
	return f.certificate(ctx, region, func(arn string, have *reader.Certificate) []drift.Finding {
		record := f.App.DNS.Record
		out := drift.Finding{Resource: arn, Expected: "ISSUED for " + record}
		switch {
		case have == nil:
			out.Found, out.Mend = "there is no such certificate", revert(f.names().FoundationStack(region))+", or name another one in dr.dns.certificates"
		case have.Status != "ISSUED":
			out.Found, out.Mend = have.Status, aws(region, "acm describe-certificate", "certificate-arn", arn)+" names the record that validates it; put that into the zone"
		case !covers(have, record):
			out.Found, out.Mend = "it is for "+strings.Join(append([]string{have.Domain}, have.Names...), ", "), "name another certificate in dr.dns.certificates, or leave it out there and deploy"
		default:
			return nil
		}
		return []drift.Finding{out}
	})
}

// covers a name itself, or by a wildcard of one step.
func covers(c *reader.Certificate, name string) bool {
	_, parent, _ := strings.Cut(name, ".")
	return slices.ContainsFunc(append([]string{c.Domain}, c.Names...), func(n string) bool {
		return strings.EqualFold(n, name) || strings.EqualFold(n, "*."+parent)
	})
}

func (f *Facts) certificateExpiry(ctx context.Context, region string) ([]drift.Finding, error) {
	now, err := f.now(ctx, region)
	if err != nil {
		return nil, err
	}
	return f.certificate(ctx, region, func(arn string, have *reader.Certificate) []drift.Finding {
		if have == nil || have.NotAfter.IsZero() || have.NotAfter.Sub(now) > renewalDays*24*time.Hour {
			return nil
		}
		found := "valid until " + have.NotAfter.UTC().Format(time.DateOnly)
		if have.Renewal != "" {
			found += ", renewal: " + have.Renewal
		}
		return []drift.Finding{{
			Resource: arn, Expected: fmt.Sprintf("valid for %d days more", renewalDays), Found: found,
			Mend: aws(region, "acm describe-certificate", "certificate-arn", arn) + " says why it was not renewed, mostly a validation record that is missing from the zone; an imported one is imported again",
		}}
	})
}

func (f *Facts) logPolicy(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, logPolicyType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		have, err := get(ctx, f, func(ctx context.Context) (map[string]any, error) { return f.Cloud.LogPolicies(ctx, region) }, "log policies", region)
		if err != nil {
			return nil, err
		}
		name, text := r.Text("PolicyName"), r.Text("PolicyDocument")
		var want any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			return nil, fmt.Errorf("read the template's log policy %s: %w", name, err)
		}
		mend := aws(region, "logs put-resource-policy", "policy-name", name, "policy-document", text)
		doc, ok := have[name]
		if !ok {
			return []drift.Finding{{Resource: name, Expected: "it is there", Found: "there is no resource policy of that name", Mend: mend}}, nil
		}
		return policyFinding(name, want, doc, mend), nil
	})
}
