package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

// finder of a check.
type finder = func(ctx context.Context, region string) ([]drift.Finding, error)

// all of the items at once. What one of them fails at does not hide what the
// others find.
func all[T any](items []T, look func(T) ([]drift.Finding, error)) ([]drift.Finding, error) {
	found := make([][]drift.Finding, len(items))
	errs := make([]error, len(items))
	var wait sync.WaitGroup
	for i, item := range items {
		wait.Go(func() { found[i], errs[i] = look(item) })
	}
	wait.Wait()
	return slices.Concat(found...), first(errs)
}

// first error, and how many like it: a Region that is away fails each alike.
func first(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	return fmt.Errorf("%w (and %d more)", errs[0], len(errs)-1)
}

// expected resources of a type in a Region.
func (f *Facts) expected(region, kind string) ([]template.Located, error) {
	if f.ExpectedErr != nil {
		return nil, f.ExpectedErr
	}
	return f.Expected.In(region, kind), nil
}

// name of a resource: its own, or the one that CloudFormation gave it.
func (f *Facts) name(ctx context.Context, r template.Located) (string, error) {
	if name := r.Text(template.Named(r.Type)); name != "" {
		return name, nil
	}
	resources, err := f.stackResources(ctx, r.Stack.Region, r.Stack.Name)
	if err != nil {
		return "", err
	}
	for _, s := range resources {
		if s.ID == r.ID {
			return s.Physical, nil
		}
	}
	return "", nil // its stack is not there, or has lost it: other checks say so
}

// subject is a type of resource that the templates hold and AWS is asked for.
type subject struct {
	kind string
	read func(ctx context.Context, r template.Located, name string) (*reader.Resource, error)
}

// missing resources of the subject.
func (f *Facts) missing(s subject, mend func(template.Located) string) finder {
	return func(ctx context.Context, region string) ([]drift.Finding, error) {
		items, err := f.expected(region, s.kind)
		if err != nil {
			return nil, err
		}
		return all(items, func(r template.Located) ([]drift.Finding, error) {
			name, err := f.name(ctx, r)
			if err != nil || name == "" {
				return nil, err
			}
			have, err := s.read(ctx, r, name)
			if err != nil || have != nil {
				return nil, err
			}
			return []drift.Finding{{Resource: name, Expected: "it is there, as stack " + r.Stack.Name + " has it", Found: "there is none of that name", Mend: mend(r)}}, nil
		})
	}
}

// differing properties of the subject. What the template does not say is not
// asked, and one that is missing as a whole is missing's affair.
func (f *Facts) differing(s subject, mend mender, properties ...string) finder {
	return f.differingFrom(s, mend, func(r template.Located) map[string]any { return pick(r.Properties, properties) })
}

// mender names what mends the properties that differ of a resource.
type mender = func(r template.Located, name string, differ []string) string

// differingFrom what is wanted of a resource.
func (f *Facts) differingFrom(s subject, mend mender, wanted func(template.Located) map[string]any) finder {
	return func(ctx context.Context, region string) ([]drift.Finding, error) {
		items, err := f.expected(region, s.kind)
		if err != nil {
			return nil, err
		}
		return all(items, func(r template.Located) ([]drift.Finding, error) {
			want := wanted(r)
			name, err := f.name(ctx, r)
			if err != nil || name == "" || len(want) == 0 {
				return nil, err
			}
			have, err := s.read(ctx, r, name)
			if err != nil || have == nil {
				return nil, err
			}
			differences := template.Compare(want, have.Properties)
			if len(differences) == 0 {
				return nil, nil
			}
			expected, found, differ := say(differences)
			return []drift.Finding{{Resource: name, Expected: expected, Found: found, Mend: mend(r, name, differ)}}, nil
		})
	}
}

// say the differences as texts, and the properties at the top that differ.
func say(differences []template.Difference) (expected, found string, differ []string) {
	var want, have []string
	for _, d := range differences {
		want = append(want, d.Path+" = "+show(d.Expected))
		have = append(have, d.Path+" = "+show(d.Found))
		top, _, _ := strings.Cut(d.Path, ".")
		if !slices.Contains(differ, top) {
			differ = append(differ, top)
		}
	}
	return strings.Join(want, ", "), strings.Join(have, ", "), differ
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func pick(properties map[string]any, names []string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		if v, ok := properties[n]; ok {
			out[n] = v
		}
	}
	return out
}

// aws is a command of the AWS CLI. An input that holds something only AWS knows
// cannot be typed; redeploy says the other way then.
func aws(region, command string, flags ...string) string {
	out := "aws " + command
	if region != "" {
		out += " --region " + region
	}
	for i := 0; i+1 < len(flags); i += 2 {
		out += " --" + flags[i]
		if flags[i+1] != "" {
			out += " " + quote(flags[i+1])
		}
	}
	return out
}

// awsInput is a command whose arguments are properties of a template: the API and
// CloudFormation call them alike.
func awsInput(region, command string, input map[string]any, otherwise string) string {
	if unknown(input) {
		return otherwise
	}
	return aws(region, command, "cli-input-json", show(input))
}

func unknown(v any) bool {
	switch v := v.(type) {
	case template.Unknown:
		return true
	case map[string]any:
		for _, item := range v {
			if unknown(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, unknown)
	}
	return false
}

// revert has CloudFormation put the resources of a stack back to its template: a
// deployment of an unchanged template alone changes nothing
// (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html).
func revert(stack string) string { return "cdk deploy " + stack + " --exclusively --revert-drift" }

func redeploy(stack string) string { return "cdk deploy " + stack + " --exclusively" }

// quote for a POSIX shell.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// compact JSON for an argument.
func compact(v any) string { return show(v) }
