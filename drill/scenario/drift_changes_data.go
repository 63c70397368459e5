package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// inRecords are changes of who is active, as clients and controllers see it. The
// controllers put most of it right each minute.
func (d *drifts) inRecords() []change {
	n := d.Names
	cname := func(target string, ttl int) string {
		return fmt.Sprintf(updateRecord+`'{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"{record}","Type":"CNAME","TTL":%d,"ResourceRecords":[{"Value":"%s"}]}}]}'`, ttl, target)
	}
	txt := updateRecord + `'{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"_active.{record}","Type":"TXT","TTL":60,"ResourceRecords":[{"Value":"\"osdr name={name} region={S} generation=1\""}]}}]}'`
	return []change{
		d.staleFlag(),
		{id: "record.target", where: drift.Global, resource: record, does: "the record led elsewhere", by: d.filled(cname("elsewhere.example.com", 60)), heals: true},
		{id: "record.ttl", where: drift.Global, resource: record, does: "the record's TTL raised", heals: true, do: func(ctx context.Context) error {
			domain, _ := d.domain(Primary)
			return d.carryOut(ctx, d.admin, Primary, d.filled(cname(domain.Endpoint, 3600))...)
		}},
		{id: "record.mark", where: drift.Global, resource: record, does: "the TXT record names the other Region", by: d.filled(txt), heals: true},
		{id: "active.parameter", where: Secondary, resource: n.ActiveParameter(), does: "the parameter names the other Region", heals: true, by: d.filled(
			"aws ssm put-parameter --region {S} --name " + n.ActiveParameter() + " --value {S} --type String --overwrite")},
		{id: "ledger.readable", where: Secondary, resource: d.Names.Bucket(Secondary) + "/" + ledger.Key, does: "a ledger deleted", heals: true, by: d.filled("aws s3 rm --region {S} s3://{bS}/" + ledger.Key)},
		{id: "ledger.readable", where: Primary, resource: d.Names.Bucket(Primary) + "/" + ledger.Key, does: "a ledger that is none", heals: true, by: d.filled("aws s3 cp --region {P} other.zip s3://{bP}/" + ledger.Key),
			act: "copy the other Region's", mend: d.copyLedger(Secondary, Primary), blinds: []string{"malformed ledger", "who is active is not known"}},
	}
}

// staleFlag: cdk.json names the Region that is not active, as a colleague's may.
func (d *drifts) staleFlag() change {
	before := d.CDK
	before.Context = maps.Clone(before.Context)
	return change{
		id: "active.flag", where: drift.Global, resource: "cdk.json", does: "the other Region committed to cdk.json",
		do:  func(context.Context) error { return d.commit(Secondary) },
		act: "the active Region committed", mend: func(context.Context, drift.Finding) error { d.CDK = before; return nil },
		blinds: []string{"was synthesized with activeRegion"},
	}
}

func (d *drifts) copyLedger(from, to string) func(context.Context, drift.Finding) error {
	return func(ctx context.Context, _ drift.Finding) error {
		return d.copyObject(ctx, from, to, ledger.Key)
	}
}

func (d *drifts) copyObject(ctx context.Context, from, to, key string) error {
	o, err := d.bucket(from).Get(ctx, key)
	if err != nil {
		return err
	}
	_, err = d.bucket(to).Put(ctx, key, o.Body, store.Condition{})
	return err
}

// afterASwitch are changes that need a generation before the one in force.
func (d *drifts) afterASwitch() []change {
	return []change{{id: "ledger.agree", where: drift.Global, resource: ledger.Key, does: "the ledger of before the switch", heals: true, do: func(ctx context.Context) error {
		return d.put(ctx, Primary, ledger.Key, d.first)
	}}}
}

func (d *drifts) put(ctx context.Context, region, key string, v any) error {
	body, err := json.Marshal(v)
	if err == nil {
		_, err = d.bucket(region).Put(ctx, key, body, store.Condition{})
	}
	return err
}

