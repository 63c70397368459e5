package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

const (
	movies  = "movie-index" // the article's
	flights = "flights"
	stream  = "visits" // a data stream
	films   = 3201
)

// SetUp is what every scenario begins with: one deploy, and a client that writes.
func SetUp(ctx context.Context, w *World) error {
	return w.play(ctx, []step{
		{"cdk bootstrap of both Regions", w.bootstrap},
		{"hosted zone and application roles", w.prepare},
		{"cdk deploy --all", w.deploy},
		{"the record leads to the domain", w.recordIsRight},
		{"movies, flights and a data stream through the name", w.load},
	})
}

// Regular is the main job: recovery points stand in the other Region's bucket.
func Regular(ctx context.Context, w *World) error {
	return w.play(ctx, []step{
		{"first recovery point, by schedule", w.first},
		{"changed and deleted films, a second point adds only the difference", w.second},
		{"a third point, on demand", w.third},
		{"a read-only registration lists the snapshots and refuses writes", w.listReadOnly},
		{"the other Region's bucket holds the repository, the product's own, and nothing else", w.bucketIsClean},
		{"403 for a role that is mapped nowhere", w.strangerIsRefused},
		{"the functions asked for nothing that they have no right to", w.noneRefused},
		{"both Regions publish the age of the newest point", w.agesArePublished},
		{"cdk deploy --all again changes nothing", w.deployAgain},
		{"a synth from another folder has the same assets, functions of at most 8 MB", w.sameAssets},
		{"five faults in the context are five sentences", w.fiveFaults},
	})
}

func (w *World) bootstrap(ctx context.Context) (string, error) {
	_, err := w.CDK.Bootstrap(ctx, w.Names.Account, Primary, Secondary)
	return "", err
}

func (w *World) prepare(ctx context.Context) (string, error) {
	zone, err := w.zone(ctx)
	if err != nil {
		return "", err
	}
	w.CDK.Context["dr.dns.zoneId"] = zone
	if _, err := w.maker().Run(ctx, "osdr"); err != nil { // built beforehand, as the runbook says
		return "", err
	}
	return zoneName + " is " + zone, w.clients(ctx)
}

