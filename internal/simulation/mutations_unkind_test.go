package simulation

import (
	"context"
	"errors"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

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
	}), "H63", 2, map[Unkindness]int{Aliases: 100}},
	{"the write index of an alias is not carried", engines(func(_ *standing, e engine, b *blunt) {
		b.aliases = func(ctx context.Context, actions []opensearch.AliasAction) error {
			actions = slices.Clone(actions)
			for n := range actions {
				actions[n].Properties = nil
			}
			return e.PutAliases(ctx, actions)
		}
	}), "H63", 2, map[Unkindness]int{Aliases: 100}},
	{"aliases go all or nothing", untold(engines(func(_ *standing, _ engine, b *blunt) {
		b.aliases = func(context.Context, []opensearch.AliasAction) error {
			return &opensearch.Error{Step: "put aliases", Status: 403, Type: "security_exception", Reason: errRefusedPart.Error()}
		}
	})), "H63", 2, map[Unkindness]int{Aliases: 100}},
	{"one index is not handed over", engines(func(_ *standing, e engine, b *blunt) {
		b.giveBlocks = func(ctx context.Context, lot, blocks []string) error {
			lot = slices.DeleteFunc(slices.Clone(lot), func(name string) bool { return name == "movies" })
			if len(lot) == 0 {
				return nil
			}
			return e.GiveBlocks(ctx, lot, blocks)
		}
	}), "", 1, nil},
	{"a hand-over ends at the first refusal", untold(func() Mutation {
		return engines(func(_ *standing, _ engine, b *blunt) {
			b.giveBlocks = func(context.Context, []string, []string) error {
				return &opensearch.Error{Step: "give blocks", Status: 400, Type: "illegal_argument_exception", Reason: errRefusedPart.Error()}
			}
			b.setBlocks = func(context.Context, string, []string) error { return errRefusedPart }
		})()
	}), "", 1, nil},
}
