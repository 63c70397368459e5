package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// manyFates bounds the notes of what went well: above it only the others are noted.
const manyFates = 500

// noteFates of all that is wanted, when everything that can come has come.
func (r *run) noteFates(ctx context.Context, p point.Point, out restore.Progress) error {
	fates := r.fatesOf(p, out)
	r.tellFates(fates)
	if slices.Equal(fates, r.state.Fates) {
		return nil
	}
	r.state.Fates = fates
	return r.saveState(ctx)
}

// fatesOf the units of a point, those first that a person must know.
func (r *run) fatesOf(p point.Point, out restore.Progress) []contract.Fate {
	documents := map[string]int64{}
	from := map[string]bool{} // restored from this point, or from the older one
	units := out.Wanted.Units()
	for _, i := range out.Wanted.Indices {
		u := i.Name
		if i.DataStream != "" {
			u = i.DataStream
		}
		documents[u] += i.Documents
		from[u] = from[u] || out.Journal.Items[i.Name].Point == p.ID
	}
	var told, ordinary []contract.Fate
	for _, u := range units {
		f := contract.Fate{Index: u, Fate: contract.FateUnchanged, Point: p.ID.String(), Documents: documents[u]}
		x, unplaced := out.Unplaced[u]
		older, damaged := r.state.Older[u]
		switch {
		case slices.Contains(out.Left, u):
			f.Fate, f.Cause = contract.FateLeftOut, "left behind by -c without"
		case unplaced && x.Damaged:
			f.Fate, f.Point, f.Cause = contract.FateLost, "", x.Cause+"; no older recovery point has it whole"
		case unplaced:
			f.Fate, f.Cause = contract.FateUnplaced, x.Cause
		case damaged && older != (point.ID{}):
			f.Fate, f.Point, f.Cause = contract.FateOlder, older.String(), r.state.Damaged[u]
		case from[u]:
			f.Fate = contract.FateRestored
		}
		if f.Fate == contract.FateRestored || f.Fate == contract.FateUnchanged {
			ordinary = append(ordinary, f)
			continue
		}
		if undecided(f) {
			f.Hint = "To go on without it: -c without=" + u
		}
		told = append(told, f)
	}
	for _, name := range out.Wanted.LeftOut {
		told = append(told, contract.Fate{Index: name, Fate: contract.FateLeftOut, Point: p.ID.String(), Cause: "left out by dr.restore"})
	}
	if len(told)+len(ordinary) > manyFates {
		return told
	}
	return append(told, ordinary...)
}

// undecided: the point that was asked for holds it, this domain does not, and no
// wish says that it may stay behind.
func undecided(f contract.Fate) bool {
	return f.Fate == contract.FateUnplaced || f.Fate == contract.FateLost
}

// tellFates that are not the ordinary ones.
func (r *run) tellFates(fates []contract.Fate) {
	r.status.Fates = fates
	for _, f := range fates {
		switch f.Fate {
		case contract.FateUnplaced:
			r.attend(contract.AttentionIndexUnplaced, f.Index, f.Hint, "this domain cannot hold it: %s. Recovery point %s has %d documents of it", f.Cause, f.Point, f.Documents)
		case contract.FateLost:
			r.attend(contract.AttentionIndexUnplaced, f.Index, f.Hint, "no recovery point has it: %s. %d documents were counted", f.Cause, f.Documents)
		case contract.FateOlder:
			r.attend(contract.AttentionIndexOlder, f.Index, "", "it comes from recovery point %s, since in the newest one %s: what was written to it after that point is not here", f.Point, f.Cause)
		}
	}
}

// givenUpFates tells, to who only looks, what a switch to here could not restore
// while the generation that it began in is still in force.
func (r *run) givenUpFates(ctx context.Context) error {
	if r.state == nil {
		if err := r.loadState(ctx); err != nil {
			return err
		}
		defer func() { r.state = nil }() // no run can go on with it
	}
	if s := r.state; s != nil && r.claimed && s.Generation == r.led.Generation && s.Source == r.led.ClusterUUID {
		r.tellFates(s.Fates)
	}
	return nil
}

// foreseen: a planned switch raises no fence while an index would stay behind that
// the wish does not name (H53).
func (r *run) foreseen(ctx context.Context) error {
	if !r.switching() || r.state.Lost != "" || r.state.Own || r.state.Final {
		return nil
	}
	return r.settledFates(ctx)
}

// placed: everything else is restored and verified. What is not is for a person to
// decide, or for dr.restore.unplaced.
func (r *run) placed(ctx context.Context) error {
	if !r.switching() || r.state.Own {
		return nil
	}
	return r.settledFates(ctx)
}

// settledFates, or the question to a person. A planned switch is given up: nothing is
// lost, the source serves, and what was restored stays in the domain for the next
// command. An unplanned one is kept: the answer must take seconds.
func (r *run) settledFates(ctx context.Context) error {
	var open []contract.Fate
	for _, f := range r.state.Fates {
		if undecided(f) || f.Fate == contract.FateOlder && r.state.Lost == "" && r.state.Final {
			open = append(open, f)
		}
	}
	if len(open) == 0 {
		return nil
	}
	lost := r.state.Lost != ""
	if lost && r.Settings.Restore.Unplaced == contract.UnplacedContinue {
		r.notice("dr.restore.unplaced=continue: the switch goes on without %s", strings.Join(first(named(open), 20), ", "))
		return nil
	}
	var what []string
	for _, f := range open {
		what = append(what, fmt.Sprintf("%s (%d documents): %s", f.Index, f.Documents, short(f.Cause)))
	}
	without := strings.Join(slices.Concat(names(r.state.Wish.Without), named(open)), ",")
	// CloudFormation cuts a reason off: the command comes before the causes.
	because := refuse("%d of the indexes of recovery point %s cannot be restored in %s, all others are restored and stay ready. To go on without them add -c without=%s to the same command; what they hold stays in the recovery point, which is kept. The causes: %s",
		len(open), r.state.Target, r.Region, without, strings.Join(first(what, 5), "; "))
	if !lost {
		return r.giveUp(ctx, r.intent, because)
	}
	wait := wait("a person's word about what cannot be restored in %s. To go on without it add -c without=%s to the same command. The causes: %s", r.Region, without, strings.Join(first(what, 5), "; "))
	if r.req.RequestID == "" {
		return wait
	}
	r.progress(ctx, wait)
	return because
}

// short form of a cause, for a sentence that has several.
func short(cause string) string {
	const most = 300
	if len(cause) <= most {
		return cause
	}
	return strings.ToValidUTF8(cause[:most], "") + "..."
}

func named(fates []contract.Fate) []string {
	var out []string
	for _, f := range fates {
		out = append(out, f.Index)
	}
	return out
}

// keepHolder of the pin on a point of which a switch left something behind.
func (r *run) keepHolder() string {
	return fmt.Sprintf("%s%s, generation %d", point.KeptBehind, r.Region, r.state.Generation+1)
}

// keptBehind pins the point of which the switch leaves indexes behind, for good: it
// may be the only place that has them. A person ends the pin, or a salvage.
func (r *run) keptBehind(ctx context.Context) error {
	behind := slices.ContainsFunc(r.state.Fates, func(f contract.Fate) bool {
		return f.Fate == contract.FateUnplaced || f.Fate == contract.FateLeftOut && !slices.Contains(r.state.LeftOut, f.Index)
	})
	if !behind || r.state.Target == nil {
		return nil
	}
	return point.KeepFor(ctx, r.source(), *r.state.Target, r.keepHolder())
}
