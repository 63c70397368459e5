package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// tidy takes away all that bears the doctor's names, of this run or of one that
// died, and tells what is left and how a person takes it away. It tries each part
// whatever became of the others.
func (x *examination) tidy(ctx context.Context) []string {
	var left []string
	for _, part := range []struct {
		do  func(context.Context) error
		how string
	}{
		{x.tidyRepository, "DELETE _snapshot/" + contract.TrialRepository + ", after its snapshots"},
		{x.tidyIndices, "DELETE " + contract.TrialPrefix + "<the name>, by an administrator of the domain"},
		{x.tidySettings, "set action.auto_create_index to what stands after " + own + ", or to null"},
		{x.tidyRole, "PUT _plugins/_security/api/rolesmapping/" + contract.TrialRole + " with an empty list, by an administrator of the domain"},
		{x.tidyObjects, "aws s3 rm --recursive s3://" + x.Bucket.Name() + "/" + contract.TrialPrefix + "<the name>/"},
	} {
		if err := part.do(ctx); err != nil {
			left = append(left, fmt.Sprintf("%v; the next osdr doctor takes it away, or: %s", err, part.how))
		}
	}
	return left
}

// tidyRepository: snapshots first, which ends one that is under way.
func (x *examination) tidyRepository(ctx context.Context) error {
	list, err := x.Domain.Snapshots(ctx, contract.TrialRepository)
	if errors.Is(err, opensearch.ErrNotFound) {
		return nil
	}
	var failed []error
	for _, s := range list {
		if err := x.Domain.DeleteSnapshot(ctx, contract.TrialRepository, s.Name); err != nil && !errors.Is(err, opensearch.ErrNotFound) {
			failed = append(failed, err)
		}
	}
	// A path that cannot be read holds nothing that a deletion here would need.
	return errors.Join(append(failed, x.Domain.RemoveRepository(ctx, contract.TrialRepository))...)
}

// tidyIndices waits for a snapshot of somebody else that holds one.
func (x *examination) tidyIndices(ctx context.Context) error {
	for {
		all, err := x.Domain.Indices(ctx)
		if err != nil {
			return err
		}
		var failed error
		for _, i := range all {
			if !strings.HasPrefix(i.Name, contract.TrialPrefix) {
				continue
			}
			failed = errors.Join(failed, x.Domain.RemoveIndex(ctx, i.Name))
		}
		if failed == nil || !strings.Contains(failed.Error(), "snapshot_in_progress_exception") {
			return failed
		}
		if x.Wait(ctx, pause) != nil {
			return failed
		}
	}
}

// tidySettings of a doctor that died: its own part goes from the value.
func (x *examination) tidySettings(ctx context.Context) error {
	value, set, err := x.Domain.AutoCreate(ctx)
	if err != nil {
		return err
	}
	rest, ours := strings.CutPrefix(value, own+",")
	if !set || !ours {
		return nil
	}
	return x.Domain.SetAutoCreate(ctx, rest, rest != everything)
}

func (x *examination) tidyRole(ctx context.Context) error {
	_, err := x.Security.Role(ctx, contract.TrialRole)
	if errors.Is(err, opensearch.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return x.Security.PutRoleMapping(ctx, contract.TrialRole, opensearch.RoleMapping{})
}

func (x *examination) tidyObjects(ctx context.Context) error {
	objects, err := x.Bucket.List(ctx, contract.TrialPrefix)
	if err != nil {
		return err
	}
	var failed []error
	for _, o := range objects {
		if err := x.Bucket.Delete(ctx, o.Key); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
