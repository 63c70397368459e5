package simulation_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/simulation"
)

var (
	seeds = flag.Int("seeds", 100, "histories to play")
	first = flag.Uint64("seed", 0, "play this one history again and print it")
	from  = flag.Uint64("from", 1, "the first of them")
)

// TestSimulation plays histories. A failing one is played again and printed.
func TestSimulation(t *testing.T) {
	if *first != 0 {
		r := simulation.Play(t, *first, simulation.Options{Trace: true})
		fmt.Println(r.History)
		if r.Broken != nil {
			t.Fatal(r)
		}
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // short-lived worlds
	began := time.Now()
	var sum simulation.Statistics
	var mu sync.Mutex
	var bad []simulation.Result
	var next atomic.Uint64
	next.Store(*from - 1)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := next.Add(1)
				mu.Lock()
				enough := len(bad) >= 20
				mu.Unlock()
				if seed >= *from+uint64(*seeds) || enough {
					return
				}
				r := simulation.Play(t, seed, simulation.Options{})
				mu.Lock()
				sum.Add(r.Statistics)
				if r.Broken != nil {
					bad = append(bad, r)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	t.Logf("%d histories in %s, %.0f a second: %+v", *seeds, took.Round(time.Millisecond), float64(*seeds)/took.Seconds(), sum)
	for n, r := range bad {
		t.Error(r)
		if n == 0 {
			lines := strings.Split(simulation.Play(t, r.Seed, simulation.Options{Trace: true}).History, "\n")
			t.Logf("the end of it; all of it: go test ./internal/simulation -run TestSimulation -seed %d\n%s", r.Seed, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	}
}
