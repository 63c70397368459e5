package template_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/template"
)

func parse(t *testing.T, body string) template.Stack {
	t.Helper()
	s, err := template.Parse("app-foundation-us-east-1", "123456789012", "us-east-1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestResolve(t *testing.T) {
	s := parse(t, `{
	"Parameters": {"Cert": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/certificate"}, "Plain": {"Type": "String", "Default": "p"}},
	"Resources": {
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "app-role"}},
		"Key": {"Type": "AWS::KMS::Key", "Properties": {}},
		"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
		"Circle": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Circle"}}},
		"X": {"Type": "Custom::X", "Properties": {
			"role": {"Fn::GetAtt": ["Role", "Arn"]}, "name": {"Ref": "Role"}, "dotted": {"Fn::GetAtt": "Role.Arn"},
			"key": {"Fn::GetAtt": ["Key", "Arn"]}, "queue": {"Ref": "Queue"}, "circle": {"Fn::GetAtt": ["Circle", "Arn"]},
			"joined": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "AWS::AccountId"}]]},
			"half": {"Fn::Join": ["/", ["a", {"Ref": "Key"}]]},
			"sub": {"Fn::Sub": "${AWS::Region}-${Role}-${Queue.Arn}-${!literal}"},
			"given": {"Fn::Sub": ["${who}", {"who": {"Ref": "Plain"}}]},
			"certificate": {"Ref": "Cert"}, "none": {"Ref": "AWS::NoValue"}, "second": {"Fn::Select": [1, ["a", "b"]]},
			"service": {"Service": "es.amazonaws.com"}
		}}
	}}`)
	var got map[string]any
	for _, r := range s.Resources {
		if r.ID == "X" {
			got = r.Properties
		}
	}
	want := map[string]any{
		"role": "arn:aws:iam::123456789012:role/app-role", "name": "app-role", "dotted": "arn:aws:iam::123456789012:role/app-role",
		"key": template.Unknown{Expression: "Key.Arn"}, "queue": "https://sqs.us-east-1.amazonaws.com/123456789012/q", "circle": template.Unknown{Expression: "Circle.Arn"},
		"joined": "arn:aws:s3:::123456789012", "half": template.Unknown{Expression: "a/${Key}"},
		"sub":   "us-east-1-app-role-arn:aws:sqs:us-east-1:123456789012:q-${literal}",
		"given": "p", "certificate": template.Unknown{Expression: "ssm:/app/certificate"}, "second": "b",
		"service": map[string]any{"Service": "es.amazonaws.com"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Every template that the app makes resolves: what stays unknown is known.
func TestGoldensResolve(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "stacks", "testdata", "golden", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := parse(t, string(body))
		for _, r := range s.Resources {
			property := template.Named(r.Type)
			if _, given := r.Properties[property]; given && r.Text(property) == "" {
				t.Errorf("%s: the name of %s (%s) is not known", path, r.ID, r.Type)
			}
		}
	}
}

func TestCompareAsksOnlyForWhatIsSaid(t *testing.T) {
	type object = map[string]any
	for name, c := range map[string]struct {
		want, have any
		paths      []string
	}{
		"the service says more":      {object{"a": 1}, object{"a": 1, "b": 2}, nil},
		"a number as text":           {object{"a": "60"}, object{"a": 60}, nil},
		"a truth as text":            {object{"a": "true"}, object{"a": true}, nil},
		"no is nothing":              {object{"a": false}, object{}, nil},
		"another order":              {object{"a": []any{"x", object{"k": 1}}}, object{"a": []any{object{"k": 1, "l": 2}, "x"}}, nil},
		"unknown":                    {object{"a": template.Unknown{Expression: "Key.Arn"}}, object{"a": "arn:aws:kms"}, nil},
		"unknown in a list":          {object{"a": []any{template.Unknown{}}}, object{"a": []any{"x"}}, nil},
		"another value":              {object{"a": object{"b": 1}}, object{"a": object{"b": 2}}, []string{"a.b"}},
		"one that is missing":        {object{"a": object{"b": "x"}}, object{}, []string{"a"}},
		"an empty list is nothing":   {object{"a": []any{}}, object{}, nil},
		"a list with one more":       {object{"a": []any{"x"}}, object{"a": []any{"x", "y"}}, []string{"a"}},
		"structs by their own names": {object{"a": struct{ B int }{1}}, object{"a": struct{ B int }{2}}, []string{"a.B"}},
	} {
		var got []string
		for _, d := range template.Compare(c.want, c.have) {
			got = append(got, d.Path)
		}
		if diff := cmp.Diff(c.paths, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestChangesLeavesOutWhatDeploysNothing(t *testing.T) {
	body := func(edit func(resources map[string]any)) []byte {
		resources := map[string]any{
			"Gate": map[string]any{"Type": "Custom::Gate", "Properties": map[string]any{"Region": "us-east-1"}},
			"Fn":   map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{"Timeout": 60}},
		}
		edit(resources)
		b, err := json.Marshal(map[string]any{"Resources": resources})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := body(func(map[string]any) {})
	for name, c := range map[string]struct {
		deployed []byte
		paths    []string
	}{
		"the same": {plain, nil},
		"flags of one command": {body(func(r map[string]any) {
			p := r["Gate"].(map[string]any)["Properties"].(map[string]any)
			p["AskedAt"], p["Explicit"], p["SwitchFrom"] = "2026-01-02T03:04:05Z", "true", "3"
		}), nil},
		"metadata": {body(func(r map[string]any) {
			r["Fn"].(map[string]any)["Metadata"] = map[string]any{"a": 1}
			r["CDKMetadata"] = map[string]any{"Type": "AWS::CDK::Metadata"}
		}), nil},
		"a property": {body(func(r map[string]any) {
			r["Fn"].(map[string]any)["Properties"].(map[string]any)["Timeout"] = 3
		}), []string{"Resources.Fn.Properties.Timeout"}},
		"a resource": {body(func(r map[string]any) { delete(r, "Fn") }), []string{"Resources.Fn"}},
	} {
		got, err := template.Changes(c.deployed, plain)
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, d := range got {
			paths = append(paths, d.Path)
		}
		if diff := cmp.Diff(c.paths, paths); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if _, err := template.Changes([]byte("Resources:"), plain); err == nil {
		t.Error("a template that is no JSON has no changes")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := template.Load(dir); !errors.Is(err, template.ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
	write := func(name, body string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("manifest.json", `{"artifacts": {
		"b.assets": {"type": "cdk:asset-manifest"},
		"b": {"type": "aws:cloudformation:stack", "environment": "aws://123456789012/us-west-2", "properties": {"templateFile": "b.json", "terminationProtection": true}},
		"a": {"type": "aws:cloudformation:stack", "environment": "aws://123456789012/us-east-1", "properties": {"templateFile": "b.json", "stackName": "other"}}}}`)
	if _, err := template.Load(dir); err == nil {
		t.Error("a template that is missing is not told")
	}
	write("b.json", `{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}}}`)
	a, err := template.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Stack("b"); s == nil || !s.Protected || s.Region != "us-west-2" || a.Stack("other") == nil {
		t.Errorf("read %+v", a.Stacks)
	}
	if in := a.In("us-west-2", "AWS::SNS::Topic"); len(in) != 1 || in[0].Stack.Name != "b" || in[0].Text("TopicName") != "t" {
		t.Errorf("topics of us-west-2: %+v", in)
	}
}
