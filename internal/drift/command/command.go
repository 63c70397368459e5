// Package command is `osdr drift` and `osdr iam-policy`: they look, print and
// answer exit codes that a pipeline can rely on, and change nothing.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/drift/checks"
	"github.com/opensearch-dr/osdr/internal/drift/permit"
	"github.com/opensearch-dr/osdr/internal/drift/report"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/template"
)

// Sources of what is.
type Sources struct {
	Cloud   reader.Cloud
	Buckets map[string]store.Bucket
	Zone    checks.Zone
}

// Opener of the sources of an installation.
type Opener func(ctx context.Context, app *config.App) (Sources, error)

// Extras for operator.Main.
func Extras(open Opener) []operator.Extra {
	d := &Drift{open: open}
	return []operator.Extra{
		{Name: "drift", Help: "Say whether a failover would work today: what differs from what was deployed, and how to mend it.", Command: d, Failed: drift.ExitUnknown, Offline: func() bool { return d.List }, Check: d.check, JSON: func() bool { return d.Format == "json" }},
		{Name: "iam-policy", Help: "Print the least IAM policy that osdr drift needs.", Command: &Policy{}, Failed: operator.ExitError},
	}
}

// Drift command.
type Drift struct {
	Only        []string      `placeholder:"ID" help:"Only these: an id, a family, or a pattern of either. Repeatable."`
	Skip        []string      `placeholder:"ID" help:"Not these."`
	Ready       bool          `help:"Also: would the failover command itself work."`
	Strict      bool          `help:"Exit 1 also when not all could be checked; the verdict stays could-not-check."`
	Format      string        `enum:"text,json,junit,sarif" default:"text" help:"text, json, junit or sarif."`
	Report      []string      `placeholder:"FORMAT=FILE" help:"Write this format of the same run to a file, too. Repeatable."`
	IgnoreFile  string        `placeholder:"PATH" help:"Reviewed exceptions; .osdr-drift-ignore.json beside cdk.json when not given."`
	CDKOut      string        `name:"cdk-out" placeholder:"DIR" help:"Synthesized templates; cdk.out beside cdk.json when not given."`
	Synth       bool          `help:"Synthesize them now, although there are some."`
	CDK         string        `name:"cdk" env:"OSDR_CDK" default:"cdk" help:"What starts the CDK CLI, for a synth."`
	SlowTimeout time.Duration `default:"4m" help:"How long is waited for what is slow by nature: CloudFormation's drift detection, an inspection of a cluster, a package."`
	List        bool          `help:"List the checks, and look at nothing."`
	open        Opener
	files       []report.File
	exceptions  []drift.Exception
}

// Help of the command.
func (Drift) Help() string {
	return "It reads both Regions and the control Region at once and changes nothing. What each check is for, the JSON and the exceptions are described in docs/drift.md.\n\n" +
		"Exit status is its own: 0 in sync, 1 drift, 2 could not check (or the command line is wrong); drift wins. With --strict it is 1, too, when not all could be checked."
}

// check the options, and read the exceptions, before AWS is asked.
func (d *Drift) check(folder string) (err error) {
	if d.List {
		return nil
	}
	if err := operator.Positive("--slow-timeout", d.SlowTimeout); err != nil {
		return err
	}
	if d.files, err = report.Files(d.Report); err != nil {
		return err
	}
	path := d.IgnoreFile
	if path == "" {
		path = filepath.Join(folder, drift.IgnoreFile)
	}
	if d.exceptions, err = drift.ReadExceptions(path, d.IgnoreFile != ""); err != nil {
		return err
	}
	return d.options().Validate(checks.All(nil))
}

func (d *Drift) options() drift.Options {
	return drift.Options{Only: d.Only, Skip: d.Skip, Ready: d.Ready, Strict: d.Strict, Exceptions: d.exceptions, Clock: time.Now}
}

