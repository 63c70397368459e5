package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

// lotOf bounds the indexes of one call. The engine reads the metadata of each in
// turn before the first one exists, for some 50 ms: a lot is well below the 60 s
// that the service's proxy waits (H66).
const lotOf = 500

// part of a restore that comes whole or not at all.
type part struct {
	name    string
	stream  bool
	indices []point.Index
}

// restore what the plan names, lot by lot and point by point. The journal is
// written first; a call whose answer was lost is looked for, not repeated (F34).
func (p Pass) restore(ctx context.Context, plan Plan, out *Progress) (more bool, err error) {
	repo, err := p.Domain.Repository(ctx, contract.InboundRepository)
	if err != nil {
		return false, err
	}
	if !repo.ReadOnly || repo.BasePath != p.Point.BasePath || repo.Bucket != p.Point.Bucket {
		return false, fmt.Errorf("repository %s is not the read-only one of s3://%s/%s (H32); the next run registers it again", contract.InboundRepository, p.Point.Bucket, p.Point.BasePath)
	}
	of := map[point.ID][]part{}
	points := map[point.ID]point.Point{p.Point.ID: p.Point}
	for _, x := range parts(plan, out.Rest) {
		from := p.Point
		if len(x.indices) > 0 {
			if older, ok := out.Rest.Older[x.indices[0].Name]; ok {
				from = older
			}
		}
		points[from.ID], of[from.ID] = from, append(of[from.ID], x)
	}
	ids := make([]point.ID, 0, len(of))
	for id := range of {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b point.ID) int { return point.Compare(b, a) })
	for _, id := range ids {
		from := points[id]
		s, err := p.Domain.Snapshot(ctx, contract.InboundRepository, from.Snapshot)
		if err != nil {
			return false, err
		}
		if s.UUID != from.SnapshotUUID || s.State != opensearch.Success {
			return false, fmt.Errorf("snapshot %s is %s with UUID %s, the recovery point %s names %s", s.Name, s.State, s.UUID, from.ID, from.SnapshotUUID)
		}
		for _, lot := range lots(of[id]) {
			if err := p.lot(ctx, out, call{from: from, all: s, parts: lot}); err != nil || out.Waiting != "" || out.Refused != "" {
				return false, err
			}
		}
	}
	return true, nil
}

// parts of the plan.
func parts(plan Plan, w Wanted) []part {
	members := map[string][]point.Index{}
	for _, i := range w.Indices {
		members[unit(i)] = append(members[unit(i)], i)
	}
	var out []part
	for _, name := range plan.Indices {
		out = append(out, part{name: name, indices: members[name]})
	}
	for _, name := range plan.Streams {
		out = append(out, part{name: name, stream: true, indices: members[name]})
	}
	return out
}

// lots of at most lotOf indexes each; a data stream of more is a lot by itself.
func lots(all []part) [][]part {
	var out [][]part
	n := 0
	for _, x := range all {
		if len(out) == 0 || n+len(x.indices) > lotOf && n > 0 {
			out, n = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], x)
		n += len(x.indices)
	}
	return out
}

// call of one restore.
type call struct {
	from     point.Point
	all      opensearch.Snapshot
	parts    []part
	replicas *int // of each index, instead of its own number
}

func (c call) request() opensearch.RestoreRequest {
	r := opensearch.RestoreRequest{All: c.all, WriteBlock: true, Unbind: true, Replicas: c.replicas}
	for _, x := range c.parts {
		if x.stream {
			r.DataStreams = append(r.DataStreams, x.name)
		} else {
			r.Indices = append(r.Indices, x.name)
		}
	}
	return r
}

// lot asks for one. A refusal of the whole is the fate of one part only: the lot is
// halved until the part is found that the engine refuses (H79).
func (p Pass) lot(ctx context.Context, out *Progress, c call) error {
	err := p.ask(ctx, out, c)
	switch {
	case err == nil || out.Waiting != "" || out.Refused != "":
		return nil
	case !opensearch.IsRefused(err):
		return err
	case len(c.parts) > 1:
		half := len(c.parts) / 2
		for _, some := range [][]part{c.parts[:half], c.parts[half:]} {
			half := c
			half.parts = some
			if err := p.lot(ctx, out, half); err != nil || out.Waiting != "" || out.Refused != "" {
				return err
			}
		}
		return nil
	}
	return p.alone(ctx, out, c, err)
}

// fewer replicas to try with one that is refused: its own number may be above what
// the shards' limit leaves, or no multiple of this domain's zones. They are given
// back after the claim.
var fewer = []int{1, 2, 0}

// alone is the last try of a part that is refused by itself.
func (p Pass) alone(ctx context.Context, out *Progress, c call, refused error) error {
	damaged := opensearch.IsDamage(refused)
	for _, n := range fewer {
		if damaged {
			break
		}
		c.replicas = &n
		err := p.ask(ctx, out, c)
		if err == nil || out.Waiting != "" || out.Refused != "" {
			return nil
		}
		if !opensearch.IsRefused(err) {
			return err
		}
	}
	out.Journal.Unplaced[c.parts[0].name] = Unplaced{Point: c.from.ID, Try: p.Try, Cause: refused.Error(), Damaged: damaged}
	return out.Journal.Save(ctx, p.Bucket)
}

// ask the engine for one restore, noted before.
func (p Pass) ask(ctx context.Context, out *Progress, c call) error {
	if err := p.May(ctx); err != nil {
		return err
	}
	j := out.Journal
	var names []string
	for _, x := range c.parts {
		for _, i := range x.indices {
			users, foreign := opensearch.UserBlocks(i.Blocks)
			item := Item{
				NotCarried: append(foreign, i.NotCarried...), DataStream: i.DataStream, Point: c.from.ID, Snapshot: c.from.Snapshot, Source: i.UUID, Mapping: i.MappingVersion,
				Settings: i.SettingsVersion, Open: i.Open, Bounds: i.Shards, Blocks: users, Asked: p.Now, Bound: i.Bound,
			}
			if c.replicas != nil && i.Replicas != *c.replicas {
				item.Reduced = &i.Replicas
			}
			j.Items[i.Name] = item
			names = append(names, i.Name)
		}
	}
	if err := j.Save(ctx, p.Bucket); err != nil {
		return err
	}
	err := p.Domain.Restore(ctx, contract.InboundRepository, c.from.Snapshot, c.request())
	switch {
	case opensearch.IsGatewayTimeout(err):
		out.Waiting = "the restore, whose begin was not answered: " + err.Error()
		return nil
	case opensearch.IsUnanswered(err):
		return err // the items stay: it may have been taken
	}
	// The engine has answered: what it has taken is there, and the rest never comes.
	for _, name := range names {
		if err != nil {
			delete(j.Items, name)
			continue
		}
		item := j.Items[name]
		item.Asked = time.Time{}
		j.Items[name] = item
	}
	switch {
	case opensearch.IsTooNew(err):
		out.Refused = err.Error()
		return nil
	case opensearch.IsIndexInTheWay(err): // F12: the next look sees whose it is
		out.Waiting = "an index that appeared meanwhile: " + strings.TrimSpace(err.Error())
		return nil
	}
	return err
}
