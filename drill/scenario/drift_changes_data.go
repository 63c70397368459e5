package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
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
	domain, _ := d.domain(Primary)
	return []change{
		{id: "record.target", where: drift.Global, resource: record, does: "the record led elsewhere", by: d.filled(cname("elsewhere.example.com", 60)), heals: true},
		{id: "record.ttl", where: drift.Global, resource: record, does: "the record's TTL raised", by: d.filled(cname(domain.Endpoint, 3600)), heals: true},
		{id: "record.mark", where: drift.Global, resource: record, does: "the TXT record names the other Region", by: d.filled(txt), heals: true},
		{id: "active.parameter", where: Secondary, resource: n.ActiveParameter(), does: "the parameter names the other Region", heals: true, by: d.filled(
			"aws ssm put-parameter --region {S} --name " + n.ActiveParameter() + " --value {S} --type String --overwrite")},
		{id: "ledger.readable", where: Secondary, resource: d.Names.Bucket(Secondary) + "/" + ledger.Key, does: "a ledger deleted", heals: true, by: d.filled("aws s3 rm --region {S} s3://{bS}/" + ledger.Key)},
		{id: "ledger.readable", where: Primary, resource: d.Names.Bucket(Primary) + "/" + ledger.Key, does: "a ledger that is none", by: d.filled("aws s3 cp --region {P} other.zip s3://{bP}/" + ledger.Key),
			act: "copy the other Region's", mend: d.copyLedger(Secondary, Primary), blinds: []string{"malformed ledger", "who is active is not known"}},
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
	uuid := ""
	if all, err := d.points(context.Background(), Primary); err == nil && len(all) > 0 {
		uuid = all[0].ClusterUUID
	}
	return []change{
		{id: "point.whole", where: Secondary, resource: "recovery point ", does: "a blob removed", do: d.removeBlob, act: "the deleted versions brought back", mend: d.bringBack},
		{id: "point.readable", where: Secondary, resource: "recovery point ", does: "a point that is none", do: d.spoilPoint, act: "the earlier version taken", mend: d.bringBack},
		{id: "point.chain", where: Secondary, resource: "recovery points of ", does: "a point removed", do: d.removePoint, act: "its delete markers removed", mend: d.bringBack},
		{id: "leftover.lease", where: Primary, resource: lease.Prefix, does: "a lease for a day", do: func(ctx context.Context) error {
			now := time.Now().UTC()
			return d.put(ctx, Primary, lease.Prefix+"other.json", map[string]any{"version": 1, "what": "other", "holder": "somebody", "token": "x", "since": now, "expires": now.Add(24 * time.Hour)})
		}},
		{id: "leftover.fence", where: Primary, resource: "cluster ", does: "the record of a fence", do: func(ctx context.Context) error {
			return d.put(ctx, Primary, fence.Prefix+uuid+".json", fence.Record{Version: 1, ClusterUUID: uuid, Token: "left-over", State: fence.Quiet, Since: time.Now().UTC().Add(-time.Hour)})
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
	repository := own("repository", contract.Repository, "the repository's registration deleted", "DELETE _snapshot/"+contract.Repository)
	repository.heals = true
	autoCreate := `PUT _cluster/settings {"persistent":{"action.auto_create_index":"` + fence.NoAutoCreate + `"}}`
	leftOut := own("left-out", "index strange", "an index that snapshots do not carry", `PUT strange {"settings":{"number_of_replicas":0}}`, `PUT strange/_settings {"index.blocks.metadata":true}`)
	leftOut.act, leftOut.mend = "the index deleted", func(ctx context.Context, _ drift.Finding) error {
		return d.carryOut(ctx, d.admin, Primary, `PUT strange/_settings {"index.blocks.metadata":null}`, "DELETE strange")
	}
	// As a fence stands whose note is gone: the product cannot know the block for its
	// user's then.
	blocks := own("blocks", "index "+movies, "what a fence leaves, without its note", autoCreate, `PUT `+movies+`/_settings {"index.blocks.write":true}`)
	blocks.also, blocks.act, blocks.mend = []string{"cluster.auto-create"}, "both requests that the findings name", func(ctx context.Context, f drift.Finding) error {
		if err := d.carryOut(ctx, d.admin, Primary, commands(f.Mend)...); err != nil {
			return err
		}
		return d.mendAs("cluster.auto-create", Primary)(ctx, f)
	}
	return []change{
		mapping,
		blocks,
		own("auto-create", "action.auto_create_index", "automatic creation off", autoCreate),
		own("readonly", contract.InboundRepository, "a second writable repository", inbound+`}}`),
		own("verify", contract.InboundRepository, "a repository that no node reaches", strings.Replace(inbound, "{bP}", "somebody-elses-bucket", 1)+`,"readonly":true}}`),
		repository,
		leftOut,
	}
}
