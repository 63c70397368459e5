// Package report writes what a drift run found, for people and for pipelines. All
// formats say the same findings; none of them is asked for a verdict of its own.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
)

// Formats that can be written.
var Formats = []string{"text", "json", "junit", "sarif"}

// Write the report in a format.
func Write(w io.Writer, format string, r drift.Report) error {
	switch format {
	case "json":
		return writeJSON(w, r)
	case "junit":
		return writeJUnit(w, r)
	case "sarif":
		return writeSARIF(w, r)
	}
	return writeText(w, r)
}

func writeText(w io.Writer, r drift.Report) error {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("%s: %s", r.Name, verdict(r))
	line("%s%s, %s, %.1f s", active(r), plural(r.Counts.Checks, "check"), places(r), r.Seconds)
	if r.Templates != "" {
		line("%s: %s", map[bool]string{true: "expected", false: "compared"}[r.Of.Tool == ""], r.Templates)
	}
	silent, rest := collapse(r.Findings)
	for _, section := range []struct {
		title string
		of    func(drift.Finding) bool
	}{
		{r.Of.Say(string(drift.Drift)), func(f drift.Finding) bool { return f.Kind == drift.Drift && f.Ignored == nil }},
		{"could not check", func(f drift.Finding) bool { return f.Kind == drift.Unknown }},
		{"to know", func(f drift.Finding) bool { return f.Kind == drift.Note }},
		{"ignored", func(f drift.Finding) bool { return f.Ignored != nil }},
	} {
		var part []drift.Finding
		for _, f := range rest {
			if section.of(f) {
				part = append(part, f)
			}
		}
		if section.title != "could not check" && len(part) == 0 || len(part)+len(silent) == 0 {
			continue
		}
		line("")
		line("%s", strings.ToUpper(section.title))
		if section.title == "could not check" {
			for _, s := range silent {
				line("  %s: %s", s.where, s.reason)
				line("    %s could not run: %s", plural(len(s.ids), "check"), strings.Join(s.ids, ", "))
			}
		}
		for _, f := range part {
			finding(line, f)
		}
	}
	line("")
	c := r.Counts
	line("%d %s, %d %s, %d could not check; %s ignored, %s", c.InSync, inSync(r), c.Drift, r.Of.Say(string(drift.Drift)), c.Unknown, plural(c.Ignored, "finding"), plural(c.Notes, "note"))
	_, err := io.WriteString(w, b.String())
	return err
}

func inSync(r drift.Report) string { return strings.ReplaceAll(r.Of.Say(drift.InSync), "-", " ") }

// active Region, where the command asks for it.
func active(r drift.Report) string {
	switch {
	case r.Of.Tool != "":
		return ""
	case r.ActiveRegion == "":
		return "who is active is not known; "
	}
	return r.ActiveRegion + " is active; "
}

func finding(line func(string, ...any), f drift.Finding) {
	line("  %s  %s  %s", f.Check, f.Where, f.Resource)
	for _, part := range []struct{ label, text string }{
		{"expected", f.Expected}, {"found", f.Found}, {"why", f.Why}, {"mend", f.Mend},
	} {
		if part.text != "" {
			line("    %-9s %s", part.label, strings.ReplaceAll(part.text, "\n", "\n              "))
		}
	}
	if i := f.Ignored; i != nil {
		line("    %-9s %s (until %s)", "ignored", i.Reason, i.Expires)
	}
}

func verdict(r drift.Report) string {
	drifted := 0
	for _, f := range r.Findings {
		if f.Kind == drift.Drift && f.Ignored == nil {
			drifted++
		}
	}
	switch {
	case drifted > 0:
		return strings.ToUpper(r.Of.Say(string(drift.Drift))) + ", " + plural(drifted, "finding")
	case r.Verdict == drift.InSync:
		return inSync(r)
	case r.Strict:
		return fmt.Sprintf("COULD NOT CHECK all: %s, which counts as drift (--strict)", plural(r.Counts.Unknown, "check"))
	}
	return fmt.Sprintf("COULD NOT CHECK all: %s", plural(r.Counts.Unknown, "check"))
}

func places(r drift.Report) string {
	var out []string
	for _, c := range r.Checks {
		if c.Where != drift.Global && !slices.Contains(out, c.Where) {
			out = append(out, c.Where)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// common reason of many checks that could not run: a Region that is silent, or
// templates that are not there, is said once.
type common struct {
	where, reason string
	ids           []string
}

func collapse(findings []drift.Finding) (silent []common, rest []drift.Finding) {
	reason := func(f drift.Finding) string {
		out, _, _ := strings.Cut(f.Found, " (and ")
		return out
	}
	type group struct{ where, reason string }
	count := map[group]int{}
	for _, f := range findings {
		if f.Kind == drift.Unknown {
			count[group{f.Where, reason(f)}]++
		}
	}
	for _, f := range findings {
		g := group{f.Where, reason(f)}
		if f.Kind != drift.Unknown || count[g] < 3 {
			rest = append(rest, f)
			continue
		}
		at := slices.IndexFunc(silent, func(c common) bool { return c.where == g.where && c.reason == g.reason })
		if at < 0 {
			silent = append(silent, common{where: g.where, reason: g.reason})
			at = len(silent) - 1
		}
		if !slices.Contains(silent[at].ids, f.Check) {
			silent[at].ids = append(silent[at].ids, f.Check)
		}
	}
	return silent, rest
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