// Run the command.
func (d *Drift) Run(ctx context.Context, s *operator.Session, exit *operator.Exit) error {
	if d.List {
		return list(s.Out)
	}
	sources, err := d.open(ctx, s.App)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what was left behind by its deadline ends with the run
	facts := &checks.Facts{
		App: s.App, Cloud: sources.Cloud, Buckets: sources.Buckets, Zone: sources.Zone, Built: filepath.Join(s.Folder, "build", "lambda"),
		Memo: drift.NewMemo(ctx, s.Timeout), Slow: d.SlowTimeout,
	}
	facts.Expected, facts.ExpectedErr = d.templates(ctx, s)
	options := d.options()
	options.Limit = 4 * s.Timeout // a check asks a few times one after the other
	r, err := drift.Run(ctx, checks.All(facts), drift.Regions{
		Pair: s.App.Regions(), Control: s.App.ControlRegion, Away: s.App.UnreachableRegion, Find: facts.Active,
	}, options)
	if err != nil {
		return err
	}
	r.Name = s.App.Name
	if e := facts.Expected; e != nil {
		r.Templates = fmt.Sprintf("%s, synthesized %s", e.Dir, e.Made.UTC().Format(time.RFC3339))
	}
	*exit = operator.Exit(r.ExitCode)
	return report.WriteAll(s.Out, d.Format, d.files, r)
}

func list(w io.Writer) error {
	for _, c := range checks.All(nil) {
		ready := ""
		if c.Ready {
			ready = "  (--ready)"
		}
		if _, err := fmt.Fprintf(w, "%-24s %s%s\n", c.ID, c.Title, ready); err != nil {
			return err
		}
	}
	return nil
}

// templates that were synthesized, or are now.
func (d *Drift) templates(ctx context.Context, s *operator.Session) (*template.Assembly, error) {
	dir := d.CDKOut
	if dir == "" {
		dir = filepath.Join(s.Folder, "cdk.out")
	}
	if !d.Synth {
		a, err := template.Load(dir)
		words := strings.Fields(d.CDK)
		found := false
		if len(words) > 0 {
			_, look := exec.LookPath(words[0])
			found = look == nil
		}
		if err == nil || !errors.Is(err, template.ErrNone) || d.CDKOut != "" || !found {
			return fits(a, err, s.App)
		}
	}
	a, err := d.synth(ctx, s)
	return fits(a, err, s.App)
}

// synth into a folder that is removed after; the assembly's packages are read
// before.
func (d *Drift) synth(ctx context.Context, s *operator.Session) (*template.Assembly, error) {
	dir, err := os.MkdirTemp("", "osdr-drift-")
	if err != nil {
		return nil, fmt.Errorf("synthesize the templates: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = os.RemoveAll(dir) }) // a temporary folder
	words := append(strings.Fields(d.CDK), "synth", "-q", "-o", dir)
	for k, v := range s.Overrides {
		words = append(words, "-c", k+"="+v)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Folder, s.Err, s.Err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("synthesize the templates: %s: %w; run it by hand, then give --cdk-out", strings.Join(words[:2], " "), err)
	}
	return template.Load(dir)
}

// fits refuses templates of another installation, or of another flag: all would
// differ, and nothing of it would be true.
func fits(a *template.Assembly, err error, app *config.App) (*template.Assembly, error) {
	if err != nil {
		return nil, err
	}
	name := app.Names().DomainStack(app.ActiveRegion)
	stack := a.Stack(name)
	if stack == nil {
		return nil, fmt.Errorf("read the synthesized templates: %s holds no stack %s: it is of another installation; run cdk synth again", a.Dir, name)
	}
	for _, r := range stack.Resources {
		if active := r.Text("ActiveRegion"); r.Type == contract.TypeGate && active != app.ActiveRegion {
			return nil, fmt.Errorf("read the synthesized templates: %s was synthesized with activeRegion %s, not %s; run cdk synth again, with the same -c", a.Dir, active, app.ActiveRegion)
		}
	}
	return a, nil
}

// Policy command.
type Policy struct{}

// Help of the command.
func (Policy) Help() string {
	return "The foundation makes a role of it in each Region, <name>-drift-<region>. It can change nothing.\n\n" +
		"Where the account is given, by dr.account in cdk.json or by -c, it needs neither credentials nor a network."
}

// Run the command.
func (Policy) Run(s *operator.Session) error {
	return printJSON(s.Out, permit.Document(Place(s.App)))
}
