package stacks_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allows says whether a role of these statements may do action on resource; a
// condition counts as met.
func allows(statements []object, action, resource string) bool {
	matches := func(pattern any, s string) bool {
		text, _ := pattern.(string)
		return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$").MatchString(s)
	}
	hit := func(effect string) bool {
		return slices.ContainsFunc(statements, func(s object) bool {
			return s["Effect"] == effect &&
				slices.ContainsFunc(list(s["Action"]), func(a any) bool { return matches(a, action) }) &&
				slices.ContainsFunc(list(s["Resource"]), func(on any) bool { return matches(on, resource) })
		})
	}
	return hit("Allow") && !hit("Deny")
}

// The object rights of each role, as what it can do: the ledger decides who is
// active, so only the controller writes it, and nobody that writes repositories
// reaches the product's own objects.
func TestWhoMayDoWhatWithObjects(t *testing.T) {
	const get, put, del, abort = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"
	looked := 0
	eachOf(t, []string{"AWS::IAM::Role"}, func(t *testing.T, _ variant, r resource) {
		name := fmt.Sprint(r.property("RoleName"))
		m := regexp.MustCompile(`^osdr-(snapshot|recovery|TheSnapshotRole|traffic)-(us-.*|eu-.*)$`).FindStringSubmatch(name)
		if m == nil || strings.HasPrefix(m[2], "eu-") {
			return
		}
		looked++
		region, other := m[2], primary
		if region == primary {
			other = secondary
		}
		own, far := "arn:aws:s3:::osdr-snapshots-"+account+"-"+region, "arn:aws:s3:::osdr-snapshots-"+account+"-"+other
		const uuid = "/abcdefghijklmnopqrstuv/index-1"
		statements := identityStatements(r)
		for key, may := range map[string]map[string]string{ // object: who may do what
			own + "/_dr/ledger.json":     {"snapshot": "g", "recovery": "gpd", "traffic": "g"},
			far + "/_dr/ledger.json":     {"snapshot": "g", "recovery": "gpd", "traffic": "g"},
			own + "/_dr/lease/x.json":    {"snapshot": "gpd", "recovery": "gpd"},
			far + "/_dr/lease/x.json":    {"snapshot": "g", "recovery": "gpd"},
			own + "/_dr/journal/x.json":  {"snapshot": "gpd", "recovery": "gpd"},
			far + "/_dr/journal/x.json":  {"snapshot": "g", "recovery": "gpd"},
			own + "/_dr/fence/x.json":    {"snapshot": "g", "recovery": "gpd"},
			own + "/_dr/points/1-1.json": {"snapshot": "g", "recovery": "gpd", "traffic": "g"},
			far + "/_dr/points/1-1.json": {"snapshot": "gpd", "recovery": "gpd", "traffic": "g"},
			own + "/_dr/pins/1-1-x.json": {"recovery": "gpd"},
			far + "/_dr/pins/1-1-x.json": {"snapshot": "gpd", "recovery": "gpd"},
			own + uuid:                   {"TheSnapshotRole": "g", "recovery": "g"},
			far + uuid:                   {"TheSnapshotRole": "gpda", "snapshot": "g", "recovery": "g"},
		} {
			got := ""
			for _, a := range []string{get, put, del, abort} {
				if allows(statements, a, key) {
					got += strings.ToLower(strings.TrimPrefix(a, "s3:")[:1])
				}
			}
			equal(t, name+" on "+key, got, may[m[1]])
		}
		for _, bucket := range []string{own, far} {
			equal(t, name+" lists "+bucket, allows(statements, "s3:ListBucket", bucket), true)
		}
	})
	some(t, looked, "a role that reaches objects")
}

func TestN_PassRoleIsExactlyOneRoleAndOnlyForTheSigners(t *testing.T) {
	found := 0
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy") {
			for _, s := range identityStatements(r) {
				if !strings.Contains(text(s["Action"]), "PassRole") {
					continue
				}
				found++
				region := a.stacks[r.stack].Environment[strings.LastIndex(a.stacks[r.stack].Environment, "/")+1:]
				equal(t, r.String(), text(s["Action"]), `"iam:PassRole"`) // beside nothing
				equal(t, r.String(), s["Resource"], "arn:aws:iam::"+account+":role/osdr-TheSnapshotRole-"+region)
				equal(t, r.String(), s["Condition"], nil) // no iam:PassedToService
				if name := fmt.Sprint(r.property("RoleName")); name != "osdr-snapshot-"+region && name != "osdr-recovery-"+region {
					t.Errorf("%s may pass a role", name)
				}
			}
		}
	})
	some(t, found, "iam:PassRole")
}

func TestN_TheSnapshotRole(t *testing.T) {
	a := synth(t, byName("active-primary.cold"))
	found := 0
	for _, r := range a.resources("AWS::IAM::Role") {
		name := fmt.Sprint(r.property("RoleName"))
		if !strings.Contains(name, "TheSnapshotRole") {
			continue
		}
		region := name[len("osdr-TheSnapshotRole-"):]
		other := primary
		if region == primary {
			other = secondary
		}
		trust := text(r.property("AssumeRolePolicyDocument"))
		for _, want := range []string{`"Service":"es.amazonaws.com"`, `"aws:SourceAccount":"` + account + `"`, `"aws:SourceArn":"arn:aws:es:` + region + ":" + account + `:domain/osdr"`} {
			if !strings.Contains(trust, want) {
				t.Errorf("%s does not trust by %s: %s", name, want, trust)
			}
		}
		for _, s := range identityStatements(r) {
			writes := strings.Contains(text(s["Action"]), "Put") || strings.Contains(text(s["Action"]), "Delete")
			if !writes || s["Effect"] == "Deny" {
				continue
			}
			found++
			if !strings.Contains(text(s["Resource"]), other) {
				t.Errorf("%s writes to %s", name, text(s["Resource"]))
			}
			for _, want := range []string{"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"} {
				if !strings.Contains(text(s["Action"]), want) {
					t.Errorf("%s may not %s", name, want)
				}
			}
		}
	}
	equal(t, "statements that write, one a Region", found, 2)
}

// X4: a function may write the product's two records and no other.
func TestX4_OnlyTheControllerWritesDNSAndOnlyItsRecords(t *testing.T) {
	found := 0
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources("AWS::IAM::Role") {
			for _, s := range identityStatements(r) {
				if !strings.Contains(text(s["Action"]), "ChangeResourceRecordSets") {
					continue
				}
				found++
				if name := fmt.Sprint(r.property("RoleName")); !strings.HasPrefix(name, "osdr-recovery-") {
					t.Errorf("%s may write DNS", name)
				}
				condition, err := json.Marshal(s["Condition"])
				if err != nil {
					t.Fatal(err)
				}
				if want := `"route53:ChangeResourceRecordSetsNormalizedRecordNames":["search.example.com","_active.search.example.com"]`; !strings.Contains(string(condition), want) {
					t.Errorf("%s: %s", r, condition)
				}
			}
		}
	})
	some(t, found, "ChangeResourceRecordSets")
}
