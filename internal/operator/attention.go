package operator

import (
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/route"
)

// attention says what a person should look at, each with what to do.
func (o *Operator) attention(s Status) []string {
	var out []string
	say := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	switch f := s.InForce; {
	case s.InForceError != "":
		say("%s", s.InForceError)
	case f == nil:
		say("nothing is in force: no Region was ever promoted; deploy")
	case f.ActiveRegion != s.Committed:
		say("cdk.json says activeRegion %s, but %s is active: commit %s", s.Committed, f.ActiveRegion, commitLine(f.ActiveRegion))
	}
	if w := s.Switch; w != nil && w.Live {
		say("a switch to %s is under way (request %s) until %s; gates and other switches refuse meanwhile, `osdr abort` ends it", w.To, w.RequestID, clock(w.Expires))
	} else if w != nil {
		say("the switch to %s by request %s is over since %s and was not claimed; the active side lifts its fence within a minute", w.To, w.RequestID, clock(w.Expires))
	}
	for _, r := range s.Regions {
		for _, line := range o.attentionOf(s, r) {
			say("%s: %s", r.Region, line)
		}
	}
	switch r := s.Record; {
	case r.Error != "":
		say("record %s cannot be read: %s", r.Name, r.Error)
	case r.State != "" && r.State != string(route.Right):
		say("record %s is %s (%s %s): the controller of %s puts it right each minute; its log says why it has not", r.Name, r.State, r.Type, r.Target, s.InForce.ActiveRegion)
	}
	return out
}

// known is what a person should know before a switch (H51).
func known(s Status) []string {
	var out []string
	for _, r := range s.Regions {
		for _, a := range r.Attention {
			if a.Code == contract.AttentionNotCarried {
				out = append(out, r.Region+": "+a.String())
			}
		}
	}
	return out
}

func (o *Operator) attentionOf(s Status, r Region) []string {
	var out []string
	say := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	for _, e := range []struct{ what, err string }{
		{"ledger " + r.Ledger, r.LedgerError}, {"OpenSearch API", r.DomainError}, {"controller", r.ControllerError},
		{"recovery points", r.PointsError}, {"fence", r.FencesError}, {"pins", r.PinsError},
	} {
		if e.err != "" {
			say("%s: %s", e.what, e.err)
		}
	}
	for _, a := range r.Attention {
		if a.Code != contract.AttentionNotCarried {
			say("%s", a)
		}
	}
	if r.DomainError != "" && s.InForce != nil {
		// The CDK CLI waits for a silent Region for longer than a person does (H87).
		way := "leave it out by -c unreachableRegion=" + r.Region
		if r.Active {
			way = "give it up by `make failover`"
		}
		say("`cdk deploy --all` hangs while this Region does not answer: wait for it, or %s", way)
	}
	if r.Health == string(opensearch.Red) && !restores(s, r) {
		say("the domain is red: no snapshot is made while it is, and searches and writes of what is missing fail: docs/runbooks/domain-red.md")
	}
	f := s.InForce
	if f == nil {
		return out
	}
	if r.LedgerError == "" && r.Generation != f.Generation {
		say("its ledger stands at generation %d, %d is in force; its controller copies it down within a minute", r.Generation, f.Generation)
	}
	live := s.Switch != nil && s.Switch.Live
	if r.Active {
		if r.DomainError == "" && r.Domain != contract.DomainReady {
			say("the active domain: %s", r.Domain)
		}
		for _, x := range r.Fences {
			if x.ClusterUUID == f.ClusterUUID && !live && x.State != string(fence.Quiet) {
				say("the active domain is fenced (%s, %s) and no switch is under way: writes are refused until the controller lifts it; its log says why it has not", x.State, plural(x.Blocked, "index"))
			}
		}
		return out
	}
	if r.exists && o.App.Standby == "cold" && !live {
		say("a domain stands here although standby is cold: deploy with activeRegion %s in cdk.json to stand it down (it is saved first); if that changes nothing, no stack has it: docs/runbooks/orphan-domain.md (U5)", f.ActiveRegion)
	}
	if line := o.copyLate(s, r); line != "" && !live {
		say("%s", line)
	}
	if r.LedgerError == "" && r.PointsError == "" {
		if line := o.stale(s, r); line != "" {
			say("%s", line)
		}
	}
	return out
}

// restores: the domain is a warm standby, or a switch's target, which is red while
// it is restored into.
func restores(s Status, r Region) bool {
	if r.Active {
		return false
	}
	return s.Switch != nil && s.Switch.Live && s.Switch.To == r.Region || r.Standby != nil && r.Standby.Restoring != ""
}

// copyLate: a warm standby is no copy, or one that is too old: a switch to it would
// restore what it lacks.
func (o *Operator) copyLate(s Status, r Region) string {
	if o.App.Standby != contract.StandbyWarm || !r.exists || r.ControllerError != "" {
		return ""
	}
	late := o.App.CopyMayLag()
	switch c := r.Standby; {
	case c != nil && c.Hindrance != "":
		return "the standby is not brought up to date: " + c.Hindrance
	case (c == nil || c.Copy == "") && s.Now.Sub(s.InForce.Since) > late:
		return "the standby is no copy yet; its controller's log says why"
	case c != nil && time.Duration(c.BehindSeconds)*time.Second > late:
		return fmt.Sprintf("the standby is %s behind the newest recovery point: %s", short(time.Duration(c.BehindSeconds)*time.Second), c.Doing())
	}
	return ""
}

// stale: the points of the active domain, which stand in the other Region, are
// too old or too few.
func (o *Operator) stale(s Status, r Region) string {
	rpo := time.Duration(o.App.RPOMinutes) * time.Minute
	for _, p := range r.Points {
		if p.ClusterUUID != s.InForce.ClusterUUID {
			continue
		}
		if !p.Whole {
			return fmt.Sprintf("the newest recovery point %s cannot be restored: %s", p.ID, p.Why)
		}
		if age := time.Duration(p.AgeSeconds) * time.Second; age > rpo {
			return fmt.Sprintf("the newest recovery point is %s old, the objective is %s; see docs/runbooks/recovery-point-age.md", short(age), short(rpo))
		}
		return ""
	}
	return fmt.Sprintf("there is no recovery point of the active domain: a failover now would lose everything since %s", clock(s.InForce.Since))
}
