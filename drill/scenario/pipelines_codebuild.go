package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/opensearch-dr/osdr/internal/pipelines"
)

// controlRegion holds the stacks of the examples.
const controlRegion = Secondary

// physical name of what a stack of the examples made.
func (x *examples) physical(ctx context.Context, stack, logical string) (string, error) {
	out, err := cloudformation.NewFromConfig(x.in(controlRegion)).DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
		StackName: &stack, LogicalResourceId: &logical,
	})
	if err != nil {
		return "", fmt.Errorf("look for %s of stack %s: %w", logical, stack, err)
	}
	return aws.ToString(out.StackResourceDetail.PhysicalResourceId), nil
}

// build of a project by its own role, which trusts CodeBuild, and this project at
// that, and by its buildspec in a commit. The error is the build's; every report and
// artifact that the buildspec names must be there, whatever became of the build.
func (x *examples) build(ctx context.Context, stack, projectID, roleID, spec, commit string) (*machine, error) {
	b, err := pipelines.ReadBuildspec(filepath.Join(x.CDK.Dir, spec))
	if err != nil {
		return nil, err
	}
	name, err := x.physical(ctx, stack, projectID)
	if err != nil {
		return nil, err
	}
	role, err := x.physical(ctx, stack, roleID)
	if err != nil {
		return nil, err
	}
	who, err := x.Cloud.Emulator.AssumeForService(ctx, "arn:aws:iam::"+account+":role/"+role, "AWSCodeBuild", "codebuild.amazonaws.com",
		"arn:aws:codebuild:"+controlRegion+":"+account+":project/"+name, account)
	if err != nil {
		return nil, err
	}
	m, err := x.machine()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(x.checkout(ctx, m, commit), m.as(who, controlRegion)); err != nil {
		return nil, err
	}
	failed := m.run(ctx, b.Job)
	for group, r := range b.Reports {
		for _, file := range r.Files {
			text, err := m.file(file)
			if err == nil {
				err = x.validJUnit(ctx, text)
			}
			if err != nil {
				return nil, fmt.Errorf("report group %s of %s: %w", group, spec, errors.Join(err, failed))
			}
		}
	}
	for _, file := range b.Keeps {
		if _, err := os.Stat(filepath.Join(m.Workspace, file)); err != nil {
			return nil, fmt.Errorf("artifacts of %s: %w", spec, errors.Join(err, failed))
		}
	}
	return m, failed
}

// stages of CodePipeline for a commit, as far as they go: the one that fails is the
// last. A person approves each.
func (x *examples) stages(ctx context.Context, commit string, after func(pipelines.Stage, *machine) error) (last string, err error) {
	all, err := pipelines.ReadStages(filepath.Join(x.CDK.Dir, pipelineTemplate))
	if err != nil {
		return "", err
	}
	for _, s := range all {
		last = s.Name
		if s.Category != "Build" {
			continue
		}
		m, err := x.build(ctx, pipelineStack, s.Project, s.Role, s.Spec, commit)
		if err != nil {
			return last, err
		}
		if err := after(s, m); err != nil {
			return last, fmt.Errorf("stage %s: %w\n%s", s.Name, err, m.out.String())
		}
	}
	return last, nil
}

// start the build that the schedule starts, as the schedule does: by its role, which
// trusts EventBridge Scheduler, and with its input.
func (x *examples) start(ctx context.Context) (string, error) {
	out, err := x.aws(ctx, x.admin, "aws scheduler get-schedule --region "+controlRegion+" --name "+x.Names.App+"-drift")
	if err != nil {
		return "", err
	}
	var schedule struct {
		ScheduleExpression, State string
		Target                    struct{ Arn, RoleArn, Input string }
	}
	var input struct{ ProjectName string }
	if err := errors.Join(json.Unmarshal([]byte(out), &schedule), json.Unmarshal([]byte(schedule.Target.Input), &input)); err != nil {
		return "", fmt.Errorf("read the schedule: %w\n%s", err, out)
	}
	if schedule.State != "ENABLED" || schedule.Target.Arn != "arn:aws:scheduler:::aws-sdk:codebuild:startBuild" {
		return "", fmt.Errorf("the schedule is %+v", schedule)
	}
	who, err := x.Cloud.Emulator.AssumeForService(ctx, schedule.Target.RoleArn, "schedule", "scheduler.amazonaws.com",
		"arn:aws:scheduler:"+controlRegion+":"+account+":schedule-group/default", account)
	if err != nil {
		return "", err
	}
	if _, err := x.aws(ctx, x.admin.as(who), "aws codebuild start-build --region "+controlRegion+" --project-name "+input.ProjectName); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s starts %s", schedule.ScheduleExpression, input.ProjectName), nil
}
