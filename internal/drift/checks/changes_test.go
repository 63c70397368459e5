package checks_test

import (
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/route"
)

// change of a system at rest, and all that it makes the checks say: <id> <Region>.
type change struct {
	name string
	v    variant
	do   func(*world)
	want []string
}

func within(m object, path ...string) object {
	for _, p := range path {
		m = m[p].(object)
	}
	return m
}

const (
	recovery = "osdr-recovery"
	topic    = "arn:aws:sns:us-east-1:" + account + ":osdr-alarms"
)

var changes = []change{
	{"a stack is gone", cold, func(w *world) { delete(w.stacks, "osdr-recovery-us-west-2") }, []string{"stack.status us-west-2"}},
	{"a deployment failed", cold, func(w *world) { w.stacks["osdr-traffic"].Status = "UPDATE_ROLLBACK_COMPLETE" }, []string{"stack.status us-west-2"}},
	{"a deployment is under way", cold, func(w *world) { w.stacks["osdr-traffic"].Status = "UPDATE_IN_PROGRESS" }, []string{"stack.status us-west-2"}},
	{"termination protection off", cold, func(w *world) { w.stacks["osdr-domain-us-east-1"].Protected = false }, []string{"stack.protection us-east-1"}},
	{"an older template is deployed", cold, func(w *world) {
		w.bodies["osdr-domain-us-east-1"] = []byte(strings.ReplaceAll(string(w.bodies["osdr-domain-us-east-1"]), `"InstanceCount": 3`, `"InstanceCount": 2`))
	}, []string{"stack.template us-east-1"}},
	{"CloudFormation found a drift", cold, func(w *world) {
		w.drifted["osdr-foundation-us-east-1"] = []reader.ResourceDrift{{ID: "DeadLettersBBF8BAAB", Physical: "osdr-dead-letters", Type: "AWS::SQS::Queue", Status: "MODIFIED"}}
	}, []string{"stack.drift us-east-1"}},

	{"the domain is gone", cold, func(w *world) { delete(w.domains, east) }, []string{"domain.exists us-east-1"}},
	{"no stack has the domain", cold, func(w *world) { w.held["osdr-domain-us-east-1"] = nil }, []string{"domain.orphan us-east-1"}},
	{"U5: a domain where none shall be", cold, func(w *world) {
		d := *w.domains[east]
		w.domains[west], w.inside[west] = &d, inspected(w.app, west)
	}, []string{"domain.orphan us-west-2"}},
	{"the domain is processing", cold, func(w *world) { w.domains[east].Processing = true }, []string{"domain.state us-east-1"}},
	{"fewer nodes", cold, func(w *world) { within(w.domains[east].Properties, "ClusterConfig")["InstanceCount"] = 2 }, []string{"domain.sizing us-east-1"}},
	{"a larger volume", cold, func(w *world) { within(w.domains[east].Properties, "EBSOptions")["VolumeSize"] = 200 }, []string{"domain.sizing us-east-1"}},
	{"Multi-AZ with Standby", cold, func(w *world) {
		within(w.domains[east].Properties, "ClusterConfig")["MultiAZWithStandbyEnabled"] = true
	}, []string{"domain.standby us-east-1"}},
	{"encryption at rest off", cold, func(w *world) { within(w.domains[east].Properties, "EncryptionAtRestOptions")["Enabled"] = false }, []string{"domain.encryption us-east-1"}},
	{"node to node encryption off", cold, func(w *world) {
		within(w.domains[east].Properties, "NodeToNodeEncryptionOptions")["Enabled"] = false
	}, []string{"domain.node-encryption us-east-1"}},
	{"an older TLS policy", cold, func(w *world) {
		within(w.domains[east].Properties, "DomainEndpointOptions")["TLSSecurityPolicy"] = "Policy-Min-TLS-1-0-2019-07"
	}, []string{"domain.tls us-east-1"}},
	{"HTTP is let in", cold, func(w *world) { within(w.domains[east].Properties, "DomainEndpointOptions")["EnforceHTTPS"] = false }, []string{"domain.tls us-east-1"}},
	{"another custom endpoint", cold, func(w *world) {
		within(w.domains[east].Properties, "DomainEndpointOptions")["CustomEndpoint"] = "old.example.com"
	}, []string{"domain.endpoint us-east-1"}},
	{"another certificate on the domain", cold, func(w *world) {
		within(w.domains[east].Properties, "DomainEndpointOptions")["CustomEndpointCertificateArn"] = "arn:other"
	}, []string{"domain.endpoint us-east-1"}},
	{"internal users", cold, func(w *world) {
		within(w.domains[east].Properties, "AdvancedSecurityOptions")["InternalUserDatabaseEnabled"] = true
	}, []string{"domain.access-control us-east-1"}},
	{"an open access policy", cold, func(w *world) {
		w.domains[east].Properties["AccessPolicies"] = object{"Statement": []any{object{"Effect": "Allow", "Principal": "*", "Action": "es:*", "Resource": "*"}}}
	}, []string{"domain.access-policy us-east-1"}},
	{"a newer engine (F6)", cold, func(w *world) { w.domains[east].Properties["EngineVersion"] = "OpenSearch_3.5" }, []string{"cluster.version us-east-1", "domain.version us-east-1"}},
	{"an older engine", cold, func(w *world) { w.domains[east].Properties["EngineVersion"] = "OpenSearch_2.19" }, []string{"domain.version us-east-1"}},
	{"audit logs off", cold, func(w *world) { delete(within(w.domains[east].Properties, "LogPublishingOptions"), "AUDIT_LOGS") }, []string{"domain.logs us-east-1"}},
	{"the service updates the engine", cold, func(w *world) {
		within(w.domains[east].Properties, "SoftwareUpdateOptions")["AutoSoftwareUpdateEnabled"] = true
	}, []string{"domain.software-update us-east-1"}},

	{"a function is gone", cold, func(w *world) { delete(w.funcs, east+"/"+recovery) }, []string{"function.exists us-east-1"}},
	{"other code", cold, func(w *world) { w.packages[east+"/"+recovery] = map[string]string{"bootstrap": "x"} }, []string{"function.code us-east-1", "ready.code us-east-1"}},
	{"other code of the traffic function", cold, func(w *world) { w.packages[west+"/osdr-traffic"] = map[string]string{"bootstrap": "x"} }, []string{"function.code us-west-2", "ready.code us-west-2"}},
	{"other code in the third Region", third, func(w *world) { w.packages["eu-west-1/osdr-traffic"] = map[string]string{"bootstrap": "x"} }, []string{"function.code eu-west-1", "ready.code eu-west-1"}},
	{"another role", cold, func(w *world) {
		w.funcs[east+"/"+recovery].Properties["Role"] = "arn:aws:iam::" + account + ":role/admin"
	}, []string{"function.role us-east-1"}},
	{"a shorter time limit", cold, func(w *world) { w.funcs[east+"/"+recovery].Properties["Timeout"] = 3 }, []string{"function.settings us-east-1"}},
	{"other settings", cold, func(w *world) {
		within(w.funcs[east+"/"+recovery].Properties, "Environment", "Variables")["OSDR_SETTINGS"] = "{}"
	}, []string{"function.environment us-east-1"}},
	{"no concurrency", cold, func(w *world) { w.funcs[west+"/"+recovery].Reserved = new(0) }, []string{"function.concurrency us-west-2"}},
	{"repeats", cold, func(w *world) { w.asyncs[east+"/"+recovery].Properties["MaximumRetryAttempts"] = 2 }, []string{"function.async us-east-1"}},
	{"no destination of failures", cold, func(w *world) { delete(w.asyncs, east+"/"+recovery) }, []string{"function.async us-east-1"}},
	{"the traffic function", cold, func(w *world) { w.funcs[west+"/osdr-traffic"].Properties["MemorySize"] = 128 }, []string{"function.settings us-west-2"}},
	{"a function of the third Region", third, func(w *world) { delete(w.funcs, "eu-west-1/osdr-traffic") }, []string{"function.exists eu-west-1"}},

	{"no snapshot schedule", cold, func(w *world) { delete(w.plans, east+"/osdr/osdr-snapshot") }, []string{"schedule.exists us-east-1"}},
	{"a schedule is off", cold, func(w *world) { w.plans[east+"/osdr/osdr-snapshot"].Properties["State"] = "DISABLED" }, []string{"schedule.state us-east-1"}},
	{"a rarer schedule", cold, func(w *world) {
		w.plans[east+"/osdr/osdr-snapshot"].Properties["ScheduleExpression"] = "rate(1 day)"
	}, []string{"schedule.rate us-east-1"}},
	{"a schedule that ended", cold, func(w *world) {
		w.plans[east+"/osdr/osdr-snapshot"].Properties["EndDate"] = "2026-01-01T00:00:00Z"
	}, []string{"schedule.rate us-east-1"}},
	{"another target", cold, func(w *world) {
		within(w.plans[west+"/osdr/"+recovery].Properties, "Target")["Input"] = "{}"
	}, []string{"schedule.target us-west-2"}},
	{"no dead letters", cold, func(w *world) {
		delete(within(w.plans[east+"/osdr/osdr-snapshot"].Properties, "Target"), "DeadLetterConfig")
	}, []string{"schedule.dead-letters us-east-1"}},
	{"a schedule in the other Region", cold, func(w *world) {
		w.plans[west+"/osdr/osdr-snapshot"] = w.plans[east+"/osdr/osdr-snapshot"]
	}, []string{"schedule.stray us-west-2"}},

	{"the bucket is gone", cold, func(w *world) { delete(w.parts, west) }, []string{"bucket.exists us-west-2"}},
	{"versioning suspended", cold, func(w *world) { w.parts[west][reader.Versioning] = object{"Status": "Suspended"} }, []string{"bucket.versioning us-west-2"}},
	{"F3: a rule expires objects", cold, func(w *world) {
		rules := w.parts[west][reader.Lifecycle].(object)
		rules["Rules"] = append(rules["Rules"].([]any), object{"Id": "tidy", "Status": "Enabled", "ExpirationInDays": 30})
	}, []string{"bucket.lifecycle us-west-2"}},
	{"F3: the own rule moves objects", cold, func(w *world) {
		w.parts[west][reader.Lifecycle].(object)["Rules"].([]any)[0].(object)["Transitions"] = []any{object{"Days": 30, "StorageClass": "GLACIER"}}
	}, []string{"bucket.lifecycle us-west-2"}},
	{"no lifecycle", cold, func(w *world) { w.parts[west][reader.Lifecycle] = nil }, []string{"bucket.lifecycle us-west-2"}},
	{"another encryption", third, func(w *world) {
		w.parts[east][reader.Encryption] = object{"ServerSideEncryptionConfiguration": []any{object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}}}}
	}, []string{"bucket.encryption us-east-1"}},
	{"public access", cold, func(w *world) { w.parts[east][reader.PublicAccess].(object)["BlockPublicPolicy"] = false }, []string{"bucket.public-access us-east-1"}},
	{"ownership", cold, func(w *world) {
		w.parts[east][reader.Ownership] = object{"Rules": []any{object{"ObjectOwnership": "ObjectWriter"}}}
	}, []string{"bucket.ownership us-east-1"}},
	{"F8: a policy demands a header", cold, func(w *world) {
		doc := w.parts[east][reader.Policy].(object)
		doc["Statement"] = append(doc["Statement"].([]any), object{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"})
	}, []string{"bucket.policy us-east-1"}},
	{"no bucket policy", cold, func(w *world) { w.parts[east][reader.Policy] = nil }, []string{"bucket.policy us-east-1"}},
	{"replication", cold, func(w *world) { w.parts[east][reader.Replication] = object{"Role": "r"} }, []string{"bucket.replication us-east-1"}},
	{"F1: a foreign writer", cold, func(w *world) { w.tops[west] = append(w.tops[west], "snapshots/") }, []string{"bucket.foreign us-west-2"}},

	{"F1: a stranger's cluster writes below its own UUID", cold, func(w *world) { w.repository(west, stranger, 0) }, []string{"bucket.foreign us-west-2"}},
	{"TheSnapshotRole is gone", cold, func(w *world) { delete(w.roles, "osdr-TheSnapshotRole-us-west-2") }, []string{"role.exists us-west-2"}},
	{"TheSnapshotRole trusts nobody", cold, func(w *world) {
		w.roles["osdr-TheSnapshotRole-us-east-1"].Properties["AssumeRolePolicyDocument"] = object{"Statement": []any{}}
	}, []string{"role.trust us-east-1"}},
	{"a function may do less", cold, func(w *world) {
		delete(within(w.roles["osdr-snapshot-us-east-1"].Properties, "Policies"), "least")
	}, []string{"role.policies us-east-1"}},
	{"a function may do more", cold, func(w *world) {
		within(w.roles["osdr-snapshot-us-east-1"].Properties, "Policies")["more"] = object{"Statement": []any{}}
	}, []string{"role.policies us-east-1"}},
	{"the waiter's role, which has no name of its own", cold, func(w *world) {
		for name, r := range w.roles {
			if strings.Contains(name, "GateProviderwaiterstatemachineRole") && strings.Contains(name, east) {
				r.Properties["Policies"] = object{}
			}
		}
	}, []string{"role.policies us-east-1"}},
	{"an administrator's policy is attached", cold, func(w *world) {
		w.roles["osdr-snapshot-us-east-1"].Properties["ManagedPolicyArns"] = []any{"arn:aws:iam::aws:policy/AdministratorAccess"}
	}, []string{"role.policies us-east-1"}},
	{"a boundary", cold, func(w *world) { w.roles["osdr-gate-us-east-1"].Properties["PermissionsBoundary"] = "arn:b" }, []string{"role.boundary us-east-1"}},
	{"F14: PassRole is denied", cold, func(w *world) { w.refused = []string{"iam:PassRole"} }, []string{"role.pass us-east-1", "role.pass us-west-2"}},
	{"writing is denied", cold, func(w *world) { w.refused = []string{"s3:PutObject"} }, []string{"role.snapshot us-east-1", "role.snapshot us-west-2"}},

	{"no key has the alias", third, func(w *world) { delete(w.keys, east+"/alias/osdr-snapshots") }, []string{"key.exists us-east-1"}},
	{"F10: the key is disabled", third, func(w *world) { w.keys[east+"/alias/osdr-snapshots"].State = "Disabled" }, []string{"key.enabled us-east-1"}},
	{"F10: the key will be deleted", third, func(w *world) {
		k := w.keys[west+"/alias/osdr-snapshots"]
		k.State, k.Deletion = "PendingDeletion", now.AddDate(0, 0, 7)
	}, []string{"key.deletion us-west-2"}},
	{"rotation off", cold, func(w *world) { w.keys[east+"/alias/osdr-alarms"].Rotating = false }, []string{"key.rotation us-east-1"}},
	{"D3: alarms may not use the key", cold, func(w *world) { w.keys[east+"/alias/osdr-alarms"].Policy = object{"Statement": []any{}} }, []string{"key.policy us-east-1"}},

	{"an alarm is gone", cold, func(w *world) { delete(w.alarms[west], "osdr-recovery-point-age") }, []string{"alarm.exists us-west-2"}},
	{"an alarm is switched off", cold, func(w *world) {
		w.alarms[west]["osdr-recovery-point-age"].Properties["ActionsEnabled"] = false
	}, []string{"alarm.enabled us-west-2"}},
	{"an alarm tells nobody", cold, func(w *world) { w.alarms[west]["osdr-recovery-point-age"].Properties["AlarmActions"] = []any{} }, []string{"alarm.actions us-west-2"}},
	{"another threshold", cold, func(w *world) { w.alarms[west]["osdr-recovery-point-age"].Properties["Threshold"] = 1e9 }, []string{"alarm.threshold us-west-2"}},
	{"silence is fine", cold, func(w *world) {
		w.alarms[west]["osdr-recovery-point-age"].Properties["TreatMissingData"] = "notBreaching"
	}, []string{"alarm.threshold us-west-2"}},
	{"no topic", cold, func(w *world) { delete(w.topics, topic) }, []string{"topic.exists us-east-1"}},
	{"alarms may not publish", cold, func(w *world) { w.topics[topic].Properties["Policy"] = object{"Statement": []any{}} }, []string{"topic.policy us-east-1"}},
	{"the topic has no key", cold, func(w *world) { delete(w.topics[topic].Properties, "KmsMasterKeyId") }, []string{"topic.key us-east-1"}},
	{"nobody is subscribed", third, func(w *world) { delete(w.hearers, topic) }, []string{"topic.subscription us-east-1"}},
	{"nobody has confirmed", third, func(w *world) { w.hearers[topic][0].Confirmed = false }, []string{"topic.subscription us-east-1"}},

	{"the certificate's parameter is gone", cold, func(w *world) { delete(w.params, west+"/osdr/certificate") }, []string{"certificate.known us-west-2"}},
	{"the certificate is not issued", cold, func(w *world) {
		w.certs["arn:aws:acm:us-west-2:"+account+":certificate/made"].Status = "PENDING_VALIDATION"
	}, []string{"certificate.status us-west-2"}},
	{"the certificate is another name's", cold, func(w *world) {
		w.certs["arn:aws:acm:us-west-2:"+account+":certificate/made"].Domain = "www.example.com"
	}, []string{"certificate.status us-west-2"}},
	{"the certificate ends soon", cold, func(w *world) {
		w.certs["arn:aws:acm:us-west-2:"+account+":certificate/made"].NotAfter = now.AddDate(0, 0, 10)
	}, []string{"certificate.expiry us-west-2"}},
	{"D6: no log policy", cold, func(w *world) { delete(w.logs, west) }, []string{"log.policy us-west-2"}},

	{"H2: the flag is another Region's", cold, func(w *world) {
		l := w.ledger()
		l.Generation, l.ActiveRegion = 3, west
		w.put(east, ledger.Key, l)
		w.put(west, ledger.Key, l)
	}, []string{
		"active.flag global", "active.parameter us-east-1", "active.parameter us-west-2", "point.age us-east-1", "record.mark global",
	}},
	{"the parameter names another Region", cold, func(w *world) { w.params[east+"/osdr/active-region"] = west }, []string{"active.parameter us-east-1"}},
	{"a ledger is gone", cold, func(w *world) { w.check(w.buckets[west].Delete(w.t.Context(), ledger.Key)) }, []string{"ledger.readable us-west-2"}},
	{"a ledger is behind", cold, func(w *world) {
		l := w.ledger()
		l.Generation, l.PromotedFrom = 1, ""
		w.put(west, ledger.Key, l)
	}, []string{"ledger.agree global"}},

	{"the record points elsewhere", cold, func(w *world) { w.record(func(r *route.Record) { r.Target = "other.example.com" }) }, []string{"record.target global"}},
	{"no record", cold, func(w *world) { w.record(func(r *route.Record) { r.Type, r.Target, r.TTL = "", "", 0 }) }, []string{"record.target global"}},
	{"no mark", cold, func(w *world) { w.record(func(r *route.Record) { r.Mark = "" }) }, []string{"record.mark global"}},
	{"a longer TTL", cold, func(w *world) { w.record(func(r *route.Record) { r.TTL = 3600 }) }, []string{"record.ttl global"}},

	{"no recovery point in time", cold, func(w *world) {
		for n := 1; n <= 3; n++ {
			w.remove(n)
		}
		w.point(9, 3*time.Hour, point.KindRegular, 100)
	}, []string{"point.age us-west-2"}},
	{"no recovery point at all", cold, func(w *world) {
		for n := 1; n <= 3; n++ {
			w.remove(n)
		}
	}, []string{"point.age us-west-2"}},
	{"F3: an object of the newest point is gone", cold, func(w *world) {
		w.check(w.buckets[west].Delete(w.t.Context(), cluster+"/snap-3.dat"))
	}, []string{"point.whole us-west-2"}},
	{"a point cannot be read", cold, func(w *world) {
		w.put(west, point.ID{Generation: 2, Sequence: 2}.Key(), object{"version": 7})
	}, []string{"point.readable us-west-2"}},
	{"a point that is older than the newest few", cold, func(w *world) {
		for n := range 8 {
			w.point(10+n, time.Minute-time.Duration(n)*time.Second, point.KindRegular, 100)
		}
		w.put(west, point.ID{Generation: 2, Sequence: 1}.Key(), object{"version": 7})
	}, []string{"point.readable us-west-2"}},
	{"a point under another name", cold, func(w *world) { w.put(west, point.Prefix+"0000000002-0000000002.json.bak", object{}) }, []string{"point.readable us-west-2"}},
	{"a point was removed", cold, func(w *world) { w.remove(2) }, []string{"point.chain us-west-2"}},
	{"all documents are gone", cold, func(w *world) { w.point(4, time.Minute, point.KindRegular, 0) }, []string{"point.counts us-west-2"}},
	{"the newest point lacks an index that the domain has", cold, func(w *world) { w.without("movies") }, []string{"point.counts us-west-2"}},
	{"nothing is pruned", third, func(w *world) {
		for n := 1; n <= 3; n++ {
			w.remove(n)
		}
		for n := range 70 {
			w.point(10+n, 30*24*time.Hour-time.Duration(n)*time.Minute, point.KindRegular, 100)
		}
		w.point(99, time.Minute/2, point.KindRegular, 100)
	}, []string{"point.retention us-west-2"}},
	{"a removal is stuck", cold, func(w *world) {
		w.later(-4 * time.Hour)
		w.put(west, point.Prefix+"0000000001-0000000001.removing.json", object{"version": 1})
		w.later(0)
	}, []string{"point.removal us-west-2"}},

	{"the mark of a switch is left over", cold, func(w *world) {
		l := w.ledger()
		l.Intent = &ledger.Intent{Token: "t", FromGeneration: 2, To: west, RequestID: "r", Expires: now.Add(-time.Hour)}
		w.put(east, ledger.Key, l)
	}, []string{"leftover.intent global"}},
	{"a fence without a switch", cold, func(w *world) {
		rec := fence.Record{ClusterUUID: cluster, Token: "t", State: fence.Fenced, Since: now.Add(-time.Hour)}
		w.check(rec.Save(w.t.Context(), w.buckets[east]))
	}, []string{"leftover.fence us-east-1"}},
	{"a lease for ever", cold, func(w *world) {
		w.put(east, "_dr/lease/domain.json", object{"holder": "h", "since": now.Add(-time.Hour), "expires": now.Add(time.Hour)})
	}, []string{"leftover.lease us-east-1"}},

	{"H13: another domain", cold, func(w *world) {
		w.inside[east].ClusterUUID, w.inside[east].Repositories[0].BasePath = "CCCCCCCCCCCCCCCCCCCCCC", "CCCCCCCCCCCCCCCCCCCCCC"
	}, []string{"cluster.identity us-east-1"}},
	{"a red domain", cold, func(w *world) { w.inside[east].Health = "red" }, []string{"cluster.health us-east-1"}},
	{"a red standby that restores nothing", warm, func(w *world) { w.inside[west].Health = "red" }, []string{"cluster.health us-west-2"}},
	{"a red active domain is no target", cold, func(w *world) {
		w.inside[east].Health, w.inside[east].Standby = "red", &contract.StandbyStatus{Restoring: "0000000002-0000000003"}
	}, []string{"cluster.health us-east-1"}},
	{"F14: a function is not mapped", cold, func(w *world) { w.inside[east].Mappings[0].Missing = []string{"arn:x"} }, []string{"cluster.mappings us-east-1"}},
	{"no repository", cold, func(w *world) { w.inside[east].Repositories = nil }, []string{"cluster.repository us-east-1"}},
	{"another path", cold, func(w *world) { w.inside[east].Repositories[0].BasePath = "elsewhere" }, []string{"cluster.readonly us-east-1", "cluster.repository us-east-1"}},
	{"F1: a second writer", warm, func(w *world) { w.inside[west].Repositories[0].Readonly = false }, []string{"cluster.readonly us-west-2"}},
	{"F1: somebody's own repository in a snapshot bucket", cold, func(w *world) {
		w.inside[east].Repositories = append(w.inside[east].Repositories, contract.RepositoryState{Name: "my-backup", Bucket: w.app.Names().Bucket(west), BasePath: "backups"})
	}, []string{"cluster.readonly us-east-1"}},
	{"F13: a node does not reach the repository", cold, func(w *world) { w.inside[east].Repositories[0].Refused = "path is not accessible" }, []string{"cluster.verify us-east-1"}},
	{"H12: an index is left out", cold, func(w *world) {
		w.inside[east].LeftOut = []contract.LeftOutState{{Name: "orders", Reason: "closed", Worrying: true}}
	}, []string{"cluster.left-out us-east-1"}},
	{"a warm index", cold, func(w *world) {
		w.inside[east].LeftOut = []contract.LeftOutState{{Name: "old", Reason: "warm", Worrying: true, Warm: true}}
	}, []string{"cluster.warm us-east-1"}},
	{"a fence is left over, and its note lost", cold, func(w *world) {
		w.block("movies")
		w.inside[east].AutoCreateLeft = true
	}, []string{"cluster.auto-create us-east-1", "cluster.blocks us-east-1"}},
	{"a restore was not handed over", cold, func(w *world) {
		w.block("movies")
		w.put(east, restore.JournalKey, restore.Journal{Version: 1, ClusterUUID: cluster, Items: map[string]restore.Item{"movies": {UUID: "uuid-movies"}}})
	}, []string{"cluster.blocks us-east-1"}},
	{"automatic creation is left off", cold, func(w *world) { w.inside[east].AutoCreateLeft = true }, []string{"cluster.auto-create us-east-1"}},
	{"H75: an upgrade left settings behind", warm, func(w *world) {
		w.inside[west].ArchivedSettings = []string{"archived.plugins.index_state_management.template_migration.control"}
	}, []string{"cluster.archived-settings us-west-2"}},
	{"a shard of 200 GiB", cold, func(w *world) { w.inside[east].Largest.Bytes = 200 << 30 }, []string{"cluster.shard-size us-east-1"}},
	{"H53: a sorted index", warm, func(w *world) { w.edit(func(i *point.Index) { i.Sorted = true }) }, []string{"point.restorable us-west-2"}},
	{"H53: an analyzer that reads a package", cold, func(w *world) { w.edit(func(i *point.Index) { i.Files = []string{"analyzers/F1"} }) }, []string{"point.restorable us-west-2"}},
	{"the target is too small", third, func(w *world) { w.big(90 << 30) }, []string{"cluster.disk us-west-2"}},

	{"a standby has fallen behind", warm, func(w *world) {
		s := w.inside[west].Standby
		s.Copy, s.BehindSeconds, s.Restoring, s.Percent, s.WaitingFor = "0000000002-0000000001", 4200, s.Newest, 40, "the restore of 2 indexes"
	}, []string{"standby.copy us-west-2"}},
	{"a standby holds something of its own", warm, func(w *world) {
		w.inside[west].Standby = &contract.StandbyStatus{Hindrance: "it holds what no snapshot takes: old (UltraWarm)"}
	}, []string{"standby.copy us-west-2"}},
	{"a standby never became a copy", warm, func(w *world) { w.inside[west].Standby = nil }, []string{"standby.copy us-west-2"}},

	{"X: a stack without its roles", cold, func(w *world) {
		held := w.held["osdr-foundation-us-west-2"]
		w.held["osdr-foundation-us-west-2"] = slices.DeleteFunc(held, func(r reader.StackResource) bool { return r.Physical == "osdr-TheSnapshotRole-us-west-2" })
	}, []string{"ready.independence us-west-2"}},
	{"an old bootstrap", cold, func(w *world) { w.params[west+"/cdk-bootstrap/hnb659fds/version"] = "3" }, []string{"ready.bootstrap us-west-2"}},
	{"no bootstrap", third, func(w *world) { delete(w.params, "eu-west-1/cdk-bootstrap/hnb659fds/version") }, []string{"ready.bootstrap eu-west-1"}},
	{"no room for a domain", cold, func(w *world) { w.limits["Domains per Region"], w.names[west] = 1, []string{"other"} }, []string{"ready.quotas us-west-2"}},
	{"no room for functions", cold, func(w *world) { w.spare = 3 }, []string{"ready.concurrency us-east-1", "ready.concurrency us-west-2"}},
	{"no accelerated recovery", cold, func(w *world) { w.hosted.Accelerated = "" }, []string{"ready.zone global"}},
}
