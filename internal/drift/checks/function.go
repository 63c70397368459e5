package checks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

const (
	functionType = "AWS::Lambda::Function"
	asyncType    = "AWS::Lambda::EventInvokeConfig"
)

func (f *Facts) functions() subject {
	return subject{functionType, func(ctx context.Context, r template.Located, name string) (*reader.Resource, error) {
		fn, err := f.function(ctx, r.Stack.Region, name)
		if err != nil || fn == nil {
			return nil, err
		}
		return &fn.Resource, nil
	}}
}

func (f *Facts) functionChecks() []drift.Check {
	configure := func(r template.Located, name string, differ []string) string {
		input := pick(r.Properties, differ)
		input["FunctionName"] = name
		return awsInput(r.Stack.Region, "lambda update-function-configuration", input, revert(r.Stack.Name))
	}
	return []drift.Check{
		{
			ID: "function.exists", Title: "each function is there", Scope: drift.Everywhere,
			Why:  "they take the recovery points and carry a failover out",
			Find: f.missing(f.functions(), func(r template.Located) string { return revert(r.Stack.Name) }),
		},
		{
			ID: "function.code", Title: "each function runs the synthesized package", Scope: drift.Everywhere, Limit: f.limit(),
			Why:  "what would run at a failover is not what was reviewed and tested",
			Find: f.functionCode,
		},
		{
			ID: "function.role", Title: "each function runs under its own role", Scope: drift.Everywhere,
			Why:  "the domain's mappings and the buckets know the function by that role",
			Find: f.differing(f.functions(), configure, "Role"),
		},
		{
			ID: "function.settings", Title: "time limit, memory, runtime and handler are as configured", Scope: drift.Everywhere,
			Why:  "a run with less time is cut off in the middle; those that ask another function need more than that one has",
			Find: f.differing(f.functions(), configure, "Timeout", "MemorySize", "Runtime", "Handler"),
		},
		{
			ID: "function.environment", Title: "the settings that each function starts with are the configuration's", Scope: drift.Everywhere,
			Why:  "it would act on another Region, record or retention than cdk.json says",
			Find: f.differing(f.functions(), configure, "Environment"),
		},
		{
			ID: "function.concurrency", Title: "no function has its concurrency cut", Scope: drift.Everywhere,
			Why:  "a function that may not run beside itself throttles the deployment that waits for it; at 0 it never runs (X5)",
			Find: f.concurrency,
		},
		{
			ID: "function.async", Title: "failed runs are not repeated, and go to the dead letters", Scope: drift.Everywhere,
			Why:  "a repeat of a run is a second run; a failure that goes nowhere is silent (D2)",
			Find: f.functionAsync,
		},
	}
}

func (f *Facts) concurrency(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, functionType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		if _, wanted := r.Properties["ReservedConcurrentExecutions"]; wanted {
			return nil, nil
		}
		name, err := f.name(ctx, r)
		if err != nil || name == "" {
			return nil, err
		}
		have, err := f.function(ctx, region, name)
		if err != nil || have == nil || have.Reserved == nil {
			return nil, err
		}
		return []drift.Finding{{
			Resource: name, Expected: "no concurrency of its own", Found: fmt.Sprintf("%d runs at once", *have.Reserved),
			Mend: aws(region, "lambda delete-function-concurrency", "function-name", name),
		}}, nil
	})
}

func (f *Facts) functionAsync(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, asyncType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		name := r.Text("FunctionName")
		have, err := f.async(ctx, region, name)
		if err != nil {
			return nil, err
		}
		want := pick(r.Properties, []string{"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"})
		input := maps.Clone(want)
		input["FunctionName"] = name
		out := drift.Finding{Resource: name, Mend: awsInput(region, "lambda put-function-event-invoke-config", input, revert(r.Stack.Name))}
		if have == nil {
			out.Expected, out.Found = show(want), "Lambda's own: two repeats, and no destination"
			return []drift.Finding{out}, nil
		}
		differences := template.Compare(want, have.Properties)
		if len(differences) == 0 {
			return nil, nil
		}
		out.Expected, out.Found, _ = say(differences)
		return []drift.Finding{out}, nil
	})
}

// functionCode compares the files of the deployed packages with those of the
// synthesized assets: a package's own hash is of its zip, which is made anew by
// each tool.
func (f *Facts) functionCode(ctx context.Context, region string) ([]drift.Finding, error) {
	items, err := f.expected(region, functionType)
	if err != nil {
		return nil, err
	}
	return all(items, func(r template.Located) ([]drift.Finding, error) {
		name, err := f.name(ctx, r)
		if err != nil || name == "" {
			return nil, err
		}
		fn, err := f.function(ctx, region, name)
		if err != nil || fn == nil {
			return nil, err
		}
		want, err := f.asset(ctx, r)
		if err != nil {
			return nil, err
		}
		have, err := f.code(ctx, region, name)
		if err != nil {
			return nil, err
		}
		differ := differingFiles(want, have)
		if len(differ) == 0 {
			return nil, nil
		}
		return []drift.Finding{{
			Resource: name, Expected: "the package " + r.Text("Code", "S3Key"), Found: "these files of the deployed one differ: " + strings.Join(differ[:min(shown, len(differ))], ", "),
			Mend: aws(region, "lambda update-function-code", "function-name", name, "s3-bucket", r.Text("Code", "S3Bucket"), "s3-key", r.Text("Code", "S3Key")) +
				"; if there is no such object, " + redeploy(r.Stack.Name) + " puts it there",
		}}, nil
	})
}

func differingFiles(want, have map[string]string) []string {
	var out []string
	for name, sum := range want {
		if have[name] != sum {
			out = append(out, name)
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// asset of a function in the cloud assembly: the SHA-256 of each file.
func (f *Facts) asset(ctx context.Context, r template.Located) (map[string]string, error) {
	hash, _, _ := strings.Cut(r.Text("Code", "S3Key"), ".")
	return get(ctx, f, func(context.Context) (map[string]string, error) {
		dir := filepath.Join(f.Expected.Dir, "asset."+hash)
		out, err := hashFiles(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the synthesized package of %s: %s is not in %s; run cdk synth again", r.ID, filepath.Base(dir), f.Expected.Dir)
		}
		if err != nil {
			return nil, fmt.Errorf("read the synthesized package of %s: %w", r.ID, err)
		}
		return out, nil
	}, "asset", hash)
}

func hashFiles(dir string) (map[string]string, error) {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		sum := sha256.Sum256(body)
		out[filepath.ToSlash(name)] = hex.EncodeToString(sum[:])
		return err
	})
	return out, err
}
