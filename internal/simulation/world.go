package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// The two Regions.
const (
	east = "us-east-1"
	west = "us-west-2"
)

// world is what the processes act on.
type world struct {
	*schedule
	climate
	*alive
	settings contract.Settings
	mutation Mutation
	places   map[string]*place
	cut      bool // the link between the two Regions
	routeOff bool // Route 53 takes no changes
	record   route.Record
	stacks   map[string]*stack
	cdkJSON  string // activeRegion, as committed
	made     []*standing
	tokens   int
	silences map[string]*silent // "from>to"
	givenUp  map[string]time.Time
	*truth
	opened  int                  // requests of CloudFormation
	lastSet route.Record         // what the traffic stack believes it set
	later   int                  // indexes that clients made
	age     map[string]time.Time // of indexes, by UUID
	// lifted: when somebody last took blocks away by hand, asking nobody.
	lifted  time.Time
	meant   map[string]int64 // Region to the generation at which somebody explicitly asked for it
	aborted map[mark]bool
	ending  bool
	// impatient with the end: what a broken promise keeps from ending is not waited for.
	impatient bool
	idle      bool // nobody writes yet
	warm      bool // dr.standby
	// extended: an operator said that the pause of writes may last.
	extended   bool
	reds       []func()   // bring back what is red
	scale      int        // of this installation; 0: not drawn
	weatherman *rand.Rand // draws for what the unkindnesses do
	stats      Statistics
}

// place is one Region.
type place struct {
	region string
	bucket *bucket
	domain *standing // nil: none
	down   map[part]bool
	silent bool // not refusing
	skew   time.Duration
	// parameter names the active Region, for clients here that sign.
	parameter string
	marked    bool // a switch is marked in the ledger
}

// standing is one domain that was made, for good.
type standing struct {
	w        *world
	region   string
	endpoint string
	cluster  *opensearchtest.Cluster
	ready    time.Time // creation is complete
	gone     bool
	restores time.Duration // of everything that a snapshot holds
}

func (w *world) other(region string) string { return w.settings.Other(region) }

