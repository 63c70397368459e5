package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/probe"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Kind of a switch.
type Kind string

// Kinds.
const (
	Auto     Kind = "auto"     // what the other Region's answers suggest
	Failover Kind = "failover" // the active Region is lost: something may be missing
	Planned  Kind = "planned"  // it answers: nothing is missing
	Finish   Kind = "finish"   // the target is active already; the deployment does what is left
)

// Ask for a plan.
type Ask struct {
	To   string // empty: the Region that cdk.json does not name
	Kind Kind   // Auto, Failover, Planned
	// Force a failover although the active Region answers in every way.
	Force bool
	// Overrides are what -c gave, without the flags of a switch; the command
	// repeats them.
	Overrides map[string]string
}

// Plan of one switch. Its JSON is what `osdr plan -o json` prints.
type Plan struct {
	Name       string    `json:"name"`
	Now        time.Time `json:"now"`
	Kind       Kind      `json:"kind"`
	To         string    `json:"to"`
	From       string    `json:"from,omitempty"` // active now
	Generation int64     `json:"generation,omitempty"`
	Answers    string    `json:"answers,omitempty"` // what the active Region answers
	// Point that a failover of now restores.
	Point       *Point    `json:"point,omitempty"`
	PassedOver  []string  `json:"passedOver,omitempty"` // newer ones, and why
	LossSince   time.Time `json:"lossSince,omitzero"`
	LossSeconds int64     `json:"lossSeconds"` // a failover loses what came after LossSince; 0 when nothing is lost
	Indices     int       `json:"indices"`     // to restore
	LeftOut     []string  `json:"leftOut,omitempty"`
	Steps       []string  `json:"steps,omitempty"` // what takes time, for people
	// WritePauseSeconds is the estimate of a planned switch; 0: it is not known.
	WritePauseSeconds int64    `json:"writePauseSeconds,omitempty"`
	Warnings          []string `json:"warnings,omitempty"`
	// Unplaced are the indexes that the switch is known not to be able to restore; it asks
	// about them, and about those that are not foreseen.
	Unplaced []string `json:"unplaced,omitempty"`
	// Refusal says why the switch would not be made; Command is empty then.
	Refusal string   `json:"refusal,omitempty"`
	Region  string   `json:"awsRegion,omitempty"`
	Args    []string `json:"args,omitempty"` // of cdk
	Command string   `json:"command,omitempty"`
	Commit  string   `json:"commit,omitempty"` // line of cdk.json, when it must change

	newest string // engine of the points that are passed over for it
	bytes  int64  // to restore
}

// restoreRate of one data node: indices.recovery.max_bytes_per_sec is 40mb unless
// somebody set it
// (https://docs.opensearch.org/latest/install-and-configure/configuring-opensearch/index-settings/).
const restoreRate = 40_000_000

// Plan reads ledgers and recovery points, and knocks three times at the active
// Region. The error says that it could not be told; a refusal is an answer.
func (o *Operator) Plan(ctx context.Context, ask Ask) (Plan, error) {
	p := Plan{Kind: ask.Kind, Name: o.App.Name, To: o.target(ask)}
	if !slices.Contains(o.App.Regions(), p.To) {
		return p, fmt.Errorf("plan: %q is no Region of this installation; allowed: %s", p.To, strings.Join(o.App.Regions(), ", "))
	}
	readings, now := o.ledgers(ctx)
	p.Now = now
	var copies []ledger.Ledger
	for _, region := range o.App.Regions() {
		if l := o.newestCopy(ctx, region, readings[region]); l != nil {
			copies = append(copies, *l)
		}
	}
	led, ok, err := o.inForce(readings, copies)
	switch {
	case errors.Is(err, ledger.ErrDispute): // told, and nothing goes on until a person has decided
		p.Refusal = o.brief(err)
		return p, nil
	case err != nil:
		return p, fmt.Errorf("plan: %w", err)
	}
	if !ok {
		p.Refusal = "nothing is in force yet: the first deployment promotes the Region of cdk.json, " + o.Committed
		return p, nil
	}
	p.From, p.Generation = led.ActiveRegion, led.Generation
	if led.ActiveRegion == p.To {
		o.finish(&p, ask)
		return p, nil
	}
	if i := led.Intent; i != nil && i.Live(now) {
		if i.To != p.To {
			p.Refusal = fmt.Sprintf("a switch to %s is under way by request %s until %s (H21): let it end, or run `osdr abort`", i.To, i.RequestID, clock(i.Expires))
			return p, nil
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("a switch to %s is under way (request %s): the command joins it and goes on where it stands", i.To, i.RequestID))
	}
	target, unknown := o.describe(ctx, p.To)
	if err := o.source(ctx, &p, led, readings[p.To], o.engine(target)); err != nil {
		return p, fmt.Errorf("plan: %w", err)
	}
	look, err := o.knock(ctx, led, readings[p.From])
	if err != nil {
		return p, fmt.Errorf("plan: %w", err)
	}
	o.decide(&p, ask, look, led, target, unknown)
	o.preflight(ctx, &p)
	o.room(&p, target)
	o.durations(&p, target, unknown)
	o.command(&p, ask)
	return p, nil
}

