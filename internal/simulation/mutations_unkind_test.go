package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// notesOfSwitch changes what is written down of a switch.
func notesOfSwitch(f func(body []byte) []byte) func() Mutation {
	return bucketsOf(func(_ *process, under store.Bucket, b *warped) {
		b.put = func(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error) {
			if strings.HasSuffix(key, "/switch.json") {
				body = f(body)
			}
			return under.Put(ctx, key, body, c)
		}
	})
}

// untold: nobody hears what a controller names.
func untold(m func() Mutation) func() Mutation {
	return func() Mutation {
		out := m()
		out.Told = func(s *contract.RecoveryStatus) { s.Attention, s.Fates = nil, nil }
		return out
	}
}

var errRefusedPart = errors.New("one of them is refused, so all are")

// unkindMutations take one answer to what the service and its users do out again.
var unkindMutations = []mutated{
	{"templates and pipelines are not replayed", engines(func(_ *standing, _ engine, b *blunt) {
		b.capsule = func(context.Context, opensearch.Capsule) ([]opensearch.Refused, error) { return nil, nil }
	}), "H54", 2, map[Unkindness]int{Administration: 100}},
	{"roles are not replayed", engines(func(_ *standing, _ engine, b *blunt) {
		b.roles = func(context.Context, opensearch.Capsule) ([]opensearch.Refused, error) { return nil, nil }
	}), "H54", 2, map[Unkindness]int{Administration: 100}},
	{"aliases are not replayed", engines(func(_ *standing, _ engine, b *blunt) {
		b.aliases = func(context.Context, []opensearch.AliasAction) error { return nil }
	}), "H63", 1, map[Unkindness]int{Aliases: 100}},
	{"the write index of an alias is not carried", engines(func(_ *standing, e engine, b *blunt) {
		b.aliases = func(ctx context.Context, actions []opensearch.AliasAction) error {
			actions = slices.Clone(actions)
			for n := range actions {
				actions[n].Properties = nil
			}
			return e.PutAliases(ctx, actions)
		}
	}), "H63", 5, map[Unkindness]int{Aliases: 100}},
	{"aliases go all or nothing", untold(engines(func(_ *standing, _ engine, b *blunt) {
		b.aliases = func(context.Context, []opensearch.AliasAction) error {
			return &opensearch.Error{Step: "put aliases", Status: 403, Type: "security_exception", Reason: errRefusedPart.Error()}
		}
	})), "H63", 1, map[Unkindness]int{Aliases: 100}},
	{"one index is not handed over", engines(func(_ *standing, e engine, b *blunt) {
		b.giveBlocks = func(ctx context.Context, lot, blocks []string) error {
			lot = slices.DeleteFunc(slices.Clone(lot), func(name string) bool { return name == "movies" })
			if len(lot) == 0 {
				return nil
			}
			return e.GiveBlocks(ctx, lot, blocks)
		}
	}), "", 4, nil},
	{"a hand-over ends at the first refusal", untold(func() Mutation {
		return engines(func(_ *standing, _ engine, b *blunt) {
			b.giveBlocks = func(context.Context, []string, []string) error {
				return &opensearch.Error{Step: "give blocks", Status: 400, Type: "illegal_argument_exception", Reason: errRefusedPart.Error()}
			}
			b.setBlocks = func(context.Context, string, []string) error { return errRefusedPart }
		})()
	}), "", 2, nil},
	{"a loss is noted without the newest point", func() Mutation {
		first := map[string]any{} // by token
		return notesOfSwitch(func(body []byte) []byte {
			var s map[string]any
			if json.Unmarshal(body, &s) != nil {
				return body
			}
			token := fmt.Sprint(s["token"])
			if s["lost"] == nil {
				first[token] = s["target"]
				return body
			}
			if first[token] != nil {
				s["target"], s["again"] = first[token], 9
			}
			body, _ = json.Marshal(s)
			return body
		})()
	}, "G6", 29, map[Unkindness]int{LongTimes: 100}},
	{"the record waits for the hand-over", func() Mutation {
		var last *standing
		m := engines(func(d *standing, e engine, b *blunt) {
			b.giveBlocks = func(ctx context.Context, lot, blocks []string) error {
				if c := d.w.inForce(); c != nil && c.d == d {
					last = d
				}
				return e.GiveBlocks(ctx, lot, blocks)
			}
		})()
		m.Recovery = func(p *process, d *recovery.Deps) {
			zone := d.Zone
			d.Zone = waits{zone, func(w route.Wish) bool { return last == nil || last.endpoint != w.Endpoint }}
		}
		return m
	}, "", 1, nil},
	{"a refused setting stops everything", engines(func(_ *standing, e engine, b *blunt) {
		b.autoCreate = func(ctx context.Context, value string, set bool) error {
			if err := e.SetAutoCreate(ctx, value, set); opensearch.IsSettingRefused(err) {
				return &opensearch.Error{Step: "PUT /_cluster/settings", Status: 401, Reason: "payload is not allowed"}
			} else {
				return err
			}
		}
	}), "G4", 1, map[Unkindness]int{RefusedSettings: 100}},
}

// waits does not move the record before somebody says so.
type waits struct {
	route.Zone
	until func(w route.Wish) bool
}

func (z waits) Upsert(ctx context.Context, name string, w route.Wish) error {
	if z.until(w) {
		return errors.New("the hand-over is not over")
	}
	return z.Zone.Upsert(ctx, name, w)
}
