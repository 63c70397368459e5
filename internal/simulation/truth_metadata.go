package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// changed is an alias or a part of the capsule that an administrator changed, and
// got an answer.
type altered struct {
	d  *standing
	at time.Time
}

// metadata that administrators changed: "alias rolled", "template part-1".
type metadata map[string]altered

// aliased: these aliases are as the actions made them.
func (t *truth) aliased(d *standing, actions []opensearch.AliasAction) {
	for _, a := range actions {
		t.metadata["alias "+a.Alias] = altered{d, t.w.now}
	}
}

func (t *truth) administrated(d *standing, kind, name string) {
	t.metadata[kind+" "+name] = altered{d, t.w.now}
}

// inherits is what a claimed domain must have of the one before, once it is handed
// over: aliases by index, parts by name.
type inherits struct {
	aliases map[string]map[string]bool   // alias to index to whether it takes the writes
	parts   map[string]map[string]string // kind to name to content
	names   []string                     // "alias rolled", of which it is known
}

// inheritance at the claim of what was changed before the recovery point began.
func (t *truth) inheritance(c *claimed) *inherits {
	notes := t.notesOf(c)
	if notes == nil || notes.Target == nil {
		return nil // its own content goes on
	}
	begun := time.Time{}
	for _, r := range []string{east, west} {
		for _, p := range t.points(t.w.places[r].bucket) {
			if p.ID == *notes.Target && p.ClusterUUID == c.before.cluster.UUID() {
				begun = p.Start
			}
		}
	}
	out := &inherits{aliases: aliasesOf(c.before), parts: partsOf(c.before)}
	for _, name := range slices.Sorted(maps.Keys(t.metadata)) {
		known := begun
		if strings.HasPrefix(name, "role ") { // read by the minute run, most of which are left out here
			known = begun.Add(-10 * time.Minute)
		}
		if a := t.metadata[name]; a.d == c.before && a.at.Before(known) {
			out.names = append(out.names, name)
		}
	}
	return out
}

func aliasesOf(d *standing) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	c, _ := d.cluster.Capsule(context.Background())
	for index, aliases := range c.Aliases {
		for alias, p := range aliases {
			if out[alias] == nil {
				out[alias] = map[string]bool{}
			}
			m, _ := p.(map[string]any)
			out[alias][index] = m["is_write_index"] == true
		}
	}
	return out
}

func partsOf(d *standing) map[string]map[string]string {
	ctx := context.Background()
	c, _ := d.cluster.Capsule(ctx)
	s, _ := d.cluster.SecurityCapsule(ctx)
	out := map[string]map[string]string{}
	for kind, parts := range map[string]map[string]map[string]any{
		"template": c.IndexTemplates, "pipeline": c.IngestPipelines, "component": c.ComponentTemplates, "policy": c.ISMPolicies, "role": s.Roles,
	} {
		out[kind] = map[string]string{}
		for name, p := range parts {
			raw, _ := json.Marshal(p)
			out[kind][name] = string(raw)
		}
	}
	return out
}

// inherited: after a switch the domain in force has the aliases and the parts that
// were acknowledged before its recovery point began, or somebody is told.
func (w *world) inherited(c *claimed) {
	want := c.inherits
	c.inherits = nil
	have, parts := aliasesOf(c.d), partsOf(c.d)
	for _, what := range want.names {
		var kind, name string
		_, _ = fmt.Sscanf(what, "%s %s", &kind, &name)
		if w.metadata[what].d == c.d || named(w.told[c.d.region], name) {
			continue // changed since, or told
		}
		if kind != "alias" {
			if have := parts[kind][name]; have != want.parts[kind][name] {
				w.fail("H54: %s was %s at the domain before and is %q in %s after the switch, and nobody is told", what, want.parts[kind][name], have, c.d.region)
			}
			continue
		}
		for _, i := range indices(c.d) {
			writes, ought := want.aliases[name][i.Name]
			is, has := have[name][i.Name]
			if named(w.told[c.d.region], i.Name) || w.madeHere(i.UUID, c) {
				continue
			}
			if ought != has || writes != is {
				w.fail("H63: alias %s of index %s was %t, for writes %t, at the domain before, and is %t, %t in %s after the switch, and nobody is told", name, i.Name, ought, writes, has, is, c.d.region)
			}
		}
	}
}

// madeHere since the claim, by a user.
func (w *world) madeHere(uuid string, c *claimed) bool {
	at, known := w.age[uuid]
	return known && at.After(c.at)
}

// drops an index between the claim and the hand-over, as a user may who knows the
// endpoint.
func (w *world) dropsSoon(c *claimed) {
	r := w.climate[Deletion]
	if r == nil || w.ending {
		return
	}
	w.at(time.Duration(r.IntN(20_000))*time.Millisecond, func() {
		all := indices(c.d)
		if c.d.gone || len(all) == 0 || w.inForce() != c {
			return
		}
		i := all[r.IntN(len(all))]
		if i.DataStream == "" && i.Name != archive && !nobodys(i.Name) {
			(&client{w: w, number: 8}).dropIndex(c.d, i.Name)
		}
	})
}
