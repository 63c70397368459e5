package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// validator looks at values that decoded well. A field that did not is left at
// its default, so that one mistake gives one sentence.
type validator struct {
	*decoder
	app      *App
	warnings []string
}

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9-]{2,27}$`)
	accountForm  = regexp.MustCompile(`^\d{12}$`)
	engineForm   = regexp.MustCompile(`^OpenSearch_(\d+)\.(\d+)$`)
	instanceForm = regexp.MustCompile(`^([a-z][a-z0-9-]*)\.([a-z0-9]+)\.search$`)
	zoneIDForm   = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	hostForm     = regexp.MustCompile(`^([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	principal    = regexp.MustCompile(`^arn:aws:iam::(\d{12}):(role|user)/[\w+=,.@/-]+$`)
	certificate  = regexp.MustCompile(`^arn:aws:acm:([a-z0-9-]+):(\d{12}):certificate/[0-9a-zA-Z-]+$`)
	patternForm  = regexp.MustCompile(`^[^-\s,"\\/<>|?#A-Z][^\s,"\\/<>|?#A-Z]*$`)
	uuidForm     = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
)

// ownDisks are instance families whose data lies on their own disks, and old
// ones that have no fine-grained access control.
var (
	ownDisks = regexp.MustCompile(`^(i\d|i[34]|im\d|is\d|r\d+gd|m\d+gd|c\d+gd)`)
	tooOld   = regexp.MustCompile(`^(t2|m3|r3|i2)\.`)
)

func (v *validator) warn(format string, args ...any) {
	v.warnings = append(v.warnings, fmt.Sprintf(format, args...))
}

func (v *validator) all() {
	v.place()
	v.flags()
	v.domain()
	v.dns()
	v.times()
	v.people()
	v.lengths()
}

func (v *validator) oneOf(key, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		v.fault("%s is %q%s; allowed: %s", key, got, didYouMean(got, allowed), strings.Join(allowed, ", "))
	}
}

func (v *validator) between(key string, got, low, high int) {
	if got < low || got > high {
		v.fault("%s is %d; allowed: %d-%d", key, got, low, high)
	}
}

func (v *validator) region(key, got string) bool {
	if slices.Contains(regions, got) {
		return true
	}
	v.fault("%s is %q%s; allowed: a Region of the aws partition, as us-east-1", key, got, didYouMean(got, regions))
	return false
}

func (v *validator) place() {
	a := v.app
	if !nameForm.MatchString(a.Name) || strings.HasSuffix(a.Name, "-") {
		v.fault("dr.name is %q; allowed: 3-28 of a-z, 0-9 and -, beginning with a letter and not ending with -", a.Name)
	}
	if a.Account == "" {
		v.fault("dr.account is not given and the CDK CLI found no credentials (CDK_DEFAULT_ACCOUNT is empty); allowed: 12 digits in cdk.json or by -c dr.account=, or a profile")
	} else if !accountForm.MatchString(a.Account) {
		v.fault("dr.account is %q; allowed: 12 digits", a.Account)
	}
	v.region("dr.primaryRegion", a.PrimaryRegion)
	second := v.region("dr.secondaryRegion", a.SecondaryRegion)
	if second && a.PrimaryRegion == a.SecondaryRegion {
		v.fault("dr.secondaryRegion is %q, the same as dr.primaryRegion; allowed: another Region", a.SecondaryRegion)
	}
	// Left out it is the secondary, about which a sentence was just said.
	if (second || a.ControlRegion != a.SecondaryRegion) && v.region("dr.controlRegion", a.ControlRegion) && slices.Contains(a.Regions(), a.ControlRegion) {
		v.warn("dr.controlRegion is %s, one of the pair: while that Region is lost the traffic stack cannot be deployed; a third Region, bootstrapped, is better (X10)", a.ControlRegion)
	}
	v.oneOf("dr.standby", a.Standby, "cold", "warm")
	v.oneOf("dr.functionArchitecture", a.FunctionArchitecture, "arm64", "x86_64")
	v.oneOf("dr.encryption", a.Encryption, "s3", "kms")
}

