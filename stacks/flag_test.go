package stacks_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// mayFlip are the types that a flip of the flag may add, remove or change.
var mayFlip = []string{
	"AWS::OpenSearchService::Domain", "AWS::Scheduler::Schedule", "AWS::CloudWatch::Alarm", "AWS::Route53::RecordSet",
	contract.TypeGate, contract.TypeMeant, contract.TypePromotion, contract.TypeTraffic,
}

// X4: IAM, ACM, KMS, S3 and Lambda may have no control plane during a disaster,
// so a failover touches none of them.
func TestX4_H39_AFlipOfTheFlagTouchesNoControlPlaneOfUsEast1(t *testing.T) {
	for _, pair := range [][2]string{
		{"active-primary.cold", "active-secondary.cold"}, {"active-primary.warm", "active-secondary.warm"},
		{"active-primary.cold", "failover"}, {"active-primary.cold", "active-primary.warm"},
	} {
		before, after := synth(t, byName(pair[0])), synth(t, byName(pair[1]))
		old := map[string]resource{}
		for _, r := range before.resources() {
			old[r.String()] = r
		}
		check := func(r resource, what string) {
			if !slices.Contains(mayFlip, r.kind) {
				t.Errorf("from %s to %s: %s, a %s, is %s", pair[0], pair[1], r, r.kind, what)
			}
		}
		for _, r := range after.resources() {
			was, ok := old[r.String()]
			delete(old, r.String())
			if !ok {
				check(r, "added")
			} else if text(was.body) != text(r.body) {
				check(r, "changed")
			}
		}
		for _, r := range old {
			if _, there := after.templates[r.stack]; there { // a stack left out changes nothing
				check(r, "removed")
			}
		}
	}
}

// The table "state is a function of the flag" of the design.
func TestWhatEachRegionHolds(t *testing.T) {
	each(t, func(t *testing.T, v variant, a *assembly) {
		cfg, _ := configOf(t, v.flags)
		for _, region := range cfg.Regions() {
			if region == cfg.UnreachableRegion {
				for stack := range a.templates {
					if strings.HasSuffix(stack, region) {
						t.Errorf("%s is there although %s is unreachable", stack, region)
					}
				}
				continue
			}
			count := map[string]int{}
			for _, r := range a.resources() {
				if strings.HasSuffix(r.stack, region) {
					count[r.kind]++
				}
			}
			active := region == cfg.ActiveRegion
			domain := active || cfg.Standby == "warm"
			for kind, want := range map[string]bool{
				"AWS::OpenSearchService::Domain": domain, contract.TypeMeant: domain, contract.TypePromotion: active,
				contract.TypeGate: true, "AWS::S3::Bucket": true, "AWS::SNS::Topic": true,
			} {
				if got := count[kind] == 1; got != want {
					t.Errorf("%s: %d of %s", region, count[kind], kind)
				}
			}
			// The controller's schedule always, the snapshots' where the Region is active.
			schedules := 1
			if active {
				schedules = 2
			}
			equal(t, region+" schedules", count["AWS::Scheduler::Schedule"], schedules)
		}
	})
}

func TestH18_OrderFollowsTheFlag(t *testing.T) {
	each(t, func(t *testing.T, v variant, a *assembly) {
		cfg, _ := configOf(t, v.flags)
		n, other := cfg.Names(), cfg.Other(cfg.ActiveRegion)
		want := []string{
			n.FoundationStack(cfg.ActiveRegion), n.DomainStack(cfg.ActiveRegion), n.RecoveryStack(cfg.ActiveRegion), n.TrafficStack(),
			n.FoundationStack(other), n.DomainStack(other), n.RecoveryStack(other),
		}
		if cfg.UnreachableRegion == other {
			want = want[:4]
		}
		equal(t, "stacks", slices.Sorted(maps.Keys(a.stacks)), slices.Sorted(slices.Values(want)))
		for i := 1; i < len(want); i++ {
			if !slices.Contains(a.stacks[want[i]].Dependencies, want[i-1]) {
				t.Errorf("%s does not wait for %s", want[i], want[i-1])
			}
		}
	})
}

// F22, X1: each stack can be deployed while every other Region is gone. An output that
// exports nothing is for people.
func TestF22_NoReferenceLeavesAStack(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for stack, template := range a.templates {
			raw := text(template)
			for _, forbidden := range []string{"Fn::ImportValue", "Custom::CrossRegion", `"Export":`, "Fn::GetStackOutput"} {
				if strings.Contains(raw, forbidden) {
					t.Errorf("%s holds %s", stack, forbidden)
				}
			}
		}
	})
}

func TestX1_EveryQuestionIsAnsweredInItsOwnRegion(t *testing.T) {
	each(t, func(t *testing.T, _ variant, a *assembly) {
		for _, r := range a.resources(contract.TypeGate, contract.TypeMeant, contract.TypePromotion, contract.TypeTraffic) {
			region := a.stacks[r.stack].Environment[strings.LastIndex(a.stacks[r.stack].Environment, "/")+1:]
			token := r.property("ServiceToken")
			if s, ok := token.(string); ok && !strings.Contains(s, ":lambda:"+region+":") {
				t.Errorf("%s in %s asks %s", r, region, s)
			} else if _, inStack := token.(object); !ok && !inStack {
				t.Errorf("%s asks %v", r, token)
			}
			// A function that dies without an answer would block for an hour unasked.
			if r.property("ServiceTimeout") == nil {
				t.Errorf("%s has no ServiceTimeout", r)
			}
		}
	})
}

