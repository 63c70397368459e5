package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gone asks whether a process has ended; one that nobody waited for yet has too.
func gone(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || bytes.Contains(b, []byte(") Z "))
}

func TestStopReachesTheWholeGroup(t *testing.T) {
	for _, row := range []struct{ name, script string }{
		{"a program that ends when asked", "sleep 100 & echo $! > pid; wait"},
		{"a program that does not", "trap '' TERM; sleep 100 & echo $! > pid; while :; do wait; done"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			p, err := Start(Spec{Name: "shell", Path: "/bin/sh", Args: []string{"-c", row.script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			grandchild := 0
			for end := time.Now().Add(10 * time.Second); grandchild == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				b, err := os.ReadFile(filepath.Join(dir, "pid"))
				if err == nil && len(b) > 1 {
					if grandchild, err = strconv.Atoi(strings.TrimSpace(string(b))); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := p.Stop(200 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if p.Err() != nil {
				t.Errorf("a wanted end is no error: %v", p.Err())
			}
			for end := time.Now().Add(5 * time.Second); !gone(grandchild); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					_ = syscall.Kill(grandchild, syscall.SIGKILL)
					t.Fatal("its child lives on")
				}
			}
		})
	}
}

func TestEndByItselfIsAnError(t *testing.T) {
	p, err := Start(Spec{Name: "shell", Path: "/bin/sh", Args: []string{"-c", "exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.Err() == nil || !strings.Contains(p.Err().Error(), "shell") {
		t.Errorf("got %v", p.Err())
	}
}
