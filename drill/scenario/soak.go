package scenario

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// soaked switches in a row.
const soaked = 10

// Soak makes switches in a row, to and fro: after each pair all is as it was after the
// first one. It takes too long for each change; it is played by hand.
func Soak(ctx context.Context, w *World) error {
	steps := []step{{"a client writes, updates, deletes and searches through the name", w.startLoad}}
	k := &soak{World: w}
	to := Secondary
	for n := range soaked {
		region := to
		steps = append(steps, step{fmt.Sprintf("switch %d: make failback TO=%s", n+1, region), func(ctx context.Context) (string, error) { return w.switchesTo(ctx, region) }},
			step{fmt.Sprintf("no orphan is left by switch %d", n+1), func(ctx context.Context) (string, error) { return k.nothingLeft(ctx, region) }})
		to = otherRegion(to)
	}
	return w.play(ctx, steps)
}

// soak remembers what a switch to a Region left first.
type soak struct {
	*World
	was map[string]map[string]int // by active Region: shapes of keys, how many
}

func (k *soak) nothingLeft(ctx context.Context, active string) (string, error) {
	said, err := k.noOrphans(ctx)
	if err != nil {
		return "", err
	}
	now := map[string]int{}
	for _, region := range []string{Primary, Secondary} {
		entries, err := k.bucket(region).List(ctx, contract.OwnPrefix)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			now[region+" "+shape(e.Key)]++
		}
	}
	before, known := k.was[active]
	if k.was == nil {
		k.was = map[string]map[string]int{}
	}
	if !known {
		k.was[active] = now
		return fmt.Sprintf("%s; %d shapes of keys", said, len(now)), nil
	}
	for _, s := range slices.Sorted(maps.Keys(now)) {
		if before[s] == 0 {
			return "", fmt.Errorf("%s was not there after the first switch to %s", s, active)
		}
		if now[s] > before[s] && !grows(s) {
			return "", fmt.Errorf("%d of %s, and %d after the first switch to %s", now[s], s, before[s], active)
		}
	}
	return fmt.Sprintf("%s; %d shapes of keys, as before", said, len(now)), nil
}

var (
	clusterIDs = regexp.MustCompile(`[A-Za-z0-9_-]{22}`)
	numbers    = regexp.MustCompile(`[0-9]+`)
)

// shape of a key: what names one point, one cluster or one moment is left out.
func shape(key string) string {
	rest := strings.TrimPrefix(key, contract.OwnPrefix)
	return contract.OwnPrefix + numbers.ReplaceAllString(clusterIDs.ReplaceAllString(rest, "<cluster>"), "#")
}

// grows reports what retention bounds, and not a switch.
func grows(shape string) bool { return strings.Contains(shape, contract.OwnPrefix+"points/") }
