package operator_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("MAKEFILE", makefile)
			return os.WriteFile(e.WorkDir+"/cdk.json", cdkJSON, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
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
