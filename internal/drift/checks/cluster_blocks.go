package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// blocks of the product that nobody would lift. The engine does not tell who set
// one, but the product writes down what it does and what users have:
//   - what it restored stands in the journal until it is handed over;
//   - a fence turns automatic creation of indexes off before its first block, and
//     gives it back after the last: where it is as a fence leaves it and no fence is
//     noted, the note was lost, and with it what the user's blocks were;
//   - a recovery point notes each index with its user's blocks. A block that one
//     knows goes with the data at a switch, so it is the user's.
//
// What is newer than the newest point is told, and is no drift: index state
// management makes an index read-only every day. So is what a point knows while a
// fence's trace is there, since points are made after a note is lost, too.
func (f *Facts) blocks(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	if len(i.Blocked) == 0 || i.Fenced {
		return nil, nil
	}
	if _, live, _, err := f.intent(ctx); err != nil || live {
		return nil, err
	}
	journal, _, err := restore.LoadJournal(ctx, f.Buckets[i.Region], i.ClusterUUID)
	if err != nil {
		return nil, err
	}
	own, _, err := f.own(ctx, f.App.Other(i.Region))
	if err != nil {
		return nil, fmt.Errorf("look into the recovery points for the users' blocks: %w", err)
	}
	noted := func(b contract.BlockedIndex) bool {
		return len(own) > 0 && slices.ContainsFunc(own[0].Indices, func(p point.Index) bool { return p.UUID == b.UUID && slices.Contains(p.Blocks, "write") })
	}
	var out []drift.Finding
	for _, b := range i.Blocked {
		lift := fmt.Sprintf(`PUT /%s/_settings {"index.blocks.write": null} on the domain of %s, as an admin`, b.Name, i.Region)
		x := drift.Finding{Resource: "index " + b.Name, Expected: "no write block: no fence is up", Found: "index.blocks.write is true", Mend: lift + "; if it is meant, write it down as an exception"}
		item, restored := journal.Items[b.Name]
		if i.AutoCreateLeft {
			x.Found += ", and automatic creation of indexes is as a fence sets it"
		}
		switch {
		case restored && item.UUID == b.UUID:
			x.Found += ", as a restore sets it; the index was not handed over to its users"
			x.Mend = "the controller of " + i.Region + " hands it over, and tells why it could not: " + f.tick(i.Region)
		case noted(b) && !i.AutoCreateLeft:
			continue
		case noted(b):
			x.Kind, x.Expected, x.Mend = drift.Note, "its user made it so, as the newest recovery point has it", "nothing if it is meant; else "+lift
		case !i.AutoCreateLeft:
			x.Kind, x.Expected, x.Mend = drift.Note, "a recovery point notes it as its user's: the next one does", "nothing if it is meant; else "+lift
		}
		out = append(out, x)
	}
	return out, nil
}

func (f *Facts) archivedSettings(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	if len(i.ArchivedSettings) == 0 {
		return nil, nil
	}
	return []drift.Finding{{
		Resource: "cluster settings", Expected: "none of an earlier version", Found: strings.Join(i.ArchivedSettings, ", "),
		Mend: opensearch.RemoveArchived + " on the domain of " + i.Region + ", as an admin",
	}}, nil
}

func (f *Facts) autoCreate(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	if !i.AutoCreateLeft || i.Fenced {
		return nil, nil
	}
	if _, live, _, err := f.intent(ctx); err != nil || live {
		return nil, err
	}
	return []drift.Finding{{
		Resource: "action.auto_create_index", Expected: "what its user had", Found: i.AutoCreate + ", as a fence sets it, and no fence is up",
		Mend: `PUT _cluster/settings {"persistent":{"action.auto_create_index":null}} on the domain of ` + i.Region + ", as an admin",
	}}, nil
}
