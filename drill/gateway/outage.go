package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// Mode of a Region that is taken away.
type Mode string

// Modes: refuse answers 503 as a service in trouble does; silent never answers
// and keeps the connection, as a network that swallows packets does.
const (
	None   Mode = "none"
	Refuse Mode = "refuse"
	Silent Mode = "silent"
)

type pair struct{ a, b string }

func pairOf(a, b string) pair {
	if a > b {
		a, b = b, a
	}
	return pair{a, b}
}

// outages says what is taken away now. A target is a Region, or the name of a
// global service (iam, sts, route53), which no Region's loss takes away.
type outages struct {
	mu      sync.Mutex
	down    map[string]Mode
	links   map[pair]Mode
	changed chan struct{} // closed and replaced at every change
}

func newOutages() *outages {
	return &outages{down: map[string]Mode{}, links: map[pair]Mode{}, changed: make(chan struct{})}
}

func (o *outages) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	close(o.changed)
	o.changed = make(chan struct{})
}

// effect on a call, with the reason for the log and the channel that closes
// when the answer may have changed. Silence wins over refusal.
func (o *outages) effect(caller, target string) (Mode, string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mode, why := None, ""
	consider := func(m Mode, reason string) {
		if m == Silent && mode != Silent || m == Refuse && mode == None {
			mode, why = m, string(m)+": "+reason
		}
	}
	if target != "" {
		consider(o.down[target], "target "+target)
	}
	if caller != "" {
		consider(o.down[caller], "caller "+caller)
	}
	if caller != "" && target != "" && caller != target {
		consider(o.links[pairOf(caller, target)], "link "+caller+" "+target)
	}
	return mode, why, o.changed
}

// SetOutage takes a Region away or gives it back: its API, its domain and its
// bucket together, and every call that comes out of it. A global service's name
// (route53, iam, sts) in place of a Region takes that one service.
func (g *Gateway) SetOutage(region string, mode Mode) error {
	switch mode {
	case None, Refuse, Silent:
	default:
		return fmt.Errorf("set outage of %s: mode %q is none of none, refuse, silent", region, mode)
	}
	g.outages.set(func() { g.outages.down[region] = mode })
	return nil
}

// SetLink cuts the link between two Regions, in both directions, or mends it.
// Calls over it are refused; calls within a Region, and of clients that are in
// neither, go on.
func (g *Gateway) SetLink(from, to string, cut bool) {
	mode := None
	if cut {
		mode = Refuse
	}
	g.outages.set(func() { g.outages.links[pairOf(from, to)] = mode })
}

// SilenceLink is SetLink with a link that swallows packets.
func (g *Gateway) SilenceLink(from, to string) {
	g.outages.set(func() { g.outages.links[pairOf(from, to)] = Silent })
}

// applyOutage answers or holds a call that an outage meets, and says whether it
// did. The call is filled in for the log.
func (g *Gateway) applyOutage(w http.ResponseWriter, r *http.Request, call *Call, refuse func()) bool {
	mode, why, _ := g.outages.effect(call.CallerRegion, call.TargetRegion)
	switch mode {
	case Refuse:
		call.Effect = why
		refuse()
		return true
	case Silent:
		call.Effect = why
		g.hold(w, r, call.CallerRegion, call.TargetRegion)
		return true
	}
	return false
}

// hold keeps the connection without a word until the client gives up, the
// silence ends or the gateway closes; then it is cut. The body is not read
// through the server, which would answer an Expect: 100-continue.
func (g *Gateway) hold(w http.ResponseWriter, _ *http.Request, caller, target string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // nothing was written: the connection is cut
	}
	g.holdConn(conn, caller, target)
}

func (g *Gateway) holdConn(conn net.Conn, caller, target string) {
	defer func() { _ = conn.Close() }()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	}()
	for {
		mode, _, changed := g.outages.effect(caller, target)
		if mode != Silent {
			return
		}
		select {
		case <-gone:
			return
		case <-g.done:
			return
		case <-changed:
		}
	}
}
