package operator

import (
	"context"
	"io"
	"maps"
	"time"
)

type statusCommand struct {
	Output string        `short:"o" enum:"text,json" default:"text" help:"text or json."`
	Points int           `default:"5" help:"Newest recovery points to read, for each generation in each bucket; 0 for all."`
	Watch  bool          `short:"w" help:"Keep it on the screen, until interrupted."`
	Every  time.Duration `default:"5s" help:"How often --watch looks."`
}

// Help of the command.
func (statusCommand) Help() string {
	return "Exit status is 0 when nothing needs attention, 2 when something does; the last lines name it, and what to do."
}

func (c statusCommand) Run(ctx context.Context, s *session, attention *bool) error {
	if err := Positive("--every", c.Every); c.Watch && err != nil {
		return err
	}
	for c.Watch {
		if err := c.once(ctx, s, attention); err != nil {
			return err
		}
		if err := s.Wait(ctx, c.Every); err != nil {
			return nil //nolint:nilerr // it was interrupted, which is how a watch ends
		}
	}
	return c.once(ctx, s, attention)
}

// clearScreen of a terminal, and go to its first line.
const clearScreen = "\x1b[H\x1b[2J"

func (c statusCommand) once(ctx context.Context, s *session, attention *bool) error {
	status := s.Status(ctx, c.Points)
	if c.Watch && ctx.Err() != nil {
		return nil //nolint:nilerr // half of it is not the state of things
	}
	*attention = len(status.Attention) > 0
	if c.Output == "json" {
		return printJSON(s.Out, status)
	}
	if c.Watch {
		if _, err := io.WriteString(s.Out, clearScreen); err != nil {
			return err
		}
	}
	return status.Print(s.Out)
}

type planCommand struct {
	To       string `placeholder:"REGION" help:"Region to make active; when not given, the one of -c activeRegion, else the one that cdk.json does not name."`
	Failover bool   `xor:"kind" help:"The active Region is lost."`
	Planned  bool   `xor:"kind" help:"The active Region answers, and nothing may be lost."`
	Force    bool   `help:"Plan a failover although the active Region answers in every way."`
	Output   string `short:"o" enum:"text,json,shell" default:"text" help:"text, json, or shell: for eval, the text goes to stderr then."`
}

// Help of the command.
func (planCommand) Help() string {
	return "Without --failover or --planned it goes by what the active Region answers. It reads the ledgers and the recovery points, and asks the active Region three bounded questions; it changes nothing.\n\n" +
		"Exit status is 0 when the printed command would be accepted as far as can be seen from here, 2 when it would not; the text says why."
}

func (c planCommand) Run(ctx context.Context, s *session, attention *bool) error {
	ask := Ask{To: c.To, Kind: Auto, Force: c.Force, Overrides: maps.Clone(s.overrides)}
	switch {
	case c.Failover || s.App.UnreachableRegion != "":
		ask.Kind = Failover
		ask.Force = ask.Force || s.App.UnreachableRegion != ""
	case c.Planned || s.App.SwitchFrom != "":
		ask.Kind = Planned
	}
	for _, flag := range []string{"activeRegion", "unreachableRegion", "switchFrom"} {
		delete(ask.Overrides, flag) // the plan gives them
	}
	p, err := s.Plan(ctx, ask)
	if err != nil {
		return err
	}
	*attention = p.Refusal != ""
	switch c.Output {
	case "json":
		return printJSON(s.Out, p)
	case "shell":
		if err := p.Print(s.Err); err != nil || *attention {
			return err
		}
		return p.Shell(s.Out)
	}
	return p.Print(s.Out)
}

type abortCommand struct {
	Yes     bool   `short:"y" help:"Abort whatever switch is under way."`
	Confirm string `placeholder:"TOKEN" help:"Abort the switch that a first run showed."`
	Output  string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Help of the command.
func (abortCommand) Help() string {
	return "A first run shows what an abort would do, and changes nothing; a second one with --confirm <token>, or --yes, does it.\n\n" +
		"Exit status is 0 when no switch is under way any more, 2 when the confirmation is missing or names another switch."
}

func (c abortCommand) Run(ctx context.Context, s *session, attention *bool) error {
	a, err := s.PlanAbort(ctx)
	if err != nil {
		return err
	}
	switch {
	case a.Done:
	case c.Yes, c.Confirm != "" && c.Confirm == a.Confirm:
		if a, err = s.Abort(ctx, a); err != nil {
			return err
		}
	default:
		*attention = true
		if c.Confirm != "" {
			a.Notices = append(a.Notices, "--confirm "+c.Confirm+" names another switch: nothing was done")
		}
		a.Notices = append(a.Notices, "nothing was changed; to do it: osdr abort --confirm "+a.Confirm)
	}
	if c.Output == "json" {
		return printJSON(s.Out, a)
	}
	return a.Print(s.Out)
}
