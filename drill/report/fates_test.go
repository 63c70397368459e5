package report

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

func TestThingsAreToldInAllForms(t *testing.T) {
	r := New("zoo", io.Discard)
	if err := r.Do("failover", func() (string, error) { return "", nil }); err != nil {
		t.Fatal(err)
	}
	r.Add(func(f *Findings) {
		f.Things = append(f.Things,
			Thing{Name: "an index of synonyms", Fate: "unplaced", Cause: "<synonyms_path>", Told: true, Expected: 7},
			Thing{Name: "a nested index", Fate: "restored", Expected: 5, There: 5})
	})
	if r.Failed() {
		t.Error("an index that cannot be placed and is told is as promised")
	}
	written := func() (string, junit.Testsuites, string) {
		folder := t.TempDir()
		if err := r.WriteJUnit(filepath.Join(folder, "junit.xml")); err != nil {
			t.Fatal(err)
		}
		if err := r.WritePage(filepath.Join(folder, "report.html")); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(folder, "junit.xml"))
		if err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(folder, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		var got junit.Testsuites
		if err := xml.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		return r.Table(), got, string(page)
	}
	table, cases, page := written()
	for form, text := range map[string]string{"table": table, "page": page} {
		for _, want := range []string{"an index of synonyms", "unplaced", "a nested index"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s lacks %q:\n%s", form, want, text)
			}
		}
	}
	if !strings.Contains(page, "&lt;synonyms_path&gt;") || strings.Contains(page, "<synonyms_path>") {
		t.Error("the page does not escape a cause")
	}
	if cases.Tests != 4 || cases.Failures != 0 || !strings.Contains(cases.Suites[0].Testcases[2].SystemOut.Data, "documents: 0 of 7") {
		t.Errorf("JUnit: %+v", cases)
	}

	r.Add(func(f *Findings) {
		f.Things = append(f.Things, Thing{Name: "a closed index", Fate: "lost", Expected: 3, Wrong: "3 documents are gone and no one was told"})
	})
	table, cases, page = written()
	if !r.Failed() || cases.Failures != 2 || !strings.Contains(table, "WRONG: 3 documents") || !strings.Contains(page, "1 of 3 things are not as promised") {
		t.Errorf("a thing that is not as promised passes: %d failures\n%s", cases.Failures, table)
	}
}
