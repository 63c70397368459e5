package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// step installs one thing.
type step struct {
	number string // "[1/4]"
	name   string // of the stamp
	title  string // for people
	inputs [][]byte
	result string // a path that exists when the step is done
	folder string // of the result
	cache  string // of the downloads, which grow first
	run    func(ctx context.Context) error
}

// beat is how often a long step shows that it lives.
const beat = 5 * time.Second

func (s step) hash() string {
	h := sha256.New()
	for _, input := range s.inputs {
		// Lengths keep two inputs from reading as one.
		_, _ = fmt.Fprintf(h, "%d:", len(input))
		h.Write(input)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s step) do(ctx context.Context, dir string, log io.Writer) error {
	stamp := filepath.Join(dir, "stamps", s.name)
	if was, err := os.ReadFile(stamp); err == nil && string(was) == s.hash() {
		if _, err := os.Stat(s.result); err == nil {
			_, _ = fmt.Fprintf(log, "%s %s: there\n", s.number, s.title)
			return nil
		}
	}
	if err := os.RemoveAll(stamp); err != nil {
		return fmt.Errorf("install %s: %w", s.title, err)
	}
	_, _ = fmt.Fprintf(log, "%s %s: installing\n", s.number, s.title)
	start := time.Now()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("install %s: %w", s.title, err)
			}
			if _, err := os.Stat(s.result); err != nil {
				return fmt.Errorf("install %s: nothing came of it: %w", s.title, err)
			}
			if err := os.WriteFile(stamp, []byte(s.hash()), 0o644); err != nil {
				return fmt.Errorf("install %s: %w", s.title, err)
			}
			_, _ = fmt.Fprintf(log, "%s %s: installed in %.0f s, %d MB\n", s.number, s.title, time.Since(start).Seconds(), megabytes(s.folder))
			return nil
		case <-ticker.C:
			_, _ = fmt.Fprintf(log, "%s %s: %.0f s, %d MB so far\n", s.number, s.title, time.Since(start).Seconds(), megabytes(s.folder)+megabytes(s.cache))
		}
	}
}

// megabytes in a folder that may be changing.
func megabytes(folder string) int64 {
	var total int64
	if folder == "" {
		return 0
	}
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone since it was listed
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total >> 20
}

// command runs a tool quietly; what it said comes with its failure only.
func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, tail(out, 4000))
	}
	return nil
}

func tail(b []byte, n int) []byte {
	b = bytes.TrimSpace(b)
	return b[max(0, len(b)-n):]
}
