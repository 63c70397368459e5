package pipelines

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// expression of GitHub Actions, in a value or a condition.
var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expand the expressions of a text. One of "a || b" is b where a has no value.
func (p Place) expand(text string) (string, error) {
	var failed error
	out := expression.ReplaceAllStringFunc(text, func(match string) string {
		inner := expression.FindStringSubmatch(match)[1]
		for option := range strings.SplitSeq(inner, "||") {
			option = strings.TrimSpace(option)
			if literal, ok := quoted(option); ok {
				return literal
			}
			if value, ok := p.Values[option]; ok && value != "" {
				return value
			}
		}
		failed = fmt.Errorf("%w: %s", ErrUnknown, inner)
		return ""
	})
	return out, failed
}

func quoted(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'"), true
	}
	return "", false
}

var hashed = regexp.MustCompile(`^hashFiles\('([^']+)'\) != ''$`)

// goes tells whether a step runs: without a condition as long as nothing failed.
// The examples use the few forms that are here; another one is an error.
func (p Place) goes(condition string, failed error) (bool, error) {
	if condition == "" {
		return failed == nil, nil
	}
	inner := condition
	if m := expression.FindStringSubmatch(condition); m != nil && m[0] == condition {
		inner = m[1]
	}
	always := false
	all := true
	for part := range strings.SplitSeq(inner, "&&") {
		part = strings.TrimSpace(part)
		switch m := hashed.FindStringSubmatch(part); {
		case part == "!cancelled()", part == "always()":
			always = true
		case m != nil:
			_, err := os.Stat(filepath.Join(p.Workspace, m[1]))
			all = all && err == nil
		default:
			return false, fmt.Errorf("%w: the condition %q", ErrUnknown, part)
		}
	}
	return all && (always || failed == nil), nil
}
