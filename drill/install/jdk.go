package install

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// systemJDKs are the places a JDK may be, best first.
func systemJDKs(official string) []string {
	var homes []string
	if official != "" {
		homes = append(homes, filepath.Join(official, "jdk"))
	}
	if home := os.Getenv("JAVA_HOME"); home != "" {
		homes = append(homes, home)
	}
	for _, pattern := range []string{"/usr/lib/jvm/*", "/opt/homebrew/opt/openjdk*", "/Library/Java/JavaVirtualMachines/*/Contents/Home"} {
		found, err := filepath.Glob(pattern)
		if err == nil { // only a malformed pattern is an error
			homes = append(homes, found...)
		}
	}
	if java, err := exec.LookPath("java"); err == nil {
		if java, err = filepath.EvalSymlinks(java); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(java)))
		}
	}
	return homes
}

// findJDK takes the first home of minJDK or newer. Homes that are too old or a
// JRE are named when there is none.
func findJDK(ctx context.Context, homes []string) (string, error) {
	var seen []string
	for _, home := range homes {
		version := jdkVersion(ctx, home)
		if version == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(home, "bin", "javac")); err != nil {
			seen = append(seen, fmt.Sprintf("%s is a JRE %s", home, version))
			continue
		}
		if firstNumber(version) >= minJDK {
			return home, nil
		}
		seen = append(seen, fmt.Sprintf("%s is %s", home, version))
	}
	if len(seen) == 0 {
		return "", fmt.Errorf("no JDK found")
	}
	return "", fmt.Errorf("no JDK of %d or newer found: %s", minJDK, strings.Join(seen, ", "))
}

var javaVersion = regexp.MustCompile(`version "([^"]+)"`)

// jdkVersion reads the release file each JDK carries, and asks the launcher
// where there is none. Empty: not a JDK.
func jdkVersion(ctx context.Context, home string) string {
	java := filepath.Join(home, "bin", "java")
	if _, err := os.Stat(java); err != nil {
		return ""
	}
	if f, err := os.Open(filepath.Join(home, "release")); err == nil {
		defer func() { _ = f.Close() }()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if value, ok := strings.CutPrefix(lines.Text(), "JAVA_VERSION="); ok {
				return strings.Trim(value, `"`)
			}
		}
	}
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return ""
	}
	if match := javaVersion.FindSubmatch(out); match != nil {
		return string(match[1])
	}
	return ""
}
