package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// traces are all that a doctor could leave, and what it may not have touched.
type traces struct {
	Indexes, Repositories, Objects, Mapped []string
	Settings                               map[string]any
	Domains                                int
}

func (d *doctors) traces(ctx context.Context) (traces, error) {
	var t traces
	domain, err := d.direct(Primary)
	if err != nil {
		return t, err
	}
	var indexes map[string]any
	var repositories map[string]any
	var settings struct{ Persistent, Transient map[string]any }
	var mapping map[string]struct {
		BackendRoles []string `json:"backend_roles"`
		Users, Hosts []string
	}
	for path, into := range map[string]any{
		"/" + contract.TrialPrefix + "*/_settings?expand_wildcards=all": &indexes, "/_snapshot/_all": &repositories,
		"/_cluster/settings?flat_settings=true": &settings, "/_plugins/_security/api/rolesmapping": &mapping,
	} {
		if _, err := domain.Do(ctx, http.MethodGet, path, nil, into); err != nil {
			return t, err
		}
	}
	t.Indexes, t.Repositories = slices.Sorted(maps.Keys(indexes)), slices.Sorted(maps.Keys(repositories))
	t.Settings = settings.Persistent
	maps.Copy(t.Settings, settings.Transient)
	if m, ok := mapping[contract.TrialRole]; ok {
		t.Mapped = slices.Concat(m.BackendRoles, m.Users, m.Hosts)
	}
	for _, region := range []string{Primary, Secondary} {
		objects, err := d.bucket(region).List(ctx, contract.TrialPrefix)
		if err != nil {
			return t, err
		}
		for _, o := range objects {
			t.Objects = append(t.Objects, region+" "+o.Key)
		}
	}
	t.Domains = len(d.Cloud.Status().Domains)
	return t, nil
}

// nothingLeft of a run, and nothing touched.
func (d *doctors) nothingLeft(ctx context.Context) error {
	now, err := d.traces(ctx)
	if err != nil {
		return err
	}
	if len(now.Indexes)+len(now.Objects)+len(now.Mapped) > 0 || !reflect.DeepEqual(now, d.before) {
		return fmt.Errorf("it left %+v; before there was %+v", now, d.before)
	}
	return d.await(ctx, time.Minute, "the leases to be free", func() (bool, error) {
		held, err := d.leases(ctx, Primary)
		return err == nil && len(held) == 0, errors.Join(err, fmt.Errorf("held: %v", held))
	})
}
