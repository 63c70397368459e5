package archtest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every hole of decision 0009 has its row, and every test that a row names is
// there: a test that is renamed or removed takes its row with it.
func TestEveryHoleIsClosedSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "decisions", "0009-holes-and-where-they-are-closed.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, dir := range []string{"internal", "lambda", "stacks", "drill", "bin"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			raw, err := os.ReadFile(path)
			tests.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, order := map[string]string{}, []string(nil)
	for _, m := range regexp.MustCompile(`(?m)^\| (H\d+) \|[^|]+\|([^|]+)\|$`).FindAllStringSubmatch(string(page), -1) {
		order = append(order, m[1])
		rows[m[1]] = m[2]
	}
	var want []string
	for n := 1; n <= holes; n++ {
		want = append(want, fmt.Sprintf("H%d", n))
	}
	if !slices.Equal(order, want) { // branches add rows where they like
		t.Errorf("the rows are not H1 to H%d, each once and in order: %v", holes, order)
	}
	for _, number := range numbered() {
		// As a test, or as a row of a contract suite; several numbers share a name.
		if !regexp.MustCompile(`(?:func Test|")(?:[A-Z]\d+_)*` + number + `_\w+["(]`).MatchString(tests.String()) {
			t.Errorf("%s: no test has the number in its name", number)
		}
	}
	for _, hole := range want {
		if strings.TrimSpace(rows[hole]) == "" {
			t.Errorf("%s has no row", hole)
		}
		for _, m := range regexp.MustCompile("`((?:Test|H\\d+_)\\w+)`").FindAllStringSubmatch(rows[hole], -1) {
			// A test, or a row of a contract suite.
			if !strings.Contains(tests.String(), "func "+m[1]+"(") && !strings.Contains(tests.String(), `"`+m[1]+`"`) {
				t.Errorf("%s names %s, which is nowhere", hole, m[1])
			}
		}
	}
}

// holes is the highest number.
const holes = 90

// bySentence are the later holes that no test closes by its number; their row says what
// there is instead.
var bySentence = map[string]string{
	"H58": "a repository of very many shards is bounded by a limit in the README",
}

// numbered are the failure modes and holes whose test must be found by its number.
func numbered() []string {
	out := []string{"F6", "F9", "F11", "F12", "F13", "F14", "F16", "F30", "F31", "F34"}
	for n := 1; n <= holes; n++ {
		hole := fmt.Sprintf("H%d", n)
		if n <= 25 || n >= 49 && bySentence[hole] == "" {
			out = append(out, hole)
		}
	}
	return out
}
