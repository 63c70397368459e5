package install

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Oldest versions that do. Node: what the pinned cdk command line asks for;
// Python: what ministack asks for; JDK: what OpenSearch 3 is compiled for.
const (
	minNode   = 20
	minPython = 10 // 3.10
	minJDK    = 21
)

type prerequisites struct{ python, node, npm, maven, jdk string }

// findPrerequisites names all that is missing at once.
func findPrerequisites(ctx context.Context, official string) (prerequisites, error) {
	var found prerequisites
	var missing []error
	need := func(err error, how string) {
		if err != nil {
			missing = append(missing, fmt.Errorf("%w\n    %s", err, how))
		}
	}
	var err error
	found.python, err = findPython(ctx)
	need(err, fmt.Sprintf("get Python 3.%d or newer with venv: Debian and Ubuntu `apt-get install python3 python3-venv`, Fedora `dnf install python3`, macOS `brew install python`", minPython))
	found.node, err = findNode(ctx)
	need(err, fmt.Sprintf("get Node.js %d or newer: your system's package, or nodejs.org", minNode))
	found.npm, err = exec.LookPath("npm")
	need(err, "get npm: it comes with Node.js, on Debian it is the package npm")
	found.jdk, err = findJDK(ctx, systemJDKs(official))
	need(err, fmt.Sprintf("get a JDK of %d or newer (a JRE has no compiler): `apt-get install openjdk-%d-jdk-headless`, `brew install openjdk`, or adoptium.net; then set JAVA_HOME if it is not below /usr/lib/jvm", minJDK, minJDK))
	if official == "" {
		found.maven, err = exec.LookPath("mvn")
		need(err, "get Maven: `apt-get install maven`, `brew install maven`; or set OPENSEARCH_HOME to an unpacked official OpenSearch distribution")
	}
	if len(missing) > 0 {
		return found, fmt.Errorf("the local cloud needs what this machine has not:\n%w", errors.Join(missing...))
	}
	return found, nil
}

func findPython(ctx context.Context) (string, error) {
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, "-c", "import sys, venv, ensurepip; print(sys.version_info[1])").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s has no venv or no ensurepip: %w", path, err)
	}
	minor, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || minor < minPython {
		return "", fmt.Errorf("%s is Python 3.%d", path, minor)
	}
	return path, nil
}

func findNode(ctx context.Context) (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	if major := firstNumber(string(out)); major < minNode {
		return "", fmt.Errorf("%s is %s", path, strings.TrimSpace(string(out)))
	}
	return path, nil
}

var digits = regexp.MustCompile(`\d+`)

// firstNumber of a version: 20 of "v20.11.1", 8 of "1.8.0_402" (Java's old way).
func firstNumber(version string) int {
	n, err := strconv.Atoi(digits.FindString(strings.TrimPrefix(version, "1.")))
	if err != nil {
		return 0
	}
	return n
}
