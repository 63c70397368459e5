package checks

import (
	"context"
	"fmt"
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