func (v *validator) flags() {
	a := v.app
	pair := a.Regions()
	switch {
	case a.ActiveRegion == "":
		v.fault("activeRegion is missing; allowed: %s or %s, at the top level of cdk.json's context", pair[0], pair[1])
	case !slices.Contains(pair, a.ActiveRegion):
		v.fault("activeRegion is %q%s; allowed: %s (primary) or %s (secondary)", a.ActiveRegion, didYouMean(a.ActiveRegion, pair), pair[0], pair[1])
	}
	if r := a.UnreachableRegion; r != "" {
		switch {
		case !slices.Contains(pair, r):
			v.fault("unreachableRegion is %q%s; allowed: %s or %s", r, didYouMean(r, pair), pair[0], pair[1])
		case r == a.ActiveRegion:
			v.fault("unreachableRegion is %q, which is also activeRegion; allowed: the other Region, %s", r, a.Other(r))
		}
		if r == a.ControlRegion {
			v.warn("unreachableRegion %s is the control Region: the traffic stack is left out; the promotion moves the record itself, deploy again when the Region is back (X10)", r)
		}
	}
	if s := a.SwitchFrom; s != "" {
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || n < 1 {
			v.fault("switchFrom is %q; allowed: the generation in force, a number from 1 (osdr status names it)", s)
		}
	}
	if s := a.AbandonDomain; s != "" && !uuidForm.MatchString(s) {
		v.fault("abandonDomain is %q; allowed: the cluster UUID of the domain to give up, 22 characters", s)
	}
	v.names("acceptUnverified", a.AcceptUnverified)
	v.names("without", a.Without)
	if s := a.ExtendPause; s != "" && s != "true" {
		v.fault("extendPause is %q; allowed: true", s)
	}
}

// names of indexes in a flag, separated by commas.
func (v *validator) names(flag, list string) {
	if list == "" {
		return
	}
	for index := range strings.SplitSeq(list, ",") {
		if index == "" || strings.ContainsAny(index, "* \t") {
			v.fault("%s holds %q; allowed: names of indexes, separated by commas, no patterns", flag, index)
		}
	}
}

func (v *validator) domain() {
	a, d := v.app, v.app.Domain
	if m := engineForm.FindStringSubmatch(a.EngineVersion); m == nil || m[1] == "1" || m[1] == "0" {
		v.fault("dr.engineVersion is %q; allowed: OpenSearch_<major>.<minor> from OpenSearch_2.0, as OpenSearch_3.3", a.EngineVersion)
	}
	v.between("dr.domain.dataNodes", d.DataNodes, 1, 80)
	v.between("dr.domain.zones", d.Zones, 1, 3)
	switch {
	case d.Zones == 2 && d.DataNodes%2 != 0:
		v.fault("dr.domain.dataNodes is %d with 2 zones; allowed: an even number", d.DataNodes)
	case d.Zones == 3 && d.DataNodes < 3:
		v.fault("dr.domain.dataNodes is %d with 3 zones; allowed: 3 or more", d.DataNodes)
	case d.Zones == 3 && d.DataNodes%3 != 0:
		v.warn("dr.domain.dataNodes is %d with 3 zones: a multiple of 3 spreads the shards evenly", d.DataNodes)
	}
	v.instance("dr.domain.instanceType", d.InstanceType, true)
	if !slices.Contains([]int{0, 3, 5}, d.Masters.Count) {
		v.fault("dr.domain.masters.count is %d; allowed: 0, 3, 5", d.Masters.Count)
	}
	if d.Masters.Count > 0 {
		v.instance("dr.domain.masters.instanceType", d.Masters.InstanceType, false)
	}
	v.between("dr.domain.volume.sizeGiB", d.Volume.SizeGiB, 10, 24576)
	v.oneOf("dr.domain.volume.type", d.Volume.Type, "gp3", "gp2")
	switch {
	case d.Volume.Type == "gp3":
		v.between("dr.domain.volume.throughput", d.Volume.Throughput, 125, 1000)
	case d.Volume.Type == "gp2" && d.Volume.Throughput != 0:
		v.fault("dr.domain.volume.throughput is %d with gp2; allowed: 0, only gp3 has it", d.Volume.Throughput)
	}
}

