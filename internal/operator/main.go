package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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

It reads cdk.json and takes the same -c overrides as cdk. It works while one of the two Regions is away, and needs neither Node nor a synth; drift and change compare with one, and drift runs cdk synth when there is none.

Exit status is 0 when all is well, 1 on an error, 2 when something needs attention; drift and change have their own (see each command).`

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
	// Check what was asked for by itself, before AWS is; folder is that of cdk.json, or
	// the working one when Offline. Nil: there is nothing to check.
	Check func(folder string) error
	// JSON is what this command line asks for, of a failure as of an answer.
	JSON func() bool
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
	extra := find(extras, parsed.Command())
	asJSON := c.output(parsed.Command()) == "json" || extra != nil && extra.JSON != nil && extra.JSON()
	o, overrides, err := c.prepare(ctx, cloud, extra)
	if err != nil {
		return fail(s, asJSON, failed, err)
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

// prepare what the command needs. What is wrong by itself is told before AWS is
// asked for anything: a wrong id must not wait for credentials to be seen.
func (c *cli) prepare(ctx context.Context, cloud Cloud, extra *Extra) (o *Operator, overrides map[string]string, err error) {
	if err := Positive("--timeout", c.Timeout); err != nil {
		return nil, nil, err
	}
	offline, path := extra != nil && extra.Offline != nil && extra.Offline(), c.CDKJSON
	if path == "" && !offline {
		if path, err = findConfiguration(); err != nil {
			return nil, nil, err
		}
	}
	if extra != nil && extra.Check != nil {
		if err := extra.Check(filepath.Dir(path)); err != nil {
			return nil, nil, err
		}
	}
	if offline {
		return &Operator{}, nil, nil
	}
	if o, overrides, err = c.configure(ctx, cloud, path); err == nil && extra == nil {
		o.World, err = cloud.World(ctx, o.App)
	}
	return o, overrides, err
}

// configure an operator, all but its world.
func (c *cli) configure(ctx context.Context, cloud Cloud, path string) (*Operator, map[string]string, error) {
	overrides, err := parseOverrides(c.Context)
	if err != nil {
		return nil, nil, err
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

// Positive refuses a time limit in which nothing can be answered.
func Positive(flag string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s is %s; allowed: more than 0, such as 10s", flag, d)
	}
	return nil
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
