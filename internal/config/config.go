// Package config turns the CDK context into one checked configuration. Every
// fault of the context is found and said before the first construct is made:
// each names its key, the value and what is allowed. A configuration that comes
// out of here synthesises.
//
// It is pure Go and asks nobody: no look-up happens at synth.
package config

import (
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Config is the object `dr` of the CDK context (cdk.json). The tags are the
// reference: the table in README.md is generated from them.
type Config struct {
	Name                 string    `json:"name" allowed:"3-28 of a-z, 0-9 and -, a letter first" doc:"Name of the domain in both Regions and prefix of every other name. Never change it: it is another installation then."`
	Account              string    `json:"account" allowed:"12 digits" doc:"Account to deploy to. When it is left out, the account of the credentials that the CDK CLI runs with (CDK_DEFAULT_ACCOUNT)."`
	PrimaryRegion        string    `json:"primaryRegion" allowed:"a Region of the aws partition" doc:"Region that normally serves."`
	SecondaryRegion      string    `json:"secondaryRegion" allowed:"another Region than the primary" doc:"Region that takes over."`
	ControlRegion        string    `json:"controlRegion" allowed:"a Region" doc:"Region of the traffic stack. Left out, it is the secondary; a third one is better: it lives when either of the two is lost (X10)."`
	Standby              string    `json:"standby" allowed:"cold, warm" doc:"cold: no domain in the other Region until a failover. warm: a read-only copy stands there, which follows the recovery points, so that a switch makes no domain and restores only what changed since the last one. It takes nothing of its own: what somebody writes there is saved in a salvage and goes."`
	EngineVersion        string    `json:"engineVersion" allowed:"OpenSearch_<major>.<minor>, 2.0 or newer" doc:"Engine of both domains. Upgrade the standby first; a restore goes forward only."`
	Domain               Domain    `json:"domain"`
	DNS                  DNS       `json:"dns"`
	RPOMinutes           int       `json:"rpoMinutes" allowed:"2-1440" doc:"Recovery point objective in minutes. Snapshots start every half of it, and the alarm stands at it. The other half is for the snapshot itself and up to 2 minutes until it is a recovery point; below 5 not even an empty snapshot fits in between, and the alarm comes and goes."`
	Retention            Retention `json:"retention"`
	LostAfter            string    `json:"lostAfter" allowed:"a duration, 1s-30m" doc:"How long the other Region must be silent before a failover without unreachableRegion takes it for lost. It counts as lost only while the silence lasts; with switchFrom the switch refuses instead."`
	MaxWritePause        string    `json:"maxWritePause" allowed:"a duration, 1m-2h" doc:"How long a planned switch may refuse writes. A switch whose estimate exceeds it is refused before the first block; one that exceeds it behind the fence lifts the fence and ends, unless -c extendPause=true is given and the restore visibly advances."`
	Restore              Restore   `json:"restore"`
	Admins               []string  `json:"admins" allowed:"ARNs of IAM roles or users of the account" doc:"Who may assume the master role, and is mapped to all_access inside the domain."`
	AlarmTarget          string    `json:"alarmTarget" allowed:"an e-mail address or an https:// address" doc:"Subscribed to the alarm topic of each Region. Left out, subscribe to the topics <name>-alarms yourself."`
	FunctionArchitecture string    `json:"functionArchitecture" allowed:"arm64, x86_64" doc:"Processor of the functions."`
	Encryption           string    `json:"encryption" allowed:"s3, kms" doc:"Default encryption of the snapshot buckets: S3's own keys, or one customer managed key a Region (X7). One key more to lose is one way more to lose every copy (F10)."`
}

// Domain sizing, the same in both Regions.
type Domain struct {
	DataNodes    int     `json:"dataNodes" allowed:"1-80; even for 2 zones, 3 or more for 3" doc:"Number of data nodes. It bounds the time of a restore: about 40 MB/s a node."`
	InstanceType string  `json:"instanceType" allowed:"<family>.<size>.search with EBS" doc:"Instance type of the data nodes."`
	Masters      Masters `json:"masters"`
	Volume       Volume  `json:"volume"`
	Zones        int     `json:"zones" allowed:"1, 2, 3" doc:"Availability zones. Multi-AZ with Standby is off, in so many words."`
}

// Masters are the dedicated ones.
type Masters struct {
	Count        int    `json:"count" allowed:"0, 3, 5" doc:"Dedicated masters; 0 for none."`
	InstanceType string `json:"instanceType" allowed:"<family>.<size>.search" doc:"Their instance type."`
}

// Volume of each data node.
type Volume struct {
	SizeGiB    int    `json:"sizeGiB" allowed:"10-24576" doc:"Size of the EBS volume of each data node in GiB."`
	Type       string `json:"type" allowed:"gp3, gp2" doc:"Type of the volume."`
	Throughput int    `json:"throughput" allowed:"125-1000 with gp3, 0 with gp2" doc:"MiB/s of a gp3 volume."`
}

// DNS of the record that clients use.
type DNS struct {
	ZoneName     string            `json:"zoneName" allowed:"a domain name" doc:"Hosted zone of the record."`
	ZoneID       string            `json:"zoneId" allowed:"Z and up to 31 of A-Z, 0-9" doc:"Its id."`
	PrivateZone  bool              `json:"privateZone" allowed:"true, false" doc:"The zone is private. A certificate cannot be validated through it: give both. Associate it with VPCs of both Regions."`
	Record       string            `json:"record" allowed:"a name below the zone" doc:"Name that clients use; the custom endpoint of both domains."`
	TTL          int               `json:"ttl" allowed:"1-3600" doc:"Seconds that resolvers keep the record."`
	Certificates map[string]string `json:"certificates" allowed:"<Region>: ARN of an ACM certificate there" doc:"Certificate of the record's name in each Region. Where none is given, the foundation makes one, validated through the zone."`
	Adopt        bool              `json:"adopt" allowed:"true, false" doc:"Take over a record of that name which this product did not make (U4)."`
}

// Retention of recovery points.
type Retention struct {
	Count int `json:"count" allowed:"1-400" doc:"The newest so many recovery points are kept."`
	Days  int `json:"days" allowed:"1-365" doc:"So are all that are younger."`
}

// Restore selects what a promotion restores.
type Restore struct {
	Indices  []string `json:"indices" allowed:"index patterns" doc:"Restore only these; empty means all."`
	Exclude  []string `json:"exclude" allowed:"index patterns" doc:"Leave these out; what is left out is listed, not forgotten."`
	Unplaced string   `json:"unplaced" allowed:"ask, continue" doc:"What a switch does about an index that the target domain cannot hold. ask: restore and verify everything else, name the index and its cause, and wait for -c without=<index,...>. continue: go on without it and report it."`
}

// Defaults of every field that has one.
func Defaults() Config {
	return Config{
		Name: "osdr", Standby: "cold", EngineVersion: "OpenSearch_3.3",
		Domain: Domain{
			DataNodes: 3, InstanceType: "r7g.large.search", Zones: 3,
			Masters: Masters{Count: 3, InstanceType: "m7g.large.search"},
			Volume:  Volume{SizeGiB: 100, Type: "gp3", Throughput: 125},
		},
		DNS:        DNS{TTL: 60},
		RPOMinutes: 60,
		Retention:  Retention{Count: 48, Days: 7},
		LostAfter:  "3m", MaxWritePause: "10m", Restore: Restore{Unplaced: contract.UnplacedAsk}, FunctionArchitecture: "arm64", Encryption: "s3",
	}
}

// Flags are the known keys at the top level of the context, given by -c.
// ActiveRegion also stands in cdk.json; the others are said once, by -c, and
// are a fault in cdk.json: a pipeline would say them again every night (H2).
type Flags struct {
	ActiveRegion      string `json:"activeRegion" allowed:"the primary or the secondary Region" doc:"Region that shall serve. cdk.json holds the one in force."`
	UnreachableRegion string `json:"unreachableRegion" allowed:"the Region that is not active" doc:"Operator's word that this Region is lost: its stacks are left out."`
	SwitchFrom        string `json:"switchFrom" allowed:"a generation number" doc:"Generation in force, for a planned switch."`
	AbandonDomain     string `json:"abandonDomain" allowed:"a cluster UUID of 22 characters" doc:"Let this domain go although it cannot be saved."`
	AcceptUnverified  string `json:"acceptUnverified" allowed:"index names, separated by commas" doc:"Give these indexes up by name: one that only the target has stays, one that the recovery point has too is replaced by its copy."`
	Without           string `json:"without" allowed:"index names, separated by commas" doc:"Switch without these indexes, which the target cannot hold. They stay in their recovery point."`
	ExtendPause       string `json:"extendPause" allowed:"true" doc:"Let a planned switch refuse writes for longer than dr.maxWritePause while snapshot or restore visibly advance."`
}

// App is a whole deployment: what cdk.json says, what was asked by -c, and what
// follows from both.
type App struct {
	Config
	Flags
	// Explicit: activeRegion differs from cdk.json's, so somebody meant it (H2).
	Explicit bool
	// AskedAt is set when the deployment was asked for by a flag, so that asking
	// again always asks (H19), and empty otherwise, so that a plain deploy changes
	// nothing. RFC 3339, UTC.
	AskedAt string
	// Warnings for the operator; none of them stops a deployment.
	Warnings []string
}

// Names of this installation.
func (c Config) Names() contract.Names { return contract.Names{App: c.Name, Account: c.Account} }

// Regions of the pair, the primary first.
func (c Config) Regions() []string { return []string{c.PrimaryRegion, c.SecondaryRegion} }

// Other Region of the pair.
func (c Config) Other(region string) string { return c.Settings().Other(region) }

// settleMinutes is how long after a snapshot's end its point may be seen: the
// controller looks for it each minute, and a schedule is late by up to one more.
const settleMinutes = 2

// SnapshotEveryMinutes is the period of the snapshots: half the objective. The age
// of a point counts from its snapshot's start, so that just before the next point
// it is a period, the duration of a snapshot and settleMinutes. Half the objective
// less settleMinutes is therefore what a snapshot may take; a run that fails, or
// one that takes longer, is seen at the objective and not hidden by slack in it.
func (c Config) SnapshotEveryMinutes() int { return c.RPOMinutes / 2 }

// copyMinutes is what a warm standby may take for what changed from one recovery
// point to the next, before somebody is told.
const copyMinutes = 5

// CopyMayLag is how long after a warm standby's own recovery point the newest one
// may have begun. Two follow each other by half the objective, and a copy may skip
// one while it restores the one before.
func (c Config) CopyMayLag() time.Duration {
	return time.Duration(c.RPOMinutes+copyMinutes) * time.Minute
}

// HasDomain says whether region holds a domain: the active one always, the
// other one in warm standby.
func (a App) HasDomain(region string) bool {
	return region == a.ActiveRegion || a.Standby == contract.StandbyWarm
}

// Settings of the functions. Nothing of the flags is in it: a flip of
// activeRegion must not touch a function (X4).
func (c Config) Settings() contract.Settings {
	lost, _ := time.ParseDuration(c.LostAfter)
	pause, _ := time.ParseDuration(c.MaxWritePause)
	return contract.Settings{
		Name: c.Name, Account: c.Account,
		PrimaryRegion: c.PrimaryRegion, SecondaryRegion: c.SecondaryRegion, ControlRegion: c.ControlRegion,
		RPOMinutes: c.RPOMinutes,
		Retention:  contract.Retention{Count: c.Retention.Count, Days: c.Retention.Days},
		LostAfter:  int(lost / time.Second), MaxWritePause: int(pause / time.Second),
		Restore: contract.Restore{Indices: c.Restore.Indices, Exclude: c.Restore.Exclude, Unplaced: c.Restore.Unplaced},
		DNS: contract.DNS{
			ZoneName: c.DNS.ZoneName, ZoneID: c.DNS.ZoneID, Record: c.DNS.Record, TTL: c.DNS.TTL, Adopt: c.DNS.Adopt,
		},
		Admins: c.Admins,
	}
}
