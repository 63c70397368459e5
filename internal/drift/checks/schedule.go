package checks

import (
	"context"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const scheduleType = "AWS::Scheduler::Schedule"

func (f *Facts) schedules() subject {
	return subject{scheduleType, func(ctx context.Context, r template.Located, name string) (*reader.Resource, error) {
		return f.schedule(ctx, r.Stack.Region, r.Text("GroupName"), name)
	}}
}

func (f *Facts) scheduleChecks() []drift.Check {
	// An update of a schedule sets all of it: what is left out falls back.
	update := func(r template.Located, _ string, _ []string) string {
		return awsInput(r.Stack.Region, "scheduler update-schedule", r.Properties, revert(r.Stack.Name))
	}
	return []drift.Check{
		{
			ID: "schedule.exists", Title: "the snapshot and the controller have their schedules", Scope: drift.EachRegion,
			Why: "without one no recovery point is made, or nobody heals, measures and fences",
			Find: f.missing(f.schedules(), func(r template.Located) string {
				return awsInput(r.Stack.Region, "scheduler create-schedule", r.Properties, revert(r.Stack.Name))
			}),
		},
		{
			ID: "schedule.state", Title: "each schedule is enabled", Scope: drift.EachRegion,
			Why:  "a schedule that is switched off makes no recovery points and says nothing",
			Find: f.differing(f.schedules(), update, "State"),
		},
		{
			ID: "schedule.rate", Title: "each schedule runs as often as the objective needs", Scope: drift.EachRegion,
			Why:  "snapshots start every half of the objective: rarer ones cannot keep it",
			Find: f.differingFrom(f.schedules(), update, times),
		},
		{
			ID: "schedule.target", Title: "each schedule starts its function, with its role and input", Scope: drift.EachRegion,
			Why:  "it runs, and something else happens, or nothing",
			Find: f.scheduleTarget(update, "Arn", "RoleArn", "Input"),
		},
		{
			ID: "schedule.dead-letters", Title: "what a schedule cannot deliver goes to the dead letters", Scope: drift.EachRegion,
			Why:  "a run that was never started leaves no other trace (D2)",
			Find: f.scheduleTarget(update, "DeadLetterConfig", "RetryPolicy"),
		},
		{
			ID: "schedule.stray", Title: "no snapshot schedule runs where no snapshots shall be taken", Scope: drift.EachRegion,
			Why:  "it is left over from another flag; the next deployment of this Region stumbles over its name",
			Find: f.strayedSchedule,
		},
	}
}

// times of a schedule. Ours have no beginning and no end, which a template says by
// saying nothing; a date that somebody gave one stops it, and it stays enabled.
func times(r template.Located) map[string]any {
	want := pick(r.Properties, []string{"ScheduleExpression", "FlexibleTimeWindow", "StartDate", "EndDate"})
	for _, date := range []string{"StartDate", "EndDate"} {
		if _, said := want[date]; !said {
			want[date] = nil
		}
	}
	return want
}

func (f *Facts) scheduleTarget(mend mender, keys ...string) finder {
	return func(ctx context.Context, region string) ([]drift.Finding, error) {
		items, err := f.expected(region, scheduleType)
		if err != nil {
			return nil, err
		}
		return all(items, func(r template.Located) ([]drift.Finding, error) {
			name := r.Text("Name")
			have, err := f.schedule(ctx, region, r.Text("GroupName"), name)
			if err != nil || have == nil {
				return nil, err
			}
			target, _ := r.Properties["Target"].(map[string]any)
			differences := template.Compare(pick(target, keys), have.Properties["Target"])
			if len(differences) == 0 {
				return nil, nil
			}
			expected, found, _ := say(differences)
			return []drift.Finding{{Resource: name, Expected: expected, Found: found, Mend: mend(r, name, nil)}}, nil
		})
	}
}

func (f *Facts) strayedSchedule(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, scheduleType)
	if err != nil {
		return nil, err
	}
	n := f.names()
	name := n.Schedule(contract.Snapshot)
	if slices.ContainsFunc(items, func(r template.Located) bool { return r.Text("Name") == name }) {
		return nil, nil
	}
	have, err := f.schedule(ctx, region, n.ScheduleGroup(), name)
	if err != nil || have == nil {
		return nil, err
	}
	return []drift.Finding{{
		Resource: name, Expected: "no schedule of that name here", Found: "there is one",
		Mend: aws(region, "scheduler delete-schedule", "group-name", n.ScheduleGroup(), "name", name) + ", or " + redeploy(n.DomainStack(region)) + " while the stack still has it",
	}}, nil
}
