package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// What a mend, and a change by hand, is typed as: a command of the AWS CLI, of cdk
// or of osdr, or a request to a domain.
var (
	typed   = regexp.MustCompile(`^(aws [a-z]|cdk deploy |osdr abort)`)
	request = regexp.MustCompile(`^(GET|PUT|POST|DELETE) (\S+) ?(\{.*\})?`)
)

// commands in the words of a mend: the first one, and those that && joins to it.
// What follows is for people: it begins at a semicolon, a comma, or a word after
// the command's last argument.
func commands(mend string) []string {
	var out []string
	for at := 0; at < len(mend); at++ {
		rest := mend[at:]
		if at > 0 && mend[at-1] != ' ' {
			continue
		}
		if request.MatchString(rest) {
			return append(out, strings.TrimRight(request.FindString(rest), " ,"))
		}
		if !typed.MatchString(rest) {
			continue
		}
		end := ends(rest)
		out = append(out, rest[:end])
		if !strings.HasPrefix(rest[end:], " && ") {
			return out
		}
		at += end
	}
	return out
}

// ends of a command: quotes are the shell's.
func ends(line string) int {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case !quoted && line[i] == '\\':
			i++
			continue
		case line[i] == '\'':
			quoted = !quoted
		}
		if quoted {
			continue
		}
		for _, end := range []string{"; ", ", ", " && ", " says ", " shows ", " names "} {
			if strings.HasPrefix(line[i:], end) {
				return i
			}
		}
	}
	return len(line)
}

// carry out what a finding of a Region names.
func (w *World) carryOut(ctx context.Context, o *osdr, region string, lines ...string) error {
	for _, line := range lines {
		if err := w.carryOutOne(ctx, o, region, line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

func (w *World) carryOutOne(ctx context.Context, o *osdr, region, line string) error {
	switch {
	case strings.HasPrefix(line, "aws "):
		_, err := w.aws(ctx, o, line)
		return err
	case strings.HasPrefix(line, "cdk deploy "):
		c := w.CDK
		c.Context, c.Output = nil, ""
		if !strings.Contains(line, "--revert-drift") { // a synth of its own
			c.Context, c.Output = maps.Clone(w.CDK.Context), w.CDK.Output
			_, err := c.Run(ctx, strings.Fields(line)[1:]...)
			return err
		}
		_, err := c.Run(ctx, append(strings.Fields(line)[1:], "--app", w.CDK.Output)...)
		return err
	case strings.HasPrefix(line, "osdr abort"):
		out, code, err := o.command(ctx, "abort", "--yes")
		if err == nil && code != 0 {
			err = fmt.Errorf("exit %d: %s", code, out)
		}
		return err
	}
	asked := request.FindStringSubmatch(line)
	if asked == nil {
		return fmt.Errorf("it is no command")
	}
	domain, err := w.direct(region)
	if err != nil {
		return err
	}
	var body any
	if asked[3] != "" {
		if err := json.Unmarshal([]byte(asked[3]), &body); err != nil {
			return err
		}
	}
	_, err = domain.Do(ctx, asked[1], "/"+strings.TrimPrefix(asked[2], "/"), body, nil)
	return err
}

// aws is the real AWS CLI, as the drill installs it.
func (w *World) aws(ctx context.Context, o *osdr, line string) (string, error) {
	// The drill's CLI is version 1, which takes a payload as it is and knows no word
	// for that.
	line = strings.Replace(line, " --cli-binary-format raw-in-base64-out", "", 1)
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", `aws() { "$DRILL_PYTHON" -m awscli "$@"; }; `+line)
	cmd.Dir = o.reports
	cmd.Env = append(slices.Clone(o.environment()), "DRILL_PYTHON="+w.Cloud.Tools.Python, "AWS_PAGER=", "AWS_CONFIG_FILE="+filepath.Join(o.reports, "no-config"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%w\n%.600s", err, out)
	}
	return string(out), nil
}
