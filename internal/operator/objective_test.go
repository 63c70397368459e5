package operator_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/operator"
)

func steady(points ...pointSpec) state {
	one := tenure{Generation: 1, Region: east, Cluster: "cluster-one"}
	return state{Ledgers: map[string]tenure{east: one, west: one}, Domains: map[string]string{east: "ready"}, Points: points}
}

func TestWhatAFailoverNowWouldLoseAndTake(t *testing.T) {
	o, _ := open(t, steady(
		pointSpec{In: west, Generation: 1, Cluster: "cluster-one", Age: "40m"},
		pointSpec{In: west, Generation: 1, Cluster: "cluster-one", Age: "10m", Broken: true},
	), nil)
	x := o.Status(t.Context(), 5).Objective
	if x == nil || x.LossSeconds == nil || *x.LossSeconds != 2400 || x.RPOSeconds != 3600 || x.RestoreSeconds != 1 || x.RecordSeconds != 120 || !x.MakesDomain {
		t.Errorf("a point that is not whole does not count: %+v", x)
	}
	o, _ = open(t, steady(), nil)
	if x := o.Status(t.Context(), 5).Objective; x == nil || x.LossSeconds != nil {
		t.Errorf("without a point: %+v", x)
	}
	o, _ = open(t, state{}, nil)
	if x := o.Status(t.Context(), 5).Objective; x != nil {
		t.Errorf("nobody is active: %+v", x)
	}
}

// screens counts the pages, and interrupts after the third.
type screens struct {
	all  bytes.Buffer
	stop context.CancelFunc
}

func (s *screens) Write(p []byte) (int, error) {
	n, err := s.all.Write(p)
	if strings.Count(s.all.String(), "\x1b[2J") >= 3 {
		s.stop()
	}
	return n, err
}

func TestWatchGoesOnUntilInterrupted(t *testing.T) {
	w, err := build(steady())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	out := &screens{stop: cancel}
	code := operator.Main(ctx, []string{"--cdk-json", path, "status", "--watch", "--every", "1ms"}, operator.Streams{Out: out, Err: out}, w)
	if n := strings.Count(out.all.String(), "\x1b[2J"); n != 3 || code == operator.ExitError {
		t.Errorf("%d pages, exit %d\n%s", n, code, out.all.String())
	}
}
