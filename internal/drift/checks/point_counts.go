package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
)

// pointCounts of the newest point against the one before. People delete indexes and
// documents: an index is missed only while the domain still has that very one, and
// fewer documents are a note, unless none is left.
func (f *Facts) pointCounts(ctx context.Context, region string) ([]drift.Finding, error) {
	own, led, err := f.own(ctx, region)
	if err != nil || len(own) < 2 {
		return nil, err
	}
	newest, before := own[0], own[1]
	keep := "keep " + before.ID.String() + " by raising dr.retention.count"
	out := drift.Finding{
		Resource: "recovery point " + newest.ID.String(), Expected: fmt.Sprintf("about %d documents, as in %s", before.Documents, before.ID), Found: fmt.Sprintf("%d documents in %d indexes", newest.Documents, len(newest.Indices)),
		Mend: "if nobody deleted them on purpose: " + keep + ", find out what happened, and restore from it",
	}
	missed, err := f.missed(ctx, led.ActiveRegion, led.ClusterUUID, before, newest)
	switch {
	case err != nil:
		return nil, err
	case len(missed) > 0:
		out.Expected, out.Found = "every index of "+before.ID.String()+" that the domain still has", "it lacks "+strings.Join(missed, ", ")
		out.Mend = keep + "; the log " + f.names().FunctionLogGroup(contract.Snapshot) + " in " + led.ActiveRegion + " says why they are not in the newest, and the next snapshot takes what it can"
	case before.Documents == 0 || newest.Documents*2 >= before.Documents:
		return nil, nil
	case newest.Documents > 0:
		out.Kind = drift.Note // people delete
	}
	return []drift.Finding{out}, nil
}

// missed are the indexes of the point before that the newest lacks and that a point
// of now would hold. The domain is asked only where one is lacking; cluster.left-out
// tells what no point can hold.
func (f *Facts) missed(ctx context.Context, active, uuid string, before, newest point.Point) ([]string, error) {
	has := map[string]bool{"": true} // an index whose UUID was not told
	for _, x := range newest.Indices {
		has[x.UUID] = true
	}
	gone := slices.DeleteFunc(slices.Clone(before.Indices), func(x point.Index) bool { return has[x.UUID] })
	if len(gone) == 0 {
		return nil, nil
	}
	i, err := f.look(ctx, active)
	if err != nil || i == nil || i.ClusterUUID != uuid {
		return nil, err // whose domain stands there is cluster.identity's
	}
	if why := i.Failed[contract.PartIndices]; why != "" {
		return nil, errors.New(why)
	}
	var out []string
	for _, x := range gone {
		if slices.Contains(i.Indices, contract.IndexState{Name: x.Name, UUID: x.UUID}) {
			out = append(out, x.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}
