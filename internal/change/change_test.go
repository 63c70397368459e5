package change_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/change"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/template"
	"github.com/opensearch-dr/osdr/internal/template/templatetest"
)

const (
	account   = "123456789012"
	primary   = "us-east-1"
	secondary = "us-west-2"
)

// golden stacks of a variant.
func golden(t *testing.T, variant string) change.Side {
	t.Helper()
	goldens, err := templatetest.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), variant)
	if err := templatetest.Synth(goldens, variant, dir); err != nil {
		t.Fatal(err)
	}
	side, err := change.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return side
}

func parse(t *testing.T, stack, region string, body []byte) template.Stack {
	t.Helper()
	s, err := template.Parse(stack, account, region, body)
	if err != nil {
		t.Fatal(err)
	}
	s.Protected = strings.Contains(stack, "-foundation-") || strings.Contains(stack, "-domain-")
	return s
}

type object = map[string]any

// edited side: one stack's template as it is after edit.
func edited(t *testing.T, s change.Side, stack string, edit func(resources object)) change.Side {
	t.Helper()
	out := change.Side{From: s.From + ", edited", Stacks: slices.Clone(s.Stacks)}
	for i, have := range out.Stacks {
		if have.Name != stack {
			continue
		}
		var body object
		if err := json.Unmarshal(have.Body, &body); err != nil {
			t.Fatal(err)
		}
		edit(body["Resources"].(object))
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		out.Stacks[i] = parse(t, stack, have.Region, raw)
		return out
	}
	t.Fatal("no stack", stack)
	return out
}

