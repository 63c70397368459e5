package operator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Status of an installation. Its JSON is what `osdr status -o json` prints;
// fields are added, never renamed. Times are S3's, UTC (H10).
type Status struct {
	Name      string    `json:"name"`
	Now       time.Time `json:"now"`
	Committed string    `json:"cdkJsonActiveRegion"`
	// InForce is the ledger that decides; nil when nothing was set up, or, with
	// InForceError, when nobody knows.
	InForce      *InForce `json:"inForce,omitempty"`
	InForceError string   `json:"inForceError,omitempty"`
	Switch       *Switch  `json:"switch,omitempty"`
	Regions      []Region `json:"regions"` // the primary first
	Record       Record   `json:"record"`
	// Objective of now, while somebody is known to be active.
	Objective *Objective `json:"objective,omitempty"`
	// LastSwitch proved the recovery; nil while nobody is known to be active.
	LastSwitch *LastSwitch `json:"lastSwitch,omitempty"`
	// Attention is what a person should look at; not empty is exit code 2.
	Attention []string `json:"attention,omitempty"`
	// Known is what a person should know before a switch; nothing is wrong.
	Known []string `json:"known,omitempty"`
}

// InForce names the active domain.
type InForce struct {
	Generation   int64     `json:"generation"`
	ActiveRegion string    `json:"activeRegion"`
	ClusterUUID  string    `json:"clusterUuid"`
	Endpoint     string    `json:"endpoint"`
	Since        time.Time `json:"since"`
	PromotedFrom string    `json:"promotedFrom,omitempty"`
}

// Switch that is marked in a ledger, and how far it is as its target's controller
// tells.
type Switch struct {
	Token       string    `json:"token"`
	To          string    `json:"to"`
	Mark        string    `json:"mark"` // "prepare", "fence"
	Live        bool      `json:"live"`
	Expires     time.Time `json:"expires"`
	RequestID   string    `json:"requestId"`
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	Phase       string    `json:"phase,omitempty"`
	Percent     int       `json:"percent"`
	BytesDone   int64     `json:"bytesDone,omitempty"`
	BytesTotal  int64     `json:"bytesTotal,omitempty"`
	WaitingFor  string    `json:"waitingFor,omitempty"`
	At          time.Time `json:"at,omitzero"` // since when the progress reads so
}

// Region as it answers. An Error field says why its neighbours are empty.
type Region struct {
	Region          string   `json:"region"`
	Active          bool     `json:"active"`
	Ledger          string   `json:"ledger"` // "present", "absent", "unreachable", "malformed"
	Generation      int64    `json:"generation,omitempty"`
	LedgerError     string   `json:"ledgerError,omitempty"`
	Domain          string   `json:"domain,omitempty"` // "absent", "ready", or what is being done to it
	DomainError     string   `json:"domainError,omitempty"`
	Health          string   `json:"health,omitempty"` // "green", "yellow" or "red", as the controller sees it
	Engine          string   `json:"engine,omitempty"`
	Controller      string   `json:"controller,omitempty"` // its phase
	Documents       int64    `json:"documents"`            // in the domain, as the controller counts
	Notices         []string `json:"notices,omitempty"`
	ControllerError string   `json:"controllerError,omitempty"`
	PointsTotal     int      `json:"pointsTotal"` // in this Region's bucket
	Points          []Point  `json:"points,omitempty"`
	PointsError     string   `json:"pointsError,omitempty"`
	Fences          []Fence  `json:"fences,omitempty"`
	FencesError     string   `json:"fencesError,omitempty"`
	// Standby is what a warm standby is a copy of; the controller tells.
	Standby *contract.StandbyStatus `json:"standby,omitempty"`
	// Attention is what the Region's controller noted for people, and Fates what became
	// of each index in a switch to this Region.
	Attention []contract.Attention `json:"attention,omitempty"`
	Fates     []contract.Fate      `json:"fates,omitempty"`
	Pins      []Pin                `json:"pins,omitempty"`
	PinsError string               `json:"pinsError,omitempty"`
	exists    bool                 // the domain does
	copies    []ledger.Ledger
	status    *contract.RecoveryStatus
}

// Fence of a domain of this Region.
type Fence struct {
	ClusterUUID string    `json:"clusterUuid"`
	State       string    `json:"state"`
	Token       string    `json:"token"`
	Since       time.Time `json:"since"`
	Blocked     int       `json:"blocked"` // indexes
	Final       string    `json:"final,omitempty"`
}