// target: what was asked for, else the Region that cdk.json does not name. It is
// never told from the ledger: a command that was cut off after the claim, and is
// run again, must mean the same Region (G4).
func (o *Operator) target(ask Ask) string {
	switch {
	case ask.To != "":
		return ask.To
	case o.App.Explicit:
		return o.App.ActiveRegion
	}
	return o.App.Other(o.Committed)
}

func (o *Operator) newestCopy(ctx context.Context, region string, reading ledger.Reading) *ledger.Ledger {
	if away(reading) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	p, ok, err := point.LoadNewest(ctx, o.World.Buckets[region])
	if err != nil || !ok {
		return nil // said by whoever needs the points
	}
	return &p.Ledger
}

// engine of the target: the domain's, or of the one that will be made.
func (o *Operator) engine(target domain.Description) string {
	version := o.App.EngineVersion
	if target.Exists && target.Version != "" {
		version = target.Version
	}
	return strings.TrimPrefix(version, "OpenSearch_")
}

// source finds the point in the target's own bucket: the newest of the domain in
// force that can be restored, and not of a newer engine than the target's.
func (o *Operator) source(ctx context.Context, p *Plan, led ledger.Ledger, reading ledger.Reading, engine string) error {
	if away(reading) {
		return fmt.Errorf("read the recovery points in %s: %w", p.To, reading.Err)
	}
	ctx, cancel := context.WithTimeout(ctx, max(o.Timeout, time.Minute)) // lists a whole repository
	defer cancel()
	b := o.World.Buckets[p.To]
	var old []string
	found, damage, ok, skipped, err := point.NewestUsable(ctx, b, func(x point.Point) bool {
		if !x.Serves(led) || x.Kind == point.KindSalvage {
			return false
		}
		why := point.TooNew(x.EngineVersion, engine)
		if why != "" {
			old = append(old, fmt.Sprintf("recovery point %s: %s", x.ID, why))
			p.newest = max(p.newest, x.EngineVersion)
		}
		return why == ""
	})
	p.PassedOver = slices.Concat(skipped, old)
	if errors.Is(err, store.ErrAbsent) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("find the newest whole recovery point in %s: %w", p.To, err)
	}
	if !ok {
		return nil
	}
	line := describePoint(found, p.Now)
	line.Whole = len(damage) == 0
	p.Point = &line
	chosen := restore.Choose(found, o.App.Settings().Restore)
	p.Indices, p.LeftOut = len(chosen.Indices), chosen.LeftOut
	for _, name := range slices.Sorted(maps.Keys(damage)) {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s of index %s are missing in recovery point %s: this index comes from an older one, or is lost if none has it", plural(len(damage[name]), "object"), name, found.ID))
	}
	for _, x := range point.Foresee(point.Point{Indices: chosen.Indices}, engine) {
		p.Unplaced = append(p.Unplaced, x.Unit)
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s cannot be restored: %s. %s", x.Unit, x.Cause, x.Hint))
	}
	chosen, _ = chosen.Without(o.without())
	p.bytes = chosen.Bytes(found)
	for _, l := range found.LeftOut {
		p.LeftOut = append(p.LeftOut, l.Name+" ("+l.Reason+")")
	}
	return nil
}

