// Command drill runs the local cloud of the project: an AWS emulator, real
// OpenSearch nodes and the gateway between them. It needs no root, no Docker
// and no AWS account, and keeps all it installs and writes in one ignored
// folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/install"
	"github.com/opensearch-dr/osdr/drill/scenario"
)

type cli struct {
	Dir string `help:"Folder of all that is installed." env:"OSDR_DRILL_DIR" placeholder:".drill"`

	Run          runCommand      `cmd:"" help:"Play a scenario on a local cloud of its own and end with a table."`
	Install      installCommand  `cmd:"" help:"Install what the local cloud runs on, and nothing else."`
	Start        startCommand    `cmd:"" help:"Start the local cloud in the foreground; Ctrl-C stops it."`
	Stop         stopCommand     `cmd:"" help:"Stop the local cloud that runs."`
	Env          envCommand      `cmd:"" help:"Print the shell's variables: eval \"$(drill env)\"."`
	Status       statusCommand   `cmd:"" help:"Show the domains and what is taken away."`
	Outage       outageCommand   `cmd:"" help:"Take a Region away, or give it back."`
	Link         linkCommand     `cmd:"" help:"Cut the link between two Regions, or mend it."`
	Node         nodeCommands    `cmd:"" help:"Kill a domain's node, or start it again on its data."`
	Domain       domainCommand   `cmd:"" help:"Put a domain into a state that only the service brings about."`
	CreationTime creationCommand `cmd:"" help:"Set how long the creation of a domain takes at least."`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var c cli
	parsed := kong.Parse(&c, kong.Name("drill"), kong.Description("The local cloud of osdr."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&c))
	return parsed.Run()
}

// attach to the cloud that runs in this installation.
func (c *cli) attach() (*cloud.Remote, error) {
	if c.Dir == "" {
		return cloud.Attach("")
	}
	return cloud.Attach(filepath.Join(c.Dir, "run"))
}

func (c *cli) post(ctx context.Context, path string, body any) error {
	remote, err := c.attach()
	if err != nil {
		return err
	}
	return remote.Post(ctx, path, body)
}

type runCommand struct {
	Scenario string `arg:"" optional:"" help:"Scenario to play; without one everything that must be true before anything lands." default:"everything"`
}

func (r runCommand) Run(ctx context.Context, c *cli) error {
	return scenario.Run(ctx, r.Scenario, c.Dir, os.Stdout)
}

type installCommand struct{}

func (installCommand) Run(ctx context.Context, c *cli) error {
	_, err := install.Install(ctx, install.Options{Dir: c.Dir, Log: os.Stdout})
	return err
}

type startCommand struct {
	Creation time.Duration      `help:"Least time the creation of a domain takes." default:"0s"`
	Heap     string             `help:"Heap of each node." default:"512m"`
	Kind     []cloud.Unkindness `help:"Leave out of what the managed service does and a bare engine does not: dashboards, query-insights, automated-snapshots, operations, requests." placeholder:"NAME"`
	Hour     time.Duration      `help:"How long an hour of the service takes, between two automated snapshots." default:"1m"`
	Name     []string           `help:"Host name the certificate covers beside the domains' own: custom endpoint, record." default:"search.example.com"`
}

func (s startCommand) Run(ctx context.Context, c *cli) error {
	local, err := cloud.Start(ctx, cloud.Options{Dir: c.Dir, Names: s.Name, Heap: s.Heap, Creation: s.Creation, Kind: s.Kind, Hour: s.Hour, Log: os.Stdout})
	if err != nil {
		return err
	}
	fmt.Printf(`
The local cloud runs. Its logs and data are in %s

  In another shell, from the repository:
    eval "$(go run ./bin/drill env)"        leads aws, cdk and Go programs here
    node "$OSDR_DRILL_CDK" bootstrap        the real cdk command line
    go run ./bin/drill status               domains and their nodes
    go run ./bin/drill outage us-east-1 silent

  Ctrl-C stops it, and every process it started.
`, local.Folder())
	select {
	case <-ctx.Done():
		fmt.Println("\nstopping")
	case err = <-local.Failed():
	}
	return errors.Join(err, local.Stop())
}

