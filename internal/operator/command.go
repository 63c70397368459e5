package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/opensearch-dr/osdr/internal/config"
)

// Exit codes, stable: scripts rely on them.
const (
	ExitOK        = 0 // nothing to do
	ExitError     = 1 // it could not be told, or the command line is wrong
	ExitAttention = 2 // it was told, and a person should look: a refusal, a confirmation that is missing
)

const description = `Cross-Region disaster recovery for Amazon OpenSearch Service: who is active, what would be lost now, and what to type next.

It reads cdk.json and takes the same -c overrides as cdk. It needs no Node and makes no synth, and it works while one of the two Regions is away.

Exit status is 0 when all is well, 1 on an error, 2 when something needs attention (see each command).`

// Cloud opens the way to AWS.
type Cloud interface {
	// Account of the credentials; any one of the Regions may answer.
	Account(ctx context.Context, regions []string) (string, error)
	World(ctx context.Context, app *config.App) (World, error)
}

// Streams of a process.
type Streams struct{ Out, Err io.Writer }

type cli struct {
	Context []string      `short:"c" sep:"none" placeholder:"KEY=VALUE" help:"As of cdk: activeRegion=<region>, dr.<path>=<value>. Repeatable."`
	CDKJSON string        `name:"cdk-json" env:"OSDR_CDK_JSON" placeholder:"PATH" help:"cdk.json to read; the nearest one upwards when not given."`
	Timeout time.Duration `default:"10s" help:"How long each round of questions waits for a Region."`

	Status statusCommand `cmd:"" help:"Show both Regions: ledger, switch, points, fence, salvage, pins, domain, record."`
	Plan   planCommand   `cmd:"" help:"Say what a switch would do now, what it would lose, and the cdk command. Changes nothing."`
	Abort  abortCommand  `cmd:"" help:"End the switch under way: its mark first, then the fence."`
	Doctor doctorCommand `cmd:"" help:"Try on the domain that serves what only the real service can tell. Needs --yes."`
}

// session of one command.
type session struct {
	Streams
	*Operator
	overrides map[string]string
}

// Extra is a command that another package brings, with exit codes of its own. Its
// Run takes a context, *Session and *Exit. It opens the way to AWS itself, where it
// needs one.
type Extra struct {
	Name, Help string
	Command    any
	Failed     int // exit code when it fails, or its command line is wrong
	// Offline says that this command line needs no configuration, nor the account that
	// is part of it; its Session has no App then. Nil: it always does.
	Offline func() bool
}

// Session of an Extra.
type Session struct {
	Streams
	App       *config.App
	Folder    string            // of cdk.json
	Overrides map[string]string // that -c gave
	Timeout   time.Duration
}

// Exit code that an Extra sets.
type Exit int

// Main runs a command line and answers the exit code.
func Main(ctx context.Context, args []string, s Streams, cloud Cloud, extras ...Extra) (code int) {
	var c cli
	type exit struct{ code int }
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit) // kong's own, after --help
			if !ok {
				panic(r)
			}
			code = e.code
		}
	}()
	failed := ExitError
	options := []kong.Option{}
	for _, e := range extras {
		options = append(options, kong.DynamicCommand(e.Name, e.Help, "", e.Command))
		if slices.Contains(args, e.Name) {
			failed = e.Failed
		}
	}
	parser, err := kong.New(&c, append(options, kong.Name("osdr"), kong.Description(description), kong.Writers(s.Out, s.Err), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Exit(func(n int) { panic(exit{n}) }))...)
	if err != nil {
		return fail(s, false, failed, err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return fail(s, false, failed, fmt.Errorf("%w; osdr --help tells what there is", err))
	}
	asJSON := c.output(parsed.Command()) == "json"
	o, overrides := &Operator{}, map[string]string(nil)
	extra := find(extras, parsed.Command())
	if extra == nil || extra.Offline == nil || !extra.Offline() {
		if o, overrides, err = c.configure(ctx, cloud); err == nil && extra == nil {
			o.World, err = cloud.World(ctx, o.App)
		}
		if err != nil {
			return fail(s, asJSON, failed, err)
		}
	}
	attention, own := false, Exit(ExitOK)
	err = parsed.Run(&session{s, o, overrides}, &attention, &Session{s, o.App, o.Folder, overrides, c.Timeout}, &own)
	switch {
	case err != nil:
		return fail(s, asJSON, failed, err)
	case attention:
		return ExitAttention
	}
	return int(own)
}

func find(extras []Extra, command string) *Extra {
	if i := slices.IndexFunc(extras, func(e Extra) bool { return e.Name == command }); i >= 0 {
		return &extras[i]
	}
	return nil
}

func (c *cli) output(command string) string {
	return map[string]string{"status": c.Status.Output, "plan": c.Plan.Output, "abort": c.Abort.Output, "doctor": c.Doctor.Output}[command]
}

// configure an operator, all but its world.
func (c *cli) configure(ctx context.Context, cloud Cloud) (*Operator, map[string]string, error) {
	overrides, err := parseOverrides(c.Context)
	if err != nil {
		return nil, nil, err
	}
	path := c.CDKJSON
	if path == "" {
		if path, err = findConfiguration(); err != nil {
			return nil, nil, err
		}
	}
	bounded := func(ctx context.Context, regions []string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, c.Timeout)
		defer cancel()
		return cloud.Account(ctx, regions)
	}
	app, committed, err := settings(ctx, path, overrides, bounded, time.Now())
	if err != nil {
		return nil, nil, err
	}
	return &Operator{App: app, Committed: committed, Folder: filepath.Dir(path), Timeout: c.Timeout, Clock: time.Now, Wait: wait}, overrides, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func fail(s Streams, asJSON bool, code int, err error) int {
	line := "ERROR: " + err.Error()
	if asJSON {
		// A script reads the answer on stdout and this on stderr.
		if b, merr := json.Marshal(map[string]any{"error": err.Error(), "code": code}); merr == nil {
			line = string(b)
		}
	}
	_, _ = io.WriteString(s.Err, line+"\n") // there is nobody else to tell
	return code
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

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