func (v *validator) instance(key, got string, data bool) {
	switch m := instanceForm.FindStringSubmatch(got); {
	case m == nil:
		v.fault("%s is %q; allowed: <family>.<size>.search, as r7g.large.search", key, got)
	case tooOld.MatchString(got):
		v.fault("%s is %q, which has no fine-grained access control; allowed: a current generation, as r7g.large.search", key, got)
	case data && ownDisks.MatchString(got):
		v.fault("%s is %q, which stores on its own disks; allowed: a type with EBS volumes, as r7g.large.search", key, got)
	}
}

func (v *validator) dns() {
	a, d := v.app, v.app.DNS
	zone := hostForm.MatchString(d.ZoneName)
	if !zone {
		v.fault("dr.dns.zoneName is %q; allowed: a domain name in small letters, as example.com", d.ZoneName)
	}
	if !zoneIDForm.MatchString(d.ZoneID) {
		v.fault("dr.dns.zoneId is %q; allowed: the id of the hosted zone, Z and up to 31 of A-Z and 0-9", d.ZoneID)
	}
	if zone && (!hostForm.MatchString(d.Record) || !strings.HasSuffix(d.Record, "."+d.ZoneName)) {
		v.fault("dr.dns.record is %q; allowed: a name below dr.dns.zoneName, as search.%s (a CNAME cannot stand at the top of a zone)", d.Record, d.ZoneName)
	}
	v.between("dr.dns.ttl", d.TTL, 1, 3600)
	if d.TTL > 60 {
		v.warn("dr.dns.ttl is %d: clients keep the old address that many seconds after a failover; 60 or less is advised", d.TTL)
	}
	given := map[string]any{}
	for region, arn := range d.Certificates {
		given[region] = arn
	}
	for _, region := range sorted(given) {
		arn := d.Certificates[region]
		m := certificate.FindStringSubmatch(arn)
		switch {
		case !slices.Contains(a.Regions(), region):
			v.fault("dr.dns.certificates.%s is for a Region that is not of the pair%s; allowed: %s, %s", region, didYouMean(region, a.Regions()), a.PrimaryRegion, a.SecondaryRegion)
		case m == nil:
			v.fault("dr.dns.certificates.%s is %q; allowed: the ARN of an ACM certificate", region, arn)
		case m[1] != region || m[2] != a.Account:
			v.fault("dr.dns.certificates.%s is %q; allowed: a certificate in %s of account %s, a domain can use no other", region, arn, region, a.Account)
		}
	}
	if d.PrivateZone {
		for _, region := range a.Regions() {
			if d.Certificates[region] == "" {
				v.fault("dr.dns.privateZone is true and dr.dns.certificates.%s is not given; allowed: the ARN of a certificate there, since none can be validated through a private zone", region)
			}
		}
	}
}

