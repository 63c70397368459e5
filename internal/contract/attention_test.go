package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// TestEveryAttentionIsExplained in docs/attention.md, and the page explains no other.
func TestEveryAttentionIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/attention.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			code, _, _ := strings.Cut(rest, "`")
			explained[code] = true
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "attention.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, "Attention") {
			return true
		}
		code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes++
		if !explained[code] {
			t.Errorf("docs/attention.md lacks %s", code)
		}
		delete(explained, code)
		return true
	})
	if codes < 10 {
		t.Errorf("attention.go has %d codes", codes)
	}
	for code := range explained {
		t.Errorf("docs/attention.md explains %s, which no code has", code)
	}
}

func TestAttentionInOneLine(t *testing.T) {
	a := contract.Attention{Code: contract.AttentionReplay, Subject: "alias films", Text: "it is refused", Hint: "Put it by hand"}
	if got := a.String(); got != "alias films: it is refused. Put it by hand" {
		t.Error(got)
	}
	if got := (contract.Attention{Text: "the run failed"}).String(); got != "the run failed" {
		t.Error(got)
	}
}
