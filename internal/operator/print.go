package operator

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// page collects lines.
type page struct{ strings.Builder }

func (p *page) line(format string, a ...any) { p.WriteString(fmt.Sprintf(format, a...) + "\n") }

// part of a Region: a label and its text.
func (p *page) part(label, format string, a ...any) {
	p.line("  %-11s %s", label, fmt.Sprintf(format, a...))
}

func (p *page) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("%s", title)
	for _, i := range items {
		p.line("  - %s", i)
	}
}

func (p *page) to(w io.Writer) error { _, err := io.WriteString(w, p.String()); return err }

// Print the status for people.
func (s Status) Print(w io.Writer) error {
	p := &page{}
	switch f := s.InForce; {
	case f == nil && s.InForceError != "":
		p.line("%s: who is active is not known", s.Name)
	case f == nil:
		p.line("%s: nothing is in force yet", s.Name)
	default:
		p.line("%s: %s is active, generation %d since %s (%s)", s.Name, f.ActiveRegion, f.Generation, clock(f.Since), short(s.Now.Sub(f.Since)))
		p.line("  cluster %s at %s", f.ClusterUUID, f.Endpoint)
		if f.PromotedFrom != "" {
			p.line("  promoted from cluster %s", f.PromotedFrom)
		}
	}
	s.printSwitch(p)
	for _, r := range s.Regions {
		s.printRegion(p, r)
	}
	p.line("")
	switch r := s.Record; {
	case r.Error != "":
		p.line("record %s: cannot be read", r.Name)
	case r.Type == "":
		p.line("record %s: absent", r.Name)
	default:
		p.line("record %s: %s, %s %s, TTL %d s, mark %q", r.Name, or(r.State, "not judged"), r.Type, r.Target, r.TTL, r.Mark)
	}
	if s.Objective != nil {
		p.line("%s", s.Objective.line())
	}
	if s.LastSwitch != nil {
		p.line("%s", s.LastSwitch.line(s.Now))
	}
	p.line("")
	p.list("to know before a switch", s.Known)
	p.list("needs attention", s.Attention)
	if len(s.Attention) == 0 {
		p.line("nothing needs attention")
	}
	return p.to(w)
}

func (s Status) printSwitch(p *page) {
	w := s.Switch
	if w == nil {
		return
	}
	p.line("")
	if !w.Live {
		p.line("switch to %s: over since %s, not claimed", w.To, clock(w.Expires))
		return
	}
	p.line("switch to %s: marked %q, expires in %s unless it moves on", w.To, w.Mark, short(w.Expires.Sub(s.Now)))
	p.part("asked by", "request %s", w.RequestID)
	if w.Phase == "" {
		p.part("progress", "the controller of %s does not tell", w.To)
		return
	}
	bytes := ""
	if w.BytesTotal > 0 {
		bytes = fmt.Sprintf(", %s of %s", size(w.BytesDone), size(w.BytesTotal))
	}
	p.part("progress", "%s, %d %%%s, so since %s", w.Phase, w.Percent, bytes, clock(w.At))
	if w.WaitingFor != "" {
		p.part("waits for", "%s", w.WaitingFor)
	}
}

func (s Status) printRegion(p *page, r Region) {
	p.line("")
	role := "standby"
	switch {
	case r.Active:
		role = "active"
	case s.InForce == nil:
		role = "role not known"
	}
	p.line("%s  %s", r.Region, role)
	switch {
	case r.LedgerError != "":
		p.part("ledger", "%s: %s", r.Ledger, r.LedgerError)
	case r.Generation > 0:
		p.part("ledger", "generation %d", r.Generation)
	default:
		p.part("ledger", "%s", r.Ledger)
	}
	switch {
	case r.DomainError != "":
		p.part("domain", "%s", noAnswer(r.DomainError))
	case r.ControllerError == "" && r.exists:
		health := ""
		if r.Health != "" {
			health = ", " + r.Health
		}
		p.part("domain", "%s%s, %s, %s documents", domainState(r), health, r.Engine, count(r.Documents))
	default:
		p.part("domain", "%s", domainState(r))
	}
	if r.ControllerError != "" {
		p.part("controller", "%s", noAnswer(r.ControllerError))
	}
	for _, n := range r.Notices {
		p.part("notice", "%s", n)
	}
	if r.Standby != nil {
		p.part("copy", "%s", copyLine(*r.Standby))
	}
	for _, f := range r.Fates {
		if f.Fate == contract.FateRestored || f.Fate == contract.FateUnchanged {
			continue
		}
		p.part("index", "%s: %s%s%s", f.Index, f.Fate, from(f.Point), because(f.Cause))
	}
	for _, f := range r.Fences {
		final := ""
		if f.Final != "" {
			final = ", final point " + f.Final
		}
		p.part("fence", "%s: cluster %s, %s, since %s%s", f.State, f.ClusterUUID, plural(f.Blocked, "index"), clock(f.Since), final)
	}
	if r.PointsError == "" && r.LedgerError == "" {
		p.part("points", "%d in this bucket%s", r.PointsTotal, map[bool]string{true: ", the newest of each generation:"}[len(r.Points) > 0])
	}
	for _, x := range r.Points {
		state := "whole"
		if !x.Whole {
			state = "NOT WHOLE: " + x.Why
		}
		p.line("    %s  %-7s  %s old  %s documents  %s (+%s)  %s", x.ID, x.Kind, short(time.Duration(x.AgeSeconds)*time.Second), count(x.Documents), size(x.Bytes), size(x.BytesAdded), state)
	}
	for _, x := range r.Pins {
		p.part("pin", "%s by %s until %s", x.Point, x.Holder, clock(x.Expires))
	}
}

