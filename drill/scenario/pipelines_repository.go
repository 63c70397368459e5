package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// git in a folder, as somebody whose own settings do not matter.
func (x *examples) git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{
		"-c", "user.name=drill", "-c", "user.email=drill@example.com", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false",
	}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// commitProject makes the installation's repository: this project, and the cdk.json
// of what was deployed.
func (x *examples) commitProject(ctx context.Context) (string, error) {
	if err := copyProject(ctx, x.CDK.Dir, x.repository); err != nil {
		return "", err
	}
	if err := x.configure(func(dr map[string]any) {
		for key, value := range x.CDK.Context {
			if field, ok := strings.CutPrefix(key, "dr."); ok {
				set(dr, strings.Split(field, "."), value)
			}
		}
	}); err != nil {
		return "", err
	}
	if _, err := x.git(ctx, x.repository, "init", "--quiet"); err != nil {
		return "", err
	}
	var err error
	x.main, err = x.save(ctx, "what is deployed")
	return "commit " + x.main[:min(12, len(x.main))], err
}

// set a field where the file has it, in its kind.
func set(dr map[string]any, path []string, value string) {
	name := path[0]
	if len(path) > 1 {
		set(dr[name].(map[string]any), path[1:], value)
		return
	}
	switch dr[name].(type) {
	case float64:
		n, err := strconv.Atoi(value)
		if err == nil {
			dr[name] = n
			return
		}
	case []any:
		dr[name] = strings.Split(value, ",")
		return
	}
	dr[name] = value
}

// configure the repository's cdk.json.
func (x *examples) configure(edit func(dr map[string]any)) error {
	path := filepath.Join(x.repository, "cdk.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file map[string]any
	if err := json.Unmarshal(raw, &file); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	edit(file["context"].(map[string]any)["dr"].(map[string]any))
	if raw, err = json.MarshalIndent(file, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// save all that was edited as a commit, and answer its id.
func (x *examples) save(ctx context.Context, message string) (string, error) {
	if _, err := x.git(ctx, x.repository, "add", "--all"); err != nil {
		return "", err
	}
	if _, err := x.git(ctx, x.repository, "commit", "--quiet", "--message", message); err != nil {
		return "", err
	}
	return x.git(ctx, x.repository, "rev-parse", "HEAD")
}

// propose a change beside main.
func (x *examples) propose(ctx context.Context, message string, edit func() error) (string, error) {
	if err := edit(); err != nil {
		return "", err
	}
	id, err := x.save(ctx, message)
	if err != nil {
		return "", err
	}
	_, err = x.git(ctx, x.repository, "reset", "--quiet", "--hard", x.main)
	return id, err
}

// replace one text of a source file by another.
func (x *examples) replace(file, from, to string) func() error {
	return func() error {
		path := filepath.Join(x.repository, file)
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := strings.Count(string(raw), from); n != 1 {
			return fmt.Errorf("propose a change: %s has %q %d times, want once", file, from, n)
		}
		return os.WriteFile(path, []byte(strings.Replace(string(raw), from, to, 1)), 0o644)
	}
}
