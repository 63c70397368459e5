package simulation_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/simulation"
)

var (
	seeds = flag.Int("seeds", 900, "histories to play")
	first = flag.Uint64("seed", 0, "play this one history again and print it")
	from  = flag.Uint64("from", 1, "the first of them")
	worse = flag.String("worse", "", "shares of a hundred histories with an unkindness, as own-indexes=100,size=0; all=<n> for each")
)

// shares as the flag has them.
func shares(t *testing.T) map[simulation.Unkindness]int {
	out := map[simulation.Unkindness]int{}
	for _, part := range strings.FieldsFunc(*worse, func(r rune) bool { return r == ',' }) {
		name, share, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(share)
		if err != nil {
			t.Fatalf("-worse %s: %v", part, err)
		}
		for _, u := range simulation.Unkindnesses() {
			if name == "all" || name == string(u) {
				out[u] = n
			}
		}
	}
	return out
}

// TestSimulation plays histories. A failing one is played again and printed.
func TestSimulation(t *testing.T) {
	worse := shares(t)
	if *first != 0 {
		r := simulation.Play(*first, simulation.Options{Trace: true, Shares: worse})
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
	over := make(chan struct{})
	if testing.Verbose() {
		go progress(began, func() int { return int(min(next.Load()-(*from-1), uint64(*seeds))) }, over)
	}
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
				r := simulation.Play(seed, simulation.Options{Shares: worse})
				mu.Lock()
				sum.Add(r.Statistics)
				if r.Broken != nil {
					bad = append(bad, r)
					fmt.Println("   ", r) // now, not when a million are played
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	close(over)
	took := time.Since(began)
	t.Logf("%d histories in %s, %.0f a second: %+v", *seeds, took.Round(time.Millisecond), float64(*seeds)/took.Seconds(), sum)
	for n, r := range bad {
		t.Error(r)
		if n == 0 {
			lines := strings.Split(simulation.Play(r.Seed, simulation.Options{Trace: true, Shares: worse}).History, "\n")
			t.Logf("the end of it; all of it: make simulate SEED=%d\n%s", r.Seed, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	}
}

// progress for whoever waits.
func progress(began time.Time, done func() int, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(5 * time.Second):
		}
		n, took := done(), time.Since(began)
		left := time.Duration(float64(took) / float64(n) * float64(*seeds-n))
		fmt.Printf("    %d of %d histories, %.0f a second, %s left\n", n, *seeds, float64(n)/took.Seconds(), left.Round(time.Second))
	}
}

// A seed is one history, whatever else this machine does meanwhile.
func TestASeedReplays(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			once := simulation.Play(seed, simulation.Options{Trace: true})
			again := simulation.Play(seed, simulation.Options{Trace: true})
			a, b := strings.Split(once.History, "\n"), strings.Split(again.History, "\n")
			for n := range min(len(a), len(b)) {
				if a[n] != b[n] {
					t.Fatalf("line %d was\n%s\nand is\n%s", n+1, a[n], b[n])
				}
			}
			if len(a) != len(b) || once.Statistics != again.Statistics {
				t.Fatalf("%d lines, %+v; again %d lines, %+v", len(a), once.Statistics, len(b), again.Statistics)
			}
			if quiet := simulation.Play(seed, simulation.Options{}); quiet.Statistics != once.Statistics {
				t.Errorf("without a trace it is another history: %+v, not %+v", quiet.Statistics, once.Statistics)
			}
		})
	}
}
