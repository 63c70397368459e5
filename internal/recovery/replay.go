package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/store"
)

// unreplayed: a capsule waits, also of a recovery point without any index.
func (r *run) unreplayed() bool {
	return r.ownNotes() && r.state.Target != nil && !r.state.Replayed
}

// putAtOnce is how much of a capsule is put between two notes of how far it is.
const putAtOnce = 100

// replay what snapshots do not carry, before the first write (H12, F11, F30). What
// the engine refuses is named and waited for in no case (H54); what is unknown is
// an error, and the next run asks again for that alone.
func (r *run) replay(ctx context.Context, dom domain.Recovery, j restore.Journal, rec *fence.Record, all []opensearch.Index) error {
	if r.state.HandOver.overdue(r.now) { // it takes long, and pins end
		if err := r.pin(ctx, *r.state.Target); err != nil && !errors.Is(err, point.ErrGone) {
			r.notice("%v", err)
		}
	}
	c, err := point.LoadCapsule(ctx, r.source(), *r.state.Target)
	switch {
	case errors.Is(err, store.ErrAbsent), errors.Is(err, point.ErrMalformed):
		r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: "capsule", Text: fmt.Sprintf("templates, pipelines, aliases and roles of recovery point %s are not here: %v", r.state.Target, err),
			Hint: "Put them again from where they are kept"})
	case err != nil:
		return err
	}
	h := r.state.HandOver
	if h.Put == nil {
		h.Put, h.Unanswered = map[string]string{}, map[string][]string{}
	}
	var unknown error
	if !h.Aliases { // first: automatic creation waits for them
		if unknown = r.putAliases(ctx, dom, c, j, all); unknown == nil {
			h.Aliases, r.changed = true, true
		}
	}
	unknown = errors.Join(unknown, r.putParts(ctx, dom, c))
	if ctx.Err() != nil {
		return errors.Join(unknown, ctx.Err())
	}
	if rec != nil && !h.Settings {
		// Automatic creation and index management are off here until the lift, which
		// gives back what the record says: from now on the source's settings, not what
		// a new domain came with.
		if s := c.AutoCreate; s != nil {
			rec.AutoCreate, rec.AutoCreateSet = s.Value, s.Set
		}
		if c.ISM != nil {
			rec.ISM = *c.ISM
		}
		if err := rec.Save(ctx, r.Own); err != nil {
			return errors.Join(unknown, err)
		}
		h.Settings, r.changed = true, true
	}
	if unknown != nil {
		return unknown
	}
	if err := r.pipelinesFit(ctx, dom, j); err != nil {
		return err
	}
	r.untell(contract.AttentionReplay, unfinished)
	r.state.Replayed, r.changed = true, false
	return r.saveState(ctx)
}

// portion of a capsule: one kind of object, and who puts it.
type portion struct {
	name    string
	content map[string]map[string]any
	put     func(context.Context, map[string]map[string]any) ([]opensearch.Refused, error)
}

// portions in the order that they refer to each other.
func (r *run) portions(dom domain.Recovery, c opensearch.Capsule) []portion {
	by := func(capsule func(map[string]map[string]any) opensearch.Capsule) func(context.Context, map[string]map[string]any) ([]opensearch.Refused, error) {
		return func(ctx context.Context, some map[string]map[string]any) ([]opensearch.Refused, error) {
			return dom.PutCapsule(ctx, capsule(some))
		}
	}
	secure := func(capsule func(map[string]map[string]any) opensearch.Capsule) func(context.Context, map[string]map[string]any) ([]opensearch.Refused, error) {
		return func(ctx context.Context, some map[string]map[string]any) ([]opensearch.Refused, error) {
			master, err := r.Plane.OpenMaster(ctx, r.Region, r.desc.Endpoint)
			if err != nil {
				return nil, err
			}
			return master.PutSecurityCapsule(ctx, capsule(some))
		}
	}
	type content = map[string]map[string]any
	return []portion{
		{"stored script", c.StoredScripts, by(func(m content) opensearch.Capsule { return opensearch.Capsule{StoredScripts: m} })},
		{"ingest pipeline", c.IngestPipelines, by(func(m content) opensearch.Capsule { return opensearch.Capsule{IngestPipelines: m} })},
		{"component template", c.ComponentTemplates, by(func(m content) opensearch.Capsule { return opensearch.Capsule{ComponentTemplates: m} })},
		{"index template", c.IndexTemplates, by(func(m content) opensearch.Capsule { return opensearch.Capsule{IndexTemplates: m} })},
		{"legacy template", c.LegacyTemplates, by(func(m content) opensearch.Capsule { return opensearch.Capsule{LegacyTemplates: m} })},
		{"ISM policy", c.ISMPolicies, by(func(m content) opensearch.Capsule { return opensearch.Capsule{ISMPolicies: m} })},
		{"action group", c.ActionGroups, secure(func(m content) opensearch.Capsule { return opensearch.Capsule{ActionGroups: m} })},
		{"role", c.Roles, secure(func(m content) opensearch.Capsule { return opensearch.Capsule{Roles: m} })},
		{"role mapping", c.RoleMappings, secure(func(m content) opensearch.Capsule { return opensearch.Capsule{RoleMappings: m} })},
	}
}

