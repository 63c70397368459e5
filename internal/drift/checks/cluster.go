package checks

import (
	"context"
	"errors"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

func (f *Facts) clusterChecks() []drift.Check {
	asks := func(id, title, why string, scope drift.Scope, part string, find func(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error)) drift.Check {
		return drift.Check{ID: "cluster." + id, Title: title, Why: why, Scope: scope, Limit: f.limit(), Find: func(ctx context.Context, region string) ([]drift.Finding, error) {
			i, err := f.look(ctx, region)
			if err != nil || i == nil {
				return nil, err
			}
			if why := i.Failed[part]; why != "" {
				return nil, errors.New(why)
			}
			return find(ctx, i)
		}}
	}
	return []drift.Check{
		asks("identity", "the domain is the one that the ledger names", "a domain that was made again holds nothing, and nothing of it is snapshotted (H13)",
			drift.Active, contract.PartIdentity, f.identity),
		asks("health", "the domain is not red", "no snapshot is made while it is, and searches and writes of that index fail; yellow is a note",
			drift.EachRegion, contract.PartHealth, f.health),
		asks("mappings", "the functions, the master and the admins are mapped", "the function gets a 403 at its next snapshot, the admin at the failover (F14)",
			drift.EachRegion, contract.PartMappings, f.mappings),
		asks("repository", "the domain writes to its own path in the other Region's bucket", "recovery points go elsewhere, or two domains write one path (G1)",
			drift.Active, contract.PartRepositories, f.repository),
		asks("readonly", "every other registration of a snapshot bucket is read-only", "two writers corrupt a repository for both (F1)",
			drift.EachRegion, contract.PartRepositories, f.readonly),
		asks("verify", "each node reaches each read-only repository", "a restore fails on that node; the writable one is verified by each snapshot (F13, F15)",
			drift.EachRegion, contract.PartRepositories, f.verify),
		asks("left-out", "recovery points hold every index that users have", "what they do not hold is lost at a failover (H12)",
			drift.Active, contract.PartIndices, f.leftOut),
		asks("warm", "no index lies in the warm or cold tier", "manual snapshots do not carry them: they are lost at a failover",
			drift.Active, contract.PartIndices, f.warm),
		asks("blocks", "no write block of the product is left over", "writes to that index are refused, and nobody is at work who would end that",
			drift.Active, contract.PartIndices, f.blocks),
		asks("auto-create", "automatic creation of indexes is not left off", "a client that counts on it gets an error since the last switch",
			drift.Active, contract.PartSettings, f.autoCreate),
		asks("archived-settings", "the domain takes changes of its settings", "settings that an upgrade left behind refuse every change: a fence cannot switch off automatic creation and index state management, nor give them back",
			drift.EachRegion, contract.PartSettings, f.archivedSettings),
		asks("shard-size", "no single shard is too large to restore in time", "a shard is restored by one node, however many there are",
			drift.Active, contract.PartIndices, f.shardSize),
		{
			ID: "cluster.version", Title: "the other Region can restore what this engine writes", Scope: drift.Active,
			Why:  "a snapshot restores into its own version or a later minor one only (F6)",
			Find: f.versionPair,
		},
		{
			ID: "cluster.disk", Title: "the target has room for all that a failover restores", Scope: drift.Standby, Limit: f.limit(),
			Why:  "a restore into a full domain stops half-way, in the middle of the failover",
			Find: f.disk,
		},
	}
}

// look into a Region's domain; nil when none stands there, or none that answers
// yet: domain.exists and domain.state say so.
func (f *Facts) look(ctx context.Context, region string) (*contract.Inspection, error) {
	have, err := f.domain(ctx, region)
	if err != nil || have == nil || !have.Created || have.Deleted || have.Endpoint == "" {
		return nil, err
	}
	i, err := f.inspection(ctx, region)
	if err != nil {
		return nil, err
	}
	if i.Domain != contract.DomainReady {
		return nil, nil
	}
	return i, nil
}

func (f *Facts) identity(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	led, err := f.inForce(ctx)
	if err != nil || i.ClusterUUID == led.ClusterUUID {
		return nil, err
	}
	return []drift.Finding{{
		Resource: f.names().Domain(), Expected: "cluster " + led.ClusterUUID, Found: "cluster " + i.ClusterUUID, Mend: "docs/runbooks/domain-identity.md",
	}}, nil
}

func (f *Facts) mappings(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	var out []drift.Finding
	mend := "the controller of " + i.Region + " maps them each minute, and tells why it could not: " + f.tick(i.Region)
	for _, m := range i.Mappings {
		if m.Absent {
			out = append(out, drift.Finding{Resource: "role " + m.Role, Expected: "it is there, with its permissions", Found: "it is not, or has others", Mend: mend})
		}
		if len(m.Missing) > 0 {
			out = append(out, drift.Finding{Resource: "mapping of " + m.Role, Expected: "with " + strings.Join(m.Missing, ", "), Found: "without", Mend: mend})
		}
	}
	return out, nil
}

func (f *Facts) leftOut(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	var out []drift.Finding
	for _, l := range i.LeftOut {
		if l.Worrying && !l.Warm {
			out = append(out, drift.Finding{Resource: "index " + l.Name, Expected: "recovery points hold it", Found: l.Reason, Mend: "mend what is said there, or delete the index; reindex it under a name that snapshots take"})
		}
	}
	return out, nil
}

func (f *Facts) warm(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	var out []drift.Finding
	for _, l := range i.LeftOut {
		if l.Warm {
			out = append(out, drift.Finding{Resource: "index " + l.Name, Expected: "in the hot tier", Found: l.Reason, Mend: "POST _ultrawarm/migration/" + l.Name + "/_hot on the domain of " + i.Region + ", or accept by an exception that it is not recovered"})
		}
	}
	return out, nil
}
