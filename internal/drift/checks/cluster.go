package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

const (
	// restoreRate of one node in bytes a second: the engine's own limit for
	// recoveries, which the managed service does not let one raise for sure.
	restoreRate = 40 << 20
	// longestRestore is what CloudFormation waits for a promotion, in seconds: a
	// single shard that takes longer cannot be restored in one deployment, and lies
	// on one node, however many there are.
	longestRestore = 3600
	// advisedShard is AWS's upper end
	// (docs.aws.amazon.com/opensearch-service/latest/developerguide/bp-sharding.html).
	advisedShard = 50 << 30
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

func (f *Facts) repository(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	n := f.names()
	bucket := n.Bucket(f.App.Other(i.Region))
	snapshotNow := aws(i.Region, "lambda invoke", "function-name", n.Function(contract.Snapshot), "cli-binary-format", "raw-in-base64-out", "payload", `{"reason":"demand"}`) + " /dev/stdout"
	out := drift.Finding{
		Resource: contract.Repository, Expected: "s3://" + bucket + "/" + i.ClusterUUID + " by " + n.SnapshotRoleARN(i.Region) + ", writable",
		Mend: "the next snapshot registers it: " + snapshotNow,
	}
	at := slices.IndexFunc(i.Repositories, func(r contract.RepositoryState) bool { return r.Name == contract.Repository })
	if at < 0 {
		out.Found = "it is not registered"
		return []drift.Finding{out}, nil
	}
	r := i.Repositories[at]
	if r.Bucket == bucket && r.BasePath == i.ClusterUUID && !r.Readonly && (r.Role == "" || r.Role == n.SnapshotRoleARN(i.Region)) {
		return nil, nil
	}
	out.Found = fmt.Sprintf("s3://%s/%s by %s", r.Bucket, r.BasePath, or(r.Role, "no role"))
	if r.Readonly {
		out.Found += ", read-only"
	}
	return []drift.Finding{out}, nil
}

func (f *Facts) readonly(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	for _, r := range i.Repositories {
		ours := r.Bucket == f.names().Bucket(f.App.PrimaryRegion) || r.Bucket == f.names().Bucket(f.App.SecondaryRegion)
		writer := r.Name == contract.Repository && r.BasePath == i.ClusterUUID && r.Bucket == f.names().Bucket(f.App.Other(i.Region))
		if !ours || r.Readonly || writer {
			continue
		}
		out = append(out, drift.Finding{
			Resource: r.Name, Expected: "read-only", Found: fmt.Sprintf("writable, on s3://%s/%s", r.Bucket, r.BasePath),
			Mend: fmt.Sprintf("DELETE _snapshot/%s on the domain of %s, as an admin; a switch registers what it needs (active is %s)", r.Name, i.Region, led.ActiveRegion),
		})
	}
	return out, nil
}

func (f *Facts) verify(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	var out []drift.Finding
	for _, r := range i.Repositories {
		if r.Refused != "" {
			out = append(out, drift.Finding{
				Resource: r.Name, Expected: "every node reaches s3://" + r.Bucket + "/" + r.BasePath, Found: r.Refused,
				Mend: "look at role.snapshot, role.trust and bucket.policy of this Region; a registration that nobody needs: DELETE _snapshot/" + r.Name,
			})
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

func (f *Facts) shardSize(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	l := i.Largest
	out := drift.Finding{
		Resource: "index " + l.Index, Expected: fmt.Sprintf("at most %d GiB", restoreRate*longestRestore>>30),
		Found: fmt.Sprintf("%d GiB a shard, of %d: %d min at 40 MB/s", l.Bytes>>30, l.Shards, l.Bytes/restoreRate/60),
		Mend:  "_split the index, or reindex it into more shards; roll over earlier (50 GiB a shard at most)",
	}
	switch {
	case l.Bytes > restoreRate*longestRestore:
		return []drift.Finding{out}, nil
	case l.Bytes > advisedShard:
		out.Kind, out.Expected = drift.Note, "at most 50 GiB, as AWS advises"
		return []drift.Finding{out}, nil
	}
	return nil, nil
}

// versionPair: the engine that runs against the one the other Region has, or would
// be made with.
func (f *Facts) versionPair(ctx context.Context, region string) ([]drift.Finding, error) {
	here, err := f.domain(ctx, region)
	if err != nil || here == nil {
		return nil, err
	}
	other := f.App.Other(region)
	if other == f.App.UnreachableRegion {
		return nil, nil
	}
	there, err := f.domain(ctx, other)
	if err != nil {
		return nil, err
	}
	target, what := f.App.EngineVersion, "the domain that a failover makes in "+other
	if there != nil {
		target, what = fmt.Sprint(there.Properties["EngineVersion"]), "the domain in "+other
	}
	runs := fmt.Sprint(here.Properties["EngineVersion"])
	if !newer(runs, target) && major(target)-major(runs) <= 1 {
		return nil, nil
	}
	return []drift.Finding{{
		Resource: here.Name, Expected: "at most the version of " + what + ", " + target, Found: runs,
		Mend: "upgrade the other side first: set dr.engineVersion to " + runs + " or later and deploy",
	}}, nil
}

func major(version string) (n int) {
	_, _ = fmt.Sscanf(strings.TrimPrefix(version, "OpenSearch_"), "%d", &n)
	return n
}

// disk: the primaries of the newest point must fit; that replicas do is a comfort.
func (f *Facts) disk(ctx context.Context, region string) ([]drift.Finding, error) {
	own, _, err := f.own(ctx, region)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	need := own[0].BytesTotal
	have, err := f.domain(ctx, region)
	if err != nil {
		return nil, err
	}
	nodes, each, what := int64(f.App.Domain.DataNodes), int64(f.App.Domain.Volume.SizeGiB), "as configured"
	if have != nil {
		n, v := number(have.Properties, "ClusterConfig", "InstanceCount"), number(have.Properties, "EBSOptions", "VolumeSize")
		if n > 0 && v > 0 {
			nodes, each, what = n, v, "that stand there"
		}
	}
	// A quarter is the engine's and the service's own: watermarks, translogs, logs.
	room := nodes * each << 30 / 4 * 3
	out := drift.Finding{
		Resource: "recovery point " + own[0].ID.String(), Expected: fmt.Sprintf("%d MiB of primaries fit into %d nodes of %d GiB, %s", need>>20, nodes, each, what), Found: fmt.Sprintf("room for %d MiB", room>>20),
		Mend: "raise dr.domain.volume.sizeGiB or dr.domain.dataNodes and deploy; or restore less, by dr.restore",
	}
	switch {
	case need > room:
		return []drift.Finding{out}, nil
	case 2*need > room:
		out.Kind, out.Expected = drift.Note, out.Expected+", with one replica of each"
		return []drift.Finding{out}, nil
	}
	return nil, nil
}

// number of a property, however it was decoded.
func number(properties map[string]any, property, key string) int64 {
	m, _ := properties[property].(map[string]any)
	switch v := m[key].(type) {
	case float64:
		return int64(v)
	case int:
		return int64(v)
	}
	return 0
}
