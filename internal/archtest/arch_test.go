// Package archtest holds the import directions: functions, the protocol and the
// operator's CLI never link the CDK, and what runs inside CDK never calls AWS.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/opensearch-dr/osdr/"

var (
	cdk = []string{"github.com/aws/jsii-runtime-go", "github.com/aws/aws-cdk-go", "github.com/aws/constructs-go", "github.com/cdklabs/"}
	sdk = []string{"github.com/aws/aws-sdk-go-v2", "github.com/opensearch-project/opensearch-go"}
)

// rules: packages under the prefix must not depend, at any depth, on these.
var rules = []struct {
	under    string
	never    []string
	ownNever []string // of this module
	why      string
}{
	{"internal/", cdk, []string{"stacks", "constructs", "lambda", "bin", "drill"}, "the protocol runs in functions and in a bare shell"},
	{"lambda/", cdk, []string{"stacks", "constructs", "bin", "drill"}, "a function is small and has no Node"},
	{"bin/osdr", cdk, []string{"stacks", "constructs", "drill"}, "the operator's CLI runs without Node"},
	{"drill/", cdk, []string{"stacks", "constructs"}, "the drill uses the app through the cdk command only"},
	{"constructs/", sdk, []string{"stacks", "lambda", "bin", "drill"}, "a synth makes no look-up"},
	{"stacks/", sdk, []string{"lambda", "bin", "drill"}, "a synth makes no look-up"},
	{"bin/app", sdk, []string{"lambda", "drill"}, "a synth makes no look-up"},
}

type pkg struct {
	ImportPath string
	Deps       []string
}

func TestImportDirections(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps=false", "-json=ImportPath,Deps", module+"...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		own := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range rules {
			if !strings.HasPrefix(own+"/", r.under) && own != r.under {
				continue
			}
			seen[r.under] = true
			for _, d := range p.Deps {
				if forbidden(d, r.never, r.ownNever) {
					t.Errorf("%s depends on %s: %s", own, d, r.why)
				}
			}
		}
	}
	for _, must := range []string{"internal/", "lambda/", "constructs/", "stacks/", "bin/app", "bin/osdr", "drill/"} {
		if !seen[must] {
			t.Errorf("no package under %s was looked at: the rule cannot fail", must)
		}
	}
}

func forbidden(dep string, never, ownNever []string) bool {
	for _, n := range never {
		if strings.HasPrefix(dep, n) {
			return true
		}
	}
	own, mine := strings.CutPrefix(dep, module)
	if !mine {
		return false
	}
	for _, n := range ownNever {
		if own == n || strings.HasPrefix(own, n+"/") {
			return true
		}
	}
	return false
}

// The rule must bite: a made-up dependency of each kind is caught.
func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		dep  string
		want bool
	}{
		{"github.com/aws/jsii-runtime-go/runtime", true},
		{module + "stacks", true},
		{module + "stacks/x", true},
		{module + "stacksmith", false},
		{"github.com/aws/aws-sdk-go-v2/aws", false},
	} {
		if got := forbidden(c.dep, cdk, []string{"stacks"}); got != c.want {
			t.Errorf("forbidden(%s) = %v", c.dep, got)
		}
	}
}