// inPoints are changes of recovery points and of what a switch leaves behind.
func (d *drifts) inPoints() []change {
	return []change{
		{id: "point.whole", where: Secondary, resource: "recovery point ", does: "a blob removed", do: d.removeBlob, act: "the deleted versions brought back", mend: d.bringBack},
		{id: "point.readable", where: Secondary, resource: "recovery point ", does: "a point that is none", do: d.spoilPoint, act: "the earlier version taken", mend: d.bringBack},
		{id: "point.readable", where: Secondary, resource: "other.zip", does: "an object among the points", by: d.filled("aws s3 cp --region {S} other.zip s3://{bS}/" + point.Prefix + "other.zip")},
		{id: "point.counts", where: Secondary, resource: "recovery point ", does: "the newest point says that it holds nothing", do: d.editNewest(func(p *point.Point) { p.Documents = 0 }),
			act: "the earlier version taken", mend: d.unedited, heals: true},
		{id: "point.counts", where: Secondary, resource: "recovery point ", does: "the newest point lacks an index that is there", do: d.editNewest(func(p *point.Point) {
			p.Indices = slices.DeleteFunc(p.Indices, func(i point.Index) bool { return i.Name == movies })
		}), act: "the earlier version taken", mend: d.unedited, heals: true},
		{id: "point.restorable", where: Secondary, resource: " in recovery point ", does: "the newest point has an index whose analyzer reads a package", do: d.editNewest(func(p *point.Point) {
			p.Indices[0].Files = []string{"analyzers/F1"}
		}), act: "the earlier version taken", mend: d.unedited, heals: true},
		{id: "cluster.disk", where: Secondary, resource: "recovery point ", does: "the newest point says that it is larger than the target", do: d.editNewest(func(p *point.Point) { p.BytesTotal = 1 << 50 }),
			act: "the earlier version taken", mend: d.unedited, heals: true},
		{id: "point.chain", where: Secondary, resource: "recovery points of ", does: "a point removed", do: d.removePoint, act: "its delete markers removed", mend: d.bringBack},
		{id: "point.retention", where: Secondary, resource: point.Prefix, does: "a dozen points as of last month", do: d.agePoints, act: "two are pruned with each snapshot", mend: d.prune, heals: true},
		{id: "leftover.lease", where: Primary, resource: lease.Prefix, does: "a lease for a day", do: func(ctx context.Context) error {
			now := time.Now().UTC()
			return d.put(ctx, Primary, lease.Prefix+"other.json", map[string]any{"version": 1, "what": "other", "holder": "somebody", "token": "x", "since": now, "expires": now.Add(24 * time.Hour)})
		}},
		{id: "leftover.fence", where: Primary, resource: "cluster ", does: "the record of a fence", do: func(ctx context.Context) error {
			return d.put(ctx, Primary, fence.Prefix+d.first.ClusterUUID+".json", fence.Record{Version: 1, ClusterUUID: d.first.ClusterUUID, Token: "left-over", State: fence.Quiet, Since: time.Now().UTC().Add(-time.Hour)})
		}, heals: true},
		{id: "leftover.intent", where: drift.Global, resource: "left-over", does: "the mark of a switch", do: d.leaveIntent, heals: true},
	}
}

// leaveIntent in both ledgers, as of a switch whose operator went home.
func (d *drifts) leaveIntent(ctx context.Context) error {
	led, err := d.ledger(ctx, Primary)
	if err != nil {
		return err
	}
	long := time.Now().UTC().Add(-time.Hour)
	led.Intent = &ledger.Intent{Token: "left-over", FromGeneration: led.Generation, To: Secondary, RequestID: "left-over", RequestedAt: long, Phase: ledger.PhasePrepare, Expires: long}
	for _, region := range []string{Primary, Secondary} {
		if err := d.put(ctx, region, ledger.Key, led); err != nil {
			return err
		}
	}
	return nil
}

