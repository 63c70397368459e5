package drift

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Exception says that a drift is known and meant, who has to look at it again and
// when. What could not be checked is never excepted: leave the check out instead.
type Exception struct {
	ID       string `json:"id"`
	Where    string `json:"where,omitempty"`    // pattern of a Region; all when empty
	Resource string `json:"resource,omitempty"` // pattern; all when empty
	Reason   string `json:"reason"`
	Expires  string `json:"expires"` // the last day, 2027-01-31
}

// IgnoreFile that is read when none is named.
const IgnoreFile = ".osdr-drift-ignore.json"

// ReadExceptions of a file. One that was not named and is not there has none.
func ReadExceptions(path string, named bool) ([]Exception, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the exceptions: %w", err)
	}
	var file struct {
		Version int         `json:"version"`
		Ignore  []Exception `json:"ignore"`
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fmt.Errorf("read the exceptions %s: it is empty; write {\"version\": 1, \"ignore\": []}, or remove it", path)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read the exceptions %s: %w", path, err)
	}
	// What stands behind would be left out unseen, such as the other half of a merge.
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the exceptions %s: there is more behind its end; one JSON object is allowed", path)
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("read the exceptions %s: version is %d; allowed: 1", path, file.Version)
	}
	for i, e := range file.Ignore {
		switch _, err := time.Parse(time.DateOnly, e.Expires); {
		case e.ID == "":
			return nil, fmt.Errorf("read the exceptions %s: entry %d has no id", path, i+1)
		case strings.TrimSpace(e.Reason) == "":
			return nil, fmt.Errorf("read the exceptions %s: entry %d (%s) has no reason", path, i+1, e.ID)
		case err != nil:
			return nil, fmt.Errorf("read the exceptions %s: entry %d (%s) expires %q; allowed: a day, as 2027-01-31", path, i+1, e.ID, e.Expires)
		}
	}
	return file.Ignore, nil
}

func known(exceptions []Exception, checks []Check) error {
	for _, e := range exceptions {
		if !slices.ContainsFunc(checks, func(c Check) bool { return c.ID == e.ID }) {
			return fmt.Errorf("read the exceptions: no check has the id %q; %s", e.ID, allowed(checks))
		}
	}
	return nil
}

// allowed ids: those of a few checks by name, of many by the command that lists them.
func allowed(checks []Check) string {
	const few = 20
	if len(checks) > few {
		return "`osdr drift --list` shows them"
	}
	var ids []string
	for _, c := range checks {
		if !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return "allowed: " + strings.Join(ids, ", ")
}

// over when the day after it has begun, UTC.
func (e Exception) over(now time.Time) bool {
	day, err := time.Parse(time.DateOnly, e.Expires)
	return err != nil || !now.UTC().Before(day.AddDate(0, 0, 1))
}

func (e Exception) covers(f Finding) bool {
	return f.Kind == Drift && f.Check == e.ID &&
		(e.Where == "" || glob(e.Where, f.Where)) && (e.Resource == "" || wild(e.Resource, f.Resource))
}

// wild is a pattern in which * also spans slashes, as ARNs and keys have them.
func wild(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		at := strings.Index(s, p)
		if at < 0 {
			return false
		}
		s = s[at+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// except the findings that an entry covers, and say which entries are over or
// cover nothing: an exception must not outlive its reason unseen.
func except(findings []Finding, exceptions []Exception, ran []Outcome, now time.Time) []Finding {
	var notes []Finding
	for _, e := range exceptions {
		used := false
		for i := range findings {
			// What could not be told may well be covered tomorrow.
			used = used || findings[i].Kind == Unknown && findings[i].Check == e.ID
			if !e.covers(findings[i]) {
				continue
			}
			used = true
			if !e.over(now) && findings[i].Ignored == nil {
				findings[i].Ignored = &Ignored{Reason: e.Reason, Expires: e.Expires}
			}
		}
		note := Finding{Check: e.ID, Kind: Note, Where: Global, Resource: e.Resource, Why: "its reason: " + e.Reason}
		switch {
		case e.over(now):
			note.Found = "an exception is over since " + e.Expires + " and holds no longer"
			note.Mend = "mend what it covered, or review it and give it another day"
			notes = append(notes, note)
		case !used && slices.ContainsFunc(ran, func(o Outcome) bool { return o.ID == e.ID }):
			note.Found = "an exception covers nothing"
			note.Mend = "remove it from the ignore file"
			notes = append(notes, note)
		}
	}
	return notes
}