// knock at the active Region in the three ways of the switch's own probes, once.
// The error is that these credentials may not ask.
func (o *Operator) knock(ctx context.Context, led ledger.Ledger, reading ledger.Reading) (probe.Look, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	region := led.ActiveRegion
	ways := []string{"its bucket", "its OpenSearch API", "its domain"}
	got := inEach(ways, func(way string) error {
		switch way {
		case ways[1]:
			_, err := o.World.Domains.Describe(ctx, region)
			return err
		case ways[2]:
			return o.World.Knock(ctx, led.Endpoint)
		}
		if away(reading) {
			return reading.Err
		}
		return nil
	})
	var l probe.Look
	for _, way := range ways {
		err := got[way]
		if refused(err) {
			return l, fmt.Errorf("%s of %s answers that these credentials may not ask it, so nobody knows whether it is lost: %w", strings.TrimPrefix(way, "its "), region, err)
		}
		if err != nil {
			err = errors.New(o.brief(err))
		}
		l.Answers = append(l.Answers, probe.Answer{What: way, Err: err})
	}
	return l, nil
}

func (o *Operator) describe(ctx context.Context, region string) (domain.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	return o.World.Domains.Describe(ctx, region)
}

func (o *Operator) decide(p *Plan, ask Ask, l probe.Look, led ledger.Ledger, target domain.Description, unknown error) {
	p.Answers = l.String()
	silent := 0
	for _, a := range l.Answers {
		if a.Err != nil {
			silent++
		}
	}
	answers := silent == 0
	if p.Kind == Auto {
		p.Kind = Planned
		if !answers {
			p.Kind = Failover
		}
	}
	if p.Kind == Planned {
		switch {
		case !answers:
			p.Refusal = fmt.Sprintf("a planned switch needs %s, and %s. If the Region is lost: `make failover`", p.From, p.Answers)
		case unknown != nil:
			// A deployment there hangs for longer than a person waits (H89).
			p.Refusal = fmt.Sprintf("a planned switch needs %s, whose OpenSearch API does not answer: %s. Run the command again when `osdr status` shows the domain of %s; until then %s serves", p.To, o.brief(unknown), p.To, p.From)
		}
		if p.Point == nil {
			p.Warnings = append(p.Warnings, "there is no recovery point yet; the switch restores from the final one alone, so the write pause is as long as the whole restore")
		}
		return
	}
	switch {
	case answers && !ask.Force:
		p.Refusal = fmt.Sprintf("%s answers in every way (%s): a planned switch loses nothing, `make failback TO=%s`. If it must be given up all the same: --force", p.From, p.Answers, p.To)
	case p.Point == nil && target.Exists && led.PromotedFrom != "":
		p.LossSince, p.LossSeconds = led.Since.UTC(), int64(p.Now.Sub(led.Since).Seconds())
		p.Warnings = append(p.Warnings, fmt.Sprintf("no whole recovery point of the domain in %s is there. If the domain in %s still is cluster %s, from which %s was promoted, its own content goes on (H11): all that was written since generation %d began is missing then", p.From, p.To, led.PromotedFrom, p.From, led.Generation))
	case p.Point == nil:
		p.Refusal = o.nothing(p, target)
	case silent < len(l.Answers):
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s answers in part: giving it up loses what came after the recovery point, unless the one attempt to fence it succeeds (H16)", p.From))
	}
	if p.Point != nil {
		p.LossSince, p.LossSeconds = p.Point.Start, p.Point.AgeSeconds
	}
	if p.From == "us-east-1" {
		p.Warnings = append(p.Warnings, "Route 53 takes changes in us-east-1 only: until it does, or accelerated recovery is in effect (about 60 minutes), the record stays as it is and the deployment says where the domain answers (X4)")
	}
}

