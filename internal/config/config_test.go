package config_test

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/config"
)

var update = flag.Bool("update", false, "rewrite the configuration in README.md")

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// cdkJSON is the repository's own, so that its ready-to-run values are tested.
func cdkJSON(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func contextOf(t *testing.T, cdkJSON []byte) map[string]any {
	t.Helper()
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(cdkJSON, &file); err != nil {
		t.Fatal(err)
	}
	return file.Context
}

// load with what -c gave.
func load(t *testing.T, flags map[string]any) (*config.App, error) {
	t.Helper()
	file := cdkJSON(t)
	context := contextOf(t, file)
	maps.Copy(context, flags)
	return config.Load(config.Source{Context: context, CDKJSON: file, DefaultAccount: "123456789012", Now: now})
}

func faults(t *testing.T, err error) []string {
	t.Helper()
	var f config.Faults
	if !errors.As(err, &f) {
		t.Fatalf("want faults, got %v", err)
	}
	return f
}

func TestReadyToRunValuesOfCDKJSON(t *testing.T) {
	app, err := load(t, nil)
	if err != nil {
		t.Fatalf("cdk.json as it stands: %v", err)
	}
	if app.Account != "123456789012" || app.ControlRegion != app.SecondaryRegion || app.Explicit || app.AskedAt != "" {
		t.Errorf("account %q, control Region %q, explicit %v, asked at %q", app.Account, app.ControlRegion, app.Explicit, app.AskedAt)
	}
}

func TestEveryFaultIsSaidAtOnce(t *testing.T) {
	_, err := load(t, map[string]any{
		"activeRegion": "us-east1", "dr.rpoMinutes": "0", "dr.standbye": "cold",
		"dr.admins": "someone@example.com", "activRegion": "x",
	})
	got := faults(t, err)
	for _, want := range [][]string{
		{"activeRegion", "us-east1", "us-east-1", "us-west-2"},
		{"dr.rpoMinutes", "0", "1-1440"},
		{"dr.standbye", "did you mean standby?"},
		{"dr.admins[0]", "someone@example.com", "ARN"},
		{"activRegion", "did you mean activeRegion?"},
	} {
		found := false
		for _, f := range got {
			all := true
			for _, part := range want {
				all = all && strings.Contains(f, part)
			}
			found = found || all
		}
		if !found {
			t.Errorf("no fault with %q in:\n%s", want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 5 {
		t.Errorf("five mistakes, %d sentences:\n%s", len(got), strings.Join(got, "\n"))
	}
}

func TestFaults(t *testing.T) {
	arn := "arn:aws:acm:us-east-1:123456789012:certificate/1"
	for name, c := range map[string]struct {
		flags map[string]any
		want  string
	}{
		"active Region of neither":             {map[string]any{"activeRegion": "eu-west-1"}, `activeRegion is "eu-west-1"`},
		"no active Region":                     {map[string]any{"activeRegion": ""}, "activeRegion is missing"},
		"unreachable is active":                {map[string]any{"unreachableRegion": "us-east-1"}, "also activeRegion"},
		"retention of nothing":                 {map[string]any{"dr.retention.count": "0"}, "dr.retention.count is 0"},
		"retention of no days":                 {map[string]any{"dr.retention.days": "0"}, "dr.retention.days is 0"},
		"D4 vpc":                               {map[string]any{"dr.vpc": "vpc-1"}, "a VPC domain is not supported yet"},
		"X7 derived bucket name":               {map[string]any{"dr.name": "a-name-of-27-characters-abc", "dr.secondaryRegion": "ap-northeast-1"}, "fewer in dr.name"},
		"name":                                 {map[string]any{"dr.name": "Osdr"}, "dr.name"},
		"same Region twice":                    {map[string]any{"dr.secondaryRegion": "us-east-1"}, "the same as dr.primaryRegion"},
		"unknown Region":                       {map[string]any{"dr.controlRegion": "eu-west-11"}, "did you mean eu-west-1?"},
		"odd nodes in two zones":               {map[string]any{"dr.domain.zones": "2"}, "an even number"},
		"too few nodes for three zones":        {map[string]any{"dr.domain.dataNodes": "2"}, "3 or more"},
		"masters":                              {map[string]any{"dr.domain.masters.count": "2"}, "allowed: 0, 3, 5"},
		"instance without EBS":                 {map[string]any{"dr.domain.instanceType": "i3.large.search"}, "own disks"},
		"instance without access control":      {map[string]any{"dr.domain.instanceType": "t2.small.search"}, "no fine-grained access control"},
		"engine":                               {map[string]any{"dr.engineVersion": "Elasticsearch_7.10"}, "dr.engineVersion"},
		"throughput of gp2":                    {map[string]any{"dr.domain.volume.type": "gp2"}, "only gp3 has it"},
		"record outside the zone":              {map[string]any{"dr.dns.record": "search.example.org"}, "below dr.dns.zoneName"},
		"record at the top of the zone":        {map[string]any{"dr.dns.record": "example.com"}, "below dr.dns.zoneName"},
		"private zone and validation":          {map[string]any{"dr.dns.privateZone": "true", "dr.dns.certificates.us-east-1": arn}, "dr.dns.certificates.us-west-2 is not given"},
		"certificate of another Region":        {map[string]any{"dr.dns.certificates.us-west-2": arn}, "a domain can use no other"},
		"certificate of neither":               {map[string]any{"dr.dns.certificates.eu-west-1": arn}, "not of the pair"},
		"lost after":                           {map[string]any{"dr.lostAfter": "3 minutes"}, "dr.lostAfter"},
		"admin of another account":             {map[string]any{"dr.admins": "arn:aws:iam::999999999999:role/x"}, "of account 123456789012"},
		"admin that is a session":              {map[string]any{"dr.admins": "arn:aws:sts::123456789012:assumed-role/x/y"}, "IAM role or user"},
		"pattern":                              {map[string]any{"dr.restore.exclude": "-logs"}, "not beginning with -"},
		"alarm target":                         {map[string]any{"dr.alarmTarget": "http://example.com"}, "dr.alarmTarget"},
		"type":                                 {map[string]any{"dr.rpoMinutes": "often"}, "a whole number"},
		"object as a text":                     {map[string]any{"dr.domain": "big"}, "one field each"},
		"path below a field":                   {map[string]any{"dr.name.first": "x"}, "dr.name is no object"},
		"abandon":                              {map[string]any{"abandonDomain": "yes"}, "cluster UUID"},
		"switch from":                          {map[string]any{"switchFrom": "last"}, "the generation in force"},
		"accept by pattern":                    {map[string]any{"acceptUnverified": "logs-*"}, "no patterns"},
		"unknown context key":                  {map[string]any{"hello": "x"}, `context key hello is "x", and the key is unknown`},
		"settings too long for an environment": {map[string]any{"dr.restore.exclude": strings.Repeat("a-pattern-of-some-length-*,", 200)}, "allowed: 3800"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.flags)
			got := faults(t, err)
			if !strings.Contains(strings.Join(got, "\n"), c.want) {
				t.Errorf("want %q in:\n%s", c.want, strings.Join(got, "\n"))
			}
		})
	}
}

func TestKeysOfTheCDKPass(t *testing.T) {
	_, err := load(t, map[string]any{
		"aws:cdk:enable-path-metadata": true, "@aws-cdk/core:x": true, "availability-zones:account=1:region=x": []any{},
		"cli-telemetry": false, "cdk-migrate": false, "aws-cdk:enableDiffNoFail": "true",
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOverrides(t *testing.T) {
	app, err := load(t, map[string]any{
		"dr.rpoMinutes": "1", "dr.domain.dataNodes": "6", "dr.admins": "arn:aws:iam::123456789012:role/a, arn:aws:iam::123456789012:user/b",
		"dr.dns.adopt": "true", "dr.lostAfter": "5s", "dr.dns.certificates.us-east-1": "arn:aws:acm:us-east-1:123456789012:certificate/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if app.RPOMinutes != 1 || app.Domain.DataNodes != 6 || !app.DNS.Adopt || app.Settings().LostAfter != 5 || len(app.DNS.Certificates) != 1 {
		t.Errorf("overrides were not taken: %+v", app.Config)
	}
	if diff := cmp.Diff([]string{"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:user/b"}, app.Admins); diff != "" {
		t.Error(diff)
	}
	if app.Domain.InstanceType == "" || app.DNS.TTL != 60 {
		t.Errorf("an override took its neighbours away: %+v", app.Config)
	}
}

// H2: an override is what differs from cdk.json, and the flags for one command
// do not stand in it.
func TestH2_MeantIsWhatDiffersFromCDKJSON(t *testing.T) {
	app, err := load(t, map[string]any{"activeRegion": "us-west-2"})
	if err != nil {
		t.Fatal(err)
	}
	if !app.Explicit {
		t.Error("activeRegion differs from cdk.json's and is not explicit")
	}
	if app, err = load(t, map[string]any{"activeRegion": "us-east-1"}); err != nil || app.Explicit {
		t.Errorf("the same value as cdk.json's is explicit: %v %v", app, err)
	}

	file := contextOf(t, cdkJSON(t))
	file["switchFrom"] = "2"
	raw, err := json.Marshal(map[string]any{"context": file})
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Load(config.Source{Context: file, CDKJSON: raw, DefaultAccount: "123456789012", Now: now})
	if got := faults(t, err); !strings.Contains(got[0], "switchFrom stands in cdk.json") {
		t.Errorf("got %q", got)
	}
}

func TestH19_AskedAtOnlyWhenAskedByAFlag(t *testing.T) {
	for name, c := range map[string]struct {
		flags map[string]any
		want  string
	}{
		"plain":       {nil, ""},
		"failover":    {map[string]any{"activeRegion": "us-west-2", "unreachableRegion": "us-east-1"}, "2026-01-02T03:04:05Z"},
		"switch":      {map[string]any{"activeRegion": "us-west-2", "switchFrom": "2"}, "2026-01-02T03:04:05Z"},
		"other field": {map[string]any{"dr.rpoMinutes": "30"}, ""},
	} {
		app, err := load(t, c.flags)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if app.AskedAt != c.want {
			t.Errorf("%s: asked at %q, want %q", name, app.AskedAt, c.want)
		}
	}
}

func TestX4_SettingsDoNotKnowTheFlag(t *testing.T) {
	one, err := load(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := load(t, map[string]any{"activeRegion": "us-west-2", "switchFrom": "7"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one.Settings(), other.Settings()); diff != "" {
		t.Error(diff)
	}
}

func TestX10_ControlRegionOfThePairIsAWarning(t *testing.T) {
	app, err := load(t, nil)
	if err != nil || !strings.Contains(strings.Join(app.Warnings, "\n"), "X10") {
		t.Errorf("no warning about the control Region: %v %v", app, err)
	}
	app, err = load(t, map[string]any{"dr.controlRegion": "eu-west-1"})
	if err != nil || strings.Contains(strings.Join(app.Warnings, "\n"), "X10") {
		t.Errorf("a warning about a third Region: %v %v", app, err)
	}
}

func TestReferenceInReadme(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(raw), config.ReferenceBegin)
	got, after, ended := strings.Cut(rest, config.ReferenceEnd)
	if !begun || !ended {
		t.Fatal("README.md lacks the marks around the configuration")
	}
	if *update {
		page := before + config.ReferenceBegin + config.Reference() + config.ReferenceEnd + after
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(config.Reference(), got); diff != "" {
		t.Errorf("the configuration in README.md is not what the code says; make golden writes it\n%s", diff)
	}
}
