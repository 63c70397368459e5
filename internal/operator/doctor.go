package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Doctor is what an examination would do, or has found.
type Doctor struct {
	Name   string                `json:"name"`
	Region string                `json:"region"`
	Plan   []string              `json:"plan,omitempty"`
	Found  *contract.Examination `json:"found,omitempty"`
	// Attention is what a person should look at, each with what to do.
	Attention []string `json:"attention,omitempty"`
}

// PlanDoctor says what an examination of now would do.
func (o *Operator) PlanDoctor(ctx context.Context) (Doctor, error) {
	readings, _ := o.ledgers(ctx)
	led, ok, err := o.inForce(readings, nil)
	if err != nil {
		return Doctor{}, fmt.Errorf("doctor: %w", err)
	}
	if !ok {
		return Doctor{}, errors.New("doctor: nothing is in force yet; run it when the first deployment has ended")
	}
	region, n := led.ActiveRegion, o.App.Names()
	return Doctor{Name: o.App.Name, Region: region, Plan: []string{
		fmt.Sprintf("the controller of %s makes an index %s<random> with two small documents in the domain that serves, and for its time maps the role %s, which has rights on such names only", region, contract.TrialPrefix, contract.TrialRole),
		fmt.Sprintf("it registers a repository %s in three forms and takes a snapshot of that index by each, below s3://%s/%s<random>/", contract.TrialRepository, n.Bucket(o.App.Other(region)), contract.TrialPrefix),
		"it blocks, closes and opens that index, and forbids automatic creation of such names; what others may create stays as it is",
		"it sets index state management and the rate of recoveries to what they are",
		"it asks for the certificate, and this command reads the zone",
		"whatever comes of it, all that it made is taken away again; versions of the bucket's objects go by its lifecycle",
		"it takes up to 5 minutes, in which no snapshot begins and a switch that begins waits; it is refused while one is under way",
	}}, nil
}

// Examine the domain in force.
func (o *Operator) Examine(ctx context.Context, d Doctor) (Doctor, error) {
	// A lost answer is no end of the run, which goes on and cleans up by itself.
	s, err := o.World.Controllers.Recovery(ctx, d.Region, contract.RecoveryRequest{Action: contract.ActionDoctor})
	switch {
	case err != nil:
		return d, fmt.Errorf("doctor: the controller of %s: %w; run it again in 2 minutes: it takes away what a run that was cut off has left", d.Region, err)
	case s.Refusal != "":
		return d, fmt.Errorf("doctor: the controller of %s refuses: %s", d.Region, s.Refusal)
	case s.Examination == nil && s.WaitingFor != "":
		return d, fmt.Errorf("doctor: the controller of %s waits for %s; run it again then", d.Region, s.WaitingFor)
	case s.Examination == nil:
		return d, fmt.Errorf("doctor: the controller of %s knows no doctor: it is an older one; deploy first", d.Region)
	}
	d.Plan, d.Found = nil, s.Examination
	d.Found.Probes = append(d.Found.Probes, o.zoneProbe(ctx))
	for _, p := range d.Found.Probes {
		if p.Verdict != contract.Works && !p.AsEverywhere {
			d.Attention = append(d.Attention, p.ID+": "+or(p.Follows, p.Said))
		}
	}
	for _, l := range d.Found.Left {
		d.Attention = append(d.Attention, "left behind: "+l)
	}
	return d, nil
}

// ZoneFeatures of the record's hosted zone.
type ZoneFeatures struct {
	Private     bool
	Accelerated string // its state; empty: it never had it
}

// zoneProbe: whether a record can be changed while us-east-1 is away (H19, X4).
func (o *Operator) zoneProbe(ctx context.Context) contract.Probe {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	p := contract.Probe{ID: "zone.recovery", Title: "the zone has accelerated recovery", Verdict: contract.DoesNot}
	z, err := o.World.Features(ctx)
	switch {
	case err != nil:
		p.Verdict, p.Said = contract.Untried, o.brief(err)
		p.Follows = "it cannot be told whether the record moves while us-east-1 is away; give these credentials route53:GetHostedZone on the zone"
	case z.Private:
		p.Said = "the zone is private, and only public ones can have it"
		p.Follows = "while us-east-1 is away the record cannot be moved: clients are pointed at the new domain by hand (H19)"
	case z.Accelerated == "ENABLED":
		p.Verdict, p.Said = contract.Works, "it is enabled"
		p.Follows = "Route 53 takes changes within about an hour after us-east-1 is lost, and the controller tries the record each minute until then (X4)"
	default:
		p.Said = "it is " + or(strings.ToLower(z.Accelerated), "off")
		p.Follows = fmt.Sprintf("while us-east-1 is away the record cannot be moved; turn it on: aws route53 update-hosted-zone-features --hosted-zone-id %s --enable-accelerated-recovery (X4)", o.App.DNS.ZoneID)
	}
	return p
}

// Print for people.
func (d Doctor) Print(w io.Writer) error {
	p := &page{}
	if d.Found == nil {
		p.line("%s: what osdr doctor would do to the domain in %s", d.Name, d.Region)
		for _, s := range d.Plan {
			p.line("  - %s", s)
		}
		for _, a := range d.Attention {
			p.line("%s", a)
		}
		return p.to(w)
	}
	f := d.Found
	p.line("%s: the domain in %s, cluster %s, engine %s", d.Name, f.Region, f.ClusterUUID, f.Version)
	for _, x := range f.Probes {
		p.line("")
		p.line("%-8s  %s  %s", map[contract.Verdict]string{contract.Works: "works", contract.DoesNot: "DOES NOT", contract.Untried: "not tried"}[x.Verdict], x.ID, x.Title)
		if x.Said != "" {
			p.line("          seen: %s", x.Said)
		}
		if x.Follows != "" {
			p.line("          so:   %s", x.Follows)
		}
	}
	p.line("")
	p.list("needs attention", d.Attention)
	if len(d.Attention) == 0 {
		p.line("nothing needs attention, and nothing is left behind")
	}
	return p.to(w)
}

type doctorCommand struct {
	Yes    bool   `short:"y" help:"Do what the plan says."`
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Help of the command.
func (doctorCommand) Help() string {
	return "It tries on the domain that serves what only the real service can tell, on an index, a registration and a path of its own, takes all of it away again, and says what the product does on this account because of it. A first run shows the plan and changes nothing; --yes does it. Run it in the first hour on a new account, and after an upgrade of the engine.\n\n" +
		"Exit status is 0 when nothing needs attention, 2 when something does not work, was not tried or is left behind, or when --yes is missing. What the service refuses to everybody needs none."
}

func (c doctorCommand) Run(ctx context.Context, s *session, attention *bool) error {
	d, err := s.PlanDoctor(ctx)
	if err != nil {
		return err
	}
	if c.Yes {
		if d, err = s.Examine(ctx, d); err != nil {
			return err
		}
	} else {
		d.Attention = []string{"nothing was changed; to do it: osdr doctor --yes"}
	}
	*attention = len(d.Attention) > 0
	if c.Output == "json" {
		return printJSON(s.Out, d)
	}
	return d.Print(s.Out)
}
