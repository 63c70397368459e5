package recovery

import (
	"context"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/point"
)

// usable tells why a point cannot be restored here, empty when it can: F6 wants
// the target at or above the source, within one major.
func (r *run) usable(p point.Point, version string) string {
	if !p.Serves(r.led) || p.Kind == point.KindSalvage {
		return "another tenure"
	}
	if r.state != nil && r.state.bad(p.ID) {
		return "its restore failed"
	}
	return point.TooNew(p.EngineVersion, version)
}

// choose the newest whole point that can be restored here; what is passed over is
// said aloud, since the loss window grows by it.
func (r *run) choose(ctx context.Context, dom domain.Recovery, only func(point.Point) bool) (point.Point, bool, error) {
	info, err := dom.Info(ctx)
	if err != nil {
		return point.Point{}, false, err
	}
	var passed []string
	holds := "" // a newer point that holds something
	p, damage, ok, skipped, err := point.NewestUsable(ctx, r.source(), func(p point.Point) bool {
		if !p.Serves(r.led) || !only(p) {
			return false
		}
		why := r.usable(p, info.Version)
		if why == "" && len(p.Indices) == 0 && holds != "" {
			// An empty domain would come of it, though there were documents since (H71).
			why = "it is empty, and " + holds + " is not"
		}
		if len(p.Indices) > 0 && p.Kind != point.KindSalvage {
			holds = p.ID.String()
		}
		if why != "" && p.Kind != point.KindSalvage {
			passed = append(passed, fmt.Sprintf("recovery point %s is passed over: %s", p.ID, why))
		}
		return why == ""
	})
	r.passOver(append(skipped, passed...))
	r.chosen = chosen{p.ID, broken(p, damage)}
	return p, ok, err
}

// chosen point, and the units of it that are damaged.
type chosen struct {
	id      point.ID
	damaged map[string]string
}

// broken units of a point: a data stream as one.
func broken(p point.Point, d point.Damage) map[string]string {
	out := map[string]string{}
	for name, missing := range d {
		for _, s := range p.DataStreams {
			if slices.Contains(s.Indices, name) {
				name = s.Name
			}
		}
		out[name] = fmt.Sprintf("%d of its objects are missing or changed, such as %s", len(missing), missing[0])
	}
	return out
}

// passOver is said in this run's answer, and in every later one of the switch: the
// run that ends it is seldom the one that chose.
func (r *run) passOver(reasons []string) {
	for _, s := range reasons {
		r.notice("%s", s)
		if r.state != nil && !slices.Contains(r.state.PassedOver, s) {
			r.state.PassedOver = append(r.state.PassedOver, s)
		}
	}
}

func anyPoint(point.Point) bool { return true }

// versionsFit refuses before anything is touched, when no point could be restored
// into this engine and there are some (F6).
func (r *run) versionsFit(ctx context.Context) error {
	if !r.switching() || r.state.Target != nil || r.state.Own {
		return nil
	}
	dom, err := r.open(ctx)
	if err != nil {
		return err
	}
	info, err := dom.Info(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.newest {
		if !p.Serves(r.led) {
			continue
		}
		if why := point.TooNew(p.EngineVersion, info.Version); why != "" {
			if _, ok, err := r.choose(ctx, dom, anyPoint); err != nil || ok {
				return err
			}
			return r.giveUp(ctx, r.intent, refuse("recovery point %s cannot be restored in %s: %s. Nothing was changed; upgrade the domain of %s, then run the command again", p.ID, r.Region, why, r.Region))
		}
	}
	return nil
}
