package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// status is what `osdr status -o json` tells a person: line by line, and the fate of
// each index.
func (z *zoo) status(ctx context.Context) (told []string, fates map[string]contract.Fate, err error) {
	o := &osdr{path: filepath.Join(z.CDK.Dir, "build", "osdr"), work: z.World}
	out, code, err := o.command(ctx, "status", "-o", "json")
	if err != nil {
		return nil, nil, err
	}
	var s struct {
		Attention []string `json:"attention"`
		Regions   []struct {
			Attention []contract.Attention `json:"attention"`
			Fates     []contract.Fate      `json:"fates"`
			Notices   []string             `json:"notices"`
		} `json:"regions"`
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return nil, nil, fmt.Errorf("osdr status ended with %d: %w", code, err)
	}
	if quiet := len(s.Attention) == 0; quiet != (code == 0) {
		return nil, nil, fmt.Errorf("osdr status ended with %d, and tells %d things that need attention", code, len(s.Attention))
	}
	told, fates = s.Attention, map[string]contract.Fate{}
	for _, r := range s.Regions {
		told = append(told, r.Notices...)
		for _, a := range r.Attention {
			told = append(told, a.String())
		}
		for _, f := range r.Fates {
			fates[f.Index] = f
			if f.Fate != contract.FateRestored && f.Fate != contract.FateUnchanged {
				told = append(told, f.Index+": "+f.Fate+": "+f.Cause)
			}
		}
	}
	return told, fates, nil
}

// says whether a line names it, and not only another name that begins or ends so.
func tells(lines []string, name string) bool {
	for _, line := range lines {
		for at := 0; name != ""; {
			n := strings.Index(line[at:], name)
			if n < 0 {
				break
			}
			at += n
			before, _ := utf8.DecodeLastRuneInString(line[:at])
			at += len(name)
			after, _ := utf8.DecodeRuneInString(line[at:])
			if !inName(before) && !inName(after) {
				return true
			}
		}
	}
	return false
}

func inName(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }

// mentions reports whether a text is anywhere in an answer.
func mentions(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case map[string]any:
		for k, x := range v {
			if strings.Contains(k, text) || mentions(x, text) {
				return true
			}
		}
	case []any:
		for _, x := range v {
			if mentions(x, text) {
				return true
			}
		}
	}
	return false
}

// verdict so far. What is wrong is in the table, and fails there.
func (z *zoo) verdict() (string, error) {
	expected, there, wrong := 0, 0, 0
	for i, t := range z.things {
		r := z.rows[i]
		if t.fate == restored {
			expected, there = expected+r.expected, there+r.there
		}
		if len(r.wrong) > 0 {
			wrong++
		}
	}
	return fmt.Sprintf("%d things, %d of %d documents that can be restored, %d things not as promised", len(z.things), there, expected, wrong), nil
}

// report each thing: its fate, and whether a person was told.
func (z *zoo) report() {
	if z.rows == nil {
		return // not reached; the step that failed says why
	}
	z.Report.Add(func(f *report.Findings) {
		for i, t := range z.things {
			r, known := z.rows[i], z.fates[t.index]
			x := report.Thing{Name: t.name, Fate: string(t.fate), Cause: known.Cause, Expected: r.expected, There: r.there, Told: tells(z.told, t.index)}
			switch {
			case t.fate == restored && known.Fate != "" && known.Fate != contract.FateRestored:
				x.Fate = known.Fate
				r.wrong = append(r.wrong, "its fate is "+known.Fate)
			case t.fate == unplaced && known.Cause == "":
				r.wrong = append(r.wrong, "no cause is told")
			case t.fate == nowhere:
				x.Cause = z.line(t.index)
			}
			if t.told && !x.Told {
				r.wrong = append(r.wrong, "no person was told")
			}
			if x.Cause == "" && x.Told {
				x.Cause = z.line(t.index)
			}
			x.Wrong = strings.Join(r.wrong, "; ")
			f.Things = append(f.Things, x)
		}
	})
}

// line that reports a thing, in short: rather of osdr status than of a deployment.
func (z *zoo) line(name string) string {
	const most = 160
	for _, l := range slices.Backward(z.told) {
		if tells([]string{l}, name) {
			if len(l) > most {
				l = strings.ToValidUTF8(l[:most], "") + "..."
			}
			return l
		}
	}
	return ""
}
