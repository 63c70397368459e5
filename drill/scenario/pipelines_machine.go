package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/pipelines"
)

// machine that a pipeline's service gives to a job: a new folder, the commands of its
// image, and no credentials but those that it is given. It has the local cloud for
// AWS, as far as an environment can say that.
type machine struct {
	pipelines.Place
	out     bytes.Buffer
	results []pipelines.Result
}

// machine with nothing in its workspace. There is one at a time, always in the same
// folder: a job finds nothing of the one before, and Go finds its packages compiled.
func (x *examples) machine() (*machine, error) {
	m := &machine{}
	tools := filepath.Join(x.folder, "tools")
	m.Workspace, m.Temp, m.Out = filepath.Join(x.folder, "work"), filepath.Join(x.folder, "temp"), &m.out
	for _, folder := range []string{m.Workspace, m.Temp, tools} {
		if err := os.RemoveAll(folder); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	if err := x.commands(tools); err != nil {
		return nil, err
	}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") && !strings.HasPrefix(e, "PATH=") {
			m.Env = append(m.Env, e)
		}
	}
	for name, value := range x.Cloud.Env() {
		switch {
		case name == "AWS_ACCESS_KEY_ID", name == "AWS_SECRET_ACCESS_KEY", name == "AWS_REGION", name == "AWS_DEFAULT_REGION", strings.HasPrefix(name, "OSDR_DRILL_"):
		default:
			m.Env = append(m.Env, name+"="+value)
		}
	}
	nothing := filepath.Join(m.Temp, "none") // not this machine's own ~/.aws
	m.Env = append(m.Env, "AWS_CONFIG_FILE="+nothing, "AWS_SHARED_CREDENTIALS_FILE="+nothing, "AWS_PAGER=",
		"PATH="+strings.Join([]string{tools, filepath.Dir(x.Cloud.Tools.Node), os.Getenv("PATH")}, string(os.PathListSeparator)))
	return m, nil
}

// commands that are not this machine's: npm puts the drill's own cdk on the path, and
// no other version; aws is the drill's.
func (x *examples) commands(folder string) error {
	raw, err := os.ReadFile(filepath.Join(x.Cloud.Tools.NodeModules, "aws-cdk", "package.json"))
	if err != nil {
		return fmt.Errorf("ask which cdk the drill has: %w", err)
	}
	var installed struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(raw, &installed); err != nil {
		return fmt.Errorf("ask which cdk the drill has: %w", err)
	}
	t := x.Cloud.Tools
	npm := fmt.Sprintf(`#!/bin/sh
# What the examples ask npm for is installed, by a lock file of the drill.
if [ "$*" != "install --global aws-cdk@%s" ]; then
  echo "npm $*: the drill has aws-cdk@%[1]s and nothing else" >&2
  exit 1
fi
cat >'%[2]s/cdk' <<'END'
#!/bin/sh
exec '%[3]s' '%[4]s' "$@"
END
chmod +x '%[2]s/cdk'
`, installed.Version, folder, t.Node, t.CDK)
	aws := fmt.Sprintf("#!/bin/sh\nexec '%s' -m awscli \"$@\"\n", t.Python)
	// A cdk that some machine has by itself is not the one that was asked for.
	cdk := "#!/bin/sh\necho 'cdk: not installed on this machine' >&2\nexit 127\n"
	for name, body := range map[string]string{"npm": npm, "aws": aws, "cdk": cdk} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// as somebody, in a Region.
func (m *machine) as(who gateway.Identity, region string) error {
	var failed []error
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": who.AccessKeyID, "AWS_SECRET_ACCESS_KEY": who.Secret, "AWS_SESSION_TOKEN": who.Token,
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region,
	} {
		if value != "" { // a user has no token
			failed = append(failed, m.Export(name, value))
		}
	}
	return errors.Join(failed...)
}

// checkout of a commit.
func (x *examples) checkout(ctx context.Context, m *machine, commit string) error {
	if _, err := x.git(ctx, x.folder, "clone", "--quiet", "--no-checkout", x.repository, m.Workspace); err != nil {
		return err
	}
	_, err := x.git(ctx, m.Workspace, "checkout", "--quiet", "--detach", commit)
	return err
}

// run a job. An option that a command does not know is none that does something: cdk
// only says so.
func (m *machine) run(ctx context.Context, j pipelines.Job) error {
	var err error
	m.results, err = m.Run(ctx, j)
	if _, rest, unknown := strings.Cut(m.out.String(), "Unknown option"); unknown && err == nil {
		line, _, _ := strings.Cut(rest, "\n")
		err = fmt.Errorf("job %s: unknown option%s", j.Name, line)
	}
	return err
}

// ran tells whether a step did, and how.
func (m *machine) ran(name string) (ok bool, err error) {
	for _, r := range m.results {
		if r.Step.Name == name {
			return !r.Skipped, r.Err
		}
	}
	return false, fmt.Errorf("there is no step %q", name)
}

// file of the workspace.
func (m *machine) file(name string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(m.Workspace, name))
	return string(raw), err
}