func (w *World) deploy(ctx context.Context) (string, error) {
	out, err := w.run(ctx, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d stacks", strings.Count(out.Text, "Stack ARN:")), nil
}

func (w *World) deployAgain(ctx context.Context) (string, error) {
	out, err := w.run(ctx, nil)
	if err != nil {
		return "", err
	}
	if n := strings.Count(out.Text, "(no changes)"); n != 7 {
		return "", fmt.Errorf("%d of 7 stacks are without changes: the synth is not reproducible, or the first deploy was not complete", n)
	}
	return "7 stacks without changes", nil
}

func (w *World) recordIsRight(ctx context.Context) (string, error) {
	to, err := w.dialer.Resolve(ctx, record)
	if err != nil {
		return "", err
	}
	if domain, ok := w.domain(Primary); !ok || domain.Endpoint != to.Host {
		return "", fmt.Errorf("%s leads to %s, which is no domain of %s", record, to.Host, Primary)
	}
	region, err := w.signingRegion(ctx)
	if err != nil {
		return "", err
	}
	if region != Primary {
		return "", fmt.Errorf("_active.%s says %s", record, region)
	}
	return record + " -> " + to.Host, nil
}

func (w *World) load(ctx context.Context) (string, error) {
	w.loaded = time.Now()
	all, err := w.documents("movies.json", 0)
	if err != nil {
		return "", err
	}
	if _, err := w.app.Bulk(ctx, movies, all, 1000); err != nil {
		return "", err
	}
	some, err := w.documents("flights-200k.json", 50_000)
	if err != nil {
		return "", err
	}
	if _, err := w.app.Bulk(ctx, flights, some, 5000); err != nil {
		return "", err
	}
	template := map[string]any{"index_patterns": []string{stream}, "data_stream": map[string]any{}}
	if _, err := w.app.Do(ctx, http.MethodPut, "/_index_template/"+stream, template, nil); err != nil {
		return "", err
	}
	for i := range 10 {
		visit := map[string]any{"@timestamp": time.Now().UTC().Format(time.RFC3339Nano), "film": i}
		if _, err := w.app.Do(ctx, http.MethodPost, "/"+stream+"/_doc", visit, nil); err != nil {
			return "", err
		}
	}
	n, err := w.app.Count(ctx, movies)
	if err != nil {
		return "", err
	}
	if n != films {
		return "", fmt.Errorf("%s holds %d films, not %d", movies, n, films)
	}
	return fmt.Sprintf("%d films, %d flights, 10 visits", n, len(some)), nil
}

// change updates 200 films and deletes 100 others.
func (w *World) change(ctx context.Context) error {
	var docs []client.Document
	for i := range 200 {
		docs = append(docs, client.Document{ID: fmt.Sprint(i), Body: []byte(fmt.Sprintf(`{"Title":"Seen again %d"}`, i))})
	}
	for i := range 100 {
		docs = append(docs, client.Document{ID: fmt.Sprint(1000 + i)})
	}
	if _, err := w.app.Bulk(ctx, movies, docs, 1000); err != nil {
		return err
	}
	n, err := w.app.Count(ctx, movies)
	if err == nil && n != films-100 {
		err = fmt.Errorf("%s holds %d films after the deletions, not %d", movies, n, films-100)
	}
	return err
}

func (w *World) first(ctx context.Context) (string, error) {
	p, err := w.awaitPoint(ctx, Primary, w.loaded, holds(films))
	return describe(p), err
}

func (w *World) second(ctx context.Context) (string, error) {
	began := time.Now()
	if err := w.change(ctx); err != nil {
		return "", err
	}
	p, err := w.awaitPoint(ctx, Primary, began, holds(films-100))
	if err != nil {
		return "", err
	}
	return describe(p), incremental(p)
}

func (w *World) third(ctx context.Context) (string, error) {
	began := time.Now()
	if _, err := w.app.Bulk(ctx, movies, []client.Document{{ID: "new", Body: []byte(`{"Title":"The newest"}`)}}, 1); err != nil {
		return "", err
	}
	if err := w.await(ctx, time.Minute, "a snapshot that starts on demand", func() (bool, error) {
		got, err := w.snapshot(ctx, Primary)
		return got.Started != "", err
	}); err != nil {
		return "", err
	}
	p, err := w.awaitPoint(ctx, Primary, began, holds(films-99))
	if err != nil {
		return "", err
	}
	return describe(p), incremental(p)
}

// holds tells whether the films in a point are so many.
func holds(films int64) func(point.Point) bool {
	return func(p point.Point) bool {
		return slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == movies && i.Documents == films })
	}
}

func describe(p point.Point) string {
	return fmt.Sprintf("%s: %d indexes, %d documents, added %s of %s, in %s",
		p.ID, len(p.Indices), p.Documents, size(p.BytesAdded), size(p.BytesTotal), p.End.Sub(p.Start).Round(time.Millisecond))
}

func incremental(p point.Point) error {
	if p.BytesAdded*2 > p.BytesTotal {
		return fmt.Errorf("point %s added %s of %s: that is no difference, it is a full upload", p.ID, size(p.BytesAdded), size(p.BytesTotal))
	}
	return nil
}

