package report

import (
	"fmt"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// Thing is one odd thing of a scenario and what became of it.
type Thing struct {
	Suite    string // set by Add
	Name     string // "alias of a data stream's template"
	Fate     string // restored, unplaced, left out and so on
	Cause    string // of a fate that is not the best one
	Told     bool   // whether a person was told
	Expected int    // documents
	There    int
	// Wrong is what is not as promised: documents that are missing and could be
	// restored, a cause that was not reported, a refused write. Empty: as promised.
	Wrong string
}

// fates of a suite.
func (r *Report) fates(suite string) []Thing {
	return ofSuite(r.findings.Things, suite, func(t Thing) string { return t.Suite })
}

func yes(told bool) string {
	if told {
		return "yes"
	}
	return "no"
}

// fatesTable for the page.
func fatesTable(things []Thing) Table {
	t := Table{Title: "Each thing, its fate, and whether a person was told", Head: []string{"thing", "fate", "cause", "told", "documents expected", "there", "wrong"}}
	for _, x := range things {
		t.Rows = append(t.Rows, []string{x.Name, x.Fate, x.Cause, yes(x.Told), fmt.Sprint(x.Expected), fmt.Sprint(x.There), x.Wrong})
	}
	return t
}

// writeFates for the terminal.
func writeFates(b *strings.Builder, things []Thing) {
	for n, x := range things {
		if n == 0 {
			fmt.Fprintf(b, "\n  %-44s %-14s %-5s %9s %9s\n", "thing", "fate", "told", "expected", "there")
		}
		fmt.Fprintf(b, "  %-44s %-14s %-5s %9d %9d  %s\n", x.Name, x.Fate, yes(x.Told), x.Expected, x.There, x.Cause)
		if x.Wrong != "" {
			fmt.Fprintf(b, "    WRONG: %s\n", x.Wrong)
		}
	}
}

// junit case of a thing: it fails where it is not as promised.
func (x Thing) junit() junit.Testcase {
	said := fmt.Sprintf("fate: %s\ncause: %s\ntold: %s\ndocuments: %d of %d", x.Fate, x.Cause, yes(x.Told), x.There, x.Expected)
	c := junit.Testcase{Name: x.Name, Classname: "drill." + x.Suite + ".thing", Time: seconds(0)}
	if x.Wrong != "" {
		c.Failure = &junit.Result{Message: firstLine(x.Wrong), Data: x.Wrong + "\n" + said}
	} else {
		c.SystemOut = &junit.Output{Data: said}
	}
	return c
}

// wrong things of a suite.
func wrong(things []Thing) (n int) {
	for _, x := range things {
		if x.Wrong != "" {
			n++
		}
	}
	return n
}