// putParts puts what has no answer yet, and notes how far it is. The error is what
// has no answer.
func (r *run) putParts(ctx context.Context, dom domain.Recovery, c opensearch.Capsule) error {
	h := r.state.HandOver
	var unknown []error
	for _, p := range r.portions(dom, c) {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(p.content)) {
			if name > h.Put[p.name] {
				names = append(names, name)
			}
		}
		names = append(names, h.Unanswered[p.name]...) // last: they may cost the most
		for some := range slices.Chunk(names, putAtOnce) {
			content := map[string]map[string]any{}
			for _, name := range some {
				content[name] = p.content[name]
			}
			refused, err := p.put(ctx, content)
			last := some[len(some)-1]
			if err != nil {
				unknown = append(unknown, fmt.Errorf("put %d of kind %s: %w", len(some), p.name, err))
				if last = ""; len(refused) > 0 {
					last = refused[len(refused)-1].Name
				}
			}
			open := h.Unanswered[p.name]
			open = slices.DeleteFunc(slices.Clone(open), func(name string) bool { return err == nil && slices.Contains(some, name) })
			for _, x := range refused {
				if x.Unknown {
					if !slices.Contains(open, x.Name) {
						open = append(open, x.Name)
					}
					unknown = append(unknown, fmt.Errorf("%s %s has no answer: %s", x.Part, x.Name, x.Reason))
					continue
				}
				r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: x.Part + " " + x.Name, Text: "this domain refuses it: " + x.Reason,
					Hint: "Put it by hand, as the source had it, when its cause is settled"})
			}
			h.Unanswered[p.name], h.Put[p.name], r.changed = open, max(h.Put[p.name], last), true
			if err != nil {
				break // the kinds after it are not this one's fault
			}
			if len(names) > putAtOnce {
				if err := r.noteHandOver(ctx); err != nil {
					return err
				}
			}
		}
		if ctx.Err() != nil {
			return errors.Join(append(unknown, ctx.Err())...)
		}
	}
	return errors.Join(unknown...)
}

// aliasesAtOnce are in one change of the cluster's state.
const aliasesAtOnce = 500

// putAliases of the copies that are here now. Of a call that is refused each half
// is tried by itself, down to the one alias that cannot be.
func (r *run) putAliases(ctx context.Context, dom domain.Recovery, c opensearch.Capsule, j restore.Journal, all []opensearch.Index) error {
	copies, streams, names := map[string]bool{}, map[string]string{}, []string(nil)
	for _, i := range all {
		names = append(names, i.Name)
		if item, ours := j.Items[i.Name]; ours && item.UUID == i.UUID {
			copies[i.Name] = true
		}
		if i.DataStream != "" {
			streams[i.Name] = i.DataStream
			names = append(names, i.DataStream)
		}
	}
	wanted, told := restore.Aliases(c, copies, names)
	for _, x := range told {
		r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: "alias " + x.Alias, Text: x.Text, Hint: x.Hint})
	}
	var actions []opensearch.AliasAction
	for _, a := range wanted {
		if stream := streams[a.Index]; stream != "" {
			r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: "alias " + a.Alias, Text: "the engine takes no alias of a data stream but from its template: the backing indexes of " + stream + " that were restored lack it",
				Hint: "POST " + stream + "/_rollover makes a write index that has it; the older ones are found by the stream's own name"})
			continue
		}
		actions = append(actions, a)
	}
	for some := range slices.Chunk(actions, aliasesAtOnce) {
		if err := r.aliasLot(ctx, dom, some); err != nil {
			return fmt.Errorf("put %d aliases: %w", len(some), err)
		}
	}
	return nil
}

func (r *run) aliasLot(ctx context.Context, dom domain.Recovery, actions []opensearch.AliasAction) error {
	err := dom.PutAliases(ctx, actions)
	switch {
	case err == nil:
		return nil
	case !opensearch.IsRefusal(err):
		return err
	case len(actions) == 1 && errors.Is(err, opensearch.ErrNotFound):
		return nil // its index is gone meanwhile (H73)
	case len(actions) == 1:
		a := actions[0]
		r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: "alias " + a.Alias, Text: fmt.Sprintf("this domain refuses it for index %s: %v", a.Index, err),
			Hint: "Make it by POST _aliases when its cause is settled, before a client writes by that name: an index of that name would keep it from being made"})
		return nil
	}
	half := len(actions) / 2
	if err := r.aliasLot(ctx, dom, actions[:half]); err != nil {
		return err
	}
	return r.aliasLot(ctx, dom, actions[half:])
}

// pipelinesFit names the pipelines that a copy's settings want and that are not
// here: each write to that index would be refused, and nothing else would say why.
func (r *run) pipelinesFit(ctx context.Context, dom domain.Recovery, j restore.Journal) error {
	missing, err := dom.MissingPipelines(ctx)
	if err != nil {
		if !opensearch.IsRefusal(err) {
			return err
		}
		r.notice("whether each index has its pipelines is not known: %v", err)
	}
	for _, m := range missing {
		if _, ours := j.Items[m.Index]; !ours {
			continue
		}
		what := "writes to"
		if m.Setting == "index.search.default_pipeline" {
			what = "searches of"
		}
		r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: m.Index + " " + m.Setting, Text: fmt.Sprintf("this domain refuses %s index %s: its %s names pipeline %s, which is not here", what, m.Index, m.Setting, m.Pipeline),
			Hint: fmt.Sprintf("Put that pipeline, or set %s of the index to _none", m.Setting)})
	}
	return nil
}
