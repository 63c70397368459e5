package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Special snapshots are the controller's own: the final one of a fenced domain,
// and the salvage of a superseded one. They go to the same path as every snapshot
// of this cluster (G1), and nothing is pruned for them.
type Special struct {
	Kind        string // point.KindFinal, point.KindSalvage
	Token       string // of the switch or the stand-down; it is part of the name (H29)
	ClusterUUID string
	Ledger      ledger.Ledger // in force
	// Good tells whether a point of this kind and token is good enough; else
	// another one is taken. It is asked of whole ones only.
	Good func(point.Point) bool
	// Spared: no user misses this red index or data stream in the point, which is
	// taken without it. nil: a red domain waits, whatever is red.
	Spared func(name string) bool
}

// Taken is what came of a Take.
type Taken struct {
	Point   *point.Point
	Waiting string // what it waits for, when there is no point yet
	Running string // snapshot under way, if it is known
	Notices []string
}

// Take settles what is under way and answers the special point, or asks for its
// snapshot. Repeated, it goes on.
func Take(ctx context.Context, d Deps, s Special) (Taken, error) {
	var out Taken
	res, err := d.do(ctx, s.Kind, &s, func(ctx context.Context, r *run) error {
		return r.underLease(ctx, func(ctx context.Context) error {
			if err := r.settle(ctx); err != nil {
				return err
			}
			p, ok, skipped, err := point.NewestWhole(ctx, r.Other, func(p point.Point) bool {
				return p.Kind == s.Kind && p.Switch == s.Token && p.ClusterUUID == s.ClusterUUID && s.Good(p)
			})
			r.result.Notices = append(r.result.Notices, skipped...)
			if err != nil {
				return err
			}
			if ok {
				out.Point = &p
				return nil
			}
			return r.start(ctx, s.Kind)
		})
	})
	out.Notices = res.Notices
	switch {
	case out.Point != nil:
	case res.Running != "":
		out.Waiting, out.Running = "snapshot "+res.Running, res.Running
	case res.Started != "":
		out.Waiting, out.Running = "snapshot "+res.Started, res.Started
	case res.Skipped != "":
		out.Waiting = "snapshots: " + res.Skipped
	default:
		out.Waiting = "a snapshot"
	}
	return out, err
}

// may a special snapshot be taken: the domain is the one it was asked for.
func (r *run) specially(ctx context.Context) error {
	p, _, _, err := point.NewestReadable(ctx, r.Other)
	if err != nil {
		return fmt.Errorf("read the newest recovery point in %s: %w", r.Other.Region(), err)
	}
	r.newest, r.led = p, r.special.Ledger.Copy()
	return nil
}

// red: the special point would lack an index that a user misses. Its own name stops
// it, or a health that no index of the listing explains.
func (r *run) red(ctx context.Context) error {
	var names []string
	if r.special.Spared != nil {
		all, err := r.dom.Indices(ctx)
		if err != nil {
			return fmt.Errorf("list the red indexes: %w", err)
		}
		red := Red(all)
		names = slices.DeleteFunc(slices.Clone(red), r.special.Spared)
		if len(red) > 0 && len(names) == 0 {
			return nil
		}
	}
	return missed("the domain is red (%s): a snapshot would lack an index; bring the missing primary shards back first", strings.Join(names, ", "))
}

// Red indexes by name, each data stream once by its own.
func Red(all []opensearch.Index) []string {
	var names []string
	for _, i := range all {
		if i.Health == opensearch.Red {
			names = append(names, cmp.Or(i.DataStream, i.Name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (r *run) itself() error {
	if r.info.ClusterUUID == r.special.ClusterUUID {
		return nil
	}
	return errors.New("the domain is cluster " + r.info.ClusterUUID + " and not " + r.special.ClusterUUID + " any more")
}

// plain letters and digits of a token, as a snapshot's name takes them.
func plain(token string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(token))
}
