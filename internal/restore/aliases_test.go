package restore_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// aliasesOf "index:alias" or "index:alias!", the write index, or "index:alias-", which is none.
func aliasesOf(list ...string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, x := range list {
		index, alias, _ := strings.Cut(x, ":")
		properties := map[string]any{}
		if name, writes := strings.CutSuffix(alias, "!"); writes {
			alias, properties["is_write_index"] = name, true
		}
		if name, no := strings.CutSuffix(alias, "-"); no {
			alias, properties["is_write_index"] = name, false
		}
		if out[index] == nil {
			out[index] = map[string]any{}
		}
		out[index][alias] = properties
	}
	return out
}

// TestH63_AliasesOfTheIndexesThatAreHere: a recovery point has indexes of one
// moment and aliases of two.
func TestH63_AliasesOfTheIndexesThatAreHere(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []string
		here, others  []string // copies, and names that are here beside them
		want          []string
		told          int
	}{
		{"nothing moved", []string{"a:x", "b:y!"}, []string{"a:x", "b:y!"}, []string{"a", "b"}, nil, []string{"a:x", "b:y!"}, 0},
		{"an older recovery point knows of one moment", nil, []string{"a:x"}, []string{"a"}, nil, []string{"a:x"}, 0},
		{"a new alias is the settling's", nil, []string{"a:x", "a:new"}, []string{"a"}, nil, []string{"a:new", "a:x"}, 0},
		{"a rollover while it ran", []string{"l-1:l!"}, []string{"l-1:l-", "l-2:l!"}, []string{"l-1"}, nil, []string{"l-1:l!"}, 1},
		{"a rollover of one that had no mark", []string{"l-1:l"}, []string{"l-1:l-", "l-2:l!"}, []string{"l-1"}, nil, []string{"l-1:l!"}, 1},
		{"two rollovers", []string{"l-1:l-", "l-2:l!"}, []string{"l-1:l-", "l-2:l-", "l-3:l-", "l-4:l!"}, []string{"l-1", "l-2"}, nil, []string{"l-1:l-", "l-2:l!"}, 1},
		{"a rollover of which no earlier word is left", nil, []string{"l-1:l-", "l-2:l-", "l-3:l!"}, []string{"l-1", "l-2"}, nil, []string{"l-1:l-", "l-2:l!"}, 1},
		{"a swap to what came later", []string{"s-1:s"}, []string{"s-2:s"}, []string{"s-1"}, nil, []string{"s-1:s"}, 1},
		{"a swap to what came later, with its mark", []string{"s-1:s!"}, []string{"s-2:s!"}, []string{"s-1"}, nil, []string{"s-1:s!"}, 1},
		{"a swap between two that are here", []string{"s-1:s"}, []string{"s-2:s"}, []string{"s-1", "s-2"}, nil, []string{"s-2:s"}, 0},
		{"the index went, its alias with it", []string{"s-1:s"}, nil, []string{"s-1"}, nil, []string{"s-1:s"}, 1},
		{"an index became an alias", nil, []string{"f-2:f"}, []string{"f", "f-2"}, nil, nil, 1},
		{"a stranger has the name", []string{"a:x"}, []string{"a:x"}, []string{"a"}, []string{"x"}, nil, 1},
		{"of indexes that are not here", []string{"a:x"}, []string{"a:x", "b:y"}, []string{"b"}, nil, []string{"b:y"}, 1},
		{"a reader's alias of several", []string{"a:x", "b:x"}, []string{"a:x", "b:x", "c:x"}, []string{"a", "b"}, nil, []string{"a:x", "b:x"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			copies := map[string]bool{}
			for _, name := range c.here {
				copies[name] = true
			}
			before := aliasesOf(c.before...)
			capsule := opensearch.Capsule{Aliases: aliasesOf(c.after...), Earlier: before}
			actions, told := restore.Aliases(capsule, copies, slices.Concat(c.here, c.others))
			var got []string
			for _, a := range actions {
				mark := ""
				if w, ok := a.Properties["is_write_index"].(bool); ok {
					mark = map[bool]string{true: "!", false: "-"}[w]
				}
				got = append(got, a.Index+":"+a.Alias+mark)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if len(told) != c.told {
				t.Errorf("told %+v", told)
			}
			for _, x := range told {
				if x.Alias == "" || x.Text == "" || x.Hint == "" {
					t.Errorf("%+v", x)
				}
			}
			if fmt.Sprint(before) != fmt.Sprint(aliasesOf(c.before...)) || !maps.EqualFunc(capsule.Aliases, aliasesOf(c.after...), func(a, b map[string]any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
				t.Error("the capsule itself is changed")
			}
		})
	}
}
