// Package command is `osdr change`: it compares, prints and answers an exit code
// that a pipeline can rely on, and changes nothing. Against another synth it needs
// neither credentials nor a configuration.
package command

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/change"
	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/report"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/reader"
)

// Opener of what is deployed.
type Opener func(ctx context.Context, app *config.App) (reader.Stacks, error)

// Extra for operator.Main.
func Extra(open Opener) operator.Extra {
	c := &Change{open: open}
	return operator.Extra{
		Name: "change", Help: "Refuse a change of the templates that would remove or replace a domain, a bucket, a key or a role.",
		Command: c, Failed: drift.ExitUnknown, Offline: func() bool { return c.Against != "" }, Check: c.check, JSON: func() bool { return c.Format == "json" },
	}
}

// Change command.
type Change struct {
	CDKOut     string   `name:"cdk-out" default:"cdk.out" placeholder:"DIR" help:"What shall be: a folder that cdk synth wrote."`
	Against    string   `placeholder:"DIR" help:"What stands: another such folder. When not given, what is deployed, by these credentials."`
	Format     string   `enum:"text,json,junit,sarif" default:"text" help:"text, json, junit or sarif."`
	Report     []string `sep:"none" placeholder:"FORMAT=FILE" help:"Write this format of the same run to a file, too. Repeatable."`
	IgnoreFile string   `placeholder:"FILE" help:"Reviewed exceptions; .osdr-change-ignore.json when it is there."`
	open       Opener
	files      []report.File
	exceptions []drift.Exception
}

// Help of the command.
func (Change) Help() string {
	return "It compares the synthesized templates with what is deployed, or with another synth, and refuses a change that would remove or replace a domain, a bucket, a key, a role or a stack that holds one, or that weakens what protects them. The one removal that the flag asks for, a stand-down, is named and not refused. It changes nothing.\n\n" +
		"With --against it needs neither credentials nor cdk.json, for a pull request from anybody.\n\n" +
		"Exit status is its own: 0 when nothing of that kind is in the change, 1 when it is refused, 2 when it could not be compared."
}

// check the options, and read the exceptions, before AWS is asked.
func (c *Change) check(string) (err error) {
	if c.files, err = report.Files(c.Report); err != nil {
		return err
	}
	path, named := c.IgnoreFile, c.IgnoreFile != ""
	if !named {
		path = change.IgnoreFile
	}
	if c.exceptions, err = drift.ReadExceptions(path, named); err != nil {
		return err
	}
	return c.options().Validate(change.Change{}.Checks())
}

func (c *Change) options() drift.Options {
	return drift.Options{Exceptions: c.exceptions, Limit: time.Minute, Clock: time.Now}
}

// Run the command.
func (c *Change) Run(ctx context.Context, s *operator.Session, exit *operator.Exit) (err error) {
	var x change.Change
	if x.After, err = change.Load(c.CDKOut); err != nil {
		return err
	}
	if c.Against != "" {
		x.Before, err = change.Load(c.Against)
	} else {
		x.Before, err = c.deployed(ctx, s, x.After)
	}
	if err != nil {
		return err
	}
	r, err := x.Run(ctx, c.options())
	if err != nil {
		return err
	}
	r.Name = x.After.Name()
	*exit = operator.Exit(r.ExitCode)
	return report.WriteAll(s.Out, c.Format, c.files, r)
}

// deployed side. A synth of another installation is no change of this one.
func (c *Change) deployed(ctx context.Context, s *operator.Session, shall change.Side) (change.Side, error) {
	names := s.App.Names()
	if have := shall.Name(); have != names.App {
		return change.Side{}, fmt.Errorf("compare %s with what is deployed: it is of %s, cdk.json says %s; run cdk synth with the same -c overrides", shall.From, have, names.App)
	}
	stacks, err := c.open(ctx, s.App)
	if err != nil {
		return change.Side{}, err
	}
	places := change.Places(names, s.App.Regions(), s.App.ControlRegion, shall.Stacks)
	if away := s.App.UnreachableRegion; away != "" {
		places = slices.DeleteFunc(places, func(p change.Place) bool { return p.Region == away })
	}
	return change.Read(ctx, stacks, s.App.Account, places, s.Timeout), nil
}
