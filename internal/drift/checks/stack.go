package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

func (f *Facts) stackChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "stack.status", Title: "each stack is deployed and at rest", Scope: drift.Everywhere,
			Why:  "a failover deploys these stacks; one that is missing, failed or in the middle of something stops it",
			Find: f.stacks(f.stackStatus),
		},
		{
			ID: "stack.template", Title: "each stack is deployed as it is synthesized", Scope: drift.Everywhere,
			Why:  "the failover command would deploy these changes together with the failover, for the first time",
			Find: f.stacks(f.stackTemplate),
		},
		{
			ID: "stack.protection", Title: "termination protection stands where it is asked for", Scope: drift.Everywhere,
			Why:  "without it one delete-stack takes the domain, or all that must exist before a disaster",
			Find: f.stacks(f.stackProtection),
		},
		{
			ID: "stack.drift", Title: "CloudFormation's own drift detection finds nothing", Scope: drift.Everywhere,
			Why:   "what was changed by hand is undone or stumbled over by the next deployment, which may be the failover",
			Limit: f.limit(), Find: f.stacks(f.stackDrift),
		},
	}
}

// limit of a check whose look-up is slow.
func (f *Facts) limit() time.Duration {
	if f == nil {
		return 0
	}
	return 2 * f.Slow
}

// stacks of a Region, each looked at by look.
func (f *Facts) stacks(look func(ctx context.Context, s template.Stack) ([]drift.Finding, error)) finder {
	return func(ctx context.Context, region string) ([]drift.Finding, error) {
		if f.ExpectedErr != nil {
			return nil, f.ExpectedErr
		}
		here := slices.DeleteFunc(slices.Clone(f.Expected.Stacks), func(s template.Stack) bool { return s.Region != region })
		return all(here, func(s template.Stack) ([]drift.Finding, error) { return look(ctx, s) })
	}
}

var atRest = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}

func (f *Facts) stackStatus(ctx context.Context, s template.Stack) ([]drift.Finding, error) {
	have, err := f.stack(ctx, s.Region, s.Name)
	if err != nil {
		return nil, err
	}
	out := drift.Finding{Resource: s.Name, Expected: strings.Join(atRest[:2], " or ")}
	switch {
	case have == nil:
		out.Found, out.Mend = "there is no such stack", redeploy(s.Name)
	case slices.Contains(atRest, have.Status):
		return nil, nil
	case strings.HasSuffix(have.Status, "_IN_PROGRESS"):
		out.Found, out.Mend = have.Status, "let the deployment end, then run again"
	case have.Status == "UPDATE_ROLLBACK_FAILED":
		out.Found, out.Mend = have.Status+" "+have.Reason, aws(s.Region, "cloudformation continue-update-rollback", "stack-name", s.Name)
	case strings.HasPrefix(have.Status, "DELETE"), have.Status == "ROLLBACK_COMPLETE", have.Status == "ROLLBACK_FAILED", have.Status == "CREATE_FAILED":
		out.Found = have.Status + " " + have.Reason
		out.Mend = aws(s.Region, "cloudformation delete-stack", "stack-name", s.Name) + ", after a look at what it holds; then " + redeploy(s.Name)
	default:
		out.Found, out.Mend = have.Status+" "+have.Reason, redeploy(s.Name)+"; the events of the stack say why the last deployment ended so"
	}
	out.Found = strings.TrimSpace(out.Found)
	return []drift.Finding{out}, nil
}

// shown differences of one stack: a person deploys, and does not read a hundred.
const shown = 8

func (f *Facts) stackTemplate(ctx context.Context, s template.Stack) ([]drift.Finding, error) {
	body, err := get(ctx, f, func(ctx context.Context) ([]byte, error) { return f.Cloud.StackTemplate(ctx, s.Region, s.Name) }, "template", s.Region, s.Name)
	if err != nil || body == nil {
		return nil, err // stack.status says that there is none
	}
	changes, err := template.Changes(body, s.Body)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	var paths []string
	for _, c := range changes[:min(shown, len(changes))] {
		paths = append(paths, fmt.Sprintf("%s: %s", c.Path, clip(show(c.Found))))
	}
	if more := len(changes) - shown; more > 0 {
		paths = append(paths, fmt.Sprintf("and %d more", more))
	}
	return []drift.Finding{{
		Resource: s.Name, Expected: "the synthesized template", Found: "deployed with " + strings.Join(paths, "; "),
		Mend: "cdk diff " + s.Name + ", then " + redeploy(s.Name),
	}}, nil
}

// clip a value for a line.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

func (f *Facts) stackProtection(ctx context.Context, s template.Stack) ([]drift.Finding, error) {
	if !s.Protected {
		return nil, nil
	}
	have, err := f.stack(ctx, s.Region, s.Name)
	if err != nil || have == nil || have.Protected {
		return nil, err
	}
	return []drift.Finding{{
		Resource: s.Name, Expected: "termination protection on", Found: "off",
		Mend: aws(s.Region, "cloudformation update-termination-protection", "enable-termination-protection", "", "stack-name", s.Name),
	}}, nil
}

func (f *Facts) stackDrift(ctx context.Context, s template.Stack) ([]drift.Finding, error) {
	have, err := f.stack(ctx, s.Region, s.Name)
	if err != nil || have == nil || strings.HasSuffix(have.Status, "_IN_PROGRESS") {
		return nil, err // stack.status says so
	}
	drifts, err := drift.GetWithin(ctx, f.Memo, "stack drift\x00"+s.Region+"\x00"+s.Name, f.Slow, func(ctx context.Context) ([]reader.ResourceDrift, error) {
		return f.Cloud.StackDrift(ctx, s.Region, s.Name)
	})
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	for _, d := range drifts {
		finding := drift.Finding{
			Resource: d.Physical, Expected: d.Type + " " + d.ID + " of " + s.Name + " as deployed", Found: d.Status, Mend: revert(s.Name),
		}
		if len(d.Differences) > 0 {
			var want, have []string
			for _, p := range d.Differences {
				want, have = append(want, p.Path+" = "+clip(p.Expected)), append(have, p.Path+" = "+clip(p.Actual))
			}
			finding.Expected, finding.Found = strings.Join(want, ", "), strings.Join(have, ", ")
		}
		out = append(out, finding)
	}
	return out, nil
}
