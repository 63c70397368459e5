package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensearch-dr/osdr/internal/change/command"
	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
	"github.com/opensearch-dr/osdr/internal/template/templatetest"
)

// deployed is what a script's world.json says of AWS.
type deployed struct {
	reader.Stacks
	Deployed string   `json:"deployed"` // folder of a synth
	Silent   []string `json:"silent"`   // Regions
	Refused  []string `json:"refused"`
}

func (d deployed) find(region, name string) (*template.Stack, error) {
	if d.Deployed == "" {
		return nil, nil
	}
	a, err := template.Load(d.Deployed)
	if err != nil {
		return nil, err
	}
	if s := a.Stack(name); s != nil && s.Region == region {
		return s, nil
	}
	return nil, nil
}

func (d deployed) Stack(ctx context.Context, region, name string) (*reader.Stack, error) {
	switch {
	case slices.Contains(d.Silent, region):
		<-ctx.Done()
		return nil, ctx.Err()
	case slices.Contains(d.Refused, region):
		return nil, errors.New("describe stack " + name + ": AccessDenied")
	}
	s, err := d.find(region, name)
	if err != nil || s == nil {
		return nil, err
	}
	return &reader.Stack{Name: name, Status: "UPDATE_COMPLETE", Protected: s.Protected}, nil
}

func (d deployed) StackTemplate(_ context.Context, region, name string) ([]byte, error) {
	s, err := d.find(region, name)
	if err != nil || s == nil {
		return nil, err
	}
	return s.Body, nil
}

// nobody of AWS answers but the account.
type nobody struct{ offline bool }

func (n nobody) Account(context.Context, []string) (string, error) {
	if n.offline {
		return "", errors.New("find AWS credentials: none")
	}
	return templatetest.Account, nil
}

func (nobody) World(context.Context, *config.App) (operator.World, error) {
	return operator.World{}, nil
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"osdr": func() { os.Exit(osdr()) }})
}

func osdr() int {
	raw, err := os.ReadFile("world.json")
	offline := err != nil
	var d deployed
	if !offline {
		if err := json.Unmarshal(raw, &d); err != nil {
			fmt.Fprintln(os.Stderr, "the test's own world:", err)
			return 99
		}
	}
	open := func(context.Context, *config.App) (reader.Stacks, error) { return d, nil }
	return operator.Main(context.Background(), os.Args[1:], operator.Streams{Out: os.Stdout, Err: os.Stderr}, nobody{offline}, command.Extra(open))
}

func TestScripts(t *testing.T) {
	cdkJSON, err := os.ReadFile("../../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	goldens, err := templatetest.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// configured: the folder has a cdk.json, and AWS answers what a file says.
			"configured": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs("cdk.json"), cdkJSON, 0o644))
				ts.Check(os.WriteFile(ts.MkAbs("world.json"), []byte(ts.ReadFile(args[0])), 0o644))
			},
			// synth <variant> <dir> writes what cdk synth makes of a variant.
			"synth": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(templatetest.Synth(goldens, args[0], ts.MkAbs(args[1])))
			},
			// exits <code> <command...>: testscript itself tells only failure.
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec(args[1], args[2:]...)
				got := "exit status 0"
				if err != nil {
					got = fmt.Sprint(err)
				}
				if got != "exit status "+args[0] {
					ts.Fatalf("%v: %s, want %s", args[1:], got, args[0])
				}
			},
		},
	})
}
