package repository_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

const name = "os-snapshot-repo"

var quick = repository.Budget{Propagation: time.Second, First: time.Millisecond}

func newCluster(version ...string) (*opensearchtest.Cluster, *storetest.Memory) {
	b := storetest.NewMemory("films-west", "us-west-2", time.Now)
	return opensearchtest.New(opensearchtest.Options{Seed: 1, Version: strings.Join(version, ""), Clock: time.Now, Bucket: func(name string) store.Bucket {
		if name != b.Name() {
			return nil
		}
		return b
	}}), b
}

func wish(c *opensearchtest.Cluster) repository.Wish {
	return repository.Wish{
		Name: name, Bucket: "films-west", BucketRegion: "us-west-2", DomainRegion: "us-east-1", BasePath: c.UUID(),
		RoleARN: "arn:aws:iam::111122223333:role/TheSnapshotRole",
	}
}

func refuse(forms ...string) func(string, opensearch.Repository) error {
	return func(action string, r opensearch.Repository) error {
		got := "endpoint"
		if r.Region != "" {
			got = "region"
			if r.Endpoint != "" {
				got = "region and endpoint"
			}
		}
		for _, f := range forms {
			if f == got && action == "verify" {
				return &opensearch.Error{Step: "verify repository", Status: 500, Type: "repository_verification_exception",
					Reason: "path is not accessible on cluster-manager node: PermanentRedirect (Service: S3, Status Code: 301)"}
			}
		}
		return nil
	}
}

func TestX8_FormsAreTriedInTurnAndTheWinnerIsKept(t *testing.T) {
	for _, c := range []struct {
		refused []string
		bucket  string // Region
		want    string
	}{
		{nil, "us-west-2", "region and endpoint"},
		{[]string{"region and endpoint"}, "us-west-2", "region"},
		{[]string{"region and endpoint", "region"}, "us-west-2", "endpoint"},
		{nil, "us-east-1", "region"},
		{[]string{"region"}, "us-east-1", "region and endpoint"},
	} {
		cluster, _ := newCluster()
		cluster.RefuseRepositories(refuse(c.refused...))
		w := wish(cluster)
		w.BucketRegion = c.bucket
		r, err := repository.Ensure(t.Context(), cluster, w, quick)
		if err != nil || r.Form != c.want || !r.Registered || len(r.Notices) != min(len(c.refused), 1) {
			t.Errorf("%v refused, bucket in %s: %+v %v", c.refused, c.bucket, r, err)
		}
		again, err := repository.Ensure(t.Context(), cluster, w, quick)
		if err != nil || again.Form != c.want || again.Registered {
			t.Errorf("again: %+v %v", again, err)
		}
	}
}

func TestX8_AllFormsRefused(t *testing.T) {
	cluster, _ := newCluster()
	cluster.RefuseRepositories(refuse("region and endpoint", "region", "endpoint"))
	_, err := repository.Ensure(t.Context(), cluster, wish(cluster), quick)
	if err == nil || !strings.Contains(err.Error(), "every form was refused") {
		t.Errorf("%v", err)
	}
}

