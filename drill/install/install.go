// Package install puts everything the local cloud runs on into one ignored
// folder, and touches nothing outside it: pinned versions, progress lines, and
// each step skipped when a stamp of its inputs says it is there. What a machine
// must bring itself (Python, Node, a JDK, Maven) is looked for first, all of
// it, and what is missing is named with how to get it.
package install

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed requirements.txt npm/package.json npm/package-lock.json opensearch/pom.xml opensearch/MakeKeystore.java
var sources embed.FS

// Options of Install.
type Options struct {
	Dir string    // the one folder; empty: DefaultDir
	Log io.Writer // progress; nil: nowhere
}

// Tools are the paths of what was installed or found.
type Tools struct {
	Dir         string // the one folder
	Python      string // the virtual environment's interpreter, with the emulator
	Node        string
	CDK         string // the cdk command line's entry point, to be run with Node
	NodeModules string // also NODE_PATH of functions that expect the AWS SDK in Lambda
	JDK         string // home of a JDK of minJDK or newer
	OpenSearch  OpenSearch
}

// OpenSearch is a home of the engine.
type OpenSearch struct {
	Home     string
	Version  string // "3.4.0"
	Keystore string // folder with the compiled MakeKeystore class
	Official bool   // OPENSEARCH_HOME, not the assembly
}

// Java is the JDK's launcher.
func (t *Tools) Java() string { return filepath.Join(t.JDK, "bin", "java") }

// Data is a file of vega-datasets, as "movies.json" or "flights-200k.json".
func (t *Tools) Data(name string) string {
	return filepath.Join(t.NodeModules, "vega-datasets", "data", name)
}

// DefaultDir is $OSDR_DRILL_DIR, or .drill beside the go.mod above the working
// directory.
func DefaultDir() (string, error) {
	if dir := os.Getenv("OSDR_DRILL_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".drill"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the drill's folder: no go.mod above the working directory; run from the repository or set OSDR_DRILL_DIR")
		}
		dir = parent
	}
}

// Install installs what is missing. It may run in several processes at once:
// they wait for each other.
func Install(ctx context.Context, options Options) (*Tools, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	dir := options.Dir
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "stamps"), 0o755); err != nil {
		return nil, fmt.Errorf("install: %w", err)
	}
	release, err := lock(filepath.Join(dir, "install.lock"))
	if err != nil {
		return nil, err
	}
	defer release()

	official := os.Getenv("OPENSEARCH_HOME")
	found, err := findPrerequisites(ctx, official)
	if err != nil {
		return nil, err
	}
	tools := &Tools{
		Dir:         dir,
		Python:      filepath.Join(dir, "python", "bin", "python"),
		Node:        found.node,
		CDK:         filepath.Join(dir, "npm", "node_modules", "aws-cdk", "bin", "cdk"),
		NodeModules: filepath.Join(dir, "npm", "node_modules"),
		JDK:         found.jdk,
		OpenSearch: OpenSearch{
			Home:     filepath.Join(dir, "opensearch", "home"),
			Version:  openSearchVersion,
			Keystore: filepath.Join(dir, "keystore"),
		},
	}
	steps := []step{pythonStep(found.python, dir), npmStep(found.npm, dir)}
	if official != "" {
		if tools.OpenSearch.Home, err = filepath.Abs(official); err != nil {
			return nil, err
		}
		tools.OpenSearch.Official = true
		if tools.OpenSearch.Version, err = checkOfficial(tools.OpenSearch.Home); err != nil {
			return nil, err
		}
	} else {
		steps = append(steps, assemblyStep(found.maven, dir))
	}
	steps = append(steps, keystoreStep(found.jdk, tools.OpenSearch))
	for i, s := range steps {
		s.number = fmt.Sprintf("[%d/%d]", i+1, len(steps))
		if err := s.do(ctx, dir, options.Log); err != nil {
			return nil, err
		}
	}
	return tools, nil
}

// lock is held by one process at a time, and given back by the kernel when the
// process dies.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("install: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("install: lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func source(name string) []byte {
	b, err := sources.ReadFile(name)
	if err != nil {
		panic(err) // embedded at build time
	}
	return b
}

func write(folder string, names ...string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		target := filepath.Join(folder, name[strings.LastIndex(name, "/")+1:])
		if err := os.WriteFile(target, source(name), 0o644); err != nil {
			return err
		}
	}
	return nil
}