func TestH19_OnlyAFlaggedDeploymentAsksAgain(t *testing.T) {
	for name, want := range map[string]bool{"active-primary.cold": false, "failover": true} {
		a := synth(t, byName(name))
		for _, r := range a.resources(contract.TypePromotion, contract.TypeTraffic) {
			if got := r.property("AskedAt") != nil; got != want {
				t.Errorf("%s: %s has AskedAt: %v", name, r, got)
			}
		}
		for _, r := range a.resources(contract.TypeGate, contract.TypeMeant) {
			if r.property("AskedAt") != nil {
				t.Errorf("%s: %s has AskedAt", name, r)
			}
		}
	}
}

// H2, U1: a plain deploy with a stale flag is not explicit; a flag given by -c is.
func TestH2_ThePromotionSaysWhetherItIsMeant(t *testing.T) {
	for name, want := range map[string]string{"active-primary.cold": "false", "active-secondary.cold": "true"} {
		for _, r := range synth(t, byName(name)).resources(contract.TypePromotion, contract.TypeMeant, contract.TypeGate) {
			equal(t, r.String()+" Explicit", r.property("Explicit"), want)
		}
	}
}

func TestSynthFromAnotherDirectoryGivesTheSameAssets(t *testing.T) {
	hashes := func(a *assembly) (out []string) {
		for _, r := range a.resources("AWS::Lambda::Function") {
			out = append(out, text(r.property("Code", "S3Key")))
		}
		return out
	}
	here := synth(t, byName("active-primary.cold"))
	elsewhere := t.TempDir()
	if err := os.CopyFS(elsewhere, os.DirFS(testAssets(t))); err != nil {
		t.Fatal(err)
	}
	dir := *appOf(t, nil, elsewhere).Synth(nil).Directory()
	there := &assembly{templates: map[string]object{}}
	for stack := range here.templates {
		var template object
		readJSON(t, filepath.Join(dir, stack+".template.json"), &template)
		there.templates[stack] = template
	}
	equal(t, "asset hashes", hashes(there), hashes(here))
}

// app runs the app as the CLI does, with a context, and tells stderr and the
// exit code.
func app(t *testing.T, context map[string]any) (string, int) {
	t.Helper()
	raw, err := json.Marshal(context)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), runApp+"=1", "CDK_CONTEXT_JSON="+string(raw), "CDK_OUTDIR="+t.TempDir(), "CDK_DEFAULT_ACCOUNT="+account)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return stderr.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return stderr.String(), 0
}

func TestFiveFaultsAreFiveSentencesAndNoStackTrace(t *testing.T) {
	_, context := configOf(t, nil)
	dr := maps.Clone(context["dr"].(map[string]any))
	dr["standby"], dr["rpoMinutes"], dr["colour"], dr["vpc"] = "lukewarm", 0, "blue", map[string]any{"id": "vpc-1"}
	stderr, code := app(t, map[string]any{"activeRegion": "eu-west-1", "dr": dr})
	equal(t, "exit code", code, 1)
	var sentences []string
	for line := range strings.Lines(stderr) {
		// Node's and jsii's own words about their versions stand between marks.
		if !strings.HasPrefix(line, "!!") && !strings.HasPrefix(line, "Runtime process exited") {
			sentences = append(sentences, line)
		}
	}
	equal(t, "sentences", len(sentences), 5)
	for _, want := range []string{"activeRegion is \"eu-west-1\"", "dr.standby is \"lukewarm\"", "dr.rpoMinutes is 0", "dr.colour is \"blue\"", "dr.vpc is given"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no sentence says %s", want)
		}
	}
	for _, forbidden := range []string{"goroutine", "panic", ".go:", "    at "} {
		if strings.Contains(stderr, forbidden) {
			t.Errorf("stderr holds %q", forbidden)
		}
	}
	if t.Failed() {
		t.Log(stderr)
	}
}

// H74: a flag that a refusal advises must reach whoever refuses. Every field of the
// wish that the promotion reads is a property of the promotion.
func TestH74_EveryFlagReachesThePromotion(t *testing.T) {
	everything := variant{name: "every flag", flags: map[string]any{
		"activeRegion": secondary, "unreachableRegion": primary, "switchFrom": "3", "abandonDomain": "abcdefghijklmnopqrstuv",
		"acceptUnverified": "movies", "without": "flights", "extendPause": "true",
	}}
	// The gate alone asks whether a domain is wanted.
	notThePromotions := []string{"DomainWanted"}
	a := synth(t, everything)
	promotions := a.resources(contract.TypePromotion)
	if len(promotions) != 1 {
		t.Fatalf("%d promotions", len(promotions))
	}
	fields := reflect.VisibleFields(reflect.TypeFor[contract.WishProperties]())
	for _, f := range fields {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if slices.Contains(notThePromotions, name) {
			continue
		}
		if promotions[0].property(name) == nil {
			t.Errorf("%s has no property %s: the flag never reaches the controller", promotions[0], name)
		}
	}
}
