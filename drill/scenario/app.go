package scenario

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// largestPackage of a function, zipped.
const largestPackage = 8_000_000 // bytes

// sameAssets synthesises a copy of the project in another folder: every asset
// has the same hash, so that a deploy from another checkout changes nothing.
func (w *World) sameAssets(ctx context.Context) (string, error) {
	copied := filepath.Join(w.Cloud.Folder(), "elsewhere", "project")
	if err := copyProject(ctx, w.CDK.Dir, copied); err != nil {
		return "", err
	}
	there := w.CDK
	there.Dir, there.Output = copied, filepath.Join(w.Cloud.Folder(), "elsewhere", "cdk.out")
	if _, err := there.Run(ctx, "synth", "--quiet"); err != nil {
		return "", err
	}
	here, err := assets(w.CDK.Output)
	if err != nil {
		return "", err
	}
	other, err := assets(there.Output)
	if err != nil {
		return "", err
	}
	if !maps.Equal(here, other) {
		return "", fmt.Errorf("the assets differ: %v here, %v in %s", here, other, copied)
	}
	var sizes []string
	for _, f := range []string{contract.Snapshot, contract.Recovery, contract.Promotion, contract.Gate, contract.Traffic} {
		n, err := zipped(filepath.Join(w.CDK.Dir, "build", "lambda", f, "bootstrap"))
		if err != nil {
			return "", err
		}
		if n > largestPackage {
			return "", fmt.Errorf("the package of %s has %s, more than %s", f, size(n), size(largestPackage))
		}
		sizes = append(sizes, f+" "+size(n))
	}
	return fmt.Sprintf("%d assets; %s", len(here), strings.Join(sizes, ", ")), nil
}

// copyProject takes what git would take: tracked files and new ones that are not
// ignored.
func copyProject(ctx context.Context, from, to string) error {
	cmd := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = from
	listed, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list the project's files: %w", err)
	}
	for _, name := range strings.Split(strings.Trim(string(listed), "\x00"), "\x00") {
		body, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted and not yet committed
		}
		if err != nil {
			return fmt.Errorf("copy the project: %w", err)
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("copy the project: %w", err)
		}
		if err := os.WriteFile(path, body, 0o755); err != nil {
			return fmt.Errorf("copy the project: %w", err)
		}
	}
	return nil
}

// assets of an assembly: file assets by display name, templates left out.
func assets(assembly string) (map[string]string, error) {
	manifests, err := filepath.Glob(filepath.Join(assembly, "*.assets.json"))
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, path := range manifests {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the assets: %w", err)
		}
		var manifest struct {
			Files map[string]struct {
				DisplayName string `json:"displayName"`
				Source      struct {
					Packaging string `json:"packaging"`
				} `json:"source"`
			} `json:"files"`
		}
		if err := json.Unmarshal(raw, &manifest); err != nil {
			return nil, fmt.Errorf("read the assets of %s: %w", path, err)
		}
		for hash, f := range manifest.Files {
			if f.Source.Packaging == "zip" {
				found[filepath.Base(path)+"/"+f.DisplayName] = hash
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("read the assets of %s: there is none", assembly)
	}
	return found, nil
}

func zipped(path string) (int64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("weigh a function: %w", err)
	}
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(z, bytes.NewReader(raw)); err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return int64(out.Len()), nil
}

// fiveFaults are told at once, each by key, value and what is allowed.
func (w *World) fiveFaults(ctx context.Context) (string, error) {
	wrong := w.CDK
	wrong.Output = filepath.Join(w.Cloud.Folder(), "faults.out")
	wrong.Context = maps.Clone(w.CDK.Context)
	faults := map[string]string{
		"dr.rpoMinutes":      "0",
		"dr.standby":         "lukewarm",
		"dr.secondaryRegion": "us-wets-2",
		"dr.retention.count": "0",
		"dr.dns.tll":         "60",
	}
	maps.Copy(wrong.Context, faults)
	got, err := wrong.Run(ctx, "synth", "--quiet")
	if err == nil {
		return "", errors.New("a context with five faults was synthesised")
	}
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		told := 0
		for line := range strings.Lines(got.Text) {
			if strings.HasPrefix(strings.TrimSpace(line), key+" ") && strings.Contains(line, faults[key]) {
				told++
			}
		}
		if told != 1 {
			return "", fmt.Errorf("the fault of %s = %s is told %d times:\n%s", key, faults[key], told, got.Text)
		}
	}
	for _, trace := range []string{"goroutine ", "panic:", "    at "} {
		if strings.Contains(got.Text, trace) {
			return "", fmt.Errorf("a stack trace instead of sentences alone:\n%s", got.Text)
		}
	}
	return fmt.Sprintf("exit code %d", got.Code), nil
}
