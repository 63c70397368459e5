package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// administrator is a user who changes what a domain is, through the DNS name as
// everybody does, at any time.
type administrator struct {
	client
	rolled   int // indexes behind the alias that rolls over
	swapped  int
	policies int
}

// dotted are names that look like the engine's own and hold somebody's documents.
var dotted = []string{".opensearch-mine", ".plugins-of-ours", ".kibana_1", ".opendistro-mine"}

// administered: the administrators of this history come now and then.
func (w *world) administered() {
	a := &administrator{client: client{w: w, number: 9, keeps: time.Minute}}
	acts := map[Unkindness]func(*standing){
		Aliases: a.alias, Administration: a.parts, Blocks: a.block, Closing: a.close, RedIndexes: a.red, DotNames: a.dotted,
	}
	for _, u := range Unkindnesses() {
		act := acts[u]
		if act == nil || !w.has(u) {
			continue
		}
		var again func()
		again = func() {
			if d := a.domain(); d != nil && !w.ending && !w.idle {
				act(d)
			}
			w.at(time.Duration(90+w.climateDraw(600))*time.Second, again)
		}
		w.at(time.Duration(w.climateDraw(900))*time.Second, again)
	}
}

// alias of one of three kinds: it rolls over, it takes an index's place, or it is
// just put.
func (a *administrator) alias(d *standing) {
	w, ctx := a.w, context.Background()
	switch w.climateDraw(4) {
	case 0, 1:
		name := fmt.Sprintf("rolled-%06d", a.rolled+1)
		if err := d.cluster.CreateIndex(ctx, name, opensearchtest.IndexOptions{}); err != nil {
			return
		}
		a.rolled++
		w.born(d)
		actions := []opensearch.AliasAction{{Index: name, Alias: "rolled", Properties: map[string]any{"is_write_index": true}}}
		if before := w.writeIndexOf(d, "rolled"); before != "" {
			actions = append(actions, opensearch.AliasAction{Index: before, Alias: "rolled", Properties: map[string]any{"is_write_index": false}})
		}
		a.aliases(d, actions)
		a.write(d, name, "d0")
		a.dropIndex(d, fmt.Sprintf("rolled-%06d", a.rolled-3))
	case 2: // a reindex without downtime: the old index goes, its name is an alias of the new one
		a.swapped++
		old, name := "shop", fmt.Sprintf("shop-v%d", a.swapped)
		if behind := slices.Sorted(maps.Keys(aliasesOf(d)[old])); len(behind) > 0 {
			if d.cluster.CreateIndex(ctx, name, opensearchtest.IndexOptions{}) != nil {
				return
			}
			w.born(d)
			a.write(d, name, "d0")
			a.aliases(d, []opensearch.AliasAction{{Index: behind[0], Alias: old, Remove: true}, {Index: name, Alias: old}})
			a.dropIndex(d, behind[0])
			return
		}
		if _, there := d.cluster.Describe(old); !there {
			if d.cluster.CreateIndex(ctx, old, opensearchtest.IndexOptions{}) == nil {
				w.born(d)
				a.write(d, old, "d0")
			}
			return
		}
		if d.cluster.CreateIndex(ctx, name, opensearchtest.IndexOptions{}) != nil {
			return
		}
		w.born(d)
		a.write(d, name, "d0")
		a.dropIndex(d, old)
		if _, there := d.cluster.Describe(old); !there {
			a.aliases(d, []opensearch.AliasAction{{Index: name, Alias: old}})
		}
	default:
		index := []string{"movies", "logs-1"}[w.climateDraw(2)]
		a.aliases(d, []opensearch.AliasAction{{Index: index, Alias: fmt.Sprint("view-", w.climateDraw(3)), Properties: map[string]any{"routing": fmt.Sprint(w.climateDraw(5))}}})
	}
}

func (a *administrator) aliases(d *standing, actions []opensearch.AliasAction) {
	err := d.cluster.PutAliases(context.Background(), actions)
	a.w.log.say(a.w.now, err, "an administrator puts aliases %v in %s", actions, d.endpoint)
	if err == nil {
		a.w.aliased(d, actions)
	}
}

// writeIndexOf an alias.
func (w *world) writeIndexOf(d *standing, alias string) string {
	c, _ := d.cluster.Capsule(context.Background())
	for index, aliases := range c.Aliases {
		if p, ok := aliases[alias].(map[string]any); ok && p["is_write_index"] == true {
			return index
		}
	}
	return ""
}

// parts of the capsule: a template, a pipeline, a policy, a role.
func (a *administrator) parts(d *standing) {
	w, ctx := a.w, context.Background()
	a.policies++
	name, value := fmt.Sprint("part-", w.climateDraw(3)), map[string]any{"version": float64(a.policies)}
	part := map[string]map[string]any{name: value}
	var refused []opensearch.Refused
	var err error
	kind := min(w.climateDraw(5), 4)
	switch kind {
	case 0:
		refused, err = d.cluster.PutCapsule(ctx, opensearch.Capsule{IndexTemplates: map[string]map[string]any{name: {"index_patterns": []any{name + "-*"}, "version": float64(a.policies)}}})
	case 1:
		refused, err = d.cluster.PutCapsule(ctx, opensearch.Capsule{IngestPipelines: part})
	case 2:
		refused, err = d.cluster.PutCapsule(ctx, opensearch.Capsule{ComponentTemplates: part})
	case 3:
		refused, err = d.cluster.PutCapsule(ctx, opensearch.Capsule{ISMPolicies: part})
	default:
		refused, err = d.cluster.PutSecurityCapsule(ctx, opensearch.Capsule{Roles: map[string]map[string]any{name: {"cluster_permissions": []any{fmt.Sprint("cluster:", a.policies)}}}})
	}
	w.log.say(w.now, err, "an administrator puts %s, version %d, in %s", name, a.policies, d.endpoint)
	if err == nil && len(refused) == 0 {
		w.administrated(d, []string{"template", "pipeline", "component", "policy", "role"}[kind], name)
	}
}

