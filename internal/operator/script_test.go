package operator_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensearch-dr/osdr/internal/operator"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// TestMain gives the scripts the osdr command, in the world that world.json of
// their folder describes; an abort changes that file.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"osdr": func() { os.Exit(osdr()) }})
}

func osdr() int {
	raw, err := os.ReadFile("world.json")
	if err != nil {
		return broken(err)
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return broken(err)
	}
	w, err := build(s)
	if err != nil {
		return broken(err)
	}
	code := operator.Main(context.Background(), os.Args[1:], operator.Streams{Out: os.Stdout, Err: os.Stderr}, w)
	if raw, err = json.Marshal(w.state); err != nil {
		return broken(err)
	}
	if err := os.WriteFile("world.json", raw, 0o644); err != nil {
		return broken(err)
	}
	return code
}

func broken(err error) int {
	fmt.Fprintln(os.Stderr, "the test's own world:", err)
	return 99
}

func TestScripts(t *testing.T) {
	cdkJSON, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := filepath.Abs("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	goldens, err := filepath.Abs("../../stacks/testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("MAKEFILE", makefile)
			return os.WriteFile(e.WorkDir+"/cdk.json", cdkJSON, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"synth": synth(goldens),
			// exits <code> <command...>: testscript itself tells only failure.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				err := ts.Exec(args[1], args[2:]...)
				got := "0"
				if err != nil {
					got = fmt.Sprint(err)
				}
				if want := map[string]string{"0": "0", "1": "exit status 1", "2": "exit status 2"}[args[0]]; got != want {
					ts.Fatalf("%v: %s, want %s", args[1:], got, want)
				}
			},
		},
	})
}

// synth <variant> <dir> writes what cdk synth makes of a variant, from the stacks'
// own goldens.
func synth(goldens string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		variant, dir := args[0], ts.MkAbs(args[1])
		flag, _, _ := strings.Cut(variant, ".")
		type properties struct {
			TemplateFile          string `json:"templateFile"`
			TerminationProtection bool   `json:"terminationProtection"`
		}
		type artifact struct {
			Type        string     `json:"type"`
			Environment string     `json:"environment"`
			Properties  properties `json:"properties"`
		}
		artifacts := map[string]artifact{}
		ts.Check(os.MkdirAll(dir, 0o755))
		add := func(stack, variant, region string, protected bool) {
			body, err := os.ReadFile(filepath.Join(goldens, stack+"."+variant+".json"))
			ts.Check(err)
			ts.Check(os.WriteFile(filepath.Join(dir, stack+".json"), body, 0o644))
			artifacts[stack] = artifact{"aws:cloudformation:stack", "aws://" + account + "/" + region, properties{stack + ".json", protected}}
		}
		for _, region := range []string{east, west} {
			add("osdr-foundation-"+region, "any", region, true)
			add("osdr-domain-"+region, variant, region, true)
			add("osdr-recovery-"+region, flag, region, false)
		}
		add("osdr-traffic", flag, west, false)
		body, err := json.Marshal(map[string]any{"artifacts": artifacts})
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, "manifest.json"), body, 0o644))
	}
}
