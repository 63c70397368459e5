package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Faults is what regular operation must bear: it goes on where Regular ended.
func Faults(ctx context.Context, w *World) error {
	return w.play(ctx, []step{
		{"two invocations at the same time make one snapshot", w.invokeTwice},
		{"the other Region's bucket is cut off for two runs, then back", w.cutBucket},
		{"the node is killed during a snapshot", w.killDuringSnapshot},
	})
}

// ReCreated is a fault that nothing can follow: the domain is lost with it.
func ReCreated(ctx context.Context, w *World) error {
	return w.play(ctx, []step{
		{"an empty domain re-created under the same name is left alone", w.recreateEmpty},
	})
}

// settled waits until no snapshot is under way and lets the controller settle
// the last one, so that a step starts clean.
func (w *World) settled(ctx context.Context) error {
	return w.await(ctx, 2*time.Minute, "an idle domain", func() (bool, error) {
		var running struct {
			Snapshots []struct{} `json:"snapshots"`
		}
		if _, err := w.app.Do(ctx, http.MethodGet, "/_snapshot/_status", nil, &running); err != nil || len(running.Snapshots) > 0 {
			return false, err
		}
		err := w.tick(ctx, Primary)
		return err == nil, err
	})
}

func (w *World) invokeTwice(ctx context.Context) (string, error) {
	var (
		wg      sync.WaitGroup
		results [2]contract.SnapshotResult
		errs    [2]error
	)
	began := time.Now().UTC().Truncate(time.Second)
	if err := w.await(ctx, 2*time.Minute, "a pair of runs of which one starts a snapshot", func() (bool, error) {
		began = time.Now().UTC().Truncate(time.Second)
		for i := range 2 {
			wg.Go(func() { results[i], errs[i] = w.snapshot(ctx, Primary) })
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return false, err
		}
		return results[0].Started != "" || results[1].Started != "", nil
	}); err != nil {
		return "", err
	}
	if results[0].Started != "" && results[1].Started != "" {
		return "", fmt.Errorf("both runs started a snapshot: %s and %s", results[0].Started, results[1].Started)
	}
	one, none := results[0], results[1]
	if one.Started == "" {
		one, none = none, one
	}
	p, err := w.awaitPoint(ctx, Primary, began, func(p point.Point) bool { return p.Snapshot == one.Started })
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("one made %s, the other: %s", p.ID, firstOf(none.Skipped, "running "+none.Running)), nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// cutBucket cuts the primary off the secondary, so that neither the functions
// nor the node reach the bucket there.
func (w *World) cutBucket(ctx context.Context) (string, error) {
	if err := w.settled(ctx); err != nil {
		return "", err
	}
	before, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	// The metric is told by the minute: one with an earlier failure in it would
	// prove nothing of the cut.
	failed, _, err := w.metric(ctx, Primary, contract.MetricSnapshotFailed, time.Now())
	if err != nil {
		return "", err
	}
	if failed > 0 {
		w.Report.Say("a snapshot failed in this minute, before the cut: waiting for the next one")
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
	}
	since := time.Now()
	w.Cloud.Gateway.SetLink(Primary, Secondary, true)
	defer w.Cloud.Gateway.SetLink(Primary, Secondary, false)
	if _, err := w.app.Bulk(ctx, movies, filmNamed("cut", "Written behind the cut"), 1); err != nil {
		return "", err
	}
	// Two runs that met the cut; one that is held by another run did not.
	var said []string
	if err := w.await(ctx, 2*time.Minute, "two runs that miss the bucket", func() (bool, error) {
		got, err := w.snapshot(ctx, Primary)
		switch {
		case got.Started != "" || got.Settled != "":
			return false, fmt.Errorf("a run without the bucket claims %+v", got)
		case err != nil && strings.Contains(err.Error(), w.Names.Bucket(Secondary)):
			said = append(said, firstSentence(err.Error()))
		}
		return len(said) == 2, err
	}); err != nil {
		return "", err
	}
	if err := w.await(ctx, 3*time.Minute, "the metric of the alarm", func() (bool, error) {
		failed, _, err := w.metric(ctx, Primary, contract.MetricSnapshotFailed, since)
		return failed > 0, err
	}); err != nil {
		return "", err
	}
	during, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	if len(during) > len(before) {
		return "", fmt.Errorf("a point %s was made without the bucket", during[len(during)-1].ID)
	}
	w.Cloud.Gateway.SetLink(Primary, Secondary, false)
	back := time.Now().UTC().Truncate(time.Second)
	n, err := w.app.Count(ctx, movies)
	if err != nil {
		return "", err
	}
	p, err := w.awaitPoint(ctx, Primary, back, holds(int64(n)))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("said %q; back with %s", said[0], p.ID), nil
}

// killDuringSnapshot kills the node as soon as it uploads.
func (w *World) killDuringSnapshot(ctx context.Context) (string, error) {
	if err := w.settled(ctx); err != nil {
		return "", err
	}
	docs, err := w.documents("flights-200k.json", 0)
	if err != nil {
		return "", err
	}
	defer w.Cloud.Gateway.SetLink(Primary, Secondary, false)
	var met string // the snapshot that the node dies in
	for range 5 {
		if met, err = w.catchSnapshot(ctx, docs); err != nil {
			return "", err
		}
		if met != "" {
			break
		}
	}
	if met == "" {
		return "", errors.New("five snapshots ended before the node could be killed in one: nothing is shown")
	}
	if err := w.Cloud.KillNode(Primary, w.Names.Domain()); err != nil {
		return "", err
	}
	w.Cloud.Gateway.SetLink(Primary, Secondary, false)
	killed := time.Now().UTC()
	if err := w.Cloud.StartNode(ctx, Primary, w.Names.Domain()); err != nil {
		return "", err
	}
	p, err := w.awaitPoint(ctx, Primary, killed, func(p point.Point) bool {
		for _, i := range p.Indices {
			if i.Name == "more-flights" && i.Documents == int64(len(docs)) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return "", err
	}
	all, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	for _, q := range all {
		if q.Snapshot == met {
			return "", fmt.Errorf("point %s was made of %s, the snapshot that the node died in", q.ID, met)
		}
	}
	// What follows is timed with the films and flights of the set-up.
	if _, err := w.app.Do(ctx, http.MethodDelete, "/more-flights", nil, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf("no point from it; the next is %s, %d flights", p.ID, len(docs)), nil
}

// catchSnapshot writes, lets a snapshot begin and cuts the bucket off, so that the
// snapshot cannot end any more; empty when it had ended before.
func (w *World) catchSnapshot(ctx context.Context, docs []client.Document) (string, error) {
	if _, err := w.app.Bulk(ctx, "more-flights", docs, 10_000); err != nil {
		return "", err
	}
	var started string
	if err := w.await(ctx, 2*time.Minute, "a snapshot to start", func() (bool, error) {
		got, err := w.snapshot(ctx, Primary)
		started = got.Started
		return started != "", err
	}); err != nil {
		return "", err
	}
	w.Cloud.Gateway.SilenceLink(Primary, Secondary)
	time.Sleep(2 * time.Second) // for what had passed the gateway before
	var running struct {
		Snapshots []struct {
			Snapshot string `json:"snapshot"`
		} `json:"snapshots"`
	}
	if _, err := w.app.Do(ctx, http.MethodGet, "/_snapshot/_status", nil, &running); err != nil {
		return "", err
	}
	for _, s := range running.Snapshots {
		if s.Snapshot == started {
			return started, nil
		}
	}
	w.Cloud.Gateway.SetLink(Primary, Secondary, false)
	return "", nil
}

// recreateEmpty deletes the domain behind the product's back and makes an empty
// one of the same name: another cluster UUID in the active Region (H13).
func (w *World) recreateEmpty(ctx context.Context) (string, error) {
	if w.work != nil {
		w.work.Stop() // what it writes would make the new domain one that holds documents
	}
	if err := w.settled(ctx); err != nil {
		return "", err
	}
	api := opensearch.NewFromConfig(w.in(Primary))
	was, err := api.DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: new(w.Names.Domain())})
	if err != nil {
		return "", fmt.Errorf("describe the domain: %w", err)
	}
	before, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	uuids := map[string]bool{}
	for _, p := range before {
		uuids[p.ClusterUUID] = true
	}
	if _, err := api.DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: new(w.Names.Domain())}); err != nil {
		return "", fmt.Errorf("delete the domain: %w", err)
	}
	if err := w.await(ctx, time.Minute, "the domain's end", func() (bool, error) {
		_, found := w.domain(Primary)
		return !found, nil
	}); err != nil {
		return "", err
	}
	since := time.Now()
	s := was.DomainStatus
	if _, err := api.CreateDomain(ctx, &opensearch.CreateDomainInput{
		DomainName: s.DomainName, EngineVersion: s.EngineVersion, ClusterConfig: s.ClusterConfig, EBSOptions: s.EBSOptions,
		AccessPolicies: s.AccessPolicies, DomainEndpointOptions: s.DomainEndpointOptions,
		EncryptionAtRestOptions: s.EncryptionAtRestOptions, NodeToNodeEncryptionOptions: s.NodeToNodeEncryptionOptions,
		AdvancedSecurityOptions: masterOnly(w.Names.MasterRoleARN(Primary)),
	}); err != nil {
		return "", fmt.Errorf("create the empty domain: %w", err)
	}
	var said contract.SnapshotResult
	if err := w.await(ctx, 3*time.Minute, "a run that sees the empty domain", func() (bool, error) {
		if err := w.tick(ctx, Primary); err != nil {
			return false, err
		}
		var err error
		said, err = w.snapshot(ctx, Primary)
		return strings.Contains(said.Skipped, "identity"), err
	}); err != nil {
		return "", err
	}
	if err := w.await(ctx, 3*time.Minute, "the metric of a changed identity", func() (bool, error) {
		value, _, err := w.metric(ctx, Primary, contract.MetricIdentityChanged, since)
		return value > 0, err
	}); err != nil {
		return "", err
	}
	after, err := w.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	if len(after) != len(before) {
		return "", fmt.Errorf("the points went from %d to %d", len(before), len(after))
	}
	for i := range after {
		if after[i].ID != before[i].ID {
			return "", fmt.Errorf("point %s became %s", before[i].ID, after[i].ID)
		}
	}
	listing, err := w.bucket(Secondary).List(ctx, "")
	if err != nil {
		return "", err
	}
	for _, e := range listing {
		if uuid, _, _ := strings.Cut(e.Key, "/"); !uuids[uuid] && !strings.HasPrefix(e.Key, contract.OwnPrefix) {
			return "", fmt.Errorf("the empty domain wrote %s", e.Key)
		}
	}
	newest := after[len(after)-1]
	if whole, missing, err := point.Whole(ctx, w.bucket(Secondary), newest); err != nil {
		return "", fmt.Errorf("look whether point %s is whole: %w", newest.ID, err)
	} else if !whole {
		return "", fmt.Errorf("point %s is not whole any more: %v", newest.ID, missing)
	}
	return fmt.Sprintf("%d points kept, the newest is whole; it says: %s", len(after), firstSentence(said.Skipped)), nil
}

func firstSentence(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 120 {
		s = s[:120] + "…"
	}
	return s
}

func filmNamed(id, title string) []client.Document {
	return []client.Document{{ID: id, Body: []byte(fmt.Sprintf(`{"Title":%q}`, title))}}
}

// masterOnly is fine-grained access control with the IAM master role.
func masterOnly(arn string) *types.AdvancedSecurityOptionsInput {
	return &types.AdvancedSecurityOptionsInput{
		Enabled: new(true), InternalUserDatabaseEnabled: new(false),
		MasterUserOptions: &types.MasterUserOptions{MasterUserARN: new(arn)},
	}
}
