package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/stacks"
)

const (
	account   = "123456789012"
	primary   = "us-east-1"
	secondary = "us-west-2"
)

// runApp makes this test binary the app itself, as bin/app is.
const runApp = "OSDR_TEST_RUN_APP"

func TestMain(m *testing.M) {
	if os.Getenv(runApp) != "" {
		os.Exit(stacks.Run(os.Stderr))
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// variant of a deployment: what differs from cdk.json.
type variant struct {
	name  string
	flags map[string]any
}

// variants of flag and standby, and of the options that change a template.
var variants = []variant{
	{"active-primary.cold", nil},
	{"active-secondary.cold", map[string]any{"activeRegion": secondary}},
	{"active-primary.warm", map[string]any{"dr.standby": "warm"}},
	{"active-secondary.warm", map[string]any{"activeRegion": secondary, "dr.standby": "warm"}},
	{"failover", map[string]any{"activeRegion": secondary, "unreachableRegion": primary}},
	{"options", map[string]any{
		"dr.encryption": "kms", "dr.controlRegion": "eu-west-1", "dr.functionArchitecture": "x86_64", "dr.rpoMinutes": "2",
		"dr.alarmTarget": "on-call@example.com", "dr.admins": "arn:aws:iam::" + account + ":role/admin",
		"dr.domain.masters.count": "0", "dr.domain.zones": "1", "dr.domain.dataNodes": "1", "dr.domain.volume.type": "gp2", "dr.domain.volume.throughput": "0",
		"dr.dns.certificates.us-east-1": "arn:aws:acm:us-east-1:" + account + ":certificate/one",
		"dr.dns.certificates.us-west-2": "arn:aws:acm:us-west-2:" + account + ":certificate/two",
	}},
}

func byName(name string) variant {
	return variants[slices.IndexFunc(variants, func(v variant) bool { return v.name == name })]
}

// configOf the repository's cdk.json with the variant's flags, and the whole
// context, which carries the CDK's feature flags.
func configOf(t *testing.T, flags map[string]any) (*config.App, map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	maps.Copy(file.Context, flags)
	cfg, err := config.Load(config.Source{
		Context: file.Context, CDKJSON: raw, DefaultAccount: account, Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg, file.Context
}

// appOf a variant, not synthesised yet.
func appOf(t *testing.T, flags map[string]any, assets string) awscdk.App {
	t.Helper()
	cfg, context := configOf(t, flags)
	app := stacks.NewApp(context)
	if err := stacks.New(app, cfg, assets); err != nil {
		t.Fatal(err)
	}
	return app
}

func testAssets(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "lambda"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// object of a template.
type object = map[string]any

// assembly is what a synth wrote.
type assembly struct {
	dir       string
	templates map[string]object // by stack name
	stacks    map[string]artifact
}

type artifact struct {
	Type         string   `json:"type"`
	Environment  string   `json:"environment"`
	Dependencies []string `json:"dependencies"`
	Properties   struct {
		TerminationProtection bool `json:"terminationProtection"`
	} `json:"properties"`
}

var (
	synthesised = map[string]*assembly{}
	synthLock   sync.Mutex
)

// synth of a variant, once a process: the JavaScript behind it costs seconds.
func synth(t *testing.T, v variant) *assembly {
	t.Helper()
	synthLock.Lock()
	defer synthLock.Unlock()
	if done, ok := synthesised[v.name]; ok {
		return done
	}
	dir := *appOf(t, v.flags, testAssets(t)).Synth(nil).Directory()
	a := &assembly{dir: dir, templates: map[string]object{}, stacks: map[string]artifact{}}
	var manifest struct {
		Artifacts map[string]artifact `json:"artifacts"`
	}
	readJSON(t, filepath.Join(dir, "manifest.json"), &manifest)
	for name, art := range manifest.Artifacts {
		if art.Type != "aws:cloudformation:stack" {
			continue
		}
		var template object
		readJSON(t, filepath.Join(dir, name+".template.json"), &template)
		a.templates[name], a.stacks[name] = template, art
	}
	synthesised[v.name] = a
	return a
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// resource of a template, with where it is.
type resource struct {
	stack, id string
	kind      string
	body      object
}

func (r resource) String() string { return r.stack + "/" + r.id }

// at follows a path of keys, nil where it ends.
func (r resource) at(path ...string) any {
	var v any = r.body
	for _, key := range path {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (r resource) property(path ...string) any {
	return r.at(append([]string{"Properties"}, path...)...)
}

func (a *assembly) resources(kinds ...string) []resource {
	var out []resource
	for _, stack := range slices.Sorted(maps.Keys(a.templates)) {
		all, _ := a.templates[stack]["Resources"].(object)
		for _, id := range slices.Sorted(maps.Keys(all)) {
			body := all[id].(object)
			kind := body["Type"].(string)
			if len(kinds) == 0 || slices.Contains(kinds, kind) {
				out = append(out, resource{stack, id, kind, body})
			}
		}
	}
	return out
}

// each variant as a subtest.
func each(t *testing.T, f func(t *testing.T, v variant, a *assembly)) {
	t.Helper()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) { f(t, v, synth(t, v)) })
	}
}

// equal compares JSON values as text.
func equal(t *testing.T, what any, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%v is %s, want %s", what, g, w)
	}
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func text(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

// statements of every policy document in a template that gives rights to an
// identity.
func identityStatements(r resource) []object {
	var out []object
	docs := []any{r.property("PolicyDocument")}
	for _, p := range list(r.property("Policies")) {
		docs = append(docs, p.(object)["PolicyDocument"])
	}
	for _, doc := range docs {
		if d, ok := doc.(object); ok {
			for _, s := range list(d["Statement"]) {
				out = append(out, s.(object))
			}
		}
	}
	return out
}
