package drift

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of a run.
type Options struct {
	Only, Skip []string // ids, or patterns of ids
	Ready      bool
	Strict     bool // could not check counts as drift
	Exceptions []Exception
	// Limit of one check in one place: no check makes the run hang.
	Limit time.Duration
	Clock func() time.Time
}

// Run the checks that are asked for, all at once.
func Run(ctx context.Context, checks []Check, at Regions, o Options) (Report, error) {
	chosen, err := choose(checks, o)
	if err != nil {
		return Report{}, err
	}
	if err := known(o.Exceptions, checks); err != nil {
		return Report{}, err
	}
	started := o.Clock()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
		r   = Report{Version: FormatVersion, Strict: o.Strict, Started: started.UTC(), ActiveRegion: at.Active, Rules: chosen, Checks: []Outcome{}, Findings: []Finding{}}
	)
	start := func(c Check, at Regions) {
		for _, region := range at.of(c.Scope) {
			if region != "" && region == at.Away {
				continue
			}
			all.Go(func() {
				begun := o.Clock()
				found := one(ctx, c, region, cmp.Or(c.Limit, o.Limit))
				mu.Lock()
				defer mu.Unlock()
				r.Findings = append(r.Findings, found...)
				r.Checks = append(r.Checks, Outcome{ID: c.ID, Title: c.Title, Where: where(region), Seconds: o.Clock().Sub(begun).Seconds()})
			})
		}
	}
	var later []Check
	for _, c := range chosen {
		if at.Find != nil && (c.Scope == Active || c.Scope == Standby) {
			later = append(later, c)
			continue
		}
		start(c, at)
	}
	if at.Find != nil {
		at.Active = at.Find(ctx)
		r.ActiveRegion = at.Active
	}
	for _, c := range later {
		start(c, at)
	}
	all.Wait()
	r.leftOut(notAsked(chosen, at))
	r.Findings = append(r.Findings, except(r.Findings, o.Exceptions, r.Checks, started)...)
	r.judge()
	r.Seconds = o.Clock().Sub(started).Seconds()
	return r, nil
}

func where(region string) string { return cmp.Or(region, Global) }

// one check in one place; it cannot break the others, nor keep them waiting.
func one(ctx context.Context, c Check, region string, limit time.Duration) []Finding {
	type answer struct {
		found []Finding
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				answers <- answer{err: fmt.Errorf("the check broke: %v; please report it", r)}
			}
		}()
		found, err := c.Find(ctx, region)
		answers <- answer{found, err}
	}()
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		a.err = fmt.Errorf("%w within %s", ErrNoAnswer, limit)
	}
	out := slices.Clone(a.found) // a check may answer what it keeps
	if a.err != nil {
		out = append(out, Finding{
			Kind: Unknown, Expected: c.Title, Found: brief(a.err),
			Mend: hint(a.err, region),
		})
	}
	for i := range out {
		f := &out[i]
		f.Check = c.ID
		f.Kind = cmp.Or(f.Kind, Drift)
		f.Where = cmp.Or(f.Where, where(region))
		f.Why = cmp.Or(f.Why, c.Why)
	}
	return out
}

// leftOut adds what could not even be begun, with an outcome of each: it counts like
// any other check that could not be made, in all formats.
func (r *Report) leftOut(findings []Finding) {
	for _, f := range findings {
		r.Findings = append(r.Findings, f)
		title := f.Expected
		if i := slices.IndexFunc(r.Rules, func(c Check) bool { return c.ID == f.Check }); i >= 0 {
			title = r.Rules[i].Title
		}
		r.Checks = append(r.Checks, Outcome{ID: f.Check, Title: title, Where: f.Where})
	}
}

// notAsked says what was left out because nobody knows where it should run.
func notAsked(chosen []Check, at Regions) []Finding {
	var out []Finding
	for _, c := range chosen {
		if at.Active == "" && (c.Scope == Active || c.Scope == Standby) {
			out = append(out, Finding{Check: c.ID, Kind: Unknown, Where: Global, Expected: c.Title, Found: "who is active is not known", Why: c.Why, Mend: "osdr status"})
		}
	}
	if at.Away != "" {
		out = append(out, Finding{Check: reach, Kind: Unknown, Where: at.Away, Expected: "it is asked", Found: "unreachableRegion names it, so nothing of it was looked at",
			Why: "what a failover needs of it cannot be told", Mend: "run without -c unreachableRegion=" + at.Away + " when it is back"})
	}
	return out
}

// reach is the id of what is said of a Region as a whole.
const reach = "region.reach"

// judge the findings.
func (r *Report) judge() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(a.Check, b.Check), strings.Compare(a.Where, b.Where), strings.Compare(a.Resource, b.Resource), strings.Compare(a.Expected, b.Expected))
	})
	slices.SortFunc(r.Checks, func(a, b Outcome) int { return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Where, b.Where)) })
	drift, unknown := false, false
	type place struct{ id, where string }
	worst := map[place]Kind{}
	for _, f := range r.Findings {
		switch {
		case f.Kind == Note:
			r.Counts.Notes++
			continue
		case f.Ignored != nil:
			r.Counts.Ignored++
			continue
		}
		drift, unknown = drift || f.Kind == Drift, unknown || f.Kind == Unknown
		if at := (place{f.Check, f.Where}); worst[at] != Drift {
			worst[at] = f.Kind
		}
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		r.Counts.Checks++
		switch worst[place{c.ID, c.Where}] {
		case Drift:
			c.Outcome = string(Drift)
			r.Counts.Drift++
		case Unknown:
			c.Outcome = string(Unknown)
			r.Counts.Unknown++
		default:
			c.Outcome = InSync
			r.Counts.InSync++
		}
	}
	switch {
	case drift:
		r.Verdict, r.ExitCode = string(Drift), ExitDrift
	case unknown && r.Strict:
		r.Verdict, r.ExitCode = string(Unknown), ExitDrift
	case unknown:
		r.Verdict, r.ExitCode = string(Unknown), ExitUnknown
	default:
		r.Verdict, r.ExitCode = InSync, ExitInSync
	}
}

func rank(f Finding) int {
	switch {
	case f.Ignored != nil:
		return 3
	case f.Kind == Drift:
		return 0
	case f.Kind == Unknown:
		return 1
	}
	return 2
}

// requestIDs of the SDK's errors are for a support case, not for a report that is
// compared with yesterday's.
var requestIDs = regexp.MustCompile(`,? ?(RequestID|HostID): [^,]*`)

func brief(err error) string {
	return requestIDs.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
}

// hint what to do about an error.
func hint(err error, region string) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		switch code := coded.ErrorCode(); {
		case strings.Contains(code, "AccessDenied"), strings.Contains(code, "Unauthorized"), code == "AuthorizationError":
			return "give these credentials the policy that `osdr iam-policy` prints"
		case strings.Contains(code, "Throttl"), code == "TooManyRequestsException":
			return "run again: the service throttles"
		}
	}
	if errors.Is(err, ErrNoAnswer) && region != "" {
		return "look at the AWS Health page of " + region + "; run again, or with a longer --timeout"
	}
	return "run again; the error names the step"
}