// block of a user's, or of a disk that is full, for a while or for good.
func (a *administrator) block(d *standing) {
	w, ctx := a.w, context.Background()
	index := []string{"movies", "logs-1", "blocked-1"}[w.climateDraw(3)]
	if _, there := d.cluster.Describe(index); !there {
		a.write(d, index, "d0")
	}
	if w.faults.quiet {
		return
	}
	kinds := []string{"write", "read_only", "read", "metadata"}
	if w.has(FloodStage) {
		kinds = append(kinds, "read_only_allow_delete", "read_only_allow_delete")
	}
	kind := kinds[w.climateDraw(int64(len(kinds)))]
	if err := d.cluster.SetBlock(ctx, index, kind, true); err != nil {
		return
	}
	w.log.say(w.now, nil, "%s gets block %s in %s", index, kind, d.endpoint)
	w.blockedBy(index, kind)
	w.at(time.Duration(60+w.climateDraw(2400))*time.Second, func() {
		if e := a.domain(); e != nil {
			w.takesAway(e, index, kind)
		}
	})
}

// takesAway a block of one's own: whoever does that while a fence stands, or at a
// domain that another one has superseded, lets writes in that nobody knows of.
func (w *world) takesAway(d *standing, index, kind string) {
	err := d.cluster.SetBlock(context.Background(), index, kind, false)
	w.log.say(w.now, err, "somebody takes block %s of %s in %s away", kind, index, d.endpoint)
	w.lifted = w.now
	if i, there := d.cluster.Describe(index); there && w.inForce() != nil {
		delete(w.inForce().fenced, i.UUID)
	}
}

// unblock is somebody who takes away what a refusal names: blocks under which an
// index cannot be saved, and those of a disk that has room again.
func (w *world) unblock() {
	if !w.has(Blocks) {
		return
	}
	for _, r := range []string{east, west} {
		d := w.places[r].domain
		if d == nil || w.now.Before(d.ready) {
			continue
		}
		for _, i := range indices(d) {
			for _, kind := range []string{"metadata", "read_only", "read_only_allow_delete"} {
				if slices.Contains(i.Blocks, kind) {
					w.takesAway(d, i.Name, kind)
				}
			}
		}
	}
}

func (a *administrator) close(d *standing) {
	w, ctx := a.w, context.Background()
	const index = "closed-1"
	i, there := d.cluster.Describe(index)
	if !there {
		a.write(d, index, "d0")
		return
	}
	var err error
	if i.Open {
		err = d.cluster.CloseIndex(ctx, index)
	} else {
		err = d.cluster.OpenIndex(ctx, index)
	}
	w.log.say(w.now, err, "an administrator closes or opens %s, open=%t, in %s", index, i.Open, d.endpoint)
}

// red for a while: the node of its one shard is away.
func (a *administrator) red(d *standing) {
	w := a.w
	names := []string{"movies", "logs-1", "red-1"}
	index := names[w.climateDraw(int64(len(names)))]
	i, there := d.cluster.Describe(index)
	if !there {
		a.write(d, index, "d0")
		return
	}
	if i.Health != opensearch.Green || w.faults.quiet {
		return
	}
	d.cluster.SetHealth(index, opensearch.Red)
	w.log.say(w.now, nil, "%s is red in %s", index, d.endpoint)
	back := func() {
		if now, there := d.cluster.Describe(index); !d.gone && there && now.UUID == i.UUID && now.Health == opensearch.Red {
			d.cluster.SetHealth(index, opensearch.Green)
			w.log.say(w.now, nil, "%s is green again in %s", index, d.endpoint)
		}
	}
	w.reds = append(w.reds, back)
	w.at(time.Duration(60+w.climateDraw(1800))*time.Second, back)
}

// dotted documents under names that look like the engine's own.
func (a *administrator) dotted(d *standing) {
	name := dotted[a.w.climateDraw(int64(len(dotted)))]
	a.write(d, name, fmt.Sprint("d", a.w.climateDraw(3)))
}

// dropIndex on purpose: nobody misses what was in it.
func (c *client) dropIndex(d *standing, name string) {
	w := c.w
	i, there := d.cluster.Describe(name)
	if !there {
		return
	}
	err := d.cluster.DeleteIndex(context.Background(), name)
	w.log.say(w.now, err, "client%d drops %s on %s", c.number, name, d.endpoint)
	if err == nil {
		for _, o := range w.held[i.UUID] {
			o.forgotten = true
		}
	}
}

// blockedBy a user, now or once.
func (a *alive) blockedBy(index, kind string) {
	if a.guarded[index] == nil {
		a.guarded[index] = map[string]bool{}
	}
	a.guarded[index][kind] = true // what was once may be in a recovery point
}

func named(list []string, what string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return s == what || strings.Contains(s, what) })
}
