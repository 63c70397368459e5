package recovery

import (
	"context"
	"maps"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// refusedSettings names the settings that this Region's domain refuses, what follows
// from that, and what mends it (H75). The fence's record has them.
func (r *run) refusedSettings(rec *fence.Record) {
	if rec == nil {
		return
	}
	for _, setting := range slices.Sorted(maps.Keys(rec.Refused)) {
		x := rec.Refused[setting]
		hint := ""
		switch {
		case x.Archived:
			hint = "Send " + opensearch.RemoveArchived + " to the domain, as an admin"
		case x.Back:
			hint = "Set it by hand, as an admin: the controller tries again each minute"
		case setting == fence.SettingISM:
			hint = "Pause policies that roll over or delete before a planned switch"
		case setting == fence.SettingAutoCreate:
			hint = "Stop clients that make indexes before a planned switch"
		}
		r.attend(contract.AttentionSetting, setting, hint, "the domain in %s refuses the setting: %s: %s", r.Region, follows(setting, x.Back), x.Said)
	}
}

// follows from a refusal.
func follows(setting string, back bool) string {
	switch {
	case setting == fence.SettingAutoCreate && back:
		return "clients cannot make indexes by writing to them, since its user's value is not given back"
	case setting == fence.SettingAutoCreate:
		return "the fence lists and blocks again, since clients still make indexes by writing to them"
	case back:
		return "policies do not run, since index state management is not switched on again"
	}
	return "policies of index state management run on behind the fence"
}

// tellSettings of this run's domain. It changes nothing.
func (r *run) tellSettings(ctx context.Context) {
	if r.uuidIs == "" {
		return
	}
	if rec, err := fence.Load(context.WithoutCancel(ctx), r.Own, r.uuidIs); err == nil {
		r.refusedSettings(rec)
	}
}
