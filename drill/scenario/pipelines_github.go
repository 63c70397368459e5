package scenario

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/pipelines"
)

// Of GitHub: who issues its tokens, and the repository that the examples are in.
const (
	issuer  = "token.actions.githubusercontent.com"
	project = "acme/search"
)

// trigger of a workflow.
type trigger struct {
	commit  string // that is checked out
	subject string // of the token that GitHub issues for it
}

func (x *examples) schedule() trigger {
	return trigger{x.main, "repo:" + project + ":ref:refs/heads/main"}
}

func pullRequest(commit string) trigger { return trigger{commit, "repo:" + project + ":pull_request"} }

// github runs a job of a workflow on a machine of its own. The error is the job's.
func (x *examples) github(ctx context.Context, file, name string, t trigger) (*machine, error) {
	w, err := pipelines.ReadWorkflow(filepath.Join(x.CDK.Dir, "docs", "pipelines", "github", file))
	if err != nil {
		return nil, err
	}
	job := w.Job(name)
	if job == nil {
		return nil, fmt.Errorf("%s has no job %s", file, name)
	}
	m, err := x.machine()
	if err != nil {
		return nil, err
	}
	m.Values = map[string]string{
		"vars.OSDR_DRIFT_ROLE": x.reader, "vars.OSDR_REGION": Secondary, "vars.OSDR_ACCOUNT": account,
		"github.event.pull_request.base.sha": x.main,
	}
	m.Uses = func(ctx context.Context, s pipelines.Step) error { return x.action(ctx, m, t, s) }
	return m, m.run(ctx, *job)
}

// action of GitHub, as far as a job depends on it. One that is not known here is an
// error: nobody would see what it does.
func (x *examples) action(ctx context.Context, m *machine, t trigger, s pipelines.Step) error {
	name, _, _ := strings.Cut(s.Uses, "@")
	switch name {
	case "actions/checkout":
		commit := t.commit
		if s.With["ref"] != "" {
			commit = s.With["ref"]
		}
		return x.checkout(ctx, m, commit)
	case "actions/setup-go":
		_, err := os.Stat(filepath.Join(m.Workspace, s.With["go-version-file"]))
		return err
	case "actions/setup-node":
		return nil // the drill's own, which it looked for by itself
	case "aws-actions/configure-aws-credentials":
		who, err := x.byToken(ctx, s.With["role-to-assume"], t.subject)
		if err != nil {
			return err
		}
		return m.as(who, s.With["aws-region"])
	case "actions/upload-artifact":
		return upload(m.Workspace, s.With["path"], filepath.Join(x.folder, "artifacts", s.With["name"]))
	case "actions/download-artifact":
		return os.CopyFS(filepath.Join(m.Workspace, s.With["path"]), os.DirFS(filepath.Join(x.folder, "artifacts", s.With["name"])))
	case "github/codeql-action/upload-sarif":
		text, err := m.file(s.With["sarif_file"])
		if err != nil {
			return err
		}
		return validSARIF(text)
	case "mikepenz/action-junit-report":
		text, err := m.file(s.With["report_paths"])
		if err != nil {
			return err
		}
		return x.validJUnit(ctx, text)
	}
	return fmt.Errorf("the drill does not know what %s does", s.Uses)
}

// upload the files of some patterns, each with its path below the workspace.
func upload(workspace, patterns, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for pattern := range strings.FieldsSeq(patterns) {
		files, err := filepath.Glob(filepath.Join(workspace, pattern))
		if err != nil {
			return err
		}
		for _, f := range files {
			body, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			path := filepath.Join(to, relative(workspace, f))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, body, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// byToken assumes a role with a token of GitHub's for a subject, as the action does.
// The emulator judges the token's claims by the role's trust policy; it knows no
// issuer's keys, so that the signature is none.
func (x *examples) byToken(ctx context.Context, role, subject string) (gateway.Identity, error) {
	claims, err := json.Marshal(map[string]any{"iss": "https://" + issuer, "aud": "sts.amazonaws.com", "sub": subject, "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		return gateway.Identity{}, err
	}
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + part(claims) + "." + part([]byte("unsigned"))
	anonymous := x.in(Secondary)
	anonymous.Credentials = aws.AnonymousCredentials{}
	out, err := sts.NewFromConfig(anonymous).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: new("GitHubActions"), WebIdentityToken: &token,
	})
	if err != nil {
		return gateway.Identity{}, fmt.Errorf("assume %s as %s: %w", role, subject, err)
	}
	return gateway.Identity{
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), Secret: aws.ToString(out.Credentials.SecretAccessKey), Token: aws.ToString(out.Credentials.SessionToken),
	}, nil
}