func (v *validator) times() {
	a := v.app
	// Of one minute there is no half, and a point settles later than that.
	v.between("dr.rpoMinutes", a.RPOMinutes, 2, 1440)
	if every := a.SnapshotEveryMinutes(); every+settleMinutes+1 > a.RPOMinutes && a.RPOMinutes > 1 {
		v.warn("dr.rpoMinutes is %d: a snapshot every %d min and up to %d min until it is a recovery point leave no minute for the snapshot itself, so the alarm recovery-point-age comes and goes; 5 or more is advised", a.RPOMinutes, every, settleMinutes)
	}
	v.between("dr.retention.count", a.Retention.Count, 1, 400)
	v.between("dr.retention.days", a.Retention.Days, 1, 365)
	if every := max(1, a.SnapshotEveryMinutes()); a.Retention.Days*1440/every > 400 {
		v.warn("dr.retention.days %d with a snapshot every %d min keeps about %d recovery points; beyond 400 a repository gets slow (F19)", a.Retention.Days, every, a.Retention.Days*1440/every)
	}
	if lost, err := time.ParseDuration(a.LostAfter); err != nil || lost < time.Second || lost > 30*time.Minute {
		v.fault("dr.lostAfter is %q; allowed: a duration from 1s to 30m, as 3m", a.LostAfter)
	}
	if pause, err := time.ParseDuration(a.MaxWritePause); err != nil || pause < time.Minute || pause > 2*time.Hour {
		v.fault("dr.maxWritePause is %q; allowed: a duration from 1m to 2h, as 10m", a.MaxWritePause)
	}
	v.oneOf("dr.restore.unplaced", a.Restore.Unplaced, contract.UnplacedAsk, contract.UnplacedContinue)
	for key, patterns := range map[string][]string{"dr.restore.indices": a.Restore.Indices, "dr.restore.exclude": a.Restore.Exclude} {
		for _, p := range patterns {
			if !patternForm.MatchString(p) {
				v.fault("%s holds %q; allowed: index names in small letters with *, not beginning with -", key, p)
			}
		}
	}
}

func (v *validator) people() {
	a := v.app
	for i, arn := range a.Admins {
		m := principal.FindStringSubmatch(arn)
		switch {
		case m == nil:
			v.fault("dr.admins[%d] is %q; allowed: the ARN of an IAM role or user, as arn:aws:iam::%s:role/admin", i, arn, a.Account)
		case m[1] != a.Account:
			v.fault("dr.admins[%d] is %q; allowed: a role or user of account %s", i, arn, a.Account)
		}
	}
	switch t := a.AlarmTarget; {
	case t == "":
		v.warn("dr.alarmTarget is not given: nobody hears an alarm until somebody subscribes to the topics %s in both Regions", a.Names().AlarmTopic())
	case strings.HasPrefix(t, "https://"):
		if u, err := url.Parse(t); err != nil || u.Host == "" {
			v.fault("dr.alarmTarget is %q; allowed: an e-mail address or an https:// address", t)
		}
	default:
		if m, err := mail.ParseAddress(t); err != nil || m.Address != t {
			v.fault("dr.alarmTarget is %q; allowed: an e-mail address or an https:// address", t)
		}
	}
}

// lengths of derived names, and of the functions' environment (4 KB for all
// variables of one, docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
func (v *validator) lengths() {
	n := v.app.Names()
	limit := func(what, name string, most int) {
		if len(name) > most {
			v.fault("dr.name %q makes the %s %q of %d characters; allowed: %d, so %d fewer in dr.name", v.app.Name, what, name, len(name), most, len(name)-most)
		}
	}
	longest := func(name func(string) string) string {
		out := ""
		for _, region := range v.app.Regions() {
			if s := name(region); len(s) > len(out) {
				out = s
			}
		}
		return out
	}
	limit("bucket name", longest(n.Bucket), 63)
	limit("role name", longest(n.SnapshotRole), 64)
	limit("role name", longest(func(r string) string { return n.FunctionRole(contract.Promotion, r) }), 64)
	limit("stack name", longest(n.FoundationStack), 128)
	limit("function name", n.Provider(contract.Promotion), 64)
	limit("schedule name", n.Schedule(contract.Snapshot), 64)
	settings, err := v.app.Settings().Encode()
	if err != nil {
		v.fault("dr cannot be written for the functions: %v", err)
	}
	if len(settings) > 3800 {
		v.fault("dr.admins and dr.restore are too long: the functions' settings take %d bytes; allowed: 3800", len(settings))
	}
}
