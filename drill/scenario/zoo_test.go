package scenario

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestThingsOfTheZoo(t *testing.T) {
	all := things()
	if len(all) < 40 {
		t.Errorf("%d things, not 40", len(all))
	}
	var names, indexes []string
	fates := map[fate]int{}
	for _, x := range all {
		names = append(names, x.name)
		if x.index != "" {
			indexes = append(indexes, x.index)
		}
		fates[x.fate]++
		if x.fate != restored && (!x.told || x.index == "") {
			t.Errorf("%s is not restored, and no person is told", x.name)
		}
		if len(x.names()) == 0 && x.check == nil {
			t.Errorf("nothing of %s is looked at", x.name)
		}
		if len(x.names()) == 0 && x.writes != "-" {
			t.Errorf("a write to %s is noted under no name", x.name)
		}
		if len(x.index) > 255 {
			t.Errorf("%s: the name has %d bytes", x.name, len(x.index))
		}
	}
	for what, list := range map[string][]string{"name": names, "index": indexes} {
		slices.Sort(list)
		if unique := slices.Compact(slices.Clone(list)); len(unique) != len(list) {
			t.Errorf("a %s is there twice in %q", what, list)
		}
	}
	if fates[unplaced] == 0 || fates[nowhere] == 0 || fates[""] > 0 {
		t.Errorf("fates %v", fates)
	}
	for _, x := range all {
		if x.writes == lastSeeded {
			return
		}
	}
	t.Errorf("nothing is seeded last as %s", lastSeeded)
}

func TestZooComparesByContent(t *testing.T) {
	text := func(s string) string {
		out, err := canonical(json.RawMessage(s))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if text(`{"b":1,"a":18446744073709551615}`) != text(` {"a":18446744073709551615, "b":1}`) || text(`{"a":1}`) == text(`{"a":1.0}`) {
		t.Error("sources are compared by their form, or numbers by their value alone")
	}
	want := map[string]string{"1": "a", "2": "b", "3": "c"}
	d := compare(want, map[string]string{"late": "x", "lost": "y"}, map[string]string{"1": "a", "2": "other", "late": "x", "4": "d"})
	if d.there != 1 || !slices.Equal(d.missing, []string{"3"}) || !slices.Equal(d.other, []string{"2"}) || !slices.Equal(d.unexpected, []string{"4"}) || d.err() == nil {
		t.Errorf("%+v", d)
	}
	if d := compare(want, nil, want); d.err() != nil || d.there != 3 {
		t.Errorf("%+v", d)
	}
	if d := compare(want, map[string]string{"late": "x"}, map[string]string{"1": "a", "2": "b", "3": "c", "late": "y"}); d.err() == nil {
		t.Error("a document in a state that no client wrote passes")
	}
}

func TestZooNotesWhatWasAcknowledged(t *testing.T) {
	w := written{}
	for _, d := range []doc{{id: "1", source: js{"n": 1}}, {id: "1", routing: "a", source: js{"n": 2}}, {id: "2", source: js{"n": 3}}, {id: "2", deleted: true}} {
		if err := w.put("x", d); err != nil {
			t.Fatal(err)
		}
	}
	if w.documents() != 2 || w["x"][key("1", "a")] != `{"n":2}` || w["x"][key("1", "")] != `{"n":1}` {
		t.Errorf("%v", w)
	}
}

func TestALineTellsOfExactlyThatName(t *testing.T) {
	lines := []string{"zoo-sorted-2: unplaced", `in (zoo-red, ".zoo"): no`}
	for name, want := range map[string]bool{"zoo-sorted": false, "zoo-sorted-2": true, "zoo-red": true, ".zoo": true, "zoo-re": false, "": false} {
		if tells(lines, name) != want {
			t.Errorf("%q is told: %v", name, !want)
		}
	}
	var v any
	if err := json.Unmarshal([]byte(`{"a":[{"b-c":"text of it"}]}`), &v); err != nil {
		t.Fatal(err)
	}
	if !mentions(v, "b-c") || !mentions(v, "of it") || mentions(v, strings.Repeat("b", 2)) {
		t.Error("a text in an answer is not found, or one that is not there is")
	}
}
