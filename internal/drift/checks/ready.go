package checks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
)

func (f *Facts) readyChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "ready.independence", Title: "a failover needs nothing of the Region that is lost", Scope: drift.Standby, Ready: true,
			Why:  "the command would wait for an answer that does not come (G5)",
			Find: f.independence,
		},
		{
			ID: "ready.control", Title: "the traffic stack can be deployed while either Region is lost", Scope: drift.Once, Ready: true,
			Why:  "the promotion moves the record by itself, but CloudFormation agrees only when the Region is back (X10)",
			Find: f.control,
		},
		{
			ID: "ready.bootstrap", Title: "each Region is bootstrapped for these templates", Scope: drift.Everywhere, Ready: true,
			Why:  "cdk deploy refuses, and bootstrapping needs IAM, whose Region may be the lost one",
			Find: f.bootstrap,
		},
		{
			ID: "ready.quotas", Title: "the quotas let a failover make its domain", Scope: drift.Standby, Ready: true,
			Why:  "CreateDomain fails, and a quota takes days to raise",
			Find: f.quotas,
		},
		{
			ID: "ready.concurrency", Title: "the functions have room to run beside all others of the account", Scope: drift.EachRegion, Ready: true,
			Why:  "a throttled function makes a failover wait (X5)",
			Find: f.room,
		},
		{
			ID: "ready.code", Title: "the deployed functions are what this checkout builds", Scope: drift.Everywhere, Ready: true, Limit: f.limit(),
			Why:  "the failover would be carried out by other code than the one at hand",
			Find: f.builtCode,
		},
		{
			ID: "ready.zone", Title: "the public zone has accelerated recovery", Scope: drift.Once, Ready: true,
			Why:  "without it nobody can change a record while us-east-1 is away (H19, X4)",
			Find: f.zone,
		},
	}
}

// lasting are the types that a flip of the flag never makes: a failover counts on
// them being there.
var lasting = []string{roleType, bucketType, functionType, logPolicyType, topicType}

// independence: what a failover deploys in the Region names only that Region, and
// what it counts on is there.
func (f *Facts) independence(ctx context.Context, region string) ([]drift.Finding, error) {
	if f.ExpectedErr != nil {
		return nil, f.ExpectedErr
	}
	n := f.names()
	lost := f.App.Other(region)
	var out []drift.Finding
	for i := range f.Expected.Stacks {
		s := &f.Expected.Stacks[i]
		if s.Region != region {
			continue
		}
		if strings.Contains(string(s.Body), "Fn::ImportValue") {
			out = append(out, drift.Finding{Resource: s.Name, Expected: "no import from another stack", Found: "Fn::ImportValue", Mend: "agree on a name instead (internal/contract)"})
		}
		for _, r := range s.Resources {
			for _, path := range [][]string{{"ServiceToken"}, {"Code", "S3Bucket"}, {"Role"}, {"Target", "Arn"}} {
				if text := r.Text(path...); strings.Contains(text, lost) {
					out = append(out, drift.Finding{Resource: s.Name + "/" + r.ID, Expected: strings.Join(path, ".") + " of " + region, Found: text, Mend: "it must be made in " + region + "; see stacks/"})
				}
			}
		}
	}
	foundation := f.Expected.Stack(n.FoundationStack(region))
	if foundation == nil {
		return append(out, drift.Finding{Resource: n.FoundationStack(region), Expected: "it is synthesized", Found: "it is left out", Mend: "run without -c unreachableRegion"}), nil
	}
	held, err := f.stackResources(ctx, region, foundation.Name)
	if err != nil {
		return out, err
	}
	for _, r := range foundation.Resources {
		if slices.Contains(lasting, r.Type) && !slices.ContainsFunc(held, func(h reader.StackResource) bool { return h.ID == r.ID }) {
			out = append(out, drift.Finding{Resource: foundation.Name + "/" + r.ID, Expected: "it is deployed before a disaster", Found: "the deployed stack does not have it", Mend: redeploy(foundation.Name)})
		}
	}
	return out, nil
}

func (f *Facts) control(context.Context, string) ([]drift.Finding, error) {
	if !slices.Contains(f.App.Regions(), f.App.ControlRegion) {
		return nil, nil
	}
	return []drift.Finding{{
		Kind: drift.Note, Resource: "dr.controlRegion", Expected: "a third Region", Found: f.App.ControlRegion + ", one of the pair",
		Mend: "bootstrap a third Region and set dr.controlRegion to it",
	}}, nil
}

