package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/opensearch-dr/osdr/internal/policy"
	"github.com/opensearch-dr/osdr/internal/template"
)

func doc(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const base = `{"Version":"2012-10-17","Statement":[
	{"Sid":"A","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},
	{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["x","y"],"Condition":{"NumericLessThan":{"s3:TlsVersion":1.2},"Bool":{"aws:SecureTransport":"false"}}}]}`

func TestF33_SpellingIsNoDrift(t *testing.T) {
	other := `{"Version":"2012-10-17","Statement":[
	{"Effect":"Deny","Principal":{"AWS":"*"},"Action":["S3:*"],"Resource":["y","x"],"Condition":{"Bool":{"aws:securetransport":["false"]},"NumericLessThan":{"s3:TlsVersion":"1.2"}}},
	{"Sid":"B","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":["s3:putobject","s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]}]}`
	if missing, extra := policy.Differences(doc(t, base), doc(t, other)); len(missing)+len(extra) != 0 {
		t.Errorf("missing %v, extra %v", missing, extra)
	}
	if missing, extra := policy.Differences(base, other); len(missing)+len(extra) != 0 {
		t.Errorf("as texts: missing %v, extra %v", missing, extra)
	}
}

func TestEveryMeaningIsADrift(t *testing.T) {
	for name, edited := range map[string]string{
		"an action more": `{"Statement":[{"Effect":"Allow","Action":["a:B","a:C"],"Resource":"r"}]}`,
		"an action less": `{"Statement":[]}`,
		"a resource":     `{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"*"}]}`,
		"an effect":      `{"Statement":[{"Effect":"Deny","Action":"a:B","Resource":"r"}]}`,
		"a condition":    `{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"r","Condition":{"Bool":{"x":"true"}}}]}`,
		"a statement":    `{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"r"},{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"nothing":        `null`,
	} {
		missing, extra := policy.Differences(`{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"r"}]}`, doc(t, edited))
		if len(missing)+len(extra) == 0 {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestUnknownEqualsAll(t *testing.T) {
	want := map[string]any{"Statement": []any{map[string]any{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": []any{template.Unknown{Expression: "Key.Arn"}, "b"}}}}
	have := doc(t, `{"Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":["a","b"]}]}`)
	if missing, extra := policy.Differences(want, have); len(missing)+len(extra) != 0 {
		t.Errorf("missing %v, extra %v", missing, extra)
	}
	have = doc(t, `{"Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":["a","c"]}]}`)
	if missing, _ := policy.Differences(want, have); len(missing) != 1 {
		t.Error("what is known and differs is not seen")
	}
}