// nothing says why no recovery point can be restored, with what helps. Status and
// plan ask it, so that they agree (H81).
func (o *Operator) nothing(p *Plan, target domain.Description) string {
	switch {
	case p.newest == "":
		return fmt.Sprintf("%s has no whole recovery point of the domain in %s: there is nothing to restore. Bring %s back, or see `osdr status` for what its bucket holds", p.To, p.From, p.From)
	case target.Exists:
		return fmt.Sprintf("no recovery point can be restored in %s: they are of engine %s, and the domain there is older. Upgrade it: set dr.engineVersion to OpenSearch_%s", p.To, p.newest, minor(p.newest))
	}
	return fmt.Sprintf("no recovery point can be restored in %s: they are of engine %s, and dr.engineVersion is %s. Add -c dr.engineVersion=OpenSearch_%s to the command", p.To, p.newest, o.App.EngineVersion, minor(p.newest))
}

// minor version of an engine: 3.4 of 3.4.0.
func minor(engine string) string {
	parts := strings.Split(engine, ".")
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// durations of what takes long.
func (o *Operator) durations(p *Plan, d domain.Description, err error) {
	switch {
	case err != nil:
		p.Warnings = append(p.Warnings, fmt.Sprintf("the OpenSearch API of %s does not answer: %s", p.To, o.brief(err)))
	case !d.Exists:
		p.Steps = append(p.Steps, "make the domain in "+p.To+": 15 to 60 minutes, the service's own time")
	case d.Busy() != "":
		p.Steps = append(p.Steps, "wait: "+d.Busy())
	default:
		p.Steps = append(p.Steps, "the domain in "+p.To+" is ready")
	}
	if p.Point != nil {
		rate := int64(restoreRate * o.App.Domain.DataNodes)
		p.Steps = append(p.Steps, fmt.Sprintf("restore %s, %s: about %s at 40 MB/s a node", plural(p.Indices, "index"), size(p.Point.Bytes), short(time.Duration(1+p.Point.Bytes/rate)*time.Second)))
	}
	if p.Kind == Planned {
		p.Steps = append(p.Steps, "fence "+p.From+", take the final snapshot, restore what changed since: writes are refused meanwhile, searches go on")
	} else {
		p.Steps = append(p.Steps, "one attempt to fence "+p.From+", then go on without it")
	}
	p.Steps = append(p.Steps, "verify, claim generation "+fmt.Sprint(p.Generation+1)+", lift, move the record "+o.App.DNS.Record)
}

// finish: the claim was made; what is left is the record and the stacks.
func (o *Operator) finish(p *Plan, ask Ask) {
	p.Kind = Finish
	p.Steps = []string{fmt.Sprintf("%s is active already (generation %d): nothing is restored and nothing is lost; the deployment does what is left", p.To, p.Generation)}
	if p.To == o.Committed {
		p.Steps = append(p.Steps, "a switch to the other Region: --to "+o.App.Other(p.To)+" (make failback TO="+o.App.Other(p.To)+")")
	}
	var lost string
	if ask.Kind == Failover {
		lost = o.App.Other(p.To)
	}
	o.compose(p, ask, lost, "")
}

func (o *Operator) command(p *Plan, ask Ask) {
	switch {
	case p.Refusal != "":
	case p.Kind == Planned:
		o.compose(p, ask, "", fmt.Sprint(p.Generation))
	case p.To == o.Committed: // the flag alone would not be meant (H2)
		o.compose(p, ask, p.From, fmt.Sprint(p.Generation))
	default:
		o.compose(p, ask, p.From, "")
	}
}

// compose the documented command.
func (o *Operator) compose(p *Plan, ask Ask, unreachable, from string) {
	args := []string{"deploy", "--all", "-c", "activeRegion=" + p.To}
	if unreachable != "" {
		args = append(args, "-c", "unreachableRegion="+unreachable)
	}
	if from != "" {
		args = append(args, "-c", "switchFrom="+from)
	}
	for _, key := range slices.Sorted(maps.Keys(ask.Overrides)) {
		args = append(args, "-c", key+"="+ask.Overrides[key])
	}
	p.Region, p.Args = p.To, args
	words := []string{"AWS_REGION=" + p.To, "cdk"}
	for _, a := range args {
		words = append(words, quote(a))
	}
	p.Command = strings.Join(words, " ")
	if p.To != o.Committed {
		p.Commit = commitLine(p.To)
	}
}

// commitLine of cdk.json.
func commitLine(region string) string { return fmt.Sprintf("%q: %q", "activeRegion", region) }

// quote a word for a shell, where it needs it.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.,:/@") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
