package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/report"
)

// Cut is a switch whose command is killed in one phase after the other and run
// again each time; and one whose Route 53 refuses after the claim (G4, X4).
func Cut(ctx context.Context, w *World) error {
	s := &story{World: w}
	return w.play(ctx, []step{
		{"a client writes, updates, deletes and searches through the name", s.startLoad},
		{"recovery points while it writes", s.pointsWhileWriting},
		{"the switch is killed in each phase, and run again", s.killedInEachPhase},
		{"us-west-2 committed: cdk deploy --all", func(ctx context.Context) (string, error) {
			if err := w.commit(Secondary); err != nil {
				return "", err
			}
			_, err := w.run(ctx, nil, "")
			return "", err
		}},
		{"a recovery point of us-west-2", func(ctx context.Context) (string, error) {
			p, err := w.fullPoint(ctx, Secondary, time.Now().UTC().Add(-30*time.Second))
			return describe(p), err
		}},
		{"failback while Route 53 refuses after the claim, then run again", s.withoutRoute53},
		{"us-east-1 committed: cdk deploy --all", s.settlesDown},
		{"no orphan is left", s.noOrphans},
	})
}

// moment of a switch, seen from outside.
type moment struct {
	name string
	seen func(since time.Time) bool
}

// moments of a switch from one Region to the other, in their order.
func (w *World) moments(from, to string) []moment {
	call := func(fits func(gateway.Call) bool) func(time.Time) bool {
		return func(since time.Time) bool {
			return len(w.Cloud.Gateway.Calls(gateway.Filter{Since: since, Function: w.controller(), Match: func(c gateway.Call) bool {
				return c.Status >= 200 && c.Status < 300 && fits(c)
			}})) > 0
		}
	}
	return []moment{
		{"the domain is being made", func(since time.Time) bool { return !w.watch.first(to, domainMaking, since).IsZero() }},
		{"the first pass restores", call(func(c gateway.Call) bool { return c.TargetRegion == to && strings.HasSuffix(c.Path, "/_restore") })},
		{"the old domain is being fenced", call(func(c gateway.Call) bool { return c.TargetRegion == from && strings.Contains(c.Path, "/_block/") })},
		{"the claim is made", call(w.isClaim(from, to))},
		{"the record moves", call(func(c gateway.Call) bool { return c.Service == "route53" && c.Method == http.MethodPost })},
	}
}

// isClaim tells the write of the ledger that consumes the intent: it is the first
// one after the final point of the fenced domain, by the new Region's controller in
// the old one's bucket.
func (w *World) isClaim(from, to string) func(gateway.Call) bool {
	return func(c gateway.Call) bool {
		if c.Service != "s3" || c.Method != http.MethodPut || path.Base(c.Path) != "ledger.json" || c.CallerRegion != to || c.TargetRegion != from {
			return false
		}
		led, err := w.ledger(context.Background(), from)
		return err == nil && led.ActiveRegion == to
	}
}

// killedInEachPhase of one switch: the command dies, what it started goes on or
// waits, and the same command goes on from there.
func (s *story) killedInEachPhase(ctx context.Context) (string, error) {
	led, err := s.ledger(ctx, Primary)
	if err != nil {
		return "", err
	}
	wish := flags{"activeRegion": Secondary, "switchFrom": fmt.Sprint(led.Generation)}
	begun := time.Now()
	var killed []string
	for _, m := range s.moments(Primary, Secondary) {
		died, err := s.killedAt(ctx, wish, m, begun)
		if err != nil && !died {
			return "", fmt.Errorf("run to be killed when %s: %w", m.name, err)
		}
		if died {
			killed = append(killed, m.name)
		}
	}
	if len(killed) == 0 {
		return "", errors.New("no run was killed")
	}
	said, err := s.arrives(ctx, wish, Primary, Secondary, led.Generation, begun)
	return fmt.Sprintf("killed when %s; %s", strings.Join(killed, ", when "), said), err
}

// killedAt runs the command and kills it at a moment; died is false when it came
// to its end before.
func (s *story) killedAt(ctx context.Context, wish flags, m moment, since time.Time) (died bool, err error) {
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	reached := errors.New("killed: " + m.name)
	go func() {
		for ctx.Err() == nil && !m.seen(since) {
			time.Sleep(20 * time.Millisecond)
		}
		kill(reached)
	}()
	end := s.watch.event("killed", "killed when "+m.name, report.Bad)
	defer end()
	_, err = s.deployment(wish, "").Run(ctx, "deploy", "--all")
	return err != nil && errors.Is(context.Cause(ctx), reached), err
}

// arrives: the command, run again, ends the switch, and nothing is lost.
func (s *story) arrives(ctx context.Context, wish flags, from, to string, generation int64, begun time.Time) (string, error) {
	if _, err := s.run(ctx, wish, ""); err != nil {
		return "", err
	}
	if err := s.moved(ctx, to, begun); err != nil {
		return "", err
	}
	led, err := s.ledger(ctx, to)
	if err != nil {
		return "", err
	}
	if led.Generation != generation+1 || led.ActiveRegion != to {
		return "", fmt.Errorf("the ledger says %s, generation %d, not %d", led.ActiveRegion, led.Generation, generation+1)
	}
	if _, there := s.domain(from); there {
		return "", fmt.Errorf("the domain in %s is still there", from)
	}
	all, err := s.settledContents(ctx, to)
	if err != nil {
		return "", err
	}
	got := s.work.Compare(all, "")
	if len(got.Lost) > 0 {
		return "", fmt.Errorf("the switch lost acknowledged documents: %s, such as %v", got, got.Lost[:min(5, len(got.Lost))])
	}
	return got.String(), s.sameFilms(ctx, to)
}

// withoutRoute53: the claim stands while the record cannot be changed; nothing of
// it is undone, and the same command moves the record when Route 53 is back.
func (s *story) withoutRoute53(ctx context.Context) (string, error) {
	led, err := s.ledger(ctx, Secondary)
	if err != nil {
		return "", err
	}
	wish := flags{"activeRegion": Primary, "switchFrom": fmt.Sprint(led.Generation)}
	begun := time.Now()
	route := s.Cloud.Gateway
	defer func() { _ = route.SetOutage("route53", gateway.None) }() // the mode is a known one
	claimed := s.moments(Secondary, Primary)[3].seen
	var refusing time.Time
	died, err := s.killedAt(ctx, wish, moment{"Route 53 had refused for 20 s after the claim", func(since time.Time) bool {
		if refusing.IsZero() && claimed(since) && route.SetOutage("route53", gateway.Refuse) == nil {
			refusing = time.Now()
		}
		return !refusing.IsZero() && time.Since(refusing) > 20*time.Second
	}}, begun)
	if !died {
		return "", fmt.Errorf("the command ended while Route 53 refused: %w", err)
	}
	after, err := s.ledger(ctx, Primary)
	if err != nil {
		return "", err
	}
	if after.Generation != led.Generation+1 || after.ActiveRegion != Primary {
		return "", fmt.Errorf("the claim does not stand: %s, generation %d", after.ActiveRegion, after.Generation)
	}
	if at := s.watch.led(Primary, begun); !at.IsZero() {
		return "", errors.New("the record moved before Route 53 refused: nothing was shown")
	}
	if err := route.SetOutage("route53", gateway.None); err != nil {
		return "", err
	}
	said, err := s.arrives(ctx, wish, Secondary, Primary, led.Generation, begun)
	return "claimed without the record, then moved; " + said, err
}