// inClusters are changes by the cluster's own API.
func (d *drifts) inClusters() []change {
	own := func(id, resource, does string, by ...string) change {
		return change{id: "cluster." + id, where: Primary, resource: resource, does: does, by: d.filled(by...)}
	}
	mapping := own("mappings", "mapping of manage_snapshots", "a role mapping emptied", `PUT _plugins/_security/api/rolesmapping/manage_snapshots {"backend_roles":[]}`)
	mapping.heals, mapping.blinds = true, []string{"no permissions for"}
	inbound := `PUT _snapshot/` + contract.InboundRepository + `?verify=false {"type":"s3","settings":{"bucket":"{bP}","base_path":"AAAAAAAAAAAAAAAAAAAAAA","region":"{P}","role_arn":"arn:aws:iam::{account}:role/{name}-TheSnapshotRole-{P}","shard_path_type":"FIXED"`
	byHand := `PUT _snapshot/my-backup?verify=false {"type":"s3","settings":{"bucket":"{bP}","base_path":"backups","region":"{P}","role_arn":"arn:aws:iam::{account}:role/{name}-TheSnapshotRole-{P}"}}`
	repository := own("repository", contract.Repository, "the repository's registration deleted", "DELETE _snapshot/"+contract.Repository)
	repository.heals = true
	autoCreate := `PUT _cluster/settings {"persistent":{"action.auto_create_index":"` + fence.NoAutoCreate + `"}}`
	leftOut := own("left-out", "index strange", "an index that snapshots do not carry", `PUT strange {"settings":{"number_of_replicas":0}}`, `PUT strange/_settings {"index.blocks.metadata":true}`)
	leftOut.act, leftOut.mend = "the index deleted", func(ctx context.Context, _ drift.Finding) error {
		return d.carryOut(ctx, d.admin, Primary, `PUT strange/_settings {"index.blocks.metadata":null}`, "DELETE strange")
	}
	blocks := own("blocks", "index "+movies, "what a fence leaves, without its note")
	blocks.do, blocks.heals, blocks.also = d.leaveFence(autoCreate), true, []string{"cluster.auto-create"}
	blocks.act, blocks.mend = "both requests that the findings name", func(ctx context.Context, f drift.Finding) error {
		if err := d.carryOut(ctx, d.admin, Primary, commands(f.Mend)...); err != nil {
			return err
		}
		return d.mendAs("cluster.auto-create", Primary)(ctx, f)
	}
	red := own("health", "domain ", "an index whose shard no node may hold", `PUT nowhere?wait_for_active_shards=0 {"settings":{"number_of_replicas":0,"index.routing.allocation.require.box":"none"}}`)
	red.also = []string{"cluster.left-out"}
	red.act, red.mend = "the index deleted", func(ctx context.Context, _ drift.Finding) error {
		return d.carryOut(ctx, d.admin, Primary, "DELETE nowhere")
	}
	return []change{
		mapping,
		red,
		blocks,
		own("auto-create", "action.auto_create_index", "automatic creation off", autoCreate),
		own("readonly", contract.InboundRepository, "a second writable repository", inbound+`}}`),
		own("readonly", "my-backup", "a writable repository of somebody's own in a snapshot bucket", byHand),
		own("verify", contract.InboundRepository, "a repository that no node reaches", strings.Replace(inbound, "{bP}", "somebody-elses-bucket", 1)+`,"readonly":true}}`),
		repository,
		leftOut,
	}
}

// leaveFence as one stands whose note is gone. The newest recovery point must not
// know the block: the product would take it for the user's.
func (d *drifts) leaveFence(autoCreate string) func(context.Context) error {
	settings := func(on string) string { return `PUT ` + movies + `/_settings {"index.blocks.write":` + on + `}` }
	return func(ctx context.Context) error {
		if err := d.carryOut(ctx, d.admin, Primary, settings("null")); err != nil {
			return err
		}
		if err := d.await(ctx, 2*time.Minute, "a recovery point without the block", func() (bool, error) {
			all, err := d.points(ctx, Primary)
			if err != nil {
				return false, err
			}
			knows := slices.ContainsFunc(all[len(all)-1].Indices, func(i point.Index) bool { return i.Name == movies && slices.Contains(i.Blocks, "write") })
			if knows {
				_, err = d.snapshot(ctx, Primary)
			}
			return !knows, err
		}); err != nil {
			return err
		}
		return d.carryOut(ctx, d.admin, Primary, autoCreate, settings("true"))
	}
}