func newWorld(s *schedule, m Mutation, c climate) *world {
	w := &world{
		schedule: s, climate: c, mutation: m, weatherman: rand.New(rand.NewPCG(s.random.Uint64(), 0x6b696e64)), places: map[string]*place{}, stacks: map[string]*stack{}, cdkJSON: east,
		age: map[string]time.Time{}, meant: map[string]int64{}, silences: map[string]*silent{}, givenUp: map[string]time.Time{}, aborted: map[mark]bool{},
		settings: contract.Settings{
			Name: "films", Account: "111122223333", PrimaryRegion: east, SecondaryRegion: west, ControlRegion: west, RPOMinutes: 20,
			Retention: contract.Retention{Count: 2}, LostAfter: 120, MaxWritePause: 600, DNS: contract.DNS{Record: "search.example.com", TTL: 60},
		},
	}
	for _, r := range []string{east, west} {
		w.places[r] = &place{region: r, down: map[part]bool{}, bucket: newBucket(w.settings.Names().Bucket(r), r, w.clock)}
		w.places[r].bucket.absent = true
	}
	w.truth, w.alive = newTruth(w), newAlive(w)
	s.reach, s.unavailable, s.hesitates, s.after, s.trouble = w.reachable, w.unavailable, w.hesitates, w.check, w.troubled
	if c.has(Size) {
		s.work = w.work
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

// reachable answers nil, or how the silence sounds. Somebody outside of both
// Regions has no link that could be cut.
func (w *world) reachable(from string, to target) error {
	switch to.part {
	case nobody, routes:
		return nil
	}
	p := w.places[to.region]
	if p.down[to.part] || w.cut && from != "" && from != to.region {
		if p.silent {
			return errSilent
		}
		return errRefused
	}
	return nil
}

// unavailable in the words of the service that is asked.
func (w *world) unavailable(c *call) error {
	if c.to.part == domains {
		return opensearchtest.GatewayTimeout(c.line())
	}
	return fmt.Errorf("%s: 503 Slow Down", c.line())
}

// makeDomain as CloudFormation does.
func (w *world) makeDomain(region string, takes time.Duration) *standing {
	n := len(w.made) + 1
	d := &standing{w: w, region: region, ready: w.now.Add(takes), endpoint: fmt.Sprintf("search-films-%d.%s.es.amazonaws.com", n, region)}
	d.cluster = opensearchtest.New(opensearchtest.Options{
		Seed: uint64(n), Clock: w.clock, Master: w.settings.Names().MasterRoleARN(region),
		Bucket: func(name string) store.Bucket {
			for _, p := range w.places {
				if p.bucket.name == name && !p.bucket.absent {
					return nodes{d, p.bucket}
				}
			}
			return nil
		},
	})
	d.cluster.SetCapsule(opensearch.Capsule{ISMPolicies: map[string]map[string]any{}})
	d.restores = w.restoresTake()
	w.served(d)
	w.made = append(w.made, d)
	w.places[region].domain = d
	return d
}

func (w *world) byUUID(uuid string) *standing {
	for _, d := range w.made {
		if d.cluster.UUID() == uuid {
			return d
		}
	}
	return nil
}

func (w *world) byEndpoint(endpoint string) *standing {
	for _, d := range w.made {
		if d.endpoint == endpoint {
			return d
		}
	}
	return nil
}

// nodes reach a bucket without standing still: their work is no process's.
type nodes struct {
	d *standing
	b *bucket
}

func (n nodes) Name() string   { return n.b.name }
func (n nodes) Region() string { return n.b.region }

func (n nodes) reach() error {
	if n.d.gone {
		return errRefused
	}
	return n.d.w.reachable(n.d.region, target{n.b.region, buckets})
}

func (n nodes) Get(ctx context.Context, key string) (store.Object, error) {
	if err := n.reach(); err != nil {
		return store.Object{}, err
	}
	return n.b.Get(ctx, key)
}

func (n nodes) Put(ctx context.Context, key string, body []byte, cond store.Condition) (store.Object, error) {
	if err := n.reach(); err != nil {
		return store.Object{}, err
	}
	n.d.w.wrote(n.d, n.b, key)
	return n.b.Put(ctx, key, body, cond)
}

func (n nodes) Delete(ctx context.Context, key string) error {
	if err := n.reach(); err != nil {
		return err
	}
	n.d.w.wrote(n.d, n.b, key)
	return n.b.Delete(ctx, key)
}

func (n nodes) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if err := n.reach(); err != nil {
		return nil, err
	}
	return n.b.List(ctx, prefix)
}

func (n nodes) Now(ctx context.Context) (time.Time, error) {
	if err := n.reach(); err != nil {
		return time.Time{}, err
	}
	return n.b.Now(ctx)
}

// plane as one process sees it.
type plane struct {
	w        *world
	p        *process
	function string // which role signs
}

var _ domain.Controlled = plane{}

func (v plane) Describe(ctx context.Context, region string) (out domain.Description, err error) {
	err = v.p.call(&call{ctx: ctx, op: "describe", what: region, to: target{region, control}, effect: func() error {
		out = v.w.describe(region)
		return nil
	}})
	return out, err
}

func (w *world) describe(region string) domain.Description {
	out := domain.Description{Region: region, Version: "OpenSearch_3.4"}
	if d := w.places[region].domain; d != nil {
		out.Exists, out.Created = true, !w.now.Before(d.ready)
		if out.Created {
			out.Endpoint = d.endpoint
		} else {
			out.Processing = true
		}
	}
	return out
}

func (v plane) seat(region, endpoint, arn string) engine {
	d := v.w.byEndpoint(endpoint)
	if d == nil {
		d = &standing{w: v.w, region: region, endpoint: endpoint, gone: true}
		return &seat{p: v.p, d: d}
	}
	e := engine(&seat{p: v.p, d: d, c: d.cluster.As(arn)})
	if v.w.mutation.Engine != nil {
		e = v.w.mutation.Engine(d, e)
	}
	return e
}

func (v plane) role(region string) string {
	return v.w.settings.Names().FunctionRoleARN(v.function, region)
}

func (v plane) Open(_ context.Context, region, endpoint string) (opensearch.Domain, error) {
	return v.seat(region, endpoint, v.role(v.p.region)), nil
}

func (v plane) OpenRecovery(_ context.Context, region, endpoint string) (domain.Recovery, error) {
	return v.seat(region, endpoint, v.role(v.p.region)), nil
}

func (v plane) OpenSecurity(_ context.Context, region, endpoint string) (opensearch.Security, error) {
	return v.seat(region, endpoint, v.w.settings.Names().MasterRoleARN(v.p.region)), nil
}

func (v plane) OpenMaster(_ context.Context, region, endpoint string) (opensearch.SecurityRecovery, error) {
	return v.seat(region, endpoint, v.w.settings.Names().MasterRoleARN(v.p.region)), nil
}

// zone as one process sees it.
type zone struct {
	w *world
	p *process
}

var _ route.Zone = zone{}

func (z zone) Read(ctx context.Context, _ string) (out route.Record, err error) {
	err = z.p.call(&call{ctx: ctx, op: "read record", to: target{part: routes}, effect: func() error { out = z.w.record; return nil }})
	return out, err
}

func (z zone) Upsert(ctx context.Context, _ string, r route.Wish) error {
	return z.p.call(&call{ctx: ctx, op: "upsert record", what: r.Endpoint, writes: true, to: target{part: routes}, effect: func() error {
		if z.w.routeOff {
			return errors.New("route 53 takes no changes")
		}
		z.w.setRecord(route.Record{Type: "CNAME", Target: r.Endpoint, TTL: r.TTL, Mark: r.Mark.String(), MarkTTL: r.TTL})
		return nil
	}})
}

// silent keeps how long one Region has heard nothing at all of the other.
type silent struct {
	since    time.Time // zero: something answers
	from, to time.Time // the last one that is over and was long enough
}

// hear is called after each change of who reaches whom.
func (w *world) hear() {
	for _, to := range []string{east, west} {
		from := w.other(to)
		k := from + ">" + to
		if w.silences[k] == nil {
			w.silences[k] = &silent{}
		}
		s := w.silences[k]
		answers := false
		for _, p := range []part{control, buckets, domains} {
			answers = answers || w.reachable(from, target{to, p}) == nil
		}
		switch {
		case answers && !s.since.IsZero():
			if w.now.Sub(s.since) >= w.lostAfter() {
				s.from, s.to = s.since, w.now
			}
			s.since = time.Time{}
		case !answers && s.since.IsZero():
			s.since = w.now
		}
	}
}

func (w *world) lostAfter() time.Duration {
	return time.Duration(w.settings.LostAfter)*time.Second - 15*time.Second
}

// runFor is how long ago the look may be on which a claim rests: a run ends before
// its function does, and its last call may arrive after it.
const runFor = limit - 30*time.Second

// lost tells whether a switch to a Region may go on without the other: it hears
// nothing of it now, and for long enough, or somebody said that it is given up.
func (w *world) lost(to string) bool {
	s := w.silences[to+">"+w.other(to)]
	after := w.lostAfter()
	forgiven := time.Hour
	if w.has(LostNow) {
		forgiven = runFor
	}
	if s != nil && (!s.since.IsZero() && w.now.Sub(s.since) >= after || s.to.Sub(s.from) >= after && w.now.Sub(s.to) < forgiven) {
		return true
	}
	at, ok := w.givenUp[w.other(to)]
	return ok && w.now.Sub(at) < 2*time.Hour
}
