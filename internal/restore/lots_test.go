package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// engine refuses restores that name one of its bad indexes, and notes the others.
type engine struct {
	Domain
	bad   map[string]error
	calls [][]string
	fits  map[string]int // replicas by which a bad one comes nevertheless
}

func (e *engine) Restore(_ context.Context, _, _ string, r opensearch.RestoreRequest) error {
	e.calls = append(e.calls, r.Indices)
	for _, name := range r.Indices {
		if n, ok := e.fits[name]; ok && r.Replicas != nil && *r.Replicas == n {
			continue
		}
		if err := e.bad[name]; err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) Repository(context.Context, string) (opensearch.Repository, error) {
	return opensearch.Repository{ReadOnly: true, BasePath: "path", Bucket: "bucket"}, nil
}

func (e *engine) Snapshot(context.Context, string, string) (opensearch.Snapshot, error) {
	return opensearch.Snapshot{Name: "s", UUID: "u", State: opensearch.Success}, nil
}

func begin(t *testing.T, e *engine, n int) (Pass, Plan, *Progress) {
	p := Pass{
		Bucket: storetest.NewMemory("own", "us-west-2", time.Now), Domain: e, ClusterUUID: "c", Now: time.Now(), Try: "one", Select: contract.Restore{},
		Point: point.Point{ID: point.ID{Generation: 1, Sequence: 1}, BasePath: "path", Bucket: "bucket", Snapshot: "s", SnapshotUUID: "u"},
		May:   func(context.Context) error { return nil },
	}
	plan := Plan{}
	for n := range n {
		i := point.Index{Name: fmt.Sprintf("i%04d", n), UUID: fmt.Sprint(n), Replicas: 1}
		p.Point.Indices, plan.Indices = append(p.Point.Indices, i), append(plan.Indices, i.Name)
	}
	j, _, err := LoadJournal(t.Context(), p.Bucket, "c")
	if err != nil {
		t.Fatal(err)
	}
	w := Choose(p.Point, p.Select)
	return p, plan, &Progress{Journal: j, Wanted: w, Rest: w}
}

// One index's refusal is one index's fate, and no call asks for more than a lot.
func TestH79_ARefusedLotIsSplitUntilOneIndexIsLeft(t *testing.T) {
	refusal := &opensearch.Error{Status: 400, Type: "validation_exception", Reason: "Validation Failed"}
	e := &engine{bad: map[string]error{"i0007": refusal, "i0600": refusal, "i0601": refusal}, fits: map[string]int{"i0601": 2}}
	p, plan, out := begin(t, e, 1300)
	more, err := p.restore(t.Context(), plan, out)
	if err != nil || !more {
		t.Fatal(more, err)
	}
	for _, c := range e.calls {
		if len(c) > lotOf {
			t.Errorf("a call of %d indexes", len(c))
		}
	}
	if len(e.calls) > 3+3*2*9+3*3 {
		t.Errorf("%d calls", len(e.calls))
	}
	var bad []string
	for name, u := range out.Journal.Unplaced {
		bad = append(bad, name)
		if !strings.Contains(u.Cause, "Validation Failed") || u.Damaged {
			t.Errorf("%+v", u)
		}
	}
	slices.Sort(bad)
	if !slices.Equal(bad, []string{"i0007", "i0600"}) || len(out.Journal.Items) != 1298 {
		t.Errorf("%v, %d items", bad, len(out.Journal.Items))
	}
	if r := out.Journal.Items["i0601"].Reduced; r == nil || *r != 1 {
		t.Errorf("the source's replicas are not noted: %v", r)
	}
	saved, _, err := LoadJournal(t.Context(), p.Bucket, "c")
	if err != nil || len(saved.Unplaced) != 2 {
		t.Errorf("%v %v", saved.Unplaced, err)
	}
}

// A refusal that is nobody's own ends the call and is no index's fate.
func TestH79_ARefusalOfTheClusterIsNoIndexsFate(t *testing.T) {
	for _, err := range []error{
		&opensearch.Error{Status: 403, Type: "security_exception"},
		&opensearch.Error{Status: 404, Type: "repository_missing_exception"},
		&opensearch.Error{Status: 404, Type: "snapshot_missing_exception", Reason: "is missing"},
		&opensearch.Error{Status: 429, Type: "cluster_block_exception"},
		&opensearch.Error{Status: 500, Type: "internal_server_error"},
		&opensearch.Error{Status: 503, Type: "cluster_manager_not_discovered_exception"},
	} {
		e := &engine{bad: map[string]error{"i0001": err}}
		p, plan, out := begin(t, e, 4)
		if _, got := p.restore(t.Context(), plan, out); got == nil || len(e.calls) != 1 || len(out.Journal.Unplaced) > 0 {
			t.Errorf("%v: %v, %d calls, %v", err, got, len(e.calls), out.Journal.Unplaced)
		}
	}
}

// What was asked for and not answered is waited for by its size (H66).
func TestH66_PatienceGrowsWithTheIndexes(t *testing.T) {
	now := time.Now()
	j := Journal{Items: map[string]Item{}}
	for n := range 6000 {
		j.Items[fmt.Sprint(n)] = Item{Asked: now}
	}
	if got := j.Overdue(now.Add(9 * time.Minute)); len(got) > 0 {
		t.Errorf("%d given up", len(got))
	}
	if got := j.Overdue(now.Add(11 * time.Minute)); len(got) != 6000 {
		t.Errorf("%d given up", len(got))
	}
	if j.Adopt(nil) || len(j.Items) != 6000 {
		t.Error("what may still come is forgotten")
	}
}

// slowly answers about a chunk, and the run is cut off before the next one.
type slowly struct{ engine }

func (e *slowly) Progress(ctx context.Context, indices []string) ([]opensearch.IndexProgress, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []opensearch.IndexProgress
	for _, name := range indices {
		out = append(out, opensearch.IndexProgress{Index: name, Done: true})
	}
	return out, nil
}

func (e *slowly) Indices(ctx context.Context) ([]opensearch.Index, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []opensearch.Index
	for n := range 1000 {
		out = append(out, opensearch.Index{Name: fmt.Sprintf("i%04d", n), UUID: fmt.Sprint("copy-", n), Blocks: []string{"write"}, Primaries: 1, Shards: []opensearch.Shard{{}}})
	}
	return out, nil
}

// What has ended is noted chunk by chunk: a run that is cut off between two of them
// is not in vain.
func TestH70_ProgressIsNotedAfterEachChunk(t *testing.T) {
	e := &slowly{}
	p, _, out := begin(t, &e.engine, 1000)
	p.Domain, p.Guarded = e, func(all []opensearch.Index) []opensearch.Index { return all }
	for n := range 1000 {
		out.Journal.Items[fmt.Sprintf("i%04d", n)] = Item{UUID: fmt.Sprint("copy-", n), Point: p.Point.ID}
	}
	if err := out.Journal.Save(t.Context(), p.Bucket); err != nil {
		t.Fatal(err)
	}
	ctx, cut := context.WithCancel(t.Context())
	looks := 0
	p.Guarded = func(all []opensearch.Index) []opensearch.Index {
		if looks++; looks == 3 { // of the third chunk
			cut()
		}
		return all
	}
	if err := p.progress(ctx, out); err == nil {
		t.Fatal("it was not cut off")
	}
	j, _, err := LoadJournal(t.Context(), p.Bucket, "c")
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, i := range j.Items {
		if i.Done {
			done++
		}
	}
	if done < 2*progressAtOnce || done == 1000 {
		t.Errorf("%d of 1000 are noted", done)
	}
}
