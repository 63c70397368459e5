package operator

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Point is one recovery point, as it stands in the bucket of Region.
type Point struct {
	ID            string    `json:"id"`
	Kind          string    `json:"kind"` // "regular", "final", "salvage"
	ClusterUUID   string    `json:"clusterUuid,omitempty"`
	EngineVersion string    `json:"engineVersion,omitempty"`
	Start         time.Time `json:"start,omitzero"` // the loss window counts from here (H33)
	AgeSeconds    int64     `json:"ageSeconds"`
	Documents     int64     `json:"documents"`
	Bytes         int64     `json:"bytes"`      // that its snapshot refers to
	BytesAdded    int64     `json:"bytesAdded"` // by this snapshot alone
	Whole         bool      `json:"whole"`
	Why           string    `json:"why,omitempty"` // it is not whole, or nobody knows
	Switch        string    `json:"switch,omitempty"`
}

// pointsAtOnce bounds the requests of one look.
const pointsAtOnce = 8

// points of a bucket: how many there are, and the newest of each generation, so
// that the salvage of an older one is seen however many younger points there are.
// Newest first.
func points(ctx context.Context, b store.Bucket, now time.Time, newest int) (total int, out []Point, copies []ledger.Ledger, err error) {
	ids, err := point.List(ctx, b)
	if err != nil {
		return 0, nil, nil, err
	}
	chosen := newestOfEach(ids, newest)
	loaded := make([]loadedPoint, len(chosen))
	var all sync.WaitGroup
	slots := make(chan struct{}, pointsAtOnce)
	repositories := &listings{bucket: b, of: map[string]*listing{}}
	for n, id := range chosen {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			loaded[n] = loadPoint(ctx, b, id, now, repositories)
		})
	}
	all.Wait()
	for _, l := range loaded {
		if l.gone {
			total-- // pruned while we looked
			continue
		}
		out = append(out, l.Point)
		if l.copy != nil {
			copies = append(copies, *l.copy)
		}
	}
	return total + len(ids), out, copies, nil
}

func newestOfEach(ids []point.ID, newest int) []point.ID {
	seen := map[int64]int{}
	var out []point.ID
	for _, id := range slices.Backward(ids) {
		if seen[id.Generation]++; newest <= 0 || seen[id.Generation] <= newest {
			out = append(out, id)
		}
	}
	return out
}

type loadedPoint struct {
	Point
	copy *ledger.Ledger
	gone bool
}

func loadPoint(ctx context.Context, b store.Bucket, id point.ID, now time.Time, repositories *listings) loadedPoint {
	p, err := point.Load(ctx, b, id)
	if errors.Is(err, store.ErrAbsent) {
		return loadedPoint{gone: true}
	}
	if err != nil {
		return loadedPoint{Point: Point{ID: id.String(), Why: err.Error()}}
	}
	out := describePoint(p, now)
	objects, err := point.Objects(ctx, b, p)
	if err != nil {
		out.Why = err.Error()
		return loadedPoint{Point: out, copy: &p.Ledger}
	}
	there, err := repositories.get(ctx, p.BasePath)
	if err != nil {
		out.Why = err.Error()
		return loadedPoint{Point: out, copy: &p.Ledger}
	}
	if missing := point.Missing(there, p.BasePath, objects); len(missing) > 0 {
		out.Why = plural(len(missing), "object") + " missing or changed, such as " + missing[0]
	} else {
		out.Whole = true
	}
	return loadedPoint{Point: out, copy: &p.Ledger}
}

func describePoint(p point.Point, now time.Time) Point {
	kind := p.Kind
	if kind == point.KindRegular {
		kind = "regular"
	}
	return Point{
		ID: p.ID.String(), Kind: kind, ClusterUUID: p.ClusterUUID, EngineVersion: p.EngineVersion,
		Start: p.Start.UTC(), AgeSeconds: int64(now.Sub(p.Start).Seconds()),
		Documents: p.Documents, Bytes: p.BytesTotal, BytesAdded: p.BytesAdded, Switch: p.Switch,
	}
}

// listings of repositories, each read once.
type listings struct {
	bucket store.Bucket
	mu     sync.Mutex
	of     map[string]*listing
}

type listing struct {
	once  sync.Once
	there point.Listing
	err   error
}

func (l *listings) get(ctx context.Context, basePath string) (point.Listing, error) {
	l.mu.Lock()
	one := l.of[basePath]
	if one == nil {
		one = &listing{}
		l.of[basePath] = one
	}
	l.mu.Unlock()
	one.once.Do(func() { one.there, one.err = point.ListRepository(ctx, l.bucket, basePath) })
	return one.there, one.err
}