// The service shows a wrong form by the same bare sentence as a role that IAM
// still spreads; the order of the tries and what the error says tell them apart.
func TestX8_AWrongFormWithoutACauseIsLeftAfterThePatience(t *testing.T) {
	brief := repository.Budget{Propagation: 30 * time.Millisecond, First: time.Millisecond}
	bare := func(good string, tries map[string]int) func(string, opensearch.Repository) error {
		return func(action string, r opensearch.Repository) error {
			form := "endpoint"
			if r.Region != "" {
				form = "region"
				if r.Endpoint != "" {
					form = "region and endpoint"
				}
			}
			if action != "verify" {
				return nil
			}
			if tries[form]++; form == good {
				return nil
			}
			return &opensearch.Error{Step: "verify repository", Status: 500, Type: "repository_verification_exception",
				Reason: "[os-snapshot-repo] path is not accessible on cluster-manager node"}
		}
	}
	for _, good := range []string{"region", "endpoint"} {
		cluster, _ := newCluster()
		tries := map[string]int{}
		cluster.RefuseRepositories(bare(good, tries))
		r, err := repository.Ensure(t.Context(), cluster, wish(cluster), brief)
		if err != nil || r.Form != good || tries["region and endpoint"] < 2 || good == "endpoint" && tries["region"] != 1 {
			t.Errorf("%s: %+v %v, tries %v", good, r, err, tries)
		}
		if again, err := repository.Ensure(t.Context(), cluster, wish(cluster), brief); err != nil || again.Registered {
			t.Errorf("%s, again: %+v %v", good, again, err)
		}
	}
	cluster, _ := newCluster()
	tries := map[string]int{}
	cluster.RefuseRepositories(bare("none", tries))
	_, err := repository.Ensure(t.Context(), cluster, wish(cluster), brief)
	for _, part := range []string{"F13", "X8", "region and endpoint: ", "region: ", "endpoint: ", "films-west", "TheSnapshotRole"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if tries["region"] != 1 || tries["endpoint"] != 1 {
		t.Errorf("tries %v", tries)
	}
}

func TestX8_AFormThatStoppedWorkingIsReplaced(t *testing.T) {
	cluster, _ := newCluster()
	if _, err := repository.Ensure(t.Context(), cluster, wish(cluster), quick); err != nil {
		t.Fatal(err)
	}
	cluster.RefuseRepositories(refuse("region and endpoint"))
	r, err := repository.Ensure(t.Context(), cluster, wish(cluster), quick)
	if err != nil || r.Form != "region" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestF13_OnlyPropagationIsRetried(t *testing.T) {
	cluster, _ := newCluster()
	cluster.FailVerifications(3)
	if _, err := repository.Ensure(t.Context(), cluster, wish(cluster), quick); err != nil {
		t.Errorf("propagation: %v", err)
	}
	cluster, _ = newCluster()
	cluster.FailVerifications(1000)
	_, err := repository.Ensure(t.Context(), cluster, wish(cluster), repository.Budget{Propagation: 20 * time.Millisecond, First: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "F13") {
		t.Errorf("for ever: %v", err)
	}
	cluster, _ = newCluster()
	tries := 0
	cluster.RefuseRepositories(func(string, opensearch.Repository) error {
		tries++
		return &opensearch.Error{Step: "put", Status: 400, Type: "illegal_argument_exception", Reason: "no"}
	})
	if _, err := repository.Ensure(t.Context(), cluster, wish(cluster), quick); err == nil || tries != 1 {
		t.Errorf("another error: %v after %d tries", err, tries)
	}
}

func TestF14_TheErrorNamesTheCheck(t *testing.T) {
	cluster, _ := newCluster()
	_, err := repository.Ensure(t.Context(), cluster.As("arn:aws:iam::111122223333:role/nobody"), wish(cluster), quick)
	if err == nil || !strings.Contains(err.Error(), "no permissions") {
		t.Errorf("%v", err)
	}
	cluster.RefuseRepositories(func(string, opensearch.Repository) error {
		return &opensearch.Error{Step: "put", Status: 403, Reason: "User: x is not authorized to perform: iam:PassRole on resource: y"}
	})
	_, err = repository.Ensure(t.Context(), cluster, wish(cluster), quick)
	if err == nil || !strings.Contains(err.Error(), "iam:PassRole") || !strings.Contains(err.Error(), "F14") {
		t.Errorf("%v", err)
	}
}

func TestF1_H31_OnlyAUUIDIsAPath(t *testing.T) {
	cluster, _ := newCluster()
	for _, path := range []string{"", "_na_", "films", cluster.UUID() + "/", strings.Repeat("/", 22)} {
		w := wish(cluster)
		w.BasePath = path
		if _, err := repository.Ensure(t.Context(), cluster, w, quick); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
}

// pathless drops shard_path_type without a word.
type pathless struct{ opensearch.Domain }

func (f pathless) Repository(ctx context.Context, name string) (opensearch.Repository, error) {
	r, err := f.Domain.Repository(ctx, name)
	r.ShardPathType = ""
	return r, err
}

func TestH30_FixedPathsOrANotice(t *testing.T) {
	for _, c := range []struct {
		version string
		hashes  bool
	}{{"3.4.0", true}, {"3.2.0", true}, {"4.0.0", true}, {"strange", true}, {"3.1.0", false}, {"2.19.1", false}, {"7.10.2", false}} {
		for _, how := range []string{"refused", "dropped"} {
			cluster, _ := newCluster(c.version)
			var d opensearch.Domain = cluster
			if how == "dropped" {
				d = pathless{cluster}
			} else {
				cluster.RefuseRepositories(func(action string, r opensearch.Repository) error {
					if action == "put" && r.ShardPathType != "" {
						return &opensearch.Error{Step: "put", Status: 400, Type: "illegal_argument_exception", Reason: "unknown setting [shard_path_type]"}
					}
					return nil
				})
			}
			r, err := repository.Ensure(t.Context(), d, wish(cluster), quick)
			if c.hashes && (err == nil || !strings.Contains(err.Error(), "H30") || !strings.Contains(err.Error(), "before 3.2")) {
				t.Errorf("%s %s: %+v %v", c.version, how, r, err)
			}
			if !c.hashes && (err != nil || len(r.Notices) != 1 || !strings.Contains(r.Notices[0], "H30")) {
				t.Errorf("%s %s: %+v %v", c.version, how, r, err)
			}
			if again, err := repository.Ensure(t.Context(), d, wish(cluster), quick); !c.hashes && (err != nil || again.Registered) {
				t.Errorf("%s %s, again: %+v %v", c.version, how, again, err)
			}
			w := wish(cluster)
			w.Name, w.ReadOnly = "os-inbound", true
			if _, err := repository.Ensure(t.Context(), d, w, quick); err != nil {
				t.Errorf("%s %s: a reader needs no FIXED paths: %v", c.version, how, err)
			}
		}
	}
}

func TestH30_ARegistrationWithoutFixedPathsIsAnother(t *testing.T) {
	for _, kind := range []string{"", "HASHED_PREFIX"} {
		cluster, _ := newCluster("3.4.0")
		w := wish(cluster)
		old := opensearch.Repository{Bucket: w.Bucket, BasePath: w.BasePath, Region: w.BucketRegion, RoleARN: w.RoleARN, ShardPathType: kind}
		if err := cluster.PutRepository(t.Context(), name, old); err != nil {
			t.Fatal(err)
		}
		r, err := repository.Ensure(t.Context(), cluster, w, quick)
		if err != nil || !r.Registered {
			t.Errorf("%q: %+v %v", kind, r, err)
		}
		if r, err := cluster.Repository(t.Context(), name); err != nil || r.ShardPathType != repository.FixedPaths {
			t.Errorf("%q: %+v %v", kind, r, err)
		}
	}
}

// forgetful drops base_path without a word.
type forgetful struct{ opensearch.Domain }

func (f forgetful) Repository(ctx context.Context, name string) (opensearch.Repository, error) {
	r, err := f.Domain.Repository(ctx, name)
	r.BasePath = ""
	return r, err
}

func TestF1_ADroppedBasePathIsAnError(t *testing.T) {
	cluster, _ := newCluster()
	_, err := repository.Ensure(t.Context(), forgetful{cluster}, wish(cluster), quick)
	if err == nil || !strings.Contains(err.Error(), "G1") {
		t.Errorf("%v", err)
	}
}

func TestBucketMissing(t *testing.T) {
	cluster, _ := newCluster()
	w := wish(cluster)
	w.Bucket = "not-there"
	if _, err := repository.Ensure(t.Context(), cluster, w, quick); !errors.Is(err, repository.ErrBucketMissing) {
		t.Errorf("%v", err)
	}
}
