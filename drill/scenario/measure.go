package scenario

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/drill/workload"
)

// course of a switch to a Region, from the gateway's log, the watch and the
// client: zero times are what was not seen.
type course struct {
	begun    time.Time // of what made it needed: the outage, or the command
	command  time.Time
	making   time.Time // the domain begins to be
	stands   time.Time
	restore  time.Time // the first restore is asked for
	fence    time.Time // the first block of the old domain, in a planned switch
	again    time.Time // the second pass asks for its restore
	restored time.Time // the last answer about a restore
	claimed  time.Time
	record   time.Time // Route 53 took the change
	writes   time.Time // first by the name in the new Region
}

// function whose calls move a switch on.
func (w *World) controller() string { return w.Names.Function("recovery") }

func (w *World) course(to string, begun, command time.Time) course {
	c := course{begun: begun, command: command,
		making: w.watch.first(to, domainMaking, command), stands: w.watch.first(to, domainStands, command)}
	for _, call := range w.Cloud.Gateway.Calls(gateway.Filter{Since: command, Function: w.controller()}) {
		ok := call.Status >= 200 && call.Status < 300
		switch {
		case !ok:
		case call.Front == "domain" && call.TargetRegion == to && strings.HasSuffix(call.Path, "/_restore"):
			c.restore = earliest(c.restore, call.Time)
			if !c.fence.IsZero() {
				c.again = earliest(c.again, call.Time)
			}
		case call.Front == "domain" && call.TargetRegion != to && strings.Contains(call.Path, "/_block/"):
			c.fence = earliest(c.fence, call.Time)
		case call.Service == "s3" && call.TargetRegion == to && call.CallerRegion == to && call.Method == http.MethodPut && path.Base(call.Path) == "ledger.json":
			if c.record.IsZero() {
				c.claimed = call.Time // the last one before the record moves
			}
		case call.Service == "route53" && call.Method == http.MethodPost && call.CallerRegion == to:
			c.record = earliest(c.record, ended(call))
		}
	}
	for _, call := range w.Cloud.Gateway.Calls(gateway.Filter{Since: command, Function: w.controller(), Front: "domain", TargetRegion: to}) {
		if strings.HasSuffix(call.Path, "/_recovery") && ended(call).Before(c.claimed) {
			c.restored = ended(call)
		}
	}
	ops := w.work.Ops()
	c.writes = workload.FirstOK(ops, workload.Write, to, command)
	return c
}

// earliest of the two; a is zero before there is one.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func ended(c gateway.Call) time.Time { return c.Time.Add(time.Duration(c.Millis) * time.Millisecond) }

// parts of the way from begun to the client's first success, each from the end of
// the one before; what was not seen has no part of its own.
func (c course) parts() []report.Part {
	var parts []report.Part
	at := c.begun
	for _, p := range []struct {
		name string
		end  time.Time
	}{
		{"detect, decide", c.command},
		{"cdk, foundation", c.making},
		{"domain creation", c.stands},
		{"access, versions, lost or not", c.restore},
		{"first pass", c.fence},
		{"fence, final point", c.again},
		{"restore", c.restored},
		{"verify, claim", c.claimed},
		{"roles, aliases, lift, DNS", c.record},
		{"the client follows", c.writes},
	} {
		if p.end.After(c.writes) && !c.writes.IsZero() {
			p.end = c.writes // the client was served before the log of that call ended
		}
		if p.end.IsZero() || p.end.Before(at) || p.name == "detect, decide" && c.begun.Equal(c.command) {
			continue
		}
		parts = append(parts, report.Part{Name: p.name, Took: p.end.Sub(at)})
		at = p.end
	}
	return parts
}

// report the course under a title, with the timeline around it.
func (w *World) reportCourse(title, note string, c course) string {
	split := report.Split{Title: title, Note: note, From: c.begun, Parts: c.parts()}
	w.Report.Add(func(f *report.Findings) {
		f.Splits = append(f.Splits, split)
	})
	var said []string
	for _, p := range split.Parts {
		said = append(said, fmt.Sprintf("%s %s", p.Name, p.Took.Round(100*time.Millisecond)))
	}
	return fmt.Sprintf("%s: %s", split.Total().Round(100*time.Millisecond), strings.Join(said, ", "))
}

func (w *World) card(title, value, note string, bad bool) {
	w.Report.Add(func(f *report.Findings) {
		f.Cards = append(f.Cards, report.Card{Title: title, Value: value, Note: note, Bad: bad})
	})
}
