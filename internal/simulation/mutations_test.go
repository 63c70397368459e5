package simulation

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// looks that were silent, in the notes of a switch.
var looks = regexp.MustCompile(`"looks":\d+`)

// mutated is a promise that is not kept, and what must notice it.
type mutated struct {
	name string
	make func() Mutation
	// notices is in the message of the check that must find it.
	notices string
	// seed of a history that breaks by it, and holds when the promise is kept.
	seed uint64
	// worse shares of histories, where the usual ones seldom have what shows it.
	worse map[Unkindness]int
}

// A change of the product or of the simulation makes other histories of the
// seeds. Then others are looked for, and -v says which to write down.
const within = 3000

func TestMutationsAreCaught(t *testing.T) {
	for _, m := range slices.Concat(mutations, standbyMutations, unkindMutations) {
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			for seed := range within {
				n := uint64(seed)
				if n == 0 {
					n = m.seed
				}
				r, caught := m.caught(n)
				if !caught {
					continue
				}
				if r.Seed != m.seed {
					t.Logf("seed %d does not show it any more, seed %d does", m.seed, r.Seed)
				}
				t.Logf("caught by seed %d after %s: %.300s", r.Seed, time.Since(began).Round(time.Millisecond), r.Broken)
				return
			}
			t.Fatalf("%d histories did not notice it", within)
		})
	}
}

func (m mutated) caught(seed uint64) (Result, bool) {
	r := Play(seed, Options{Mutation: m.make, Shares: m.worse})
	if r.Broken == nil || !strings.Contains(r.Broken.Error(), m.notices) {
		return r, false
	}
	return r, Play(seed, Options{Shares: m.worse}).Broken == nil
}
