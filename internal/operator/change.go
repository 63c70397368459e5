package operator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/change"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/report"
)

// ended carries an exit code of a command's own.
type ended struct {
	code int
	err  error // to be told; nil when all is said
}

func (e ended) Error() string { return fmt.Sprint(e.err) }
func (e ended) Unwrap() error { return e.err }

type changeCommand struct {
	CDKOut     string   `name:"cdk-out" default:"cdk.out" placeholder:"DIR" help:"What shall be: a folder that cdk synth wrote."`
	Against    string   `placeholder:"DIR" help:"What stands: another such folder. When not given, what is deployed, by these credentials."`
	Format     string   `enum:"text,json,junit,sarif" default:"text" help:"text, json, junit or sarif."`
	Also       []string `sep:"none" placeholder:"FORMAT=FILE" help:"Write the report to a file as well. Repeatable."`
	IgnoreFile string   `placeholder:"FILE" help:"Reviewed exceptions; .osdr-change-ignore.json when it is there."`
}

// Help of the command.
func (changeCommand) Help() string {
	return "It compares the synthesized templates with what is deployed, or with another synth, and refuses a change that would remove or replace a domain, a bucket, a key, a role or a stack that holds one, or that weakens what protects them. The one removal that the flag asks for, a stand-down, is named and not refused. It changes nothing.\n\n" +
		"With --against it needs neither credentials nor cdk.json, for a pull request from anybody.\n\n" +
		"Exit status is 0 when nothing of that kind is in the change, 1 when it is refused, 2 when it could not be compared."
}

// offline: without AWS and without a configuration.
func (c changeCommand) offline() bool { return c.Against != "" }

func (c changeCommand) Run(ctx context.Context, s *session) error {
	r, files, err := c.compare(ctx, s)
	if err != nil {
		return ended{drift.ExitUnknown, err}
	}
	if err := report.WriteAll(s.Out, c.Format, files, r); err != nil {
		return ended{drift.ExitUnknown, err}
	}
	return ended{r.ExitCode, nil}
}

func (c changeCommand) compare(ctx context.Context, s *session) (drift.Report, []report.File, error) {
	files, err := report.Files(c.Also)
	if err != nil {
		return drift.Report{}, nil, err
	}
	path, named := c.IgnoreFile, c.IgnoreFile != ""
	if !named {
		path = change.IgnoreFile
	}
	exceptions, err := drift.ReadExceptions(path, named)
	if err != nil {
		return drift.Report{}, nil, err
	}
	var x change.Change
	if x.After, err = change.Load(c.CDKOut); err != nil {
		return drift.Report{}, nil, err
	}
	if c.offline() {
		x.Before, err = change.Load(c.Against)
	} else {
		x.Before, err = s.deployed(ctx, x.After)
	}
	if err != nil {
		return drift.Report{}, nil, err
	}
	r, err := x.Run(ctx, drift.Options{Exceptions: exceptions, Limit: time.Minute, Clock: time.Now})
	r.Name = x.After.Name()
	return r, files, err
}

// deployed side. A synth of another installation is no change of this one.
func (s *session) deployed(ctx context.Context, shall change.Side) (change.Side, error) {
	names := s.App.Names()
	if have := shall.Name(); have != names.App {
		return change.Side{}, fmt.Errorf("compare %s with what is deployed: it is of %s, cdk.json says %s; run cdk synth with the same -c overrides", shall.From, have, names.App)
	}
	places := change.Places(names, s.App.Regions(), s.App.ControlRegion, shall.Stacks)
	if away := s.App.UnreachableRegion; away != "" {
		places = slices.DeleteFunc(places, func(p change.Place) bool { return p.Region == away })
	}
	return change.Read(ctx, s.World.Stacks, places, s.Timeout), nil
}
