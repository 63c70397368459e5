package stacks_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/opensearch-dr/osdr/drill/install/installtest"
)

// cdk-nag's AwsSolutions finds nothing; each suppression stands beside what it
// is about, with its reason (constructs/nag).
func TestCDKNag(t *testing.T) {
	// Warm standby has every resource in both Regions; the other flags have fewer of
	// the same (TestX4), and the options change the rest.
	for _, name := range []string{"active-primary.warm", "options"} {
		t.Run(name, func(t *testing.T) {
			app := appOf(t, byName(name).flags, testAssets(t))
			awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Reports: new(false)}), nil)
			// Errors fail the synth, which the binding turns into a panic; each finding
			// is written to stderr above it.
			defer func() {
				if r := recover(); r != nil {
					t.Fatalf("cdk-nag: %v", r)
				}
			}()
			for _, child := range *app.Node().Children() {
				stack, ok := child.(awscdk.Stack)
				if !ok {
					continue
				}
				found := assertions.Annotations_FromStack(stack)
				for _, list := range []*[]*cxapi.SynthesisMessage{ //nolint:staticcheck // the assertions module still answers this type
					found.FindError(new("*"), assertions.Match_AnyValue()), found.FindWarning(new("*"), assertions.Match_AnyValue()),
				} {
					for _, m := range *list {
						t.Errorf("%s: %v", *m.Id, m.Entry.Data) //nolint:staticcheck // the assertions module still answers this type
					}
				}
			}
		})
	}
}

// notLinted are rules of cfn-lint that are left out, with the reason.
var notLinted = map[string]string{
	"W3005": "the CDK writes a DependsOn on the role beside the GetAtt that says the same; it cannot be told not to",
}

func TestCfnLint(t *testing.T) {
	args := []string{"--non-zero-exit-code", "informational", "--format", "parseable"}
	for rule := range notLinted {
		args = append(args, "--ignore-checks", rule)
	}
	args = append(args, "--template")
	// Most templates are the same in several variants; one run lints each once.
	seen := map[string]bool{}
	for _, v := range variants {
		a := synth(t, v)
		for stack, template := range a.templates {
			if body := text(template); !seen[body] {
				seen[body] = true
				args = append(args, filepath.Join(a.dir, stack+".template.json"))
			}
		}
	}
	if out, err := exec.Command(installtest.Python(t, "cfn-lint", "CFN_LINT"), args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
