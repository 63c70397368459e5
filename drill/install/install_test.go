package install

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeJDK is a home with a release file; javac makes it a JDK.
func fakeJDK(t *testing.T, root, name, version string, javac bool) string {
	t.Helper()
	home := filepath.Join(root, name)
	programs := map[string]string{"bin/java": "", "release": "JAVA_VERSION=\"" + version + "\"\n"}
	if javac {
		programs["bin/javac"] = ""
	}
	for file, text := range programs {
		path := filepath.Join(home, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func TestFindJDK(t *testing.T) {
	root := t.TempDir()
	old := fakeJDK(t, root, "old", "17.0.15", true)
	ancient := fakeJDK(t, root, "ancient", "1.8.0_402", true)
	jre := fakeJDK(t, root, "jre", "25.0.1", false)
	good := fakeJDK(t, root, "good", "21.0.4", true)
	newer := fakeJDK(t, root, "newer", "25.0.1", true)
	for _, row := range []struct {
		name    string
		homes   []string
		want    string
		mention []string
	}{
		{"the first that does", []string{old, jre, good, newer}, good, nil},
		{"a folder that is no JDK is passed over", []string{root, newer}, newer, nil},
		{"too old and a JRE are named", []string{old, ancient, jre}, "", []string{"17.0.15", "1.8.0_402", "JRE 25.0.1"}},
		{"none", nil, "", []string{"no JDK"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := findJDK(t.Context(), row.homes)
			if got != row.want || (err == nil) != (row.want != "") {
				t.Fatalf("got %q, %v; want %q", got, err, row.want)
			}
			for _, word := range row.mention {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v does not name %s", err, word)
				}
			}
		})
	}
}

func TestStepRunsOnceUntilAnInputChanges(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "stamps"), 0o755); err != nil {
		t.Fatal(err)
	}
	runs := 0
	result := filepath.Join(dir, "result")
	do := func(input string, fault error) (string, error) {
		var log bytes.Buffer
		err := step{name: "thing", title: "thing", inputs: [][]byte{[]byte(input)}, result: result, folder: dir, run: func(context.Context) error {
			runs++
			return errors.Join(fault, os.WriteFile(result, []byte(input), 0o644))
		}}.do(t.Context(), dir, &log)
		return log.String(), err
	}
	expect := func(want int, input string, fault error) {
		t.Helper()
		if _, err := do(input, fault); !errors.Is(err, fault) {
			t.Fatalf("error %v, want %v", err, fault)
		}
		if runs != want {
			t.Fatalf("ran %d times, want %d", runs, want)
		}
	}
	expect(1, "1", nil)
	expect(1, "1", nil)
	expect(2, "2", nil)
	broken := errors.New("broken")
	expect(3, "3", broken) // leaves no stamp,
	expect(4, "3", nil)    // so it runs again,
	expect(5, "2", nil)    // and the old stamp is gone too
	if err := os.Remove(result); err != nil {
		t.Fatal(err)
	}
	expect(6, "2", nil)
}

func TestOfficialDistributionNeedsBothPlugins(t *testing.T) {
	home := t.TempDir()
	put := func(path string) {
		t.Helper()
		path = filepath.Join(home, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := checkOfficial(home); err == nil {
		t.Error("an empty folder passes")
	}
	put("lib/opensearch-3.4.0.jar")
	put("lib/opensearch-core-3.4.0.jar")
	put("plugins/opensearch-security/plugin-descriptor.properties")
	if _, err := checkOfficial(home); err == nil || !strings.Contains(err.Error(), "repository-s3") {
		t.Errorf("without repository-s3: %v", err)
	}
	put("plugins/repository-s3/plugin-descriptor.properties")
	if version, err := checkOfficial(home); version != "3.4.0" || err != nil {
		t.Errorf("got %q, %v", version, err)
	}
}

// The lock file must name no host: it installs from whichever registry the
// machine uses.
func TestLockNamesNoHost(t *testing.T) {
	if bytes.Contains(source("npm/package-lock.json"), []byte(`"resolved"`)) {
		t.Error("package-lock.json names where packages came from: make it with `npm install --package-lock-only --omit-lockfile-registry-resolved=true`")
	}
	for line := range strings.Lines(string(source("requirements.txt"))) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "==") {
			t.Errorf("requirements.txt leaves %q unpinned", strings.TrimSpace(line))
		}
	}
}
