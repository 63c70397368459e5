package fence

import (
	"context"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// The settings that a fence wants, as a Record names them.
const (
	SettingAutoCreate = "action.auto_create_index"
	SettingISM        = "plugins.index_state_management.enabled"
)

// Refusal of a setting: the domain refuses it now and the next time, and the fence does
// without (H75).
type Refusal struct {
	// Back: the value of the user could not be given back. Else the fence is up without
	// its own.
	Back bool `json:"back,omitempty"`
	// Archived: settings of an earlier version are in the way (opensearch.RemoveArchived).
	Archived bool   `json:"archived,omitempty"`
	Said     string `json:"said"` // by the domain
}

// put a setting by do. A refusal that is the same the next time is noted in the record,
// which the caller saves, and is no error.
func (f Fence) put(ctx context.Context, rec *Record, setting string, back bool, do func(context.Context) error) error {
	if err := f.may(ctx); err != nil {
		return err
	}
	err := do(ctx)
	if err == nil || !opensearch.IsSettingRefused(err) {
		f.taken(rec, setting)
		return err
	}
	if rec.Refused == nil {
		rec.Refused = map[string]Refusal{}
	}
	rec.Refused[setting] = Refusal{Back: back, Archived: opensearch.IsArchived(err), Said: err.Error()}
	return nil
}

// taken, or not wanted any more.
func (f Fence) taken(rec *Record, setting string) { delete(rec.Refused, setting) }

// same notes of refusals.
func same(a, b map[string]Refusal) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// end the record, unless it says what is still to be given back: the next run tries
// again.
func (f Fence) end(ctx context.Context, rec *Record) error {
	for _, x := range rec.Refused {
		if x.Back {
			return rec.Save(ctx, f.Bucket)
		}
	}
	return Remove(ctx, f.Bucket, rec.ClusterUUID)
}