func run(t *testing.T, before, after change.Side) drift.Report {
	t.Helper()
	r, err := change.Change{Before: before, After: after}.Run(t.Context(), drift.Options{Limit: time.Minute, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines of a report: the check, what it is of and what was found.
func lines(r drift.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s %s", f.Kind, f.Check, f.Where, f.Resource))
	}
	return out
}

// Every flip of the flag and of the standby is accepted, and the one removal in it
// is named.
func TestTheFlagIsNotRefused(t *testing.T) {
	const p, s = "note change.removed us-east-1 osdr-domain-us-east-1/Domain", "note change.removed us-west-2 osdr-domain-us-west-2/Domain"
	for _, c := range []struct {
		before, after string
		notes         []string
	}{
		{"active-primary.cold", "active-primary.cold", nil},
		{"active-primary.cold", "active-secondary.cold", []string{p}},
		{"active-secondary.cold", "active-primary.cold", []string{s}},
		{"active-primary.warm", "active-secondary.warm", nil},
		{"active-primary.warm", "active-primary.cold", []string{s}},
		{"active-primary.cold", "active-primary.warm", nil},
		{"active-secondary.warm", "active-secondary.cold", []string{p}},
		{"active-primary.cold", "failover", []string{"note change.stack us-east-1 osdr-domain-us-east-1", "note change.stack us-east-1 osdr-foundation-us-east-1"}},
	} {
		r := run(t, golden(t, c.before), golden(t, c.after))
		if diff := cmp.Diff(c.notes, lines(r)); diff != "" || r.ExitCode != drift.ExitInSync {
			t.Errorf("%s to %s: exit %d, -want +got\n%s", c.before, c.after, r.ExitCode, diff)
		}
	}
}

func TestAMovedControlRegionAndAKeyThatGoesAreRefused(t *testing.T) {
	r := run(t, golden(t, "options"), golden(t, "active-primary.cold"))
	want := []string{
		"drift change.removed us-east-1 osdr-foundation-us-east-1/SnapshotsKey4567620F", "drift change.removed us-east-1 osdr-foundation-us-east-1/SnapshotsKeyAlias85F959FE",
		"drift change.removed us-west-2 osdr-foundation-us-west-2/SnapshotsKey4567620F", "drift change.removed us-west-2 osdr-foundation-us-west-2/SnapshotsKeyAlias85F959FE",
		"drift change.stack eu-west-1 osdr-traffic",
	}
	if diff := cmp.Diff(want, lines(r)); diff != "" || r.ExitCode != drift.ExitDrift {
		t.Errorf("exit %d, -want +got\n%s", r.ExitCode, diff)
	}
}

// of a resource: a map inside it.
func of(r object, id string, path ...string) object {
	at := r[id].(object)
	for _, step := range path {
		at = at[step].(object)
	}
	return at
}

func TestF2_RefusedChanges(t *testing.T) {
	const domain, foundation = "osdr-domain-us-east-1", "osdr-foundation-us-east-1"
	role := func(r object) string {
		for id, x := range r {
			if p, _ := x.(object)["Properties"].(object); p["RoleName"] == "osdr-TheSnapshotRole-us-east-1" {
				return id
			}
		}
		t.Fatal("no TheSnapshotRole")
		return ""
	}
	bucket := func(r object) string {
		for id, x := range r {
			if x.(object)["Type"] == "AWS::S3::Bucket" {
				return id
			}
		}
		t.Fatal("no bucket")
		return ""
	}
	for name, c := range map[string]struct {
		stack string
		edit  func(r object)
		want  []string // id and part of what was found
	}{
		"an engine without EnableVersionUpgrade": {domain, func(r object) {
			of(r, "Domain", "Properties")["EngineVersion"] = "OpenSearch_3.4"
			delete(of(r, "Domain"), "UpdatePolicy")
		}, []string{"change.policy not set", "change.replaced OpenSearch_3.4, without EnableVersionUpgrade"}},
		"encryption at rest off": {domain, func(r object) {
			of(r, "Domain", "Properties", "EncryptionAtRestOptions")["Enabled"] = false
		}, []string{"change.replaced not set"}},
		"another key at rest": {domain, func(r object) {
			of(r, "Domain", "Properties", "EncryptionAtRestOptions")["KmsKeyId"] = object{"Ref": "NewKey"}
		}, []string{"change.replaced ${NewKey}"}},
		"encryption between nodes off": {domain, func(r object) {
			delete(of(r, "Domain", "Properties"), "NodeToNodeEncryptionOptions")
		}, []string{"change.replaced not set"}},
		"fine-grained access control off": {domain, func(r object) {
			delete(of(r, "Domain", "Properties"), "AdvancedSecurityOptions")
		}, []string{"change.replaced not set"}},
		"into a VPC": {domain, func(r object) {
			of(r, "Domain", "Properties")["VPCOptions"] = object{"SubnetIds": []any{"subnet-1"}}
		}, []string{"change.replaced subnet-1"}},
		"a domain's name": {domain, func(r object) {
			of(r, "Domain", "Properties")["DomainName"] = "films"
		}, []string{"change.replaced films"}},
		"a domain's name that is not given any more": {domain, func(r object) {
			delete(of(r, "Domain", "Properties"), "DomainName")
		}, []string{"change.replaced not set"}},
		"a domain's logical id": {domain, func(r object) {
			r["SearchDomain"] = r["Domain"]
			delete(r, "Domain")
			of(r, "Gate")["DependsOn"] = []any{"SearchDomain"}
		}, []string{"change.removed its logical id becomes SearchDomain"}},
		"a domain out of the code": {domain, func(r object) {
			delete(r, "Domain")
		}, []string{"change.removed it is deleted"}},
		"a domain and its gate out of the code": {domain, func(r object) {
			delete(r, "Domain")
			delete(r, "Gate")
		}, []string{"change.gate it is gone", "change.removed it is deleted"}},
		"a domain that the gate thinks unwanted, in the active Region": {domain, func(r object) {
			delete(r, "Domain")
			of(r, "Gate", "Properties")["DomainWanted"] = "false"
		}, []string{"change.removed it is deleted"}},
		"a stand-down whose gate asks another function": {domain, func(r object) {
			delete(r, "Domain")
			p := of(r, "Gate", "Properties")
			p["DomainWanted"], p["ActiveRegion"], p["ServiceToken"] = "false", "us-west-2", "arn:aws:lambda:us-east-1:123456789012:function:mine"
		}, []string{"change.gate it asks arn:aws:lambda:us-east-1:123456789012:function:mine", "change.removed it is deleted"}},
		"a gate that is asked after the domain is gone": {domain, func(r object) {
			delete(of(r, "Gate"), "DependsOn")
		}, []string{"change.gate it does not any more"}},
		"a replaced domain is not kept": {domain, func(r object) {
			delete(of(r, "Domain"), "UpdateReplacePolicy")
		}, []string{"change.policy not set, which is Delete"}},
		"a bucket is not kept": {foundation, func(r object) {
			of(r, bucket(r))["DeletionPolicy"] = "Delete"
		}, []string{"change.policy Delete"}},
		"a bucket's name": {foundation, func(r object) {
			of(r, bucket(r), "Properties")["BucketName"] = "films"
		}, []string{"change.replaced films"}},
		"a bucket out of the code": {foundation, func(r object) {
			delete(r, bucket(r))
		}, []string{"change.removed CloudFormation keeps it (Retain) and forgets it"}},
		"another type under a bucket's logical id": {foundation, func(r object) {
			of(r, bucket(r))["Type"] = "AWS::S3Express::DirectoryBucket"
		}, []string{"change.replaced a AWS::S3Express::DirectoryBucket"}},
		"a role's path": {foundation, func(r object) {
			of(r, role(r), "Properties")["Path"] = "/dr/"
		}, []string{"change.replaced /dr/"}},
		"IAM's own path is none": {foundation, func(r object) {
			of(r, role(r), "Properties")["Path"] = "/"
		}, nil},
		"a role": {foundation, func(r object) { delete(r, role(r)) }, []string{"change.removed it is deleted"}},
		"what can be made again": {foundation, func(r object) {
			for id, x := range r {
				if kind := x.(object)["Type"]; kind == "AWS::CloudWatch::Alarm" || kind == "AWS::Logs::LogGroup" {
					delete(r, id)
				}
			}
		}, nil},
		"an upgrade in place": {domain, func(r object) {
			of(r, "Domain", "Properties")["EngineVersion"] = "OpenSearch_3.4"
			of(r, "Domain", "Properties", "ClusterConfig")["InstanceCount"] = 6
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			before := golden(t, "active-primary.cold")
			r := run(t, before, edited(t, before, c.stack, c.edit))
			if len(r.Findings) != len(c.want) {
				t.Fatalf("want %q, got %+v", c.want, r.Findings)
			}
			for i, f := range r.Findings {
				id, found, _ := strings.Cut(c.want[i], " ")
				if f.Kind != drift.Drift || f.Check != id || !strings.Contains(f.Found, found) || f.Where != primary || f.Expected == "" || f.Why == "" || f.Mend == "" {
					t.Errorf("want %q, got %+v", c.want[i], f)
				}
			}
			if want := map[bool]int{true: drift.ExitInSync, false: drift.ExitDrift}[len(c.want) == 0]; r.ExitCode != want {
				t.Errorf("exit %d, want %d", r.ExitCode, want)
			}
		})
	}
}

func TestTerminationProtectionAccountAndMissingStacks(t *testing.T) {
	before := golden(t, "active-primary.cold")
	off := change.Side{From: "off", Stacks: slices.Clone(before.Stacks)}
	off.Stacks[2].Protected = false             // foundation of us-east-1
	off.Stacks[0].Account = "210987654321"      // domain of us-east-1
	off.Stacks = off.Stacks[:len(off.Stacks)-1] // traffic, which holds a role
	want := []string{"drift change.protection us-east-1 osdr-foundation-us-east-1", "drift change.stack us-east-1 osdr-domain-us-east-1", "drift change.stack us-west-2 osdr-traffic"}
	if diff := cmp.Diff(want, lines(run(t, before, off))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAMoveToAnotherStackIsNamed(t *testing.T) {
	before := golden(t, "active-primary.cold")
	var moved any
	after := edited(t, before, "osdr-domain-us-east-1", func(r object) { moved = r["Domain"]; delete(r, "Domain") })
	after = edited(t, after, "osdr-recovery-us-east-1", func(r object) { r["Moved"] = moved })
	r := run(t, before, after)
	if len(r.Findings) != 1 || r.Findings[0].Found != "it moves to osdr-recovery-us-east-1/Moved" || !strings.Contains(r.Findings[0].Mend, "cdk refactor") {
		t.Errorf("%+v", r.Findings)
	}
}

func TestAConditionIsNotKnown(t *testing.T) {
	before := golden(t, "active-primary.cold")
	r := run(t, before, edited(t, before, "osdr-domain-us-east-1", func(r object) { of(r, "Domain")["Condition"] = "Maybe" }))
	if r.ExitCode != drift.ExitUnknown || len(r.Findings) != 1 || r.Findings[0].Check != "change.removed" {
		t.Errorf("exit %d, %+v", r.ExitCode, r.Findings)
	}
}

// A Region whose stacks could not be read hides nothing of the other, and the
// change is not accepted.
func TestWhatCouldNotBeReadIsNotAccepted(t *testing.T) {
	before := golden(t, "active-primary.cold")
	after := edited(t, before, "osdr-domain-us-east-1", func(r object) { delete(r, "Domain") })
	before.Stacks = slices.DeleteFunc(before.Stacks, func(s template.Stack) bool { return s.Region == secondary })
	before.Failed = map[string]error{secondary: errors.New("describe stack: AccessDenied")}
	if r := run(t, before, before); r.ExitCode != drift.ExitUnknown || r.Counts.Unknown != 6 {
		t.Errorf("exit %d, %+v", r.ExitCode, r.Counts)
	}
	if r := run(t, before, after); r.ExitCode != drift.ExitDrift {
		t.Errorf("exit %d", r.ExitCode)
	}
}

func TestNothingDeployedYet(t *testing.T) {
	r := run(t, change.Side{From: "AWS"}, golden(t, "active-primary.cold"))
	if r.ExitCode != drift.ExitInSync || r.Counts.Notes != 1 || len(r.Findings) != 1 {
		t.Errorf("exit %d, %+v", r.ExitCode, r.Findings)
	}
	if _, err := (change.Change{}).Run(t.Context(), drift.Options{Limit: time.Minute, Clock: time.Now}); !errors.Is(err, change.ErrNothing) {
		t.Error(err)
	}
}

func TestAReviewedExceptionHolds(t *testing.T) {
	before := golden(t, "options")
	r, err := change.Change{Before: before, After: golden(t, "active-primary.cold")}.Run(t.Context(), drift.Options{Limit: time.Minute, Clock: func() time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) }, Exceptions: []drift.Exception{
		{ID: "change.removed", Resource: "*/SnapshotsKey*", Reason: "back to S3's own keys, CHG-1", Expires: "2026-01-31"},
		{ID: "change.stack", Resource: "osdr-traffic", Reason: "deleted by hand, CHG-2", Expires: "2026-01-31"},
	}})
	if err != nil || r.ExitCode != drift.ExitInSync || r.Counts.Ignored != 5 {
		t.Errorf("%v, exit %d, %+v", err, r.ExitCode, r.Counts)
	}
}

// The docs have each check as the code has it.
func TestDocs(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "..", change.Of.Docs))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range (change.Change{}).Checks() {
		if row := fmt.Sprintf("| `%s` | %s | %s |\n", c.ID, c.Title, c.Why); !strings.Contains(string(body), row) {
			t.Errorf("%s has no row\n%s", change.Of.Docs, row)
		}
	}
}
