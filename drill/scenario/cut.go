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

// Cut kills the command of a switch, of one switch after the other, each time in
// another phase, and runs it again; the last one's Route 53 refuses after the claim
// (G4, X4). The domain goes to and fro, and ends where it began.
func Cut(ctx context.Context, w *World) error {
	s := &story{World: w}
	steps := []step{
		{"a client writes, updates, deletes and searches through the name", s.startLoad},
		{"recovery points while it writes", s.pointsWhileWriting},
	}
	from, to := Primary, Secondary
	for n, m := range s.moments(from, to) {
		steps = append(steps, step{fmt.Sprintf("to %s: killed when %s, then run again", to, m.name), s.killed(n, from, to)})
		from, to = to, from
	}
	return w.play(ctx, append(steps,
		step{fmt.Sprintf("to %s: Route 53 refuses after the claim; killed, then run again", to), s.withoutRoute53(from, to)},
		step{"cdk deploy --all with us-east-1 committed changes nothing more", s.settlesDown},
		step{"no orphan is left", s.noOrphans},
	))
}

// moment of a switch, seen from outside.
type moment struct {
	name string
	seen func(since time.Time) bool
}

// momentClaim is the place of the claim among the moments.
const momentClaim = 3

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

// killed at a moment of the switch: the command dies, what it started goes on or
// waits, and the same command goes on from there.
func (s *story) killed(n int, from, to string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		led, err := s.ledger(ctx, from)
		if err != nil {
			return "", err
		}
		wish := flags{"activeRegion": to, "switchFrom": fmt.Sprint(led.Generation)}
		m, begun := s.moments(from, to)[n], time.Now()
		died, err := s.killedAt(ctx, wish, m, begun)
		if !died {
			return "", fmt.Errorf("the command was to be killed when %s, and ended before: %v", m.name, err) //nolint:errorlint // nil where it succeeded
		}
		at := time.Since(begun)
		said, err := s.arrives(ctx, wish, from, to, led.Generation, begun)
		return fmt.Sprintf("killed after %s; %s", at.Round(time.Second), said), err
	}
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
	_, err = s.deployment(wish).Run(ctx, "deploy", "--all")
	return err != nil && errors.Is(context.Cause(ctx), reached), err
}

// arrives: the command, run again, ends the switch, and nothing is lost.
func (s *story) arrives(ctx context.Context, wish flags, from, to string, generation int64, begun time.Time) (string, error) {
	if err := s.runAgain(ctx, wish); err != nil {
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

// runAgain the command as a person would: CloudFormation goes on with what the
// killed one began, and refuses the next until that has ended.
func (s *story) runAgain(ctx context.Context, wish flags) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		out, err := s.run(ctx, wish)
		if err == nil || ctx.Err() != nil || !strings.Contains(out.Text, "_IN_PROGRESS state and can not be updated") {
			return err
		}
	}
}

// withoutRoute53: the claim stands while the record cannot be changed; nothing of
// it is undone, and the same command moves the record when Route 53 is back.
func (s *story) withoutRoute53(from, to string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		led, err := s.ledger(ctx, from)
		if err != nil {
			return "", err
		}
		wish := flags{"activeRegion": to, "switchFrom": fmt.Sprint(led.Generation)}
		begun := time.Now()
		route := s.Cloud.Gateway
		defer func() { _ = route.SetOutage("route53", gateway.None) }() // the mode is a known one
		claimed := s.moments(from, to)[momentClaim].seen
		var refusing time.Time
		died, err := s.killedAt(ctx, wish, moment{"Route 53 had refused for 20 s after the claim", func(since time.Time) bool {
			if refusing.IsZero() && claimed(since) && route.SetOutage("route53", gateway.Refuse) == nil {
				refusing = time.Now()
			}
			return !refusing.IsZero() && time.Since(refusing) > 20*time.Second
		}}, begun)
		if !died {
			return "", fmt.Errorf("the command ended while Route 53 refused: %v", err) //nolint:errorlint // nil where it succeeded
		}
		after, err := s.ledger(ctx, to)
		if err != nil {
			return "", err
		}
		if after.Generation != led.Generation+1 || after.ActiveRegion != to {
			return "", fmt.Errorf("the claim does not stand: the ledger says %s, generation %d, not %s, %d", after.ActiveRegion, after.Generation, to, led.Generation+1)
		}
		if at := s.watch.led(to, begun); !at.IsZero() {
			return "", errors.New("the record moved before Route 53 refused: nothing was shown")
		}
		if err := route.SetOutage("route53", gateway.None); err != nil {
			return "", err
		}
		said, err := s.arrives(ctx, wish, from, to, led.Generation, begun)
		return "claimed without the record, which moved afterwards; " + said, err
	}
}
