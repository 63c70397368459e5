package recovery_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// flag is one advised in a refusal, with its value where it has one.
var flag = regexp.MustCompile(`-c ([a-zA-Z.]+)=([^\s;:,)]*(?:,[^\s;:)]+)*)`)

// follow the first advice of a flag in a refusal, to the letter.
func follow(w *world, p contract.WishProperties, name, refusal, unspecified string) contract.WishProperties {
	w.t.Helper()
	for _, m := range flag.FindAllStringSubmatch(refusal, -1) {
		if m[1] != name {
			continue
		}
		value := strings.TrimSuffix(m[2], ".")
		if strings.HasPrefix(value, "<") { // a placeholder: the one that the refusal names
			value = unspecified
		}
		switch name {
		case "without":
			p.Without = value
		case "acceptUnverified":
			p.AcceptUnverified = value
		case "abandonDomain":
			p.AbandonDomain = value
		case "unreachableRegion":
			p.UnreachableRegion = value
		case "switchFrom":
			p.SwitchFrom = value
		case "dr.dns.adopt":
			w.settings.DNS.Adopt = value == "true"
		default:
			w.t.Fatalf("nobody has this flag: %s", name)
		}
		return p
	}
	w.t.Fatalf("%s is not advised in %q", name, refusal)
	return p
}

// TestH74_EachAdviceOfARefusalEndsTheSwitch plays what the refusals of a switch
// advise: the same command with the flag goes through.
func TestH74_EachAdviceOfARefusalEndsTheSwitch(t *testing.T) {
	lost := func(w *world) contract.WishProperties {
		w.lose(east, true)
		return unreachable(west, east)
	}
	stranger := func(name string) func(*world) contract.WishProperties {
		return func(w *world) contract.WishProperties {
			w.put(west, name, "only here")
			return lost(w)
		}
	}
	unverified := func(w *world) contract.WishProperties {
		w.narrow(east, "movies")
		return lost(w)
	}
	for name, c := range map[string]struct {
		begin func(*world) contract.WishProperties
		flags []string // each by itself
		name  string   // what a placeholder stands for
	}{
		"an index that the domain cannot hold, lost": {func(w *world) contract.WishProperties {
			w.index(east, "sorted", sorted)
			w.pointOf(east)
			return lost(w)
		}, []string{"without"}, ""},
		"an index that the domain cannot hold, planned": {func(w *world) contract.WishProperties {
			w.index(east, "sorted", sorted)
			w.pointOf(east)
			return explicit(west)
		}, []string{"without"}, ""},
		"what no snapshot takes, planned": {func(w *world) contract.WishProperties {
			w.check(w.clusters[east].CreateIndex(w.t.Context(), "old", opensearchtest.IndexOptions{Tier: "warm"}))
			w.pointOf(east)
			return explicit(west)
		}, []string{"without"}, ""},
		"a stranger that the point has, too":      {stranger("movies"), []string{"without", "abandonDomain", "acceptUnverified"}, "movies"},
		"a stranger that the point does not have": {stranger("mine"), []string{"acceptUnverified", "without", "abandonDomain"}, "mine"},
		"a copy that does not match its point":    {unverified, []string{"acceptUnverified"}, "movies"},
		"a Region that answers in part": {func(w *world) contract.WishProperties {
			w.dead[east] = true
			w.clusters[east].Kill()
			return explicit(west)
		}, []string{"unreachableRegion"}, ""},
		"a flag that nobody meant": {func(*world) contract.WishProperties { return wish(west) }, []string{"switchFrom"}, ""},
		"a record of somebody else": {func(w *world) contract.WishProperties {
			w.zone.Set(w.settings.DNS.Record, route.Record{Type: "CNAME", Target: "somewhere.else.example.com"})
			return explicit(west)
		}, []string{"dr.dns.adopt"}, ""},
	} {
		for _, f := range c.flags {
			t.Run(name+", "+f, func(t *testing.T) {
				w := pair(t)
				p := c.begin(w)
				s := w.until(p, "one")
				if s.Refusal == "" {
					t.Fatalf("it is not refused: %+v", s)
				}
				p = follow(w, p, f, s.Refusal, c.name)
				w.pass(time.Minute)
				w.ticks()
				if s = w.until(p, "two"); !s.Done {
					t.Errorf("the advice %s leads to %q", f, s.Refusal)
				}
				if l := w.ledger(west).Ledger; l.ActiveRegion != west || l.Generation != 2 {
					t.Errorf("%+v", l)
				}
			})
		}
	}
}

// narrow the newest point's bounds of an index, so that no copy of it matches.
func (w *world) narrow(region, index string) {
	w.t.Helper()
	b := w.buckets[w.settings.Other(region)]
	p, ok, err := point.LoadNewest(w.t.Context(), b)
	w.check(err)
	if !ok {
		w.t.Fatal("no point")
	}
	o, err := b.Get(w.t.Context(), p.ID.Key())
	w.check(err)
	body := regexp.MustCompile(`"before":1,"after":1`).ReplaceAllString(string(o.Body), `"before":9,"after":9`)
	if body == string(o.Body) {
		w.t.Fatalf("%s is not in %s", index, body)
	}
	_, err = b.Put(w.t.Context(), p.ID.Key(), []byte(body), store.Condition{})
	w.check(err)
}
