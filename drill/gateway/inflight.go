package gateway

import (
	"context"
	"errors"
	"net/http"
)

// lost is why a call under way was cut: what the outage's effect says.
type lost struct{ effect string }

func (l lost) Error() string { return l.effect }

// underWay lets a call end when an outage that begins later meets it, so that a
// Region that is taken away takes its running calls along; whether they had
// their effect, nobody can say, as on AWS. The release notes the effect.
func (g *Gateway) underWay(r *http.Request, call *Call) (*http.Request, func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	caller, target := call.CallerRegion, call.TargetRegion
	go func() {
		for {
			mode, why, changed := g.outages.effect(caller, target)
			if mode != None {
				cancel(lost{why})
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return r.WithContext(ctx), func() {
		var l lost
		if errors.As(context.Cause(ctx), &l) {
			call.Effect = l.effect
		}
		cancel(nil)
	}
}

// cut ends a call without an answer if an outage has met it on its way: at once,
// or held while the outage is silent.
func (g *Gateway) cut(w http.ResponseWriter, r *http.Request, call *Call) bool {
	var l lost
	if !errors.As(context.Cause(r.Context()), &l) {
		return false
	}
	if mode, _, _ := g.outages.effect(call.CallerRegion, call.TargetRegion); mode != Silent {
		panic(http.ErrAbortHandler)
	}
	g.hold(w, r, call.CallerRegion, call.TargetRegion)
	return true
}
