package command_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

// The pairs of exit code and verdict are a contract, and docs/drift.md states them
// all: with --strict the code is another one, and the verdict stays what is true.
func TestExitCodesAndVerdicts(t *testing.T) {
	dir := folder(t)
	only := []string{"drift", "--only", "leftover.lease", "--cdk", "none", "--format", "json"}
	var pairs []string
	for _, c := range []struct {
		lease  time.Duration
		more   []string
		strict bool
		pair   string
	}{
		{time.Minute, nil, false, "0 in-sync"},
		{time.Minute, []string{"--strict"}, true, "0 in-sync"},
		{2 * time.Hour, nil, false, "1 drift"},
		{2 * time.Hour, []string{"--only", "stack"}, false, "1 drift"},
		{2 * time.Hour, []string{"--only", "stack", "--strict"}, true, "1 drift"},
		{time.Minute, []string{"--only", "stack", "--strict"}, true, "1 could-not-check"},
		{time.Minute, []string{"--only", "stack"}, false, "2 could-not-check"},
	} {
		code, out, errs := osdr(t, dir, c.lease, append(slices.Clone(only), c.more...)...)
		var r struct {
			Verdict  string
			ExitCode int
			Strict   bool
		}
		err := json.Unmarshal([]byte(out), &r)
		if got := pair(code, r.Verdict); err != nil || got != c.pair || r.ExitCode != code || r.Strict != c.strict {
			t.Errorf("%v: %s, want %s; the report says %+v; %v %s", c.more, got, c.pair, r, err, errs)
		}
		pairs = append(pairs, c.pair)
	}
	if code, out, _ := osdr(t, dir, time.Minute, "drift", "--bogus"); code != 2 || out != "" {
		t.Errorf("a wrong command line: exit %d, %s", code, out)
	}
	pairs = append(pairs, "2 none")
	raw, err := os.ReadFile("../../../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	var stated []string
	for _, row := range regexp.MustCompile("(?m)^\\| ([0-9]) \\| `?([a-z-]+)`? \\|").FindAllStringSubmatch(string(raw), -1) {
		stated = append(stated, row[1]+" "+row[2])
	}
	slices.Sort(pairs)
	slices.Sort(stated)
	if !slices.Equal(slices.Compact(pairs), stated) {
		t.Errorf("docs/drift.md states %q, true are %q", stated, slices.Compact(pairs))
	}
}

func pair(code int, verdict string) string { return string(rune('0'+code)) + " " + verdict }