func (w *World) listReadOnly(ctx context.Context) (string, error) {
	points, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	body := map[string]any{"type": "s3", "settings": map[string]any{
		"bucket": w.Names.Bucket(Secondary), "base_path": points[0].BasePath, "region": Secondary,
		"endpoint": "https://s3." + Secondary + ".amazonaws.com",
		"role_arn": w.Names.SnapshotRoleARN(Primary), "readonly": true, "shard_path_type": "FIXED"}}
	if _, err := w.app.Do(ctx, http.MethodPut, "/_snapshot/second-look", body, nil); err != nil {
		return "", err
	}
	var listed struct {
		Snapshots []struct {
			Snapshot string `json:"snapshot"`
			State    string `json:"state"`
		} `json:"snapshots"`
	}
	if _, err := w.app.Do(ctx, http.MethodGet, "/_snapshot/second-look/_all", nil, &listed); err != nil {
		return "", err
	}
	for _, p := range points {
		if !slices.ContainsFunc(listed.Snapshots, func(s struct {
			Snapshot string `json:"snapshot"`
			State    string `json:"state"`
		}) bool {
			return s.Snapshot == p.Snapshot && s.State == "SUCCESS"
		}) {
			return "", fmt.Errorf("snapshot %s of point %s is not listed as SUCCESS", p.Snapshot, p.ID)
		}
	}
	if _, err := w.app.Do(ctx, http.MethodPut, "/_snapshot/second-look/intruder?wait_for_completion=true", map[string]any{"indices": movies}, nil); err == nil || !strings.Contains(err.Error(), "readonly") {
		return "", fmt.Errorf("a snapshot through the read-only registration answered %v, not that it is read-only (F28)", err) //nolint:errorlint // may be nil
	}
	if _, err := w.app.Do(ctx, http.MethodDelete, "/_snapshot/second-look", nil, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d points, each listed as SUCCESS", len(points)), nil
}

func (w *World) bucketIsClean(ctx context.Context) (string, error) {
	points, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	entries, err := w.bucket(Secondary).List(ctx, "")
	if err != nil {
		return "", err
	}
	repository, own := 0, 0
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Key, points[0].ClusterUUID+"/"):
			repository++
		case strings.HasPrefix(e.Key, contract.OwnPrefix):
			own++
		default:
			return "", fmt.Errorf("%s stands outside %s/ and %s", e.Key, points[0].ClusterUUID, contract.OwnPrefix)
		}
	}
	newest := points[len(points)-1]
	whole, missing, err := point.Whole(ctx, w.bucket(Secondary), newest)
	if err != nil {
		return "", fmt.Errorf("look whether point %s is whole: %w", newest.ID, err)
	}
	if !whole {
		return "", fmt.Errorf("point %s is not whole: %v", newest.ID, missing)
	}
	return fmt.Sprintf("%d objects under %s/, %d under %s, point %s is whole", repository, points[0].ClusterUUID, own, contract.OwnPrefix, newest.ID), nil
}

func (w *World) strangerIsRefused(ctx context.Context) (string, error) {
	for _, path := range []string{"/" + movies + "/_search", "/_snapshot/" + contract.Repository} {
		if _, err := w.other.Do(ctx, http.MethodGet, path, nil, nil); client.Status(err) != http.StatusForbidden {
			return "", fmt.Errorf("GET %s by %s answered %v, not 403", path, stranger, err) //nolint:errorlint // nil where the stranger was let in
		}
	}
	return "", nil
}

// noneRefused: a 403 that nobody looks at is a right that is missing, or a call
// that nobody meant. The first calls of the access step are refused by design:
// they are how it sees that a role is not mapped yet.
func (w *World) noneRefused(context.Context) (string, error) {
	calls := w.Cloud.Gateway.Calls(gateway.Filter{Since: w.loaded, Match: func(c gateway.Call) bool { return c.Function != "" }})
	for _, c := range calls {
		if c.Status == http.StatusForbidden {
			return "", fmt.Errorf("%s was refused %s %s of %s at %s", c.Function, c.Method, c.Path, c.Service, c.Time.Format(time.TimeOnly))
		}
	}
	if len(calls) == 0 {
		return "", errors.New("no function called anything: nothing was looked at")
	}
	return fmt.Sprintf("%d calls", len(calls)), nil
}

func (w *World) agesArePublished(ctx context.Context) (string, error) {
	since := time.Now().Add(-3 * time.Minute)
	var saw []string
	for _, region := range []string{Primary, Secondary} {
		var age float64
		if err := w.await(ctx, 3*time.Minute, "the age of the newest point as seen from "+region, func() (bool, error) {
			value, any, err := w.metric(ctx, region, contract.MetricPointAge, since)
			age = value
			return any, err
		}); err != nil {
			return "", err
		}
		if age > rpo*60*2 {
			return "", fmt.Errorf("%s says that the newest point is %.0f s old", region, age)
		}
		saw = append(saw, fmt.Sprintf("%s: at most %.0f s", region, age))
	}
	return strings.Join(saw, ", "), nil
}

func size(n int64) string {
	const unit = 1000
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f kB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/unit/unit/unit)
}
