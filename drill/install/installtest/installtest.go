// Package installtest tells tests where the tools are that `make install` brings,
// so that no test leaves out in silence what such a tool would have found.
package installtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opensearch-dr/osdr/drill/install"
)

// Python answers the absolute path of a command among the pinned Python tools, such
// as "cfn-lint" or "python" itself; env names the variable by which a person points
// at another one. The test fails where there is none.
func Python(t testing.TB, name, env string) string {
	t.Helper()
	if path := os.Getenv(env); path != "" {
		return path
	}
	dir, err := install.DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(filepath.Join(dir, "python", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s with the pinned Python tools is not there: `make install` puts it into .drill, or %s=<path> names one", name, env)
	}
	return path
}
