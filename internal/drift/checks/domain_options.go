package checks

import (
	"context"
	"maps"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

// known part of an input: an update changes what it names, and leaves the rest of
// an option as it is.
func known(input map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range input {
		if m, ok := v.(map[string]any); ok {
			v = known(m)
		}
		if _, hidden := v.(template.Unknown); !hidden {
			out[k] = v
		}
	}
	return out
}

// standbyKey of ClusterConfig has a check of its own.
const standbyKey = "MultiAZWithStandbyEnabled"

func (f *Facts) sizing(mend mender) finder {
	subject := f.domains()
	read := subject.read
	subject.read = func(ctx context.Context, r template.Located, name string) (*reader.Resource, error) {
		have, err := read(ctx, r, name)
		if err != nil || have == nil {
			return nil, err
		}
		want, _ := r.Properties["ClusterConfig"].(map[string]any)
		cluster, _ := have.Properties["ClusterConfig"].(map[string]any)
		is := maps.Clone(cluster)
		if asked, ok := want[standbyKey]; ok && is != nil {
			is[standbyKey] = asked
		}
		return &reader.Resource{Name: have.Name, Properties: map[string]any{"ClusterConfig": is, "EBSOptions": have.Properties["EBSOptions"]}}, nil
	}
	return f.differing(subject, mend, "ClusterConfig", "EBSOptions")
}

// inside compares some keys of one property.
func (f *Facts) inside(property string, mend mender, keys ...string) finder {
	return func(ctx context.Context, region string) ([]drift.Finding, error) {
		items, err := f.expected(region, domainType)
		if err != nil {
			return nil, err
		}
		return all(items, func(r template.Located) ([]drift.Finding, error) {
			have, err := f.domain(ctx, region)
			if err != nil || have == nil {
				return nil, err
			}
			whole, _ := r.Properties[property].(map[string]any)
			is, _ := have.Properties[property].(map[string]any)
			want := pick(whole, keys)
			differences := template.Compare(want, is)
			if len(differences) == 0 {
				return nil, nil
			}
			expected, found, _ := say(differences)
			return []drift.Finding{{Resource: have.Name, Expected: expected, Found: found, Mend: mend(r, have.Name, []string{property})}}, nil
		})
	}
}