type stopCommand struct{}

func (stopCommand) Run(ctx context.Context, c *cli) error {
	remote, err := c.attach()
	if err != nil {
		return err
	}
	return remote.Stop(ctx)
}

type envCommand struct{}

func (envCommand) Run(c *cli) error {
	remote, err := c.attach()
	if err != nil {
		return err
	}
	fmt.Print(cloud.Exports(remote.Env))
	return nil
}

type statusCommand struct{}

func (statusCommand) Run(ctx context.Context, c *cli) error {
	remote, err := c.attach()
	if err != nil {
		return err
	}
	s, err := remote.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("gateway %s, process %d, creation of a domain takes at least %.0f s\n", remote.Env["AWS_ENDPOINT_URL"], remote.PID, s.CreationSeconds)
	if len(s.Domains) == 0 {
		fmt.Println("no domains")
	}
	for _, d := range s.Domains {
		fmt.Printf("domain %s %s: %s, node %s (process %d)\n  %s %s\n", d.Region, d.Name, d.State, d.Node, d.PID, d.Endpoint, d.CustomEndpoint)
	}
	for region, mode := range s.Outages {
		fmt.Printf("outage %s: %s\n", region, mode)
	}
	for _, link := range s.CutLinks {
		fmt.Printf("link cut: %s\n", strings.Replace(link, " ", " - ", 1))
	}
	return nil
}

type outageCommand struct {
	Region string       `arg:""`
	Mode   gateway.Mode `arg:"" enum:"none,refuse,silent" help:"none, refuse (503) or silent (no answer at all)."`
}

func (o outageCommand) Run(ctx context.Context, c *cli) error {
	return c.post(ctx, "/outage", cloud.OutageRequest{Region: o.Region, Mode: o.Mode})
}

type linkCommand struct {
	Action string `arg:"" enum:"cut,mend" help:"cut or mend."`
	From   string `arg:""`
	To     string `arg:""`
}

func (l linkCommand) Run(ctx context.Context, c *cli) error {
	return c.post(ctx, "/link", cloud.LinkRequest{From: l.From, To: l.To, Cut: l.Action == "cut"})
}

type nodeCommands struct {
	Kill  nodeKill  `cmd:"" help:"SIGKILL; the domain stays."`
	Start nodeStart `cmd:"" help:"Start a killed node on its data."`
}

type nodeKill struct{ nodeArguments }

type nodeStart struct{ nodeArguments }

type nodeArguments struct {
	Region string `arg:""`
	Domain string `arg:""`
}

func (n nodeKill) Run(ctx context.Context, c *cli) error {
	return c.post(ctx, "/nodes/kill", cloud.NodeRequest{Region: n.Region, Name: n.Domain})
}

func (n nodeStart) Run(ctx context.Context, c *cli) error {
	return c.post(ctx, "/nodes/start", cloud.NodeRequest{Region: n.Region, Name: n.Domain})
}

type domainCommand struct {
	Region string `arg:""`
	Domain string `arg:""`
	State  string `arg:"" enum:"active,processing,upgrading,isolated,updating,update-required" help:"active, processing, upgrading, isolated (its key is away), updating or update-required (service software)."`
}

func (d domainCommand) Run(ctx context.Context, c *cli) error {
	return c.post(ctx, "/domain-state", cloud.DomainStateRequest{Region: d.Region, Name: d.Domain, State: d.State})
}

type creationCommand struct {
	Time time.Duration `arg:"" help:"As 90s or 15m."`
}

func (t creationCommand) Run(ctx context.Context, c *cli) error {
	return c.post(ctx, "/creation-time", cloud.CreationRequest{Seconds: t.Time.Seconds()})
}