func from(point string) string {
	if point == "" {
		return ""
	}
	return ", recovery point " + point
}

func because(cause string) string {
	if cause == "" {
		return ""
	}
	return ": " + cause
}

// copyLine: which recovery point a warm standby holds, and what goes on.
func copyLine(s contract.StandbyStatus) string {
	age := func(seconds int64) string { return short(time.Duration(seconds) * time.Second) }
	what := "none whole"
	switch {
	case s.Copy != "" && s.BehindSeconds > 0:
		what = fmt.Sprintf("of recovery point %s, %s old, %s behind %s", s.Copy, age(s.AgeSeconds), age(s.BehindSeconds), s.Newest)
	case s.Copy != "":
		what = fmt.Sprintf("of recovery point %s, %s old", s.Copy, age(s.AgeSeconds))
	}
	switch {
	case s.Hindrance != "":
		return what + "; IN THE WAY: " + s.Hindrance
	case s.Restoring != "" || s.WaitingFor != "":
		return what + "; " + s.Doing()
	}
	return what
}

// noAnswer says first what matters of an error.
func noAnswer(err string) string {
	if strings.HasPrefix(err, "no answer") {
		return "unreachable: " + err
	}
	return "cannot be told: " + err
}

// domainState without what the line says already.
func domainState(r Region) string {
	return strings.TrimPrefix(r.Domain, "the domain in "+r.Region+" is ")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Print the plan for people.
func (x Plan) Print(w io.Writer) error {
	p := &page{}
	switch x.Kind {
	case Failover:
		p.line("%s: failover from %s to %s, from generation %d", x.Name, x.From, x.To, x.Generation)
	case Planned:
		p.line("%s: planned switch from %s to %s, from generation %d", x.Name, x.From, x.To, x.Generation)
	case Finish:
		p.line("%s: %s is active already, generation %d", x.Name, x.To, x.Generation)
	default:
		p.line("%s: no switch to %s now", x.Name, x.To)
	}
	if x.Answers != "" {
		p.part("answers", "%s: %s", x.From, x.Answers)
	}
	if x.Point != nil {
		p.part("point", "%s, %s old, %s documents, %s", x.Point.ID, short(time.Duration(x.Point.AgeSeconds)*time.Second), count(x.Point.Documents), size(x.Point.Bytes))
	}
	for _, line := range x.PassedOver {
		p.part("PASSED OVER", "%s", line)
	}
	switch {
	case x.Kind == Failover && !x.LossSince.IsZero():
		p.part("LOSS WINDOW", "%s: what was written after %s will be missing; it comes back by the salvage if %s does", short(time.Duration(x.LossSeconds)*time.Second), clock(x.LossSince), x.From)
	case x.Kind == Planned || x.Kind == Finish:
		p.part("loss window", "none: no acknowledged document is lost")
	}
	if len(x.LeftOut) > 0 {
		p.part("left out", "%s", strings.Join(x.LeftOut, ", "))
	}
	p.list("what happens", x.Steps)
	p.list("mind", x.Warnings)
	if x.Refusal != "" {
		p.line("")
		p.line("NOT NOW: %s", x.Refusal)
		return p.to(w)
	}
	p.line("")
	p.line("  %s", x.Command)
	if x.Commit != "" {
		p.line("")
		p.line("when it ends, commit to cdk.json:  %s", x.Commit)
	}
	return p.to(w)
}

// Shell prints assignments for a POSIX shell's eval: the words of cdk are its
// positional parameters after it.
func (x Plan) Shell(w io.Writer) error {
	words := make([]string, len(x.Args))
	for i, a := range x.Args {
		words[i] = quote(a)
	}
	_, err := fmt.Fprintf(w, "AWS_REGION=%s\nOSDR_COMMIT=%s\nset -- %s\n", quote(x.Region), quote(x.Commit), strings.Join(words, " "))
	return err
}

// Print an abort for people.
func (a Abort) Print(w io.Writer) error {
	p := &page{}
	switch {
	case a.Switch == nil:
	case a.Done:
		p.line("the switch to %s by request %s is aborted; %s goes on serving", a.Switch.To, a.Switch.RequestID, a.Active)
	default:
		p.line("a switch to %s is under way, asked by request %s", a.Switch.To, a.Switch.RequestID)
		p.list("an abort does this, in this order", a.Steps)
	}
	for _, n := range a.Notices {
		p.line("%s", n)
	}
	return p.to(w)
}