// Pin of a point that somebody restores.
type Pin struct {
	Point   string    `json:"point"`
	Holder  string    `json:"holder"`
	Expires time.Time `json:"expires"`
}

// Record that clients use.
type Record struct {
	Name   string `json:"name"`
	State  string `json:"state,omitempty"` // route.State; empty when it cannot be told
	Type   string `json:"type,omitempty"`
	Target string `json:"target,omitempty"`
	TTL    int64  `json:"ttl,omitempty"`
	Mark   string `json:"mark,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Status looks at all of it. newest bounds the recovery points that are read, for
// each generation of each bucket; 0 reads all. It has no error: what did not
// answer is in it.
func (o *Operator) Status(ctx context.Context, newest int) Status {
	readings, now := o.ledgers(ctx)
	s := Status{Name: o.App.Name, Now: now, Committed: o.Committed}
	type answer struct {
		record route.Record
		err    error
	}
	zone := make(chan answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		r, err := o.World.Zone.Read(ctx, o.App.DNS.Record)
		zone <- answer{r, err}
	}()
	got := inEach(o.App.Regions(), func(region string) Region {
		ctx, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		return o.region(ctx, readings, region, now, newest)
	})
	var copies []ledger.Ledger
	for _, name := range o.App.Regions() {
		copies = append(copies, got[name].copies...)
	}
	led, ok, err := o.inForce(readings, copies)
	switch {
	case errors.Is(err, ledger.ErrUnknown):
		s.InForceError = "who is active is not known: neither a ledger nor a recovery point can be read"
	case err != nil:
		s.InForceError = o.brief(err)
	case ok:
		s.InForce = &InForce{led.Generation, led.ActiveRegion, led.ClusterUUID, led.Endpoint, led.Since.UTC(), led.PromotedFrom}
		s.Switch = switchOf(led.Intent, now, got)
	}
	for _, name := range o.App.Regions() {
		r := got[name]
		r.Active = s.InForce != nil && s.InForce.ActiveRegion == name
		s.Regions = append(s.Regions, r)
	}
	a := <-zone
	s.Record = o.record(a.record, a.err, led, ok)
	s.Objective = o.objective(s)
	s.LastSwitch = lastSwitch(s.InForce, got[led.ActiveRegion])
	s.Attention, s.Known = o.attention(s), known(s)
	if ok && (s.Switch == nil || !s.Switch.Live) {
		s.Attention = append(s.Attention, o.verdict(ctx, led, readings, got, now)...)
	}
	return s
}

// verdict of a plan for a failover of now: what would refuse it, and what it would
// not restore from the newest recovery point (H81). What keeps it from being told is
// reported beside the Region that does not answer.
func (o *Operator) verdict(ctx context.Context, led ledger.Ledger, readings map[string]ledger.Reading, regions map[string]Region, now time.Time) []string {
	p := Plan{Kind: Failover, From: led.ActiveRegion, To: o.App.Other(led.ActiveRegion), Generation: led.Generation, Now: now}
	r := regions[p.To]
	target := domain.Description{Exists: r.exists, Version: r.Engine}
	if err := o.source(ctx, &p, led, readings[p.To], o.engine(target)); err != nil {
		return nil
	}
	var out []string
	switch {
	case p.Point == nil && len(p.PassedOver) > 0:
		out = append(out, fmt.Sprintf("a failover to %s would be refused now: %s", p.To, o.nothing(&p, target)))
	case p.Point != nil:
		for _, why := range p.PassedOver {
			out = append(out, "a failover would not take the newest recovery point: "+why)
		}
	}
	for _, w := range p.Warnings {
		out = append(out, "a failover to "+p.To+": "+w)
	}
	return out
}

func switchOf(i *ledger.Intent, now time.Time, regions map[string]Region) *Switch {
	if i == nil {
		return nil
	}
	s := &Switch{
		Token: i.Token, To: i.To, Mark: string(i.Phase), Live: i.Live(now), Expires: i.Expires.UTC(),
		RequestID: i.RequestID, RequestedAt: i.RequestedAt.UTC(),
	}
	if c := regions[i.To].status; c != nil && c.Switch != nil && c.Switch.Token == i.Token && c.Switch.Progress != nil {
		p := c.Switch.Progress
		s.Phase, s.Percent, s.BytesDone, s.BytesTotal, s.WaitingFor, s.At = p.Step, p.Percent, p.BytesDone, p.BytesTotal, p.WaitingFor, p.At.UTC()
	}
	return s
}

// region asks everything of one Region at once. A bucket that is away is not
// asked again: its ledger has said so.
func (o *Operator) region(ctx context.Context, readings map[string]ledger.Reading, name string, now time.Time, newest int) Region {
	reading, b := readings[name], o.World.Buckets[name]
	r := Region{Region: name, Ledger: string(reading.Answer), Generation: reading.Ledger.Generation}
	if reading.Err != nil {
		r.LedgerError = o.brief(reading.Err)
	}
	ask := []func(){
		func() { o.domain(ctx, &r) },
		func() { o.controller(ctx, readings, &r) },
	}
	if !away(reading) {
		ask = append(ask,
			func() {
				var err error
				if r.PointsTotal, r.Points, r.copies, err = points(ctx, b, now, newest); err != nil {
					r.PointsError = o.brief(err)
				}
			},
			func() { o.fences(ctx, b, &r) },
			func() { o.pins(ctx, b, &r) })
	}
	var all sync.WaitGroup
	for _, f := range ask { // each writes fields of its own
		all.Go(f)
	}
	all.Wait()
	return r
}

func (o *Operator) domain(ctx context.Context, r *Region) {
	d, err := o.World.Domains.Describe(ctx, r.Region)
	if err != nil {
		r.DomainError = o.brief(err)
		return
	}
	r.exists, r.Engine = d.Exists, d.Version
	switch busy := d.Busy(); {
	case !d.Exists:
		r.Domain = contract.DomainAbsent
	case busy == "":
		r.Domain = contract.DomainReady
	default:
		r.Domain = busy
	}
}

// controller is told which Region is away, so that it does not wait for it too.
func (o *Operator) controller(ctx context.Context, readings map[string]ledger.Reading, r *Region) {
	req := contract.RecoveryRequest{Action: contract.ActionStatus, Standby: o.App.Standby, Health: true}
	if other := o.App.Other(r.Region); away(readings[other]) {
		req.Wish.UnreachableRegion = other
	}
	c, err := o.World.Controllers.Recovery(ctx, r.Region, req)
	if err != nil {
		r.ControllerError = o.brief(err)
		return
	}
	r.Attention, r.Fates = c.Attention, c.Fates
	r.status, r.Controller, r.Documents, r.Notices, r.Standby, r.Health = &c, c.Phase, c.Documents, c.Notices, c.Standby, c.Health
}

func (o *Operator) fences(ctx context.Context, b store.Bucket, r *Region) {
	entries, err := b.List(ctx, fence.Prefix)
	if errors.Is(err, store.ErrAbsent) {
		return
	}
	if err != nil {
		r.FencesError = o.brief(err)
		return
	}
	for _, e := range entries {
		uuid := e.Key[len(fence.Prefix):]
		if n := len(uuid) - len(".json"); n > 0 {
			uuid = uuid[:n]
		}
		f, err := fence.Load(ctx, b, uuid)
		switch {
		case err != nil:
			r.FencesError = o.brief(err)
		case f != nil:
			r.Fences = append(r.Fences, describeFence(*f))
		}
	}
}

func describeFence(f fence.Record) Fence {
	out := Fence{ClusterUUID: f.ClusterUUID, State: string(f.State), Token: f.Token, Since: f.Since.UTC()}
	for _, i := range f.Indices {
		if i.Blocked {
			out.Blocked++
		}
	}
	if f.Final != nil {
		out.Final = f.Final.String()
	}
	return out
}

func (o *Operator) pins(ctx context.Context, b store.Bucket, r *Region) {
	pins, err := point.Pinned(ctx, b)
	if err != nil {
		r.PinsError = o.brief(err)
	}
	for _, p := range pins {
		r.Pins = append(r.Pins, Pin{p.Point.String(), p.Holder, p.Expires.UTC()})
	}
}

func (o *Operator) record(r route.Record, err error, led ledger.Ledger, known bool) Record {
	out := Record{Name: o.App.DNS.Record}
	if err != nil {
		out.Error = o.brief(err)
		return out
	}
	out.Type, out.Target, out.TTL, out.Mark = r.Type, r.Target, r.TTL, r.Mark
	if known {
		out.State = string(route.Decide(r, route.Wish{
			Endpoint: led.Endpoint, TTL: int64(o.App.DNS.TTL),
			Mark: route.Mark{Name: o.App.Name, Region: led.ActiveRegion, Generation: led.Generation},
		}))
	}
	return out
}
