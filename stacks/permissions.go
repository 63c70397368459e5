package stacks

import (
	"github.com/opensearch-dr/osdr/constructs/role"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// What a function may do, in statements that say why.

// searchMethods that a function signs to its own Region's domain.
func searchMethods() []string {
	return []string{"es:ESHttpDelete", "es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut"}
}

const ownPath = contract.OwnPrefix + "*"

func bucketARN(name string) string { return "arn:aws:s3:::" + name }

// ownDomain lets a function talk to the domain of its Region (D4: no function
// talks to another Region's).
func (v Variables) ownDomain(region string) []role.Statement {
	arn := v.Names.DomainARN(region)
	return []role.Statement{
		{Sid: "DomainDescribe", Actions: []string{"es:DescribeDomain"}, Resources: []string{arn}},
		{
			Sid: "DomainTalk", Actions: searchMethods(), Resources: []string{arn + "/*"},
			Wildcard: "paths inside the one domain; fine-grained access control decides there",
		},
		// Exactly one role may be passed; no iam:PassedToService, whose value for
		// this call is undocumented (aws-review N).
		{Sid: "PassTheSnapshotRole", Actions: []string{"iam:PassRole"}, Resources: []string{v.Names.SnapshotRoleARN(region)}},
	}
}

// snapshotObjects are what the snapshot function needs of them, and no more: its
// own lease and journal here, its points and their pins in the other Region. It
// reads both ledgers, and the copies of them in the points, and writes neither.
func (v Variables) snapshotObjects(region string) []role.Statement {
	own, other := bucketARN(v.Names.Bucket(region)), bucketARN(v.Names.Bucket(v.Config.Other(region)))
	below := func(bucket, what string) string { return bucket + "/" + contract.OwnPrefix + what }
	return append([]role.Statement{
		// Not narrowed by s3:prefix, for the reason below (H14).
		{Sid: "BucketList", Actions: []string{"s3:ListBucket"}, Resources: []string{own, other}},
		{
			Sid: "OwnObjects", Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: []string{
				below(own, "lease/*"), below(own, "journal/*"), below(other, "points/*"), below(other, "pins/*"),
			},
			Wildcard: "leases and journals are named by what they are of, points are numbered, pins are of points",
		},
		{
			// The fence says which blocks are the product's own: a point must not take
			// them for the user's.
			Sid: "LedgerRead", Actions: []string{"s3:GetObject"},
			Resources: []string{below(own, "ledger.json"), below(own, "points/*"), below(own, "fence/*"), below(other, "ledger.json")},
			Wildcard:  "recovery points are numbered, fences are of a cluster UUID",
		},
		{
			Sid: "RepositoryRead", Actions: []string{"s3:GetObject"}, Resources: []string{other + "/*"},
			Wildcard: "a repository's path is the cluster UUID of a domain; what a point needs is read from its files",
		},
	}, v.bucketKeys("kms:Decrypt", "kms:GenerateDataKey")...)
}

// ownObjects lets the controller keep the product's own objects in the buckets of
// both Regions, and read every repository but never write one.
func (v Variables) ownObjects() []role.Statement {
	var buckets, objects, repositories []string
	for _, r := range v.Config.Regions() {
		arn := bucketARN(v.Names.Bucket(r))
		buckets = append(buckets, arn)
		objects = append(objects, arn+"/"+ownPath)
		repositories = append(repositories, arn+"/*")
	}
	return append([]role.Statement{
		// Not narrowed by s3:prefix: a GetObject of a missing key would be a 403
		// instead of a 404 then, and absent must not look like unreachable (H14).
		{Sid: "BucketList", Actions: []string{"s3:ListBucket"}, Resources: buckets},
		{
			Sid: "OwnObjects", Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: objects,
			Wildcard: "the product's own objects below " + contract.OwnPrefix + "; repositories lie elsewhere",
		},
		{
			Sid: "RepositoryRead", Actions: []string{"s3:GetObject"}, Resources: repositories,
			Wildcard: "a repository's path is the cluster UUID of a domain; what a point needs is read from its files",
		},
	}, v.bucketKeys("kms:Decrypt", "kms:GenerateDataKey")...)
}

// doctorTidies lets the controller take away what osdr doctor let the domain write
// into the other Region's bucket, and nothing else there.
func (v Variables) doctorTidies(region string) role.Statement {
	return role.Statement{
		Sid: "DoctorTidies", Actions: []string{"s3:DeleteObject"},
		Resources: []string{bucketARN(v.Names.Bucket(v.Config.Other(region))) + "/" + contract.TrialPrefix + "*"},
		Wildcard:  "the path ends at random; no cluster UUID begins so",
	}
}

// bucketKeys lets a role use the buckets' keys, when there are any. A key's id
// is random and its Region another one's, so it is named by alias and by the
// bucket service it is used through (X7,
// docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
func (v Variables) bucketKeys(actions ...string) []role.Statement {
	if v.Config.Encryption != "kms" {
		return nil
	}
	var out []role.Statement
	for i, r := range v.Config.Regions() {
		out = append(out, role.Statement{
			Sid: []string{"KeyPrimary", "KeySecondary"}[i], Actions: actions,
			Resources: []string{"arn:aws:kms:" + r + ":" + v.Config.Account + ":key/*"},
			Conditions: map[string]any{
				"ForAnyValue:StringEquals": map[string]string{"kms:ResourceAliases": v.Names.BucketKeyAlias()},
				"StringEquals":             map[string]string{"kms:ViaService": "s3." + r + ".amazonaws.com"},
			},
			Wildcard: "narrowed to the key with the bucket's alias, used through S3 of its Region (X7)",
		})
	}
	return out
}

func metrics() role.Statement {
	return role.Statement{
		Sid: "Metrics", Actions: []string{"cloudwatch:PutMetricData"}, Resources: []string{"*"},
		Conditions: map[string]any{"StringEquals": map[string]string{"cloudwatch:namespace": contract.MetricNamespace}},
		Wildcard:   "PutMetricData knows no resources; it is narrowed to the product's namespace",
	}
}

// ownStacks lets a function tell a rollback from a change (U1).
func ownStacks(account, region string, names ...string) role.Statement {
	var arns []string
	for _, name := range names {
		arns = append(arns, "arn:aws:cloudformation:"+region+":"+account+":stack/"+name+"/*")
	}
	return role.Statement{
		Sid: "OwnStacks", Actions: []string{"cloudformation:DescribeStacks"}, Resources: arns,
		Wildcard: "a stack's ARN ends with a random id",
	}
}

func invoke(sid string, arns ...string) role.Statement {
	return role.Statement{Sid: sid, Actions: []string{"lambda:InvokeFunction"}, Resources: arns}
}

func (v Variables) zoneARN() string { return "arn:aws:route53:::hostedzone/" + v.Config.DNS.ZoneID }

// recordsWrite lets a function write the two records and no other of the zone
// (docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html).
func (v Variables) recordsWrite() []role.Statement {
	record := v.Config.DNS.Record
	return []role.Statement{{
		Sid: "RecordsWrite", Actions: []string{"route53:ChangeResourceRecordSets"}, Resources: []string{v.zoneARN()},
		Conditions: map[string]any{"ForAllValues:StringEquals": map[string]any{
			"route53:ChangeResourceRecordSetsNormalizedRecordNames": []string{record, "_active." + record},
			"route53:ChangeResourceRecordSetsActions":               []string{"UPSERT"},
		}},
	}}
}

func (v Variables) recordsRead() role.Statement {
	return role.Statement{Sid: "RecordsRead", Actions: []string{"route53:ListResourceRecordSets"}, Resources: []string{v.zoneARN()}}
}
