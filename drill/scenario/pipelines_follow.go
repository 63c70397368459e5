package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/opensearch-dr/osdr/internal/pipelines"
)

// Stacks that docs/pipelines/README.md makes, and what they are of.
const (
	githubStack, pipelineStack, scheduleStack = "osdr-github", "osdr-pipeline", "osdr-drift"

	pipelineTemplate = "docs/pipelines/codebuild/pipeline.template.yml"
	driftSpec        = "docs/pipelines/codebuild/drift.buildspec.yml"
)

// documented command of a section of docs/pipelines/README.md, with its placeholders
// filled in.
func (x *examples) documented(heading string, with ...string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(x.CDK.Dir, "docs", "pipelines", "README.md"))
	if err != nil {
		return "", err
	}
	_, section, found := strings.Cut(string(raw), "\n## "+heading+"\n")
	_, block, opened := strings.Cut(section, "```\n")
	block, _, closed := strings.Cut(block, "```\n")
	if !found || !opened || !closed {
		return "", fmt.Errorf("docs/pipelines/README.md has no command below %q", heading)
	}
	command := strings.NewReplacer(append(with,
		"<owner>/<name>", project, "<account>", account, "<control Region>", controlRegion,
		"<ARN>", "arn:aws:codeconnections:"+controlRegion+":"+account+":connection/1",
		"osdr-alarms", x.Names.AlarmTopic(),
		"--parameter-overrides ", "--parameter-overrides Name="+x.Names.App+" ",
	)...).Replace(block)
	if _, rest, left := strings.Cut(command, "<"); left {
		return "", fmt.Errorf("docs/pipelines/README.md: nobody knows <%.20s below %q", rest, heading)
	}
	return command, nil
}

// follow the documentation as an operator, in a checkout.
func (x *examples) follow(ctx context.Context) (string, error) {
	m, err := x.machine()
	if err != nil {
		return "", err
	}
	if err := errors.Join(x.checkout(ctx, m, x.main), m.as(x.Cloud.Admin, controlRegion), withoutPipeline(filepath.Join(m.Workspace, pipelineTemplate))); err != nil {
		return "", err
	}
	// The emulator makes a provider by IAM and not by CloudFormation, so that this
	// account is one that has it already.
	provider := "arn:aws:iam::" + account + ":oidc-provider/" + issuer
	run := func(steps ...pipelines.Step) error {
		return m.run(ctx, pipelines.Job{Name: "docs/pipelines/README.md", Shell: []string{"bash", "-euo", "pipefail"}, Steps: steps})
	}
	var steps []pipelines.Step
	for heading, with := range map[string][]string{
		"GitHub Actions": {"<owner>/<name>\n", project + " ProviderArn=" + provider + "\n"}, "CodePipeline": nil, "Without a CI": nil,
	} {
		command, err := x.documented(heading, with...)
		if err != nil {
			return "", err
		}
		steps = append(steps, pipelines.Step{Name: heading, Run: command})
	}
	made := pipelines.Step{Name: "a provider", Run: "aws iam create-open-id-connect-provider --client-id-list sts.amazonaws.com --url https://" + issuer}
	if err := run(append([]pipelines.Step{made}, steps...)...); err != nil {
		return "", err
	}
	var roles []string
	for _, r := range []struct{ stack, id string }{{githubStack, "Role"}, {pipelineStack, "ReaderRole"}, {scheduleStack, "Role"}} {
		role, err := x.physical(ctx, r.stack, r.id)
		if err != nil {
			return "", err
		}
		command, err := x.documented("The reader's policy", "<role>", role)
		if err != nil {
			return "", err
		}
		if err := run(pipelines.Step{Name: role, Run: command}); err != nil {
			return "", err
		}
		roles = append(roles, role)
	}
	x.reader = "arn:aws:iam::" + account + ":role/" + roles[0]
	return "3 stacks; " + strings.Join(roles, ", "), nil
}

// withoutPipeline takes the one resource out of a template that the emulator has no
// service for; its stages are read from the example itself.
func withoutPipeline(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return err
	}
	resources := file["Resources"]
	for i := 0; i+1 < len(resources.Content); i += 2 {
		if resources.Content[i].Value == "Pipeline" {
			resources.Content = append(resources.Content[:i], resources.Content[i+2:]...)
			file["Resources"] = resources
			if raw, err = yaml.Marshal(file); err != nil {
				return err
			}
			return os.WriteFile(path, raw, 0o644)
		}
	}
	return fmt.Errorf("%s has no resource Pipeline", path)
}

// trusted: who gets GitHub's role, and what it may do with it.
func (x *examples) trusted(ctx context.Context) (string, error) {
	for _, stranger := range []string{"repo:" + project + ":ref:refs/heads/feature", "repo:mallory/search:pull_request", "repo:mallory/search:ref:refs/heads/main"} {
		if _, err := x.byToken(ctx, x.reader, stranger); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			return "", fmt.Errorf("%s is not refused: %v", stranger, err) //nolint:errorlint // nil where it was let in
		}
	}
	for _, t := range []trigger{x.schedule(), pullRequest("")} {
		who, err := x.byToken(ctx, x.reader, t.subject)
		if err != nil {
			return "", err
		}
		for _, of := range []string{"deploy", "cfn-exec", "file-publishing", "lookup"} {
			role := "arn:aws:iam::" + account + ":role/cdk-hnb659fds-" + of + "-role-" + account + "-" + Primary
			out, err := x.aws(ctx, x.admin.as(who), "aws sts assume-role --role-session-name drill --role-arn "+role)
			if err == nil || !strings.Contains(out, "AccessDenied") {
				return "", fmt.Errorf("%s may assume %s: %.300s", t.subject, role, out)
			}
		}
	}
	return "3 strangers refused; no role of cdk bootstrap can be assumed", nil
}