func (f *Facts) bootstrap(ctx context.Context, region string) ([]drift.Finding, error) {
	if f.ExpectedErr != nil {
		return nil, f.ExpectedErr
	}
	var out []drift.Finding
	asked := map[string]int{}
	for _, s := range f.Expected.Stacks {
		if s.Region == region && s.BootstrapParameter != "" {
			asked[s.BootstrapParameter] = max(asked[s.BootstrapParameter], s.BootstrapVersion)
		}
	}
	for name, version := range asked {
		have, ok, err := f.parameter(ctx, region, name)
		if err != nil {
			return out, err
		}
		is, _ := strconv.Atoi(have)
		if ok && is >= version {
			continue
		}
		if !ok {
			have = "it is not bootstrapped"
		}
		out = append(out, drift.Finding{Resource: name, Expected: fmt.Sprintf("version %d or later", version), Found: have, Mend: "cdk bootstrap aws://" + f.App.Account + "/" + region})
	}
	return out, nil
}

// quotas by their names, since their codes differ between partitions
// (docs.aws.amazon.com/general/latest/gr/opensearch-service.html).
func (f *Facts) quotas(ctx context.Context, region string) ([]drift.Finding, error) {
	have, err := f.domain(ctx, region)
	if err != nil || have != nil {
		return nil, err // there is one already
	}
	quotas, err := get(ctx, f, func(ctx context.Context) (map[string]float64, error) { return f.Cloud.Quotas(ctx, region, "es") }, "quotas", region)
	if err != nil {
		return nil, err
	}
	names, err := get(ctx, f, func(ctx context.Context) ([]string, error) { return f.Cloud.DomainNames(ctx, region) }, "domain names", region)
	if err != nil {
		return nil, err
	}
	const perRegion, perDomain = "Domains per Region", "Instances per domain"
	var out []drift.Finding
	for _, q := range []struct {
		name string
		need float64
	}{
		{perRegion, float64(len(names) + 1)}, {perDomain, float64(f.App.Domain.DataNodes)},
	} {
		limit, ok := quotas[q.name]
		if !ok {
			return out, fmt.Errorf("read the quotas of OpenSearch Service in %s: none is called %q", region, q.name)
		}
		if q.need > limit {
			out = append(out, drift.Finding{Resource: q.name, Expected: fmt.Sprintf("at least %.0f", q.need), Found: fmt.Sprintf("%.0f", limit), Mend: "ask for more in the Service Quotas console of " + region})
		}
	}
	return out, nil
}

// leastConcurrency: each function of a Region once, and the framework's beside it.
const leastConcurrency = 10

func (f *Facts) room(ctx context.Context, region string) ([]drift.Finding, error) {
	type concurrency struct{ limit, unreserved int }
	have, err := get(ctx, f, func(ctx context.Context) (concurrency, error) {
		limit, unreserved, err := f.Cloud.Concurrency(ctx, region)
		return concurrency{limit, unreserved}, err
	}, "concurrency", region)
	if err != nil || have.unreserved >= leastConcurrency {
		return nil, err
	}
	return []drift.Finding{{
		Resource: "Lambda in " + region, Expected: fmt.Sprintf("%d runs at once that no function reserves", leastConcurrency), Found: fmt.Sprintf("%d of %d", have.unreserved, have.limit),
		Mend: "ask for more concurrent executions in the Service Quotas console of " + region + ", or reserve less",
	}}, nil
}

func (f *Facts) zone(ctx context.Context, _ string) ([]drift.Finding, error) {
	have, err := get(ctx, f, func(ctx context.Context) (*reader.Zone, error) { return f.Cloud.Zone(ctx, f.App.DNS.ZoneID) }, "zone")
	if err != nil {
		return nil, err
	}
	out := drift.Finding{Resource: f.App.DNS.ZoneID, Expected: "accelerated recovery ENABLED"}
	switch {
	case have == nil:
		out.Expected, out.Found, out.Mend = "the hosted zone", "there is none of that id", "correct dr.dns.zoneId"
	case have.Private || have.Accelerated == "ENABLED":
		return nil, nil
	default:
		out.Found = or(have.Accelerated, "off")
		out.Mend = "aws route53 update-hosted-zone-features --hosted-zone-id " + f.App.DNS.ZoneID + " --enable-accelerated-recovery"
	}
	return []drift.Finding{out}, nil
}
