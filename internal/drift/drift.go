// Package drift tells whether a failover would work today, and changes nothing.
//
// It always ends, in the time of its slowest look-up: all checks run side by
// side, a look-up is made once however many checks need it, and each has a time
// limit of its own. What could not be looked at is said as such and is never
// taken for in sync (H14).
package drift

import (
	"context"
	"strings"
	"time"
)

// Exit codes of `osdr drift`. They are its own: a pipeline must tell a drift from
// a run that could not look.
const (
	ExitInSync  = 0
	ExitDrift   = 1
	ExitUnknown = 2
)

// Kind of a finding.
type Kind string

// The kinds. A Note is for people and no part of the verdict.
const (
	Drift   Kind = "drift"
	Unknown Kind = "could-not-check"
	Note    Kind = "note"
)

// Finding of a check. Its JSON is a contract: fields are added, never renamed.
type Finding struct {
	Check    string   `json:"id"`
	Kind     Kind     `json:"kind"`
	Where    string   `json:"where"` // a Region, or Global
	Resource string   `json:"resource,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Found    string   `json:"found"`
	Why      string   `json:"why"`  // it matters for recovery
	Mend     string   `json:"mend"` // a command, or what to do
	Ignored  *Ignored `json:"ignored,omitempty"`
}

// Ignored by a reviewed exception.
type Ignored struct {
	Reason  string `json:"reason"`
	Expires string `json:"expires"`
}

// Global is Where of what has no Region.
const Global = "global"

// Scope of a check: where it runs.
type Scope string

// Scopes. Everywhere is both Regions of the pair and the control Region.
const (
	EachRegion Scope = "each Region"
	Everywhere Scope = "each Region and the control Region"
	Active     Scope = "the active Region"
	Standby    Scope = "the other Region"
	Control    Scope = "the control Region"
	Once       Scope = "once"
)

// Check looks at one thing.
type Check struct {
	ID    string // <family>.<what>, stable
	Title string
	Why   string // it matters for recovery
	Scope Scope
	Ready bool // only with --ready
	// Limit of a run of it, when its look-ups take longer than the common one.
	Limit time.Duration
	// Find what differs in a Region ("" with Once). It fills in Resource, Expected,
	// Found and Mend; the rest is filled in where it is empty. An error means that it
	// could not be told; findings that were made by then count all the same.
	Find func(ctx context.Context, region string) ([]Finding, error)
}

// Family of the check: its id up to the dot.
func (c Check) Family() string { family, _, _ := strings.Cut(c.ID, "."); return family }

// Regions that a run looks at.
type Regions struct {
	Pair   []string // the primary first
	Active string   // "" when nobody knows
	// Find the active Region, when it is not known yet. Checks that need it wait for
	// it, and no others.
	Find    func(context.Context) string
	Control string
	// Away is the Region that the operator called unreachable: it is not asked.
	Away string
}

// of a scope.
func (r Regions) of(s Scope) []string {
	switch s {
	case EachRegion:
		return r.Pair
	case Everywhere:
		out := append([]string(nil), r.Pair...)
		for _, region := range out {
			if region == r.Control {
				return out
			}
		}
		return append(out, r.Control)
	case Active:
		if r.Active != "" {
			return []string{r.Active}
		}
		return nil
	case Standby:
		for _, region := range r.Pair {
			if r.Active != "" && region != r.Active {
				return []string{region}
			}
		}
		return nil
	case Control:
		return []string{r.Control}
	}
	return []string{""}
}

// Outcome of one check in one place.
type Outcome struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Where   string  `json:"where"`
	Outcome string  `json:"outcome"` // "in-sync", "drift", "could-not-check"
	Seconds float64 `json:"seconds"`
}

// InSync of an Outcome, and of a Report's Verdict.
const InSync = "in-sync"

// FormatVersion of the report's JSON.
const FormatVersion = 1

// Report of a run. Its JSON is a contract: fields are added, never renamed.
type Report struct {
	Version      int       `json:"version"`
	Name         string    `json:"name"`
	Verdict      string    `json:"verdict"` // "in-sync", "drift", "could-not-check"
	ExitCode     int       `json:"exitCode"`
	Strict       bool      `json:"strict"`
	Started      time.Time `json:"started"`
	Seconds      float64   `json:"seconds"`
	ActiveRegion string    `json:"activeRegion,omitempty"`
	// Templates that the expected state was read from.
	Templates string    `json:"templates,omitempty"`
	Counts    Counts    `json:"counts"`
	Checks    []Outcome `json:"checks"`
	Findings  []Finding `json:"findings"`
	// Rules are all checks that were asked for, for formats that list them.
	Rules []Check `json:"-"`
	// Of is what the run was of; the zero value is `osdr drift`.
	Of Subject `json:"-"`
}

// Subject of a report that another command writes in the same formats.
type Subject struct {
	Tool  string            // "osdr change"
	Docs  string            // of its checks, relative to the repository
	Words map[string]string // its own for "drift" and "in-sync"
}

// Say a kind, an outcome or a verdict in the subject's own word.
func (s Subject) Say(word string) string {
	if own := s.Words[word]; own != "" {
		return own
	}
	return word
}

// Counts of a report. Checks, InSync, Drift and Unknown count outcomes; Ignored
// and Notes count findings.
type Counts struct {
	Checks  int `json:"checks"`
	InSync  int `json:"inSync"`
	Drift   int `json:"drift"`
	Unknown int `json:"couldNotCheck"`
	Ignored int `json:"ignored"`
	Notes   int `json:"notes"`
}
