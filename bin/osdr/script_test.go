package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain gives the scripts the command itself, in a shell without credentials.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"osdr": main}) }

func TestScripts(t *testing.T) {
	cdkJSON, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			// Nor may it take those of the machine that it runs on.
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return os.WriteFile(e.WorkDir+"/cdk.json", cdkJSON, 0o644)
		},
	})
}
